"""Reads what stands behind AT: the words of one line become a schedule, or say what is wrong.

The one idea: a qualifier is a keyword and a list, and a list goes on until the next keyword. Commas
and `AND` inside a list carry no meaning. Words are only compared folded, and whatever stands there,
the answer is a schedule or a mistake, never an exception.

What the language page leaves open is read like this:

- `IN december 2027` is December of that year: years narrow months and seasons.
- `STARTING november 1 ENDING march 31`, both without a year, is `FROM … THROUGH …`; one alone, and
  without a year, holds each year from that day on, or up to it.
- A word that is no time is the name of a time variable.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from myocan.hub.lang.diagnostics import clip, listed, nearest, quoted
from myocan.hub.lang.lexer import Token, minutes
from myocan.hub.lang.schedules.holiday import (
    ANY,
    EVERYWHERE,
    WELL_KNOWN,
    every_name,
    is_called,
    words_of,
)
from myocan.hub.lang.schedules.schedule import (
    DAYS_IN_MONTH,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_OFFSET,
    MONTHS,
    SEASONS,
    WEEKDAYS,
    Alternative,
    Between,
    Bound,
    Condition,
    In,
    Moment,
    MonthDay,
    On,
    Schedule,
)
from myocan.hub.lang.words import fold


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with the words of an AT.

    Arguments:
        index: of the first word that is wrong; as many as there are words where one is missing.
        message: one line, without the suggestion.
        suggestion: what could stand there instead, or None.
        count: how many words are wrong, and would be replaced.
    """

    index: int
    message: str
    suggestion: str | None = None
    count: int = 1


TIMES: Final = {"noon": Moment("clock", 720), "midnight": Moment("clock", 0),
                "sunrise": Moment("sunrise"), "sunset": Moment("sunset")}  # fmt: skip
"""Words that are a moment of a day."""

QUALIFIERS: Final = ("on", "in", "during", "from", "starting", "ending")
"""Words that open a list of days."""

_KEYWORDS: Final = frozenset((*QUALIFIERS, "or", "and", "through"))
_SAME: Final = {"dusk": "sunset", "sundown": "sunset", "dawn": "sunrise", "sunup": "sunrise",
                "midday": "noon"}  # fmt: skip
"""Other words for a moment, which are suggested rather than guessed: dusk is not quite sunset."""
_THROUGH: Final = ("to", "until", "till", "thru", "upto")
_UNITS: Final = {"minute": 1, "minutes": 1, "min": 1, "hour": 60, "hours": 60, "h": 60}
_DAYS: Final = {
    **{day: frozenset({number}) for number, day in enumerate(WEEKDAYS)},
    "weekday": frozenset(range(5)),
    "weekend": frozenset((5, 6)),
}
_PERIODS: Final = {**{season: season for season in SEASONS}, "fall": "autumn"}
_LONGEST_NAME: Final = 8
"""Most words of a holiday's name that are looked at."""


def parse_schedule(
    words: Sequence[Token],
    variables: Collection[str] | None = None,
    holidays: Collection[str] | None = None,
) -> Schedule | Mistake:
    """Read the words of a line that stand behind AT.

    Arguments:
        words: as the lexer cuts them.
        variables: folded names of the time variables; None takes any name, to be checked by whoever
            knows them (`Schedule.variables`).
        holidays: the words of those that count (`Place.holiday_names`); None takes those of any
            country, which takes a second where a name is not a well-known one.
    """
    reader = _Reader(words, variables, holidays)
    try:
        return reader.schedule()
    except _Wrong as wrong:
        return wrong.mistake


class _Wrong(Exception):
    """Leaves the reader with a mistake."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


class _Reader:
    """Goes through the words from left to right; `at` is the next one."""

    def __init__(
        self,
        words: Sequence[Token],
        variables: Collection[str] | None,
        holidays: Collection[str] | None,
    ) -> None:
        self.words = words
        self.folded = [fold(word.text) if word.kind == "WORD" else "" for word in words]
        self.variables = variables
        self.holidays = holidays
        self.at = 0

    # What stands where.

    def word(self, ahead: int = 0) -> str:
        """Return a word, folded; "" where there is none."""
        index = self.at + ahead
        return self.folded[index] if index < len(self.words) else ""

    def kind(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.words[index].kind if index < len(self.words) else ""

    def text(self, ahead: int = 0) -> str:
        index = self.at + ahead
        return self.words[index].text if index < len(self.words) else ""

    def wrong(
        self, message: str, suggestion: str | None = None, *, ahead: int = 0, count: int = 1
    ) -> _Wrong:
        return _Wrong(Mistake(self.at + ahead, message, suggestion, count))

    def whole(self, ahead: int = 0) -> int | None:
        """Return a whole number of at most nine digits, or None where none stands."""
        text = self.text(ahead)
        if self.kind(ahead) == "NUMBER" and text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
        return None

    # Times.

    def schedule(self) -> Schedule:
        if not self.words:
            raise self.wrong("AT needs a time, such as noon, sunset or 15:00")
        alternatives = [self.alternative()]
        while self.at < len(self.words):
            if self.word() != "or":
                raise self.unexpected()
            self.at += 1
            if _is_day(self.word()) and not self.known_variable(self.word()):
                raise self.wrong("OR joins times; days stand side by side", ",", ahead=-1)
            alternatives.append(self.alternative())
        return Schedule(tuple(alternatives))

    def alternative(self) -> Alternative:
        offset = self.offset() if self.kind() == "NUMBER" else 0
        moment = self.moment()
        conditions: list[Condition] = []
        while True:
            separated = self.separator()
            if separated and self.word(separated) not in QUALIFIERS:
                break
            self.at += separated
            if self.word() not in QUALIFIERS:
                break
            conditions += self.qualifier(conditions)
        return Alternative(moment, offset, tuple(_paired(conditions)))

    def offset(self) -> int:
        """Read `1 hour 30 minutes before`."""
        begin, total = self.at, Decimal(0)
        while self.kind() == "NUMBER":
            unit = self.word(1)
            if unit not in _UNITS:
                raise self.no_unit()
            total += Decimal(self.text()[:20]) * _UNITS[unit]
            self.at += 2
            self.at += self.separator() if self.kind(self.separator()) == "NUMBER" else 0
        said = self.at - begin
        if total != int(total):
            raise self.wrong("an AT goes by whole minutes", ahead=-said, count=said)
        if total > MAX_OFFSET:
            raise self.wrong("an offset is at most 366 days", ahead=-said, count=said)
        if self.word() not in ("before", "after"):
            near = _near(self.word(), ("before", "after"))
            raise self.wrong("a duration needs 'before' or 'after' and a time behind it", near)
        sign = -1 if self.word() == "before" else 1
        self.at += 1
        return sign * int(total)

    def no_unit(self) -> _Wrong:
        hour, unit = self.whole(), self.word(1)
        if hour is not None and unit in ("am", "pm"):
            near = f"{hour}:00{unit}" if 1 <= hour <= 12 else None
            return self.wrong("a time of day has minutes", near, count=2)
        if unit in ("o", "oclock") or not unit or unit in _KEYWORDS:
            near = f"{hour}:00" if hour is not None and hour < 24 else None
            return self.wrong(f"{clip(self.text())} is no time of day", near)
        if unit in ("second", "seconds", "sec", "s"):
            return self.wrong("an AT goes by whole minutes", "minutes", ahead=1)
        return self.wrong(
            "an offset is counted in hours and minutes",
            _near(unit, ("minutes", "hours", "minute", "hour")),
            ahead=1,
        )

    def moment(self) -> Moment:
        word, kind = self.word(), self.kind()
        if kind == "CLOCK":
            clock = minutes(self.text())
            if clock is None:
                raise self.wrong(f"{clip(self.text())} is no time of day")
            self.at += 1
            return Moment("clock", clock)
        if kind != "WORD" or word in _KEYWORDS:
            here = "here" if not self.text() else f"before {quoted(self.text())}"
            raise self.wrong(f"a time is missing {here}, such as noon, sunset or 15:00")
        if word in TIMES:
            self.at += 1
            return TIMES[word]
        return self.variable()

    def variable(self) -> Moment:
        """Read the name of a time variable, `bedtime` or `settings.bedtime`."""
        name, length = self.word(), 1
        while self.kind(length) == "DOT" and self.kind(length + 1) == "WORD":
            name += "." + self.word(length + 1)
            length += 2
        guess = self.variables is None and not _is_day(name) and name not in _SAME
        if not guess and not self.known_variable(name):
            raise self.no_time(name, length)
        if self.kind(length) == "LSQB":
            raise self.wrong("a time variable of an AT stands without a key", ahead=length)
        self.at += length
        return Moment("variable", variable=name)

    def known_variable(self, name: str) -> bool:
        return self.variables is not None and name in self.variables

    def no_time(self, name: str, length: int) -> _Wrong:
        said = quoted("".join(word.text for word in self.words[self.at : self.at + length]))
        if _is_day(name):
            keyword = "ON" if _singular(name) in _DAYS else "IN"
            near: str | None = f"noon {keyword} {clip(self.text())}"
            return self.wrong(f"{said} is no time of day; one comes first", near)
        near = _SAME.get(name) or _near(name, (*TIMES, *(self.variables or ())))
        return self.wrong(f"{said} is neither a time nor a time variable", near, count=length)

    # Days.

    def qualifier(self, before: list[Condition]) -> list[Condition]:
        index, keyword = self.at, self.word()
        self.at += 1
        match keyword:
            case "on":
                return [self.on(index, before)]
            case "in" | "during":
                return self.during(index)
            case "from":
                return [self.between()]
            case _:
                return [self.bound(keyword == "starting", before)]

    def separator(self) -> int:
        """Return how many words the next separator has: `,`, `AND` or `, AND`, else 0."""
        length = 1 if self.kind() == "COMMA" else 0
        return length + (self.word(length) == "and")

    def more(self) -> bool:
        """Tell whether a list goes on, and step over the separator before its next item."""
        length = self.separator()
        if self.kind(length) not in ("WORD", "NUMBER", "TEXT") or self.word(length) in _KEYWORDS:
            return False
        self.at += length
        return True

    def on(self, index: int, before: list[Condition]) -> On:
        weekdays: set[int] = set()
        dates: set[MonthDay] = set()
        names: set[str] = set()
        while self.more():
            day = _singular(self.word())
            if day in _DAYS:
                weekdays |= _DAYS[day]
                self.at += 1
            elif day in MONTHS:
                dates |= self.dates(index)
            elif day in _PERIODS:
                raise self.belongs("IN", index)
            elif self.kind() == "NUMBER":
                raise self.number_of_a_day(index)
            else:
                names.add(self.holiday())
        if not (weekdays or dates or names):
            raise self.empty("ON needs a day, such as fridays, december 24 or christmas")
        on = On(frozenset(weekdays), frozenset(dates), frozenset(names))
        others = [each.weekdays for each in before if isinstance(each, On) and _weekly(each)]
        if _weekly(on) and any(not days & on.weekdays for days in others):
            raise _Wrong(Mistake(index, "no day is both; a list takes one ON", ","))
        return on

    def dates(self, index: int) -> set[MonthDay]:
        """Read `december 24`, and further days of the month."""
        month = MONTHS.index(_singular(self.word())) + 1
        if self.kind(1) != "NUMBER":
            raise self.belongs("IN", index)
        found = set()
        self.at += 1
        while True:
            if len(self.text()) == 4:
                raise self.wrong("a date behind ON comes every year", f"IN {self.text()}")
            found.add((month, self.day(month)))
            length = self.separator()
            backwards = _singular(self.word(length + 1)) in MONTHS  # 25 january, without a 1 behind
            if self.kind(length) != "NUMBER":
                return found
            if backwards and self.kind(length + 2) != "NUMBER":
                return found
            self.at += length

    def number_of_a_day(self, index: int) -> _Wrong:
        if _singular(self.word(1)) in MONTHS:
            near = f"{_singular(self.word(1))} {clip(self.text())}"
            return self.wrong("the month comes first", near, count=2)
        if len(self.text()) == 4:
            return self.belongs("IN", index)
        return self.wrong(f"{clip(self.text())} is no day; the month comes first")

    def belongs(self, keyword: str, index: int) -> _Wrong:
        """Say that the word here stands behind another keyword than the one at `index`."""
        message = f"{quoted(self.text())} stands behind {keyword}"
        if index == self.at - 1:
            return _Wrong(Mistake(index, message, keyword))
        return self.wrong(message)

    def empty(self, message: str) -> _Wrong:
        """Say what is missing: at the end, or at the word that stands in its place."""
        return self.wrong(message, ahead=self.separator() if self.kind() == "COMMA" else 0)

    def day(self, month: int) -> int:
        """Read the number of a day of a month."""
        number, days = self.whole(), DAYS_IN_MONTH[month - 1]
        if number is None or not 1 <= number <= days:
            raise self.wrong(f"{MONTHS[month - 1]} has {days} days, from 1 on")
        self.at += 1
        return number

    def holiday(self) -> str:
        """Read the name of a holiday, as many words as belong to one."""
        if self.kind() == "TEXT":
            said, longest = words_of(self.text()[1:-1]), 1
            runs = [(1, said)]
        else:
            longest = 1
            while longest < _LONGEST_NAME and self.goes_on(longest):
                longest += 1
            texts = [fold(self.text(ahead)) for ahead in range(longest)]
            runs = [(length, " ".join(texts[:length])) for length in range(longest, 0, -1)]
        if self.kind(longest) not in ("", "WORD", "NUMBER", "TEXT", "COMMA"):
            raise self.no_day(runs[-1:], ())  # `state==off`
        if runs[-1][1] in (ANY, "holiday"):
            self.at += 1
            return ANY
        if self.holidays is None:
            for names in (lambda: WELL_KNOWN, every_name):
                if names is every_name and self.misspelt(runs[-1][1]):
                    break
                for length, name in runs:
                    if is_called(name, names()):
                        self.at += length
                        return name
            raise self.no_day(runs, (*EVERYWHERE, *WELL_KNOWN))
        for length, name in runs:
            if is_called(name, self.holidays):
                self.at += length
                return name
            if is_called(name, WELL_KNOWN):
                break
        raise self.no_day(runs, sorted(self.holidays))

    def goes_on(self, ahead: int) -> bool:
        """Tell whether the word there may belong to the name of a holiday."""
        word = self.word(ahead)
        if not word or word in _KEYWORDS:
            return False
        # `easter mondays` is a list, `easter monday` a name
        return not (word.endswith("s") and _singular(word) in _DAYS and word not in _DAYS)

    def misspelt(self, word: str) -> bool:
        return _near(word, _DAY_WORDS) is not None

    def no_day(self, runs: list[tuple[int, str]], names: Collection[str]) -> _Wrong:
        for length, name in runs:
            near = _near(name, names) if length > 1 or not self.misspelt(name) else None
            if near is not None:
                message = f"no holiday is called {quoted(name)}"
                return self.wrong(message, near, count=length)
        said = quoted(self.text())
        if self.at and self.word(-1) == "and":
            return self.wrong(f"{said} is no day; a guard stands on a line of its own", ahead=0)
        near = _near(runs[-1][1], _DAY_WORDS)
        return self.wrong(f"{said} is neither a day nor a holiday", near)

    def during(self, index: int) -> list[Condition]:
        months: set[int] = set()
        seasons: set[str] = set()
        years: set[int] = set()
        while self.more():
            period = _singular(self.word())
            if period in MONTHS:
                if self.kind(1) == "NUMBER" and len(self.text(1)) < 3:
                    raise self.belongs("ON", index)
                months.add(MONTHS.index(period) + 1)
            elif period in _PERIODS:
                seasons.add(_PERIODS[period])
            elif self.kind() == "NUMBER":
                years.add(self.year())
                continue
            elif period in _DAYS or self.word() in (ANY, *WELL_KNOWN):
                raise self.belongs("ON", index)
            else:
                near = _near(self.word(), (*MONTHS, *_PERIODS))
                raise self.wrong(f"{quoted(self.text())} is no month, season or year", near)
            self.at += 1
        conditions: list[Condition] = []
        if months or seasons:
            conditions.append(In(frozenset(months), frozenset(seasons)))
        if years:
            conditions.append(In(years=frozenset(years)))
        if not conditions:
            raise self.empty("IN needs a month, a season or a year")
        return conditions

    def year(self) -> int:
        number = self.whole()
        if number is None or not FIRST_YEAR <= number <= LAST_YEAR:
            raise self.wrong(f"a year is a number from {FIRST_YEAR} to {LAST_YEAR}")
        self.at += 1
        return number

    def between(self) -> Between:
        first = self.month_day("FROM")
        if self.word() != "through":
            length = self.separator() if self.kind() == "COMMA" else 0
            if len(self.text(length)) == 4 and self.kind(length) == "NUMBER":
                message = "FROM comes round every year; STARTING and ENDING take a year"
                raise self.wrong(message, ahead=length)
            known = self.word() in _THROUGH or self.kind() == "MINUS"
            near = "THROUGH" if known else _near(self.word(), ("THROUGH",))
            raise self.wrong("FROM needs THROUGH and a day behind it", near)
        self.at += 1
        last = self.month_day("THROUGH")
        length = self.separator() if self.kind() == "COMMA" else 0
        if self.kind(length) == "NUMBER":
            message = "THROUGH comes round every year; STARTING and ENDING take a year"
            raise self.wrong(message, ahead=length)
        return Between(first, last)

    def month_day(self, keyword: str) -> MonthDay:
        """Read `june 1`, or `june` for the whole month (day 0)."""
        name = _singular(self.word())
        if name not in MONTHS:
            said = quoted(self.text()) if self.text() else "nothing"
            if self.kind() == "NUMBER" and _singular(self.word(1)) in MONTHS:
                near = f"{_singular(self.word(1))} {clip(self.text())}"
                raise self.wrong("the month comes first", near, count=2)
            message = f"{keyword} needs a month, with or without a day, and here is {said}"
            raise self.wrong(message, _near(self.word(), MONTHS))
        month = MONTHS.index(name) + 1
        self.at += 1
        if self.kind() == "NUMBER" and len(self.text()) != 4:
            return month, self.day(month)
        return month, 0

    def bound(self, starting: bool, before: list[Condition]) -> Bound:
        """Read `may 1, 2027`, `may 2027`, `may 1` or `2027`."""
        keyword, begin = ("STARTING" if starting else "ENDING"), self.at
        if self.kind() == "NUMBER" and len(self.text()) == 4:
            day, year = ((1, 1) if starting else (12, 31)), self.year()
        else:
            day, year = self.month_day(keyword), 0
            length = int(self.kind() == "COMMA")
            if self.kind(length) == "NUMBER":
                self.at += length
                year = self.year()
        if day == (2, 29) and year and (year % 4 or (year % 100 == 0 and year % 400)):
            raise _Wrong(Mistake(begin, f"{year} has no february 29", None, self.at - begin))
        found = Bound(starting, day, year)
        for other in before:
            if isinstance(other, Bound) and other.starting != starting and other.year and year:
                first, last = (found, other) if starting else (other, found)
                if (first.year, first.day) > (last.year, last.day):
                    message = "this ends before it starts, so nothing is ever due"
                    raise _Wrong(Mistake(begin, message, None, self.at - begin))
        return found

    def unexpected(self) -> _Wrong:
        length = self.separator()
        if length and self.at + length >= len(self.words):
            return self.wrong(f"{quoted(self.text())} leads to nothing")
        if length and self.word() == "and":
            message = "AND joins days; a guard stands on a line of its own, below the AT"
            return self.wrong(message)
        self.at += length
        said, name = quoted(self.text()), _singular(self.word())
        if name in _DAYS or self.word() in (ANY, *EVERYWHERE):
            return self.wrong(f"{said} stands behind ON", f"ON {clip(self.text())}")
        if name in MONTHS or name in _PERIODS:
            keyword = "ON" if self.kind(1) == "NUMBER" and len(self.text(1)) < 3 else "IN"
            return self.wrong(f"{said} stands behind {keyword}", f"{keyword} {clip(self.text())}")
        known = [word.upper() for word in (*QUALIFIERS, "or")]
        message = f"{said} has no meaning here; behind a time stands {listed(known)}"
        return self.wrong(message, _near(self.word(), known))


def _paired(conditions: list[Condition]) -> list[Condition]:
    """Put FROM … THROUGH for a STARTING and an ENDING that both have no year."""
    open_ended = [each for each in conditions if isinstance(each, Bound) and not each.year]
    first = [each for each in open_ended if each.starting]
    last = [each for each in open_ended if not each.starting]
    if len(first) != 1 or len(last) != 1:
        return conditions
    between = Between(first[0].day, last[0].day)
    return [*(each for each in conditions if each not in open_ended), between]


def _weekly(on: On) -> bool:
    return not (on.dates or on.holidays)


def _singular(word: str) -> str:
    """Return the name of a day, month or season that a word is, singular or plural."""
    known = word in _DAYS or word in MONTHS or word in _PERIODS
    return word if known or not word.endswith("s") else word[:-1]


def _is_day(word: str) -> bool:
    name = _singular(word)
    return name in _DAYS or name in MONTHS or name in _PERIODS


_DAY_WORDS: Final = (
    *(f"{day}s" for day in _DAYS),
    *_DAYS,
    *MONTHS,
    *EVERYWHERE,
    *(word.upper() for word in ("or", *QUALIFIERS) if len(word) > 3),
)


def _near(word: str, candidates: Collection[str]) -> str | None:
    """Return what a word was meant to be: misspelt, or shortened (`dec`, `sept`, `mon`)."""
    if len(word) >= 3:
        longer = [each for each in candidates if fold(each).startswith(word)]
        if longer:
            return longer[0]
    return nearest(word, candidates) if word else None
