"""The kinds of boards there are: what the files in boards/ say, checked.

The one idea to know: everything that differs between boards is written in one file each, with the
maker's document it comes from. No other code knows a board's name, so a new board is a new file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from myocan.tools.errors import ToolsError
from myocan.tools.nearest import did_you_mean

# fmt: off
Capability = Literal[
    "in", "out", "pull-up", "pull-down", "pwm", "adc", "adc2", "dac", "i2c", "spi", "uart",
    "one-wire",
]
# fmt: on
"""What a pin may be able to do. `adc2`: analog input, but not while WiFi is on."""

MpyArch = Literal["x64", "armv6m", "armv7emsp", "xtensa", "xtensawin", "rv32imc"]
"""Names that `mpy-cross -march=` takes."""


class BoardKindError(ToolsError):
    """There is no such kind of board, or its file is wrong."""


class Facts(BaseModel):
    """A part of a board's file: fixed, and without keys that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PinFacts(Facts):
    """A pin: its number on the chip, what it can do, other names, and what to beware of.

    strapping: what the chip reads it for when it starts. reserved: why it must not be used at all.
    """

    number: int
    can: frozenset[Capability] = frozenset()
    also: tuple[str, ...] = ()
    strapping: str = ""
    warning: str = ""
    reserved: str = ""


class PwmFacts(Facts):
    """How many PWM outputs a chip has, and what they have in common.

    outputs: how many at the same time. channels: pins whose numbers differ by this, or a multiple
    of it, are the same output; 0 for none. clocks: how many frequencies there are: "pairs" of pins
    have one (0 and 1, 2 and 3, which repeat with the channels), all have "one", or "any".
    """

    outputs: int
    channels: int = 0
    clocks: Literal["pairs", "one", "any"] = "any"
    highest_hz: int = 40_000

    def channel(self, number: int) -> int:
        """Return which output a pin is."""
        return number % self.channels if self.channels else number

    def clock(self, number: int) -> int:
        """Return which frequency a pin has."""
        if self.clocks == "one":
            return 0
        return self.channel(number) // 2 if self.clocks == "pairs" else number


class Memory(Facts):
    """Sizes in KiB: RAM of the chip, heap after start, flash, and its part for files."""

    ram_kib: int
    heap_kib: int
    flash_kib: int
    files_kib: int


class Pinout(Facts):
    """Where the pins are, as one looks at the board with `top` up.

    left, right: what stands beside each pin, from above: a name of the board's, or one of `SUPPLY`.
    numbered: "around" (down on the left, up on the right), "rows" (left, right, left, right), or ""
    where the maker gives no numbers.
    """

    top: str
    numbered: Literal["around", "rows", ""] = ""
    left: tuple[str, ...]
    right: tuple[str, ...]

    def numbers(self) -> tuple[list[str], list[str]]:
        """Return the pins' numbers on the left and on the right, from above; "" for none."""
        count = len(self.left)
        if self.numbered == "around":
            return _texts(range(1, count + 1)), _texts(range(2 * count, count, -1))
        if self.numbered == "rows":
            return _texts(range(1, 2 * count, 2)), _texts(range(2, 2 * count + 1, 2))
        return [""] * count, [""] * count


class EthernetFacts(Facts):
    """How the Ethernet of a board with an ESP32 is built, as `network.LAN` takes it: numbers of
    pins, and names of `network`'s constants. ref_clk_mode: who makes the clock, "out" the ESP32."""

    mdc: int
    mdio: int
    phy_type: str
    phy_addr: int
    power: int | None = None
    ref_clk: int | None = None
    ref_clk_mode: Literal["in", "out"] | None = None


# fmt: off
SUPPLY = frozenset((
    "GND", "AGND", "3V3", "5V", "VIN", "VBUS", "VSYS", "3V3_EN", "ADC_VREF", "RUN", "EN", "RST",
    "RSV",
))
# fmt: on
"""What pins are called that are no pins of the chip."""


def _texts(numbers: range) -> list[str]:
    return [str(number) for number in numbers]


class BoardKind(Facts):
    """A kind of board.

    runtime: what runs the adapter there. micropython: the oldest version that does.
    machine: how `sys.implementation._machine` ends on such a board; the first is the usual one.
    usb: "vendor:product" numbers of its USB connection. flash: how MicroPython gets onto it.
    mpy_arch: for native code. i2c: the pairs of pins (SDA, SCL) that can be a bus, if not any two
    that have the capability. wifi, tls: whether it has them. ethernet: None where it has none.
    pinout: None where there are no pins to wire.
    """

    name: str
    title: str
    source: str
    chip: str
    runtime: Literal["micropython", "cpython"]
    micropython: str = ""
    machine: tuple[str, ...] = ()
    usb: tuple[str, ...] = ()
    flash: Literal["uf2", "esptool", "none"]
    mpy_arch: MpyArch | None = None
    wifi: bool
    tls: bool
    ethernet: EthernetFacts | None = None
    notes: tuple[str, ...] = ()
    i2c: tuple[tuple[str, str], ...] = ()
    pwm: PwmFacts | None = None
    memory: Memory | None = None
    pinout: Pinout | None = None
    pins: dict[str, PinFacts]

    @classmethod
    def load(cls, name: str) -> BoardKind:
        """Return the kind of board of that name, e.g. "pico-w".

        Raises BoardKindError, with the nearest name, if there is none.
        """
        return _load(name)

    @staticmethod
    def names() -> list[str]:
        """Return the names of all kinds, sorted."""
        return sorted(file.name.removesuffix(".toml") for file in _files())

    @classmethod
    def identify(cls, machine: str) -> BoardKind | None:
        """Return the kind whose `sys.implementation._machine` this is, if one is known."""
        for name in cls.names():
            if (kind := cls.load(name)).is_machine(machine):
                return kind
        return None

    def is_machine(self, machine: str) -> bool:
        """Whether a board that calls itself `machine` is of this kind."""
        return any(machine.endswith(ending) for ending in self.machine)

    def find_pin(self, name: str) -> str | None:
        """Return the name by which the board knows a pin: itself, or what it is also called."""
        if name in self.pins:
            return name
        wanted = name.upper()
        for known, pin in self.pins.items():
            if wanted in (known.upper(), *(also.upper() for also in pin.also)):
                return known
        return None

    def pin_names(self) -> list[str]:
        """Return the names of all pins that may be used."""
        return [name for name, pin in self.pins.items() if not pin.reserved]

    def pins_that(self, can: Capability) -> list[str]:
        """Return the names of the pins that can do something."""
        return [name for name, pin in self.pins.items() if can in pin.can]

    def pin_numbers(self) -> dict[str, int]:
        """Return name -> number of every pin."""
        return {name: pin.number for name, pin in self.pins.items()}

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        numbers = [pin.number for pin in self.pins.values()]
        if len(set(numbers)) < len(numbers):
            raise ValueError("two pins have the same number")
        names = [name for known, pin in self.pins.items() for name in (known, *pin.also)]
        if len({name.upper() for name in names}) < len(names):
            raise ValueError("two pins have the same name")
        for name, pin in self.pins.items():
            if bool(pin.can) == bool(pin.reserved):
                raise ValueError(f"pin {name} needs either `can` or `reserved`")
        if self.pinout is not None:
            self._check_pinout(self.pinout)
        return self

    def _check_pinout(self, pinout: Pinout) -> None:
        if len(pinout.left) != len(pinout.right):
            raise ValueError("the pinout has more pins on one side than on the other")
        shown = [name for name in (*pinout.left, *pinout.right) if name not in SUPPLY]
        for name in shown:
            if name not in self.pins:
                raise ValueError(f"the pinout shows {name}, which is no pin")
        if len(set(shown)) < len(shown):
            raise ValueError("the pinout shows a pin twice")


def _files() -> Iterator[Traversable]:
    return (each for each in files("myocan.boards").iterdir() if each.name.endswith(".toml"))


@cache
def _load(name: str) -> BoardKind:
    for file in _files():
        if file.name == name + ".toml":
            return parse(name, file.read_text(encoding="utf-8"))
    known = BoardKind.names()
    raise BoardKindError(f"no board '{name}'{did_you_mean(name, known, 'known are')}")


def parse(name: str, text: str) -> BoardKind:
    """Return the kind of board that a file's text describes; raises BoardKindError."""
    try:
        facts = tomllib.loads(text)
        return BoardKind.model_validate({**_with_sets_filled_in(facts), "name": name})
    except (tomllib.TOMLDecodeError, ValidationError, KeyError) as error:
        raise BoardKindError(f"boards/{name}.toml: {error}") from error


def _with_sets_filled_in(facts: dict[str, Any]) -> dict[str, Any]:
    """Replace the names of `[sets]` in the pins' `can` by what they stand for."""
    sets = facts.pop("sets", {})
    for pin in facts.get("pins", {}).values():
        if "can" in pin:
            pin["can"] = [each for word in pin["can"] for each in sets.get(word, [word])]
    return facts
