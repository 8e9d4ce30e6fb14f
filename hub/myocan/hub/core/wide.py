"""Exact decimal arithmetic between a cycle's variables: 128 bits, nine digits behind the point.

The one idea: a number is an integer in units of 10 ** -9 that must stay below 2 ** 127 in
magnitude, and every operation that cannot be exact rounds half to even, once. Results that do not
fit are `OVER`, a value that is no number, so that the compiled core needs no exceptions.

These are the rules themselves, in Python's unbounded integers: the pure core calls them for every
operation, the compiled core (`dispatch.pxd`) for those whose factors leave 64 bits.
"""

from __future__ import annotations

UNIT = 10**9
"""Units in one whole."""

LIMIT = 2**127
OVER = -LIMIT
"""Not a number: the result did not fit. No operand may be this."""

POWERS: tuple[int, ...] = tuple(10**i for i in range(19))


def fit(number: int) -> int:
    """Return `number` if its magnitude is below 2 ** 127, else `OVER`."""
    return number if -LIMIT < number < LIMIT else OVER


def divide_half_even(numerator: int, denominator: int) -> int:
    """Return the integer nearest to numerator / denominator; of two, the even one.

    Arguments:
        numerator: any integer.
        denominator: any integer but zero.
    """
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def wide_add(a: int, b: int) -> int:
    """Return a + b or `OVER`."""
    return fit(a + b)


def wide_multiply(a: int, b: int) -> int:
    """Return the product of two numbers, rounded to nine digits, or `OVER`."""
    return fit(divide_half_even(a * b, UNIT))


def wide_divide(a: int, b: int) -> int:
    """Return a / b rounded to nine digits, or `OVER`; b is not zero."""
    return fit(divide_half_even(a * UNIT, b))


def wide_round(a: int, digits: int) -> int:
    """Return `a` rounded to `digits` (0 to 9) digits behind the point, or `OVER`."""
    step = POWERS[9 - digits]
    return fit(divide_half_even(a, step) * step)


def to_units(a: int, decimals: int) -> int:
    """Return `a` in units of 10 ** -decimals (0 to 9), rounded; the caller checks the range."""
    return divide_half_even(a, POWERS[9 - decimals])


def rescale(units: int, from_decimals: int, to_decimals: int) -> int:
    """Return `units` of 10 ** -from_decimals in units of 10 ** -to_decimals, half to even."""
    if to_decimals >= from_decimals:
        return units * POWERS[to_decimals - from_decimals]
    return divide_half_even(units, POWERS[from_decimals - to_decimals])
