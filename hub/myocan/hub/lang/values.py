"""Finds out what a value is: a number, a text, a time, or whether something holds.

The one idea: every value has one kind, and what holds whatever arrives is read as the kind that is
wanted there.
"""

from __future__ import annotations

from typing import Final

from myocan.hub.core.program import Role, Type
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.declare import CLOCKS
from myocan.hub.lang.diagnostics import Span, clip, listed, nearest, quoted
from myocan.hub.lang.meaning import SCALE, Comparison, Kind
from myocan.hub.lang.names import Names
from myocan.hub.lang.symbols import Symbol, scaled
from myocan.hub.lang.words import ACTIONS, FUNCTIONS, fold

_ARITHMETIC: Final = {"PLUS": "ADD", "MINUS": "SUB", "STAR": "MUL", "SLASH": "DIV"}

KIND: Final = {
    Type.ENUMERATION: Kind.TEXT,
    Type.TEXT: Kind.TEXT,
    Type.BOOLEAN: Kind.TRUTH,
    Type.DECIMAL: Kind.NUMBER,
    Type.TIME: Kind.CLOCK,
}
"""What a variable's value is when it is read; an ANY is read as what is wanted."""

HOLDS: Final = {
    Kind.TEXT: "a text",
    Kind.TRUTH: "true or false",
    Kind.NUMBER: "a number",
    Kind.CLOCK: "a time of day",
}


class Values(Names):
    """Checks values against the variables of one module."""

    def condition(self, expression: tree.Expression) -> meaning.Condition | None:
        """Return what must hold, or report why that cannot be said and return None."""
        raise NotImplementedError

    def against(
        self, symbol: Symbol, comparison: Comparison, other: tree.Expression, place: Span
    ) -> meaning.Condition | None:
        """Return what a variable compared with something that is no variable means."""
        raise NotImplementedError

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
                return self.attributes.computed(expression) or self._name_value(expression, wanted)
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
                expression.span, f"a number is needed here, and this is {HOLDS[found[1]]}"
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
        if self.own_key(name):
            return self.key_read(), Kind.TEXT
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
            self.is_event(name.span, symbol)
            return None
        kind = KIND.get(symbol.variable.type, wanted)
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
        if self.externals.of(call.function) is not None:
            self.report.error(
                call.span,
                f"{clip(call.function.text)} is EXTERNAL: it has no value, and stands "
                "alone behind THEN",
            )
        elif name in ACTIONS and name not in known:
            self.report.error(call.span, f"{name} has no value; it stands behind THEN")
        elif name in FUNCTIONS and name not in known:
            self.report.error(call.span, f"{name} only has a value; say what to do with it")
        else:
            if known is ACTIONS:
                known += tuple(external.name for external in self.externals.by_name.values())
            self.report.error(
                call.function.span,
                f"{quoted(call.function.text)} is no function here; there is {listed(known)}",
                nearest(name, known),
            )

    def is_event(self, span: Span, symbol: Symbol) -> None:
        """Report that something is asked of an event or timer, which have no value."""
        what = "an event"
        if symbol.variable is not None and symbol.variable.role is Role.TIMER:
            what = "a TIMER"
        self.report.error(span, f"{quoted(symbol.name)} is {what}, it has no value to look at")


def written_number(expression: tree.Expression) -> int | None:
    """Return a number that is written out, in units of 10 ** -9."""
    sign = 1
    while isinstance(expression, tree.Unary) and expression.operator == "MINUS":
        sign, expression = -sign, expression.operand
    return sign * scaled(expression) if isinstance(expression, tree.NumberLiteral) else None
