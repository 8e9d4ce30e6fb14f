"""What `check` says of a schedule in the place where the house stands.

The one idea: a schedule can be right and still do nothing there: no sun for months, no such holiday
in the country, no location in the configuration. People learn it from here, before they wait.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from myocan.hub.lang.diagnostics import nearest, quoted
from myocan.hub.lang.schedules.due import next_due
from myocan.hub.lang.schedules.holiday import ANY, EVERYWHERE, is_called
from myocan.hub.lang.schedules.place import Place
from myocan.hub.lang.schedules.schedule import MONTHS, Alternative, On, Schedule

_DAY = timedelta(days=1)


def remarks(schedule: Schedule, place: Place, now: datetime) -> list[str]:
    """Return what is worth a warning, one line each, in the order of the schedule's times.

    Arguments:
        schedule: of an AT.
        place: where the house stands.
        now: an aware time; the year from then on is looked at.
    """
    said: list[str] = []
    for alternative in schedule.alternatives:
        said += _of_the_sun(alternative, place, now.astimezone(place.zone).date())
        said += _of_holidays(alternative, place, now.year)
    if not said and not schedule.variables and next_due(schedule, now, place) is None:
        said.append("this is never due again")
    return list(dict.fromkeys(said))


def _of_the_sun(alternative: Alternative, place: Place, today: date) -> list[str]:
    which = alternative.moment.kind
    if which not in ("sunrise", "sunset"):
        return []
    if place.latitude is None or place.longitude is None:
        return [
            f"{which} is never due, since nobody said where the house stands; "
            "write latitude and longitude under [location] in myocan.toml"
        ]
    without: list[date] = []
    days = 0
    for day in place.days(alternative.conditions, today):
        if day >= today + 366 * _DAY:
            break
        days += 1
        if place.sun(which, day) is None:
            without.append(day)
    if not without:
        return []
    often = "never due" if len(without) == days else f"not due on {len(without)} days of a year"
    first, last = _longest(without)
    return [
        f"{which} is {often}, since the sun does not cross the horizon here then "
        f"(such as {_shown(first)} through {_shown(last)})"
    ]


def _longest(days: list[date]) -> tuple[date, date]:
    """Return the first and last of the longest run of days, over gaps that conditions leave."""
    best = begin = last = days[0]
    most = timedelta(0)
    end = last
    for day in days:
        if day - last > 31 * _DAY:
            begin = day
        last = day
        if last - begin > most:
            best, end, most = begin, last, last - begin
    return best, end


def _shown(day: date) -> str:
    return f"{MONTHS[day.month - 1]} {day.day}"


def _of_holidays(alternative: Alternative, place: Place, year: int) -> list[str]:
    said: list[str] = []
    for condition in alternative.conditions:
        for words in sorted(condition.holidays) if isinstance(condition, On) else ():
            if words in EVERYWHERE:
                continue
            if not place.country:
                message = f"{quoted(words)} is never due; write country under [location]"
                said.append(f"{message} in myocan.toml, so that its holidays are known")
                continue
            known = place.holiday_names(year)
            if words != ANY and not is_called(words, known):
                near = nearest(words, sorted(known))
                offer = f"; did you mean '{near}'?" if near else ""
                said.append(f"no holiday of {place.country} is called {quoted(words)}{offer}")
    return said
