"""Finds out what stands behind THEN means.

The one idea: what a variable takes is settled by its declaration, so a constant is checked here and
now, and only what cannot be known before is left to the cycle.
"""

from __future__ import annotations

from myocan.hub.core.program import Role, Type, Variable
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.declare import Declarer, Symbol, describe
from myocan.hub.lang.diagnostics import Report, Span, clip, listed, nearest, quoted
from myocan.hub.lang.expressions import Expressions, share, written_number
from myocan.hub.lang.meaning import Kind
from myocan.hub.lang.words import ACTIONS, LOG_LEVELS, TIMER_ACTIONS, fold, shout


class Actions:
    """Checks the actions of one module."""

    def __init__(self, declared: Declarer, expressions: Expressions, report: Report) -> None:
        """Check against what `declared` holds by now."""
        self.declared = declared
        self.expressions = expressions
        self.report = report

    def action(self, statement: tree.Action) -> meaning.Action | None:
        target = statement.target
        if isinstance(target, tree.Call):
            return self._call(statement, target)
        assert isinstance(target, tree.Name)
        if target.attribute is not None and fold(target.text) == "system.log":
            return self._system_log(statement, target)
        if statement.operator == "":
            return self._bare(target)
        resolved = self.expressions.resolve(target)
        if resolved is None:
            return None
        symbol = resolved.symbol
        if resolved.member is not None:
            self.report.error(
                resolved.member.span,
                f"only {quoted(symbol.name)} as a whole can be changed; leave this member out",
            )
            return None
        if statement.operator == "ASSIGN":
            assert statement.value is not None
            return self._assign(symbol, statement.value, target.span)
        return self._count(symbol, 1 if statement.operator == "INCREMENT" else -1, target.span)

    def _bare(self, target: tree.Name) -> meaning.Action | None:
        if target.bare is not None and fold(target.bare) == "ignore":
            return meaning.Ignore()
        resolved = self.expressions.resolve(target)
        if resolved is None:
            return None
        symbol = resolved.symbol
        if resolved.member is not None:
            return self._assign(symbol, resolved.member, target.span)
        variable = symbol.variable
        if variable is not None and self._writable(symbol, target.span, event=True):
            if variable.role is Role.TIMER:
                self._say_what(symbol, target.span)
            elif variable.type is Type.EVENT:
                self.report.error(
                    target.span, "an event is published with activate", f"activate({symbol.name})"
                )
            else:
                self.report.error(
                    target.span,
                    f"say what {quoted(symbol.name)} becomes, as in "
                    f"{clip(symbol.name)}={_example(variable)}",
                )
        return None

    def _writable(self, symbol: Symbol, span: Span, event: bool = False) -> bool:
        """Whether a variable can be assigned; reports why not. Notes that it is written.

        A timer is written by being started; `_timer` notes that.
        """
        symbol.written = symbol.written or symbol.variable is None or _is_no_timer(symbol.variable)
        variable = symbol.variable
        if variable is None:
            return False
        if variable.role is Role.SUBSCRIBE:
            self.report.error(
                span,
                f"{quoted(symbol.name)} is SUBSCRIBE: it changes when a message arrives, "
                "and cannot be assigned here",
            )
            return False
        if variable.role is Role.TIMER and not event:
            self._say_what(symbol, span)
            return False
        if variable.type is Type.EVENT and not event:
            self.report.error(
                span,
                f"{quoted(symbol.name)} is an event, it takes no value",
                f"activate({symbol.name})",
            )
            return False
        return True

    def _timer(self, symbol: Symbol, word: str, span: Span) -> meaning.Action | None:
        """Return what start, reset or cancel does to a variable, which should be a TIMER."""
        variable = symbol.variable
        if variable is None:
            return None
        if _is_no_timer(variable):
            self.report.error(
                span, f"{word} takes a TIMER, and {quoted(symbol.name)} is {variable.role.name}"
            )
            return None
        symbol.written = symbol.written or word == "start"
        return meaning.Timer(symbol.index, shout(word))

    def _say_what(self, symbol: Symbol, span: Span) -> None:
        self.report.error(
            span,
            f"{quoted(symbol.name)} is a TIMER; {listed(TIMER_ACTIONS)} it",
            f"start({symbol.name})",
        )

    def _assign(self, symbol: Symbol, value: tree.Expression, span: Span) -> meaning.Action | None:
        if symbol.variable is not None and symbol.variable.role is Role.TIMER:
            said = fold(value.bare or "") if isinstance(value, tree.Name) else ""
            if said in TIMER_ACTIONS:
                return self._timer(symbol, said, span)
        if not self._writable(symbol, span):
            return None
        variable = symbol.variable
        assert variable is not None
        word = value.bare if isinstance(value, tree.Name) else None
        is_member = word is not None and symbol.member(word) is not None
        source = None if is_member else self.expressions.whole(value)
        if source is not None:
            return self._copy(symbol, variable, source, value.span)
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
        return meaning.Set(symbol.index, word)

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
        return meaning.Copy(symbol.index, source.index)

    def _count(self, symbol: Symbol, step: int, span: Span) -> meaning.Action | None:
        if not self._writable(symbol, span):
            return None
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

    def _call(self, statement: tree.Action, call: tree.Call) -> meaning.Action | None:
        name = fold(call.function.text) if call.function.bare is not None else ""
        if name not in ACTIONS:
            self.expressions.unknown_function(call, ACTIONS)
            return None
        if statement.operator:
            self.report.error(statement.span, f"{name}(…) stands alone behind THEN")
            return None
        if name == "log":
            return self._log(LOG_LEVELS["info"], call.arguments, call.span)
        if name == "ignore":
            if call.arguments:
                self.report.error(call.span, "ignore takes nothing in parentheses", "ignore")
            return meaning.Ignore()
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], tree.Name):
            self.report.error(call.span, f"{name} takes the name of one variable")
            return None
        resolved = self.expressions.resolve(call.arguments[0])
        if resolved is None:
            return None
        if resolved.member is not None:
            self.report.error(resolved.member.span, f"{name} takes a variable, not a member of it")
            return None
        if name in TIMER_ACTIONS:
            return self._timer(resolved.symbol, name, call.arguments[0].span)
        return self._event_or_next(name, resolved.symbol, call.arguments[0].span)

    def _event_or_next(self, name: str, symbol: Symbol, span: Span) -> meaning.Action | None:
        if not self._writable(symbol, span, event=True):
            return None
        variable = symbol.variable
        assert variable is not None
        if variable.role is Role.TIMER:
            self._say_what(symbol, span)
            return None
        if name == "activate":
            if variable.type is Type.EVENT:
                return meaning.Activate(symbol.index)
            self.report.error(
                span,
                f"{quoted(symbol.name)} is no event; give it a value, as in "
                f"{clip(symbol.name)}={_example(variable)}",
            )
            return None
        if variable.type in (Type.ENUMERATION, Type.BOOLEAN):
            symbol.read = True
            return meaning.Next(symbol.index)
        self.report.error(span, "next takes a variable with members, such as {off, on}")
        return None

    def _system_log(self, statement: tree.Action, target: tree.Name) -> meaning.Action | None:
        level = LOG_LEVELS.get(fold(target.attribute or ""))
        if level is None:
            self.report.error(
                target.span,
                f"system.log has no {quoted('#' + str(target.attribute))}; there is "
                f"{listed('#' + name for name in LOG_LEVELS)}",
                _near_level(target),
            )
            return None
        if statement.operator != "ASSIGN" or statement.value is None:
            self.report.error(target.span, f'this takes a text, as in {target.text}#info = "text"')
            return None
        return self._log(level, (statement.value,), statement.value.span)

    def _log(
        self, level: int, arguments: tuple[tree.Expression, ...], span: Span
    ) -> meaning.Action | None:
        if not arguments:
            self.report.error(span, 'say what to log, as in log("door open", count)')
            return None
        pieces = [self._piece(argument) for argument in arguments]
        good = tuple(piece for piece in pieces if piece is not None)
        return meaning.Log(level, good) if len(good) == len(pieces) else None

    def _piece(self, argument: tree.Expression) -> meaning.Piece | meaning.Value | None:
        symbol = self.expressions.whole(argument)
        if symbol is None or symbol.variable is None or symbol.variable.type is Type.EVENT:
            found = self.expressions.value(argument, None)
            return None if found is None else found[0]
        self.expressions.read(symbol)
        return meaning.Piece(symbol.index)


def _is_no_timer(variable: Variable) -> bool:
    return variable.role is not Role.TIMER


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


def _example(variable: Variable) -> str:
    return {
        Type.ENUMERATION: clip(variable.members[0]) if variable.members else "",
        Type.BOOLEAN: "true",
        Type.TEXT: '"text"',
        Type.TIME: "15:00",
    }.get(variable.type, "1")


def _near_level(target: tree.Name) -> str | None:
    near = nearest(target.attribute or "", LOG_LEVELS)
    return None if near is None else f"system.log#{near}"
