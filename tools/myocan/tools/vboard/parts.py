"""What can be wired to a virtual board beside buttons and lamps: parts that talk.

The one idea to know: the board asks, a part answers, as on a real bus. What the board's `machine`
does on a bus arrives here one transaction at a time (see exchange.py); what a part shows to it, a
test sets by name:

    sensor = board.attach("bme280", sda="GP4", scl="GP5", celsius=21.5)
    sensor.set(celsius=30)
    sensor.set(present=False)  # somebody has pulled it out

A part of one's own is a subclass of `I2cPart` (or of `Registers`, which suits most chips) in any
file; `attach` takes the class. It lives in the process of the board, not in that of the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class PartError(Exception):
    """A part was wired or set wrong; the text says how."""


class NoAnswer(Exception):
    """Nothing on the bus has answered: what the board's program sees as an OSError."""


class Part:
    """Something that is wired to pins of a board.

    PINS: the names of the keys that say where it is wired. VALUES: what can be set, with what it
    is at first; `present` comes with every part, and is False while it is pulled out.

    Raises PartError for keys that it does not know.
    """

    PINS: ClassVar[tuple[str, ...]] = ()
    VALUES: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, **given: Any) -> None:
        missing = [name for name in self.PINS if name not in given]
        if missing:
            raise PartError(f"{type(self).__name__} needs {' and '.join(missing)}")
        self.pins = {name: str(given.pop(name)) for name in self.PINS}
        self.values: dict[str, Any] = {"present": True, **self.VALUES}
        self.set(given)

    def set(self, values: Mapping[str, Any]) -> None:
        """Change what it shows; raises PartError for a name that it does not know."""
        for name in values:
            if name not in self.values:
                raise PartError(
                    f"{type(self).__name__} has no {name!r}: it has {', '.join(self.values)}"
                )
        self.values.update(values)

    @property
    def present(self) -> bool:
        """Whether it is plugged in."""
        return bool(self.values["present"])

    def power_up(self) -> None:
        """Forget everything: the board, and this with it, has been without power."""


class I2cPart(Part):
    """A part on an I2C bus. address: 0x08 to 0x77."""

    PINS = ("sda", "scl")
    VALUES: ClassVar[Mapping[str, Any]] = {"address": 0}

    def write(self, written: bytes) -> None:
        """The board has written this in one transaction; raises NoAnswer to refuse it."""

    def read(self, count: int) -> bytes:
        """Return `count` bytes that the board reads in one transaction."""
        return bytes(count)


class Registers(I2cPart):
    """A chip of 256 registers, as most are: the first byte written says which one is meant, what
    follows is written into it and those after it, and reading goes on from there.

    contents: register -> what is in it at first, a number or bytes that begin there.
    """

    VALUES: ClassVar[Mapping[str, Any]] = {**I2cPart.VALUES, "contents": {}}

    def __init__(self, **given: Any) -> None:
        self.registers = bytearray(256)
        self.pointer = 0
        super().__init__(**given)

    def set(self, values: Mapping[str, Any]) -> None:
        super().set(values)
        for register, content in dict(values.get("contents") or {}).items():
            self.put(int(register), content)

    def put(self, register: int, content: int | bytes | list[int]) -> None:
        """Put a number, or bytes, into a register and those after it."""
        piece = bytes([content] if isinstance(content, int) else content)
        if register + len(piece) > len(self.registers):
            raise PartError(f"there are 256 registers: {register} and {len(piece)} bytes are more")
        self.registers[register : register + len(piece)] = piece

    def write(self, written: bytes) -> None:
        if written:
            self.pointer = written[0]
            for byte in written[1:]:
                self.registers[self.pointer] = byte
                self.register_written(self.pointer, byte)
                self.pointer = (self.pointer + 1) % 256

    def read(self, count: int) -> bytes:
        piece = bytes(self.registers[(self.pointer + i) % 256] for i in range(count))
        self.pointer = (self.pointer + count) % 256
        return piece

    def register_written(self, register: int, byte: int) -> None:
        """The board has written a register: a chip that does something upon it says so here."""


class OneWirePart(Part):
    """A part on a 1-Wire bus, one bit at a time, since that is how several share a wire.

    rom: its number, 8 bytes as text of 16 hexadecimal digits, the family first, the CRC last.
    """

    PINS = ("pin",)
    VALUES: ClassVar[Mapping[str, Any]] = {"rom": ""}

    def reset(self) -> None:
        """The board has pulled the wire low for long: a conversation begins."""

    def write_bit(self, bit: int) -> None:
        """The board has written a bit."""

    def read_bit(self) -> int:
        """Return the bit that it leaves on the wire: 1 unless it pulls it low."""
        return 1
