"""A board's connection to the broker, on MicroPython; it never blocks and comes back by itself.

The one idea to know: nothing here waits for the network. MicroPython's own client does: it reads
without a deadline, and so can hang a board for ever; it reads a length before it checks it, raises
on a short read, packs a subscription's length into one byte, counts packet ids past 65,535, and
makes four small writes of each packet. So a board speaks MQTT by itself (`mqtt.py`), and not even
the three kilobytes of memory for that client are spent on it.

States: closed (until an alarm rings) -> dialling (TCP) -> greeting (CONNECT is sent) -> subscribing
-> open. Every state but the last has a deadline; in the last one a PINGREQ every _PING_MS must be
answered within _ANSWER_MS. No call waits: not even the look-up of the broker's name, which a
board's network makes (`network.py`), again only after a failure.

The interface is `interfaces.Link`.
"""

import errno
import os
import select
import socket

from myocan.edge import mqtt
from myocan.edge.clock import FIRST_WAIT_MS, Alarm, const, shortened, soonest, ticks_ms, wait_after

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from myocan.edge.interfaces import Spec, Take

_KEEPALIVE_S = const(15)
"""After one and a half times this without a word, the broker publishes the board's last will."""
_PING_MS = const(6_000)
_ANSWER_MS = const(4_000)
"""How long the broker may take to answer, and the network to take what is sent."""
_LOOK_MS = const(20)
"""How often to look whether the broker's name was found."""
_STEADY_MS = const(1_000)
"""A connection that lasted so long makes the next wait short again."""


_CLOSED = const(0)
_DIALLING = const(1)
_GREETING = const(2)
_SUBSCRIBING = const(3)
_OPEN = const(4)


class Link:
    """The connection of the board called `client_id`.

    broker: the `broker` part of the configuration: host, port, user, password, tls.
    network: what must be up first, see `network.py`; None where the machine has one by itself.
    random: returns so many random bytes.
    """

    _count: "int | None"  # bytes that were read last; None if there were none

    def __init__(
        self,
        broker: "Spec",
        client_id: str,
        network: "Any" = None,
        random: "Callable[[int], bytes]" = os.urandom,
    ) -> None:
        self.ready = False
        self.connection = 0
        self.reason = ""
        self._broker = broker
        self._client_id = client_id
        self.network = network
        self._random = random
        self._wait_ms = FIRST_WAIT_MS  # before the next try
        self._reader = mqtt.Reader()
        self._writer = mqtt.Writer()
        self._sent = 0  # of what the writer holds; it is cleared when all of it is sent
        self._poller = select.poll()
        self._socket: Any = None
        self._address: Any = None
        self._state = _CLOSED
        self._flags = 0
        self._packet_id = 0
        self._to_subscribe: list[str] = []
        self._alarms = (Alarm(), Alarm(), Alarm(), Alarm(), Alarm())
        self._retry, self._answer, self._stall, self._ping, self._steady = self._alarms
        self._now = ticks_ms()
        self._retry.set(self._now, 0)

    def attach(
        self, topics: "list[str]", will: "Callable[[], tuple[str, bytes]]", take: "Take"
    ) -> None:
        """See interfaces.Link."""
        self._topics, self._will, self._take = topics, will, take

    def step(self, now: int) -> None:
        """See interfaces.Link."""
        self._now = now
        flags, self._flags = self._flags, 0
        up = self.network is None or self.network.step(now)
        try:
            if self._state == _CLOSED:
                if not up:
                    self.reason = self.network.reason or self.reason
                elif self._retry.rings(now):
                    self._dial()
            elif not up:
                self.renew("the network is gone")
            elif flags and self._state == _DIALLING:
                self._greet()
            else:
                if self._state > _DIALLING:
                    self._converse(flags)
                if self._answer.rings(now) or self._stall.rings(now):
                    self.renew("the broker does not answer")
        except OSError as error:
            self._fail(error)
        except mqtt.ProtocolError as error:
            self.renew(f"the broker sent {error}")

    def writable(self) -> bool:
        """See interfaces.Link."""
        return self.ready and not self._stall.on

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """See interfaces.Link."""
        raw = topic.encode()
        if self._writer.end and not self._writer.fits(len(raw) + len(payload)):
            self._send()
        if self.ready:
            self._writer.publish(raw, payload, retain)

    def subscribe(self, topics: "list[str]") -> None:
        """See interfaces.Link."""
        self._to_subscribe = list(topics)

    def probe(self) -> None:
        """See interfaces.Link."""
        if self.ready and not self._answer.on:
            self._ping.set(self._now, 0)

    def renew(self, reason: str) -> None:
        """See interfaces.Link."""
        if self.ready and not self._steady.on:
            self._wait_ms = FIRST_WAIT_MS
        self._hang_up()
        self.reason = reason
        self._retry.set(self._now, shortened(self._wait_ms, self._random))
        self._wait_ms = wait_after(self._wait_ms)

    def close(self, topic: str, payload: bytes) -> None:
        """See interfaces.Link."""
        if self.writable():
            self.publish(topic, payload, True)
            self._writer.bare(mqtt.DISCONNECT)
            self._send()
        if self.ready:
            try:
                self._socket.settimeout(1)
                # with bytes unread, closing would throw away what was sent last
                while self._socket.read(1):
                    pass
            except (OSError, AttributeError):
                pass  # or it is one that cannot wait
        self._hang_up()

    def due(self, now: int) -> int:
        """See interfaces.Link."""
        return soonest(self._alarms, now)

    def watch(self, stream: "Any") -> None:
        """See interfaces.Link."""
        self._poller.register(stream, select.POLLIN)

    def wait(self, ms: int) -> None:
        """See interfaces.Link. What was composed leaves now, all of it in one write."""
        if self._writer.end and not self._stall.on:
            self._send()
        for ready in self._poller.ipoll(ms):  # type: ignore[attr-defined]
            if ready[0] is self._socket:
                self._flags = ready[1]

    def _dial(self) -> None:
        if self._address is None:
            host = self._broker["host"]
            if self.network is not None:
                host = self.network.find(host, self._now)
            if host is None:
                self._retry.set(self._now, _LOOK_MS)
                return
            port = self._broker["port"]
            self._address = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)[0]
        self.connection += 1
        family, kind, protocol, _, address = self._address
        self._socket = socket.socket(family, kind, protocol)
        self._poller.register(self._socket, select.POLLOUT)
        self._socket.setblocking(False)
        try:  # noqa: SIM105 (a board has no contextlib)
            self._socket.setsockopt(6, 1, 1)  # TCP_NODELAY, which has no name on a board
        except (OSError, ValueError):
            pass  # nor is it there on every board
        try:
            self._socket.connect(address)
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                raise
        self._state = _DIALLING
        self._answer.set(self._now, _ANSWER_MS)

    def _greet(self) -> None:
        account = self._broker["user"], self._broker["password"]
        self._reader.clear()
        self._writer.connect(self._client_id, _KEEPALIVE_S, account, self._will())
        self._state = _GREETING
        self._answer.set(self._now, _ANSWER_MS)
        self._send()

    def _converse(self, flags: int) -> None:
        if flags and self._stall.on:
            self._flush()
        elif flags:
            count = self._count = self._socket.readinto(self._reader.space())
            if count == 0:
                raise OSError(errno.ECONNRESET)
            self._reader.got(count or 0)
        while self._state != _CLOSED and not self._stall.on:
            kind = self._reader.next()
            if not kind:
                break
            self._found(kind)
        if self._state == _CLOSED or self._stall.on:
            return
        self._steady.rings(self._now)
        if self._to_subscribe and self._state > _GREETING:
            self._packet_id = self._packet_id % 0xFFFF + 1
            self._writer.subscribe(self._packet_id, self._to_subscribe.pop().encode())
        elif self._ping.rings(self._now):
            self._answer.set(self._now, _ANSWER_MS)
            self._writer.bare(mqtt.PINGREQ)

    def _found(self, kind: int) -> None:
        """Act on the packet that the reader has found."""
        reader = self._reader
        if (kind == mqtt.CONNACK) != (self._state == _GREETING):
            raise mqtt.ProtocolError("a packet out of turn")
        if kind == mqtt.CONNACK:
            if reader.code:
                self.renew(f"the broker refuses this board ({reader.code}): check its password")
                return
            self._state = _SUBSCRIBING
            self.subscribe(self._topics)
            self._answer.set(self._now, _ANSWER_MS)
        elif kind == mqtt.SUBACK:
            if reader.code > 2:
                self.reason = "the broker refuses a subscription: check its ACL"
            if self._state == _SUBSCRIBING and not self._to_subscribe:
                self._state = _OPEN
                self.ready = True
                self._answer.off()
                self._ping.set(self._now, _PING_MS)
                self._steady.set(self._now, _STEADY_MS)
        elif kind == mqtt.PINGRESP:
            self._answer.off()
            self._ping.set(self._now, _PING_MS)
        else:
            self._take(reader.topic, reader.payload, reader.retained)
            if reader.packet_id and self._state != _CLOSED:
                self._writer.acknowledge(reader.packet_id)

    def _send(self) -> None:
        try:
            self._flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        self.renew(f"no connection to the broker: {error}")

    def _flush(self) -> None:
        """Write as much as the network takes; the rest follows when it can."""
        writer = self._writer
        stalled = self._stall.on
        count = self._socket.write(writer.buffer, self._sent, writer.end - self._sent) or 0
        self._sent += count
        if self._sent < writer.end:
            if count or not stalled:
                self._stall.set(self._now, _ANSWER_MS)
            self._ping.off()
            self._poller.modify(self._socket, select.POLLOUT)
            return
        self._sent = 0
        writer.clear()
        if stalled or self._state == _GREETING:
            self._stall.off()
            self._ping.set(self._now, _PING_MS)
            self._poller.modify(self._socket, select.POLLIN)

    def _hang_up(self) -> None:
        for alarm in self._alarms:
            alarm.off()
        if self._socket is not None:
            self._poller.unregister(self._socket)
            self._socket.close()
            self._socket = None
        if not self.ready:
            self._address = None  # perhaps the broker has moved: look its name up again
        self._state, self.ready = _CLOSED, False
        self._sent = 0
        self._writer.clear()
