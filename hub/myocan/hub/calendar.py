"""What rules can read of the calendar and of their house: the topics of `$clock` and `$config`.

The one idea: a cycle asks no calendar and reads no file. What `system.clock#sunset` or
`system.config#country` stand for are messages like any other: they come when they change, are in
the log, and a replay finds them there, whatever a newer library thinks of that day.

    $clock   offset (minutes east of UTC), date, weekday, month, season, holiday (its name, or no
             text at all), day, year, sunrise, sunset (times of day)
    $config  latitude, longitude, timezone, country, domain, agent

They change at local midnight, and `offset` also where clocks change. What somebody hears, and
nothing else, is sent.

On a day without a sunrise or a sunset (polar day, polar night) there is nothing to say of it: the
variable stays what it was, the last there was. So it does where nobody said where the house stands.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from myocan.hub.core import Program, Role
from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.scalars import decimal_text

if TYPE_CHECKING:
    from myocan.hub.house import House
    from myocan.hub.lang.schedules import Place

__all__ = ["CLOCK_MODULE", "CONFIG_MODULE", "Calendar", "Notices", "place_of"]

CLOCK_MODULE = "$clock"
"""The module of the topics that say what day it is."""

CONFIG_MODULE = "$config"
"""The module of the topics that say what a house's settings are."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY, _MINUTE, _MILLISECOND = timedelta(days=1), timedelta(minutes=1), timedelta(milliseconds=1)


def place_of(house: House) -> Place:
    """Return where a house stands."""
    from myocan.hub.lang.schedules import Place

    where = house.location
    return Place(ZoneInfo(house.timezone), where.latitude, where.longitude, where.country or "")


class Calendar:
    """What these topics say in one house, at any time.

    Arguments:
        house: its settings.
        place: where it stands.
    """

    def __init__(self, house: House, place: Place) -> None:
        self._place = place
        where = house.location
        self._settings = {
            "latitude": _degrees(where.latitude),
            "longitude": _degrees(where.longitude),
            "timezone": _text(house.timezone),
            "country": None if where.country is None else _text(where.country),
            "domain": _text(house.domain),
            "agent": _text(house.agent.name),
        }

    def value(self, topic: TopicName, at_ms: int) -> str | None:
        """Return what a topic says at a time, as JSON; None if it has nothing to say.

        Arguments:
            topic: its module is one of ours.
            at_ms: milliseconds since 1970 UTC.
        """
        _domain, module, name = topic
        if module == CONFIG_MODULE:
            return self._settings.get(name)
        local = self._local(at_ms)
        if name == "offset":
            return str(_offset(local) // _MINUTE)
        if name in ("sunrise", "sunset"):
            event = self._place.sun(name, local.date())
            if event is None:
                return None
            return _text(f"{event.astimezone(self._place.zone):%H:%M}")
        return self._of_the_day(name, local)

    def _of_the_day(self, name: str, local: datetime) -> str | None:
        from myocan.hub.lang.schedules import MONTHS, WEEKDAYS

        day = local.date()
        if name in ("day", "year"):
            return str(day.day if name == "day" else day.year)
        says: dict[str, Callable[[], str]] = {
            "date": day.isoformat,
            "weekday": lambda: WEEKDAYS[day.weekday()],
            "month": lambda: MONTHS[day.month - 1],
            "season": lambda: self._place.season(day),
            "holiday": lambda: self._place.holiday(day),
        }
        return _text(says[name]()) if name in says else None

    def next_change_ms(self, after_ms: int) -> int:
        """Return when these topics may say something else next: midnight, or clocks that change.

        Arguments:
            after_ms: milliseconds since 1970 UTC; the answer is later.
        """
        from myocan.hub.lang.schedules import at_clock

        here = self._local(after_ms)
        zone = self._place.zone
        midnight = _ms(at_clock(here.date() + _DAY, 0, zone))
        before = _offset(here)
        if _offset(self._local(midnight)) == before:
            return midnight
        # Clocks change before the day is over, or as it ends: by halves, to the millisecond.
        low, high = after_ms, midnight
        while high - low > 1:
            middle = (low + high) // 2
            if _offset(self._local(middle)) == before:
                low = middle
            else:
                high = middle
        return high

    def _local(self, at_ms: int) -> datetime:
        return (_EPOCH + at_ms * _MILLISECOND).astimezone(self._place.zone)


class Notices:
    """Which messages of these topics are still to be sent to the modules of a house.

    Arguments:
        calendar: what they say.
        programs: those that run.
        known: returns what a variable holds as JSON, by module and lower-case name; None if nothing
            has written it.
        since_ms: all that changed before was sent, if anything was.
    """

    def __init__(
        self,
        calendar: Calendar,
        programs: Iterable[Program],
        known: Callable[[str, str], str | None],
        since_ms: int,
    ) -> None:
        self._calendar = calendar
        self._known = known
        self._hearers: dict[TopicName, list[tuple[str, str]]] = {}
        for program in programs:
            for variable in program.variables:
                topic = variable.topic
                if (
                    variable.role == Role.SUBSCRIBE
                    and topic is not None
                    and topic[1] in (CLOCK_MODULE, CONFIG_MODULE)
                ):
                    hearer = program.module, fold(variable.name)
                    self._hearers.setdefault(topic, []).append(hearer)
        self._told_ms = since_ms
        self._next_ms: int | None = None

    @property
    def variables(self) -> list[tuple[str, str]]:
        """The variables that hear these topics, (module, lower-case name)."""
        return [hearer for hearers in self._hearers.values() for hearer in hearers]

    def next_ms(self) -> int | None:
        """Return when there may be something to send next, in ms since 1970 UTC; None for never."""
        if self._next_ms is None and any(
            module == CLOCK_MODULE for _domain, module, _name in self._hearers
        ):
            self._next_ms = self._calendar.next_change_ms(self._told_ms)
        return self._next_ms

    def take(self, at_ms: int) -> list[tuple[TopicName, str]]:
        """Return the messages, (topic, JSON), that make what modules know right at a time.

        Ask at the start, and whenever `next_ms` has come, before what else is due then.
        """
        self._told_ms = at_ms
        self._next_ms = None
        due = []
        for topic, hearers in sorted(self._hearers.items()):
            value = self._calendar.value(topic, at_ms)
            if value is not None and any(self._known(*one) != value for one in hearers):
                due.append((topic, value))
        return due


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _degrees(angle: float | None) -> str | None:
    return None if angle is None else decimal_text(round(angle * 1_000_000), 6)


def _offset(local: datetime) -> timedelta:
    return local.utcoffset() or timedelta()


def _ms(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND
