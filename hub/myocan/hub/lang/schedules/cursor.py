"""The words of an AT as they are gone through, and what readers of any part of it share.

The one idea: a reader that cannot go on raises `Wrong` with the place, the reason and what could
stand there instead; only the outermost one turns that into an answer.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from myocan.hub.lang.diagnostics import nearest
from myocan.hub.lang.lexer import Token
from myocan.hub.lang.schedules.schedule import MONTHS, SEASONS, WEEKDAYS
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


QUALIFIERS: Final = ("on", "in", "during", "from", "starting", "ending")
"""Words that open a list of days."""

KEYWORDS: Final = frozenset((*QUALIFIERS, "or", "and", "through"))
DAYS: Final = {
    **{day: frozenset({number}) for number, day in enumerate(WEEKDAYS)},
    "weekday": frozenset(range(5)),
    "weekend": frozenset((5, 6)),
}
PERIODS: Final = {**{season: season for season in SEASONS}, "fall": "autumn"}


class Wrong(Exception):
    """Leaves the reader with a mistake."""

    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


class Cursor:
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
    ) -> Wrong:
        return Wrong(Mistake(self.at + ahead, message, suggestion, count))

    def whole(self, ahead: int = 0) -> int | None:
        """Return a whole number of at most nine digits, or None where none stands."""
        text = self.text(ahead)
        if self.kind(ahead) == "NUMBER" and text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
        return None

    def separator(self) -> int:
        """Return how many words the next separator has: `,`, `AND` or `, AND`, else 0."""
        length = 1 if self.kind() == "COMMA" else 0
        return length + (self.word(length) == "and")

    def more(self) -> bool:
        """Tell whether a list goes on, and step over the separator before its next item."""
        length = self.separator()
        if self.kind(length) not in ("WORD", "NUMBER", "TEXT") or self.word(length) in KEYWORDS:
            return False
        self.at += length
        return True


def singular(word: str) -> str:
    """Return the name of a day, month or season that a word is, singular or plural."""
    known = word in DAYS or word in MONTHS or word in PERIODS
    return word if known or not word.endswith("s") else word[:-1]


def is_day(word: str) -> bool:
    name = singular(word)
    return name in DAYS or name in MONTHS or name in PERIODS


def near(word: str, candidates: Collection[str]) -> str | None:
    """Return what a word was meant to be: misspelt, or shortened (`dec`, `sept`, `mon`)."""
    if len(word) >= 3:
        longer = [each for each in candidates if fold(each).startswith(word)]
        if longer:
            return longer[0]
    return nearest(word, candidates) if word else None
