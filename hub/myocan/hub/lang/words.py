"""The words of the language, in one place for the reader, the messages and the editors.

The one idea: no word is reserved. A word of these lists is a keyword only where the grammar expects
one, so `mode.on` and `{on, off}` need no quoting.
"""

from __future__ import annotations

from typing import Final

VARIABLES: Final = ("SUBSCRIBE", "SUBSCRIPTION", "PUBLIC", "PUBLISH", "PRIVATE", "TIMER")
"""Words that declare a variable."""

DECLARATIONS: Final = (*VARIABLES, "TOPIC", "EXTERNAL")
"""Words that open a declaration."""

STATEMENTS: Final = ("MODULE", *DECLARATIONS, "ON", "AT", "AND", "WITH", "WHEN", "IF", "THEN")
"""Words that open a line."""

INNER_WORDS: Final = ("AS", "OR", "NOT", "KEEP", "AGENT", "AUTO", "HISTORY")
"""Keywords inside a line (AND is one too)."""

KEYWORDS: Final = frozenset((*STATEMENTS, *INNER_WORDS))

FUNCTIONS: Final = ("min", "max", "abs", "round")
"""Functions that have a value."""

TIMER_ACTIONS: Final = ("start", "reset", "cancel")
"""What can be done with a TIMER."""

INSTANCE_ACTIONS: Final = ("create", "drop")
"""What can be done with the instances of a keyed module."""

ACTIONS: Final = ("activate", "next", "log", "ignore", *TIMER_ACTIONS, *INSTANCE_ACTIONS)
"""Functions that stand behind THEN."""

UNITS_MS: Final = {
    **dict.fromkeys(("second", "seconds", "sec", "s"), 1000),
    **dict.fromkeys(("minute", "minutes", "min"), 60_000),
    **dict.fromkeys(("hour", "hours", "h"), 3_600_000),
}
"""Units of a duration, in milliseconds."""

KEEP_TIMES: Final = (
    *("hours", "hour", "days", "day", "weeks", "week", "months", "month", "years", "year"),
)
"""Units of time behind KEEP."""

KEEP_SIZES: Final = ("KB", "MB", "GB")
"""Units of size behind KEEP."""

LOG_LEVELS: Final = {"info": 0, "warn": 1, "alert": 2}
"""`system.log#info` and so on, with the level that `Op.LOG` takes."""

_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_UPPER: Final = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def fold(word: str) -> str:
    """Return `word` with A to Z in lower case: the form that is compared and that travels.

    Other letters stay as they are, so that no change of the Unicode tables changes a program.
    """
    return word.translate(_LOWER)


def shout(word: str) -> str:
    """Return `word` with a to z in upper case: the form in which keywords are looked up."""
    return word.translate(_UPPER)
