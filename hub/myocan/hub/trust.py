"""Whether the clock of this machine can be believed.

The one idea: a wrong clock does harm, and a clock that nobody vouches for does none by that alone.
Most machines without NTP keep time well enough (containers, virtual machines, a board with a clock
of its own). So a clock is doubted only where something speaks against it: it shows a time before
this program was written, or before the last message of the log; or the machine has no clock that
runs while it is off, and still waits for the network to tell it the time. It is believed again as
soon as that is over, or the kernel says that it is synchronised.

What the kernel says is the result of `adjtimex`: TIME_ERROR, 5, is "not synchronised" (see
adjtimex(2)). What systemd-timesyncd says are its files: `/run/systemd/timesync` is there while it
runs, and `synchronized` in it once it has heard of the time (systemd-timesyncd.service(8)).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from myocan.hub.durations import duration_text

__all__ = ["BEHIND_MS", "Trust", "kernel_is_synchronised"]

BEHIND_MS = 60_000
"""How far behind the last message of the log a clock may be."""

WRITTEN_MS = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1000
"""No clock is right that shows a time before this."""

_TIME_ERROR = 5
_TIMEX_BYTES = 1024  # struct timex has about 200, the first of them `modes`: 0 changes nothing


def kernel_is_synchronised() -> bool | None:
    """Return whether the kernel says that its clock is synchronised; None: it does not say."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else bool(state != _TIME_ERROR)


class Trust:
    """Says what speaks against a clock.

    Arguments:
        always: believe it whatever it shows (`[clock] trust = "always"`).
        synchronised: what the kernel says.
        root: the folder that has `run` and `dev` in it.
    """

    def __init__(
        self,
        *,
        always: bool = False,
        synchronised: Callable[[], bool | None] = kernel_is_synchronised,
        root: Path = Path("/"),
    ) -> None:
        self._always = always
        self._synchronised = synchronised
        self._timesync = root / "run" / "systemd" / "timesync"
        self._own_clock = root / "dev" / "rtc0"

    def doubt(self, now_ms: int, log_ms: int) -> str:
        """Return in words what speaks against the clock, "" for nothing.

        Arguments:
            now_ms: what it shows, milliseconds since 1970 UTC.
            log_ms: the time of the last message of the log, 0 for none.
        """
        if self._always or self._synchronised():
            return ""
        if now_ms < WRITTEN_MS:
            return f"it shows {_shown(now_ms)}, and this program is younger than that"
        if log_ms - now_ms > BEHIND_MS:
            behind = duration_text(log_ms - now_ms)
            return f"it shows {_shown(now_ms)}, {behind} before the last message of the log"
        waits = self._timesync.exists() and not (self._timesync / "synchronized").exists()
        if waits and not self._own_clock.exists():
            return "this machine has no clock that runs while it is off, and no network time yet"
        return ""


def _shown(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
