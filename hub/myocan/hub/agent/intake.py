"""What comes in from boards: frames of the bus become inputs of the next batch.

The one idea: a frame either becomes an input, or a record that says why not, or it is a repeat; it
never raises. Nothing that a board sends can stop the hub, and a message that cannot be used still
moves its board's position, so that it does not come for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from myocan.hub.agent.batch import Batch
from myocan.hub.agent.pace import FRAME, MESSAGE, Pace
from myocan.hub.agent.scalars import Scalars
from myocan.hub.agent.topics import AdapterTopics, keyed_topics, said_by
from myocan.hub.core import Core, Tag, linker
from myocan.hub.core.program import MAX_KEY
from myocan.hub.core.scalars import scalar_json
from myocan.hub.declared import HouseModels
from myocan.hub.durations import duration_text
from myocan.hub.store import Position
from myocan.wire import (
    WIRE_VERSION,
    Inbox,
    WireError,
    decode_base,
    decode_log,
    decode_status,
    envelope,
    parse_topic,
    sender_of,
)
from myocan.wire.inbox import CLONED, KNOWN, NEW, REFUSED, TAKE, UNKNOWN

__all__ = ["Board", "Intake"]

MAX_BOARDS = 4096
"""Boards that are known at once; bounds what a client that makes up names can cost."""

MAX_ROUTES = 65536
"""Topics whose meaning is remembered; they are taken apart again when there are more."""

MAX_UNWELCOME = 1000
"""Retained messages that wait to be cleared; bounds what a broker full of them costs."""

COMPLAINTS = 20
"""Records of frames that cannot be read, for each board in each minute; bounds a flood's log."""

_MINUTE_MS = 60_000
_TEXT, _NULL = int(Tag.TEXT), int(Tag.NULL)
_LEVELS = {"info": linker.INFO, "warn": linker.WARN, "alert": linker.ALERT}


@dataclass(slots=True)
class Board:
    """What the hub knows of a board.

    name: its name in the house. inbox: how far each of its boots was heard. pace: how fast it may
        send. status: its last status. told_elsewhere: whether it was recorded that another store
        has its messages.
        opened: whether it has said `base` since the hub's start. unwritten: whether it has said
        anything since positions were written. foreign: whether it speaks a version of the wire
        format that this hub does not.
    """

    name: str
    inbox: Inbox
    pace: Pace
    told_elsewhere: bool = False
    opened: bool = False
    unwritten: bool = False
    foreign: bool = False
    status: dict[str, Any] = field(default_factory=dict)
    complaints: int = 0
    complaints_since_ms: int = 0


@dataclass(frozen=True, slots=True)
class _Route:
    """What a topic means: whose it is, which leaf, and for `up` the core's topic (-1: nobody's)
    and the text number of the instance's key (-1: none).

    A message of a board counts even when its topic is wrong; `fault` then says what is. One that is
    older than `max_age_ms`, if that is not 0, is not acted on. `field` is the model and the field
    whose value it says.
    """

    board: Board
    leaf: str
    topic: int = -1
    key: int = -1
    name: str = ""
    fault: str = ""
    max_age_ms: int = 0
    field: tuple[str, str] | None = None


class Intake(Batch):
    """Collects the inputs of the next batch.

    Arguments:
        core: gives topics and texts their numbers.
        domain: the house's.
        adapters: what the house's adapters send.
        accept_unknown: whether boards are heard that no adapter is for.
        positions: (board, boot, last, seen_ms) as stored.
        now_ms: the wall clock, milliseconds since 1970 UTC.
        rate: messages a second that a board may send for long.
        models: whose fields take nothing that they cannot be.
    """

    def __init__(
        self,
        core: Core,
        domain: str,
        adapters: AdapterTopics,
        *,
        accept_unknown: bool,
        positions: list[Position],
        now_ms: Callable[[], int],
        rate: int = 5000,
        models: HouseModels | None = None,
    ) -> None:
        super().__init__()
        self._rate = rate
        self._models = models or HouseModels()
        self._core = core
        self._domain = domain
        self._adapters = adapters
        self._accept_unknown = accept_unknown
        self._now_ms = now_ms
        self._scalars = Scalars(core)
        self._routes: dict[str, _Route | None] = {}
        self._epoch = core.epoch
        self._learn_modules()
        self._strangers: set[str] = set()
        self.boards: dict[str, Board] = {}
        self.active: dict[str, Board] = {}
        self.unwelcome: list[str] = []
        self.on_verdict: Callable[[str, bytes], None] = lambda board, payload: None
        """Called with what a board says to a proposal; may raise WireError."""
        stored: dict[str, list[tuple[int, int, int]]] = {}
        for board, boot, last, seen_ms in positions:
            if last is not None:
                stored.setdefault(board, []).append((boot, last, seen_ms))
        for board, boots in stored.items():
            self.boards[board] = self.active[board] = self._board(board, boots)

    def take(self, topic: str, payload: bytes, retained: bool) -> None:
        """Take one frame that came from the broker."""
        if self._epoch != self._core.epoch or len(self._routes) > MAX_ROUTES:
            self._routes.clear()
            self._epoch = self._core.epoch
            self._learn_modules()
        if topic in self._routes:
            route = self._routes[topic]
        else:
            route = self._routes[topic] = self._find(topic)
        if route is None:
            return
        board = route.board
        if board.foreign and route.leaf != "status":
            return
        self.active[board.name] = board
        board.unwritten = True
        pace = board.pace
        pace.left -= FRAME
        if pace.left < 0 and not pace.may_go_on(self._now_ms()):
            self._drop(board)
            return
        try:
            if route.leaf == "up":
                self._take_message(route, payload, retained, topic)
            elif route.leaf == "status":
                self._take_status(board, payload)
            elif retained:
                self._clear(topic)
            elif route.leaf == "base":
                self._take_base(board, payload)
            elif route.leaf == "verdict":
                self.on_verdict(board.name, payload)
            elif route.leaf == "log":
                level, text, ts, _boot = decode_log(payload)
                self.add(_LEVELS[level], _TEXT, self._core.intern(text), board.name, ts)
        except WireError as error:
            self._complain(board, f"{board.name} sent a {route.leaf} that cannot be read: {error}")

    def statuses(self) -> dict[str, dict[str, Any]]:
        """Return the last status of each board that was heard of; from any thread."""
        return {name: board.status for name, board in self.boards.copy().items()}

    def status_of(self, board: str) -> dict[str, Any]:
        """Return what a board said last of itself; empty if it has said nothing."""
        known = self.boards.get(board)
        return {} if known is None else known.status

    def pass_on(self, board: str, to: Intake) -> None:
        """Let another take what comes from a board, from the next message on; of this one's none
        may wait."""
        known = self.boards.pop(board, None)
        self.active.pop(board, None)
        self._routes.clear()
        to._routes.clear()
        if known is not None:
            to.boards[board] = to.active[board] = known  # it may be owed an acknowledgement

    def _clear(self, topic: str) -> None:
        """Let a retained message be taken from the broker, which has no business there."""
        if len(self.unwelcome) < MAX_UNWELCOME:  # what is left comes again with the next connection
            self.unwelcome.append(topic)

    def _board(self, name: str, boots: Iterable[tuple[int, int, int]] = ()) -> Board:
        return Board(name, Inbox(boots), Pace(self._rate, self._now_ms()))

    def _drop(self, board: Board) -> None:
        """Let a frame fall that is too much; say so when it begins."""
        if board.pace.dropped == 1:
            self._complain(
                board,
                f"{board.name} sends more than {self._rate} messages a second ([boards] rate), and "
                "does not wait for acknowledgements; what is too much is dropped",
            )

    def _settle(self, board: Board) -> None:
        """Say how much a board had sent too much, when that is over."""
        count, board.pace.dropped = board.pace.dropped, 0
        self.record(
            linker.LOST,
            f"{count} frames of {board.name} were dropped: it sent more than {self._rate} messages "
            "a second ([boards] rate)",
            board.name,
        )

    def _take_status(self, board: Board, payload: bytes) -> None:
        """Note what a board is; one that speaks another version is told of once, and not heard."""
        board.status = decode_status(payload) if payload else {}
        wire = board.status.get("wire", WIRE_VERSION)
        if wire != WIRE_VERSION and not board.foreign:
            self.record(
                linker.REJECTED,
                f"{board.name} speaks version {wire} of the wire format, and this hub "
                f"{WIRE_VERSION}: it is not heard; flash it with the myocan that the hub runs",
                board.name,
            )
        board.foreign = wire != WIRE_VERSION

    def _take_base(self, board: Board, payload: bytes) -> None:
        boot, base, lost = decode_base(payload)
        board.opened = True
        last = next((last for known, last, *_ in board.inbox.positions() if known == boot), 0)
        outcome, more = board.inbox.on_base(boot, base, lost, self._now_ms())
        # What lies between was taken by a hub, or thrown away; of the latter there are `lost`.
        if outcome in (NEW, KNOWN) and base - 1 - last > lost and not board.told_elsewhere:
            board.told_elsewhere = True
            more = min(more, lost)
            self.record(
                linker.ALERT,
                f"{board.name} has had {base - 1 - last} messages acknowledged that this store "
                "does not know of: the store was lost or restored from an older copy, or another "
                "hub heard this board",
                "hub",
            )
        if outcome == CLONED:
            self.record(
                linker.REJECTED,
                f"two boards take turns under the name {board.name}; the one that was there first "
                "is not heard any more: flash one of them under a name of its own",
                board.name,
            )
        if more:
            events = "message" if more == 1 else "messages"
            self.record(
                linker.LOST,
                f"{board.name} had to throw away {more} {events} before the hub had them: it was "
                "without a hub for longer than its memory lasts",
                board.name,
            )

    def _take_message(self, route: _Route, payload: bytes, retained: bool, topic: str) -> None:
        board = route.board
        if retained:
            self._clear(topic)
            self._complain(board, f"a retained message on {topic} was refused and cleared")
            return
        try:
            tag, value, seq, ts, boot = self._scalars.decode_up(payload)
        except WireError as error:
            try:
                seq, boot = envelope(payload)
            except WireError:
                raise error from None  # not even those can be read
            outcome = board.inbox.on_message(boot, seq, self._now_ms())
            text = f"{board.name}: {route.name}: {error}"
            if outcome == TAKE:
                board.pace.left -= MESSAGE
                self.record(linker.REJECTED, text, board.name)
            elif outcome == UNKNOWN:
                self._complain(board, text)
            return
        outcome = board.inbox.on_message(boot, seq, self._now_ms())
        if outcome == REFUSED:
            self._complain(board, f"{board.name} is refused as long as its double is there")
        if outcome != TAKE:
            return
        board.pace.left -= MESSAGE
        if route.fault:
            self.record(linker.REJECTED, f"{board.name}: {route.fault}", board.name)
            return
        if route.topic < 0:
            self.record(
                linker.UNHANDLED,
                f"{board.name} sent {route.name}, which no module and no adapter of this house "
                "knows; SUBSCRIBE to it, or mend the name",
                board.name,
            )
            return
        if route.max_age_ms and (age := self._age_in_words(route, ts)):
            self.record(linker.STALE, f"{board.name}: {route.name} {age}", board.name)
            return
        if route.field is not None:
            fault = self._models.fault(*route.field, scalar_json(tag, value, self._core.texts))
            if fault:
                text = f"{board.name}: {route.name} was not taken by its model: {fault}"
                self.record(linker.REJECTED, text, board.name)
                return
        self.add(route.topic, tag, value, board.name, ts, route.key)

    def _age_in_words(self, route: _Route, ts: int | None) -> str:
        """Return why a message is too old to be acted on, "" if it is not."""
        most = duration_text(route.max_age_ms)
        if ts is None:
            return f"does not say when it happened, and may be at most {most} old (max_age_s)"
        age_ms = self._now_ms() - ts
        if age_ms <= route.max_age_ms:
            return ""
        return f"is {duration_text(age_ms)} old, and may be at most {most} (max_age_s)"

    def _learn_modules(self) -> None:
        programs = self._core.programs
        self._said_by_modules = said_by(programs)
        self._keyed = keyed_topics(programs) | self._adapters.keyed

    def _find(self, topic: str) -> _Route | None:
        """Return what a topic means; None, after a record, for one that is nobody's."""
        fault = ""
        try:
            kind, *rest = parse_topic(topic)
        except WireError as error:
            fault = str(error)
            try:
                kind, rest = "up", list(sender_of(topic))
            except WireError:
                self._stranger(f"a message on {topic[:80]!r} was refused: {fault}")
                return None
        if kind not in {"board", "up"} or rest[0] != self._domain:
            return None
        name = str(rest[1])
        if not self._accept_unknown and name not in self._adapters.boards:
            self._stranger(
                f"board {name} is not heard: no adapter of this house has that name; add "
                f"adapters/{name}.toml, or set accept_unknown under [boards]"
            )
            return None
        board = self.boards.get(name)
        if board is None:
            if len(self.boards) >= MAX_BOARDS:
                self._stranger(f"board {name} is not heard: there are {MAX_BOARDS} already")
                return None
            board = self.boards[name] = self._board(name)
        if fault:
            return _Route(board, "up", fault=fault)
        if kind == "board":
            return _Route(board, str(rest[2]))
        module, variable, instance = str(rest[2]), str(rest[3]), rest[4]
        shown = f"{module}.{variable}" + ("" if instance is None else f"[{instance}]")
        number = self._core.topic(("", module, variable))
        key = -1
        if instance is not None:
            if ("", module, variable) in self._keyed:
                key = self._core.intern(instance)
            else:
                number = -1
            if len(instance.encode()) > MAX_KEY:
                fault = f"a key of more than {MAX_KEY} bytes: {shown}"
        if (module, variable) in self._said_by_modules:
            whose, line = self._said_by_modules[module, variable]
            where = f" (its line {line})" if line > 0 else ""
            fault = f"{shown} is what module {whose} says{where}; send what {whose} SUBSCRIBEs to"
        most = self._adapters.max_age_ms.get((board.name, ("", module, variable)), 0)
        field = (module, variable) if module in self._models.models else None
        return _Route(board, "up", number, key, shown, fault, most, field)

    # ------------------------------------------------------------------ inputs and records

    def record(self, kind: int, text: str, producer: str = "hub") -> None:
        """Add a record of the hub's own log to the batch."""
        self.add(kind, _TEXT, self._core.intern(text), producer, None)

    def _complain(self, board: Board, text: str) -> None:
        """Record what is wrong with a frame, but not each one of a flood."""
        now = self._now_ms()
        if abs(now - board.complaints_since_ms) > _MINUTE_MS:
            board.complaints = 0
            board.complaints_since_ms = now
        board.complaints += 1
        if board.complaints <= COMPLAINTS:
            self.record(linker.REJECTED, text, board.name)
        elif board.complaints == COMPLAINTS + 1:
            self.record(
                linker.REJECTED, f"{board.name} goes on so; no more of it this minute", board.name
            )

    def _stranger(self, text: str) -> None:
        """Record once what is wrong with a topic; a client that makes up topics is cut off."""
        if len(self._strangers) < MAX_BOARDS and text not in self._strangers:
            self._strangers.add(text)
            self.record(linker.REJECTED, text)

    # ------------------------------------------------------------------ positions

    def changed(self) -> list[Position]:
        """Return the positions to store with this batch's transaction."""
        return [
            (board.name, boot, None if last < 0 else last, seen_ms)
            for board in self.active.values()
            for boot, last, seen_ms in board.inbox.changed()
        ]

    def written(self, mark: int) -> None:
        """The transaction of the last `changed` is written, as number `mark`."""
        for board in self.active.values():
            board.unwritten = False
            board.inbox.written(mark)

    def acks(self, synced: int, written: int) -> list[tuple[str, int, int]]:
        """Return the acknowledgements to send now, (board, boot, seq).

        Arguments:
            synced: transactions up to this number are on the disk.
            written: the number of the last transaction.
        """
        now = self._now_ms()
        due = []
        for board in list(self.active.values()):
            board.inbox.synced(synced)
            if board.pace.dropped and not board.pace.settles_ms(now):
                self._settle(board)
            if board.pace.left < 0 and board.pace.withholds_ms(now):
                continue
            due += [(board.name, boot, seq) for boot, seq in board.inbox.acks(now)]
            waits = board.unwritten or board.pace.dropped or synced != written
            if not waits and board.inbox.due_ms(now) is None:
                del self.active[board.name]  # nothing to say to it until it speaks again
        return due

    def due_s(self) -> float | None:
        """Return in how many seconds `acks` has more, None if nothing is owed now."""
        now = self._now_ms()
        waits = []
        for board in self.active.values():
            wait = board.inbox.due_ms(now)
            if wait is not None:
                waits.append(max(wait, board.pace.withholds_ms(now)))
            if board.pace.dropped:
                waits.append(board.pace.settles_ms(now))
        return min(waits) / 1000 if waits else None
