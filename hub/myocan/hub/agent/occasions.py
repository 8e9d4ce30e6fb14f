"""What comes due in a mode: timers, ATs, a new day; and time that was missed, or set.

The one idea: what is due by now is processed one message after the other, each with its due time
as the log's time. So a hub that was away makes up for what it missed in order, and a restart at any
moment changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from myocan.hub.agent.away import AWAY, LATE_MS, Away
from myocan.hub.agent.batch import Batch
from myocan.hub.agent.clerk import Written
from myocan.hub.agent.clocks import Setting
from myocan.hub.agent.clockwork import CLOCK, Occasion
from myocan.hub.agent.corrections import (
    STANDS,
    TRUSTED,
    Correction,
)
from myocan.hub.agent.latecomers import in_order, single
from myocan.hub.agent.outlet import Name
from myocan.hub.agent.processing import MAX_BACKLOG, Processing
from myocan.hub.agent.trimming import Trimming
from myocan.hub.core import linker
from myocan.hub.store import Position

__all__ = ["CLOCK_SETTING", "Occasions"]

CLOCK_CHECK_S = 30.0
"""The loop looks at the clock at least this often while something is to come due."""

SAY_MORE_S = 0.01
"""The pause until the broker may have taken some of them."""

MAX_DUE = 1000
"""Due messages that are taken before boards are acknowledged and the end may come."""

TEST_TURN_S = 0.02
"""How long a test mode may be at it before the house has its turn, in seconds."""

BUSY_TURNS = 20
"""Turns in a row of nothing but what is due, after which that has to have become less."""

MAX_TOGETHER = 20_000
"""Rows of one transaction after which messages that boards held do not wait for their time."""

CLOCK_SETTING = "clock"
"""How the clock of a mode was set, as `$admin` has it."""

_log = logging.getLogger(__name__)


class Occasions(Processing):
    """A mode, as far as time passes in it.

    `caught_up` tells whether all was done that was due when that was last looked at.
    """

    caught_up: bool
    trimming: Trimming
    _busy_turns: int

    def due_s(self) -> float | None:
        """Return in how many seconds there is something to do here; None if nobody knows."""
        waits = [self.checkpoints.due_s(), self.trimming.due_s()]
        if self._unsaid is not None:
            waits.append(SAY_MORE_S if self._shared.connection.backlog > MAX_BACKLOG else 0.0)
        if self._calls is not None:
            waits.append(self._calls.due_s())
        due = self._clockwork.next_ms()
        if not self.caught_up:
            waits.append(0.0)
        elif due is not None:
            at_once = due <= self.log_ms and not self._behind_ms()
            wait = 0.0 if at_once else self.clock.wait_s(due)
            waits.append(CLOCK_CHECK_S if wait is None else min(wait, CLOCK_CHECK_S))
        return min((wait for wait in waits if wait is not None), default=None)

    def take_what_is_due(self) -> int | None:
        """Process what is due; return the log's time then, None if there is more, for the next
        turn."""
        now = self.now()
        self.caught_up = self._take_what_is_due(now)
        return now if self.caught_up else None

    def _take_what_is_due(self, now: int) -> bool:
        self.catch_up(now)
        ends_s = self._shared.monotonic() + TEST_TURN_S
        for _ in range(MAX_DUE):
            if not self._take_next(now, now):
                self._end_catching_up(now)
                self._busy_turns = self._lag_ms = 0
                return True
            if self._shared.stopping.is_set():
                return False
            if not self.is_live and self._shared.monotonic() >= ends_s:
                return False
        return False

    def falls_behind(self) -> bool:
        """Tell whether more comes due than can be done, turn after turn; others need one, too."""
        due = self._clockwork.next_ms()
        lag = 0 if due is None else self.clock.now_ms() - due
        self._busy_turns += 1
        if self._busy_turns % BUSY_TURNS:
            return False
        before, self._lag_ms = self._lag_ms, lag
        if not 0 < before <= lag:
            return False
        if self._busy_turns == 2 * BUSY_TURNS:
            text = "timers and ATs come due faster than this machine can do them; what boards send "
            self.say(linker.ALERT, text + "waits in between", CLOCK)
        self._end_catching_up(self.now())
        return True

    def _take_next(self, until_ms: int, now: int) -> bool:
        """Process what is due next up to a time; return whether there was anything."""
        if self._behind_ms():  # the log's time stands: what is due is told by the clock alone
            until_ms = now = self.clock.now_ms()
        due = self._clockwork.take(until_ms, now)
        if isinstance(due, str):
            self.say(linker.WARN, due, CLOCK)
        elif due is not None:
            self._process_occasion(due)
        return due is not None

    def _process_occasion(self, due: Occasion) -> None:
        self.process_own(due.messages, max(due.at_ms, self.log_ms), due.taken)

    def catch_up(self, now: int) -> bool:
        """Begin to make up for what was missed, if anything was; return `catching_up`.

        Arguments:
            now: the log's time, milliseconds since 1970 UTC.
        """
        due = self._clockwork.next_ms()
        present = self.clock.now_ms() if self._behind_ms() else now
        missed = due is not None and due < present - LATE_MS
        if self.is_live and missed and not self.catching_up:
            self._set_away(Away(self.offset), self.log_ms or now)
        return self.catching_up

    def _end_catching_up(self, now: int) -> None:
        """Publish what is true now, and the events that are not too old."""
        if not self.catching_up:
            return
        first, incarnation = self._away.first, self._shared.connection.incarnation
        frames, left_out, finals = self._unconfirmed(first - 1)
        frames += self._outlet.finals(finals, incarnation)
        self._say_the_rest()
        untold = self.offset - 1
        self._tell_left_out(left_out.texts(self._shared.house.agent.stale_events_ms), now)
        frames += self._unconfirmed(untold)[0]
        self._set_away(Away(first, self.offset), now)
        self._publish(sorted(frames, key=lambda frame: frame[4]))

    def _set_away(self, away: Away, at_ms: int) -> None:
        """Write down where in the log was made up for what was missed."""
        self._away = away
        self.append(self._clerk.row_of(self.offset, at_ms, AWAY, away.to_json(), CLOCK))

    def process_late(self, batch: Batch, positions: Sequence[Position]) -> None:
        """Process what boards held while the hub was away, in its place among what was due then.

        It is one transaction from the first of these messages on, for a board is heard up to a
        message or not at all.

        Arguments: see `process`; the log's time is that of each message.
        """
        now = self.now()
        order = in_order(batch, self.log_ms, now)
        while order and self._take_next(order[0][0], now):
            pass
        self._together = Written()
        messages = single(batch, (place for _at_ms, place in order))
        for (at_ms, _place), message in zip(order, messages, strict=True):
            while len(self._together.rows) < MAX_TOGETHER and self._take_next(at_ms, now):
                pass
            self.process(message, max(at_ms, self.log_ms))
        together, self._together = self._together, None
        self._write(together, positions)

    def set_clock(self, setting: Setting | None, producer: str) -> None:
        """Let the clock show something else from now on.

        Arguments:
            setting: what, not before `log_ms`; None: the wall clock.
            producer: who sets it.
        """
        self.note(CLOCK_SETTING, "null" if setting is None else setting.to_json(), producer)
        self.clock.setting = setting
        self.caught_up = False

    def _begin_clock(self, state: Mapping[Name, str]) -> None:
        """See whether the clock was set back while the hub was away, and whether it is believed."""
        if self.doubt:
            text = f"the clock of this machine is not believed: {self.doubt}. Until it is, no AT "
            text += 'comes due; if it is right, write [clock] trust = "always" in myocan.toml'
            _log.warning("%s", text)
            self.append(self._row_of_clock(TRUSTED, "false"))
            self.say(linker.ALERT, text, CLOCK)
            return
        if state.get(TRUSTED) == "false":
            self.append(self._row_of_clock(TRUSTED, "true"))
        behind = self._behind_ms()
        if behind and state.get(STANDS) != str(self.log_ms):
            self.correct(-behind)  # nobody knows how much time has passed; timers keep what is left

    def believe(self) -> None:
        """Believe the clock from now on: what was missed until now is made up for."""
        behind = self._behind_ms()
        correction = Correction(-behind, self.log_ms, self.clock.now_ms())
        moved = self._corrections.believe(correction, self._clockwork, self.offset)
        if moved is not None:
            self.append(moved)
            self.append(self._row_of_clock(STANDS, str(self.log_ms)))
        self.append(self._row_of_clock(TRUSTED, "true"))
        self.say(linker.INFO, "the clock of this machine is believed now", CLOCK)
        told = self._clockwork.trust(self.clock.now_ms())
        if told is not None:
            self._process_occasion(told)
        self.caught_up = False

    def correct(self, by_ms: int) -> None:
        """Take note that the wall clock was set; timers that run go on as they were.

        Arguments:
            by_ms: by how much, negative for back.
        """
        new_ms = self.clock.now_ms()
        correction = Correction(by_ms, max(self.log_ms, new_ms - by_ms), new_ms)
        self.append(self._corrections.set(correction, self._clockwork, self.offset))
        if by_ms < 0:
            self.append(self._row_of_clock(STANDS, str(correction.at_ms)))
        self.say(linker.WARN, correction.words, CLOCK)
        self.caught_up = False

    def _row_of_clock(self, name: Name, value: str) -> Written:
        """Return a message of the clock at the log's time, whose value is state."""
        return self._clerk.row_of(self.offset, self.log_ms or self.now(), name, value, CLOCK)
