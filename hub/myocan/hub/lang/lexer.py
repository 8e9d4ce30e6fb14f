"""Cuts one line into tokens.

The one idea: a line is cut without knowing the grammar, so a word is a `WORD` here; whether it is
a keyword is decided later, where the grammar is known. What cannot be cut is reported and left out,
so that the other lines are still read.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from myocan.hub.lang.diagnostics import Report, Span, clip, quoted

MAX_TEXT: Final = 4096
"""Longest text literal in bytes of UTF-8; the wire carries no longer one."""


class Token(NamedTuple):
    """A piece of a line: its kind (a terminal of the grammar), its text, where it stands."""

    kind: str
    text: str
    span: Span


SYMBOLS: Final = {
    "==": "EQ",
    "!=": "NE",
    "<=": "LE",
    ">=": "GE",
    "++": "INCREMENT",
    "--": "DECREMENT",
    "=": "ASSIGN",
    "<": "LT",
    ">": "GT",
    "+": "PLUS",
    "-": "MINUS",
    "*": "STAR",
    "/": "SLASH",
    "(": "LPAR",
    ")": "RPAR",
    "{": "LBRACE",
    "}": "RBRACE",
    "[": "LSQB",
    "]": "RSQB",
    ",": "COMMA",
    ".": "DOT",
    "#": "HASH",
}

_INSTEAD: Final = {
    "&&": "AND",
    "||": "OR",
    "&": "AND",
    "|": "OR",
    "!": "NOT",
    "<>": "!=",
    ":=": "=",
    "'": '"',
    "\N{NOT EQUAL TO}": "!=",
    "\N{LESS-THAN OR EQUAL TO}": "<=",
    "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{EN DASH}": "-",
    "\N{EM DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"',
    "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{DOUBLE LOW-9 QUOTATION MARK}": '"',
    "\N{LEFT SINGLE QUOTATION MARK}": '"',
    "\N{RIGHT SINGLE QUOTATION MARK}": '"',
}
"""What people write who know other languages, or whose editor corrects them, and what is meant."""

_FOREIGN: Final = "|".join(re.escape(sign) for sign in sorted(_INSTEAD, key=len, reverse=True))

# `++` and `--` only at the end of a statement: inside, `a--b` is a minus of a minus, as is
# `{-4--1}`.
_TOKEN: Final = re.compile(
    rf"""
    (?P<BLANK> [ \t\u00a0]+ )
  | (?P<COMMENT> //.* )
  | (?P<WORD> [^\W\d]\w* )
  | (?P<CLOCK> [0-9]+:[0-9]+ (?: [ \t]*[aApP][mM]\b | \w* ) )
  | (?P<NUMBER> [0-9]+(?:\.[0-9]+)?(?!\w) )
  | (?P<TEXT> "[^"]*" )
  | (?P<SYMBOL> == | != | <= | >= | (?:\+\+|--)(?=[ \t]*(?://|$)) | [=<>+\-*/(){{}}\[\],.\#] )
  | (?P<FOREIGN> {_FOREIGN} )
  | (?P<NOTHING> [0-9]\w* | . )
    """,
    re.VERBOSE | re.DOTALL,
)

_CLOCK: Final = re.compile(r"([0-9]{1,2}):([0-9]{2})[ \t]*([aApP][mM])?")


def tokens(text: str, line: int, report: Report) -> tuple[list[Token], bool]:
    """Cut a line.

    Arguments:
        text: the line without its end.
        line: its number.
        report: takes what is wrong.

    Returns:
        The tokens that could be cut, and whether all of the line could be.
    """
    found: list[Token] = []
    whole = True
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        piece = match.group()
        span = Span(line, match.start() + 1, match.end() + 1)
        if kind in ("BLANK", "COMMENT"):
            continue
        problem = _problem(str(kind), piece)
        if problem is not None:
            message, suggestion = problem
            if whole:
                report.error(span, message, suggestion)
            whole = False
            if piece == '"' or (kind == "FOREIGN" and _INSTEAD.get(piece) == '"'):
                break  # what follows was meant as text
            continue
        found.append(Token(SYMBOLS[piece] if kind == "SYMBOL" else str(kind), piece, span))
    return found, whole


def _problem(kind: str, piece: str) -> tuple[str, str | None] | None:
    if kind == "FOREIGN":
        return f"{quoted(piece)} has no meaning here", _INSTEAD[piece]
    if kind == "NOTHING":
        if piece == '"':
            return 'this text has no closing "', None
        if piece == ";":
            return "a statement ends with its line, it takes no ';'", None
        if piece[0].isdigit() and piece.isascii():
            return (
                f"{quoted(piece)} is neither a number nor a name; names start with a letter",
                None,
            )
        if len(piece) == 1 and not piece.isprintable():
            return f"an invisible character (U+{ord(piece):04X}) stands here; delete it", None
        return f"{quoted(piece)} has no meaning here", None
    if kind == "TEXT":
        return _text_problem(piece)
    if kind == "CLOCK":
        return (
            None
            if minutes(piece) is not None
            else (
                f"{clip(piece)} is no time of day; use 00:00 to 23:59, or 12:00am to 11:59pm",
                None,
            )
        )
    return None


def _text_problem(piece: str) -> tuple[str, str | None] | None:
    for c in piece:
        if c < " " or "\x7f" <= c < "\xa0" or "\ud800" <= c <= "\udfff":
            if c == "\t":
                continue
            return f"an invisible character (U+{ord(c):04X}) stands in this text; delete it", None
    if len(piece.encode()) - 2 > MAX_TEXT:
        return f"this text is too long; messages carry at most {MAX_TEXT} bytes", None
    return None


def minutes(clock: str) -> int | None:
    """Return the minutes since midnight of a time as it is written (`15:00`, `3:00pm`), or None."""
    match = _CLOCK.fullmatch(clock)
    if match is None:
        return None
    hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").lower()
    if minute > 59 or hour > 23 or (half and not 1 <= hour <= 12):
        return None
    if half:
        hour = hour % 12 + (12 if half == "pm" else 0)
    return hour * 60 + minute
