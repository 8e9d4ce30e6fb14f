"""Time and chance of a simulation: what happens next, and when.

The one idea: nothing happens by itself. Whoever wants something to happen says when, and the world
does it when it gets there, in order; what is said to happen at one time is done in the order in
which it was said. So a seed has one course.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

__all__ = ["World"]

BEGINNING_MS = 1_767_225_600_000
"""The wall clock at the beginning: 2026-01-01T00:00 UTC."""


class World:
    """A world of its own; `seed` decides what `chance` draws.

    `wall_ms` is what the hub's wall clock is ahead of the time since the beginning.
    """

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.wall_ms = BEGINNING_MS
        self._now_us = 0
        self._said = 0
        self._events: list[tuple[int, int, Callable[[], object]]] = []

    def monotonic(self) -> float:
        """Return the seconds since the beginning."""
        return self._now_us / 1_000_000

    def now_ms(self) -> int:
        """Return what the hub's wall clock shows, milliseconds since 1970 UTC."""
        return self.wall_ms + self._now_us // 1000

    def after(self, seconds: float, act: Callable[[], object]) -> None:
        """Let something happen in so many seconds."""
        self._said += 1
        heapq.heappush(self._events, (self._now_us + int(seconds * 1e6), self._said, act))

    def step(self, until_s: float) -> bool:
        """Let the next thing happen; False, and it is `until_s`, if there is none before then."""
        until_us = int(until_s * 1e6)
        if not self._events or self._events[0][0] > until_us:
            self._now_us = max(self._now_us, until_us)
            return False
        at_us, _, act = heapq.heappop(self._events)
        self._now_us = max(self._now_us, at_us)
        act()
        return True

    def pass_by(self, seconds: float) -> None:
        """Let so much time pass, and all that happens in it."""
        until_s = self.monotonic() + seconds
        while self.step(until_s):
            pass
