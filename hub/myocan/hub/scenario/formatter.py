"""Writes scenarios the one way that scenarios are written.

The one idea is that of the formatter of rules: only blanks and the case of the language's own words
change. Names stay as they are written, since only the house knows how they are declared.

What the style is: steps stand two blanks below their SCENARIO; keywords in upper case; one blank
between words and around signs, none inside brackets and dates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from myocan.hub.lang.diagnostics import Report, Span, quoted, split_lines
from myocan.hub.lang.formatter import Formatted, clock_text, comment_columns, says_the_same
from myocan.hub.lang.formatter_layout import Line, laid_out
from myocan.hub.lang.lexer import Token, tokens
from myocan.hub.lang.reader import decode
from myocan.hub.lang.words import fold, shout
from myocan.hub.scenario.line import UNITS_MS
from myocan.hub.scenario.reader import WORDS, title_of

INDENT: Final = 2
"""Blanks before a step."""

SEEN: Final = ("RECORD", "RECORDS", "LOG", "LOGS", "CALL", "CALLS")
"""What EXPECT looks for beside values and messages."""

_TIGHT_AFTER: Final = frozenset(("LPAR", "LSQB", "DOT", "MINUS"))
_TIGHT_BEFORE: Final = frozenset(("RPAR", "RSQB", "COMMA", "DOT", "LSQB"))


def format_scenarios(source: str | bytes, filename: str) -> Formatted:
    """Write a file of scenarios the one way; what they say stays what it was.

    Arguments:
        source: its text, or its bytes.
        filename: what messages call the file.

    Returns:
        The text, or why it cannot be read: one whose lines make no sense is left to its writer.
    """
    report = Report(filename)
    text = decode(source, report)
    if text is None:
        return Formatted(None, report.sorted())
    lines = list(_lines(text, report))
    if report.failed:
        return Formatted(None, report.sorted())
    return Formatted(laid_out(lines), [])


def _lines(text: str, report: Report) -> Iterable[Line]:
    for number, line in enumerate(split_lines(text), 1):
        if report.full:
            return
        title = title_of(line)
        if title is not None:
            said, comment = title
            start = len(line) - len(line.lstrip())
            if not said:
                span = Span(number, start + 1, start + 1 + len("SCENARIO"))
                report.error(span, "SCENARIO needs words behind it that say what it shows")
            column = len(line) - len(comment)
            yield Line(f"SCENARIO {said}", 0, comment.rstrip(), (column, column))
            continue
        found, whole = tokens(line, number, report)
        if not found:
            yield Line("", 0, line.strip(), comment_columns(line, found))
            continue
        if whole and shout(found[0].text) not in WORDS[1:]:
            first = quoted(found[0].text)
            report.error(found[0].span, f"a line of a scenario does not start with {first}")
        code = _written(found)
        if not says_the_same(code, found):
            code = line[: found[-1].span.end_column - 1].strip()
        comment = line[found[-1].span.end_column - 1 :].strip()
        yield Line(code, INDENT, comment, comment_columns(line, found))


def _written(line: Sequence[Token]) -> str:
    words = [clock_text(token.text) if token.kind == "CLOCK" else token.text for token in line]
    opening = words[0] = shout(words[0])
    kinds = [token.kind for token in line]
    for place in range(1, len(line)):
        if kinds[place - 1] == "NUMBER" and fold(words[place]) in UNITS_MS:
            words[place] = fold(words[place])
    for place in range(1, min(len(line), 3)):
        word = shout(words[place])
        named = kinds[place + 1 : place + 2] in (["DOT"], ["LSQB"])
        if opening == "ADVANCE" and word == "TO" and place == 1:
            words[place] = word
        if opening == "EXPECT" and not named:
            negated = place == 1 and word == "NO" and kinds[2:3] == ["WORD"]
            if negated or (word in SEEN and (place == 1 or words[1] == "NO")):
                words[place] = word
    text = opening
    for place in range(1, len(words)):
        text += _between(kinds, place) + words[place]
    return text


def _between(kinds: Sequence[str], place: int) -> str:
    before, kind = kinds[place - 1], kinds[place]
    if before in _TIGHT_AFTER or kind in _TIGHT_BEFORE:
        return ""
    if kind == "LPAR" and before == "WORD":
        return ""
    return "" if kind == "MINUS" and before == "NUMBER" else " "
