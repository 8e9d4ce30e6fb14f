"""Reads EXTERNAL: the names of functions of the house that rules call.

The one idea: a call is an effect and has no value, so it stands behind THEN alone; what it takes is
known only to the function, so any value will do.
"""

from __future__ import annotations

from dataclasses import dataclass

from myocan.hub.lang import tree
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Report, Span, clip, quoted
from myocan.hub.lang.naming import word_fits
from myocan.hub.lang.words import ACTIONS, FUNCTIONS, fold


@dataclass(slots=True)
class External:
    """A function: its name as declared, where that stands, and whether any reaction calls it."""

    name: str
    span: Span
    called: bool = False


class Externals:
    """The functions that one module declares."""

    def __init__(self, declared: Declarer, report: Report) -> None:
        """Start with none; their names are none of the variables of `declared`."""
        self.declared = declared
        self.report = report
        self.by_name: dict[str, External] = {}

    def declare(self, statement: tree.External) -> None:
        """Note the function of a statement."""
        part = statement.name
        if not word_fits(part, self.report):
            return
        word = fold(part.text)
        if word in (*ACTIONS, *FUNCTIONS, "system"):
            self.report.error(
                part.span, f"{quoted(part.text)} is a word of the language; choose another name"
            )
            return
        other = self.declared.by_name.get(word) or self.by_name.get(word)
        if other is not None:
            self.report.error(
                part.span, f"{quoted(part.text)} is declared already, in line {other.span.line}"
            )
            return
        self.by_name[word] = External(part.text, part.span)

    def of(self, name: tree.Name) -> External | None:
        """Return the function of this name."""
        return None if name.bare is None else self.by_name.get(fold(name.bare))

    def warn_of_unused(self) -> None:
        """Warn of functions that nothing calls."""
        for external in self.by_name.values():
            if not external.called:
                self.report.warning(
                    external.span,
                    f"nothing calls {quoted(external.name)}; use {clip(external.name)}(…) behind "
                    "THEN, or delete it",
                )
