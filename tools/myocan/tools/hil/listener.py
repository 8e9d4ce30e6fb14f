"""The hub of a bench: keeps the session with each board, writes down what comes, and says values.

The one idea to know: it decides nothing, so what is measured is the board and its link. It takes
each event once and in order by the same Inbox as the hub, and acknowledges at once.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from myocan.tools.errors import ToolsError
from myocan.tools.hil.broker import USER, BenchBroker
from myocan.wire import (
    Inbox,
    WireError,
    board_topic,
    data_topic,
    decode_base,
    decode_log,
    decode_status,
    decode_up,
    encode_ack,
    encode_data,
    parse_topic,
)

DOMAIN = "bench"
STORE = "00000000000000be"
CONNECT_S = 20.0


class BenchError(ToolsError):
    """A board on the bench did not do what was expected of it."""


class Event(NamedTuple):
    """What a board has told: the topic ("button1.press"), its value (None of an event), the time
    at which it came in (monotonic, ns) and its number within the board's boot."""

    topic: str
    value: Any
    at_ns: int
    seq: int


@dataclass
class Heard:
    """All that was heard of one board.

    events: those that were taken, in order. statuses: newest last. boots: its starts, in order, as
    (number, time in ns at which it was first heard). lost: what it says that it threw away.
    repeats: how many messages came again.
    """

    events: list[Event] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    boots: list[tuple[int, int]] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    lost: int = 0
    repeats: int = 0
    inbox: Inbox = field(default_factory=Inbox)

    @property
    def status(self) -> dict[str, Any]:
        """The newest status, {} before there is one."""
        return self.statuses[-1] if self.statuses else {}


class Listener:
    """A hub of the domain `bench`; use it in a `with` block, from any threads."""

    def __init__(self, broker: BenchBroker) -> None:
        self._broker = broker
        self._boards: dict[str, Heard] = {}
        self._incarnation = int(time.time())  # what boards have seen of another one is older
        self._offset = 0
        self._said: set[str] = set()
        self._now_ms = 0
        self._subscribed = False
        self._changed = threading.Condition()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="listener")

    def __enter__(self) -> Self:
        client = self._client
        client.username_pw_set(USER, self._broker.password)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.connect(self._broker.host, self._broker.port)
        client.loop_start()
        with self._changed:
            if not self._changed.wait_for(lambda: self._subscribed, CONNECT_S):
                raise BenchError("the bench's broker does not answer")
        return self

    def __exit__(self, *exc: object) -> None:
        for topic in self._said:  # the next one's boards shall find nothing
            self._client.publish(topic, b"", 1, True).wait_for_publish(CONNECT_S)
        self._client.disconnect()
        self._client.loop_stop()

    def heard(self, board: str) -> Heard:
        """Return what was heard of a board so far."""
        with self._changed:
            return self._boards.setdefault(board, Heard())

    def say(self, topic: str, value: Any) -> int:
        """Publish a value ("lamp1.state", "on") as the hub does; returns when (monotonic, ns)."""
        module, _, variable = topic.partition(".")
        where = data_topic("live", DOMAIN, module, variable)
        with self._changed:
            self._offset += 1
            offset = self._offset
            self._said.add(where)
        now_ms = int(time.time() * 1000)
        payload = encode_data(value, offset, now_ms, "bench", self._incarnation)
        at_ns = time.monotonic_ns()
        sent = self._client.publish(where, payload, 1, True)
        sent.wait_for_publish(CONNECT_S)
        return at_ns

    def wait(self, board: str, holds: Callable[[Heard], Any], what: str, seconds: float) -> None:
        """Wait until `holds` is true of what was heard of a board.

        Raises BenchError with `what` after so many seconds.
        """
        heard = self.heard(board)
        with self._changed:
            if self._changed.wait_for(lambda: holds(heard), seconds):
                return
            newest = ", ".join(event.topic for event in heard.events[-3:]) or "nothing"
            raise BenchError(
                f"{board}: {what} did not come within {seconds:g} s; the last that came: "
                f"{newest}; its status: {heard.status or 'none'}"
            )

    # from here on in the client's thread

    def _on_connect(self, client: Client, *_: object) -> None:
        sock = client.socket()
        if isinstance(sock, socket.socket):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own = board_topic(DOMAIN, "BOARD", "base").replace("BOARD", "+")
        leaves = ("base", "status", "log", "up/#")
        client.subscribe([(own.replace("base", leaf), 1) for leaf in leaves])

    def _on_subscribe(self, *_: object) -> None:
        with self._changed:
            self._subscribed = True
            self._changed.notify_all()

    def _on_message(self, client: Client, _: object, message: MQTTMessage) -> None:
        at_ns = time.monotonic_ns()
        parsed = parse_topic(message.topic)
        board = str(parsed[2])
        with self._changed:
            heard = self._boards.setdefault(board, Heard())
            with suppress(WireError):
                self._take(heard, parsed, bytes(message.payload), at_ns)
            heard.inbox.changed()
            heard.inbox.written(1)
            heard.inbox.synced(1)
            self._now_ms += 1000  # so that no acknowledgement waits for another
            for boot, seq in heard.inbox.acks(self._now_ms):
                ack = encode_ack(boot, seq, int(time.time() * 1000), STORE)
                client.publish(board_topic(DOMAIN, board, "ack"), ack)
            self._changed.notify_all()

    def _take(
        self, heard: Heard, topic: tuple[str | None, ...], payload: bytes, at_ns: int
    ) -> None:
        if topic[0] == "up":
            value, seq, _, boot = decode_up(payload)
            outcome = heard.inbox.on_message(boot, seq, self._now_ms)
            if outcome == "take":
                heard.events.append(Event(f"{topic[3]}.{topic[4]}", value, at_ns, seq))
            elif outcome == "repeat":
                heard.repeats += 1
        elif topic[3] == "base":
            boot, base, lost = decode_base(payload)
            if boot not in [known for known, _ in heard.boots]:
                heard.boots.append((boot, at_ns))
            heard.lost += heard.inbox.on_base(boot, base, lost, self._now_ms)[1]
        elif topic[3] == "status":
            heard.statuses.append(decode_status(payload))
        else:
            heard.remarks.append(decode_log(payload)[1])
