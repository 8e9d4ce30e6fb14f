"""What the hub does by itself, in the order of time: what comes due, and what day it is.

The one idea: a midnight, a timer and an AT are occasions of one line. Each has its time, each is
messages of the hub's own that stand in the log at that time, and the next is taken when all of the
last is written. Of one time the calendar comes first, so that what is due at midnight finds the new
day.

A day that began while the hub was away is made up for like an AT, up to a limit; of
those before, the last says it all.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import NamedTuple

from myocan.hub.agent.batch import OwnMessage
from myocan.hub.agent.outlet import Name
from myocan.hub.calendar import CONFIG_MODULE, Calendar, Notices, place_of
from myocan.hub.core import Core, Tag
from myocan.hub.core.program import AT_VARIABLE
from myocan.hub.core.scalars import parse_time
from myocan.hub.house import House
from myocan.hub.keyed_timers import KeyedTimers
from myocan.hub.timetable import Due, Timetable

__all__ = ["CLOCK", "Clockwork", "Occasion"]

CLOCK = "clock"
"""The producer of what comes due, and of what day it is."""

HOUSE = "house"
"""The producer of a house's settings."""


class Occasion(NamedTuple):
    """Messages that stand in the log at one time.

    Arguments:
        at_ms: that time, milliseconds since 1970 UTC.
        messages: in order.
        taken: what the first of them changes besides variables, names and JSON texts: which
            occurrence of an AT it is.
    """

    at_ms: int
    messages: list[OwnMessage]
    taken: tuple[tuple[Name, str], ...] = ()


class Clockwork:
    """The occasions of a house.

    Arguments:
        house: its settings.
        core: which programs run, and what their variables hold.
        state: all that the log knows, and that has a place in these programs.
        ats: (module, identity) of ATs that have missed nothing, being new.
        now_ms: the log's time.
        log_ms: of the last row of the log; all that was due before was taken. 0 for an empty log.
        catch_up_ms: what was due longer ago is left out.
        trusted: whether the clock is believed; if not, nothing but timers comes due until `trust`.
        timers: those of instances, so far as `state` does not have them.
    """

    def __init__(
        self,
        house: House,
        core: Core,
        state: Mapping[Name, str],
        ats: Collection[tuple[str, str]],
        now_ms: int,
        log_ms: int,
        catch_up_ms: int,
        trusted: bool = True,
        timers: KeyedTimers | None = None,
    ) -> None:
        self._core = core
        self._new = frozenset(ats)
        self._known: dict[tuple[str, str], str] = {}
        place = place_of(house)

        def after_ms(module: str, identity: str) -> int:
            if (module, identity) in ats:
                return now_ms
            return max(int(state.get((module, AT_VARIABLE, identity), 0)), log_ms - 1)

        self._timetable = Timetable(
            core.programs, lambda: place, self._minutes, after_ms, catch_up_ms, timers
        )
        self._timetable.schedules = trusted
        self._timed = frozenset(self._timetable.variables)
        self._notices = Notices(Calendar(house, place), core.programs, self._known_of, log_ms)
        self._notified = frozenset(self._notices.variables)
        self.variables = self._timed | self._notified
        for name, value in state.items():
            if name[:2] in self.variables:
                self.note(name, value, log_ms)
        if not self._known:  # nobody has missed a day
            self._notices.take(now_ms)

    def note(self, name: Name, value: str | None, log_ms: int) -> None:
        """Take note of a change of one of `variables`.

        Arguments:
            name: whose and which it is.
            value: as JSON, None if it is forgotten.
            log_ms: the log's time of the change.
        """
        module, variable, key = name
        if (module, variable) in self._notified:
            if value is None:
                self._known.pop((module, variable), None)
            else:
                self._known[module, variable] = value
        if (module, variable) in self._timed:
            due_ms = int(value) if value is not None and value.isdigit() else 0
            self._timetable.note(module, variable, due_ms, log_ms, key)

    def next_ms(self) -> int | None:
        """Return the time of the next occasion, milliseconds since 1970 UTC; None for never."""
        change_ms = self._notices.next_ms() if self._timetable.schedules else None
        times = (self._timetable.next_due_ms(), change_ms)
        return min((time for time in times if time is not None), default=None)

    def begin(self, at_ms: int) -> Occasion | None:
        """Return what modules do not know yet, or not any more, as the hub starts."""
        return self._told(at_ms) if self._timetable.schedules else None

    def trust(self, now_ms: int) -> Occasion | None:
        """Believe the clock from now on; return what modules do not know yet.

        Arguments:
            now_ms: what it shows, milliseconds since 1970 UTC.
        """
        self._timetable.schedules = True
        self._timetable.miss_nothing(self._new, now_ms)
        return None if self._known else self._told(now_ms)

    def timers(self) -> list[tuple[Name, int]]:
        """Return the timers that run, (name, when due in milliseconds since 1970 UTC)."""
        return self._timetable.running()

    def is_timer(self, name: Name) -> bool:
        """Tell whether a variable is a timer."""
        return self._timetable.is_timer(name[0], name[1])

    def take(self, now_ms: int, present_ms: int | None = None) -> Occasion | str | None:
        """Return the first occasion up to now, and go on to the next.

        Ask again before anything else is processed, until it is None; what the occasion changes
        must be noted before.

        Arguments:
            now_ms: milliseconds since 1970 UTC.
            present_ms: from when to count how far back is caught up with; None: from `now_ms`.

        Returns:
            An occasion, or what was left out, in words, or None.
        """
        oldest = (now_ms if present_ms is None else present_ms) - self._timetable.catch_up_ms
        while self._timetable.schedules:
            change_ms = self._notices.next_ms()
            if change_ms is None or change_ms > now_ms:
                break
            due_ms = self._timetable.next_due_ms()
            if due_ms is not None and max(due_ms, oldest) < max(change_ms, oldest):
                break
            told = self._told(max(change_ms, oldest))
            if told is not None:
                return told
        due = self._timetable.take(now_ms, oldest)
        return self._occasion_of(due) if isinstance(due, Due) else due

    def _occasion_of(self, due: Due) -> Occasion:
        value = json.dumps(due.text, ensure_ascii=False)
        message = OwnMessage(("", due.module, due.variable), value, CLOCK, due.instance)
        taken = ((due.module, AT_VARIABLE, identity) for identity in due.identities)
        return Occasion(due.at_ms, [message], tuple((name, str(due.at_ms)) for name in taken))

    def _told(self, at_ms: int) -> Occasion | None:
        messages = [
            OwnMessage(topic, value, HOUSE if topic[1] == CONFIG_MODULE else CLOCK)
            for topic, value in self._notices.take(at_ms)
        ]
        return Occasion(at_ms, messages) if messages else None

    def _known_of(self, module: str, variable: str) -> str | None:
        return self._known.get((module, variable))

    def _minutes(self, module: str, variable: str) -> int | None:
        """Return what a time variable says."""
        scalar = self._core.read(module, variable)
        if scalar is None or scalar[0] != Tag.TEXT:
            return None
        return parse_time(self._core.texts[scalar[1]])
