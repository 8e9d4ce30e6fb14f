"""What a name may be.

The one idea: a name travels, so it has the letters that a topic may have on the wire.
"""

from __future__ import annotations

import re
from typing import Final

from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import Report, quoted
from myocan.hub.lang.words import fold

MAX_NAME: Final = 64
"""Longest part of a name; that of a level of a topic on the wire."""

_TRAVELS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def travels(word: str) -> bool:
    """Whether a word has only letters that a topic may have."""
    return _TRAVELS.fullmatch(word) is not None


def topic_fits(name: tree.Name, report: Report) -> bool:
    """Whether a dotted name can be that of a topic; reports why not."""
    if name.attribute is not None:
        report.error(name.span, "an attribute cannot be declared; leave out what begins with #")
        return False
    if fold(name.parts[0].text) == "system":
        report.error(name.parts[0].span, "'system' is a name of the language; choose another")
        return False
    if not all(word_fits(part, report) for part in name.parts):
        return False
    if len(".".join(name.words[:-2])) > MAX_NAME:
        report.error(name.span, f"this domain is too long; it may have {MAX_NAME} letters")
        return False
    return True


def word_fits(part: tree.Part, report: Report) -> bool:
    """Whether one word of a name has letters that travel, and not too many; reports why not."""
    if not travels(part.text):
        report.error(
            part.span, f"{quoted(part.text)} is no name: names have A to Z, a to z, 0 to 9 and _"
        )
        return False
    if len(part.text) > MAX_NAME:
        report.error(part.span, f"this name is too long; it may have {MAX_NAME} letters")
        return False
    return True


def fits(statement: tree.Declaration, report: Report) -> bool:
    """Whether a variable can have the name that it is declared with; reports why not."""
    name = statement.name
    if not topic_fits(name, report):
        return False
    if statement.local is not None and not word_fits(statement.local, report):
        return False
    if statement.word in ("PRIVATE", "TIMER") and len(name.parts) > 1:
        what = "PRIVATE variable" if statement.word == "PRIVATE" else "TIMER"
        report.error(
            name.span, f"a {what} has a name of one word; nobody else sees it", name.words[-1]
        )
        return False
    if statement.word == "PRIVATE" and statement.local is not None:
        report.error(
            statement.local.span, "a PRIVATE variable has one name; leave out AS and what follows"
        )
        return False
    return True
