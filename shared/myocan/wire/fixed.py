"""Exact decimals. `21.50` is 2150 hundredths, on the board and on the hub, and never a float.

The scale is part of the value: `Fixed(215, 1)` and `Fixed(2150, 2)` are different messages, since
a port states its precision by it. Arithmetic is for whoever knows the variable's scale.
"""

from .errors import WireError

MAX_DECIMALS = 9
MAX_UNITS = (1 << 63) - 1


class Fixed:
    """An exact decimal number, `units` / 10**`decimals`; compared and hashed by both.

    Treat it as immutable. `str(Fixed(2150, 2))` is `"21.50"`, as it travels. With 0 decimals it
    travels as an integer, and arrives as one.
    """

    __slots__ = ("decimals", "units")

    units: int
    decimals: int

    def __init__(self, units: int, decimals: int) -> None:
        """Make units / 10**decimals.

        units: -(2**63 - 1) to 2**63 - 1. decimals: 0 to 9. Raises `WireError` outside of these.
        """
        if (
            type(units) is not int
            or type(decimals) is not int
            or not -MAX_UNITS <= units <= MAX_UNITS
            or not 0 <= decimals <= MAX_DECIMALS
        ):
            raise WireError("Fixed(2150, 2) is 21.50: units below 2**63, 0 to 9 decimals")
        self.units = units
        self.decimals = decimals

    def __str__(self) -> str:
        decimals = self.decimals
        if not decimals:
            return str(self.units)
        digits = str(abs(self.units))
        if len(digits) <= decimals:
            digits = "0" * (decimals + 1 - len(digits)) + digits
        sign = "-" if self.units < 0 else ""
        return sign + digits[:-decimals] + "." + digits[-decimals:]

    def __repr__(self) -> str:
        return f"Fixed({self.units}, {self.decimals})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Fixed)
            and self.units == other.units
            and self.decimals == other.decimals
        )

    def __hash__(self) -> int:
        return hash((self.units, self.decimals))
