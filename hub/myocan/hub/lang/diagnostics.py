"""What is wrong with a text, said to somebody who does not program.

The one idea: a diagnostic points at the exact characters, says what is wrong in one line, and
offers the likely fix as a word that an editor can put in their place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from myocan.hub.lang.words import fold

Severity = Literal["error", "warning"]

MAX_DIAGNOSTICS = 100
"""Most errors, and most warnings, told of one text; bounds the output for a text of rubbish."""

_SHOWN = 100
"""Longest part of a source line that is shown, in characters."""

_QUOTED = 40
"""Longest word that a message repeats, in characters."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one line.

    Arguments:
        line: 1 for the first.
        column: of the first character, 1 for the first.
        end_column: of the character behind the last.
    """

    line: int
    column: int
    end_column: int

    def to(self, other: Span) -> Span:
        """Return the span from the start of this one to the end of `other`, on the same line."""
        return Span(self.line, self.column, max(self.end_column, other.end_column))


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One error or warning.

    Arguments:
        severity: "error" (the module does not run) or "warning".
        file: as it was named to the compiler.
        line, column, end_column: as in `Span`.
        message: one line, without the suggestion.
        suggestion: what could stand there instead, or None.
    """

    severity: Severity
    file: str
    line: int
    column: int
    end_column: int
    message: str
    suggestion: str | None = None

    def __str__(self) -> str:
        word = "warning: " if self.severity == "warning" else ""
        offer = f"; did you mean '{self.suggestion}'?" if self.suggestion is not None else ""
        return f"{self.file}:{self.line}:{self.column}: {word}{self.message}{offer}"

    def render(self, source: str) -> str:
        """Return the message, the line of `source` that it is about, and a caret below the place.

        Control characters of the line are shown as `\N{REPLACEMENT CHARACTER}`, long lines in part.
        """
        lines = split_lines(source)
        if not 1 <= self.line <= len(lines):
            return str(self)
        text = lines[self.line - 1]
        start = max(0, self.column - 1 - _SHOWN // 2) if len(text) > _SHOWN else 0
        shown = "".join(
            c if c == "\t" or c.isprintable() else "\N{REPLACEMENT CHARACTER}"
            for c in text[start : start + _SHOWN]
        )
        before = shown[: self.column - 1 - start]
        caret = "".join("\t" if c == "\t" else " " for c in before)
        return f"{self}\n{shown}\n{caret}^"

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON."""
        return asdict(self)


class Report:
    """Collects the diagnostics of one text."""

    def __init__(self, file: str) -> None:
        """Start an empty report on `file`."""
        self.file = file
        self._found: list[Diagnostic] = []
        self._count: dict[Severity, int] = {"error": 0, "warning": 0}

    @property
    def failed(self) -> bool:
        """Whether there was an error."""
        return self._count["error"] > 0

    @property
    def full(self) -> bool:
        """Whether there are more errors than are kept."""
        return self._count["error"] > MAX_DIAGNOSTICS

    def error(self, span: Span, message: str, suggestion: str | None = None) -> None:
        """Note that the text does not compile."""
        self._add("error", span, message, suggestion)

    def warning(self, span: Span, message: str, suggestion: str | None = None) -> None:
        """Note what compiles but is probably not meant."""
        self._add("warning", span, message, suggestion)

    def sorted(self) -> list[Diagnostic]:
        """Return what was found, by position; errors before warnings of the same place."""
        found = sorted(self._found, key=lambda d: (d.line, d.column, d.severity, d.message))
        for severity, count in self._count.items():
            if count > MAX_DIAGNOSTICS:
                found.append(
                    replace(
                        found[-1],
                        severity=severity,
                        message=f"there are more {severity}s, which are not shown",
                        suggestion=None,
                    )
                )
        return found

    def _add(self, severity: Severity, span: Span, message: str, suggestion: str | None) -> None:
        self._count[severity] += 1
        if self._count[severity] > MAX_DIAGNOSTICS:
            return
        self._found.append(
            Diagnostic(
                severity,
                self.file,
                span.line,
                span.column,
                max(span.end_column, span.column + 1),
                message,
                suggestion,
            )
        )


def split_lines(text: str) -> list[str]:
    """Return the lines of `text`; only LF, CR LF and CR end one.

    `str.splitlines` would end lines at separators that no editor counts.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def clip(word: str) -> str:
    """Return `word`, shortened if it is too long for a message, without control characters."""
    if len(word) > _QUOTED:
        word = word[: _QUOTED - 1] + "…"
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in word)


def quoted(word: str) -> str:
    """Return `word` in quotes, as messages show what stands in the text."""
    return f"'{clip(word)}'"


def listed(words: Iterable[str]) -> str:
    """Return `words` as `a, b or c`."""
    some = list(words)
    if len(some) < 2:
        return "".join(some)
    return f"{', '.join(some[:-1])} or {some[-1]}"


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that `word` most likely was meant to be, or None if none is near.

    Near means: at most a third of its letters (but at least one) are wrong, missing, too many or
    swapped with their neighbour; case does not count.
    """
    wanted = fold(word)[:_QUOTED]
    best, best_distance = None, max(1, len(wanted) // 3) + 1
    for candidate in candidates:
        distance = _distance(wanted, fold(candidate), best_distance)
        if distance < best_distance:
            best, best_distance = candidate, distance
    return best


def _distance(a: str, b: str, limit: int) -> int:
    """Return the edits (optimal string alignment) from `a` to `b`, or `limit` if not fewer."""
    if abs(len(a) - len(b)) >= limit:
        return limit
    before: list[int] = []
    above: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, above, row = above, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) >= limit:
            return limit
    return min(row[-1], limit)
