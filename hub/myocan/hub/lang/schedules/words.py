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
from decimal import Decimal
from typing import Final

from myocan.hub.lang.diagnostics import clip, listed, quoted
from myocan.hub.lang.lexer import Token, minutes
from myocan.hub.lang.schedules.cursor import (
    DAYS,
    KEYWORDS,
    PERIODS,
    QUALIFIERS,
    Mistake,
    Wrong,
    is_day,
    near,
    singular,
)
from myocan.hub.lang.schedules.day_words import DayReader
from myocan.hub.lang.schedules.holiday import ANY, EVERYWHERE
from myocan.hub.lang.schedules.schedule import (
    MAX_OFFSET,
    MONTHS,
    Alternative,
    Between,
    Bound,
    Condition,
    Moment,
    Schedule,
)

TIMES: Final = {"noon": Moment("clock", 720), "midnight": Moment("clock", 0),
                "sunrise": Moment("sunrise"), "sunset": Moment("sunset")}  # fmt: skip
"""Words that are a moment of a day."""
_SAME: Final = {"dusk": "sunset", "sundown": "sunset", "dawn": "sunrise", "sunup": "sunrise",
                "midday": "noon"}  # fmt: skip
"""Other words for a moment, which are suggested rather than guessed: dusk is not quite sunset."""
_UNITS: Final = {"minute": 1, "minutes": 1, "min": 1, "hour": 60, "hours": 60, "h": 60}


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
    except Wrong as wrong:
        return wrong.mistake


class _Reader(DayReader):
    """Reads alternatives: a time, and the days on which it counts."""

    def schedule(self) -> Schedule:
        if not self.words:
            raise self.wrong("AT needs a time, such as noon, sunset or 15:00")
        alternatives = [self.alternative()]
        while self.at < len(self.words):
            if self.word() != "or":
                raise self.unexpected()
            self.at += 1
            if is_day(self.word()) and not self.known_variable(self.word()):
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
            instead = near(self.word(), ("before", "after"))
            raise self.wrong("a duration needs 'before' or 'after' and a time behind it", instead)
        sign = -1 if self.word() == "before" else 1
        self.at += 1
        return sign * int(total)

    def no_unit(self) -> Wrong:
        hour, unit = self.whole(), self.word(1)
        if hour is not None and unit in ("am", "pm"):
            instead = f"{hour}:00{unit}" if 1 <= hour <= 12 else None
            return self.wrong("a time of day has minutes", instead, count=2)
        if unit in ("o", "oclock") or not unit or unit in KEYWORDS:
            instead = f"{hour}:00" if hour is not None and hour < 24 else None
            return self.wrong(f"{clip(self.text())} is no time of day", instead)
        if unit in ("second", "seconds", "sec", "s"):
            return self.wrong("an AT goes by whole minutes", "minutes", ahead=1)
        return self.wrong(
            "an offset is counted in hours and minutes",
            near(unit, ("minutes", "hours", "minute", "hour")),
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
        if kind != "WORD" or word in KEYWORDS:
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
        guess = self.variables is None and not is_day(name) and name not in _SAME
        if not guess and not self.known_variable(name):
            raise self.no_time(name, length)
        if self.kind(length) == "LSQB":
            raise self.wrong("a time variable of an AT stands without a key", ahead=length)
        self.at += length
        return Moment("variable", variable=name)

    def known_variable(self, name: str) -> bool:
        return self.variables is not None and name in self.variables

    def no_time(self, name: str, length: int) -> Wrong:
        said = quoted("".join(word.text for word in self.words[self.at : self.at + length]))
        if is_day(name):
            keyword = "ON" if singular(name) in DAYS else "IN"
            instead: str | None = f"noon {keyword} {clip(self.text())}"
            return self.wrong(f"{said} is no time of day; one comes first", instead)
        instead = _SAME.get(name) or near(name, (*TIMES, *(self.variables or ())))
        return self.wrong(f"{said} is neither a time nor a time variable", instead, count=length)

    def unexpected(self) -> Wrong:
        length = self.separator()
        if length and self.at + length >= len(self.words):
            return self.wrong(f"{quoted(self.text())} leads to nothing")
        if length and self.word() == "and":
            message = "AND joins days; a guard stands on a line of its own, below the AT"
            return self.wrong(message)
        self.at += length
        said, name = quoted(self.text()), singular(self.word())
        if name in DAYS or self.word() in (ANY, *EVERYWHERE):
            return self.wrong(f"{said} stands behind ON", f"ON {clip(self.text())}")
        if name in MONTHS or name in PERIODS:
            keyword = "ON" if self.kind(1) == "NUMBER" and len(self.text(1)) < 3 else "IN"
            return self.wrong(f"{said} stands behind {keyword}", f"{keyword} {clip(self.text())}")
        known = [word.upper() for word in (*QUALIFIERS, "or")]
        message = f"{said} has no meaning here; behind a time stands {listed(known)}"
        return self.wrong(message, near(self.word(), known))


def _paired(conditions: list[Condition]) -> list[Condition]:
    """Put FROM … THROUGH for a STARTING and an ENDING that both have no year."""
    open_ended = [each for each in conditions if isinstance(each, Bound) and not each.year]
    first = [each for each in open_ended if each.starting]
    last = [each for each in open_ended if not each.starting]
    if len(first) != 1 or len(last) != 1:
        return conditions
    between = Between(first[0].day, last[0].day)
    return [*(each for each in conditions if each not in open_ended), between]
