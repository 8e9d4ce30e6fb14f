"""Exact numbers of ports: (units, decimals), so that (215, 1) is 21.5; see `myocan.wire.Fixed`."""

from myocan.edge.clock import const
from myocan.wire import Fixed

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import TypeAlias

    from myocan.wire.message import Value

    Number: TypeAlias = tuple[int, int]


def rescale(number: "Number", decimals: int) -> int:
    """Return a number's units if it had so many decimals; a tie goes away from zero."""
    return scaled(number[0], number[1], decimals)


def scaled(units: int, have: int, decimals: int) -> int:
    """Do the same with a number in two pieces, which takes no memory."""
    if have <= decimals:
        return units * int(10 ** (decimals - have))
    return divide(units, int(10 ** (have - decimals)))


def divide(dividend: int, divisor: int) -> int:
    """Return the nearest whole number to dividend / divisor; a tie goes away from zero."""
    if (dividend < 0) != (divisor < 0):
        return -((abs(dividend) + abs(divisor) // 2) // abs(divisor))
    return (abs(dividend) + abs(divisor) // 2) // abs(divisor)


def number_of(value: "Value") -> "Number | None":
    """Return a value as a number; None if it is something else, a boolean too."""
    if isinstance(value, Fixed):
        return value.units, value.decimals
    return (value, 0) if type(value) is int else None


def value_of(number: "Number") -> "int | Fixed":
    """Return a number as it travels."""
    units, decimals = number
    return Fixed(units, decimals) if decimals else units
