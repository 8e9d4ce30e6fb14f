"""The adapter: ports on one side, the hub on the other, one loop in between.

The one idea to know: `step()` never waits. It looks at the pins, lets the link go on, sends what
there is to send, and returns how long nothing will be due; then `link.wait()` sleeps until that
time has passed, or something arrives, or a pin moves. It is the same code on a board and on
CPython; only link and pins differ.

What is sent to the hub, in which order, and when again, is the Outbox's business (`myocan.wire`).
Here is what surrounds it: `status` and last will, the heartbeat, what a silent hub means, and which
port takes which message.
"""

import os
import sys

from myocan.edge.clock import Alarm, const, soonest, ticks_ms
from myocan.edge.errors import ConfigError, EdgeError
from myocan.edge.inlet import Inlet
from myocan.edge.ports.port import open_port
from myocan.wire import (
    WIRE_VERSION,
    Outbox,
    WireError,
    board_topic,
    decode_ack,
    decode_data,
    encode_log,
    encode_status,
)

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.interfaces import Link, Pins, Spec
    from myocan.edge.ports.port import Port
    from myocan.wire.message import Value

VERSION = "0.1.0"

_HEARTBEAT_MS = const(10_000)
"""How often the hub is asked for an acknowledgement when there is nothing else to say."""
_PATIENCE_MS = const(1_500)
"""After so long without an answer the broker is probed, and the hub asked again."""
_SILENCE_MS = const(30_000)
"""After so long without an acknowledgement the connection is renewed; while that does not help,
the time doubles, up to _LONG_SILENCE_MS."""
_LONG_SILENCE_MS = const(480_000)
_STATUS_MS = const(1_000)
"""What changes within this time is told in one status."""
_AGAIN_MS = const(15_000)
"""How often why it is offline is said again: who watches a board may have come later."""
_HELD_MS = const(250)
"""The loop's longest sleep while something is held back: time-outs are the Outbox's secret."""
_CAPACITY = const(8_192)
"""Bytes of RAM for messages, if the configuration does not say (`outbox`)."""
_OFFLINE = b'"online":false'
"""What a status says that is this board's last will."""


class Adapter:
    """One board's adapter.

    config: what the adapter's TOML file was compiled to.
    link, pins: see `interfaces.py`.
    say: called with a line of text when something happens that a person may want to read.
    ticks: the clock, as `clock.ticks_ms`. random: returns so many random bytes.
    hears: what else it takes below its own name: end of the topic -> called with payload, and
        whether it is a retained one.

    All ports are open, and outputs at their safe values, when the constructor returns. Raises
    ConfigError or PinError.
    """

    def __init__(
        self,
        config: "Spec",
        link: "Link",
        pins: "Pins",
        say: "Callable[[str], None]" = print,
        ticks: "Callable[[], int]" = ticks_ms,
        random: "Callable[[int], bytes]" = os.urandom,
        hears: "dict[str, Callable[[bytes, bool], None]] | None" = None,
    ) -> None:
        if config["wire"] != WIRE_VERSION:
            raise ConfigError(f"the configuration is not for wire {WIRE_VERSION}: flash it again")
        self.link = link
        self.pins = pins
        self._config_hash = config.get("hash") or ""
        self._say = say
        self._ticks = ticks
        self._random = random
        self._now = ticks()
        self._own = board_topic(config["domain"], config["name"], "ack")[:-3]
        capacity = config.get("outbox", _CAPACITY)
        self.outbox = Outbox(capacity, self._draw_boot(), self._draw_boot, self._now)
        self._connection = 0  # that is open, or 0
        self._reason = ""  # as was said
        self.heard = False
        """Whether the hub has answered on the connection that is open."""
        self._store = ""
        self._lost = 0
        self.free: int | None = None
        """Bytes of memory that were free when least of it was; told in the status if it is set."""
        self._facts: dict[str, Value] = {}  # that the status tells besides
        self._words: list[tuple[str, bytes]] = []  # leaf and payload of what waits to be said
        self._alarms = (Alarm(), Alarm(), Alarm(), Alarm(), Alarm())
        self._status_due, self._heartbeat, self._patience, self._silence, self._again = self._alarms
        self._silence_ms = _SILENCE_MS
        self.ports = self._open_ports(config)
        remark, push = self.remark, self._push  # one of each for all, since each takes memory
        self.inlets = [Inlet(port, remark) for port in self.ports if port.subscribe]
        if any(port.guard for port in self.ports):
            from myocan.edge.guard import guard_ports

            guard_ports(self.ports, self.inlets, remark)
        for inlet in self.inlets:
            inlet.hub_lost(self._now)
        self._topics = [self._own + "ack", self._own + "status"]
        for port in self.ports:
            if port.subscribe and port.subscribe not in self._topics:
                self._topics.append(port.subscribe)
        self._hears = {self._own + leaf: take for leaf, take in (hears or {}).items()}
        self._topics += self._hears
        if self.inlets:
            self._topics.append(self._own + "propose")
        link.attach(self._topics, self._will, self._receive)
        for stream in pins.streams():
            link.watch(stream)
        for port in self.ports:
            port.outlet = push
            port.remark = remark
            port.start()

    def step(self) -> int:
        """Do all that can be done now; return the milliseconds until something is due."""
        now = self._now = self._ticks()
        link = self.link
        self.outbox.on_tick(now)
        self.pins.take_in()
        due = self.pins.look_ms
        for port in self.ports:
            port.step(now)
            due = min(due, port.due(now))
        link.step(now)
        if self._connection and not (link.ready and link.connection == self._connection):
            self._lose_hub()
        if link.reason != self._reason or self._again.rings(now):
            self._reason = link.reason
            self._say("offline: " + self._reason)
            self._again.set(now, _AGAIN_MS)
        if link.ready:
            if not self._connection:
                self._open()
            self._talk()
        for inlet in self.inlets:
            if inlet.step(now):
                self._changed()
                due = 0  # another port may need this one
            due = min(due, inlet.waiting.left(now))
        if len(self.outbox):
            due = min(due, _HELD_MS)
        return min(due, soonest(self._alarms, now), link.due(now))

    def make_safe(self) -> None:
        """Bring all outputs to their safe values; works after any failure."""
        for port in self.ports:
            try:
                port.make_safe()
            except Exception as error:  # the others have to be safe, too
                self._say(f"{port.name}: {error!r}")

    def close(self, reason: str = "stopped") -> None:
        """End in good order: outputs safe, the hub told, the connection closed, pins given back."""
        self.make_safe()
        self.link.close(*self._report(False, reason))
        self.pins.close()

    def remark(self, text: str) -> None:
        """Tell the hub's log, and whoever watches the board, what a person should know."""
        self._say(text)
        if len(self._words) < 4:  # a flood says no more than its beginning
            self._words.append(("log", encode_log("warn", text[:200], None, self.outbox.boot)))

    def send(self, leaf: str, payload: bytes) -> None:
        """Send something below this board's own name, once, as soon as the link can."""
        self._words.append((leaf, payload))

    def tell_facts(self, facts: "dict[str, Value]") -> None:
        """Tell `facts` in the status, too, from now on."""
        self._facts = facts
        self._changed()

    def _open_ports(self, config: "Spec") -> "list[Port]":
        """Return all ports, their pins claimed and safe."""
        return [open_port(spec, self.pins) for spec in config["ports"]]

    # the connection

    def _open(self) -> None:
        """A connection stands."""
        self._connection = self.link.connection
        self._reason = self.link.reason
        self._again.off()
        self.outbox.on_reconnect()
        self._status_due.set(self._now, 0)
        self._silence.set(self._now, self._silence_ms)

    def _lose_hub(self) -> None:
        """The connection is gone, and the hub with it."""
        self._connection = 0
        self._reason = ""
        self.heard = False
        for alarm in self._alarms:
            alarm.off()
        for inlet in self.inlets:
            inlet.hub_lost(self._now)

    def _talk(self) -> None:
        """Send what there is to send, as far as the link takes it."""
        now, link, outbox = self._now, self.link, self.outbox
        if self._silence.rings(now):
            self._silence_ms = min(2 * self._silence_ms, _LONG_SILENCE_MS)
            link.renew("the hub is silent")
            return
        if self._patience.rings(now):
            link.probe()
            outbox.ask()
        if self._heartbeat.rings(now):
            outbox.ask()
        if self._status_due.rings(now):
            if link.writable():
                link.publish(*self._report(True, link.reason), True)
            else:
                self._status_due.set(now, _HELD_MS)
        while link.writable():
            frame = outbox.sendable()
            if frame is None:
                break
            link.publish(self._own + frame[0], frame[1])
            if not self._patience.on:
                self._patience.set(now, _PATIENCE_MS)
        while self._words and link.writable():
            leaf, payload = self._words.pop(0)
            link.publish(self._own + leaf, payload)

    def _report(self, online: bool, reason: str) -> "tuple[str, bytes]":
        """Return topic and payload of the status: what this board is, and what it shows."""
        status = {
            "online": online,
            "connection": self.link.connection,
            "boot": self.outbox.boot,
            "wire": WIRE_VERSION,
            "reason": reason,
        }
        if online:
            kind = sys.implementation
            applied = {port.name: port.applied for port in self.ports if port.applied is not None}
            status["sdk"] = VERSION
            status["runtime"] = f"{kind.name} {kind.version[0]}.{kind.version[1]} {sys.platform}"
            status["config"] = self._config_hash
            status["applied"] = applied
            status["lost"] = self.outbox.lost
            if self.free is not None:
                status["free"] = self.free
            status.update(self._facts)
        return self._own + "status", encode_status(status)

    def _will(self) -> "tuple[str, bytes]":
        return self._report(False, "the connection broke")

    # what comes

    def _receive(self, topic: str, payload: "bytes | None", retained: bool) -> None:
        try:
            if payload is None:
                raise EdgeError("too large for this board")
            if topic == self._own + "ack":
                self._take_ack(payload)
            elif topic == self._own + "status":
                # an earlier connection's will, late: the retained copy is older than our own word
                if not retained and payload.find(_OFFLINE) >= 0:
                    self._status_due.set(self._now, 0)
            elif topic == self._own + "propose":
                from myocan.edge.proposals import verdict_on

                verdict = verdict_on(payload, self.outbox.now_ms(), self.ports)
                if verdict is not None and not retained:
                    self._words.insert(0, ("verdict", verdict))
            elif topic in self._hears:
                self._hears[topic](payload, retained)
            elif payload:  # without one, the variable is gone
                value, offset, _, _, incarnation = decode_data(payload)
                for inlet in self.inlets:
                    if inlet.port.subscribe == topic:
                        if not inlet.offer((incarnation, offset), value):
                            self.outbox.ask()  # perhaps the hub has another store: it will say
                        self._changed()
        except (EdgeError, WireError, MemoryError) as error:
            self.remark(f"{topic}: {error}")

    def _take_ack(self, payload: bytes) -> None:
        boot, seq, now_ms, store = decode_ack(payload)
        outbox = self.outbox
        before = outbox.boot
        if not outbox.on_ack(boot, seq, now_ms):
            if outbox.boot != before:
                self._changed()
            return
        self._patience.off()
        self._heartbeat.set(self._now, _HEARTBEAT_MS)
        self._silence_ms = _SILENCE_MS
        self._silence.set(self._now, _SILENCE_MS)
        if self._store not in ("", store):
            # another log: what it means by an offset, and what it has of us, is unknown
            self._refresh()
            for inlet in self.inlets:
                inlet.forget()
            self.link.subscribe(self._topics)
        self._store = store
        if self._lost != outbox.lost and not len(outbox):
            self._lost = outbox.lost
            self._refresh()  # what was thrown away may have been the newest reading
        if not self.heard:
            self.heard = True
            self._say("online")
            for inlet in self.inlets:
                inlet.hub_back()
            self._changed()

    def _refresh(self) -> None:
        for port in self.ports:
            port.refresh()

    def _changed(self) -> None:
        """Something that the status tells may have changed."""
        if not self._status_due.on:
            self._status_due.set(self._now, _STATUS_MS)

    # what goes

    def _push(self, variable: str, value: "Value", every: bool) -> None:
        try:
            self.outbox.push(variable, value, "all" if every else "last")
        except WireError as error:
            self.remark(f"{variable}: {error}")

    def _draw_boot(self) -> int:
        return int.from_bytes(self._random(4), "big")
