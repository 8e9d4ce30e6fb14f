"""A board for tests of the hub: the real session of the wire format over the hub's own MQTT client.

It has no pins; a test pushes messages where a port would, and reads what arrives where an output
would. It runs in a thread of its own, as a real board runs beside the hub.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from myocan.hub.bus import CONNECTED, DISCONNECTED, Bus
from myocan.wire import Fixed, Outbox, board_topic, decode_ack, decode_data, parse_topic

Value = None | bool | int | Fixed | str

Heard = tuple[str, Value, int, int]
"""(module.variable, value, incarnation, offset) of a data message; `module.variable[instance]`."""


def new_boot() -> int:
    return int.from_bytes(os.urandom(4), "big") >> 1


class Board:
    """A board of the house `domain` called `name`; use it in a `with` block.

    url: the broker. hears: filters of data topics that it takes. capacity: bytes of its outbox.
    waits: enter the block when it is connected: what is published from then on, it hears.
    """

    def __init__(
        self,
        url: str,
        domain: str,
        name: str,
        *,
        hears: Sequence[str] = (),
        capacity: int = 1 << 20,
        waits: bool = True,
    ) -> None:
        self.name = name
        self.own = board_topic(domain, name, "base").removesuffix("base")
        self.outbox = Outbox(capacity, new_boot(), new_boot)
        self.heard: list[Heard] = []
        self.acknowledgements: list[tuple[int, int]] = []
        self.stores: set[str] = set()
        self._changed = threading.Condition()
        self._bus = Bus(
            url, name, subscriptions=[(f"{self.own}ack", 0), *((topic, 1) for topic in hears)]
        )
        self._online = False
        self._waits = waits
        self._ending = False
        self._thread = threading.Thread(target=self._run, name=f"board-{name}")

    def __enter__(self) -> Self:
        self._bus.start()
        self._thread.start()
        if self._waits:
            try:
                self.await_that(lambda: self._online, "a connection")
            except BaseException:
                self.__exit__()
                raise
        return self

    def __exit__(self, *exc: object) -> None:
        self._ending = True
        self._bus.wake()
        self._thread.join()
        self._bus.stop()

    def send(
        self, topic: str, value: Value = None, keep: str = "all", ts: int | None = None
    ) -> None:
        """Push a message, as a port does. topic: `button1/press`. ts: when, in ms; None: now."""
        with self._changed:
            self.outbox.push(topic, value, keep, ts)
        self._bus.wake()

    def publish(self, leaf: str, payload: bytes, retain: bool = False) -> None:
        """Publish below this board's name without any session, as a broken board might."""
        self.await_that(lambda: self._online, "a connection")
        self._bus.publish([(self.own + leaf, payload, 1, retain, 0)])

    def await_that(self, holds: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Wait until `holds` after something has come in; fail with `what` when time is up."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not holds():
                left = deadline - time.monotonic()
                assert left > 0, f"{self.name} waited in vain for {what}; heard {self.heard[-5:]}"
                self._changed.wait(min(left, 0.5))

    def await_acknowledged(self, seconds: float = 60.0) -> None:
        """Wait until the hub has everything on its disk."""
        self.await_that(lambda: not len(self.outbox), "acknowledgements", seconds)

    def values(self, name: str) -> list[Value]:
        """Return the values heard on `module.variable` or `module.variable[instance]`, in order."""
        with self._changed:
            return [value for topic, value, _incarnation, _offset in self.heard if topic == name]

    def _run(self) -> None:
        while not self._ending:
            frames = self._bus.receive(0.1)
            with self._changed:
                for topic, payload, _retained in frames:
                    self._take(topic, payload)
                self.outbox.on_tick(time.monotonic_ns() // 1_000_000)
                out = []
                while self._online and (frame := self.outbox.sendable()) is not None:
                    out.append((self.own + frame[0], frame[1], 0, False, 0))
                self._changed.notify_all()
            self._bus.publish(out)

    def _take(self, topic: str, payload: bytes) -> None:
        if topic == CONNECTED:
            self._online = True
            self.outbox.on_reconnect()
        elif topic == DISCONNECTED:
            self._online = False
        elif topic == f"{self.own}ack":
            boot, seq, now_ms, store = decode_ack(payload)
            self.acknowledgements.append((boot, seq))
            self.stores.add(store)
            self.outbox.on_ack(boot, seq, now_ms)
        elif payload:
            value, offset, _ts, _producer, incarnation = decode_data(payload)
            parsed = parse_topic(topic)
            instance = "" if parsed[5] is None else f"[{parsed[5]}]"
            name = f"{parsed[3]}.{parsed[4]}{instance}"
            self.heard.append((name, value, incarnation, offset))
