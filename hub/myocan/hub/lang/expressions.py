"""Finds out what an expression means.

The one idea: what stands opposite a variable is read by that variable's type, so a bare word is a
member where there are members and a variable only where there are none of that name.
"""

from __future__ import annotations

from typing import Final

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Type, Variable
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.declare import CLOCKS
from myocan.hub.lang.diagnostics import Span, clip, quoted
from myocan.hub.lang.meaning import Comparison, Kind
from myocan.hub.lang.symbols import Symbol, describe, digits, plain
from myocan.hub.lang.values import HOLDS, KIND, Values, written_number
from myocan.hub.lang.words import fold

COMPARISONS: Final = {comparison.name: comparison for comparison in Comparison}


class Expressions(Values):
    """Checks expressions against the variables of one module."""

    # Conditions.

    def condition(self, expression: tree.Expression) -> meaning.Condition | None:
        """Return what must hold, or report why that cannot be said and return None."""
        match expression:
            case tree.Chain():
                terms = [self.condition(term) for term in expression.terms]
                good = tuple(term for term in terms if term is not None)
                if len(good) < len(terms):
                    return None
                return meaning.Every(good) if expression.operator == "AND" else meaning.Some(good)
            case tree.Unary(operator="NOT"):
                inner = self.condition(expression.operand)
                return None if inner is None else meaning.Not(inner)
            case tree.Binary() if expression.operator in COMPARISONS:
                return self._comparison(expression)
            case tree.Name() if not self.own_key(expression) and not self._computed(expression):
                return self._name_holds(expression)
        found = self.value(expression, None)
        if found is not None:
            self.report.error(
                expression.span,
                f"this is {HOLDS[found[1]]}, not a condition; compare it with something",
            )
        return None

    def _name_holds(self, name: tree.Name) -> meaning.Condition | None:
        if name.bare is not None and self.find(name.words) is None:
            value = {"true": True, "false": False}.get(fold(name.bare))
            if value is not None:
                return meaning.Truth(value)
        resolved = self.resolve(name)
        if resolved is None:
            return None
        symbol = resolved.symbol
        if resolved.member is not None:
            return self.against(symbol, Comparison.EQ, resolved.member, name.span)
        self.read(symbol)
        variable = symbol.variable
        if variable is None:
            return None
        if variable.type is Type.BOOLEAN:
            return meaning.Test(symbol.index, Comparison.EQ, 1)
        example = {
            Type.ENUMERATION: f"{symbol.name}.{variable.members[0] if variable.members else ''}",
            Type.DECIMAL: f"{symbol.name} > 0",
            Type.TEXT: f'{symbol.name} == "text"',
            Type.TIME: f"{symbol.name} == 15:00",
            Type.ANY: f"{symbol.name} == true",
        }.get(variable.type)
        if example is None:
            self.is_event(name.span, symbol)
        else:
            self.report.error(
                name.span,
                f"{quoted(symbol.name)} is no condition; compare it, as in {clip(example)}",
            )
        return None

    def _comparison(self, node: tree.Binary) -> meaning.Condition | None:
        comparison = COMPARISONS[node.operator]
        left, right = self.whole(node.left), self.whole(node.right)
        if left is not None and (right is None or _names_member(left, node.right)):
            return self.against(left, comparison, node.right, node.place)
        if right is not None and (left is None or _names_member(right, node.left)):
            return self.against(right, comparison.mirrored, node.left, node.place)
        if left is not None and right is not None:
            return self._variables(left, comparison, right, node)
        if self.own_key(node.left):
            return self._against_key(comparison, node.right, node.place)
        if self.own_key(node.right):
            return self._against_key(comparison, node.left, node.place)
        wanted = self._computed(node.left) or self._computed(node.right)
        first = self.value(node.left, wanted)
        if first is None and isinstance(node.right, tree.Name):
            return None  # a word opposite an unknown name says nothing
        second = self.value(node.right, wanted)
        if first is None or second is None:
            return None
        if first[1] is not second[1]:
            self.report.error(
                node.place, f"{HOLDS[first[1]]} cannot be compared with {HOLDS[second[1]]}"
            )
            return None
        if not self._orders(first[1], comparison, node.place):
            return None
        return meaning.Compare(comparison, first[0], second[0])

    def _computed(self, expression: tree.Expression) -> Kind | None:
        """Return what an attribute that is no variable is."""
        found = self.attributes.computed(expression)
        return None if found is None else found[1]

    def _against_key(
        self, comparison: Comparison, other: tree.Expression, place: Span
    ) -> meaning.Condition | None:
        """Return what one's own key compared with something that is no variable means."""
        key, word = self.key_read(), other.bare if isinstance(other, tree.Name) else None
        found: tuple[meaning.Value, Kind] | None
        if word is None or self.own_key(other):
            found = self.value(other, Kind.TEXT)
        else:
            found = self._as_text(other, word, "a key"), Kind.TEXT
        if found is None:
            return None
        if found[1] is not Kind.TEXT:
            self.report.error(place, f"a key is a text, and this is {HOLDS[found[1]]}")
            return None
        if not self._orders(Kind.TEXT, comparison, place):
            return None
        return meaning.Compare(comparison, key, found[0])

    def _orders(self, kind: Kind, comparison: Comparison, place: Span) -> bool:
        if comparison.ordered and kind in (Kind.TEXT, Kind.TRUTH):
            self.report.error(
                place, "only numbers and times have an order; compare this with == or !="
            )
            return False
        return True

    def against(
        self, symbol: Symbol, comparison: Comparison, other: tree.Expression, place: Span
    ) -> meaning.Condition | None:
        """Return what a variable compared with something that is no variable means.

        Arguments:
            symbol: the variable.
            comparison: with the variable on its left.
            other: what it is compared with.
            place: of the comparison, for messages.
        """
        self.read(symbol)
        variable = symbol.variable
        if variable is None:
            return None
        match variable.type:
            case Type.EVENT:
                self.is_event(place, symbol)
                return None
            case Type.ENUMERATION if self._is_text(other) and not _names_member(symbol, other):
                pass
            case Type.ENUMERATION | Type.BOOLEAN:
                return self._against_members(symbol, variable, comparison, other, place)
            case Type.DECIMAL:
                return self._against_number(symbol, variable, comparison, other)
            case Type.TIME:
                clock = self.declared.constant(variable, other) if _is_clock(other) else None
                if isinstance(clock, int):
                    return meaning.Test(symbol.index, comparison, clock)
        return self._against_value(symbol, variable, comparison, other, place)

    def _is_text(self, expression: tree.Expression) -> bool:
        """Whether a name is a text without being a variable: one's own key, the module's name."""
        return self.own_key(expression) or self._computed(expression) is Kind.TEXT

    def _against_members(
        self,
        symbol: Symbol,
        variable: Variable,
        comparison: Comparison,
        other: tree.Expression,
        place: Span,
    ) -> meaning.Condition | None:
        if not self._orders(KIND[variable.type], comparison, place):
            return None
        if variable.type is Type.BOOLEAN and not _is_literal(other):
            condition = self.condition(other)
            if condition is None:
                return None
            return meaning.Compare(comparison, meaning.Load(symbol.index, Kind.TRUTH), condition)
        if isinstance(other, tree.Name) and other.special and self.resolve(other) is None:
            return None
        member = self.declared.member(variable, other)
        return None if member is None else meaning.Test(symbol.index, comparison, member)

    def _against_number(
        self, symbol: Symbol, variable: Variable, comparison: Comparison, other: tree.Expression
    ) -> meaning.Condition | None:
        constant = written_number(other)
        if constant is None:
            number = self.number(other)
            if number is None:
                return None
            return meaning.Compare(comparison, meaning.Load(symbol.index, Kind.NUMBER), number)
        if not comparison.ordered:
            return self._equals_number(symbol, variable, comparison, constant, other.span)
        # x > 30.5 is x > 30 for whole numbers, x < 30.5 is x < 31; so no digit is lost.
        step = 10 ** (9 - variable.decimals)
        up = comparison in (Comparison.LT, Comparison.GE)
        units = -(-constant // step) if up else constant // step
        if not INT64_MIN <= units <= INT64_MAX:
            load = meaning.Load(symbol.index, Kind.NUMBER)
            return meaning.Compare(comparison, load, meaning.Number(constant))
        return meaning.Test(symbol.index, comparison, units)

    def _equals_number(
        self, symbol: Symbol, variable: Variable, comparison: Comparison, constant: int, span: Span
    ) -> meaning.Condition | None:
        units, rest = divmod(constant, 10 ** (9 - variable.decimals))
        if rest:
            self.report.error(
                span,
                f"{quoted(symbol.name)} has {digits(variable.decimals)} behind its point, so it is "
                f"never {plain(constant)}",
            )
            return None
        if not variable.lower <= units <= variable.upper:
            self.declared.number(variable, constant, span)
            return None
        return meaning.Test(symbol.index, comparison, units)

    def _against_value(
        self,
        symbol: Symbol,
        variable: Variable,
        comparison: Comparison,
        other: tree.Expression,
        place: Span,
    ) -> meaning.Condition | None:
        """A TEXT, a TIME or an ANY against a literal, an undeclared word or an expression."""
        wanted = KIND.get(variable.type)
        found = self._opposite(symbol, wanted, other)
        if found is None:
            return None
        value, kind = found
        if wanted is None and kind is Kind.CLOCK:
            self.report.error(
                place, f"{quoted(symbol.name)} is not known to be a time; declare it with 00:00"
            )
            return None
        if wanted not in (None, kind):
            self._differ(place, symbol, kind)
            return None
        if not self._orders(kind, comparison, place):
            return None
        if wanted is None and kind is Kind.NUMBER and not comparison.ordered:
            same = _same_number(symbol.index, value)
            return same if comparison is Comparison.EQ else meaning.Not(same)
        return meaning.Compare(comparison, meaning.Load(symbol.index, kind), value)

    def _opposite(
        self, symbol: Symbol, wanted: Kind | None, other: tree.Expression
    ) -> tuple[meaning.Value, Kind] | None:
        """Return the value opposite an unconstrained variable, where a bare word is text."""
        word = other.bare if isinstance(other, tree.Name) else None
        if word is None or wanted is Kind.CLOCK or self.own_key(other):
            return self.value(other, wanted)
        truth = {"true": True, "false": False}.get(fold(word))
        if wanted is None and truth is not None:
            return meaning.Truth(truth), Kind.TRUTH
        return self._as_text(other, word, quoted(symbol.name)), Kind.TEXT

    def _as_text(self, other: tree.Expression, word: str, what: str) -> meaning.Text:
        """Return a bare word as the text that it is taken for, opposite `what`."""
        self.report.warning(
            other.span,
            f"{quoted(word)} is taken as text, since {what} has no constraint "
            "that it could be a member of; put it in quotes to say so",
            f'"{clip(word)}"',
        )
        return meaning.Text(word)

    def _differ(self, place: Span, symbol: Symbol, kind: Kind) -> None:
        assert symbol.variable is not None
        holds = HOLDS[KIND[symbol.variable.type]]
        self.report.error(
            place, f"{quoted(symbol.name)} is {holds} and cannot be compared with {HOLDS[kind]}"
        )

    def _variables(
        self, left: Symbol, comparison: Comparison, right: Symbol, node: tree.Binary
    ) -> meaning.Condition | None:
        self.read(left)
        self.read(right)
        one, two = left.variable, right.variable
        if one is None or two is None:
            return None
        for symbol, span in ((left, node.left.span), (right, node.right.span)):
            if symbol.variable is not None and symbol.variable.type is Type.EVENT:
                self.is_event(span, symbol)
                return None
        if one.type is Type.ANY and two.type is Type.ANY and not comparison.ordered:
            alike = meaning.Same(left.index, right.index)
            return alike if comparison is Comparison.EQ else meaning.Not(alike)
        first, second = KIND.get(one.type), KIND.get(two.type)
        kind = first or second or Kind.NUMBER
        if (first or kind) is not (second or kind):
            self._differ(node.place, left, second or kind)
            return None
        if kind is Kind.CLOCK and first is not second:
            unknown = left if first is None else right
            self.report.error(
                node.place,
                f"{quoted(unknown.name)} is not known to be a time; declare it with 00:00",
            )
            return None
        if not self._orders(kind, comparison, node.place):
            return None
        if one.members and two.members and not share(one, two):
            self.report.warning(
                node.place, f"{describe(one)} and {describe(two)} have no member in common"
            )
        values = meaning.Load(left.index, kind), meaning.Load(right.index, kind)
        if kind is Kind.NUMBER and first is not second and not comparison.ordered:
            unknown, known = (left, values[1]) if first is None else (right, values[0])
            same = _same_number(unknown.index, known)
            return same if comparison is Comparison.EQ else meaning.Not(same)
        return meaning.Compare(comparison, *values)


def _same_number(unknown: int, number: meaning.Value) -> meaning.Condition:
    """Return that an ANY holds this number; whatever else it holds is another value."""
    if isinstance(number, meaning.Number):
        return meaning.IsNumber(unknown, number.scaled)
    equal = meaning.Compare(Comparison.EQ, meaning.Load(unknown, Kind.NUMBER), number)
    return meaning.Every((meaning.HoldsNumber(unknown), equal))


def share(one: Variable, two: Variable) -> bool:
    """Whether two enumerations have a member in common."""
    return not {fold(m) for m in one.members}.isdisjoint(fold(m) for m in two.members)


def _names_member(symbol: Symbol, other: tree.Expression) -> bool:
    """Whether `other` is a bare word that is a member of the variable's constraint."""
    word = other.bare if isinstance(other, tree.Name) else None
    return word is not None and symbol.member(word) is not None


def _is_clock(expression: tree.Expression) -> bool:
    if isinstance(expression, tree.Name):
        return expression.bare is not None and fold(expression.bare) in CLOCKS
    return isinstance(expression, tree.ClockLiteral)


def _is_literal(expression: tree.Expression) -> bool:
    """Whether an expression can only be a word or constant (a dotted name could be `x.v`)."""
    if isinstance(expression, tree.Name):
        return expression.bare is not None
    return isinstance(expression, tree.NumberLiteral | tree.TextLiteral | tree.ClockLiteral)
