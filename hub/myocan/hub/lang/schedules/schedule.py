"""What an AT says, apart from the text it was written in.

The one idea: a schedule is an OR of alternatives; each is a moment of the day, moved by an offset,
on the days that satisfy all of its conditions. The day that counts is that of the unmoved moment:
two hours after Friday's sunset is Friday's, even where it is Saturday by then.

Plain data: it can be compared, written as JSON with one spelling for one meaning, and read back.
So what has no meaning has one form: conditions and alternatives are sorted and said once, a whole
month is its first or last day. What it means for a place and a year is `days`' and `due`'s affair.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SEASONS = ("winter", "spring", "summer", "autumn")

DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

FIRST_YEAR, LAST_YEAR = 1900, 2999
"""The years that a schedule can name."""

MAX_OFFSET = 366 * 24 * 60
"""Longest offset, in minutes: a year, so that times near it stay within the calendar."""

MonthDay = tuple[int, int]
"""(month, day), both from 1; the day is 0 for the whole month."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of a day.

    kind: `clock`, `sunrise`, `sunset` or `variable`. minutes: since midnight, 0 to 1439, of a
    clock. variable: the name of the time variable that says it.
    """

    kind: Literal["clock", "sunrise", "sunset", "variable"]
    minutes: int = 0
    variable: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no moment of a day."""
        if self.kind not in ("clock", "sunrise", "sunset", "variable"):
            raise ValueError(f"no moment of a day: {self.kind!r}")
        _number(self.minutes, 0, 1439 if self.kind == "clock" else 0, "minutes since midnight")
        if not isinstance(self.variable, str) or (self.kind == "variable") != bool(self.variable):
            raise ValueError("a time variable, and only that, has a name")


@dataclass(frozen=True, slots=True)
class On:
    """The day is one of these: `ON mondays december 24 christmas`.

    weekdays: 0 is Monday. dates: months and days. holidays: words of a holiday's name, lower case;
    `holidays` is any.
    """

    weekdays: frozenset[int] = frozenset()
    dates: frozenset[MonthDay] = frozenset()
    holidays: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what is no day."""
        _some(self.weekdays, self.dates, self.holidays)
        for weekday in self.weekdays:
            _number(weekday, 0, 6, "day of the week")
        for month_day in self.dates:
            _check_day(month_day)
        if not all(isinstance(words, str) and words for words in self.holidays):
            raise ValueError("a holiday is named by words")


@dataclass(frozen=True, slots=True)
class In:
    """The day lies in one of these: `IN december`, `DURING winter`, `IN 2027`."""

    months: frozenset[int] = frozenset()
    seasons: frozenset[str] = frozenset()
    years: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Refuse what is no part of a year."""
        _some(self.months, self.seasons, self.years)
        for month in self.months:
            _number(month, 1, 12, "month")
        for year in self.years:
            _number(year, FIRST_YEAR, LAST_YEAR, "year")
        if not self.seasons <= set(SEASONS):
            raise ValueError(f"a season is one of {', '.join(SEASONS)}")


@dataclass(frozen=True, slots=True)
class Between:
    """From the one through the other, round the year if need be: `FROM june 1 THROUGH july 13`.

    A day of 0 means the whole month.
    """

    first: MonthDay
    last: MonthDay

    def __post_init__(self) -> None:
        """Put the first and the last day for whole months."""
        object.__setattr__(self, "first", _whole(self.first, last=False))
        object.__setattr__(self, "last", _whole(self.last, last=True))


@dataclass(frozen=True, slots=True)
class Bound:
    """`STARTING may 1, 2027` (first day) or `ENDING may 1, 2027` (last day).

    A day of 0 means the whole month; a year of 0 every year: from that day to the end of the year,
    or from its beginning.
    """

    starting: bool
    day: MonthDay
    year: int = 0

    def __post_init__(self) -> None:
        """Put the first or the last day for a whole month."""
        object.__setattr__(self, "day", _whole(self.day, last=not self.starting))
        if self.year != 0 or isinstance(self.year, bool):
            _number(self.year, FIRST_YEAR, LAST_YEAR, "year")


Condition = On | In | Between | Bound


@dataclass(frozen=True, slots=True)
class Alternative:
    """A moment, the minutes to add to it (negative: before), and the days on which it counts."""

    moment: Moment
    offset: int = 0
    conditions: tuple[Condition, ...] = ()

    def __post_init__(self) -> None:
        """Put the conditions in one order, each once, since theirs has no meaning."""
        _number(self.offset, -MAX_OFFSET, MAX_OFFSET, "offset in minutes")
        ordered = sorted(set(self.conditions), key=lambda each: json.dumps(_condition(each)))
        object.__setattr__(self, "conditions", tuple(ordered))


@dataclass(frozen=True, slots=True)
class Schedule:
    """An AT: any of the alternatives."""

    alternatives: tuple[Alternative, ...]

    def __post_init__(self) -> None:
        """Put the alternatives in one order, each once, since theirs has no meaning."""
        if not self.alternatives:
            raise ValueError("a schedule has at least one time")
        ordered = sorted(set(self.alternatives), key=lambda each: json.dumps(_plain(each)))
        object.__setattr__(self, "alternatives", tuple(ordered))

    def to_json(self) -> str:
        """Return the one spelling of this schedule; equal schedules have equal texts."""
        return json.dumps([_plain(each) for each in self.alternatives], separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Schedule:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        try:
            return cls(tuple(_alternative(plain) for plain in json.loads(text)))
        except (TypeError, KeyError, IndexError, RecursionError) as error:
            raise ValueError(f"no schedule: {error}") from error

    def identity(self, ordinal: int = 0) -> str:
        """Return a short name that stays when lines around the AT change.

        ordinal: how many ATs with this very schedule stand before it in the module.
        """
        return f"{hashlib.sha256(self.to_json().encode()).hexdigest()[:12]}.{ordinal}"

    @property
    def variables(self) -> frozenset[str]:
        """The time variables that it depends on."""
        moments = (each.moment for each in self.alternatives)
        return frozenset(moment.variable for moment in moments if moment.kind == "variable")


def _number(value: object, lowest: int, highest: int, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
        raise ValueError(f"no {what} from {lowest} to {highest}: {value!r:.40}")


def _some(*parts: frozenset[Any]) -> None:
    if not any(parts):
        raise ValueError("a condition names at least one day")


def _check_day(month_day: MonthDay, lowest: int = 1) -> None:
    month, day = month_day
    _number(month, 1, 12, "month")
    _number(day, lowest, DAYS_IN_MONTH[month - 1], "day of the month")


def _whole(month_day: MonthDay, last: bool) -> MonthDay:
    """Return the first or last day of a month that is meant as a whole; any other day as it is."""
    _check_day(month_day, 0)
    month, day = month_day
    return month, day or (DAYS_IN_MONTH[month - 1] if last else 1)


def _plain(alternative: Alternative) -> list[Any]:
    moment = alternative.moment
    when: Any = {"clock": moment.minutes, "variable": moment.variable}.get(moment.kind)
    conditions = [_condition(each) for each in alternative.conditions]
    return [moment.kind, when, alternative.offset, conditions]


def _condition(condition: Condition) -> list[Any]:
    match condition:
        case On():
            dates = [list(date) for date in sorted(condition.dates)]
            return ["on", sorted(condition.weekdays), dates, sorted(condition.holidays)]
        case In():
            years = sorted(condition.years)
            return ["in", sorted(condition.months), sorted(condition.seasons), years]
        case Between():
            return ["between", list(condition.first), list(condition.last)]
        case Bound():
            return ["starting" if condition.starting else "ending", list(condition.day),
                    condition.year]  # fmt: skip


def _alternative(plain: list[Any]) -> Alternative:
    kind, when, offset, conditions = plain
    if kind == "clock":
        moment = Moment("clock", minutes=when)
    elif kind == "variable":
        moment = Moment("variable", variable=when)
    else:
        moment = Moment(kind)
        if when is not None:
            raise ValueError(f"{kind} has no time of its own")
    return Alternative(moment, offset, tuple(_read_condition(each) for each in conditions))


def _read_condition(plain: list[Any]) -> Condition:
    kind, *fields = plain
    if kind == "on":
        days, dates, holidays = fields
        return On(frozenset(days), frozenset(_day(date) for date in dates), frozenset(holidays))
    if kind == "in":
        months, seasons, years = fields
        return In(frozenset(months), frozenset(seasons), frozenset(years))
    if kind == "between":
        first, last = fields
        return Between(_day(first), _day(last))
    if kind in ("starting", "ending"):
        day, year = fields
        return Bound(kind == "starting", _day(day), year)
    raise ValueError(f"no condition of a day: {kind!r}")


def _day(plain: list[Any]) -> MonthDay:
    month, day = plain
    return month, day
