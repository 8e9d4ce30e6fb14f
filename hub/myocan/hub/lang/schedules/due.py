"""When a schedule is due next: computed, not polled.

The one idea: an occurrence belongs to a local day. Days are walked from the day of *after* on (a
few earlier ones too, since an offset may carry an occurrence over), only those that satisfy the
conditions cost anything, and the sun is asked on those alone.

Rules, of the language page:

- Everything resolves to the minute, in the house's time zone; a moment's seconds are cut off.
- A time that does not exist on a day (clocks go forward) is due at the first minute that does; one
  that comes twice is due the first time only.
- On a day without the sun event (polar day or night) nothing is due.
- An offset counts elapsed minutes, whatever the clocks do in between.
- Seasons are the meteorological ones, of whole months, by the house's hemisphere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from myocan.hub.lang.schedules.schedule import (
    Alternative,
    Between,
    Bound,
    Condition,
    In,
    Moment,
    On,
    Schedule,
)

HORIZON_DAYS = 366 * 12
"""How far ahead is looked: longer than any gap between two days of a yearly kind (a 29 February
that
is skipped in a year divisible by 100 comes after eight years), shorter than for ever."""

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
    _holidays: dict[int, dict[date, str]] = field(default_factory=dict, compare=False, repr=False)

    def sun(self, which: str, day: date) -> datetime | None:
        """Return sunrise or sunset of a local day, in UTC; None where there is none that day.

        The sun is the `astral` package's, with its usual refraction (0.833 degrees below the
        horizon).
        """
        if self.latitude is None or self.longitude is None:
            return None
        return _sun(which, self.latitude, self.longitude, self.zone, day)

    def season(self, day: date) -> str:
        """Return `winter`, `spring`, `summer` or `autumn`."""
        south = 2 if (self.latitude or 0.0) < 0 else 0
        return ("winter", "spring", "summer", "autumn")[(day.month % 12 // 3 + south) % 4]

    def is_holiday(self, words: str, day: date) -> bool:
        """Tell whether a day is the holiday of that name (`christmas`, `easter monday`)."""
        if words == "christmas" and (day.month, day.day) == (12, 25):
            return True
        if words == "easter" and day == _easter(day.year):
            return True
        name = self._holiday_names(day.year).get(day, "")
        return bool(name) and (words == "holidays" or f" {words} " in f" {name} ")

    def _holiday_names(self, year: int) -> dict[date, str]:
        known = self._holidays.get(year)
        if known is None:
            known = self._holidays[year] = _country_holidays(self.country, year)
        return known


def next_due(
    schedule: Schedule,
    after: datetime,
    place: Place,
    variables: Mapping[str, int] | None = None,
) -> datetime | None:
    """Return the first minute after `after` at which the schedule is due, in UTC.

    Arguments:
        after: an aware time; an occurrence at this very minute does not count.
        place: where the house stands.
        variables: minutes since midnight of the time variables that the schedule names.

    Returns:
        None if it is not due within `HORIZON_DAYS`.
    """
    after = after.astimezone(UTC)
    best: datetime | None = None
    for alternative in schedule.alternatives:
        found = next(_occurrences(alternative, after, best, place, variables or {}), None)
        if found is not None:
            best = found
    return best


def _occurrences(
    alternative: Alternative,
    after: datetime,
    before: datetime | None,
    place: Place,
    variables: Mapping[str, int],
) -> Iterator[datetime]:
    """Yield when an alternative is due, after `after` and before `before`, in order of its days."""
    offset = timedelta(minutes=alternative.offset)
    # A day's moment lies within the day, give or take what clocks are set by.
    day = (after - offset).astimezone(place.zone).date() - 2 * _DAY
    for condition in alternative.conditions:
        if isinstance(condition, Bound) and condition.starting and condition.year:
            day = max(day, date(condition.year, condition.day[0], 1) - 2 * _DAY)
    for _ in range(HORIZON_DAYS):
        day += _DAY
        if before is not None and _begins(day, place.zone) + offset - _DAY > before:
            return
        if not all(_holds(condition, day, place) for condition in alternative.conditions):
            continue
        moment = _moment(alternative.moment, day, place, variables)
        if moment is None:
            continue
        due = moment + offset
        if due > after and (before is None or due < before):
            yield due


def _begins(day: date, zone: tzinfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _moment(
    moment: Moment, day: date, place: Place, variables: Mapping[str, int]
) -> datetime | None:
    """Return the moment on a local day, to the minute, in UTC."""
    if moment.kind in ("sunrise", "sunset"):
        found = place.sun(moment.kind, day)
        return None if found is None else found.replace(second=0, microsecond=0)
    minutes = moment.minutes if moment.kind == "clock" else variables.get(moment.variable)
    return None if minutes is None else at_clock(day, minutes, place.zone)


def at_clock(day: date, minutes: int, zone: tzinfo) -> datetime:
    """Return a time of day as an instant in UTC.

    Arguments:
        day: the local day.
        minutes: since midnight, 0 to 1439.
        zone: the time zone; a time that it skips is the first that it has, one that it has twice
            is the first of the two.
    """
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minutes)
    while True:
        instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == wall:
            return instant
        wall += _MINUTE


def _holds(condition: Condition, day: date, place: Place) -> bool:
    match condition:
        case On():
            return (
                day.weekday() in condition.weekdays
                or (day.month, day.day) in condition.dates
                or any(place.is_holiday(words, day) for words in condition.holidays)
            )
        case In():
            return (
                day.month in condition.months
                or day.year in condition.years
                or (bool(condition.seasons) and place.season(day) in condition.seasons)
            )
        case Between(first, last):
            today, end = (day.month, day.day), (last[0], last[1] or 31)
            if first <= end:
                return first <= today <= end
            return today >= first or today <= end
        case Bound(starting, (month, number), year):
            bound = (month, number or (1 if starting else 31))
            today = (day.month, day.day)
            if year and day.year != year:
                return (day.year > year) == starting
            return today >= bound if starting else today <= bound


@lru_cache(maxsize=4096)
def _sun(which: str, latitude: float, longitude: float, zone: tzinfo, day: date) -> datetime | None:
    from astral import Observer
    from astral.sun import sunrise, sunset

    ask = sunrise if which == "sunrise" else sunset
    observer = Observer(latitude, longitude)
    # Far from Greenwich the day of UTC in which the event lies may be a neighbour of the local day.
    for shift in (0, -1, 1):
        try:
            found: datetime = ask(observer, date=day + shift * _DAY, tzinfo=UTC)
        except ValueError:
            continue
        if found.astimezone(zone).date() == day:
            return found
    return None


def _country_holidays(country: str, year: int) -> dict[date, str]:
    """Return the public holidays of a year with their English names in lower-case words."""
    if not country:
        return {}
    import holidays

    try:
        found = holidays.country_holidays(country, years=year, language="en_US")
    except NotImplementedError:
        return {}
    return {day: _words(name) for day, name in found.items() if day.year == year}


def _words(name: str) -> str:
    letters = (letter if letter.isalnum() else " " for letter in name.lower().replace("'", ""))
    return " ".join("".join(letters).split())


@lru_cache(maxsize=64)
def _easter(year: int) -> date:
    from dateutil.easter import easter  # type: ignore[import-untyped]

    found: date = easter(year)
    return found
