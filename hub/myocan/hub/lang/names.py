"""Finds out what a dotted name stands for.

The one idea: the longest declared name wins, and what is left is a member; a name that could be
read both ways is an error, so that a new declaration never changes silently what a line means.
"""

from __future__ import annotations

from dataclasses import dataclass

from myocan.hub.lang import tree
from myocan.hub.lang.declare import Declarer, Symbol
from myocan.hub.lang.diagnostics import Report, clip, nearest, quoted
from myocan.hub.lang.words import fold, later


@dataclass(frozen=True, slots=True)
class Resolved:
    """A name that was found: the variable, and what is left of the name as its member."""

    symbol: Symbol
    member: tree.Expression | None


class Names:
    """Looks names up among the variables of one module."""

    def __init__(self, declared: Declarer, report: Report) -> None:
        """Check against what `declared` holds by now."""
        self.declared = declared
        self.report = report
        self.reads: set[int] = set()
        """Variables that were read since this was last emptied."""

    # Names.

    def find(self, words: tuple[str, ...]) -> Symbol | None:
        """Return the variable of exactly this name."""
        return self.declared.by_name.get(fold(".".join(words)))

    def whole(self, expression: tree.Expression) -> Symbol | None:
        """Return the variable that an expression is the name of, if it is one; reports nothing."""
        if isinstance(expression, tree.Name) and not _keyed(expression):
            return self.find(expression.words)
        return None

    def resolve(self, name: tree.Name) -> Resolved | None:
        """Return what a name stands for: the longest declared name, the rest as a member.

        A name that is not declared, or reads two ways, is reported.
        """
        if not self.supported(name):
            return None
        words = name.words
        for length in range(len(words), 0, -1):
            symbol = self.find(words[:length])
            if symbol is None:
                continue
            rest = name.parts[length:]
            if not rest and length > 1 and self._reads_two_ways(name, symbol):
                return None
            if len(rest) > 1:
                if symbol.variable is not None:
                    span = rest[0].span.to(rest[-1].span)
                    said = ".".join(part.text for part in rest)
                    self.report.error(span, f"{quoted(said)} is no member of {quoted(symbol.name)}")
                return None
            return Resolved(symbol, _literal(rest[0]) if rest else None)
        self._unknown(name)
        return None

    def supported(self, name: tree.Name) -> bool:
        """Whether a name has only what this version knows; reports what it does not."""
        for part in name.parts:
            if part.key is not None:
                self.report.error(part.span, later("a name with a key in brackets"))
                return False
        if fold(name.parts[0].text) == "system" and len(name.parts) > 1:
            if fold(name.text) == "system.log":
                self.report.error(
                    name.span, 'system.log is written behind THEN, as in system.log#info = "text"'
                )
            else:
                self.report.error(name.span, later(clip(name.text)))
            return False
        if name.attribute is not None:
            self.report.error(name.span, later(f"#{clip(name.attribute)}"))
            return False
        return True

    def _reads_two_ways(self, name: tree.Name, symbol: Symbol) -> bool:
        shorter = self.find(name.words[:-1])
        if shorter is None or shorter.member(name.words[-1]) is None:
            return False
        self.report.error(
            name.span,
            f"{quoted(name.text)} reads two ways: the variable of line {symbol.span.line}, or "
            f"member {quoted(name.words[-1])} of {quoted(shorter.name)}; give one a name with AS",
        )
        return True

    def _unknown(self, name: tree.Name) -> None:
        words = name.words
        for length in range(len(words), 0, -1):
            symbol = self.declared.renamed.get(fold(".".join(words[:length])))
            if symbol is not None:
                said = ".".join((symbol.name, *words[length:]))
                self.report.error(name.span, f"{quoted(name.text)} has a local name", said)
                return
        known = [symbol.name for symbol in self.declared.by_name.values()]
        near = nearest(name.text, known)
        if near is None and len(words) > 1:
            near = nearest(".".join(words[:-1]), known)
            near = None if near is None else f"{near}.{words[-1]}"
        self.report.error(name.span, f"{quoted(name.text)} is not declared", near)

    def read(self, symbol: Symbol) -> None:
        """Note that a variable is read."""
        symbol.read = True
        self.reads.add(symbol.index)


def _keyed(name: tree.Name) -> bool:
    return name.attribute is not None or any(part.key is not None for part in name.parts)


def _literal(part: tree.Part) -> tree.Expression:
    """Return what stands behind the last point of a name as it would stand behind `==`."""
    if part.text[0].isdigit():
        whole, _, fraction = part.text.partition(".")
        return tree.NumberLiteral(part.span, 1, int(whole + fraction), len(fraction))
    return tree.Name(part.span, 1, (part,))
