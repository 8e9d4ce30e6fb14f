"""How long something takes, as people write it: '60 seconds', '24 hours', '1 hour 30 minutes'.

The one idea: the units are those of the rule language, and days and weeks besides, so nobody learns
them twice.
"""

from __future__ import annotations

import re
from decimal import Decimal

__all__ = ["duration_text", "parse_duration"]

_UNITS_MS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 1),
    **dict.fromkeys(("second", "seconds", "sec", "s"), 1000),
    **dict.fromkeys(("minute", "minutes", "min"), 60_000),
    **dict.fromkeys(("hour", "hours", "h"), 3_600_000),
    **dict.fromkeys(("day", "days", "d"), 24 * 3_600_000),
    **dict.fromkeys(("week", "weeks"), 7 * 24 * 3_600_000),
}
_PIECE = re.compile(r"\s*([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([A-Za-z]+)\s*")
_SHOWN = (("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000))


def parse_duration(text: str, least_ms: int, most_ms: int) -> int:
    """Return a duration in milliseconds.

    Arguments:
        text: numbers with units, '24 hours'; units from ms to weeks, added up if there are more.
        least_ms, most_ms: the shortest and the longest that is taken, in milliseconds.

    Raises:
        ValueError: it is none, or too short or too long; the text says how one is written.
    """
    total, place = Decimal(0), 0
    while place < len(text):
        piece = _PIECE.match(text, place)
        unit = _UNITS_MS.get(piece[2].lower()) if piece else None
        if piece is None or unit is None:
            break
        total += Decimal(piece[1]) * unit
        place = piece.end()
    if not text.strip() or place < len(text):
        raise ValueError(f"{text[:40]!r} is no duration; write one like '90 seconds' or '24 hours'")
    if total > most_ms:
        raise ValueError(f"{text[:40]!r} is too long; the most is {duration_text(most_ms)}")
    if total < least_ms:
        raise ValueError(f"{text[:40]!r} is too short; the least is {duration_text(least_ms)}")
    return int(total)


def duration_text(ms: int) -> str:
    """Return a duration as people write it, rounded to the two largest units: '1 hour 5 minutes'.

    Arguments:
        ms: milliseconds, not negative.
    """
    pieces = []
    left = ms
    for name, unit in _SHOWN:
        count, left = divmod(left, unit)
        if count:
            pieces.append(f"{count} {name}" + ("" if count == 1 else "s"))
    if not pieces:
        return f"{ms} ms" if ms else "0 seconds"
    return " ".join(pieces[:2])
