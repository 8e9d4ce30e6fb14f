"""Limits and interlocks of a board's ports, as its adapter's file says them.

    [ports.heater]
    max = 80                                        # limits, for ports that take numbers
    needs = { pump = "on", boiler = { max = 90 } }  # interlocks: what other ports must show

What a need may say of a port: a value, a list of values, `{ min = 5, max = 90 }`, or, of one that
tells several things, a table of these: `{ temperature = { max = 90 } }`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple

__all__ = ["ANY", "Need", "Plain", "Range", "read_needs", "read_number", "text_of"]

Plain = str | int | Decimal | bool
"""A value of a port, as a file can say it."""


class Range(NamedTuple):
    """Numbers from `least` to `most`, both included; None: no end."""

    least: Decimal | None = None
    most: Decimal | None = None

    def has(self, value: object) -> bool:
        """Tell whether a value lies in it; everything does if it has no end at all."""
        if self.least is None and self.most is None:
            return True
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            return False
        above = self.least is None or value >= self.least
        return above and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        if self.least is None:
            return "anything" if self.most is None else f"{self.most} or less"
        return f"{self.least} or more" if self.most is None else f"{self.least} to {self.most}"


ANY = Range()
"""No limits."""


class Need(NamedTuple):
    """What another port of the board must show, for a port to take any but its safe value.

    Arguments:
        port: its name.
        what: what it tells; "": its usual value.
        values: those that allow; None: what is in `range`.
    """

    port: str
    what: str
    values: tuple[Plain, ...] | None
    range: Range = ANY

    def allows(self, value: object) -> bool:
        """Tell whether the other port may show this value."""
        if self.values is None:
            return self.range.has(value)
        return any(
            one == value and isinstance(one, bool) is isinstance(value, bool) for one in self.values
        )

    def __str__(self) -> str:
        """Return what is needed, in words."""
        what = f" ({self.what})" if self.what else ""
        wanted = str(self.range)
        if self.values is not None:
            wanted = " or ".join(text_of(one) for one in self.values)
        return f"it needs port '{self.port}'{what} at {wanted}"


def text_of(value: object) -> str:
    """Return a value as people write it, in TOML's words."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        plain = value.isprintable() and "'" not in value
        return f"'{value}'" if plain else json.dumps(value)
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {text_of(one)}' for key, one in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(text_of(one) for one in value)}]"
    return str(value)


def read_needs(given: object) -> list[Need]:
    """Return the needs that a file says; raises ValueError, with a text for who wrote it."""
    if not isinstance(given, Mapping):
        raise ValueError('needs is a table of ports, like { pump = "on" }')
    needs = []
    for port, wanted in given.items():
        several = isinstance(wanted, Mapping) and not wanted.keys() <= {"min", "max"}
        for what, one in wanted.items() if several else [("", wanted)]:
            needs.append(_need(str(port), str(what), one))
    return needs


def _need(port: str, what: str, wanted: Any) -> Need:
    name = f"{port}.{what}" if what else port
    if isinstance(wanted, Mapping):
        if not wanted or not wanted.keys() <= {"min", "max"}:
            raise ValueError(f"needs.{name} is a value, a list of them, or {{ min = 5, max = 90 }}")
        ends = {key: read_number(end, f"needs.{name}.{key}") for key, end in wanted.items()}
        span = Range(ends.get("min"), ends.get("max"))
        if len(ends) == 2 and ends["min"] > ends["max"]:
            raise ValueError(f"needs.{name}: min is above max, so nothing would ever do")
        return Need(port, what, None, span)
    values = wanted if isinstance(wanted, list) else [wanted]
    if not values or not all(isinstance(one, str | int | float) for one in values):
        raise ValueError(f"needs.{name} is a value, a list of them, or {{ min = 5, max = 90 }}")
    return Need(port, what, tuple(_plain(one, name) for one in values))


def _plain(value: Any, name: str) -> Plain:
    return value if isinstance(value, str | bool) else _whole(read_number(value, f"needs.{name}"))


def _whole(number: Decimal) -> int | Decimal:
    return int(number) if number == number.to_integral_value() else number


def read_number(given: object, name: str) -> Decimal:
    """Return a number of a file as what is written there; raises ValueError.

    Arguments:
        given: what the file's reader made of it: a float is taken for its shortest text.
        name: what it is, for the message.
    """
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise ValueError(f"{name} must be a number, not {text_of(given)}")
    number = Decimal(str(given))
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -9 or abs(number) >= 10**9:
        raise ValueError(f"{name} must have at most nine digits before and behind the point")
    return number
