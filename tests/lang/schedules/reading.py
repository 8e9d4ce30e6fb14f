"""Reads an AT line in one call, for tests that are about what comes of it."""

from __future__ import annotations

from collections.abc import Collection

from myocan.hub.lang.diagnostics import Report
from myocan.hub.lang.lexer import Token, tokens
from myocan.hub.lang.schedules import Mistake, Schedule, parse_schedule


def cut(line: str) -> list[Token]:
    """Return the tokens of what stands behind AT."""
    return tokens(line, 1, Report("AT"))[0]


def read(line: str, variables: Collection[str] | None = None) -> Schedule:
    """Return the schedule of a line that has no mistake."""
    found = parse_schedule(cut(line), variables)
    assert not isinstance(found, Mistake), (line, found)
    return found
