"""What a virtual board asks of the world and waits for: its buses, analog levels, and WiFi.

The one idea to know: pins are pipes, and nobody waits for an answer there; here the board sends a
question and stands still until the answer is back, as a chip does on a bus. So the answer is made
at once, by `Bench.answer`, in the process that simulates the board.

A question is `number, what, length (2 bytes), length bytes`; an answer is `number, status, length
(2 bytes), length bytes`, with status 0, or the errno that the board's program gets as an OSError,
or 255 for a ValueError whose text follows. The number is the question's: a program that was stopped
by Ctrl-C while it waited leaves an answer behind, which nobody must take for the next one.
"""

from __future__ import annotations

import errno
import importlib.util
import json
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Any

from myocan.tools.vboard.parts import I2cPart, NoAnswer, OneWirePart, Part, PartError
from myocan.tools.vboard.pins import Pins
from myocan.tools.vboard.radio import Radio
from myocan.tools.vboard.sensors import KINDS, Dht

HEADER = struct.Struct(">BBH")
REFUSED = 255
"""Status of an answer that is a ValueError."""
VOLTS = 3.3
"""What an analog input shows as its largest number."""


class Refusal(Exception):
    """The board's program gets a ValueError with this text."""


class Bench:
    """The parts that are wired to a board, and its radio.

    pins: its pins. analog: names of those that can read analog levels; `adc2` those of them that
    cannot while WiFi is on.
    """

    def __init__(
        self, pins: Pins, radio: Radio, analog: frozenset[str], adc2: frozenset[str]
    ) -> None:
        self.pins = pins
        self.radio = radio
        self._analog, self._adc2 = analog, adc2
        self._parts: dict[int, Part] = {}
        self._next = 1
        self._questions: Mapping[str, Callable[[bytes], bytes]] = {
            "a": self._read_analog,
            "d": self._read_dht,
            "i": self._talk_i2c,
            "l": self._send_bits,
            "o": self._talk_one_wire,
            "s": self._scan_i2c,
            "w": self._talk_radio,
        }

    # -- what tests do ---------------------------------------------------------------------------

    def attach(self, kind: str, file: str, given: dict[str, Any]) -> int:
        """Wire a part; returns its number.

        kind: one of `sensors.KINDS`, or the name of a class in `file`.

        Raises PartError if it is wired wrong, UnknownPin for a pin that is not there.
        """
        part = find_part(kind, file)(**given)
        for pin in part.pins.values():
            self.pins.wire(pin)
        number, self._next = self._next, self._next + 1
        self._parts[number] = part
        return number

    def part(self, number: int) -> Part:
        """Return a part by its number."""
        try:
            return self._parts[number]
        except KeyError:
            raise PartError("this part is no longer there: attach it again") from None

    def detach(self, number: int) -> None:
        """Take a part away."""
        self._parts.pop(number, None)

    def power_up(self) -> None:
        """The board has got power, and all its parts with it."""
        for part in self._parts.values():
            part.power_up()

    # -- what the board asks ---------------------------------------------------------------------

    def answer(self, what: int, asked: bytes) -> tuple[int, bytes]:
        """Return status and text of the answer to a question of the board's."""
        try:
            return 0, self._questions[chr(what)](asked)
        except NoAnswer as error:
            return (error.args[0] if error.args else errno.ENODEV), b""
        except Refusal as error:
            return REFUSED, str(error).encode()
        except Exception as error:  # of a part that a test has written, too: its author shall see
            return REFUSED, repr(error).encode()

    def _read_analog(self, asked: bytes) -> bytes:
        wire = self.pins.numbered(asked[0])
        if wire.name not in self._analog:
            raise Refusal("Pin doesn't have ADC capabilities")
        if wire.name in self._adc2 and self.radio.active:
            raise NoAnswer(errno.ETIMEDOUT)
        wire.mode = "analog"
        share = min(max(wire.volts / VOLTS, 0.0), 1.0)
        return round(share * 65535).to_bytes(2)

    def _read_dht(self, asked: bytes) -> bytes:
        name = self.pins.numbered(asked[0]).name
        for part in self._parts.values():
            if isinstance(part, Dht) and part.present and part.pins["pin"] == name:
                return part.sent()
        raise NoAnswer(errno.ETIMEDOUT)

    def _send_bits(self, asked: bytes) -> bytes:
        self.pins.board_sent_bits(asked[0], asked[1:])
        return b""

    def _i2c(self, sda: int, scl: int) -> list[I2cPart]:
        wired = self.pins.numbered(sda).name, self.pins.numbered(scl).name
        return [
            part
            for part in self._parts.values()
            if isinstance(part, I2cPart) and part.present
            if (part.pins["sda"], part.pins["scl"]) == wired
        ]

    def _scan_i2c(self, asked: bytes) -> bytes:
        return bytes(sorted({part.values["address"] for part in self._i2c(*asked)}))

    def _talk_i2c(self, asked: bytes) -> bytes:
        sda, scl, address, count = struct.unpack_from(">BBBH", asked)
        written = asked[5:]
        for part in self._i2c(sda, scl):
            if part.values["address"] == address:
                if written or not count:
                    part.write(written)
                return (part.read(count) + bytes(count))[:count]
        raise NoAnswer(errno.EIO)

    def _talk_one_wire(self, asked: bytes) -> bytes:
        name = self.pins.numbered(asked[0]).name
        parts = [
            part
            for part in self._parts.values()
            if isinstance(part, OneWirePart) and part.present and part.pins["pin"] == name
        ]
        what, rest = chr(asked[1]), asked[2:]
        if what == "r":
            for part in parts:
                part.reset()
            return bytes((bool(parts),))
        if what == "w":
            for byte in rest[1:]:
                for i in range(rest[0]):
                    for part in parts:
                        part.write_bit(byte >> i & 1)
            return b""
        return bytes(
            sum(min((part.read_bit() for part in parts), default=1) << i for i in range(rest[0]))
            for _ in range(rest[1])
        )

    def _talk_radio(self, asked: bytes) -> bytes:
        return json.dumps(self.radio.told(*json.loads(asked))).encode()


def find_part(kind: str, file: str) -> type[Part]:
    """Return the class of a part: one that comes with the board, or one in a file."""
    if not file:
        try:
            return KINDS[kind]
        except KeyError:
            raise PartError(f"no part {kind!r}: there are {', '.join(KINDS)}") from None
    name = "vboard_parts_" + str(abs(hash(file)))
    module = sys.modules.get(name)
    if module is None:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise PartError(f"{file} is no Python file")
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[name]
            raise PartError(f"{file} cannot be loaded: {error!r}") from error
    part = getattr(module, kind, None)
    if not (isinstance(part, type) and issubclass(part, Part)):
        raise PartError(f"{file} has no part {kind}")
    return part


class Questions:
    """Cuts what comes from the board into questions."""

    def __init__(self) -> None:
        self._received = b""

    def take_in(self, piece: bytes) -> list[tuple[int, int, bytes]]:
        """Return (number, what, text) of every question that is complete now."""
        self._received += piece
        found = []
        while len(self._received) >= HEADER.size:
            number, what, length = HEADER.unpack_from(self._received)
            end = HEADER.size + length
            if len(self._received) < end:
                break
            found.append((number, what, self._received[HEADER.size : end]))
            self._received = self._received[end:]
        return found
