"""When schedules are due, found the slow way: by walking every minute.

Written from the language page and not from the code that it judges. A clock is watched minute by
minute: what it shows for the first time has come, and what it leaps over comes with the leap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache

import astral
import astral.sun
import holidays
from dateutil.easter import easter

from myocan.hub.lang.schedules import Between, Bound, In, On, Place, Schedule

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

NORTH = {
    **dict.fromkeys((12, 1, 2), "winter"),
    **dict.fromkeys((3, 4, 5), "spring"),
    **dict.fromkeys((6, 7, 8), "summer"),
    **dict.fromkeys((9, 10, 11), "autumn"),
}
OPPOSITE = {"winter": "summer", "summer": "winter", "spring": "autumn", "autumn": "spring"}


def walk(
    schedules: Sequence[Schedule],
    place: Place,
    variables: Mapping[str, int],
    start: datetime,
    end: datetime,
) -> list[list[datetime]]:
    """Return for each schedule all minutes after `start` up to `end` at which it is due."""
    by_clock: dict[int, list[tuple[int, timedelta, tuple[object, ...]]]] = {}
    by_sun: dict[str, list[tuple[int, timedelta, tuple[object, ...]]]] = {}
    margin = DAY
    for number, schedule in enumerate(schedules):
        for each in schedule.alternatives:
            offset = timedelta(minutes=each.offset)
            margin = max(margin, abs(offset) + DAY)
            wanted = (number, offset, each.conditions)
            if each.moment.kind in ("sunrise", "sunset"):
                by_sun.setdefault(each.moment.kind, []).append(wanted)
            elif each.moment.kind == "clock":
                by_clock.setdefault(each.moment.minutes, []).append(wanted)
            elif each.moment.variable in variables:
                by_clock.setdefault(variables[each.moment.variable], []).append(wanted)
    found: list[set[datetime]] = [set() for _ in schedules]
    sun = {
        minute: (which, day)
        for which in by_sun
        for minute, day in sun_minutes(which, place, start - margin, end + margin)
    }
    zone = place.zone
    now = (start - margin).astimezone(UTC).replace(second=0, microsecond=0)
    latest = showing(now, zone) - 1
    while now <= end + margin:
        if now in sun:
            which, day = sun[now]
            for number, offset, conditions in by_sun[which]:
                if all(holds(condition, day, place) for condition in conditions):
                    found[number].add(now + offset)
        shown = showing(now, zone)
        before = latest // 1440
        while latest < shown:
            latest += 1
            if latest % 1440 in by_clock:
                if latest // 1440 not in (before, shown // 1440):
                    continue  # a day that no clock showed
                today = date.fromordinal(latest // 1440)
                for number, offset, conditions in by_clock[latest % 1440]:
                    if all(holds(condition, today, place) for condition in conditions):
                        found[number].add(now + offset)
        now += MINUTE
    return [sorted(due for due in each if start < due <= end) for each in found]


def showing(now: datetime, zone: tzinfo) -> int:
    """Return what a clock of the zone shows, in minutes since the first day of the calendar."""
    local = now.astimezone(zone)
    return local.toordinal() * 1440 + local.hour * 60 + local.minute


def sun_minutes(
    which: str, place: Place, start: datetime, end: datetime
) -> list[tuple[datetime, date]]:
    """Return the first minute of each local day at which the sun rises or sets, and that day."""
    if place.latitude is None or place.longitude is None:
        return []
    observer = astral.Observer(place.latitude, place.longitude)
    first: dict[date, datetime] = {}
    day = start.astimezone(UTC).date() - 2 * DAY
    while day <= end.astimezone(UTC).date() + 2 * DAY:
        try:
            at = getattr(astral.sun, which)(observer, date=day, tzinfo=UTC)
            local = at.astimezone(place.zone).date()
            first[local] = min(at, first.get(local, at))
        except ValueError:
            pass
        day += DAY
    return [(at.replace(second=0, microsecond=0), day) for day, at in first.items()]


def holds(condition: object, day: date, place: Place) -> bool:
    """Tell whether a day satisfies a condition."""
    today = (day.month, day.day)
    if isinstance(condition, On):
        if day.isoweekday() - 1 in condition.weekdays or today in condition.dates:
            return True
        return any(is_holiday(words, day, place.country) for words in condition.holidays)
    if isinstance(condition, In):
        season = NORTH[day.month]
        if place.latitude is not None and place.latitude < 0:
            season = OPPOSITE[season]
        return (
            day.month in condition.months
            or season in condition.seasons
            or day.year in condition.years
        )
    if isinstance(condition, Between):
        if condition.last < condition.first:
            return not condition.last < today < condition.first
        return condition.first <= today <= condition.last
    assert isinstance(condition, Bound)
    year = condition.year or day.year
    if condition.starting:
        return (day.year, *today) >= (year, *condition.day)
    return (day.year, *today) <= (year, *condition.day)


def is_holiday(words: str, day: date, country: str) -> bool:
    """Tell whether a day is one of the few holidays that the tests name."""
    if words == "christmas":
        return (day.month, day.day) == (12, 25)
    if words == "easter":
        return day == easter(day.year)
    if not country:
        return False
    names = listed(country, day.year).get(day, "").lower().replace("'", "").split("; ")
    return names != [""] if words == "holidays" else words in names


@cache
def listed(country: str, year: int) -> dict[date, str]:
    found = holidays.country_holidays(country, years=year, language="en_US")
    return {day: name for day, name in found.items() if day.year == year}
