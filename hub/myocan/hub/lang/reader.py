"""Reads a module's text into a tree.

The one idea: every line is read by itself, so one that makes no sense is reported and left out,
and the others still are. What a broken line would have declared or opened is remembered, so that it
does not make the lines that follow look wrong.
"""

from __future__ import annotations

from typing import Final

from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import Report, Span, nearest, quoted, split_lines
from myocan.hub.lang.lexer import Token, tokens
from myocan.hub.lang.syntax import parse
from myocan.hub.lang.words import (
    ACTIONS,
    DECLARATIONS,
    STATEMENTS,
    shout,
)

MAX_SOURCE: Final = 256 * 1024
"""Longest text, in bytes of UTF-8."""

MAX_STATEMENTS: Final = 5000
"""Most statements of a module."""

_STARTS: Final = (
    "MODULE, SUBSCRIBE, PUBLIC, PRIVATE, TIMER, TOPIC, EXTERNAL, ON, AT, AND, WHEN, IF or THEN"
)


def decode(source: str | bytes, report: Report) -> str | None:
    """Return the text of a file, or report why it is none and return None.

    Arguments:
        source: the text, or the bytes of the file.
        report: takes what is wrong.
    """
    start = Span(1, 1, 2)
    if len(source) > MAX_SOURCE:
        report.error(start, f"this module is too large; at most {MAX_SOURCE // 1024} KiB are read")
        return None
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        lines = split_lines(source[: error.start].decode("utf-8"))
        place = Span(len(lines), len(lines[-1]) + 1, len(lines[-1]) + 2)
        report.error(place, "this is not text in UTF-8; save the file with that encoding")
        return None


def read(text: str, report: Report) -> tree.Source:
    """Read a whole text; what is wrong with it goes to `report`."""
    reader = _Reader(report)
    count = 0
    for number, line in enumerate(split_lines(text), 1):
        if report.full:
            break
        found, whole = tokens(line, number, report)
        if not found:
            continue
        count += 1
        if count > MAX_STATEMENTS:
            report.error(
                found[0].span, f"this module has more than {MAX_STATEMENTS} statements; split it up"
            )
            break
        reader.take(found, whole)
    reader.end()
    return reader.source


class _Reader:
    """Puts statements where they belong."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.source = tree.Source()
        self.reaction: tree.Reaction | None = None

    def take(self, line: list[Token], whole: bool) -> None:
        """Take one line: its tokens, and whether these are all of it."""
        word = shout(line[0].text) if line[0].kind == "WORD" else ""
        if word not in STATEMENTS:
            word = self._unknown(line, whole)
        elif whole:
            statement = parse(line, self.report)
            if statement is not None:
                self._place(statement)
                return
        self._place_broken(line, word)

    def end(self) -> None:
        """Close what is open."""
        reaction, self.reaction = self.reaction, None
        if reaction is None or reaction.actions or not reaction.complete:
            return
        word = shout(getattr(reaction.opening, "word", ""))
        self.report.error(
            reaction.opening.span, f"{word} needs a THEN below it that says what to do"
        )

    def _unknown(self, line: list[Token], whole: bool) -> str:
        """Report a line that opens with no word of the language; return the word it may mean."""
        first = line[0]
        if not whole:
            return ""  # what was cut away may have been the word
        near = nearest(first.text, STATEMENTS) if first.kind == "WORD" else None
        following = line[1].kind if len(line) > 1 else ""
        if near is None and (
            following in ("ASSIGN", "INCREMENT", "DECREMENT", "DOT", "HASH")
            or shout(first.text) in {shout(word) for word in ACTIONS}
        ):
            self.report.error(first.span, "what is to be done stands behind THEN", "THEN")
            return "THEN"
        self.report.error(
            first.span,
            f"a line does not start with {quoted(first.text)}; it starts with {_STARTS}",
            near,
        )
        return near or ""

    def _place(self, statement: tree.Statement) -> None:
        match statement:
            case tree.Module():
                self.end()
                self._module(statement)
            case tree.Declaration():
                self.end()
                self.source.declarations.append(statement)
            case tree.Topic():
                self.end()
                self.source.topics.append(statement)
            case tree.External():
                self.end()
                self.source.externals.append(statement)
            case tree.Opening(word="WHEN") if self._takes_guards():
                assert self.reaction is not None
                self.reaction.guards.append(
                    tree.Guard(statement.span, statement.word, statement.condition)
                )
            case tree.Opening() | tree.At():
                self._open(statement)
            case tree.Guard():
                self._guard(statement)
            case tree.Action():
                if self.reaction is None:
                    self.report.error(
                        statement.span,
                        "this THEN has no ON, AT, WHEN or IF above it that it belongs to",
                    )
                else:
                    self.reaction.actions.append(statement)

    def _place_broken(self, line: list[Token], word: str) -> None:
        broken = tree.Broken(line[0].span, word, _declared(line, word))
        if word == "MODULE":
            self.end()
            self.source.module = self.source.module or broken
        elif word in DECLARATIONS:
            self.end()
            self.source.broken.append(broken)
        elif word in ("ON", "AT", "IF") or (word == "WHEN" and not self._takes_guards()):
            self._open(broken)
            assert self.reaction is not None
            self.reaction.complete = False
        elif self.reaction is not None:
            self.reaction.complete = False
        else:
            # Nobody knows what it was; what follows may belong to it.
            self._open(broken)
            assert self.reaction is not None
            self.reaction.complete = False

    def _module(self, statement: tree.Module) -> None:
        if self.source.module is not None:
            self.report.error(
                statement.span,
                f"a file holds one module; line {self.source.module.span.line} names it already",
            )
            return
        if self.source.begun:
            self.report.error(
                statement.span, "MODULE stands before everything else; move it to the top"
            )
        self.source.module = statement

    def _open(self, opening: tree.Opening | tree.At | tree.Broken) -> None:
        self.end()
        self.reaction = tree.Reaction(opening)
        self.source.reactions.append(self.reaction)

    def _takes_guards(self) -> bool:
        """Whether a WHEN is a guard here: in an ON or AT before its first THEN."""
        reaction = self.reaction
        return (
            reaction is not None
            and not reaction.actions
            and shout(reaction.opening.word) in ("ON", "AT")
        )

    def _guard(self, statement: tree.Guard) -> None:
        if self.reaction is None:
            self.report.error(
                statement.span,
                f"this {statement.word} has no ON, AT, WHEN or IF above it that it belongs to",
            )
        elif self.reaction.actions:
            self.report.error(
                statement.span,
                f"{statement.word} stands before the first THEN; what has another condition opens "
                "with an ON, AT, WHEN or IF of its own",
            )
        else:
            self.reaction.guards.append(statement)


def _declared(line: list[Token], word: str) -> str | None:
    """Return the name that a broken line declares, as well as can be said."""
    if word not in DECLARATIONS:
        return None
    for index, token in enumerate(line):
        if token.kind == "WORD" and shout(token.text) == "AS" and index + 1 < len(line):
            return line[index + 1].text
    parts: list[str] = []
    for token in line[1:]:
        if token.kind != ("DOT" if len(parts) % 2 else "WORD"):
            break
        parts.append(token.text)
    return "".join(parts).rstrip(".") or None
