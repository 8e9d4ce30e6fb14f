"""Goes through the words of one line of a scenario.

The one idea: each part of a line (a name, a value, a duration, a time) is read by the one method
that knows it, and what cannot be read is raised as `Wrong`, with the place and what could stand
there instead. The words are those of the rule language, cut by its own lexer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from myocan.hub.lang import tree, words
from myocan.hub.lang.declare import CLOCKS
from myocan.hub.lang.diagnostics import Span, clip, nearest, quoted
from myocan.hub.lang.lexer import Token, minutes
from myocan.hub.lang.words import fold, shout

DAY_MS: Final = 24 * 3_600_000

MAX_ADVANCE_MS: Final = 3653 * DAY_MS
"""Furthest that one ADVANCE goes: ten years."""

YEARS: Final = range(1970, 2201)
"""Years that the clock of a scenario can show."""

MAX_NUMBER: Final = 18
"""Most digits of a number."""

UNITS_MS: Final = {
    **words.UNITS_MS,
    **dict.fromkeys(("day", "days", "d"), DAY_MS),
    **dict.fromkeys(("week", "weeks"), 7 * DAY_MS),
}
"""Units of a duration, in milliseconds."""

_UNIT_NAMES: Final = ("seconds", "minutes", "hours", "days", "weeks", "second", "minute", "hour")

OPERATORS: Final = {
    "ASSIGN": "==",
    "EQ": "==",
    "NE": "!=",
    "LT": "<",
    "LE": "<=",
    "GT": ">",
    "GE": ">=",
}
"""Sign -> how two values compare; in a scenario `=` only asks."""


class Wrong(Exception):
    """A line that makes no sense: where, why, and what could stand there."""

    def __init__(self, span: Span, message: str, suggestion: str | None = None) -> None:
        super().__init__(message)
        self.span = span
        self.message = message
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, a time of day in minutes since midnight, or both."""

    span: Span
    day: date | None
    minutes: int | None


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted name: its words, and the keys in brackets with their places."""

    span: Span
    words: tuple[str, ...]
    keys: tuple[tuple[Span, str], ...]

    @property
    def text(self) -> str:
        """The name without keys, as one would say it."""
        return ".".join(self.words)


class Line:
    """The tokens of a line, and how far it was read."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        """Start at the first token; there is one at least."""
        self.tokens = tokens
        self.at = 0

    # What stands next.

    @property
    def over(self) -> bool:
        """Whether all was read."""
        return self.at >= len(self.tokens)

    @property
    def span(self) -> Span:
        """The place of the next token; behind the last one where there is none."""
        if not self.over:
            return self.tokens[self.at].span
        last = self.tokens[-1].span
        return Span(last.line, last.end_column, last.end_column + 1)

    def kind(self, ahead: int = 0) -> str:
        """Return what the next token is, "" at the end."""
        place = self.at + ahead
        return self.tokens[place].kind if place < len(self.tokens) else ""

    def word(self, ahead: int = 0) -> str:
        """Return the next token as a keyword would be looked up, "" if it is no word."""
        return shout(self.tokens[self.at + ahead].text) if self.kind(ahead) == "WORD" else ""

    def take(self) -> Token:
        """Step over the next token; there is one."""
        self.at += 1
        return self.tokens[self.at - 1]

    def took(self, word: str) -> bool:
        """Step over a keyword, if it stands here."""
        found = self.word() == word
        self.at += found
        return found

    def wrong(self, message: str, suggestion: str | None = None) -> Wrong:
        """Return what is wrong with the next token."""
        return Wrong(self.span, message, suggestion)

    def finish(self, what: str) -> None:
        """Raise `Wrong` if something is left; `what` is what the line should have ended with."""
        if not self.over:
            raise self.wrong(f"{quoted(self.tokens[self.at].text)} is too much; {what}")

    def _missing(self, what: str, kind: str) -> Wrong:
        if self.over:
            return self.wrong(f"{what} is missing here")
        found = quoted(self.tokens[self.at].text)
        return self.wrong(f"{found} is no {kind}; {what} stands here")

    # Parts of a line.

    def name(self, what: str) -> Name:
        """Read a dotted name with keys: `lamp1.state`, `lamp[kitchen].state`.

        Arguments:
            what: what should stand here, for people.
        """
        start = self.span
        words: list[str] = []
        keys: list[tuple[Span, str]] = []
        while True:
            if self.kind() != "WORD":
                raise self._missing(what, "name")
            word = self.take()
            words.append(word.text)
            if self.kind() == "LSQB":
                keys.append(self._key(word.span))
            if self.kind() != "DOT":
                span = start.to(self.tokens[self.at - 1].span)
                return Name(span, tuple(words), tuple(keys))
            self.take()

    def _key(self, start: Span) -> tuple[Span, str]:
        self.take()
        if self.kind() not in ("WORD", "TEXT", "NUMBER"):
            raise self.wrong('a key stands between the brackets, as in lamp[kitchen] or lamp["1"]')
        key = self.take().text.strip('"')
        if self.kind() != "RSQB":
            raise self.wrong("a ']' is missing here; a key of more than one word stands in quotes")
        return start.to(self.take().span), key

    def value(self, what: str) -> tree.Expression:
        """Read a value: a word, a number, a text in quotes, a time of day."""
        kind = self.kind()
        if kind == "WORD":
            word = self.take()
            return tree.Name(word.span, 1, (tree.Part(word.span, word.text),))
        if kind == "TEXT":
            text = self.take()
            return tree.TextLiteral(text.span, 1, text.text[1:-1])
        if kind == "CLOCK":
            clock = self.take()
            return tree.ClockLiteral(clock.span, 1, minutes(clock.text) or 0)
        if kind == "NUMBER" or (kind == "MINUS" and self.kind(1) == "NUMBER"):
            sign = self.take() if kind == "MINUS" else None
            number = self.take()
            units, decimals = _number(number)
            span = number.span if sign is None else sign.span.to(number.span)
            return tree.NumberLiteral(span, 1, -units if sign else units, decimals)
        raise self._missing(what, "value")

    def duration_ms(self) -> int:
        """Read `1 hour 30 minutes`; return it in milliseconds."""
        start, total = self.span, 0
        while self.kind() == "NUMBER":
            number = self.take()
            units, decimals = _number(number)
            if self.kind() != "WORD":
                instead = f"{clip(number.text)} minutes"
                raise Wrong(number.span, "a unit is missing behind this number", instead)
            word = self.take()
            unit = UNITS_MS.get(fold(word.text))
            if unit is None:
                raise Wrong(
                    word.span,
                    f"{quoted(word.text)} is no unit; time is counted in seconds, minutes, hours, "
                    "days and weeks",
                    nearest(word.text, _UNIT_NAMES),
                )
            milliseconds, rest = divmod(units * unit, 10**decimals)
            if rest:
                raise Wrong(number.span, "time is counted in whole milliseconds")
            total += milliseconds
        span = start.to(self.tokens[self.at - 1].span)
        if not 0 < total <= MAX_ADVANCE_MS:
            raise Wrong(span, "one ADVANCE goes on by a millisecond at least and 10 years at most")
        return total

    def moment(self) -> Moment:
        """Read a day (`2027-06-01`), a time of day (`23:58`, `noon`), or a day and a time."""
        start, day = self.span, None
        if self.kind() == "NUMBER":
            day = self._day()
        clock = self._clock()
        if day is None and clock is None:
            raise self.wrong("a day or a time is missing here, such as 2027-06-01 23:58")
        return Moment(start.to(self.tokens[self.at - 1].span), day, clock)

    def _clock(self) -> int | None:
        if self.kind() == "CLOCK":
            return minutes(self.take().text)
        if self.kind() == "WORD" and fold(self.tokens[self.at].text) in CLOCKS:
            return CLOCKS[fold(self.take().text)]
        return None

    def _day(self) -> date:
        kinds = [self.kind(ahead) for ahead in range(5)]
        if kinds != ["NUMBER", "MINUS", "NUMBER", "MINUS", "NUMBER"]:
            raise self.wrong("a day is written as year-month-day, such as 2027-06-01")
        pieces = [self.take() for _ in range(5)]
        span = pieces[0].span.to(pieces[-1].span)
        texts = [piece.text for piece in pieces[::2]]
        try:
            if not all(text.isdigit() and len(text) <= 4 for text in texts):
                raise ValueError
            day = date(*(int(text) for text in texts))
        except ValueError:
            written = "-".join(texts)
            raise Wrong(
                span, f"{clip(written)} is no day; write year-month-day, such as 2027-06-01"
            ) from None
        if day.year not in YEARS:
            raise Wrong(span, f"a scenario plays in the years {YEARS[0]} to {YEARS[-1]}")
        return day


def _number(token: Token) -> tuple[int, int]:
    """Return a number without its point, and how many digits stood behind that."""
    whole, _, fraction = token.text.partition(".")
    if len(fraction) > 9:
        raise Wrong(token.span, "a number has at most 9 digits behind its point")
    if len((whole + fraction).lstrip("0")) > MAX_NUMBER:
        raise Wrong(token.span, f"this number is too large; it may have {MAX_NUMBER} digits in all")
    return int(whole + fraction), len(fraction)
