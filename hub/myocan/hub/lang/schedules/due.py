"""When a schedule is due next: computed, not polled.

The one idea: an occurrence belongs to a local day. Only the days that satisfy the conditions are
looked at, from a day before *after* on (moved by the offset), and the first of them whose moment is
later is the answer.

Rules, of the language page:

- Everything resolves to the minute, in the house's time zone; a moment's seconds are cut off.
- A time that does not exist on a day (clocks go forward) is due at the first minute that does; one
  that comes twice is due the first time only. A day that does not exist has no times.
- On a day without the sun event (polar day or night) nothing is due.
- An offset counts elapsed minutes, whatever the clocks do in between.
- Seasons are the meteorological ones, of whole months, by the house's hemisphere.
- A time variable that has no value is not due.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from myocan.hub.lang.schedules.place import Place, at_clock, has_day, plain_midnight
from myocan.hub.lang.schedules.schedule import Alternative, Moment, Schedule
from myocan.hub.lang.schedules.sky import crossing_days

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
_EASTMOST = timedelta(hours=16)
"""More than any zone is ahead of UTC."""

_NONE: Mapping[str, int] = {}


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
        variables: minutes since midnight, 0 to 1439, of the time variables that the schedule names;
            one that is not there makes nothing due.

    Returns:
        None if it is not due within `HORIZON_YEARS` of the first year that its conditions allow.

    Raises:
        ValueError: `after` has no zone.
    """
    if after.tzinfo is None:
        raise ValueError("the time after which to look needs a zone; give an aware datetime")
    after = after.astimezone(UTC)
    best: datetime | None = None
    for alternative in schedule.alternatives:
        found = _first(alternative, after, best, place, variables or _NONE)
        if found is not None:
            best = found
    return best


def _first(
    alternative: Alternative,
    after: datetime,
    before: datetime | None,
    place: Place,
    variables: Mapping[str, int],
) -> datetime | None:
    """Return when an alternative is due first, after `after` and before `before`."""
    moment = alternative.moment
    minutes: int | None = None
    among = -1
    if moment.kind == "clock":
        minutes = moment.minutes
    elif moment.kind == "variable":
        minutes = variables.get(moment.variable)
        if minutes is None:
            return None
    elif place.latitude is None or place.longitude is None:
        return None
    else:
        among = crossing_days(place.latitude)
    offset = timedelta(minutes=alternative.offset)
    clock = None if minutes is None else timedelta(minutes=minutes)
    since = after - offset
    until = None if before is None else before - offset + _EASTMOST
    # A day earlier, since clocks that go back at midnight return to it.
    first = since.astimezone(place.zone).date() - _DAY
    for day in place.days(alternative.conditions, first, among):
        if until is not None and datetime(day.year, day.month, day.day, tzinfo=UTC) > until:
            return None
        found = _moment(moment, clock, day, place)
        if found is not None and found > since:
            due = found + offset
            return due if before is None or due < before else None
    return None


def _moment(moment: Moment, clock: timedelta | None, day: date, place: Place) -> datetime | None:
    """Return the moment on a local day, to the minute, in UTC; `clock` is a time since midnight."""
    if clock is None:
        return place.sun(moment.kind, day)
    midnight = plain_midnight(day, place.zone)
    if midnight is not None:
        return midnight + clock
    found = at_clock(day, clock // _MINUTE, place.zone)
    if found.astimezone(place.zone).date() != day and not has_day(day, place.zone):
        return None
    return found
