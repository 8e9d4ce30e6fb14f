"""Makes variables of declarations.

The one idea: a type follows from what stands behind the name; everything a value must satisfy is
settled here, and is asked for through `Symbol`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Role, Type, Variable
from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import Report, Span, clip, nearest, quoted
from myocan.hub.lang.words import UNITS_MS, fold, later

MAX_VARIABLES: Final = 1000
"""Most variables of a module."""

MAX_MEMBERS: Final = 256
"""Most members of an enumeration."""

MAX_NAME: Final = 64
"""Longest part of a name; that of a level of a topic on the wire."""

_TRAVELS: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

_ROLES: Final = {
    "SUBSCRIBE": Role.SUBSCRIBE,
    "PUBLIC": Role.PUBLIC,
    "PRIVATE": Role.PRIVATE,
    "TIMER": Role.TIMER,
}

MIN_DURATION_MS: Final = 100
MAX_DURATION_MS: Final = 366 * 24 * 3_600_000
"""How long a TIMER runs, at least and at most."""


@dataclass(slots=True)
class Symbol:
    """A declared name.

    Arguments:
        name: as declared.
        span: where its name stands.
        index: its number among the module's variables.
        variable: what it is; None if its declaration is broken (then anything may be said of it).
        read, written: whether any reaction does.
    """

    name: str
    span: Span
    index: int
    variable: Variable | None
    read: bool = False
    written: bool = False

    def member(self, word: str) -> int | None:
        """Return the slot value of a member of an enumeration or boolean, or None."""
        if self.variable is None:
            return None
        if self.variable.type is Type.BOOLEAN:
            return {"false": 0, "true": 1}.get(fold(word))
        folded = fold(word)
        for index, member in enumerate(self.variable.members):
            if fold(member) == folded:
                return index
        return None


def describe(variable: Variable) -> str:
    """Return a variable's constraint as it is written, for messages."""
    match variable.type:
        case Type.BOOLEAN:
            return "{false, true}"
        case Type.ENUMERATION:
            names = variable.members
            return "{" + ", ".join(clip(n) for n in names[:12]) + (", …}" if names[12:] else "}")
        case Type.DECIMAL if variable.lower > INT64_MIN or variable.upper < INT64_MAX:
            upper = (
                "" if variable.upper == INT64_MAX else decimal(variable.upper, variable.decimals)
            )
            return "{" + decimal(variable.lower, variable.decimals) + "-" + upper + "}"
        case Type.DECIMAL:
            return decimal(0, variable.decimals)
        case Type.TEXT:
            return '""'
        case Type.TIME:
            return "00:00"
    return ""


def decimal(units: int, decimals: int) -> str:
    """Return a number as it is written."""
    written = str(abs(units)).rjust(decimals + 1, "0")
    sign = "-" if units < 0 else ""
    return sign + (f"{written[:-decimals]}.{written[-decimals:]}" if decimals else written)


def plain(scaled: int) -> str:
    """Return a number in units of 10 ** -9 as it is written, without idle zeros."""
    return decimal(scaled, 9).rstrip("0").rstrip(".")


def digits(count: int) -> str:
    """Return a number of digits in words."""
    return "1 digit" if count == 1 else f"{count or 'no'} digits"


def rescale(scaled: int, decimals: int) -> int:
    """Return a number in units of 10 ** -9 in units of 10 ** -`decimals`, rounded half-even."""
    step = int(10 ** (9 - decimals))
    units, rest = divmod(scaled, step)
    if 2 * rest > step or (2 * rest == step and units % 2):
        units += 1
    return units


def scaled(literal: tree.NumberLiteral) -> int:
    """Return a number of the text in units of 10 ** -9."""
    return literal.units * int(10 ** (9 - literal.decimals))


class Declarer:
    """Makes the variables of one module."""

    def __init__(self, module: str, report: Report) -> None:
        """Start with none; `module` is the module's name."""
        self.module = module
        self.report = report
        self.symbols: list[Symbol] = []
        self.by_name: dict[str, Symbol] = {}
        self._topics: dict[tuple[Role, tuple[str, str, str]], Symbol] = {}
        self.renamed: dict[str, Symbol] = {}
        """What was declared under a local name: its full name -> the symbol."""
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
        shown = statement.local.text if statement.local is not None else name.text
        span = statement.local.span if statement.local is not None else name.span
        index = len(self.symbols)
        if index == MAX_VARIABLES and not self._full:
            self._full = True
            self.report.error(
                statement.span, f"this module has more than {MAX_VARIABLES} variables; split it up"
            )
        if self._full:
            self.broken(tree.Broken(span, statement.word, shown))
            return
        variable = None
        if self._names_fit(statement):
            variable = self._variable(statement, shown)
        symbol = Symbol(shown, name.span, index, variable)
        other = self.by_name.setdefault(fold(shown), symbol)
        if other is not symbol:
            if other.variable is not None:
                self.report.error(
                    span, f"{quoted(shown)} is declared already, in line {other.span.line}"
                )
            return
        self.symbols.append(symbol)
        if statement.local is not None:
            self.renamed.setdefault(fold(name.text), symbol)
        if variable is None or variable.topic is None:
            return
        first = self._topics.setdefault((variable.role, variable.topic), symbol)
        if first is not symbol:
            self.report.error(
                name.span,
                f"line {first.span.line} has this topic already, as {quoted(first.name)}",
            )

    def _names_fit(self, statement: tree.Declaration) -> bool:
        name = statement.name
        for part in name.parts:
            if part.key is not None:
                self.report.error(part.span, later("a name with a key in brackets"))
                return False
        if name.attribute is not None:
            self.report.error(
                name.span, "an attribute cannot be declared; leave out what begins with #"
            )
            return False
        if fold(name.parts[0].text) == "system":
            self.report.error(
                name.parts[0].span, "'system' is a name of the language; choose another"
            )
            return False
        for part in (*name.parts, *((statement.local,) if statement.local is not None else ())):
            if not _TRAVELS.fullmatch(part.text):
                self.report.error(
                    part.span,
                    f"{quoted(part.text)} is no name: names have A to Z, a to z, 0 to 9 and _",
                )
                return False
            if len(part.text) > MAX_NAME:
                self.report.error(
                    part.span, f"this name is too long; it may have {MAX_NAME} letters"
                )
                return False
        if len(".".join(name.words[:-2])) > MAX_NAME:
            self.report.error(name.span, f"this domain is too long; it may have {MAX_NAME} letters")
            return False
        if statement.word in ("PRIVATE", "TIMER") and len(name.parts) > 1:
            what = "PRIVATE variable" if statement.word == "PRIVATE" else "TIMER"
            self.report.error(
                name.span,
                f"a {what} has a name of one word; nobody else sees it",
                name.words[-1],
            )
            return False
        if statement.word == "PRIVATE" and statement.local is not None:
            self.report.error(
                statement.local.span,
                "a PRIVATE variable has one name; leave out AS and what follows",
            )
            return False
        return True

    def _variable(self, statement: tree.Declaration, shown: str) -> Variable | None:
        words = statement.name.words
        role = _ROLES[statement.word]
        topic = None
        if role is not Role.PRIVATE:
            domain = ".".join(words[:-2])
            module = words[-2] if len(words) > 1 else self.module
            topic = (domain, module, fold(words[-1]))
        base = Variable(shown, role, Type.ANY, topic, line=statement.span.line)
        variable = self._typed(statement, base)
        if variable is None or statement.initial is None:
            return variable
        if variable.type in (Type.ANY, Type.EVENT):
            self.report.error(
                statement.initial.span,
                f"{quoted(shown)} needs a type before its first value, such as {{off, on}} or 0.0",
            )
            return None
        initial = self.constant(variable, statement.initial)
        return None if initial is None else replace(variable, initial=initial)

    def _typed(self, statement: tree.Declaration, base: Variable) -> Variable | None:
        match statement.kind:
            case None if base.role is Role.PRIVATE:
                self.report.error(
                    statement.name.span,
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
                return text.value
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
