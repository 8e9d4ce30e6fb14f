"""Makes variables of declarations.

The one idea: a type follows from what stands behind the name; everything a value must satisfy is
settled here, and is asked for through `Symbol`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Role, Type, Variable
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.diagnostics import Report, Span, clip, nearest, quoted
from myocan.hub.lang.keys import Placement, full_name, placement
from myocan.hub.lang.naming import MAX_NAME, fits
from myocan.hub.lang.symbols import (
    Symbol,
    decimal,
    describe,
    digits,
    plain,
    rescale,
    scaled,
)
from myocan.hub.lang.words import UNITS_MS, fold
from myocan.hub.patterns import fault_of, matches

MAX_VARIABLES: Final = 1000
"""Most variables of a module."""

MAX_MEMBERS: Final = 256
"""Most members of an enumeration."""

_WORD: Final = re.compile(r"\w+")
"""In braces and quotes: a member that needs none, and no pattern."""

_ROLES: Final = {
    "SUBSCRIBE": Role.SUBSCRIBE,
    "PUBLIC": Role.PUBLIC,
    "PRIVATE": Role.PRIVATE,
    "TIMER": Role.TIMER,
}

MIN_DURATION_MS: Final = 100
MAX_DURATION_MS: Final = 366 * 24 * 3_600_000
"""How long a TIMER runs, at least and at most."""


class Declarer:
    """Makes the variables of one module."""

    def __init__(self, module: str, report: Report) -> None:
        """Start with none; `module` is the module's name."""
        self.module = module
        self.key = ""
        """What the module's keys are called, "" if it has none."""
        self.report = report
        self.symbols: list[Symbol] = []
        self.by_name: dict[str, Symbol] = {}
        self._topics: dict[tuple[Role, tuple[str, str, str], str], Symbol] = {}
        self.renamed: dict[str, Symbol] = {}
        """What was declared under a local name: its full name -> the symbol."""
        self.selections: dict[meaning.Selection, int] = {}
        """Values of maps, with the variable numbers -1, -2 and so on that stand for them."""
        self._full = False

    def broken(self, statement: tree.Broken) -> None:
        """Note the name of a line that was reported already."""
        if statement.name is not None:
            symbol = Symbol(statement.name, statement.span, len(self.symbols), None)
            symbol.read = symbol.written = True
            self.by_name.setdefault(fold(statement.name), symbol)

    def declare(self, statement: tree.Declaration) -> None:
        """Make the variable of a declaration."""
        name = statement.name
        place = None
        if fits(statement, self.report):
            place = placement(statement.word, name, self.key, self.report)
        full = full_name(name.words, place.instance) if place and place.instance else name.text
        shown = statement.local.text if statement.local is not None else full
        span = statement.local.span if statement.local is not None else name.span
        if not self._has_room(statement.span):
            self.broken(tree.Broken(span, statement.word, shown))
            return
        variable = None if place is None else self._variable(statement, shown, place)
        symbol = Symbol(shown, name.span, len(self.symbols), variable)
        other = self.by_name.setdefault(fold(shown), symbol)
        if other is not symbol:
            if other.variable is not None:
                self.report.error(
                    span, f"{quoted(shown)} is declared already, in line {other.span.line}"
                )
            return
        self.symbols.append(symbol)
        if statement.local is not None:
            self.renamed.setdefault(fold(full), symbol)
        if variable is None or variable.topic is None:
            return
        topic = (variable.role, variable.topic, variable.instance)
        first = self._topics.setdefault(topic, symbol)
        if first is not symbol:
            self.report.error(
                name.span,
                f"line {first.span.line} has this topic already, as {quoted(first.name)}",
            )

    def add_hidden(self, variable: Variable, span: Span) -> Symbol:
        """Return the symbol of a variable that no line declares, which it gets at its first use."""
        symbol = self.by_name.get(fold(variable.name))
        if symbol is not None:
            return symbol
        if not self._has_room(span):
            return Symbol(variable.name, span, 0, None)
        symbol = Symbol(variable.name, span, len(self.symbols), variable)
        self.by_name[fold(variable.name)] = symbol
        self.symbols.append(symbol)
        return symbol

    def select(self, of: Symbol, key: meaning.Value, name: str) -> Symbol:
        """Return the symbol of a map's value of one key."""
        selection = meaning.Selection(of.index, key)
        number = self.selections.setdefault(selection, -1 - len(self.selections))
        return Symbol(name, of.span, number, of.variable, of=of)

    def _has_room(self, span: Span) -> bool:
        if len(self.symbols) == MAX_VARIABLES and not self._full:
            self._full = True
            self.report.error(
                span, f"this module has more than {MAX_VARIABLES} variables; split it up"
            )
        return not self._full

    def _variable(
        self, statement: tree.Declaration, shown: str, place: Placement
    ) -> Variable | None:
        words = statement.name.words
        role = _ROLES[statement.word]
        topic = None
        if role is not Role.PRIVATE:
            domain = ".".join(words[:-2])
            module = words[-2] if len(words) > 1 else self.module
            topic = (domain, module, fold(words[-1]))
        base = Variable(
            shown,
            role,
            Type.ANY,
            topic,
            line=statement.span.line,
            keyed=place.keyed,
            instance=place.instance,
            map=place.map,
        )
        variable = self.typed(statement.kind, statement.name.span, base)
        if variable is None or statement.initial is None:
            return None if variable is None else self._starts(variable, statement)
        if variable.type in (Type.ANY, Type.EVENT):
            self.report.error(
                statement.initial.span,
                f"{quoted(shown)} needs a type before its first value, such as {{off, on}} or 0.0",
            )
            return None
        initial = self.constant(variable, statement.initial)
        return None if initial is None else replace(variable, initial=initial)

    def _starts(self, variable: Variable, statement: tree.Declaration) -> Variable | None:
        """Return a variable that no first value is given, unless it needs one."""
        own = variable.role in (Role.PUBLIC, Role.PRIVATE)
        if own and variable.pattern and not matches(variable.pattern, ""):
            self.report.error(
                statement.name.span,
                f"{quoted(variable.name)} needs a first value that matches {describe(variable)}, "
                'written behind it: = "..."',
            )
            return None
        return variable

    def typed(self, kind: tree.Kind | None, span: Span, base: Variable) -> Variable | None:
        """Return a variable of the type that follows from what stands behind its name.

        Arguments:
            kind: what stands there, or None.
            span: of the name.
            base: the variable without its type.
        """
        match kind:
            case None if base.role is Role.PRIVATE:
                self.report.error(
                    span,
                    f"{quoted(base.name)} needs a first value or members, such as 0 or {{off, on}}",
                )
                return None
            case None:
                return replace(base, type=Type.EVENT if base.role is Role.PUBLIC else Type.ANY)
            case tree.Duration() as duration:
                return self._timer(duration, base)
            case tree.Braces() as braces:
                return self._enumeration(braces, base)
            case tree.Bounds() as bounds:
                return self._bounded(bounds, base)
            case tree.NumberLiteral() as number:
                return replace(
                    base, type=Type.DECIMAL, decimals=number.decimals, initial=number.units
                )
            case tree.TextLiteral() as text:
                return replace(base, type=Type.TEXT, initial=text.value)
            case tree.ClockLiteral() as clock:
                return replace(base, type=Type.TIME, initial=clock.minutes)
            case tree.Name() as word:
                value = {"false": 0, "true": 1}.get(fold(word.text))
                if value is not None:
                    return replace(base, type=Type.BOOLEAN, initial=value)
                self.report.error(
                    word.span,
                    f"{quoted(word.text)} is no type; members stand in braces, as in {{off, on}}",
                    "{" + word.text + "}",
                )
        return None

    def _timer(self, duration: tree.Duration, base: Variable) -> Variable | None:
        total = 0
        units: list[int] = []
        for number, word in duration.terms:
            unit = UNITS_MS.get(fold(word.text))
            if unit is None:
                self.report.error(
                    word.span,
                    f"{quoted(word.text)} is no unit; a TIMER counts hours, minutes and seconds",
                    nearest(fold(word.text), ("hours", "minutes", "seconds", "hour", "minute")),
                )
                return None
            if units and unit >= units[-1]:
                self.report.error(word.span, "the larger unit stands first, and each but once")
                return None
            units.append(unit)
            milliseconds, rest = divmod(number.units * unit, 10**number.decimals)
            if rest:
                self.report.error(number.span, "a TIMER counts whole milliseconds")
                return None
            total += milliseconds
        if not MIN_DURATION_MS <= total <= MAX_DURATION_MS:
            self.report.error(duration.span, "a TIMER runs from 0.1 seconds to 8784 hours (a year)")
            return None
        return replace(base, type=Type.EVENT, duration_ms=total)

    def _enumeration(self, braces: tree.Braces, base: Variable) -> Variable | None:
        names: dict[str, str] = {}
        match braces.items:
            case (tree.TextLiteral() as text,) if not _WORD.fullmatch(text.value):
                return self._patterned(text, base)
        for item in braces.items:
            if isinstance(item, tree.TextLiteral):
                self.report.error(item.span, "members are words; write them without quotes")
                return None
            if isinstance(item, tree.NumberLiteral):
                self._number_in_braces(item, braces)
                return None
            word = item.text
            if len(word) > MAX_NAME:
                self.report.error(item.span, f"this member is too long; at most {MAX_NAME} letters")
                return None
            if fold(word) in names:
                self.report.error(item.span, f"{quoted(word)} is a member already")
                return None
            names[fold(word)] = word
        if len(names) > MAX_MEMBERS:
            self.report.error(braces.span, f"these are more than {MAX_MEMBERS} members")
            return None
        if set(names) == {"false", "true"}:
            first = next(iter(names))
            return replace(base, type=Type.BOOLEAN, initial=int(first == "true"))
        if "false" in names or "true" in names:
            self.report.error(
                braces.span,
                "false and true stand together and alone, as {false, true}; use other words here",
            )
            return None
        return replace(base, type=Type.ENUMERATION, members=tuple(names.values()))

    def _patterned(self, text: tree.TextLiteral, base: Variable) -> Variable | None:
        fault = fault_of(text.value)
        if fault:
            self.report.error(text.span, f"this pattern is no regular expression: {fault}")
            return None
        return replace(base, type=Type.TEXT, initial="", pattern=text.value)

    def _number_in_braces(self, number: tree.NumberLiteral, braces: tree.Braces) -> None:
        if len(braces.items) > 1:
            self.report.error(
                number.span, "members are words; numbers have bounds instead, as in {1-3}"
            )
            return
        scale = decimal(0, number.decimals) if number.decimals else "0.00"
        bounds = f"{{0-{decimal(abs(number.units), number.decimals)}}}"
        self.report.error(
            braces.span,
            f"a lone number in braces is no constraint; {scale} declares a number, {bounds} one "
            "with bounds",
            scale,
        )

    def _bounded(self, bounds: tree.Bounds, base: Variable) -> Variable | None:
        decimals = max(bounds.lower.decimals, bounds.upper.decimals if bounds.upper else 0)
        lower = bounds.lower.units * 10 ** (decimals - bounds.lower.decimals)
        upper = INT64_MAX
        if bounds.upper is not None:
            upper = bounds.upper.units * 10 ** (decimals - bounds.upper.decimals)
        if max(abs(lower), abs(upper)) > INT64_MAX:
            self.report.error(
                bounds.span, "these bounds are too large; they may have 18 digits in all"
            )
            return None
        if lower > upper:
            assert bounds.upper is not None
            self.report.error(
                bounds.span,
                "the lower bound stands first",
                "{"
                f"{decimal(bounds.upper.units, bounds.upper.decimals)}-"
                f"{decimal(bounds.lower.units, bounds.lower.decimals)}"
                "}",
            )
            return None
        initial = 0 if lower <= 0 <= upper else lower
        return replace(
            base, type=Type.DECIMAL, decimals=decimals, lower=lower, upper=upper, initial=initial
        )

    def constant(self, variable: Variable, literal: tree.Expression) -> int | str | None:
        """Return a literal as a value of the variable, or report why it is none and return None.

        Arguments:
            variable: of any type but ANY and EVENT.
            literal: a number, text, time or bare word.
        """
        match variable.type, literal:
            case Type.DECIMAL, tree.NumberLiteral() as number:
                return self.number(variable, scaled(number), number.span)
            case Type.TEXT, tree.TextLiteral() as text:
                return self.text(variable, text.value, text.span)
            case Type.TEXT, tree.Name() as word:
                self.report.error(word.span, "a text stands in quotes", f'"{clip(word.text)}"')
                return None
            case Type.TIME, tree.ClockLiteral() as clock:
                return clock.minutes
            case Type.TIME, tree.Name() as word if fold(word.text) in CLOCKS:
                return CLOCKS[fold(word.text)]
            case ((Type.ENUMERATION | Type.BOOLEAN), _):
                return self.member(variable, literal)
        expected = {Type.DECIMAL: "a number", Type.TEXT: "a text in quotes"}.get(
            variable.type, "a time of day, such as 15:00"
        )
        self.report.error(literal.span, f"{quoted(variable.name)} takes {expected}")
        return None

    def text(self, variable: Variable, value: str, span: Span) -> str | None:
        """Return a text of the variable, or report that it is none and return None."""
        if variable.pattern and not matches(variable.pattern, value):
            self.report.error(span, f"{quoted(value)} does not match {describe(variable)}")
            return None
        return value

    def number(self, variable: Variable, value: int, span: Span) -> int | None:
        """Return a number in units of 10 ** -9 in the variable's, or report it and return None."""
        units = rescale(value, variable.decimals)
        if not variable.lower <= units <= variable.upper:
            nearer = variable.lower if units < variable.lower else variable.upper
            bounded = nearer not in (INT64_MIN, INT64_MAX)
            limits = describe(variable) if bounded else "what a variable holds"
            self.report.error(
                span,
                f"{plain(value)} is outside {limits}",
                decimal(nearer, variable.decimals) if bounded else None,
            )
            return None
        if units * 10 ** (9 - variable.decimals) != value:
            self.report.warning(
                span,
                f"{quoted(variable.name)} has {digits(variable.decimals)} behind its point, "
                f"so {plain(value)} is rounded",
                decimal(units, variable.decimals),
            )
        return units

    def member(self, variable: Variable, literal: tree.Expression) -> int | None:
        """Return the member that a word, text or number names, or report it and return None."""
        match literal:
            case tree.Name(attribute=None) as name:
                word = name.text
            case tree.TextLiteral() as text:
                word = text.value
            case tree.NumberLiteral() as number:
                word = decimal(number.units, number.decimals)
            case tree.ClockLiteral() as clock:
                word = f"{clock.minutes // 60:02d}:{clock.minutes % 60:02d}"
            case _:
                self.report.error(literal.span, f"this is not one of {describe(variable)}")
                return None
        found = Symbol("", literal.span, 0, variable).member(word)
        if found is None:
            members = variable.members or ("false", "true")
            self.report.error(
                literal.span,
                f"{quoted(word)} is not one of {describe(variable)}",
                nearest(word, members),
            )
        return found


CLOCKS: Final = {"midnight": 0, "noon": 720}
"""Times of day that have a name."""
