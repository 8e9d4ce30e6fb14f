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

FIRST_WAIT_MS = 100
_LAST_WAIT_MS = const(4_000)
"""The longest wait before another try: a board is back at most so long after its network is."""

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

    on = False
    """Whether it will ring."""
    _at = 0

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


def wait_after(ms: int) -> int:
    """Return how long to wait after a wait of `ms` did not help: half as long again.

    It grows slowly, so that a network that was away for a second is used again within half of one.
    """
    return min(ms * 3 // 2, _LAST_WAIT_MS)


def shortened(ms: int, random: "Callable[[int], bytes]") -> int:
    """Return a wait of `ms`, cut by up to a half at random; random: returns so many random bytes.

    Without that all boards of a house would come back to a restarted broker at the same moment,
    again and again.
    """
    return ms - (ms // 2) * random(1)[0] // 255
