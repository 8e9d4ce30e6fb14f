"""Reads TOPIC: an independent topic, what its messages carry, how long they are kept.

The one idea: a topic says what a variable would have to take that takes all of its messages, so
whoever publishes or hears it is compared with that variable like with any other.
"""

from __future__ import annotations

from myocan.hub.core.program import Role, Type, Variable
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.advice import KEEP_TAKES
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Report, Span, nearest, quoted
from myocan.hub.lang.naming import topic_fits
from myocan.hub.lang.symbols import decimal
from myocan.hub.lang.words import KEEP_SIZES, KEEP_TIMES, fold, shout


class Topics:
    """The topics that one module defines."""

    def __init__(self, declared: Declarer, report: Report) -> None:
        """Start with none; constraints are read as those of `declared` are."""
        self.declared = declared
        self.report = report
        self.definitions: list[meaning.Definition] = []
        self.places: list[Span] = []

    def define(self, statement: tree.Topic) -> None:
        """Note the topic of a statement."""
        name = statement.name
        keep = "" if statement.keep is None else self._kept(statement.keep)
        if keep is None or not self._name_fits(name):
            return
        module, word = name.words
        topic = ("", module, fold(word))
        base = Variable(name.text, Role.SUBSCRIBE, Type.ANY, topic, line=statement.span.line)
        heard = self.declared.typed(statement.kind, name.span, base)
        if heard is None:
            return
        for definition, place in zip(self.definitions, self.places, strict=True):
            if definition.heard.topic == topic:
                self.report.error(
                    name.span, f"{quoted(name.text)} is defined already, in line {place.line}"
                )
                return
        self.definitions.append(meaning.Definition(heard, keep))
        self.places.append(name.span)

    def _name_fits(self, name: tree.Name) -> bool:
        if not topic_fits(name, self.report):
            return False
        for part in name.parts:
            if part.key is not None:
                self.report.error(
                    part.key.span,
                    "a topic takes messages of any key; leave what stands in brackets out",
                )
                return False
        if len(name.words) != 2:
            self.report.error(
                name.span, "a topic has a name of two words, such as bedtime.activate"
            )
            return False
        if name.words[0] == self.declared.module:
            self.report.error(
                name.span,
                f"{quoted(name.text)} would be a variable of this module; declare it with PUBLIC "
                "or SUBSCRIBE, or begin its name with another word",
            )
            return False
        return True

    def _kept(self, keep: tree.Keep) -> str | None:
        """Return what KEEP says in one form, or report what it should say and return None."""
        unit, size, number = fold(keep.unit), shout(keep.unit), keep.number
        if number is None and unit == "forever":
            return unit
        if number is None or (unit not in KEEP_TIMES and size not in KEEP_SIZES):
            self.report.error(
                keep.span,
                KEEP_TAKES,
                _meant(number, unit),
            )
            return None
        if number.decimals or number.units < 1:
            self.report.error(number.span, "KEEP takes a whole number, from 1 on")
            return None
        return f"{number.units} {unit if unit in KEEP_TIMES else size}"


def _meant(number: tree.NumberLiteral | None, unit: str) -> str | None:
    near = nearest(unit, ("forever",) if number is None else (*KEEP_TIMES, *KEEP_SIZES))
    if near is None or number is None:
        return None if near is None else f"KEEP {near}"
    return f"KEEP {decimal(number.units, number.decimals)} {near}"
