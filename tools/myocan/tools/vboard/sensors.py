"""The parts that come with a virtual board: the sensors that myocan has ports for.

Each answers as its data sheet says a real one does, from what a test has set: register by register
and bit by bit, so that the driver that talks to it is tested, not only what is made of its result.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from myocan.tools.vboard.parts import OneWirePart, Part, PartError, Registers


class Bme280(Registers):
    """Bosch BME280: temperature, pressure and humidity on I2C.

    celsius: -40 to 85. hectopascals: 300 to 1100. humidity: 0 to 100 %.

    Registers and formulas: BME280 data sheet (BST-BME280-DS002), 5.3 "Register description" and 8.1
    "Compensation formulas in double precision". The calibration of temperature and pressure is that
    of the worked example in the BMP280 data sheet (BST-BMP280-DS001), 3.12.
    """

    VALUES: ClassVar[Mapping[str, Any]] = {
        **Registers.VALUES,
        "address": 0x76,
        "celsius": 20.0,
        "hectopascals": 1013.25,
        "humidity": 50.0,
    }
    T1, T2, T3 = T = (27504, 26435, -1000)
    P = (36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000)
    H1, H2, H3, H4, H5, H6 = H = (75, 362, 0, 313, 50, 30)
    CTRL_MEAS, RESET, DATA = 0xF4, 0xE0, 0xF7
    UNMEASURED = bytes((0x80, 0, 0, 0x80, 0, 0, 0x80, 0))

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.power_up()

    def power_up(self) -> None:
        self.registers[:] = bytes(256)
        self.put(0x88, struct.pack("<Hhh", *self.T) + struct.pack("<Hhhhhhhhh", *self.P))
        self.put(0xA1, self.H1)
        self.put(0xD0, 0x60)  # "chip_id"
        self.put(
            0xE1,
            struct.pack("<hB", self.H2, self.H3)
            + bytes((self.H4 >> 4, self.H4 & 15 | (self.H5 & 15) << 4, self.H5 >> 4, self.H6)),
        )
        self.put(self.DATA, self.UNMEASURED)
        for register, content in dict(self.values["contents"]).items():
            self.put(int(register), content)

    def set(self, values: Mapping[str, Any]) -> None:
        super().set(values)
        if self.registers[self.CTRL_MEAS] & 3 == 3:  # "normal mode": it measures all the time
            self.measure()

    def register_written(self, register: int, byte: int) -> None:
        if register == self.RESET and byte == 0xB6:
            self.power_up()
        elif register == self.CTRL_MEAS and byte & 3:
            self.measure()
            if byte & 3 != 3:  # "forced mode": once, then it sleeps again
                self.registers[self.CTRL_MEAS] &= ~3

    def measure(self) -> None:
        """Put what there is to measure into the data registers."""
        fine = self.values["celsius"] * 5120.0
        t = bisect(lambda raw: self.fine_temperature(raw) > fine, 20)
        p = bisect(lambda raw: self.pressure(raw, fine) < self.values["hectopascals"] * 100, 20)
        h = bisect(lambda raw: self.humidity(raw, fine) > self.values["humidity"], 16)
        oversampling = self.registers[self.CTRL_MEAS]
        pressure = p if oversampling >> 2 & 7 else 0x80000
        temperature = t if oversampling >> 5 else 0x80000
        humidity = h if self.registers[0xF2] & 7 else 0x8000
        words = (pressure << 4).to_bytes(3), (temperature << 4).to_bytes(3), humidity.to_bytes(2)
        self.put(self.DATA, b"".join(words))

    def fine_temperature(self, raw: int) -> float:
        """Return the temperature as the other two formulas want it, 5120 a degree."""
        x = (raw / 16384 - self.T1 / 1024) * self.T2
        return x + (raw / 131072 - self.T1 / 8192) ** 2 * self.T3

    def pressure(self, raw: int, fine: float) -> float:
        """Return the pressure in pascals."""
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self.P
        x = fine / 2 - 64000
        y = x * x * p6 / 32768 + x * p5 * 2
        y = y / 4 + p4 * 65536
        x = (p3 * x * x / 524288 + p2 * x) / 524288
        x = (1 + x / 32768) * p1
        p = (1048576 - raw - y / 4096) * 6250 / x
        return p + (p9 * p * p / 2147483648 + p * p8 / 32768 + p7) / 16

    def humidity(self, raw: int, fine: float) -> float:
        """Return the relative humidity in percent."""
        x = fine - 76800
        x = (raw - (self.H4 * 64 + self.H5 / 16384 * x)) * (
            self.H2 / 65536 * (1 + self.H6 / 67108864 * x * (1 + self.H3 / 67108864 * x))
        )
        return x * (1 - self.H1 * x / 524288)


def bisect(above: Callable[[int], bool], bits: int) -> int:
    """Return the largest number of so many bits that is not `above`, 0 if there is none."""
    low, high = 0, 1 << bits
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if above(middle) else (middle, high)
    return low


class Ds18b20(OneWirePart):
    """Maxim DS18B20: temperature on 1-Wire.

    celsius: -55 to 125. conversion_ms: how long it measures. spoilt: whether what it sends has
    wrong bits in it, as on a wire that is too long.

    Commands, scratchpad and timing: DS18B20 data sheet (19-7487), "1-Wire Bus System", "Figure 8"
    (memory map) and "Table 2" (resolution). It measures with 12 bits, in 750 ms.
    """

    VALUES: ClassVar[Mapping[str, Any]] = {
        "rom": "28ff641e81160485",
        "celsius": 20.0,
        "conversion_ms": 750,
        "spoilt": False,
    }
    SEARCH, READ_ROM, MATCH, SKIP = 0xF0, 0x33, 0x55, 0xCC
    CONVERT, READ, WRITE, POWER = 0x44, 0xBE, 0x4E, 0xB4

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._rom = read_rom(self.values["rom"])
        self._do: Callable[[int], None] = self._nothing
        self._incoming: list[int] = []
        self._outgoing: list[int] = []
        self._place = 0
        self._ready_at = 0.0
        self.power_up()

    def power_up(self) -> None:
        # 85 degrees is what it shows before it has measured; 0x7F: 12 bits
        self._scratchpad = bytearray(struct.pack("<h", 85 * 16) + b"\x4b\x46\x7f\xff\x0c\x10")
        self._measured: int | None = None
        self._do = self._nothing

    def set(self, values: Mapping[str, Any]) -> None:
        super().set(values)
        self._rom = read_rom(self.values["rom"])

    def reset(self) -> None:
        self._incoming, self._outgoing = [], []
        self._do = self._rom_command

    def write_bit(self, bit: int) -> None:
        if self._do == self._searched:
            self._searched(bit)
            return
        self._incoming.append(bit)
        self._do(bit)

    def read_bit(self) -> int:
        if self._outgoing:
            return self._outgoing.pop(0)
        return int(time.monotonic() >= self._ready_at) if self._do == self._converting else 1

    def _byte(self) -> int | None:
        """Return the byte that the last eight bits make, once there are eight."""
        if len(self._incoming) < 8:
            return None
        byte = sum(bit << i for i, bit in enumerate(self._incoming))
        self._incoming = []
        return byte

    def _nothing(self, _: int) -> None:
        self._incoming = []

    def _converting(self, _: int) -> None:
        self._incoming = []

    def _rom_command(self, _: int) -> None:
        command = self._byte()
        if command == self.SEARCH:
            self._place = 0
            self._offer()
        elif command == self.READ_ROM:
            self._outgoing = bits(self._rom)
            self._do = self._function
        elif command == self.MATCH:
            self._do = self._match
        elif command == self.SKIP:
            self._do = self._function
        elif command is not None:
            self._do = self._nothing

    def _offer(self) -> None:
        """In a search: show a bit of the number, and its contrary, and be told which to follow."""
        bit = bits(self._rom)[self._place]
        self._outgoing = [bit, 1 - bit]
        self._do = self._searched

    def _searched(self, bit: int) -> None:
        follow = bits(self._rom)[self._place] == bit
        self._place += 1
        self._outgoing = []
        if follow and self._place < 64:
            self._offer()
        else:
            self._do = self._function if follow else self._nothing

    def _match(self, _: int) -> None:
        if len(self._incoming) == 64:
            self._do = self._function if self._incoming == bits(self._rom) else self._nothing
            self._incoming = []

    def _function(self, _: int) -> None:
        command = self._byte()
        if command == self.CONVERT:
            self._ready_at = time.monotonic() + self.values["conversion_ms"] / 1000
            self._measured = round(self.values["celsius"] * 16)
            self._do = self._converting
        elif command == self.READ:
            self._outgoing = bits(self._contents())
            self._do = self._nothing
        elif command == self.WRITE:
            self._do = self._writing
        elif command is not None:
            self._do = self._nothing  # POWER: 1 says that it has a supply of its own

    def _writing(self, _: int) -> None:
        if len(self._incoming) == 24:
            self._scratchpad[2:5] = unbits(self._incoming)
            self._do = self._nothing

    def _contents(self) -> bytes:
        if self._measured is not None and time.monotonic() >= self._ready_at:
            struct.pack_into("<h", self._scratchpad, 0, self._measured)
            self._measured = None
        spoil = 0x10 if self.values["spoilt"] else 0
        return bytes(self._scratchpad) + bytes((crc8(self._scratchpad) ^ spoil,))


class Dht(Part):
    """Aosong DHT11 or DHT22 (AM2302): temperature and humidity on one wire of its own.

    celsius: -40 to 80. humidity: 0 to 100 %. spoilt: whether its checksum is wrong.
    """

    PINS = ("pin",)
    VALUES: ClassVar[Mapping[str, Any]] = {"celsius": 20.0, "humidity": 50.0, "spoilt": False}

    def frame(self) -> bytes:
        """Return the five bytes that it sends, the last of which is the sum of the others."""
        raise NotImplementedError

    def sent(self) -> bytes:
        """Return the frame as it arrives."""
        frame = self.frame()
        return frame + bytes((sum(frame) + bool(self.values["spoilt"]) & 255,))


class Dht11(Dht):
    """DHT11: whole percents, and tenths of a degree (ASAIR DHT11 manual, 5.2 "Data format")."""

    def frame(self) -> bytes:
        tenths = round(abs(self.values["celsius"]) * 10)
        below = 0x80 if self.values["celsius"] < 0 else 0
        return bytes((round(self.values["humidity"]), 0, tenths // 10, tenths % 10 | below))


class Dht22(Dht):
    """DHT22: tenths of both, the sign in the highest bit (Aosong AM2302 manual, 7.2)."""

    def frame(self) -> bytes:
        tenths = round(abs(self.values["celsius"]) * 10)
        below = 0x8000 if self.values["celsius"] < 0 else 0
        return struct.pack(">HH", round(self.values["humidity"] * 10), tenths | below)


KINDS: Mapping[str, type[Part]] = {
    "bme280": Bme280,
    "dht11": Dht11,
    "dht22": Dht22,
    "ds18b20": Ds18b20,
    "registers": Registers,
}
"""The parts that `attach` knows by name."""


def read_rom(text: str) -> bytes:
    """Return the 8 bytes of a 1-Wire number; raises PartError if it is none."""
    try:
        rom = bytes.fromhex(text)
    except ValueError:
        rom = b""
    if len(rom) != 8 or crc8(rom[:7]) != rom[7]:
        raise PartError(f"rom {text!r} is no 1-Wire number: 8 bytes in hexadecimal, the CRC last")
    return rom


def crc8(piece: bytes | bytearray) -> int:
    """Return the 1-Wire CRC, x^8 + x^5 + x^4 + 1 (Maxim application note 27)."""
    crc = 0
    for bit in bits(piece):
        crc = crc >> 1 ^ (0x8C if (crc ^ bit) & 1 else 0)
    return crc


def bits(piece: bytes | bytearray) -> list[int]:
    """Return the bits as they go over the wire: of each byte the lowest first."""
    return [byte >> i & 1 for byte in piece for i in range(8)]


def unbits(sequence: list[int]) -> bytes:
    """Return the bytes that bits make."""
    return bytes(
        sum(bit << i for i, bit in enumerate(sequence[at : at + 8]))
        for at in range(0, len(sequence), 8)
    )
