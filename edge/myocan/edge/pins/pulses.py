"""Counts pulses on an input, chatter left out.

The one idea to know: what counts is an edge after a quiet time. Every edge, up or down, begins that
time anew; so neither the chatter of a contact that closes nor that of one that opens is a pulse.
"""

from myocan.edge.clock import const, ticks_diff, ticks_ms

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.interfaces import Input


class Pulses:
    """Pulses of one input.

    level: the one that a pulse begins with. quiet_ms: how long a contact chatters.
    looks: whether somebody must look for edges; else `edge` is called at each.
    """

    def __init__(
        self,
        entry: "Input",
        level: int,
        quiet_ms: int,
        looks: bool = True,
        ticks: "Callable[[], int]" = ticks_ms,
    ) -> None:
        self._entry = entry
        self._level = level
        self._quiet_ms = quiet_ms
        self._looks = looks
        self._ticks = ticks
        self._now = entry.value()
        self._last = ticks()
        self._moved = False
        self._count = 0

    def edge(self, entry: "Input") -> None:
        """An edge came. Takes no memory, so an interrupt may call it."""
        level = entry.value()
        if level == self._now:
            return  # it went there and back before anybody could look
        self._now = level
        now = self._ticks()
        since = ticks_diff(now, self._last)
        # the ticks go round, so what was long ago may seem to be still to come
        if level == self._level and not (self._moved and 0 <= since < self._quiet_ms):
            self._count += 1
        self._moved = True
        self._last = now

    def pulse(self, entry: "Input") -> None:
        """A pulse began, where nothing chatters. It may be over by now, so nobody looks."""
        self._count += 1

    def count(self) -> int:
        """Return how many pulses there were since the start."""
        if self._looks:
            self.edge(self._entry)
        return self._count
