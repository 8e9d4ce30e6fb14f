"""Which days of a year satisfy the conditions of a schedule.

The one idea: the days of a year are the bits of one number, bit 0 the first of January. A condition
is such a number, all of them together are the bits that they share, and the next day is the lowest
bit that is left. So a year costs a few operations, however seldom a schedule is due.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Callable
from datetime import date
from itertools import accumulate

from myocan.hub.lang.schedules.schedule import (
    DAYS_IN_MONTH,
    SEASONS,
    Between,
    Bound,
    Condition,
    In,
    MonthDay,
    On,
)

Holidays = Callable[[str, int], int]
"""Of a holiday's words and a year: its days as bits."""

_LEAP = (0, *accumulate(DAYS_IN_MONTH))
_COMMON = (0, 31, *(start - 1 for start in _LEAP[2:]))
_WEEKLY = sum(1 << 7 * week for week in range(53))


def days_of_year(
    conditions: tuple[Condition, ...], year: int, southern: bool, holidays: Holidays
) -> int:
    """Return the days of a year that satisfy all conditions, as bits.

    Arguments:
        conditions: of one alternative.
        year: 1 to 9999.
        southern: whether seasons are those of the southern hemisphere.
        holidays: is asked only where the other conditions leave a day.
    """
    days = whole_year(year)
    # Holidays are the dear ones.
    for condition in sorted(conditions, key=_names_holidays):
        if days:
            days &= _days(condition, year, southern, holidays)
    return days


def whole_year(year: int) -> int:
    """Return all days of a year."""
    return (1 << (366 if isleap(year) else 365)) - 1


def bit_of(day: date) -> int:
    """Return the bit of a day in its year."""
    return 1 << (day.timetuple().tm_yday - 1)


def season_of(month: int, southern: bool) -> str:
    """Return the season of a month, 1 to 12: `winter`, `spring`, `summer` or `autumn`.

    The meteorological seasons, of whole months: winter in the north is December to February.
    """
    return SEASONS[(month % 12 // 3 + 2 * southern) % 4]


def _names_holidays(condition: Condition) -> bool:
    return isinstance(condition, On) and bool(condition.holidays)


def _days(condition: Condition, year: int, southern: bool, holidays: Holidays) -> int:
    match condition:
        case On():
            return _on(condition, year, holidays)
        case In():
            if year in condition.years:
                return whole_year(year)
            days = 0
            for month in range(1, 13):
                if month in condition.months or season_of(month, southern) in condition.seasons:
                    days |= _range(year, (month, 1), (month, 31))
            return days
        case Between(first, last):
            if first <= last:
                return _range(year, first, last)
            return _range(year, first, (12, 31)) | _range(year, (1, 1), last)
        case Bound(starting, day, bound):
            if bound and year != bound:
                return whole_year(year) if (year > bound) == starting else 0
            return _range(year, day, (12, 31)) if starting else _range(year, (1, 1), day)


def _on(condition: On, year: int, holidays: Holidays) -> int:
    days = 0
    january = date(year, 1, 1).weekday()
    for weekday in condition.weekdays:
        days |= _WEEKLY << (weekday - january) % 7
    for day in condition.dates:
        days |= _range(year, day, day)
    for words in condition.holidays:
        days |= holidays(words, year)
    return days & whole_year(year)


def _range(year: int, first: MonthDay, last: MonthDay) -> int:
    """Return the days from `first` through `last`; a 29 February that a year has not is left out.

    A day that is beyond the end of its month means that end.
    """
    starts = _LEAP if isleap(year) else _COMMON
    begin = starts[first[0] - 1] + first[1] - 1
    end = min(starts[last[0] - 1] + last[1], starts[last[0]])
    return (1 << end) - (1 << begin) if begin < end else 0
