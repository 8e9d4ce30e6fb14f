"""A hub for tests of the edge: the real Inbox behind a real MQTT client, and no rules.

It takes what boards send, in memory, acknowledges at once, and publishes what a test tells it to.
It can go away and come back with what it had, or with another store, as a real hub can.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from myocan.wire import (
    Inbox,
    WireError,
    board_topic,
    decode_base,
    decode_log,
    decode_status,
    decode_up,
    decode_verdict,
    encode_ack,
    encode_data,
    encode_propose,
    parse_topic,
)

DOMAIN = "home"
WAIT_S = 60.0

Value = Any


class FakeHub:
    """A hub of the domain `home`; use it in a `with` block.

    host, port: the broker. store: the identity of its log.
    """

    def __init__(self, host: str, port: int, store: str = "00000000000000aa") -> None:
        self.store = store
        self.incarnation = 1
        self.offset = 0
        self.inboxes: dict[str, Inbox] = {}
        self.taken: list[tuple[str, Value]] = []
        """(variable, value) of what was taken, in order: ("button1/press", None)."""
        self.times: list[int | None] = []
        """The `ts` of each."""
        self.outcomes: list[str] = []
        self.bases: list[tuple[int, int, int]] = []
        self.lost = 0
        self.statuses: list[dict[str, Any]] = []
        self.remarks: list[str] = []
        self.verdicts: list[tuple[str, bool, str | None]] = []
        """(transaction, whether it agrees, why not) of what boards said to proposals."""
        self._broker = (host, port)
        self._changed = threading.Condition()
        self._client: Client | None = None
        self._subscribed = False
        self._inbox_ms = 0
        self._proposals = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Come (back): everything that was taken is remembered."""
        client = Client(CallbackAPIVersion.VERSION2, client_id="hub")
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe
        client.reconnect_delay_set(1, 1)
        client.connect_async(*self._broker)
        self._subscribed = False
        for board, inbox in self.inboxes.items():  # as a hub that starts reads them from its log
            positions = [(boot, last, seen) for boot, last, _, seen in inbox.positions()]
            self.inboxes[board] = Inbox(positions)
        client.loop_start()
        self._client = client
        self.wait(lambda hub: hub._subscribed, "its own connection")

    def stop(self) -> None:
        """Go away, once the broker has got everything that was published."""
        if self._client is not None:
            with contextlib.suppress(RuntimeError):  # the broker is away itself
                self.send("mc1/$hub/home/main/status", b'{"online":false}')
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def publish(
        self, topic: str, value: Value, mark: tuple[int, int] | None = None, retain: bool = True
    ) -> None:
        """Publish a data message, the log's next one, or with `mark` (incarnation, offset)."""
        if mark is None:
            self.offset += 1
            mark = (self.incarnation, self.offset)
        payload = encode_data(value, mark[1], int(time.time() * 1000), "test", mark[0])
        self.send(topic, payload, retain)

    def send(self, topic: str, payload: bytes, retain: bool = False) -> None:
        """Publish anything at all, and wait until the broker has it."""
        assert self._client is not None
        self._client.publish(topic, payload, 1, retain).wait_for_publish(WAIT_S)

    def propose(
        self, board: str, values: dict[str, Value], expires_s: float = WAIT_S
    ) -> tuple[bool, str | None]:
        """Ask a board whether its ports would take values; return whether it agrees, and why not.

        Fails if it gives no verdict.
        """
        self._proposals += 1
        txn = f"{self.incarnation}.{self._proposals}"
        payload = encode_propose(txn, int((time.time() + expires_s) * 1000), values)
        self.send(board_topic(DOMAIN, board, "propose"), payload)
        self.wait(lambda hub: any(each[0] == txn for each in hub.verdicts), "a verdict")
        return next((ok, why) for each, ok, why in self.verdicts if each == txn)

    def wait(self, holds: Callable[[Self], Any], what: str, seconds: float = WAIT_S) -> None:
        """Wait until `holds(self)` is true after something has come in; else fail with `what`."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not holds(self):
                left = deadline - time.monotonic()
                assert left > 0, (
                    f"waited in vain for {what}: taken {self.taken[-5:]}, "
                    f"statuses {self.statuses[-3:]}, remarks {self.remarks[-3:]}"
                )
                self._changed.wait(left)

    def wait_taken(self, count: int, seconds: float = WAIT_S) -> None:
        """Wait until so many messages in all have been taken."""
        self.wait(lambda hub: len(hub.taken) >= count, f"{count} messages", seconds)

    def wait_online(self, connection: int = 1) -> None:
        """Wait until a board says that its connection of at least this number stands."""
        self.wait(
            lambda hub: (
                hub.statuses
                and hub.statuses[-1]["online"]
                and hub.statuses[-1]["connection"] >= connection
            ),
            "a board online",
        )

    def wait_reason(self, reason: str) -> None:
        """Wait until a board has said why it went, whether it is back by now or not."""
        self.wait(
            lambda hub: any(
                not each["online"] and each.get("reason") == reason for each in hub.statuses
            ),
            f"the last word: {reason}",
        )

    def _on_connect(self, client: Client, *_: object) -> None:
        own = board_topic(DOMAIN, "BOARD", "base").replace("BOARD", "+")
        leaves = ("base", "status", "log", "verdict", "up/#")
        client.subscribe([(own.replace("base", leaf), 1) for leaf in leaves])

    def _on_subscribe(self, client: Client, *_: object) -> None:
        with self._changed:
            self._subscribed = True
            for board in self.inboxes:
                self._acknowledge(client, board)
            self._changed.notify_all()

    def _on_message(self, client: Client, _: object, message: MQTTMessage) -> None:
        parsed = parse_topic(message.topic)
        board = str(parsed[2])
        with self._changed:
            inbox = self.inboxes.setdefault(board, Inbox())
            with contextlib.suppress(WireError):
                self._take(inbox, parsed, bytes(message.payload))
            inbox.changed()
            inbox.written(1)
            inbox.synced(1)
            self._acknowledge(client, board)
            self._changed.notify_all()

    def _acknowledge(self, client: Client, board: str) -> None:
        self._inbox_ms += 1000  # so that no acknowledgement waits for another
        for boot, seq in self.inboxes[board].acks(self._inbox_ms):
            ack = encode_ack(boot, seq, int(time.time() * 1000), self.store)
            client.publish(board_topic(DOMAIN, board, "ack"), ack)

    def _take(self, inbox: Inbox, topic: tuple[str | None, ...], payload: bytes) -> None:
        if topic[0] == "up":
            value, seq, ts, boot = decode_up(payload)
            outcome = inbox.on_message(boot, seq, self._inbox_ms)
            self.outcomes.append(outcome)
            if outcome == "take":
                self.taken.append((f"{topic[3]}/{topic[4]}", value))
                self.times.append(ts)
        elif topic[3] == "base":
            base = decode_base(payload)
            self.bases.append(base)
            self.lost += inbox.on_base(*base, self._inbox_ms)[1]
        elif topic[3] == "status":
            self.statuses.append(decode_status(payload))
        elif topic[3] == "verdict":
            self.verdicts.append(decode_verdict(payload))
        else:
            self.remarks.append(decode_log(payload)[1])
