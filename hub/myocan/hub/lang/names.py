"""Finds out what a dotted name stands for.

The one idea: the longest declared name wins, and what is left is a member; a name that could be
read both ways is an error, so that a new declaration never changes silently what a line means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from myocan.hub.core.program import Type
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.attributes import Attributes
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Report, Span, clip, quoted
from myocan.hub.lang.externals import Externals
from myocan.hub.lang.keys import fits, full_name, is_own
from myocan.hub.lang.meaning import Kind
from myocan.hub.lang.misnamed import misnamed
from myocan.hub.lang.symbols import Symbol
from myocan.hub.lang.words import fold

_TEXTS = (Type.TEXT, Type.ANY, Type.ENUMERATION)
"""Types of variables that can hold a key."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A name that was found: the variable, and what is left of the name as its member."""

    symbol: Symbol
    member: tree.Expression | None


class Names:
    """Looks names up among the variables of one module, and notes what a reaction does to them."""

    def __init__(self, declared: Declarer, report: Report) -> None:
        """Check against what `declared` holds by now."""
        self.declared = declared
        self.report = report
        self.attributes = Attributes(declared, report)
        self.externals = Externals(declared, report)
        self.reads: set[int] = set()
        """Variables that the reaction has read so far; values of maps have negative numbers."""
        self.keyed_by: str | None = None
        """What the reaction names of an instance, the first that it does."""
        self.class_writes: list[tuple[Symbol, Span]] = []
        """What the reaction writes that all instances have together, and where."""
        self._selected: dict[Span, Symbol] = {}

    def begin(self) -> None:
        """Forget what the last reaction did."""
        self.reads.clear()
        self.keyed_by = None
        self.class_writes.clear()

    def read(self, symbol: Symbol) -> None:
        """Note that a variable is read."""
        symbol.read = True
        self.reads.add(symbol.index)
        if symbol.of is not None:
            symbol.of.read = True
        self._touch(symbol)

    def write(self, symbol: Symbol, span: Span) -> None:
        """Note that a variable is written; a timer is by whatever is done with it."""
        self._touch(symbol)
        if symbol.variable is not None and not symbol.variable.keyed:
            self.class_writes.append((symbol, span))

    def own_key(self, expression: tree.Expression) -> bool:
        """Whether an expression is the name of the module's key, and of nothing else."""
        word = expression.bare if isinstance(expression, tree.Name) else None
        own = bool(self.declared.key) and word is not None and fold(word) == fold(self.declared.key)
        return own and self.find((str(word),)) is None

    def key_read(self) -> meaning.Key:
        """Return one's own key; notes that the reaction reads it."""
        self.keyed_by = self.keyed_by or self.declared.key
        return meaning.Key()

    # Names.

    def find(self, words: tuple[str, ...]) -> Symbol | None:
        """Return the variable of exactly this name, whatever its key."""
        return self.declared.by_name.get(fold(".".join(words)))

    def whole(self, expression: tree.Expression) -> Symbol | None:
        """Return the variable that an expression is the name of, if it is one."""
        if not isinstance(expression, tree.Name) or expression.member is not None:
            return None
        if expression.attribute is not None:
            return self._attribute(expression)
        return self._lookup(expression.parts)

    def resolve(self, name: tree.Name) -> Resolved | None:
        """Return what a name stands for: the longest declared name, the rest as a member.

        A name that is not declared, or reads two ways, is reported.
        """
        if name.attribute is not None or _of_system(name):
            return self._resolve_attribute(name)
        for length in range(len(name.parts), 0, -1):
            symbol = self._lookup(name.parts[:length])
            if symbol is None:
                continue
            rest = name.parts[length:]
            if not rest and length > 1 and self._reads_two_ways(name, symbol):
                return None
            if len(rest) > 1 or (rest and rest[0].key is not None):
                self._no_member(rest, symbol)
                return None
            return Resolved(symbol, _literal(rest[0]) if rest else None)
        external = self.externals.of(name)
        if external is None:
            misnamed(name, self.declared, self.report)
        else:
            self.report.error(
                name.span,
                f"{quoted(external.name)} is EXTERNAL; it is called behind THEN, as in "
                f"{clip(external.name)}(…)",
            )
        return None

    def _lookup(self, parts: Sequence[tree.Part]) -> Symbol | None:
        """Return the variable of this name, with the key that stands in it."""
        words = tuple(part.text for part in parts)
        symbol = self.find(words)
        keys = [(place, part.key) for place, part in enumerate(parts) if part.key is not None]
        if symbol is not None and symbol.variable is None:
            return symbol
        if not keys:
            return None if symbol is not None and _is_map(symbol) else symbol
        place, key = keys[0]
        if len(keys) > 1 or place < len(parts) - 2:
            return None
        if is_own(key, self.declared.key):
            found = symbol is not None and symbol.variable is not None and symbol.variable.keyed
            return symbol if found else None
        named = self.declared.by_name.get(fold(full_name(words, key.text)))
        if named is not None and (named.variable is None or named.variable.instance == key.text):
            return named
        return self._select(symbol, key) if symbol is not None and _is_map(symbol) else None

    def _select(self, symbol: Symbol, key: tree.Key) -> Symbol:
        """Return a map's value of one key."""
        found = self._selected.get(key.span)
        if found is None:
            value = self._map_key(key)
            shown = f'"{key.text}"' if isinstance(value, meaning.Text) else key.text
            name = f"{symbol.name}[{shown}]"
            found = (
                Symbol(name, symbol.span, symbol.index, None)
                if value is None
                else self.declared.select(symbol, value, name)
            )
            self._selected[key.span] = found
        if found.variable is not None and not key.literal:
            holder = self.find(tuple(key.text.split(".")))
            if holder is not None:
                self.read(holder)
        return found

    def _map_key(self, key: tree.Key) -> meaning.Value | None:
        """Return what a key in brackets is, or report why it is none and return None."""
        holder = None if key.literal else self.find(tuple(key.text.split(".")))
        if holder is None:
            if not fits(key, self.report):
                return None
            if not key.literal:
                self.report.warning(
                    key.span,
                    f"{quoted(key.text)} is taken as text, since no variable has this name; put it "
                    "in quotes to say so",
                    f'"{clip(key.text)}"',
                )
            return meaning.Text(key.text)
        if holder.variable is None:
            return None
        if holder.variable.type not in _TEXTS or holder.variable.map:
            self.report.error(
                key.span,
                f"a key is a text, and {quoted(holder.name)} is declared as something else",
            )
            return None
        return meaning.Load(holder.index, Kind.TEXT)

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

    def _no_member(self, rest: Sequence[tree.Part], symbol: Symbol) -> None:
        if symbol.variable is None:
            return
        span = rest[0].span.to(rest[-1].span)
        key = next((part.key for part in rest if part.key is not None), None)
        if key is not None:
            self.report.error(
                key.span, f"a key stands behind the variable, as in {clip(symbol.name)}[…]"
            )
            return
        said = ".".join(part.text for part in rest)
        self.report.error(span, f"{quoted(said)} is no member of {quoted(symbol.name)}")

    # Attributes.

    def _attribute(self, name: tree.Name) -> Symbol | None:
        if _of_system(name):
            return self.attributes.of_house(name)
        base = self._lookup(name.parts)
        if base is None or base.variable is None:
            return base
        symbol = self.attributes.of_variable(base, name)
        if symbol is not None:
            base.read = True
        return symbol

    def _resolve_attribute(self, name: tree.Name) -> Resolved | None:
        symbol = self._attribute(name) if name.attribute is not None else None
        if symbol is not None:
            return Resolved(symbol, _literal(name.member) if name.member is not None else None)
        if _of_system(name):
            self.attributes.complain_of_house(name)
            return None
        base = self._lookup(name.parts)
        if base is None:
            misnamed(name, self.declared, self.report)
        else:
            self.attributes.complain_of_variable(base, name)
        return None

    def _touch(self, symbol: Symbol) -> None:
        if self.keyed_by is None and symbol.variable is not None and symbol.variable.keyed:
            self.keyed_by = symbol.name


def _of_system(name: tree.Name) -> bool:
    return fold(name.parts[0].text) == "system" and len(name.parts) > 1


def _is_map(symbol: Symbol) -> bool:
    return symbol.variable is not None and symbol.variable.map


def _literal(part: tree.Part) -> tree.Expression:
    """Return what stands behind the last point of a name as it would stand behind `==`."""
    if part.text[0].isdigit():
        whole, _, fraction = part.text.partition(".")
        return tree.NumberLiteral(part.span, 1, int(whole + fraction), len(fraction))
    return tree.Name(part.span, 1, (part,))
