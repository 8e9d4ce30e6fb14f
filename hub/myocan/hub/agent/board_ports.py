"""The ports of boards, as far as the hub knows them: what they take, and what speaks against it.

The one idea: a board decides itself what its ports take, see `proposals`. What is known here is
what its adapter's file declares, which is all that there is to go by in a test mode, where no board
listens.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from myocan.hub.agent.outlet import Name
from myocan.hub.core.linker import fold
from myocan.hub.needs import ANY, Need, Plain, Range, read_needs, read_number, text_of
from myocan.wire import Fixed

__all__ = ["BoardPort", "code_of", "plain", "port_of", "topic_of", "wire_value"]

Value = str | int | Decimal | Fixed | bool | None
"""A value as it may be proposed; a decimal travels with the digits that it has."""

ON_OFF: Mapping[Plain, int] = {"on": 1, "off": 0, True: 1, False: 0}
"""What a port takes that is switched, if its file has no map."""

FULL_NONE: Mapping[Plain, int] = {"on": 100, "off": 0, True: 100, False: 0}
"""What words mean to a port that takes percent, if its file has no map."""

SWITCHED = ("led", "relay")
GRADED = "pwm"

MAX_DECIMALS = 9


@dataclass(frozen=True, slots=True)
class BoardPort:
    """A port of a board.

    Attributes:
        board, name: whose it is, and what it is called.
        takes: the topic whose values it takes, if it does. tells: what it publishes -> topic.
        levels: the values that it knows, with their levels; None if there may be others.
        words: values that mean a number to it, which is held against its range.
        range: the numbers that it takes.
        safe: its safe value, or the level of that where levels are known; None if nobody says.
        needs: what other ports of its board must show for any but the safe value.
    """

    board: str
    name: str
    takes: Name | None = None
    tells: Mapping[str, Name] = field(default_factory=dict)
    levels: Mapping[Plain, int] | None = None
    words: Mapping[Plain, int | Decimal] = field(default_factory=dict)
    range: Range = ANY
    safe: Plain | None = None
    needs: tuple[Need, ...] = ()

    def refusal(self, value: Value, shows: Callable[[str, str], object]) -> str:
        """Return why the port would not take a value, by what its file declares; "" if it would.

        Arguments:
            shows: says what another port shows, from its name and what it tells; None: unknown.
        """
        said = plain(value)
        level = None
        if self.levels is not None:
            level = next((level for one, level in self.levels.items() if _same(one, said)), None)
            if level is None:
                return f"port '{self.name}' has no level for {text_of(said)}: add it to its map"
        number = next((number for word, number in self.words.items() if _same(word, said)), said)
        safe = level == self.safe if self.levels is not None else self.safe in (said, number)
        if self.safe is not None and safe:
            return ""
        if not self.range.has(number):
            return f"port '{self.name}' takes {self.range}, not {text_of(said)}"
        for need in self.needs:
            shown = shows(need.port, need.what)
            if shown is not None and not need.allows(shown):
                why = f"{need}, which is at {text_of(shown)}"
                return f"port '{self.name}' cannot take {text_of(said)}: {why}"
        return ""


def port_of(board: str, name: str, given: Mapping[str, Any]) -> BoardPort:
    """Return what an adapter's file says of a port; what cannot be understood there says nothing.

    Arguments:
        board, name: whose it is, and what it is called.
        given: its table in the file.
    """
    kind, written = given.get("kind"), given.get("map")
    levels: Mapping[Plain, int] | None = None
    words: Mapping[Plain, int | Decimal] = FULL_NONE if kind == GRADED else {}
    if kind in SWITCHED:
        levels = ON_OFF
    if isinstance(written, dict):
        numbers = {_key(one): _number(number) for one, number in written.items()}
        known = {one: number for one, number in numbers.items() if number is not None}
        if kind in SWITCHED:
            levels = {one: int(number) for one, number in known.items()}
        else:
            words = known
    safe = given.get("safe", 0 if kind == GRADED else None)
    if levels is not None:
        safe = next((level for one, level in levels.items() if _same(one, safe)), safe or 0)
    publish = given.get("publish")
    tells = publish if isinstance(publish, dict) else {"": publish}
    return BoardPort(
        board,
        name,
        topic_of(given.get("subscribe")),
        {str(what): topic for what, one in tells.items() if (topic := topic_of(one))},
        levels,
        words,
        Range(*(_number(given.get(end)) for end in ("min", "max"))),
        safe if isinstance(safe, str | int) else _number(safe),
        tuple(_needs(given.get("needs", {}))),
    )


def code_of(board: str, given: Mapping[str, Any]) -> list[BoardPort]:
    """Return what an adapter's own code takes, each as a port of that name.

    Arguments:
        board: whose it is.
        given: its table in the file, `[code]`.
    """
    taken = given.get("subscribe")
    return [
        BoardPort(board, str(what), topic)
        for what, text in (taken.items() if isinstance(taken, dict) else ())
        if (topic := topic_of(text)) is not None
    ]


def _needs(given: object) -> list[Need]:
    try:
        return read_needs(given)
    except ValueError:
        return []


def _number(given: object) -> Decimal | None:
    try:
        return read_number(given, "")
    except ValueError:
        return None


def _key(text: str) -> Plain:
    """Return the value that a key of a map stands for: TOML's keys are always text."""
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.isascii() and text.removeprefix("-").isdigit() else text


def topic_of(given: object) -> Name | None:
    """Return (module, variable, instance) of `lamp1.state` or `lamp.state[kitchen]`, or None."""
    if not isinstance(given, str):
        return None
    text, bracket, key = given.partition("[")
    parts = text.split(".")
    if len(parts) < 2 or not all(parts):
        return None
    return parts[-2], fold(parts[-1]), key.removesuffix("]") if bracket else ""


def plain(value: Value) -> Plain | None:
    """Return a value as those of a file are."""
    if isinstance(value, Fixed):
        return Decimal(value.units).scaleb(-value.decimals)
    return value


def wire_value(value: Value) -> str | int | Fixed | bool | None:
    """Return a value as it travels; raises ValueError for a number that cannot."""
    if not isinstance(value, Decimal):
        return value
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -MAX_DECIMALS:
        raise ValueError(f"{value} has more than {MAX_DECIMALS} digits behind the point")
    return int(value) if exponent >= 0 else Fixed(int(value.scaleb(-exponent)), -exponent)


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) is isinstance(other, bool)
