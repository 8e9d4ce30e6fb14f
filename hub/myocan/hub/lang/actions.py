"""Finds out what stands behind THEN means.

The one idea: a word in front of parentheses says what is done, and what stands in them is checked
by that word; everything else is an assignment.
"""

from __future__ import annotations

from myocan.hub.core.program import Role, Type
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.assignments import Assignments, example
from myocan.hub.lang.diagnostics import Span, clip, listed, nearest, quoted
from myocan.hub.lang.keys import fits
from myocan.hub.lang.meaning import Kind
from myocan.hub.lang.symbols import Symbol
from myocan.hub.lang.values import HOLDS
from myocan.hub.lang.words import (
    ACTIONS,
    INSTANCE_ACTIONS,
    LOG_LEVELS,
    TIMER_ACTIONS,
    fold,
)


class Actions(Assignments):
    """Checks the actions of one module."""

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
            return self.assign(symbol, statement.value, target.span)
        return self.count(symbol, 1 if statement.operator == "INCREMENT" else -1, target.span)

    def _bare(self, target: tree.Name) -> meaning.Action | None:
        if target.bare is not None and fold(target.bare) == "ignore":
            return meaning.Ignore()
        external = self.expressions.externals.of(target)
        if external is not None:
            external.called = True
            self.report.error(
                target.span,
                f"{quoted(external.name)} is called with parentheses, which hold what it is told",
                f"{external.name}()",
            )
            return None
        word = fold(target.bare or "")
        if word in ACTIONS and self.expressions.find((word,)) is None:
            self.report.error(
                target.span, f"what {word} is to do it with stands in parentheses behind it"
            )
            return None
        resolved = self.expressions.resolve(target)
        if resolved is None:
            return None
        symbol = resolved.symbol
        if resolved.member is not None:
            return self.assign(symbol, resolved.member, target.span)
        variable = symbol.variable
        if variable is not None and self.writable(symbol, target.span, event=True):
            if variable.role is Role.TIMER:
                self.say_what(symbol, target.span)
            elif variable.type is Type.EVENT:
                self.report.error(
                    target.span, "an event is published with activate", f"activate({symbol.name})"
                )
            else:
                self.report.error(
                    target.span,
                    f"say what {quoted(symbol.name)} becomes, as in "
                    f"{clip(symbol.name)}={example(variable)}",
                )
        return None

    def _call(self, statement: tree.Action, call: tree.Call) -> meaning.Action | None:
        external = self.expressions.externals.of(call.function)
        if external is not None and not statement.operator:
            external.called = True
            arguments = self._pieces(call.arguments)
            return None if arguments is None else meaning.Call(fold(external.name), arguments)
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
        if name in INSTANCE_ACTIONS:
            return self._instance(name, call)
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
            return self.timer(resolved.symbol, name, call.arguments[0].span)
        return self._event_or_next(name, resolved.symbol, call.arguments[0].span)

    def _instance(self, name: str, call: tree.Call) -> meaning.Action | None:
        """Return what create or drop does, whose argument is a key."""
        if not self.declared.key:
            self.report.error(
                call.span,
                f"{name} needs a module with a key, such as MODULE {clip(self.declared.module)}"
                "[location]",
            )
            return None
        if len(call.arguments) != 1:
            self.report.error(call.span, f"{name} takes one key, the text that names an instance")
            return None
        key = self._key(call.arguments[0])
        return None if key is None else meaning.Instance(name.upper(), key)

    def _key(self, argument: tree.Expression) -> meaning.Value | None:
        """Return the key that an argument is, or report why it is none and return None."""
        word = argument.bare if isinstance(argument, tree.Name) else None
        own = self.expressions.own_key(argument)
        if word is not None and not own and self.expressions.find((word,)) is None:
            return self._word_as_key(argument, word)
        if isinstance(argument, tree.TextLiteral):
            fine = fits(tree.Key(argument.span, argument.value, True), self.report)
            return meaning.Text(argument.value) if fine else None
        found = self.expressions.value(argument, Kind.TEXT)
        if found is None:
            return None
        if found[1] is not Kind.TEXT:
            self.report.error(argument.span, f"a key is a text, and this is {HOLDS[found[1]]}")
            return None
        return found[0]

    def _word_as_key(self, argument: tree.Expression, word: str) -> meaning.Value | None:
        if not fits(tree.Key(argument.span, word, False), self.report):
            return None
        self.report.warning(
            argument.span,
            f"{quoted(word)} is taken as text, since no variable has this name; put it in quotes "
            "to say so",
            f'"{clip(word)}"',
        )
        return meaning.Text(word)

    def _event_or_next(self, name: str, symbol: Symbol, span: Span) -> meaning.Action | None:
        if not self.writable(symbol, span, event=True):
            return None
        variable = symbol.variable
        assert variable is not None
        if variable.role is Role.TIMER:
            self.say_what(symbol, span)
            return None
        self.expressions.write(symbol, span)
        if name == "activate":
            if variable.type is Type.EVENT:
                return meaning.Activate(symbol.index)
            self.report.error(
                span,
                f"{quoted(symbol.name)} is no event; give it a value, as in "
                f"{clip(symbol.name)}={example(variable)}",
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
        pieces = self._pieces(arguments)
        return None if pieces is None else meaning.Log(level, pieces)

    def _pieces(
        self, arguments: tuple[tree.Expression, ...]
    ) -> tuple[meaning.Piece | meaning.Value, ...] | None:
        pieces = [self._piece(argument) for argument in arguments]
        good = tuple(piece for piece in pieces if piece is not None)
        return good if len(good) == len(pieces) else None

    def _piece(self, argument: tree.Expression) -> meaning.Piece | meaning.Value | None:
        symbol = self.expressions.whole(argument)
        if symbol is None or symbol.variable is None or symbol.variable.type is Type.EVENT:
            found = self.expressions.value(argument, None)
            if found is None:
                return None
            if found[1] is Kind.CLOCK and isinstance(found[0], meaning.ClockRead):
                self.report.error(
                    argument.span,
                    "this time of day can only be compared or assigned; write system.clock#hour "
                    "and system.clock#minute",
                )
                return None
            return found[0]
        self.expressions.read(symbol)
        return meaning.Piece(symbol.index)


def _near_level(target: tree.Name) -> str | None:
    near = nearest(target.attribute or "", LOG_LEVELS)
    return None if near is None else f"system.log#{near}"
