"""Reads the days of an AT: what stands behind ON, IN, FROM, STARTING and ENDING.

The one idea: a list goes on until the next keyword; commas and `AND` inside it carry no meaning.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from myocan.hub.lang.diagnostics import clip, quoted
from myocan.hub.lang.schedules.cursor import (
    DAYS,
    KEYWORDS,
    PERIODS,
    QUALIFIERS,
    Cursor,
    Mistake,
    Wrong,
    near,
    singular,
)
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
    MONTHS,
    Between,
    Bound,
    Condition,
    In,
    MonthDay,
    On,
)
from myocan.hub.lang.words import fold

_THROUGH: Final = ("to", "until", "till", "thru", "upto")
_LONGEST_NAME: Final = 8
"""Most words of a holiday's name that are looked at."""

_DAY_WORDS: Final = (
    *(f"{day}s" for day in DAYS),
    *DAYS,
    *MONTHS,
    *EVERYWHERE,
    *(word.upper() for word in ("or", *QUALIFIERS) if len(word) > 3),
)


class DayReader(Cursor):
    """Reads conditions, one behind each keyword."""

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

    def on(self, index: int, before: list[Condition]) -> On:
        weekdays: set[int] = set()
        dates: set[MonthDay] = set()
        names: set[str] = set()
        while self.more():
            day = singular(self.word())
            if day in DAYS:
                weekdays |= DAYS[day]
                self.at += 1
            elif day in MONTHS:
                dates |= self.dates(index)
            elif day in PERIODS:
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
            raise Wrong(Mistake(index, "no day is both; a list takes one ON", ","))
        return on

    def dates(self, index: int) -> set[MonthDay]:
        """Read `december 24`, and further days of the month."""
        month = MONTHS.index(singular(self.word())) + 1
        if self.kind(1) != "NUMBER":
            raise self.belongs("IN", index)
        found = set()
        self.at += 1
        while True:
            if len(self.text()) == 4:
                raise self.wrong("a date behind ON comes every year", f"IN {self.text()}")
            found.add((month, self.day(month)))
            length = self.separator()
            backwards = singular(self.word(length + 1)) in MONTHS  # 25 january, without a 1 behind
            if self.kind(length) != "NUMBER":
                return found
            if backwards and self.kind(length + 2) != "NUMBER":
                return found
            self.at += length

    def number_of_a_day(self, index: int) -> Wrong:
        if singular(self.word(1)) in MONTHS:
            instead = f"{singular(self.word(1))} {clip(self.text())}"
            return self.wrong("the month comes first", instead, count=2)
        if len(self.text()) == 4:
            return self.belongs("IN", index)
        return self.wrong(f"{clip(self.text())} is no day; the month comes first")

    def belongs(self, keyword: str, index: int) -> Wrong:
        """Say that the word here stands behind another keyword than the one at `index`."""
        message = f"{quoted(self.text())} stands behind {keyword}"
        if index == self.at - 1:
            return Wrong(Mistake(index, message, keyword))
        return self.wrong(message)

    def empty(self, message: str) -> Wrong:
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
        if not word or word in KEYWORDS:
            return False
        # `easter mondays` is a list, `easter monday` a name
        return not (word.endswith("s") and singular(word) in DAYS and word not in DAYS)

    def misspelt(self, word: str) -> bool:
        return near(word, _DAY_WORDS) is not None

    def no_day(self, runs: list[tuple[int, str]], names: Collection[str]) -> Wrong:
        for length, name in runs:
            instead = near(name, names) if length > 1 or not self.misspelt(name) else None
            if instead is not None:
                message = f"no holiday is called {quoted(name)}"
                return self.wrong(message, instead, count=length)
        said = quoted(self.text())
        if self.at and self.word(-1) == "and":
            return self.wrong(f"{said} is no day; a guard stands on a line of its own", ahead=0)
        instead = near(runs[-1][1], _DAY_WORDS)
        return self.wrong(f"{said} is neither a day nor a holiday", instead)

    def during(self, index: int) -> list[Condition]:
        months: set[int] = set()
        seasons: set[str] = set()
        years: set[int] = set()
        while self.more():
            period = singular(self.word())
            if period in MONTHS:
                if self.kind(1) == "NUMBER" and len(self.text(1)) < 3:
                    raise self.belongs("ON", index)
                months.add(MONTHS.index(period) + 1)
            elif period in PERIODS:
                seasons.add(PERIODS[period])
            elif self.kind() == "NUMBER":
                years.add(self.year())
                continue
            elif period in DAYS or self.word() in (ANY, *WELL_KNOWN):
                raise self.belongs("ON", index)
            else:
                instead = near(self.word(), (*MONTHS, *PERIODS))
                raise self.wrong(f"{quoted(self.text())} is no month, season or year", instead)
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
            instead = "THROUGH" if known else near(self.word(), ("THROUGH",))
            raise self.wrong("FROM needs THROUGH and a day behind it", instead)
        self.at += 1
        last = self.month_day("THROUGH")
        length = self.separator() if self.kind() == "COMMA" else 0
        if self.kind(length) == "NUMBER":
            message = "THROUGH comes round every year; STARTING and ENDING take a year"
            raise self.wrong(message, ahead=length)
        return Between(first, last)

    def month_day(self, keyword: str) -> MonthDay:
        """Read `june 1`, or `june` for the whole month (day 0)."""
        name = singular(self.word())
        if name not in MONTHS:
            said = quoted(self.text()) if self.text() else "nothing"
            if self.kind() == "NUMBER" and singular(self.word(1)) in MONTHS:
                instead = f"{singular(self.word(1))} {clip(self.text())}"
                raise self.wrong("the month comes first", instead, count=2)
            message = f"{keyword} needs a month, with or without a day, and here is {said}"
            raise self.wrong(message, near(self.word(), MONTHS))
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
            raise Wrong(Mistake(begin, f"{year} has no february 29", None, self.at - begin))
        found = Bound(starting, day, year)
        for other in before:
            if isinstance(other, Bound) and other.starting != starting and other.year and year:
                first, last = (found, other) if starting else (other, found)
                if (first.year, first.day) > (last.year, last.day):
                    message = "this ends before it starts, so nothing is ever due"
                    raise Wrong(Mistake(begin, message, None, self.at - begin))
        return found


def _weekly(on: On) -> bool:
    return not (on.dates or on.holidays)
