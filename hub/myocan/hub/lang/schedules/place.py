"""Where a house stands: its time zone, its sun, its seasons and holidays.

The one idea: everything that makes the same AT fall on other minutes elsewhere is asked of the
place, and remembered there, so that asking again costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import MAXYEAR, UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from myocan.hub.lang.schedules.days import bit_of, days_of_year, season_of
from myocan.hub.lang.schedules.holiday import ANY, holiday_days, holiday_names, holiday_on
from myocan.hub.lang.schedules.schedule import Bound, Condition, In
from myocan.hub.lang.schedules.sky import sun_event

HORIZON_YEARS = 41
"""How many years are searched for a day: longer than any gap of the Gregorian calendar (a 29
February that is a Monday can be 40 years away), shorter than for ever."""

_REMEMBERED = 1024
"""Most conditions whose days a place remembers; a year of one is some 100 bytes."""

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Place:
    """Where the house stands.

    zone: its time zone. latitude, longitude: degrees, north and east positive; None if nobody said:
    then there are no sun events, and seasons are those of the northern hemisphere. country: ISO
    3166 code of two letters, "" for none, whose holidays count.
    """

    zone: tzinfo
    latitude: float | None = None
    longitude: float | None = None
    country: str = ""
    _years: dict[tuple[Condition, ...], dict[int, int]] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )
    """The days of the years that were asked for, as bits."""

    @property
    def southern(self) -> bool:
        """Whether seasons are those of the southern hemisphere."""
        return (self.latitude or 0.0) < 0

    def sun(self, which: str, day: date) -> datetime | None:
        """Return `sunrise` or `sunset` of a local day, in UTC to the minute, or None."""
        if self.latitude is None or self.longitude is None:
            return None
        return sun_event(which, self.latitude, self.longitude, self.zone, day)

    def season(self, day: date) -> str:
        """Return `winter`, `spring`, `summer` or `autumn`."""
        return season_of(day.month, self.southern)

    def holiday(self, day: date) -> str:
        """Return the words of the holiday that a day is (`new years day`), "" if it is none."""
        return holiday_on(day, self.country)

    def holiday_names(self, year: int) -> frozenset[str]:
        """Return the words of the holidays that count here: in the country, in the next ten years.

        Without a country there are few: give the parser None then.
        """
        return holiday_names(self.country, range(year, year + 10)) | {ANY}

    def days(
        self, conditions: tuple[Condition, ...], first: date, among: int = -1
    ) -> Iterator[date]:
        """Yield the local days, from `first` on, that satisfy all conditions.

        among: the days of any year that are wanted, as bits.
        """
        start = first.toordinal()
        known = self._years.get(conditions)
        if known is None:
            if len(self._years) >= _REMEMBERED:
                self._years.clear()
            known = self._years[conditions] = {}
        for year in _years(conditions, first.year):
            left = known.get(year)
            if left is None:
                left = known[year] = self._days_of_year(conditions, year)
            left &= among
            if not left:
                continue
            january = date(year, 1, 1).toordinal()
            if start > january:
                left = left >> (start - january) << (start - january)
            while left:
                lowest = left & -left
                left ^= lowest
                yield date.fromordinal(january + lowest.bit_length() - 1)

    def _days_of_year(self, conditions: tuple[Condition, ...], year: int) -> int:
        return days_of_year(conditions, year, self.southern, self._holiday_bits)

    def _holiday_bits(self, words: str, year: int) -> int:
        return sum(bit_of(day) for day in holiday_days(words, year, self.country))


def _years(conditions: tuple[Condition, ...], first: int) -> Iterator[int]:
    """Return the years in which the conditions may hold, from `first` on."""
    last = MAXYEAR
    named: frozenset[int] | None = None
    for condition in conditions:
        if isinstance(condition, Bound) and condition.year:
            if condition.starting:
                first = max(first, condition.year)
            else:
                last = min(last, condition.year)
        elif isinstance(condition, In) and not condition.months and not condition.seasons:
            named = condition.years if named is None else named & condition.years
    if named is not None:
        return iter(sorted(year for year in named if first <= year <= last))
    return iter(range(first, min(last, first + HORIZON_YEARS - 1) + 1))


def at_clock(day: date, minutes: int, zone: tzinfo) -> datetime:
    """Return a time of day as an instant in UTC.

    Arguments:
        day: the local day.
        minutes: since midnight, 0 to 1439.
        zone: the time zone; a time that it skips is the first that it has, one that it has twice
            is the first of the two.
    """
    wall = datetime(day.year, day.month, day.day, minutes // 60, minutes % 60)
    while True:
        instant = wall.replace(tzinfo=zone).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
        wall += _MINUTE


@lru_cache(maxsize=8192)
def plain_midnight(day: date, zone: tzinfo) -> datetime | None:
    """Return when a local day begins, in UTC; None if clocks change in it, or left it out.

    On such a day the time since midnight is what clocks show, so nothing else need be asked.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    if day == date.max or midnight.utcoffset() != (midnight + _DAY).utcoffset():
        return None
    return midnight.astimezone(UTC)


def has_day(day: date, zone: tzinfo) -> bool:
    """Tell whether clocks ever show a day: Samoa left one out when it changed sides."""
    return at_clock(day, 0, zone).astimezone(zone).date() == day
