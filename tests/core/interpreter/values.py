"""What can be in a variable: plain Python values, and which of them fit.

A number that a variable holds or that travels is a `Decimal` whose exponent says how many digits
stand behind its point. A number inside an expression is a `Fraction`, a multiple of 10 ** -9.
Enumerations hold the folded name of their member, times of day are `HH:MM`, a timer when it is due
in milliseconds (0 while it does not run, None if it never did).
"""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from myocan.hub.core import Failure, Type

if TYPE_CHECKING:
    from core.interpreter.tree import Var

Scalar = None | bool | Decimal | str
Topic = tuple[str, str, str]

DEPTH = 64
MAX_KEY = 64
EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)


class Failed(Exception):
    """The cycle fails; carries the reason."""


def fold(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def json_text(value: Scalar) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


def same(one: Scalar, other: Scalar) -> bool:
    """Whether two scalars are the same value: 5 and 5.0 are, 1 and true are not."""
    return isinstance(one, Decimal) == isinstance(other, Decimal) and (
        type(one) is type(other) and one == other
    )


def wide(number: Fraction) -> Fraction:
    """Round to nine digits, of two to the even one; 128 bits or the cycle fails."""
    units = round(number * 10**9)
    if abs(units) >= 2**127:
        raise Failed(Failure.OVERFLOW)
    return Fraction(units, 10**9)


def stored(number: Fraction, var: Var) -> Decimal | None:
    """Round to the variable's digits; None if that is outside its bounds, or 64 bits."""
    units = round(number * 10**var.decimals)
    value = Decimal(units).scaleb(-var.decimals, EXACT)
    if not -(2**63) <= units < 2**63:
        return None
    if var.lower is not None and value < var.lower:
        return None
    return None if var.upper is not None and value > var.upper else value


def initial_of(var: Var) -> Scalar:
    return fold(var.members[0]) if var.members and var.initial is None else var.initial


REFUSED = object()


def converted(value: Scalar, var: Var) -> object:
    """Return what the variable would hold after this value arrived, or `REFUSED`."""
    if var.type == Type.ANY:
        return value
    if var.type == Type.DECIMAL and isinstance(value, Decimal):
        number = stored(Fraction(value), var)
        return REFUSED if number is None else number
    if var.type == Type.BOOLEAN and isinstance(value, bool):
        return value
    if isinstance(value, str):
        if var.type == Type.TEXT:
            return value
        if var.type == Type.ENUMERATION and fold(value) in map(fold, var.members):
            return fold(value)
        if var.type == Type.TIME and re.fullmatch(r"([0-9]|[01][0-9]|2[0-3]):[0-5][0-9]", value):
            return value.rjust(5, "0")
        if var.type == Type.TIME and re.fullmatch(r"(0?[1-9]|1[0-2]):[0-5][0-9][aApP][mM]", value):
            hour, minute = value[:-2].split(":")
            return f"{int(hour) % 12 + 12 * (value[-2] in 'pP'):02}:{minute}"
    return REFUSED


def is_due_time(value: Scalar) -> bool:
    """Tell whether a TIMER can hold this: whole milliseconds."""
    return isinstance(value, Decimal) and value >= 0 and value.as_tuple().exponent == 0


def is_key(value: Scalar) -> bool:
    """Tell whether a text can be the key of an instance or of a map."""
    return isinstance(value, str) and 1 <= len(value.encode()) <= MAX_KEY


def key_of(value: Scalar) -> str:
    """Return a text as the key of an instance or of a map.

    Raises:
        Failed: it is none.
    """
    if isinstance(value, str) and is_key(value):
        return value
    raise Failed(Failure.NO_KEY)


def seconds(milliseconds: int) -> Decimal:
    return Decimal(milliseconds).scaleb(-3, EXACT)
