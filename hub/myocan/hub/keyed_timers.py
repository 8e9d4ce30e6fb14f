"""The running timers of instances: when the next of very many is due.

The one idea: a timer here is one integer, its due time with the number of its name behind it, and
nothing is taken out when it stops. What is at the front is asked for before it counts: whether it
still runs, and until when, the instance knows. So a million timers that run cost some 45 MB; and
those that a hub finds at its start stay in the store until their turn comes near.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import NamedTuple, Protocol

__all__ = ["KeyedTimers", "Names", "Soon"]

Name = tuple[str, str, str]
"""(module, lower-case name, key)."""

_NUMBER_BITS = 40
_NUMBER = (1 << _NUMBER_BITS) - 1


class Names(Protocol):
    """Gives names numbers, from 0 to 2 ** 40 - 1, and tells them again."""

    def number(self, name: Name, /) -> int:
        """Return the number of a name; the same each time."""

    def __getitem__(self, number: int, /) -> Name: ...


class Soon(NamedTuple):
    """The first timers that were running when the hub was started.

    Arguments:
        timers: (due time, milliseconds since 1970 UTC; number of the name). Some may have been
            stopped or started anew since, and some may be none at all.
        until_ms: these are all that are due before this; None: there are no more.
    """

    timers: list[tuple[int, int]]
    until_ms: int | None


class KeyedTimers:
    """When timers of instances are due.

    Arguments:
        names: gives them numbers; None: names are kept here.
        due_ms: returns when a timer is due, 0 if it does not run; None: that is kept here, too.
        stored: returns those that are due from a time on, the soonest first.
    """

    def __init__(
        self,
        names: Names | None = None,
        due_ms: Callable[[Name], int] | None = None,
        stored: Callable[[int], Soon] | None = None,
    ) -> None:
        self._names = _Kept() if names is None else names
        self._due_ms = due_ms
        self._kept: dict[int, int] = {}
        self._heap: list[int] = []
        self._sure = -1
        """What is known to be due, if it is at the front."""
        self._stored = stored
        self._from_ms = 0
        """Those that are due before this are not in the store alone."""

    def note(self, name: Name, due_ms: int) -> None:
        """Take note of a timer: when it is due, milliseconds since 1970 UTC, 0 if it is stopped."""
        self._sure = -1
        if not due_ms and self._due_ms is not None:
            return
        number = self._names.number(name)
        if due_ms:
            heappush(self._heap, due_ms << _NUMBER_BITS | number)
        if self._due_ms is None:
            self._kept[number] = due_ms

    def put_back(self, name: Name, due_ms: int) -> None:
        """Take back what `take` returned, since others have come before it."""
        heappush(self._heap, due_ms << _NUMBER_BITS | self._names.number(name))

    def is_due(self, name: Name, due_ms: int) -> bool:
        """Tell whether a timer runs until just this time."""
        if self._due_ms is None:
            return self._kept.get(self._names.number(name)) == due_ms
        return self._due_ms(name) == due_ms

    def next_ms(self) -> int | None:
        """Return when the next is due, milliseconds since 1970 UTC; None for never."""
        while True:
            self._read_on()
            if not self._heap:
                return None
            first = self._heap[0]
            due_ms = first >> _NUMBER_BITS
            if first == self._sure or self.is_due(self._names[first & _NUMBER], due_ms):
                self._sure = first
                return due_ms
            heappop(self._heap)  # it was stopped, or started anew

    def take(self, due_ms: int) -> list[Name]:
        """Take out all that may be due at this time, which `next_ms` has just returned."""
        taken: dict[int, None] = {}
        while self._heap and self._heap[0] >> _NUMBER_BITS == due_ms:
            taken[heappop(self._heap) & _NUMBER] = None
        return [self._names[number] for number in taken]

    def running(self) -> list[tuple[Name, int]]:
        """Return all that run, and when they are due."""
        while self._stored is not None:
            self._read_piece(self._stored)
        found = {}
        for one in self._heap:
            name, due_ms = self._names[one & _NUMBER], one >> _NUMBER_BITS
            if self.is_due(name, due_ms):
                found[name] = due_ms
        return list(found.items())

    def _read_on(self) -> None:
        """Read from the store what comes before all that is known here."""
        while self._stored is not None and (
            not self._heap or self._heap[0] >> _NUMBER_BITS >= self._from_ms
        ):
            self._read_piece(self._stored)

    def _read_piece(self, stored: Callable[[int], Soon]) -> None:
        soon = stored(self._from_ms)
        for due_ms, number in soon.timers:
            heappush(self._heap, due_ms << _NUMBER_BITS | number)
        if soon.until_ms is None:
            self._stored = None
        else:
            self._from_ms = soon.until_ms


class _Kept:
    """Numbers for names, all in memory."""

    def __init__(self) -> None:
        self._numbers: dict[Name, int] = {}
        self._names: list[Name] = []

    def number(self, name: Name, /) -> int:
        number = self._numbers.setdefault(name, len(self._names))
        if number == len(self._names):
            self._names.append(name)
        return number

    def __getitem__(self, number: int, /) -> Name:
        return self._names[number]
