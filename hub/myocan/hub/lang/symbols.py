"""What a declared name is, and how its constraint and its numbers are written.

The one idea: whatever is said of a variable is asked of its `Symbol`, so that a name that could not
be declared, and one value of a map, look like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

from myocan.hub.core.program import INT64_MAX, INT64_MIN, Type, Variable
from myocan.hub.lang import tree
from myocan.hub.lang.diagnostics import Span, clip
from myocan.hub.lang.words import fold


@dataclass(slots=True)
class Symbol:
    """A declared name.

    Arguments:
        name: as declared.
        span: where its name stands.
        index: its number among the module's variables.
        variable: what it is; None if its declaration is broken (then anything may be said of it).
        read, written: whether any reaction does.
        of: the map of which this is the value of one key, else None.
    """

    name: str
    span: Span
    index: int
    variable: Variable | None
    read: bool = False
    written: bool = False
    of: Symbol | None = None

    @property
    def attribute(self) -> bool:
        """Whether it is filled by the core, as `x#timestamp` is."""
        return "#" in self.name

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
            return f'{{"{variable.pattern}"}}' if variable.pattern else '""'
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
