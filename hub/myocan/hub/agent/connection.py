"""The hub's place at its broker: who it is there, what it says when it comes, and who may forget.

The one idea: a broker forgets nothing and knows no order of lives, so a hub first hears which of
its lives (incarnations) the broker remembers, and speaks only as a later one. Then it says which
one it is, retained, then all that the broker may have missed, and once more that it is there.

Of two hubs of one name only the first may speak, see `namesakes`. So each has a client id of its
own: with the same one they would only throw each other out, in turns.
"""

from __future__ import annotations

import logging
import os
import platform
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

from myocan.hub.agent.accounts import board_accounts
from myocan.hub.agent.namesakes import Namesakes, Verdict
from myocan.hub.bus import (
    CONNECTED,
    DISCONNECTED,
    REFUSED,
    Broker,
    Bus,
    Certificates,
    MosquittoBroker,
    Outgoing,
    pick_broker,
)
from myocan.hub.core import COMPILED
from myocan.hub.errors import HubError
from myocan.hub.house import House
from myocan.hub.running_hub import RunningHub
from myocan.hub.store import Store
from myocan.wire import (
    WIRE_VERSION,
    WireError,
    board_topic,
    decode_status,
    encode_ack,
    encode_status,
    hub_topic,
)

__all__ = ["Connection", "Ears", "NameTaken"]

INTRODUCTION_S = 2.0
"""How long the broker may take to say which incarnation it remembers of this hub."""

MAX_ALERTS = 32
"""What is to be told of the broker at once; bounds what a broker that goes mad can fill."""

FULL = "full"
"""What a status says of `storage` while the disk has no room for messages."""

_log = logging.getLogger(__name__)


class NameTaken(HubError):
    """Another hub of this domain and agent is at the broker; the text says which, what to do."""


class Ears(Protocol):
    """What takes the messages of boards, see `hearing`."""

    @property
    def take(self) -> Callable[[str, bytes, bool], None]:
        """What takes a frame of a board: topic, payload, whether it was retained."""

    def acks(self, synced: int, written: int) -> list[tuple[str, int, int]]:
        """Return what boards may forget now: board, boot, sequence number."""


class Connection:
    """What a hub and its broker have to do with each other, beside the messages themselves.

    Arguments:
        house: whose hub it is.
        given_url: the user's own broker; None: the hub runs one itself.
        now_ms: the wall clock, milliseconds since 1970 UTC.
        monotonic: a clock that only rises, in seconds.
        make_bus: makes the client of the broker, from the arguments of `Bus`.

    `control_path` is told to programs on this machine. `incarnation` is the present one. `online`
    tells whether messages may be published. `alerts` are for the log; whoever writes them there
    takes them away.
    """

    def __init__(
        self,
        house: House,
        given_url: str | None,
        *,
        now_ms: Callable[[], int],
        monotonic: Callable[[], float],
        make_bus: Callable[..., Bus] = Bus,
    ) -> None:
        self._house = house
        self._given_url = given_url
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._make_bus = make_bus
        self._status_topic = hub_topic(house.domain, house.agent.name)
        self._probe_topic = self._status_topic.removesuffix("status") + "probe"
        self._broker: Broker | None = None
        self._bus: Bus | None = None
        self._introduced = False
        self._introduction_ends: float | None = None
        self._namesakes = Namesakes(now_ms)
        self._asked = False
        self._heard = self._heard_end = 0
        self._yielded = False
        self.alerts: list[str] = []
        self._reason = ""
        self.control_path = ""
        self.incarnation = 0
        self.online = False

    @property
    def broker_url(self) -> str:
        """Where boards reach the broker; of the user's own, as he gave it."""
        return self._broker.board_url if self._broker else self._given_url or ""

    @property
    def _local_url(self) -> str:
        """Where programs on this machine reach the broker."""
        return self._broker.local_url if self._broker else self._given_url or ""

    @property
    def broker_kind(self) -> str:
        """`mosquitto` or `amqtt` if the hub runs the broker itself, else `external`."""
        if self._broker is None:
            return "external"
        return "mosquitto" if isinstance(self._broker, MosquittoBroker) else "amqtt"

    # ------------------------------------------------------------------ start and end

    def start_broker(self, stack: ExitStack) -> None:
        """Start the hub's own broker, if it is to run one; it ends with `stack`."""
        house = self._house
        broker = pick_broker(
            self._given_url,
            house.private_path / "broker",
            listen=house.broker.listen,
            domain=house.domain,
            address=house.broker.address,
            certificates=Certificates(house.private_path / "tls") if house.broker.tls else None,
            plain=house.broker.plain,
        )
        if broker is not None:
            broker.admit(board_accounts(house))
            broker.start()
            stack.callback(broker.stop)
        self._broker = broker

    def admit_boards(self) -> None:
        """Let in the boards that have an account now, if the hub runs the broker itself."""
        if self._broker is not None:
            self._broker.admit(board_accounts(self._house))

    def begin_incarnation(self, store: Store) -> None:
        """Begin the next life of the hub with this store, on disk."""
        self._store = store
        self._found = store.next_offset("live") - 1
        self.incarnation = self._store.begin_incarnation(note=_versions())

    def start(
        self,
        stack: ExitStack,
        ears: Ears,
        greeting: Callable[[], tuple[list[Outgoing], int]],
        on_introduced: Callable[[], None],
    ) -> None:
        """Connect to the broker, again and again, until `stack` ends.

        Arguments:
            stack: what must be undone at the end.
            ears: takes the messages of boards.
            greeting: returns what a broker may have missed, and the newest offset of the log.
            on_introduced: called once, when the broker has taken us for the first time.
        """
        broker = self._broker
        self._ears = ears
        self._greeting = greeting
        self._on_introduced = on_introduced
        bus = self._make_bus(
            broker.url if broker else self._given_url or "",
            broker.client_id if broker else self._client_id(),
            subscriptions=self._subscriptions(),
            will=(self._status_topic, self._status(online=False)),
            protocol=broker.protocol if broker else "auto",
        )
        self._bus = bus
        bus.start()
        stack.callback(bus.stop)

    def _client_id(self) -> str:
        house = self._house
        return f"myocan-hub-{house.domain}-{house.agent.name}-{self._namesakes.token}"

    def _subscriptions(self) -> list[tuple[str, int]]:
        """What the hub hears: its boards, and itself; no filter overlaps another."""
        boards = f"mc1/$board/{self._house.domain}/+/"
        leaves = ("up/#", "base", "status", "verdict", "log")
        return [(boards + leaf, 0) for leaf in leaves] + [
            (self._status_topic, 0),
            (self._probe_topic, 0),
        ]

    def close(self) -> None:
        """Say farewell, if there ever was a connection."""
        if self._bus is None:
            return
        farewell = (self._status_topic, self._status(online=False), 1, True, 0)
        speaks = self._introduced and not self._yielded
        self._bus.stop([farewell] if speaks else [])
        if self._introduced:
            self._announcement.withdraw(self._house)

    # ------------------------------------------------------------------ frames

    def wake(self) -> None:
        """Let `receive` return soon; from any thread."""
        if self._bus is not None:
            self._bus.wake()

    def receive(self, wait_s: float | None) -> None:
        """Hand what comes within `wait_s` seconds to the intake; see to what is for the hub.

        Raises NameTaken if another hub of this name was at the broker before.
        """
        assert self._bus is not None
        take = self._ears.take
        for topic, payload, retained in self._bus.receive(wait_s):
            if topic[:1] == "\0":
                self._on_link_event(topic, payload)
            elif topic == self._status_topic:
                self._on_status(payload, retained)
            elif topic == self._probe_topic:
                self._on_probe(payload)
            else:
                take(topic, payload, retained)

    def publish(self, frames: Sequence[Outgoing]) -> None:
        """Send frames if there is a connection; if not, the log has them for the next one."""
        if frames and self.online:
            assert self._bus is not None
            self.online = self._bus.publish(frames)

    @property
    def backlog(self) -> int:
        """How many frames wait to be sent."""
        return 0 if self._bus is None else self._bus.backlog

    def confirmed(self) -> int | None:
        """The offset up to which the broker has confirmed outputs; None before `start`."""
        return None if self._bus is None else self._bus.confirmed()

    def acknowledge(self, synced: int, written: int) -> None:
        """Tell boards what they may forget.

        Arguments:
            synced: transactions up to this number are on the disk.
            written: the number of the last transaction.
        """
        if not self.online:
            return
        now = self._now_ms()
        domain, store = self._house.domain, self._store.identity
        self.publish(
            [
                (board_topic(domain, board, "ack"), encode_ack(boot, seq, now, store), 0, False, 0)
                for board, boot, seq in self._ears.acks(synced, written)
            ]
        )

    # ------------------------------------------------------------------ the introduction

    def due_s(self) -> float | None:
        """Return in how many seconds `keep` has something to do; None if nobody knows."""
        if self._introduction_ends is None:
            return None
        return self._introduction_ends - self._monotonic()

    def keep(self) -> None:
        """End an introduction that the broker leaves without an answer."""
        if self._introduction_ends is not None and self._monotonic() >= self._introduction_ends:
            self._introduce()

    def _on_link_event(self, event: str, payload: bytes) -> None:
        if event == CONNECTED:
            if self._introduced:
                self.greet()
            else:
                self._asked = False
                self._introduction_ends = self._monotonic() + INTRODUCTION_S
                self._probe()
        elif event == DISCONNECTED:
            self.online = False
            _log.warning("%s", payload.decode(errors="replace"))
        elif event == REFUSED:
            _log.error("%s", payload.decode(errors="replace"))

    def _probe(self) -> None:
        """Ask who is there; what the broker has kept arrives before our own question does."""
        assert self._bus is not None
        self._bus.publish([(self._probe_topic, self._namesakes.token.encode(), 0, False, 0)])

    def _on_probe(self, payload: bytes) -> None:
        """Somebody asks who is there: we, another hub of this name, or one that was both."""
        token = payload[:64].decode("ascii", "replace")
        if token == self._namesakes.token:
            if not self._introduced and not self._asked:
                self._introduce()
            elif not self._introduced:
                self._introduction_ends = self._monotonic() + INTRODUCTION_S
        elif self._introduced:
            self._insist()
            if self._namesakes.is_news(token):
                self._alert(
                    f"another hub of domain {self._house.domain} calls itself "
                    f"{self._house.agent.name} and was refused; give it another [agent] name in "
                    "its myocan.toml"
                )
        elif self._namesakes.comes_first(token):
            self._asked = True
            self._introduction_ends = self._monotonic() + 2 * INTRODUCTION_S

    def _on_status(self, payload: bytes, retained: bool) -> None:
        """Learn which incarnation the broker has heard of (a store may have been lost), and who
        else is there."""
        try:
            status = decode_status(payload) if payload else {}
        except WireError:
            return  # somebody else's nonsense; our own status replaces it
        if not self._introduced:
            self._heard = max(self._heard, status.get("incarnation", 0))
            end = status.get("offset")
            if status.get("store") == self._store.identity and type(end) is int:
                self._heard_end = max(self._heard_end, end)
        verdict = self._namesakes.judge(status, retained)
        if verdict is Verdict.YIELD:
            self._yielded = True
            raise NameTaken(self._taken_by(status))
        if verdict is Verdict.ASK:
            self._asked = True
        if self._introduced and verdict is not Verdict.NOTHING:
            self._insist()
            if verdict is Verdict.ASK:
                self._probe()

    def _compare_incarnations(self) -> None:
        """Begin a life behind those that the broker has heard of."""
        heard = self._heard
        if heard < self.incarnation:
            self._compare_ends()
            return
        self._alert(
            f"the broker has heard incarnation {heard} of hub {self._house.agent.name}, and this "
            f"store is only at {self.incarnation}: it was lost, or restored from an older copy, or "
            "another hub had this name ([agent] name in myocan.toml)"
        )
        self.incarnation = self._store.begin_incarnation(heard, _versions())

    def _compare_ends(self) -> None:
        """Tell if the broker heard more of this store in its last life than it has."""
        if self._heard_end > self._found:
            self._alert(
                f"the broker has heard of message {self._heard_end} of this store, which ends at "
                f"{self._found}: it was restored from an older copy, or the power went before all "
                "was on the disk"
            )

    def _taken_by(self, status: dict[str, Any]) -> str:
        domain, agent = self._house.domain, self._house.agent.name
        host = status.get("host")
        where = f", on host {host}" if isinstance(host, str) else ""
        return (
            f"a hub of domain {domain} that calls itself {agent} is at this broker already{where}. "
            "Two of one name would contradict each other: stop that one first, or give this one "
            "another [agent] name in myocan.toml"
        )

    def tell_storage(self, reason: str) -> None:
        """Let the status say why nothing is acknowledged; "" when all is well."""
        if reason != self._reason:
            self._reason = reason
            if self._introduced:
                self._insist()

    def _insist(self) -> None:
        """Say again that we are there: what the broker keeps is not true, or somebody asks."""
        if self.online:
            self.publish([(self._status_topic, self._status(online=True), 1, True, 0)])

    def _alert(self, text: str) -> None:
        _log.warning("%s", text)
        if len(self.alerts) < MAX_ALERTS:
            self.alerts.append(text)

    def _introduce(self) -> None:
        self._introduction_ends = None
        self._introduced = True
        self._compare_incarnations()
        self._namesakes.introduce()
        self.greet()
        self._announcement = RunningHub(
            self._local_url,
            os.getpid(),
            self.control_path,
            self.broker_url,
            self._broker.plain_url if self._broker else "",
        )
        self._announcement.write(self._house)
        self._on_introduced()

    def greet(self) -> None:
        """Say what this broker may have missed, and that the hub is there."""
        self.online = True
        missed, offset = self._greeting()
        # The incarnation goes ahead of what is said under it, too: if the link breaks in between, a
        # hub that lost its store must not begin this incarnation again.
        status = self._status_topic, self._status(online=True), 1, True
        self.publish([(*status, 0), *missed, (*status, offset)])

    def _status(self, *, online: bool) -> bytes:
        return encode_status(
            {
                "online": online,
                "incarnation": self.incarnation,
                "wire": WIRE_VERSION,
                "version": _version(),
                "store": self._store.identity,
                "offset": self._store.next_offset("live") - 1,
                **({"storage": FULL, "reason": self._reason} if self._reason else {}),
                **self._namesakes.about(),
            }
        )


@cache
def _version() -> str:
    """Return what is installed; it is looked up in a file, so once."""
    return version("myocan")


def _versions() -> str:
    """Return what a start is made of, for the log: versions decide what replays can be compared."""
    core = "compiled" if COMPILED else "pure"
    return (
        f"myocan {_version()} ({core}), Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}"
    )
