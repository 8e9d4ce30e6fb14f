"""What comes due, and when: the running timers and the next occurrence of every AT.

The one idea: it has no clock and no memory of its own. What it knows comes from the state (when a
timer is due, when an AT was taken last), so after a restart it is as it was, and it says what is
due at a given time one thing after the other, in the order of due times, then of modules, then of
lines, then of instances. Nothing is polled: an AT costs nothing until it is due.

Rules:

- An occurrence of an AT is known by its due time, and comes once: the next one is looked for behind
  the last that was taken, whatever the clock does.
- What a time variable says counts for occurrences after the change.
- Missed occurrences of an AT come all, at their own due times, unless they are older than
  `catch_up_ms`: those are left out, and `take` tells which and how many. A timer is never left out:
  it is one message, late if need be.
- A keyed timer is one for each instance. An AT is one message, whoever of a module hears it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple

from myocan.hub.core import At, Program, Role
from myocan.hub.core.linker import fold
from myocan.hub.core.program import AT_VARIABLE
from myocan.hub.durations import duration_text
from myocan.hub.keyed_timers import KeyedTimers

if TYPE_CHECKING:
    from myocan.hub.lang.schedules import Place, Schedule

__all__ = ["CATCH_UP_MS", "Due", "Timetable"]

CATCH_UP_MS = 24 * 3_600_000
"""How far back missed ATs are made up for, where nobody says otherwise."""

MOST_COUNTED = 1000
"""Occurrences that are counted of an AT that are left out; bounds what a year away costs."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_REMEMBERED = 1024
"""Answers of the calendar that are kept: many modules have the same schedule."""


class Due(NamedTuple):
    """A message that is due.

    Arguments:
        at_ms: when, milliseconds since 1970 UTC; the log's time of the message.
        module, variable: its topic.
        text: its value, None for a timer's.
        identities: of the ATs that it names.
        instance: the key of the instance whose timer it is, "" for none.
    """

    at_ms: int
    module: str
    variable: str
    text: str | None = None
    identities: tuple[str, ...] = ()
    instance: str = ""


@dataclass(slots=True)
class _Entry:
    """A running timer or an AT, and when it is due next; None for an AT that never is again."""

    number: int
    module: str
    name: str
    line: int
    due_ms: int | None = None
    at: At | None = None
    schedule: Schedule | None = None


@dataclass(slots=True)
class _Hearers:
    """What depends on a variable: the timer that it is, by its line, and the ATs that name it.

    running: the entry of the timer while it runs, unless it is one for each instance.
    """

    timer: int | None = None
    running: _Entry | None = None
    ats: list[_Entry] = field(default_factory=list)


_Heap = list[tuple[int, str, int, int]]
"""(when it is due, module, line, number of the entry), the first first."""


class Timetable:
    """The timers and ATs of some programs.

    Arguments:
        programs: those that run.
        place: where the house stands; asked for if there is an AT.
        minutes: returns what a time variable says, minutes since midnight, by module and
            lower-case name; None if it says nothing.
        after_ms: returns behind which time the occurrences of an AT count, by module and identity.
        catch_up_ms: how far back missed ATs are made up for, in milliseconds.
        keyed: the timers of instances; None: none runs yet.

    While `schedules` is False, timers come due and ATs do not.
    """

    def __init__(
        self,
        programs: Iterable[Program],
        place: Callable[[], Place],
        minutes: Callable[[str, str], int | None],
        after_ms: Callable[[str, str], int],
        catch_up_ms: int = CATCH_UP_MS,
        keyed: KeyedTimers | None = None,
    ) -> None:
        self._minutes = minutes
        self._keyed = KeyedTimers() if keyed is None else keyed
        self.catch_up_ms = catch_up_ms
        self.schedules = True
        self._timers: _Heap = []
        self._ats: _Heap = []
        self._together: list[tuple[str, int, str, str]] = []
        """Timers of instances that may be due at `_together_ms`: module, line, key, name; the first
        of them last."""
        self._together_ms = 0
        self._entries: dict[int, _Entry] = {}
        self._next_number = 0
        self._hearers: dict[tuple[str, str], _Hearers] = {}
        self._answers: dict[tuple[str, int], int | None] = {}
        self._files: dict[str, str] = {}
        self._place: Place | None = None
        for program in programs:
            self._files[program.module] = program.file
            for variable in program.variables:
                if variable.role == Role.TIMER:
                    name = fold(variable.name)
                    self._heard(program.module, name).timer = variable.line
            for at in program.ats:
                if self._place is None:
                    self._place = place()
                self._add_at(program.module, at, after_ms(program.module, at.identity))

    @property
    def variables(self) -> Iterable[tuple[str, str]]:
        """The timers and time variables, (module, lower-case name), whose changes `note` wants."""
        return self._hearers.keys()

    def note(self, module: str, name: str, due_ms: int, now_ms: int, key: str = "") -> None:
        """Take note of a change of one of `variables`.

        Arguments:
            module, name: the variable.
            due_ms: of a timer: when it is due, 0 if it does not run, or is gone with its instance.
            now_ms: the log's time of the change.
            key: the instance whose timer it is, "" for none.
        """
        hearers = self._hearers[module, name]
        if hearers.timer is not None and key:
            self._keyed.note((module, name, key), due_ms)
        elif hearers.timer is not None:
            entry = hearers.running
            if due_ms:
                if entry is None:
                    entry = hearers.running = self._add(module, name, hearers.timer)
                self._plan(entry, due_ms)
            elif entry is not None:
                self._remove(entry)
        for entry in hearers.ats:
            self._plan(entry, self._next(entry, now_ms))

    def next_due_ms(self) -> int | None:
        """Return when something is due next, milliseconds since 1970 UTC; None for never."""
        times = (self._planned_ms(), self._keyed_ms())
        return min((time for time in times if time is not None), default=None)

    def _planned_ms(self) -> int | None:
        """Return when the next is due that is no timer of an instance."""
        heap = self._first()
        return heap[0][0] if heap else None

    def _keyed_ms(self) -> int | None:
        """Return when the next timer of an instance is due."""
        next_ms = self._keyed.next_ms()
        while self._together and (next_ms is None or self._together_ms <= next_ms):
            module, _line, key, name = self._together[-1]
            if self._keyed.is_due((module, name, key), self._together_ms):
                return self._together_ms
            self._together.pop()
        return next_ms

    def _keyed_is_first(self, due_ms: int) -> bool:
        """Tell whether a timer of an instance is the first of all that is due at this time."""
        if self._keyed_ms() != due_ms:
            return False
        if not self._together or self._together_ms != due_ms:
            for module, _line, key, name in self._together:  # others were moved before them
                self._keyed.put_back((module, name, key), self._together_ms)
            self._together.clear()
            self._together_ms = due_ms
            for module, name, key in self._keyed.take(due_ms):
                hearers = self._hearers.get((module, name))
                if key and hearers is not None and hearers.timer is not None:  # else it is none
                    self._together.append((module, hearers.timer, key, name))
            self._together.sort(reverse=True)
            if self._keyed_ms() != due_ms:
                return False
        if self._planned_ms() != due_ms:
            return True
        return self._together[-1][:2] < self._first()[0][1:3]

    def _first(self) -> _Heap:
        """Return the heap whose first entry is due next; an empty one if nothing is."""
        timers = self._clean(self._timers)
        ats = self._clean(self._ats) if self.schedules else []
        return ats if ats and not (timers and timers[0] < ats[0]) else timers

    def _clean(self, heap: _Heap) -> _Heap:
        """Take from the front of a heap what was stopped, or started anew; return it."""
        while heap:
            due_ms, _module, _line, number = heap[0]
            entry = self._entries.get(number)
            if entry is not None and entry.due_ms == due_ms:
                break
            heappop(heap)
        return heap

    def is_timer(self, module: str, name: str) -> bool:
        """Tell whether a variable is a timer."""
        hearers = self._hearers.get((module, name))
        return hearers is not None and hearers.timer is not None

    def running(self) -> list[tuple[tuple[str, str, str], int]]:
        """Return the timers that run, ((module, lower-case name, instance), when due), in order."""
        found = [
            ((module, name, ""), hearers.running.due_ms)
            for (module, name), hearers in self._hearers.items()
            if hearers.running is not None and hearers.running.due_ms is not None
        ]
        together = [(module, name, key) for module, _line, key, name in self._together]
        at_ms = self._together_ms
        found += [(name, at_ms) for name in together if self._keyed.is_due(name, at_ms)]
        found += [one for one in self._keyed.running() if self.is_timer(*one[0][:2])]
        return sorted({*found})

    def miss_nothing(self, ats: Collection[tuple[str, str]], now_ms: int) -> None:
        """Let the occurrences of ATs, (module, identity), count from now on only."""
        for entry in self._entries.values():
            if entry.at is not None and (entry.module, entry.at.identity) in ats:
                self._plan(entry, self._next(entry, now_ms))

    def take(self, now_ms: int, oldest_ms: int | None = None) -> Due | str | None:
        """Return the first thing that is due by now, and go on to the next.

        Ask again before anything else is processed, until it is None; what a timer's or AT's
        message changes must be noted before.

        Arguments:
            now_ms: milliseconds since 1970 UTC.
            oldest_ms: ATs that were due before are left out; None: `catch_up_ms` before now.

        Returns:
            A message, or what was left out, in words, or None.
        """
        due_ms = self.next_due_ms()
        if due_ms is None or due_ms > now_ms:
            return None
        oldest = now_ms - self.catch_up_ms if oldest_ms is None else oldest_ms
        if self._keyed_is_first(due_ms):
            module, _line, key, name = self._together.pop()
            return Due(max(due_ms, oldest), module, name, instance=key)
        entry = self._entries[heappop(self._first())[-1]]
        if entry.at is None:
            self._remove(entry)
            return Due(max(due_ms, oldest), entry.module, entry.name)
        if due_ms < oldest:
            return self._leave_out(entry, due_ms, oldest)
        together = [entry]
        self._plan(entry, self._next(entry, due_ms))
        while self._planned_ms() == due_ms and not self._keyed_is_first(due_ms):
            heap = self._first()
            other = self._entries[heap[0][-1]]
            if other.module != entry.module or other.at is None:
                break
            heappop(heap)
            together.append(other)
            self._plan(other, self._next(other, due_ms))
        identities = tuple(one.name for one in together)
        return Due(due_ms, entry.module, AT_VARIABLE, json.dumps(identities), identities)

    def _leave_out(self, entry: _Entry, first_ms: int, oldest_ms: int) -> str:
        """Go on to the first occurrence that is not too old; return what is left out, in words."""
        count, last_ms = 1, first_ms
        while count < MOST_COUNTED:
            next_ms = self._next(entry, last_ms)
            if next_ms is None or next_ms >= oldest_ms:
                break
            count, last_ms = count + 1, next_ms
        self._plan(entry, self._next(entry, oldest_ms - 1))
        times = "once" if count == 1 else f"{count} times"
        if count == MOST_COUNTED:
            times = f"{count} times or more"
        when = _shown(first_ms) if count == 1 else f"from {_shown(first_ms)} to {_shown(last_ms)}"
        return (
            f"{self._files[entry.module]}:{entry.line}: this AT was due {times}, {when}, "
            "and is left out: "
            f"that is more than {duration_text(self.catch_up_ms)} ago ([agent] catch_up)"
        )

    def _add(self, module: str, name: str, line: int, at: At | None = None) -> _Entry:
        entry = _Entry(self._next_number, module, name, line, at=at)
        self._entries[entry.number] = entry
        self._next_number += 1
        return entry

    def _remove(self, timer: _Entry) -> None:
        """Forget a timer that does not run any more; what the heap has of it counts no more."""
        del self._entries[timer.number]
        self._hearers[timer.module, timer.name].running = None

    def _heard(self, module: str, name: str) -> _Hearers:
        return self._hearers.setdefault((module, name), _Hearers())

    def _add_at(self, module: str, at: At, after_ms: int) -> None:
        from myocan.hub.lang.schedules import Schedule

        schedule = Schedule.from_json(at.schedule)
        entry = self._add(module, at.identity, at.line, at=at)
        entry.schedule = schedule
        for name in schedule.variables:
            self._heard(module, name).ats.append(entry)
        self._plan(entry, self._next(entry, after_ms))

    def _plan(self, entry: _Entry, due_ms: int | None) -> None:
        if due_ms is not None and due_ms != entry.due_ms:  # else it stands in the heap already
            heap = self._timers if entry.at is None else self._ats
            heappush(heap, (due_ms, entry.module, entry.line, entry.number))
        entry.due_ms = due_ms

    def _next(self, entry: _Entry, after_ms: int) -> int | None:
        """Return when an AT is due first after a time."""
        from myocan.hub.lang.schedules import next_due

        assert entry.at is not None
        assert entry.schedule is not None
        assert self._place is not None
        key = entry.at.schedule, after_ms
        if key in self._answers:
            return self._answers[key]
        variables = {}
        for name in entry.schedule.variables:
            minutes = self._minutes(entry.module, name)
            if minutes is not None:
                variables[name] = minutes
        found = next_due(entry.schedule, _EPOCH + after_ms * _MILLISECOND, self._place, variables)
        due_ms = None if found is None else (found - _EPOCH) // _MILLISECOND
        if not entry.schedule.variables:
            if len(self._answers) >= _REMEMBERED:
                self._answers.clear()
            self._answers[key] = due_ms
        return due_ms


def _shown(at_ms: int) -> str:
    """Return a time as people read it, in UTC: `2027-03-27 13:00 UTC`."""
    return f"{_EPOCH + at_ms * _MILLISECOND:%Y-%m-%d %H:%M} UTC"
