"""Says why a line makes no sense.

The one idea: the parser only knows what it would have taken next; what was probably meant shows
from the kind of the line and the words beside. So each kind of line has its own guesses, tried in
order, and what is left is said in the parser's terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from myocan.hub.lang.diagnostics import Span, clip, listed, quoted
from myocan.hub.lang.lexer import Token
from myocan.hub.lang.words import (
    ACTIONS,
    DECLARATIONS,
    FUNCTIONS,
    STATEMENTS,
    fold,
    shout,
)

KEEP_TAKES: Final = (
    "KEEP takes a time, a size or forever, as in KEEP 30 days, KEEP 10 MB or KEEP forever"
)

Advice = tuple[Span, str, str | None]
"""Where, what, and what to write instead."""

_CALLED: Final = {
    "WORD": "a name",
    "NUMBER": "a number",
    "TEXT": "a text",
    "CLOCK": "a time",
    "$END": "the end of the line",
    "LBRACE": "'{'",
    "RBRACE": "'}'",
    "LPAR": "'('",
    "RPAR": "')'",
    "RSQB": "']'",
    "COMMA": "','",
    "DOT": "'.'",
    "ASSIGN": "'='",
    "EQ": "'=='",
    "AND": "AND",
    "OR": "OR",
    "AS": "AS",
}
"""What an error names as expected; kinds that are not here would only make the list longer."""


_COMPARISONS: Final = frozenset(("EQ", "NE", "LT", "LE", "GT", "GE"))
_OPERATORS: Final = frozenset(("PLUS", "MINUS", "STAR", "SLASH"))
_VALUES: Final = frozenset(("WORD", "NUMBER", "TEXT", "CLOCK"))
_CONDITIONS: Final = ("ON", "AND", "WITH", "WHEN", "IF")


def explain(line: Sequence[Token], index: int, expected: set[str]) -> Advice:
    """Return place, message and suggestion for a line that makes no sense.

    Arguments:
        line: its tokens; the first opens a statement.
        index: of the first that does not fit; their count if the line ends too early.
        expected: the terminals that would have fitted there.
    """
    advice: Advice | None = _of_key(line, index)
    if advice is not None:
        return advice
    if shout(line[0].text) == "TIMER":
        return _of_timer(line, index)
    if shout(line[0].text) == "EXTERNAL":
        told = "EXTERNAL takes one name, as in EXTERNAL notify; what it is told stands in its calls"
        return _here(line, index), told, None
    if shout(line[0].text) == "TOPIC":
        advice = _of_topic(line, index)
        if advice is not None:
            return advice
    if index == len(line):
        return _here(line, index), f"the line ends too early; expected {_expected(expected)}", None
    token, opening = line[index], shout(line[0].text)
    if opening in _CONDITIONS:
        advice = _of_condition(line, index, expected)
    elif opening == "THEN":
        advice = _of_action(line, index, expected)
    else:
        advice = _of_declaration(line, index)
    if advice is not None:
        return advice
    word = shout(token.text) if token.kind == "WORD" else ""
    if word in STATEMENTS:
        return token.span, f"{word} starts a line of its own; put it on the next one", None
    if token.kind == "DOT" and line[index - 1].kind == "NUMBER":
        return token.span, "digits are missing behind the point of this number", None
    told = f"{quoted(token.text)} does not fit here; expected {_expected(expected)}"
    return token.span, told, None


def _of_key(line: Sequence[Token], index: int) -> Advice | None:
    """Advise on what stands behind an opening bracket."""
    before = [place for place in range(index) if line[place].kind in ("LSQB", "RSQB")]
    if not before or line[before[-1]].kind == "RSQB":
        return None
    inside: list[Token] = []
    for token in line[before[-1] + 1 :]:
        if token.kind == "RSQB":
            break
        inside.append(token)
    else:
        return _here(line, len(line)), "']' is missing behind the key", None
    if not inside:
        return line[index].span, "the key is missing between '[' and ']'", None
    written = inside[0].text
    for token, following in pairwise(inside):
        written += " " * (following.span.column - token.span.end_column) + following.text
    if '"' in written:
        return line[index].span, "one word, or one text in quotes, stands between '[' and ']'", None
    place = inside[0].span.to(inside[-1].span)
    return place, "a key of more than one word stands in quotes", f'"{clip(written)}"'


def _of_condition(line: Sequence[Token], index: int, expected: set[str]) -> Advice | None:
    token = line[index]
    if token.kind == "ASSIGN":
        return token.span, "one '=' sets a variable, two compare", "=="
    if token.kind in _COMPARISONS and "AND" in expected:
        told = "only two things can be compared at a time; join comparisons with AND"
        return token.span, told, None
    if token.kind == "COMMA" and "OR" in expected:
        return token.span, "conditions are joined with AND or OR", "OR"
    return _missing(line, index, "==") if "EQ" in expected else None


def _of_action(line: Sequence[Token], index: int, expected: set[str]) -> Advice | None:
    token, before = line[index], line[index - 1]
    if token.kind == "EQ":
        return token.span, "two '=' compare, one sets a variable", "="
    following = line[index + 1].kind if index + 1 < len(line) else ""
    if token.kind in _OPERATORS and following == "ASSIGN":
        return token.span, "write out what is calculated, as in x = x + 1", None
    if token.kind in _VALUES and fold(before.text) in (*FUNCTIONS, *ACTIONS):
        return token.span, f"what {fold(before.text)} takes stands in parentheses", None
    return _missing(line, index, "=") if "ASSIGN" in expected else None


def _missing(line: Sequence[Token], index: int, sign: str) -> Advice | None:
    """Advise on two values without a sign between them."""
    token, word = line[index], shout(line[index].text)
    if token.kind not in _VALUES or line[index - 1].kind not in _VALUES:
        return None
    if word in ("IS", "EQUALS"):
        return token.span, f"{quoted(token.text)} has no meaning here", sign
    # ON is a common member; at the end of a line it can hardly open the next one.
    last = index + 1 == len(line)
    if word in STATEMENTS and not (word == "ON" and last):
        return None
    return token.span, f"'{sign}' is missing before {quoted(token.text)}", None


def _of_declaration(line: Sequence[Token], index: int) -> Advice | None:
    token, before = line[index], line[index - 1]
    if "MINUS" in (token.kind, before.kind):
        dash = token if token.kind == "MINUS" else before
        return dash.span, "'-' cannot be part of a name", "_"
    declares = shout(line[0].text) in DECLARATIONS
    if declares and any(shout(earlier.text) == "AS" for earlier in line[:index]):
        return token.span, "AS and the local name stand at the end of the line", None
    return None


def _of_timer(line: Sequence[Token], index: int) -> Advice:
    example = f"TIMER {clip(line[1].text) if len(line) > 1 else 'pause'} 30 minutes"
    told = f"a TIMER has a name and a duration in hours, minutes and seconds, as in {example}"
    return _here(line, index), told, None


def _of_topic(line: Sequence[Token], index: int) -> Advice | None:
    if any(shout(earlier.text) == "KEEP" for earlier in line[:index]):
        return _here(line, index), KEEP_TAKES, None
    if index < len(line) and (line[index].kind == "ASSIGN" or shout(line[index].text) == "AS"):
        told = "a TOPIC has neither a first value nor a local name; leave this out"
        return line[index].span, told, None
    return None


def _here(line: Sequence[Token], index: int) -> Span:
    """Return the place of a token, or the one behind the last."""
    if index < len(line):
        return line[index].span
    last = line[-1].span
    return Span(last.line, last.end_column, last.end_column + 1)


def _expected(kinds: set[str]) -> str:
    if {"NUMBER", "LPAR"} <= kinds:
        return "a value"
    called = [name for kind, name in _CALLED.items() if kind in kinds]
    if {"PLUS", "STAR"} & kinds:
        called.append("an operator")
    return listed(called) or "something else"
