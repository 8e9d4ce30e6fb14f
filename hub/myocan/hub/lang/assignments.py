"""Finds out what a variable becomes, or why it cannot.

The one idea: what a variable takes is settled by its declaration, so a constant is checked here and
now, and only what cannot be known before is left to the cycle.
"""

from __future__ import annotations

from myocan.hub.core.program import Role, Type, Variable
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Report, Span, clip, listed, quoted
from myocan.hub.lang.expressions import Expressions, share
from myocan.hub.lang.meaning import Kind
from myocan.hub.lang.symbols import Symbol, describe
from myocan.hub.lang.values import HOLDS, KIND, written_number
from myocan.hub.lang.words import TIMER_ACTIONS, fold, shout


class Assignments:
    """Checks what is written into the variables of one module."""

    def __init__(self, declared: Declarer, expressions: Expressions, report: Report) -> None:
        """Check against what `declared` holds by now."""
        self.declared = declared
        self.expressions = expressions
        self.report = report

    def writable(self, symbol: Symbol, span: Span, event: bool = False) -> bool:
        """Whether a variable can be assigned; reports why not. Notes that it is written.

        A timer is written by being started; `timer` notes that.
        """
        declared = symbol.of or symbol
        declared.written |= symbol.variable is None or symbol.variable.role is not Role.TIMER
        variable = symbol.variable
        if variable is None:
            return False
        if symbol.attribute:
            self.report.error(
                span, f"{quoted(symbol.name)} tells what happened; it can be read, not assigned"
            )
            return False
        if variable.role is Role.SUBSCRIBE:
            self.report.error(
                span,
                f"{quoted(symbol.name)} is SUBSCRIBE: it changes when a message arrives, "
                "and cannot be assigned here",
            )
            return False
        if variable.role is Role.TIMER and not event:
            self.say_what(symbol, span)
            return False
        if variable.type is Type.EVENT and not event:
            self.report.error(
                span,
                f"{quoted(symbol.name)} is an event, it takes no value",
                f"activate({symbol.name})",
            )
            return False
        return True

    def timer(self, symbol: Symbol, word: str, span: Span) -> meaning.Action | None:
        """Return what start, reset or cancel does to a variable, which should be a TIMER."""
        variable = symbol.variable
        if variable is None:
            return None
        if variable.role is not Role.TIMER:
            self.report.error(
                span, f"{word} takes a TIMER, and {quoted(symbol.name)} is {variable.role.name}"
            )
            return None
        symbol.written |= word == "start"
        self.expressions.write(symbol, span)
        return meaning.Timer(symbol.index, shout(word))

    def say_what(self, symbol: Symbol, span: Span) -> None:
        self.report.error(
            span,
            f"{quoted(symbol.name)} is a TIMER; {listed(TIMER_ACTIONS)} it",
            f"start({symbol.name})",
        )

    def assign(self, symbol: Symbol, value: tree.Expression, span: Span) -> meaning.Action | None:
        if symbol.variable is not None and symbol.variable.role is Role.TIMER:
            said = fold(value.bare or "") if isinstance(value, tree.Name) else ""
            if said in TIMER_ACTIONS:
                return self.timer(symbol, said, span)
        if not self.writable(symbol, span):
            return None
        self.expressions.write(symbol, span)
        variable = symbol.variable
        assert variable is not None
        word = value.bare if isinstance(value, tree.Name) else None
        is_member = word is not None and symbol.member(word) is not None
        source = None if is_member else self.expressions.whole(value)
        if source is not None:
            return self._copy(symbol, variable, source, value.span)
        if isinstance(value, tree.Name) and not is_member:
            named = self._named(symbol, variable, value)
            if named is not None:
                return named[0]
        match variable.type:
            case Type.ENUMERATION:
                return self._constant(symbol, variable, value)
            case Type.BOOLEAN:
                if word is not None or isinstance(value, tree.NumberLiteral | tree.TextLiteral):
                    return self._constant(symbol, variable, value)
                condition = self.expressions.condition(value)
                return None if condition is None else meaning.Store(symbol.index, condition)
            case Type.TIME:
                return self._constant(symbol, variable, value)
            case Type.TEXT:
                return self._assign_text(symbol, variable, value)
        return self._assign_number(symbol, variable, value)

    def _named(
        self, symbol: Symbol, variable: Variable, name: tree.Name
    ) -> tuple[meaning.Action | None] | None:
        """Return what a name that is no variable puts into one; None for any other name."""
        value: meaning.Value | None = None
        kind = Kind.TEXT
        if self.expressions.own_key(name):
            value = self.expressions.key_read()
        else:
            computed = self.expressions.attributes.computed(name)
            if computed is not None:
                value, kind = computed
        if value is None:
            bad = name.special and self.expressions.resolve(name) is None
            return (None,) if bad else None
        if isinstance(value, meaning.Text) and variable.type in (Type.TEXT, Type.ENUMERATION):
            literal = tree.TextLiteral(name.span, 1, value.value)
            return (self._constant(symbol, variable, literal),)
        if KIND.get(variable.type) is kind:
            return (meaning.Store(symbol.index, value),)
        self.report.error(
            name.span,
            f"{quoted(symbol.name)} takes {HOLDS[KIND[variable.type]]}, and this is {HOLDS[kind]}",
        )
        return (None,)

    def _constant(
        self, symbol: Symbol, variable: Variable, value: tree.Expression
    ) -> meaning.Action | None:
        constant = self.declared.constant(variable, value)
        return None if constant is None else meaning.Set(symbol.index, constant)

    def _assign_text(
        self, symbol: Symbol, variable: Variable, value: tree.Expression
    ) -> meaning.Action | None:
        word = value.bare if isinstance(value, tree.Name) else None
        if word is None:
            return self._constant(symbol, variable, value)
        self.report.warning(
            value.span,
            f"{quoted(word)} is taken as text; put it in quotes to say so",
            f'"{clip(word)}"',
        )
        text = self.declared.text(variable, word, value.span)
        return None if text is None else meaning.Set(symbol.index, text)

    def _assign_number(
        self, symbol: Symbol, variable: Variable, value: tree.Expression
    ) -> meaning.Action | None:
        number = written_number(value)
        if number is not None:
            units = self.declared.number(variable, number, value.span)
            return None if units is None else meaning.Set(symbol.index, units)
        found = self.expressions.number(value)
        if found is None:
            return None
        added = _added(symbol.index, found, variable.decimals)
        return added if added is not None else meaning.Store(symbol.index, found)

    def _copy(
        self, symbol: Symbol, variable: Variable, source: Symbol, span: Span
    ) -> meaning.Action | None:
        self.expressions.read(source)
        other = source.variable
        if other is None:
            return None
        if other.type is Type.EVENT:
            self.report.error(
                span, f"{quoted(source.name)} is an event, it has no value to look at"
            )
            return None
        fits = {
            Type.ENUMERATION: (Type.ENUMERATION, Type.TEXT, Type.ANY),
            Type.TEXT: (Type.TEXT, Type.ENUMERATION, Type.TIME, Type.ANY),
            Type.TIME: (Type.TIME, Type.TEXT, Type.ANY),
        }.get(variable.type, (variable.type, Type.ANY))
        if other.type not in fits:
            self.report.error(
                span,
                f"{quoted(source.name)} ({describe(other)}) does not fit into "
                f"{quoted(symbol.name)} ({describe(variable)})",
            )
            return None
        if variable.members and other.members and not share(variable, other):
            self.report.error(
                span,
                f"{quoted(source.name)} is one of {describe(other)}, none of which is in "
                f"{describe(variable)}",
            )
            return None
        if symbol.of is None and source.of is None:
            return meaning.Copy(symbol.index, source.index)
        return self._copy_selected(symbol, variable, source, span)

    def _copy_selected(
        self, symbol: Symbol, variable: Variable, source: Symbol, span: Span
    ) -> meaning.Action | None:
        """Return an assignment from or to one value of a map, whose type must be known."""
        kind, other = KIND[variable.type], source.variable
        assert other is not None
        fits = KIND.get(other.type) is kind
        if not fits and not (other.type is Type.ANY and kind in (Kind.NUMBER, Kind.TEXT)):
            self.report.error(
                span,
                f"{quoted(source.name)} has another type than {quoted(symbol.name)}, and what is "
                "one of a map is not converted; declare both alike",
            )
            return None
        return meaning.Store(symbol.index, meaning.Load(source.index, kind))

    def count(self, symbol: Symbol, step: int, span: Span) -> meaning.Action | None:
        if not self.writable(symbol, span):
            return None
        self.expressions.write(symbol, span)
        symbol.read = True
        variable = symbol.variable
        assert variable is not None
        if variable.type is not Type.DECIMAL:
            turns = variable.type in (Type.ENUMERATION, Type.BOOLEAN)
            self.report.error(
                span,
                f"only numbers are counted with ++ and --, and {quoted(symbol.name)} is none",
                f"next({symbol.name})" if turns else None,
            )
            return None
        return meaning.Add(symbol.index, step * 10**variable.decimals)


def _added(variable: int, value: meaning.Value, decimals: int) -> meaning.Add | None:
    """Return `x = x + c` and `x = x - c` as what they are, if c fits the variable's scale."""
    if not isinstance(value, meaning.Arithmetic) or value.operator not in ("ADD", "SUB"):
        return None
    itself = meaning.Load(variable, Kind.NUMBER)
    if value.left != itself or not isinstance(value.right, meaning.Number):
        return None
    units, rest = divmod(value.right.scaled, 10 ** (9 - decimals))
    if rest or abs(units) >= 2**63:
        return None
    return meaning.Add(variable, units if value.operator == "ADD" else -units)


def example(variable: Variable) -> str:
    return {
        Type.ENUMERATION: clip(variable.members[0]) if variable.members else "",
        Type.BOOLEAN: "true",
        Type.TEXT: '"text"',
        Type.TIME: "15:00",
    }.get(variable.type, "1")
