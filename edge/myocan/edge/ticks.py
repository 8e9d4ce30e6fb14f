"""The clock of MicroPython for CPython: milliseconds modulo PERIOD. See `clock.py`."""

import time

PERIOD = 1 << 30


def ticks_ms() -> int:
    """Return the milliseconds since some moment in the past, modulo PERIOD."""
    return time.monotonic_ns() // 1_000_000 % PERIOD


def ticks_diff(a: int, b: int) -> int:
    """Return a - b in milliseconds, right as long as the two are within six days."""
    return (a - b + PERIOD // 2) % PERIOD - PERIOD // 2


def ticks_add(ticks: int, ms: int) -> int:
    """Return the moment that is `ms` milliseconds (up to six days) after `ticks`."""
    return (ticks + ms) % PERIOD
