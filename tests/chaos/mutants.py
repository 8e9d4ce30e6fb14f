"""Hubs that break a promise: what the simulation must find, each with the rule that it breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from myocan.hub.agent.journal import Journal
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.outlet import Outlet
from myocan.hub.store import LogRow, Position, Store, Syncer
from myocan.wire import Inbox
from myocan.wire.inbox import REPEAT, TAKE

Mutant = Callable[[pytest.MonkeyPatch], None]


def acknowledge_before_the_sync(patch: pytest.MonkeyPatch) -> None:
    """A board may forget only what a sync has covered."""
    append = Journal.append

    def told_at_once(self: Journal, *arguments: Any) -> None:
        append(self, *arguments)
        self.synced = self.written

    patch.setattr(Journal, "append", told_at_once)


def report_a_sync_that_was_not_made(patch: pytest.MonkeyPatch) -> None:
    """What is reported as synced is on the disk."""
    patch.setattr(Syncer, "_sync", lambda self: self._written)


def _apart(patch: pytest.MonkeyPatch, positions_first: bool) -> None:
    append = Store.append

    def in_two(
        self: Store,
        mode: str,
        rows: Sequence[LogRow],
        positions: Sequence[Position] = (),
        released: int | None = None,
    ) -> int:
        if positions and positions_first:
            append(self, mode, [], positions)
        number = append(self, mode, rows, (), released)
        if positions and not positions_first:
            number = append(self, mode, [], positions)
        return number

    patch.setattr(Store, "append", in_two)


def write_positions_after_their_messages(patch: pytest.MonkeyPatch) -> None:
    """Else a crash between the two has the board's messages count twice."""
    _apart(patch, positions_first=False)


def write_positions_before_their_messages(patch: pytest.MonkeyPatch) -> None:
    """Else a crash between the two loses them."""
    _apart(patch, positions_first=True)


def publish_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """Only what the log has is published."""
    append, publish = Mode.append, Mode._publish

    def nothing(self: Mode, frames: Any) -> None:
        pass

    def said_first(self: Mode, written: Any, positions: Any = ()) -> None:
        publish(self, written.frames)
        append(self, written, positions)

    patch.setattr(Mode, "append", said_first)
    patch.setattr(Mode, "_publish", nothing)


def live_on_as_the_same_incarnation(patch: pytest.MonkeyPatch) -> None:
    """After a power cut an offset may mean another message; the incarnation tells them apart."""
    begin = Store.begin_incarnation

    def the_first(self: Store, at_least: int = 0, note: str = "") -> int:
        return self.incarnation or begin(self, at_least, note)

    patch.setattr(Store, "begin_incarnation", the_first)


def say_no_values_again(patch: pytest.MonkeyPatch) -> None:
    """A broker that comes back has old values, or none."""
    patch.setattr(Outlet, "values", lambda self, incarnation: [])


def take_what_was_taken(patch: pytest.MonkeyPatch) -> None:
    """A board sends again whatever was not acknowledged."""
    on_message = Inbox.on_message

    def any_one(self: Inbox, boot: int, seq: int, now_ms: int) -> str:
        outcome = on_message(self, boot, seq, now_ms)
        return TAKE if outcome == REPEAT else outcome

    patch.setattr(Inbox, "on_message", any_one)


MUTANTS: list[Mutant] = [
    acknowledge_before_the_sync,
    report_a_sync_that_was_not_made,
    write_positions_after_their_messages,
    write_positions_before_their_messages,
    publish_before_the_commit,
    live_on_as_the_same_incarnation,
    say_no_values_again,
    take_what_was_taken,
]
