"""Puts lines together: indentation, blank lines, and comments.

The one idea: a comment belongs to what stands next to it. One on a line of its own goes with the
line below it, or, where a blank line follows, with the one above; those behind lines stay below
each other if they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

GAP: Final = 2
"""Blanks before a comment that stands behind something."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line, taken apart.

    Arguments:
        code: what it says, in the one style; "" for a comment alone and for a blank line.
        indent: blanks before `code`.
        comment: with its `//`, or "".
        columns: where the comment starts in the text, for each width that a tab may have.
    """

    code: str
    indent: int
    comment: str
    columns: tuple[int, ...]

    @property
    def width(self) -> int:
        """Where the code ends."""
        return self.indent + len(self.code) if self.code else 0


def laid_out(lines: Iterable[Line]) -> str:
    """Return the text of lines; it ends with one line end, unless there is nothing in it."""
    kept = _without_spare_blanks(list(lines))
    aligned = _aligned(kept)
    indents = _indents_of_comments(kept)
    texts = []
    for place, line in enumerate(kept):
        text = " " * line.indent + line.code if line.code else ""
        if line.comment:
            column = aligned.get(place)
            if column is None:
                column = line.width + GAP if line.code else indents[place]
            text = text.ljust(column) + line.comment
        texts.append(text)
    return "".join(f"{text}\n" for text in texts)


def _is_blank(line: Line) -> bool:
    return not line.code and not line.comment


def _without_spare_blanks(lines: Sequence[Line]) -> list[Line]:
    kept: list[Line] = []
    for line in lines:
        if not _is_blank(line) or (kept and not _is_blank(kept[-1])):
            kept.append(line)
    while kept and _is_blank(kept[-1]):
        kept.pop()
    return kept


def _aligned(lines: Sequence[Line]) -> dict[int, int]:
    """Return the column of each comment that stood below or above another one."""
    columns: dict[int, int] = {}
    group: list[int] = []
    for place in range(len(lines) + 1):
        line = lines[place] if place < len(lines) else None
        if group and line is not None and _goes_on(lines[group[-1]], line):
            group.append(place)
            continue
        if group and line is not None and line.code and not line.comment:
            continue
        if len(group) > 1:
            column = max(lines[member].width for member in group) + GAP
            columns.update(dict.fromkeys(group, column))
        group = [place] if line is not None and line.code and line.comment else []
    return columns


def _goes_on(above: Line, line: Line) -> bool:
    return bool(line.comment) and any(
        a == b for a, b in zip(above.columns, line.columns, strict=True)
    )


def _indents_of_comments(lines: Sequence[Line]) -> list[int]:
    """Return the indentation of each line's comment, if that stands alone."""
    above = _nearest_code(lines)
    below = _nearest_code(lines[::-1])[::-1]
    indents = []
    for before, after in zip(above, below, strict=True):
        chosen = before if before.touches and not after.touches else after
        if chosen.indent is None:
            chosen = before
        indents.append(chosen.indent or 0)
    return indents


@dataclass(frozen=True, slots=True)
class _Code:
    """The nearest code on one side: its indentation, None if there is none.

    `touches` tells whether only comments stand between.
    """

    indent: int | None
    touches: bool


def _nearest_code(lines: Iterable[Line]) -> list[_Code]:
    found, nearest = [], _Code(None, False)
    for line in lines:
        if line.code:
            nearest = _Code(line.indent, True)
        elif not line.comment:
            nearest = _Code(nearest.indent, False)
        found.append(nearest)
    return found
