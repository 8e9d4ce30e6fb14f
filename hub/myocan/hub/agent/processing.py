"""How a mode takes messages: decided by its core, written into its log, published.

The one idea: nothing is published that the log does not have. What the broker may have missed is
told from the log when it comes back; what is missed here is only late.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from myocan.hub.agent.away import LeftOut
from myocan.hub.agent.batch import Batch, OwnMessage
from myocan.hub.agent.calls import Calls
from myocan.hub.agent.checkpoints import Checkpoints
from myocan.hub.agent.clerk import DONE, EXTERNALS, Clerk, Written
from myocan.hub.agent.clockwork import Clockwork
from myocan.hub.agent.outlet import Name, Outlet
from myocan.hub.agent.present import Present
from myocan.hub.agent.shared import HUB
from myocan.hub.agent.shelf import StoreShelf
from myocan.hub.agent.written import Stated
from myocan.hub.bus import Outgoing
from myocan.hub.core import Core, linker
from myocan.hub.core.program import ADMIN_MODULE
from myocan.hub.store import Position

__all__ = ["Processing", "line_of", "text_of"]

MAX_BACKLOG = 256
"""Frames that wait for the broker, while which nothing is said that it may know."""


class Processing(Present):
    """A mode, as far as it takes messages."""

    core: Core
    checkpoints: Checkpoints
    on_stated: Callable[[list[Stated]], None]
    _clerk: Clerk
    _outlet: Outlet
    _clockwork: Clockwork
    _calls: Calls | None
    _shelf: StoreShelf
    _tells_origins: bool
    _together: Written | None
    _told: int
    _left_out: list[str]
    _gone: set[Name]
    _unsaid: Iterator[list[tuple[Name, str]]] | None

    def say(self, level: int, text: str, producer: str) -> None:
        """Write a line of the hub's own log.

        Arguments:
            level: `linker.INFO`, `WARN` or `ALERT`.
            text: the line.
            producer: what part of the hub says it.
        """
        self.process_own([line_of(level, text, producer)], self.log_ms or self.now())

    def process_own(
        self,
        messages: Sequence[OwnMessage],
        now: int,
        taken: Sequence[tuple[Name, str]] = (),
    ) -> None:
        """Process messages of the hub's own; what boards have sent meanwhile stays where it is.

        Arguments:
            messages: in order.
            now: the log's time for them, milliseconds since 1970 UTC.
            taken: what the first of them changes besides variables, names and JSON texts.
        """
        batch = Batch()
        for message in messages:
            batch.add_own(self.core, message)
        self.process(batch, now, taken=taken)

    def process(
        self,
        batch: Batch,
        now: int,
        positions: Sequence[Position] = (),
        taken: Sequence[tuple[Name, str]] = (),
    ) -> None:
        """Process a batch: decide, write, publish.

        Arguments:
            batch: the inputs; with none, only positions are written.
            now: the log's time for them, milliseconds since 1970 UTC.
            positions: how far boards were heard with it.
            taken: what the first of them changes besides variables, names and JSON texts.
        """
        written = self._run(batch, now, taken) if batch.topics else Written()
        self.append(written, positions)
        self._publish(written.frames)

    def append(self, written: Written, positions: Sequence[Position] = ()) -> None:
        """Write a batch into the log; while several are to be one transaction, with the others."""
        if self._together is None:
            self._write(written, positions)
        else:
            self._together.rows += written.rows
            self._together.state |= written.state
            self._together.calls += written.calls
        self.offset += len(written.rows)
        self._shelf.present.note(written.state, self.offset - 1)
        if self._together is None:
            self.core.let_go()
        if written.rows:
            self.log_ms = max(self.log_ms, written.rows[-1][1])
        for name, value in written.noted:
            self._clockwork.note(name, value, self.log_ms)
        if written.stated:
            self.on_stated(written.stated)

    def note(self, variable: str, value: str, producer: str, forgotten: Iterable[int] = ()) -> None:
        """Write down an act of administration: a message of `$admin`, whose value is state.

        Arguments:
            variable: what kind of act.
            value: its JSON text; null: what was so is forgotten.
            producer: who did it.
            forgotten: numbers of names whose values are forgotten with it.
        """
        name = (ADMIN_MODULE, variable, "")
        now = self.now()
        self.append(
            self._clerk.row_of(self.offset, now, name, value, producer, forgotten=forgotten)
        )

    def _run(
        self,
        batch: Batch,
        now: int,
        taken: Sequence[tuple[Name, str]],
        offset: int | None = None,
    ) -> Written:
        """Let the core process a batch; return what it comes to, from an offset or the next on."""
        offset = self.offset if offset is None else offset
        instances = producers = stamps = None
        if batch.keys:
            instances = array("q", (-1,)) * len(batch.topics)
            for place, key in batch.keys.items():
                instances[place] = key
        if self._tells_origins:
            producers = array("q", (self.core.intern(name) for name, _ts in batch.origins))
            stamps = array("q", (ts or 0 for _name, ts in batch.origins))
        self.core.run(
            batch.topics,
            batch.tags,
            batch.values,
            now,
            instances,
            offset,
            producers,
            stamps,
        )
        incarnation = self._shared.connection.incarnation
        written = self._clerk.write(offset, now, batch.origins, incarnation, taken)
        following, behind = offset + len(written.rows), self._behind_ms()
        if behind or self.doubt:
            self._corrections.follow(
                written, self._clockwork, self.clock.now_ms(), behind, following
            )
        return written

    def _write(self, written: Written, positions: Sequence[Position]) -> None:
        """Write rows into the log, in one transaction."""
        journal, rows = self._shared.journal, written.rows
        journal.append(self.name, rows, positions, self._released())
        if written.calls and self._calls is not None:
            asking = [rows[offset - rows[0][0]] for offset in written.calls]
            self._calls.ask(asking, journal.written)
        self.checkpoints.note(written.state)

    def _publish(self, frames: list[Outgoing]) -> None:
        """Publish; what the broker confirms is told apart by the offsets of the live log alone."""
        if self.catching_up:
            return  # the log has them, for the end of that
        if not self.is_live:
            frames = [(*frame[:4], 0) for frame in frames]
        self._shared.connection.publish(frames)

    def _released(self) -> int | None:
        return self._shared.connection.confirmed() if self.is_live else None

    def _row_of_done(self, call: int) -> Written:
        """Return the message that EXTERNAL functions were called up to a call."""
        return self._clerk.row_of(self.offset, self.now(), DONE, str(call), EXTERNALS, call)

    def take_back(self, name: Name) -> None:
        """Take the value of a topic from the broker, also from one that is away now."""
        frame = self._outlet.forget(name)
        if frame is not None:
            self._gone.add(name)
            self._publish([frame])

    def greeting(self) -> list[Outgoing]:
        """Return what the broker may have missed: what was not confirmed, and all values."""
        connection = self._shared.connection
        again: list[Outgoing] = []
        if self.is_live:
            confirmed = max(self._shared.store.released(self.name), connection.confirmed() or 0)
            again, left_out, _finals = self._unconfirmed(confirmed)
            self._left_out += left_out.texts(self._shared.house.agent.stale_events_ms)
            self._told = self.offset - 1
        self._say_the_rest()
        gone = filter(None, map(self._outlet.clear, sorted(self._gone)))
        return [*again, *gone, *self._outlet.values(connection.incarnation)]

    def _unconfirmed(self, after: int) -> tuple[list[Outgoing], LeftOut, list[Name]]:
        since_ms = self.clock.now_ms() - self._shared.house.agent.stale_events_ms
        return self._clerk.unconfirmed(self.name, after, since_ms, self._away, self._told)

    def _tell_left_out(self, texts: list[str], now: int) -> None:
        """Tell the log which events were not published, being too old."""
        topic = linker.LOG_TOPICS[linker.STALE]
        for text in texts:
            line = OwnMessage(topic, json.dumps(text, ensure_ascii=False), HUB)
            self.process_own([line], now)
        self._told = self.offset - 1

    def _say_the_rest(self) -> None:
        """Begin to say what there was no room to remember, page by page in the turns to come."""
        self._unsaid = None
        if not self._outlet.knows_all:
            self._unsaid = self._shelf.said(self._clerk.glossary.speakers())

    def _say_more(self) -> None:
        """Say a page of what there was no room to remember, when the broker has taken the last."""
        connection = self._shared.connection
        if self._unsaid is None or connection.backlog > MAX_BACKLOG:
            return
        page = next(self._unsaid, None) if connection.online else None
        if page is None:
            self._unsaid = None
            return
        said = ((self._clerk.glossary.topic_of(name), name[0], value) for name, value in page)
        frames = [
            self._outlet.say(topic, value, self.offset - 1, module, connection.incarnation)
            for topic, module, value in said
            if topic is not None
        ]
        connection.publish(list(filter(None, frames)))

    def farewell(self) -> list[Outgoing]:
        """Return what takes the mode's values from the broker."""
        gone = self._outlet.farewell()
        if not self._outlet.knows_all:
            pages = self._shelf.said(self._clerk.glossary.speakers())
            topics = (
                self._clerk.glossary.topic_of(name) for page in pages for name, _value in page
            )
            gone += filter(None, (self._outlet.clear(topic) for topic in topics if topic))
        return gone


def line_of(level: int, text: str, producer: str) -> OwnMessage:
    """Return a line of the hub's own log."""
    value = json.dumps(text, ensure_ascii=False)
    return OwnMessage(linker.LOG_TOPICS[level], value, producer)


def text_of(content: dict[str, Any]) -> str:
    """Return an object as a message of administration has it: its JSON, as a JSON text."""
    return json.dumps(json.dumps(content, ensure_ascii=False), ensure_ascii=False)
