"""Writes a module the one way that modules are written.

The one idea: only blanks, the case of the language's own words and the spelling of declared names
change, never what a line says. So each line is cut into tokens, put together again, and cut once
more: where the tokens would differ, the line stays as it was written.

What the style is: four blanks below MODULE, four more below ON, AT, WHEN and IF; keywords in upper
case, names as they are declared; one blank between words and around signs, none inside brackets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import Diagnostic, Report, split_lines
from myocan.hub.lang.formatter_layout import Line, laid_out
from myocan.hub.lang.lexer import Token, tokens
from myocan.hub.lang.reader import decode, read
from myocan.hub.lang.schedules.cursor import DAYS, KEYWORDS, PERIODS, singular
from myocan.hub.lang.schedules.schedule import MONTHS
from myocan.hub.lang.schedules.words import TIMES
from myocan.hub.lang.syntax import terminals
from myocan.hub.lang.words import (
    ACTIONS,
    FUNCTIONS,
    KEEP_SIZES,
    KEEP_TIMES,
    UNITS_MS,
    fold,
    shout,
)

INDENT: Final = 4
"""Blanks for each level."""

_OPENINGS: Final = frozenset(("ON", "AT", "WHEN", "IF"))
_BELOW: Final = frozenset(("AND", "WITH", "THEN"))
_REACTIONS: Final = _OPENINGS | _BELOW
_CALLED: Final = frozenset((*FUNCTIONS, *ACTIONS))
_TIMES: Final = frozenset((*TIMES, "before", "after"))
_DATES: Final = frozenset((*DAYS, *MONTHS, *PERIODS))

_TIGHT_AFTER: Final = frozenset(("LPAR", "LSQB", "LBRACE", "DOT", "HASH"))
_TIGHT_BEFORE: Final = frozenset(
    ("RPAR", "RSQB", "RBRACE", "COMMA", "DOT", "HASH", "LSQB", "INCREMENT", "DECREMENT")
)
_OPERAND_ENDS: Final = frozenset(("WORD", "NUMBER", "TEXT", "CLOCK", "RPAR", "RSQB", "RBRACE"))


@dataclass(frozen=True, slots=True)
class Spelling:
    """How a name is declared.

    Arguments:
        words: those of the name.
        members: by their folded form.
        named: tells, from what stands before and behind a bare word, whether that is this name;
            else it may be a text.
    """

    words: tuple[str, ...]
    members: Mapping[str, str]
    named: Callable[[str, str], bool]


Spellings = Mapping[tuple[str, ...], Spelling]
"""By the folded words of the name."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """What became of a text.

    Arguments:
        text: the text in the one style, or None if it cannot be read.
        diagnostics: why it cannot be read.
    """

    text: str | None
    diagnostics: list[Diagnostic]


def format_source(source: str | bytes, filename: str) -> Formatted:
    """Write a module the one way; see `myocan.hub.lang.format_module`."""
    report = Report(filename)
    text = decode(source, report)
    if text is None:
        return Formatted(None, report.sorted())
    parsed = read(text, report)
    if report.failed:
        return Formatted(None, report.sorted())
    spellings = _spellings(parsed)
    return Formatted(laid_out(_lines(text, report, spellings)), [])


def _spellings(source: tree.Source) -> Spellings:
    found: dict[tuple[str, ...], Spelling] = {}
    for external in source.externals:
        found[(fold(external.name.text),)] = Spelling((external.name.text,), {}, _is_called)
    for declaration in source.declarations:
        local, kind = declaration.local, declaration.kind
        words = declaration.name.words if local is None else (local.text,)
        items = kind.items if isinstance(kind, tree.Braces) else ()
        members = [item.text for item in items if isinstance(item, tree.Name)]
        keyed = local is None and any(part.key for part in declaration.name.parts)
        spelling = Spelling(
            words, {fold(member): member for member in members}, _is_own if keyed else _is_variable
        )
        found.setdefault(tuple(map(fold, words)), spelling)
    return found


def _is_variable(before: str, behind: str) -> bool:
    return True


def _is_own(before: str, behind: str) -> bool:
    """Without its key, opposite something, it may be a text."""
    opposite = before in ("EQ", "NE", "ASSIGN", "LPAR", "COMMA") or behind in ("EQ", "NE")
    return behind == "LSQB" or not opposite


def _is_called(before: str, behind: str) -> bool:
    return behind == "LPAR"


def _lines(text: str, report: Report, spellings: Spellings) -> Iterable[Line]:
    takes_guards = False
    for number, line in enumerate(split_lines(text), 1):
        found, _ = tokens(line, number, report)
        if not found:
            yield Line("", 0, line.strip(), comment_columns(line, found))
            continue
        word = shout(found[0].text)
        inside = word in _BELOW or (word == "WHEN" and takes_guards)
        if not inside or word == "THEN":
            takes_guards = word in ("ON", "AT")
        indent = 0 if word == "MODULE" else 2 * INDENT if inside else INDENT
        code = written(found, spellings)
        if not says_the_same(code, found):
            code = line[: found[-1].span.end_column - 1].strip()
        comment = line[found[-1].span.end_column - 1 :].strip()
        yield Line(code, indent, comment, comment_columns(line, found))


def comment_columns(line: str, found: Sequence[Token]) -> tuple[int, int]:
    """Return where the comment of a line starts, for tabs of four and of eight blanks.

    A tab within a text counts as one character, since it stays there.
    """
    pieces, end = [], 0
    for token in found:
        start = token.span.column - 1
        pieces += [line[end:start], token.text.replace("\t", " ")]
        end = token.span.end_column - 1
    rest = line[end:]
    before = "".join(pieces) + rest[: len(rest) - len(rest.lstrip())]
    return len(before.expandtabs(4)), len(before.expandtabs(8))


def says_the_same(code: str, found: Sequence[Token]) -> bool:
    """Whether a line that was written anew, `code`, says what it said: the tokens `found`."""
    again, whole = tokens(code, 1, Report(""))
    return whole and [_said(token) for token in again] == [_said(token) for token in found]


def _said(token: Token) -> tuple[str, str]:
    text = token.text
    if token.kind == "CLOCK":
        text = clock_text(text)
    return token.kind, fold(text) if token.kind == "WORD" else text


def written(line: Sequence[Token], spellings: Spellings) -> str:
    """Return a statement in the one style, without its indentation.

    Arguments:
        line: its tokens, of which `parse` makes a statement.
        spellings: of the names that are declared.
    """
    kinds = terminals(line)
    words = [_word(token, kind) for token, kind in zip(line, kinds, strict=True)]
    if kinds[0] == "AT":
        kinds = _name_qualifiers(line, words, kinds)
    elif kinds[0] in ("TIMER", "TOPIC"):
        _write_units(line, words)
    for place, kind in enumerate(kinds[:-1]):
        if kind == "WORD" and kinds[place + 1] == "LPAR" and fold(words[place]) in _CALLED:
            words[place] = fold(words[place])
    if [fold(word) for word in words] == ["then", "ignore"]:
        words[1] = "ignore"
    if kinds[0] in _REACTIONS:
        _spell(words, kinds, spellings)
    text = words[0]
    for place in range(1, len(words)):
        text += _between(kinds, place) + words[place]
    return text


def _word(token: Token, kind: str) -> str:
    if token.kind == "WORD" and kind != "WORD":
        return shout(token.text)
    if token.kind == "CLOCK":
        return clock_text(token.text)
    return token.text


def clock_text(text: str) -> str:
    """Return a time of day as it is written: `3:00pm`."""
    return re.sub(r"[ \t]+", "", fold(text))


def _name_qualifiers(line: Sequence[Token], words: list[str], kinds: list[str]) -> list[str]:
    """Write the words that mean something behind AT; return what each of them is.

    A word of a dotted name is that of a time variable, whatever it is.
    """
    kinds = list(kinds)
    for place in range(1, len(line)):
        word = fold(line[place].text)
        dotted = "DOT" in (kinds[place - 1], *kinds[place + 1 : place + 2])
        if line[place].kind != "WORD" or dotted:
            continue
        if word in KEYWORDS:
            words[place], kinds[place] = shout(word), shout(word)
        elif (
            singular(word) in _DATES
            or word in _TIMES
            or (kinds[place - 1] == "NUMBER" and word in UNITS_MS)
        ):
            words[place] = word
    return kinds


def _write_units(line: Sequence[Token], words: list[str]) -> None:
    for place in range(1, len(line)):
        word, before = fold(line[place].text), words[place - 1]
        if line[place - 1].kind == "NUMBER" and word in (*UNITS_MS, *KEEP_TIMES):
            words[place] = word
        elif line[place - 1].kind == "NUMBER" and shout(word) in KEEP_SIZES:
            words[place] = shout(word)
        elif before == "KEEP" and word == "forever":
            words[place] = word


def _spell(words: list[str], kinds: Sequence[str], spellings: Spellings) -> None:
    """Give the names of a line the spelling of their declaration; the longest one wins."""
    place = 1
    while place < len(words):
        if kinds[place] != "WORD" or kinds[place - 1] in ("DOT", "HASH", "LSQB"):
            place += 1
            continue
        parts, following = _parts(kinds, place)
        for length in range(len(parts), 0, -1):
            declared = spellings.get(tuple(fold(words[part]) for part in parts[:length]))
            if declared is None:
                continue
            behind = kinds[place + 1] if place + 1 < len(kinds) else ""
            if len(parts) == 1 and not declared.named(kinds[place - 1], behind):
                break
            for part, word in zip(parts, declared.words, strict=False):
                words[part] = word
            member = parts[length] if length < len(parts) else _opposite(kinds, following)
            if member is not None and fold(words[member]) in declared.members:
                words[member] = declared.members[fold(words[member])]
                following = max(following, member + 1)
            break
        place = following


def _opposite(kinds: Sequence[str], place: int) -> int | None:
    """Return where a bare word stands behind the comparison or assignment at `place`, if so."""
    sign, word, following = (*kinds[place : place + 3], "", "", "")[:3]
    bare = word == "WORD" and following not in ("DOT", "HASH", "LSQB", "LPAR")
    return place + 1 if bare and sign in ("EQ", "NE", "ASSIGN") else None


def _parts(kinds: Sequence[str], place: int) -> tuple[list[int], int]:
    """Return where the words of the dotted name at `place` stand, and what follows it."""
    parts = [place]
    place += 1
    while place < len(kinds):
        if kinds[place] == "LSQB" and "RSQB" in kinds[place:]:  # behind AT anything may stand
            place = kinds.index("RSQB", place) + 1
        elif kinds[place] == "DOT" and kinds[place + 1 : place + 2] == ["WORD"]:
            parts.append(place + 1)
            place += 2
        else:
            break
    return parts, place


def _between(kinds: Sequence[str], place: int) -> str:
    """Return what stands between a word and the one before it: a blank, or nothing."""
    before, kind = kinds[place - 1], kinds[place]
    if before in _TIGHT_AFTER or kind in _TIGHT_BEFORE:
        return ""
    if kind == "LPAR" and before == "WORD":
        return ""
    if kinds[0] in _REACTIONS:
        if before == "MINUS" and not _subtracts(kinds, place - 1):
            return ""
        return " "
    if "MINUS" not in (before, kind):
        return " "
    # A sign, the dash of bounds, or part of an agent's name.
    bounds = "LBRACE" in kinds[:place] and "RBRACE" not in kinds[:place]
    if kinds[0] == "MODULE" or before == "MINUS":
        return ""
    return "" if bounds and before != "COMMA" else " "


def _subtracts(kinds: Sequence[str], place: int) -> bool:
    """Whether the minus at `place` has something on its left."""
    return kinds[place - 1] in _OPERAND_ENDS
