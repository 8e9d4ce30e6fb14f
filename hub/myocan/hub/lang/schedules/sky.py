"""When the sun rises and sets: the `astral` package's answer, for the days of a time zone.

The one idea: the package is asked for days of UTC, and what it says belongs to the local day on
which it falls. Each day is asked for once; days on which no sun can rise or set, by a margin that
no formula is wrong by, are not asked for at all, so a polar night costs next to nothing.
"""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from myocan.hub.lang.schedules.days import bit_of

_DAY = timedelta(days=1)

_POLE = 89.8
"""Degrees; nearer to a pole the package reckons as if it were here."""

_RIM = 90.0 + 5.0
"""Degrees: latitude and declination of the sun on days when it neither rises nor sets, in sum. With
refraction that is 90.9; the rest is more than the rough declination used here is wrong by (2)."""


@lru_cache(maxsize=64)
def crossing_days(latitude: float) -> int:
    """Return the days of any year on which the sun may cross the horizon, as bits.

    On others it surely does not; on these `sun_event` has to be asked. latitude: degrees.
    """
    days = 0
    for number in range(366):
        declination = 23.44 * math.cos(2 * math.pi * (number + 10) / 365.25)
        if min(abs(latitude), _POLE) + abs(declination) <= _RIM:
            days |= 1 << number
    return days


@lru_cache(maxsize=8192)
def sun_event(
    which: str, latitude: float, longitude: float, zone: tzinfo, day: date
) -> datetime | None:
    """Return when the sun rises or sets on a local day, in UTC, to the minute.

    Arguments:
        which: `sunrise` or `sunset`; upper limb on the horizon, with the usual refraction.
        latitude, longitude: degrees, north and east positive.
        zone: makes the local day.
        day: the local day.

    Returns:
        None on a day without it: polar day or night, or a day that clocks left out. Where there
        are two (the sun sets just after midnight, and just before the next), the first.
    """
    if not crossing_days(latitude) & bit_of(day):
        return None
    # Far from Greenwich the day of UTC on which it falls may be a neighbour of the local day.
    ordinal = day.toordinal()
    for near in (ordinal - 1, ordinal, ordinal + 1):
        found = _event(which, latitude, longitude, near)
        if found is not None and found.astimezone(zone).date() == day:
            return found
    return None


@lru_cache(maxsize=8192)
def _event(which: str, latitude: float, longitude: float, ordinal: int) -> datetime | None:
    from astral import Observer
    from astral.sun import sunrise, sunset

    ask = sunrise if which == "sunrise" else sunset
    try:
        found = ask(Observer(latitude, longitude), date=date.fromordinal(ordinal), tzinfo=UTC)
    except (ValueError, OverflowError):  # neither that day, or beyond the calendar
        return None
    return found.replace(second=0, microsecond=0)
