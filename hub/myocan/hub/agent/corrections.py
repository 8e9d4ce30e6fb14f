"""Corrections of the wall clock: told apart from time that passes, and written into the log.

The one idea: two clocks run side by side, the wall's and one that only counts (and counts on while
the machine sleeps). As long as both go on alike, time passes. When they part, somebody has set the
wall clock: that is a message of the log, `$clock.corrected`, with which every running timer moves
as far as the clock has moved. So a timer counts the time that passed and notices nothing.

What follows from a clock that was set back:

- The log's time never goes back. It stands until the clock has caught up with it. Meanwhile a timer
  that is started has to be moved at once, for it was started from the log's time: that is one more
  such message, in the transaction of its start.
- An AT comes once for each day, so one that was taken does not come again.

One that was set ahead is, for ATs, time that was missed (see `away`).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from myocan.hub.agent.clerk import Clerk, Written
from myocan.hub.agent.clockwork import CLOCK, Clockwork
from myocan.hub.agent.outlet import Name
from myocan.hub.durations import duration_text
from myocan.hub.store import Store

__all__ = [
    "CORRECTED",
    "JUMP_MS",
    "STANDS",
    "TRUSTED",
    "Correction",
    "Corrections",
    "WallClock",
    "elapsed_ms",
]

CORRECTED = ("$clock", "corrected", "")
"""The name of the last correction."""

TRUSTED = ("$clock", "trusted", "")
"""The name of whether the machine's clock is believed."""

STANDS = ("$clock", "stands", "")
"""The name of the log's time that stood, or stands, until a clock that was set back reaches it."""

JUMP_MS = 1000
"""By how much the clocks part at once for a correction; less is what NTP does all the time."""


def elapsed_ms() -> int:
    """Return milliseconds that passed since some moment, the machine's sleep included."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime_ns(clock) // 1_000_000


class Correction(NamedTuple):
    """How the clock was set.

    Arguments:
        by_ms: by how much, negative for back.
        at_ms: the log's time. new_ms: what the clock shows since, milliseconds since 1970 UTC.
    """

    by_ms: int
    at_ms: int
    new_ms: int

    def to_json(self) -> str:
        """Return it as the log has it: a JSON text of what it showed, shows, and the milliseconds
        between."""
        return json.dumps(f"{_shown(self.new_ms - self.by_ms)} {_shown(self.new_ms)} {self.by_ms}")

    @property
    def words(self) -> str:
        """What a person should know of it."""
        how = "set back" if self.by_ms < 0 else "set ahead"
        return (
            f"the clock of this machine was {how} by {duration_text(abs(self.by_ms))}, to "
            f"{_shown(self.new_ms)}; timers go on as if nothing had happened"
        )


class WallClock:
    """Watches the wall clock for corrections.

    Arguments:
        now_ms: the wall clock, milliseconds since 1970 UTC.
        elapsed: counts milliseconds; None: corrections are not told from time that passes.
    """

    def __init__(self, now_ms: Callable[[], int], elapsed: Callable[[], int] | None) -> None:
        self._now_ms = now_ms
        self._elapsed = elapsed
        self._apart = self._measure()

    def correction(self) -> int:
        """Return by how many milliseconds the clock was set since this was last asked, or 0."""
        before, self._apart = self._apart, self._measure()
        by_ms = self._apart - before
        return by_ms if abs(by_ms) >= JUMP_MS else 0

    def _measure(self) -> int:
        return 0 if self._elapsed is None else self._now_ms() - self._elapsed()


class Corrections:
    """Moves the timers of a mode as the clock was moved.

    Arguments:
        store: gives names their numbers in the log.
        clerk: knows the core.
        doubt: why the clock is not believed, "" if it is.
    """

    def __init__(self, store: Store, clerk: Clerk, doubt: str) -> None:
        self._store = store
        self._clerk = clerk
        self._started: set[Name] = set()
        self.doubt = doubt

    def set(self, correction: Correction, clockwork: Clockwork, offset: int) -> Written:
        """Return the message that the clock was set, with which the timers that run move.

        Those that ran before the hub came, with a clock that is not believed, were started by a
        right one, and are due when that shows their time.
        """
        timers = clockwork.timers()
        if self.doubt:
            timers = [one for one in timers if one[0] in self._started]
        return self._move(correction, timers, offset)

    def believe(self, correction: Correction, clockwork: Clockwork, offset: int) -> Written | None:
        """Believe the clock; return the message that the log was wrong, if it was ahead of it.

        The timers that move are those that were started before, by the clock that was wrong then.
        """
        before = [one for one in clockwork.timers() if one[0] not in self._started]
        self.doubt = ""
        self._started.clear()
        return self._move(correction, before, offset) if correction.by_ms else None

    def follow(
        self, written: Written, clockwork: Clockwork, now_ms: int, behind_ms: int, offset: int
    ) -> None:
        """Move timers that were started from a log's time that stands ahead of the clock.

        Arguments:
            written: what a batch came to; the message that moves them is added to it.
            clockwork: knows the timers.
            now_ms: the clock, milliseconds since 1970 UTC. behind_ms: by how much it is behind.
            offset: of the next message.
        """
        if self.doubt:
            self._started |= {name for name, _value in written.noted}
        if not behind_ms or not written.rows:
            return
        started = {
            name: int(value)
            for name, value in written.noted
            if value is not None and value.isdigit() and clockwork.is_timer(name)
        }
        log_ms = written.rows[-1][1]
        timers = [(name, due_ms) for name, due_ms in started.items() if due_ms > log_ms]
        if timers:
            written.add(self._move(Correction(-behind_ms, log_ms, now_ms), timers, offset))

    def _move(
        self, correction: Correction, timers: Iterable[tuple[Name, int]], offset: int
    ) -> Written:
        written = self._clerk.row_of(
            offset, correction.at_ms, CORRECTED, correction.to_json(), CLOCK
        )
        changes = [f"{number},{text}" for number, text in written.state.items()]
        for name, due_ms in timers:
            text = str(max(1, due_ms + correction.by_ms))
            self._clerk.restore(name, text)
            number = self._store.name_id(*name)
            changes.append(f"{number},{text}")
            written.state[number] = text
            written.noted.append((name, text))
        row = written.rows[0]
        written.rows[0] = (*row[:8], f"[{','.join(changes)}]")
        return written


def _shown(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
