"""Milliseconds that wrap, alarms, and how long to wait before trying again.

The one idea to know: a tick count is only good for differences of up to six days, since it starts
again at zero every 12.4 days (MicroPython keeps it small so that it costs no memory). So nothing
here asks how long ago something was; it sets an alarm when the thing happens, and switches the
alarm off when it has rung. CPython gets the same wrapping clock (`ticks.py`), so that its tests
find the same mistakes.

`ticks_ms()` is now; `ticks_diff(a, b)` is a - b; `ticks_add(a, ms)` is ms after a.
"""

import time

NEVER = 2_000
"""How long a loop sleeps when nothing is due, in milliseconds: short for a watchdog."""


def const(value: int) -> int:
    """Return `value`. MicroPython's compiler knows the name: such a constant costs nothing, and
    what can never run is left out."""
    return value


TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

_FIRST_MS = const(100)
_LAST_MS = const(4_000)
"""The longest wait of a Backoff: a board is back at most so long after its network is."""

if TYPE_CHECKING or not hasattr(time, "ticks_ms"):
    from myocan.edge.ticks import ticks_add
    from myocan.edge.ticks import ticks_diff as ticks_diff
    from myocan.edge.ticks import ticks_ms as ticks_ms
else:
    from time import ticks_add
    from time import ticks_diff as ticks_diff
    from time import ticks_ms as ticks_ms


class Alarm:
    """A moment to come; the same object is set and rung again and again, and costs no memory."""

    def __init__(self) -> None:
        self.on = False
        self._at = 0

    def set(self, now: int, ms: int) -> None:
        """Ring `ms` milliseconds after `now`; replaces what was set before."""
        self.on = True
        self._at = ticks_add(now, ms)

    def off(self) -> None:
        """Do not ring."""
        self.on = False

    def rings(self, now: int) -> bool:
        """Return whether the moment has come; True only once each time it is set."""
        if self.on and ticks_diff(now, self._at) >= 0:
            self.on = False
            return True
        return False

    def left(self, now: int) -> int:
        """Return the milliseconds until it rings, 0 when it is due, NEVER when it is off."""
        if not self.on:
            return NEVER
        return max(0, ticks_diff(self._at, now))


def soonest(alarms: "tuple[Alarm, ...]", now: int) -> int:
    """Return the milliseconds until the first of `alarms` rings, at most NEVER."""
    ms = NEVER
    for alarm in alarms:
        ms = min(ms, alarm.left(now))
    return ms


class Backoff:
    """Waits from _FIRST_MS to _LAST_MS, each half as long again, and cut by up to a half at random.

    They grow slowly, so that a network that was away for a second is used again within half of one.

    random: returns so many random bytes (`os.urandom`). Without it all boards of a house would
        come back to a restarted broker at the same moment, again and again.
    """

    def __init__(self, random: "Callable[[int], bytes]") -> None:
        self._random = random
        self._next_ms = _FIRST_MS

    def reset(self) -> None:
        """The last attempt was a success: begin with the shortest wait again."""
        self._next_ms = _FIRST_MS

    def wait_ms(self) -> int:
        """Return the time until the next attempt, in milliseconds."""
        ms = self._next_ms
        self._next_ms = min(ms * 3 // 2, _LAST_MS)
        return ms - (ms // 2) * self._random(1)[0] // 255
