"""Simulated sensors and lamps, for `SimulatedPins.part`; runs on both runtimes.

What is measured is a level that can be driven like a pin's: `drive("GP26", 32768)` is half of what
an analog input can measure, `drive("GP4", 340)` a DS18B20's sixteenths of a degree, `drive("GP5",
215)` and `drive("GP5.humidity", 480)` a DHT's tenths. What is shown can be seen like an output: the
level of a PWM output is its duty, that of a strip of lamps the colour of the first, 0xRRGGBB if its
order is GRB. A BME280 is on every I2C bus, with the example of its data sheet.
"""

import struct

from myocan.edge.clock import const
from myocan.edge.errors import PinError
from myocan.edge.pins.pulses import Pulses

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from myocan.edge.pins.simulated import SimulatedPins

ROOM = const(336)
"""What a thermometer shows if nobody drives it: 21 degrees, in sixteenths."""


class SimulatedPwm:
    """A PWM output; its duty is the level of its pin."""

    def __init__(self, pins: "SimulatedPins", pin: str, hz: int, duty: int) -> None:
        self._pins = pins
        self._pin = pin
        self.duty(duty)

    def duty(self, level: int) -> None:
        self._pins.put(self._pin, level)


class SimulatedAnalog:
    """An analog input; it measures the level of its pin."""

    def __init__(self, pins: "SimulatedPins", pin: str) -> None:
        self._input = pins.digital_in(pin, None)

    def read(self) -> int:
        return self._input.value()


class SimulatedI2c:
    """An I2C bus; `pins.devices` are those on it, by their addresses: objects with `write` and
    `read`, like a bus's without the address, or None for one that does not answer."""

    def __init__(self, pins: "SimulatedPins", sda: str, scl: str) -> None:
        self._devices = pins.devices
        if 0x76 not in self._devices:
            self._devices[0x76] = SimulatedBme280()

    def write(self, address: int, content: bytes) -> None:
        self._device(address).write(content)

    def read(self, address: int, register: int, count: int) -> bytes:
        content: bytes = self._device(address).read(register, count)
        return content

    def _device(self, address: int) -> "Any":
        device = self._devices.get(address)
        if device is None:
            raise OSError(19)  # ENODEV
        return device


class SimulatedBme280:
    """The registers of a BME280. Calibration and measurement are the example of BST-BMP280-DS001,
    3.12 (25.08 degrees, 1006.53 hPa); for humidity there is none, so its numbers are of a real one.
    """

    def __init__(self, identity: int = 0x60) -> None:
        self.registers = bytearray(256)
        self.registers[0xD0] = identity
        self.registers[0x88:0xA0] = struct.pack(
            *("<HhhHhhhhhhhh", 27504, 26435, -1000, 36477),
            *(-10685, 3024, 2855, 140, -7, 15500, -14600, 6000),
        )
        self.registers[0xA1] = 75
        self.registers[0xE1:0xE8] = struct.pack("<hBbBbb", 362, 0, 20, 0x28, 3, 30)
        self.measured = (415148, 519888, 29000)
        """Pressure, temperature and humidity as its converters see them."""

    def write(self, content: bytes) -> None:
        self.registers[content[0]] = content[1]
        if content[0] == 0xF4 and content[1] & 3:
            pressure, temperature, humidity = self.measured
            self.registers[0xF7:0xFF] = struct.pack(
                *(">HBHBH", pressure >> 4, (pressure & 15) << 4),
                *(temperature >> 4, (temperature & 15) << 4, humidity),
            )

    def read(self, register: int, count: int) -> bytes:
        return bytes(self.registers[register : register + count])


class SimulatedOneWire:
    """A 1-Wire bus with one thermometer, 28-000000000001: the level of the pin in sixteenths of a
    degree. Driven to -1000 it is not there."""

    ROM = bytes((0x28, 1, 0, 0, 0, 0, 0, 0x29))

    def __init__(self, pins: "SimulatedPins", pin: str) -> None:
        self._sixteenths = pins.measured(pin, ROOM)

    def convert(self, rom: "bytes | None") -> None:
        if self._sixteenths() == -1000 or rom not in (None, self.ROM):
            raise OSError("no sensor answers")

    def scratchpad(self, rom: "bytes | None") -> bytes:
        from myocan.edge.ports.ds18b20 import crc8

        self.convert(rom)
        raw = struct.pack("<hBBBBBB", self._sixteenths(), 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10)
        return raw + bytes([crc8(raw)])

    def devices(self) -> "list[bytes]":
        return [] if self._sixteenths() == -1000 else [self.ROM]


class SimulatedDht:
    """A DHT: the level of its pin in tenths of a degree, that of PIN.humidity in tenths of a
    percent. Driven to -1000 it is not there."""

    def __init__(self, pins: "SimulatedPins", pin: str, eleven: bool) -> None:
        self._temperature = pins.measured(pin, 210)
        self._humidity = pins.measured(pin + ".humidity", 500)

    def measure(self) -> "tuple[int, int]":
        if self._temperature() == -1000:
            raise OSError("no sensor answers")
        return self._temperature(), self._humidity()


class SimulatedPixels:
    """A strip of lamps; the bytes of the first are the level of its pin."""

    def __init__(self, pins: "SimulatedPins", pin: str) -> None:
        self._pins = pins
        self._pin = pin

    def show(self, colors: "bytes | bytearray") -> None:
        green, red, blue = colors[:3]
        self._pins.put(self._pin, red << 16 | green << 8 | blue)


def make_pulses(
    pins: "SimulatedPins", pin: str, pull: "str | None", level: int, quiet_ms: int
) -> Pulses:
    """Return the pulses of a pin; simulated pins let every change be seen, so one may look."""
    return Pulses(pins.digital_in(pin, pull), level, quiet_ms, True, pins.ticks)


PARTS = {
    "pwm": SimulatedPwm,
    "analog": SimulatedAnalog,
    "i2c": SimulatedI2c,
    "one_wire": SimulatedOneWire,
    "dht": SimulatedDht,
    "pixels": SimulatedPixels,
    "pulses": make_pulses,
}


def make_part(pins: "SimulatedPins", kind: str, *what: "Any") -> "Any":
    """Return a part; see `parts.py`."""
    make: Any = PARTS.get(kind)
    if make is None:
        raise PinError(f"simulated pins have no part '{kind}'")
    return make(pins, *what)
