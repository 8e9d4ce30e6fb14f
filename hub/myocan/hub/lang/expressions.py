"""Finds out what an expression means.

The one idea: what stands opposite a variable is read by that variable's type, so a bare word is a
member where there are members and a variable only where there are none of that name.
"""

from __future__ import annotations

from typing import Final

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Role, Type, Variable
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.declare import CLOCKS, Symbol, describe, digits, plain, scaled
from myocan.hub.lang.diagnostics import Span, clip, listed, nearest, quoted
from myocan.hub.lang.meaning import SCALE, Comparison, Kind
from myocan.hub.lang.names import Names
from myocan.hub.lang.words import ACTIONS, FUNCTIONS, LATER_ACTIONS, fold, later

COMPARISONS: Final = {comparison.name: comparison for comparison in Comparison}

_ARITHMETIC: Final = {"PLUS": "ADD", "MINUS": "SUB", "STAR": "MUL", "SLASH": "DIV"}

_KIND: Final = {
    Type.ENUMERATION: Kind.TEXT,
    Type.TEXT: Kind.TEXT,
    Type.BOOLEAN: Kind.TRUTH,
    Type.DECIMAL: Kind.NUMBER,
    Type.TIME: Kind.CLOCK,
}
"""What a variable's value is when it is read; an ANY is read as what is wanted."""

_HOLDS: Final = {
    Kind.TEXT: "a text",
    Kind.TRUTH: "true or false",
    Kind.NUMBER: "a number",
    Kind.CLOCK: "a time of day",
}


class Expressions(Names):
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
            case tree.Name():
                return self._name_holds(expression)
        found = self.value(expression, None)
        if found is not None:
            self.report.error(
                expression.span,
                f"this is {_HOLDS[found[1]]}, not a condition; compare it with something",
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
            self._is_event(name.span, symbol)
        else:
            self.report.error(
                name.span,
                f"{quoted(symbol.name)} is no condition; compare it, as in {clip(example)}",
            )
        return None

    def _is_event(self, span: Span, symbol: Symbol) -> None:
        what = "an event"
        if symbol.variable is not None and symbol.variable.role is Role.TIMER:
            what = "a TIMER"
        self.report.error(span, f"{quoted(symbol.name)} is {what}, it has no value to look at")

    def _comparison(self, node: tree.Binary) -> meaning.Condition | None:
        comparison = COMPARISONS[node.operator]
        left, right = self.whole(node.left), self.whole(node.right)
        if left is not None and (right is None or _names_member(left, node.right)):
            return self.against(left, comparison, node.right, node.place)
        if right is not None and (left is None or _names_member(right, node.left)):
            return self.against(right, comparison.mirrored, node.left, node.place)
        if left is not None and right is not None:
            return self._variables(left, comparison, right, node)
        first = self.value(node.left, None)
        if first is None and isinstance(node.right, tree.Name):
            return None  # a word opposite an unknown name says nothing
        second = self.value(node.right, None)
        if first is None or second is None:
            return None
        if first[1] is not second[1]:
            self.report.error(
                node.place, f"{_HOLDS[first[1]]} cannot be compared with {_HOLDS[second[1]]}"
            )
            return None
        if not self._orders(first[1], comparison, node.place):
            return None
        return meaning.Compare(comparison, first[0], second[0])

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
                self._is_event(place, symbol)
                return None
            case Type.ENUMERATION | Type.BOOLEAN:
                return self._against_members(symbol, variable, comparison, other, place)
            case Type.DECIMAL:
                return self._against_number(symbol, variable, comparison, other)
            case Type.TIME:
                clock = self.declared.constant(variable, other) if _is_clock(other) else None
                if isinstance(clock, int):
                    return meaning.Test(symbol.index, comparison, clock)
        return self._against_value(symbol, variable, comparison, other, place)

    def _against_members(
        self,
        symbol: Symbol,
        variable: Variable,
        comparison: Comparison,
        other: tree.Expression,
        place: Span,
    ) -> meaning.Condition | None:
        if not self._orders(_KIND[variable.type], comparison, place):
            return None
        if variable.type is Type.BOOLEAN and not _is_literal(other):
            condition = self.condition(other)
            if condition is None:
                return None
            return meaning.Compare(comparison, meaning.Load(symbol.index, Kind.TRUTH), condition)
        if isinstance(other, tree.Name) and not self.supported(other):
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
        wanted = _KIND.get(variable.type)
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
        if wanted is None and isinstance(value, meaning.Number) and not comparison.ordered:
            same = meaning.IsNumber(symbol.index, value.scaled)
            return same if comparison is Comparison.EQ else meaning.Not(same)
        return meaning.Compare(comparison, meaning.Load(symbol.index, kind), value)

    def _opposite(
        self, symbol: Symbol, wanted: Kind | None, other: tree.Expression
    ) -> tuple[meaning.Value, Kind] | None:
        """Return the value opposite an unconstrained variable, where a bare word is text."""
        word = other.bare if isinstance(other, tree.Name) else None
        if word is None or wanted is Kind.CLOCK:
            return self.value(other, wanted)
        truth = {"true": True, "false": False}.get(fold(word))
        if wanted is None and truth is not None:
            return meaning.Truth(truth), Kind.TRUTH
        self.report.warning(
            other.span,
            f"{quoted(word)} is taken as text, since {quoted(symbol.name)} has no constraint "
            "that it could be a member of; put it in quotes to say so",
            f'"{clip(word)}"',
        )
        return meaning.Text(word), Kind.TEXT

    def _differ(self, place: Span, symbol: Symbol, kind: Kind) -> None:
        assert symbol.variable is not None
        holds = _HOLDS[_KIND[symbol.variable.type]]
        self.report.error(
            place, f"{quoted(symbol.name)} is {holds} and cannot be compared with {_HOLDS[kind]}"
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
                self._is_event(span, symbol)
                return None
        if one.type is Type.ANY and two.type is Type.ANY and not comparison.ordered:
            same = meaning.Same(left.index, right.index)
            return same if comparison is Comparison.EQ else meaning.Not(same)
        first, second = _KIND.get(one.type), _KIND.get(two.type)
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
        return meaning.Compare(
            comparison, meaning.Load(left.index, kind), meaning.Load(right.index, kind)
        )

    # Values.

    def value(
        self, expression: tree.Expression, wanted: Kind | None
    ) -> tuple[meaning.Value, Kind] | None:
        """Return a value and what it is, or report why there is none and return None.

        Arguments:
            expression: any.
            wanted: what an ANY is read as; None where that is not known.
        """
        match expression:
            case tree.NumberLiteral():
                return meaning.Number(scaled(expression)), Kind.NUMBER
            case tree.TextLiteral():
                return meaning.Text(expression.value), Kind.TEXT
            case tree.ClockLiteral():
                return meaning.Clock(expression.minutes), Kind.CLOCK
            case tree.Name():
                return self._name_value(expression, wanted)
            case tree.Call():
                return self._call(expression)
            case tree.Unary(operator="MINUS"):
                constant = written_number(expression)
                if constant is not None:
                    return meaning.Number(constant), Kind.NUMBER
                number = self.number(expression.operand)
                return None if number is None else (meaning.Function("NEG", number), Kind.NUMBER)
            case tree.Binary() if expression.operator in _ARITHMETIC:
                return self._arithmetic(expression)
        condition = self.condition(expression)
        return None if condition is None else (condition, Kind.TRUTH)

    def number(self, expression: tree.Expression) -> meaning.Value | None:
        """Return a number, or report why it is none and return None."""
        found = self.value(expression, Kind.NUMBER)
        if found is None:
            return None
        if found[1] is not Kind.NUMBER:
            self.report.error(
                expression.span, f"a number is needed here, and this is {_HOLDS[found[1]]}"
            )
            return None
        return found[0]

    def _name_value(
        self, name: tree.Name, wanted: Kind | None
    ) -> tuple[meaning.Value, Kind] | None:
        if name.bare is not None and self.find(name.words) is None:
            word = fold(name.bare)
            if word in ("true", "false"):
                return meaning.Truth(word == "true"), Kind.TRUTH
            if wanted is Kind.CLOCK and word in CLOCKS:
                return meaning.Clock(CLOCKS[word]), Kind.CLOCK
        resolved = self.resolve(name)
        if resolved is None:
            return None
        symbol = resolved.symbol
        if resolved.member is not None:
            condition = self.against(symbol, Comparison.EQ, resolved.member, name.span)
            return None if condition is None else (condition, Kind.TRUTH)
        self.read(symbol)
        if symbol.variable is None:
            return None
        if symbol.variable.type is Type.EVENT:
            self._is_event(name.span, symbol)
            return None
        kind = _KIND.get(symbol.variable.type, wanted)
        if kind is None or (kind is Kind.CLOCK and symbol.variable.type is Type.ANY):
            self.report.error(
                name.span,
                f"{quoted(symbol.name)} holds whatever arrives; say what it is at its declaration",
            )
            return None
        return meaning.Load(symbol.index, kind), kind

    def _arithmetic(self, node: tree.Binary) -> tuple[meaning.Value, Kind] | None:
        left, right = self.number(node.left), self.number(node.right)
        if left is None or right is None:
            return None
        if node.operator == "SLASH" and right == meaning.Number(0):
            self.report.error(node.place, "nothing can be divided by zero")
            return None
        return meaning.Arithmetic(_ARITHMETIC[node.operator], left, right), Kind.NUMBER

    def _call(self, call: tree.Call) -> tuple[meaning.Value, Kind] | None:
        name = fold(call.function.text)
        if name not in FUNCTIONS or call.function.bare is None:
            self.unknown_function(call, FUNCTIONS)
            return None
        if name == "round":
            return self._round(call)
        counts = len(call.arguments) == 1 if name == "abs" else len(call.arguments) > 1
        if not counts:
            needs = "one number" if name == "abs" else "two numbers or more"
            self.report.error(call.span, f"{name} takes {needs}")
            return None
        found = [self.number(argument) for argument in call.arguments]
        numbers = [number for number in found if number is not None]
        if len(numbers) < len(found):
            return None
        if name == "abs":
            return meaning.Function("ABS", numbers[0]), Kind.NUMBER
        value = numbers[0]
        for number in numbers[1:]:
            value = meaning.Arithmetic(name.upper(), value, number)
        return value, Kind.NUMBER

    def _round(self, call: tree.Call) -> tuple[meaning.Value, Kind] | None:
        if not 1 <= len(call.arguments) <= 2:
            self.report.error(
                call.span, "round takes a number, and how many digits stay behind its point"
            )
            return None
        number = self.number(call.arguments[0])
        kept = written_number(call.arguments[1]) if len(call.arguments) > 1 else 0
        if kept is None or kept % SCALE or not 0 <= kept <= 9 * SCALE:
            self.report.error(
                call.arguments[1].span, "round keeps 0 to 9 digits; write that number here"
            )
            return None
        if number is None:
            return None
        return meaning.Function("ROUND", number, kept // SCALE), Kind.NUMBER

    def unknown_function(self, call: tree.Call, known: tuple[str, ...]) -> None:
        """Report a function that cannot stand here; `known` are those that can."""
        name = fold(call.function.text)
        symbol = self.find(call.function.words)
        if symbol is not None and symbol.variable is None:
            return  # declared in a line that was reported
        if name in LATER_ACTIONS:
            self.report.error(call.span, later(f"{name}(…)"))
        elif name in ACTIONS and name not in known:
            self.report.error(call.span, f"{name} has no value; it stands behind THEN")
        elif name in FUNCTIONS and name not in known:
            self.report.error(call.span, f"{name} only has a value; say what to do with it")
        else:
            self.report.error(
                call.function.span,
                f"{quoted(call.function.text)} is no function here; there is {listed(known)}",
                nearest(name, known),
            )


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


def written_number(expression: tree.Expression) -> int | None:
    """Return a number that is written out, in units of 10 ** -9."""
    sign = 1
    while isinstance(expression, tree.Unary) and expression.operator == "MINUS":
        sign, expression = -sign, expression.operand
    return sign * scaled(expression) if isinstance(expression, tree.NumberLiteral) else None
