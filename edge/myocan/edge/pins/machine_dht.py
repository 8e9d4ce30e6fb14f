"""DHT11 and DHT22 of a board; MicroPython reads their 40 bits, whose pulses only C is fast enough
for. That takes up to 25 ms, in which nothing else happens.

Source of the format: Aosong, DHT22 (AM2302) and DHT11 data sheets, "Single-bus data format".
"""

import sys

import machine  # type: ignore[import-not-found]

from myocan.edge.clock import const
from myocan.edge.errors import PinError

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from myocan.edge.pins.machine import MachinePins


class MachineDht:
    """One sensor; eleven: whether it is a DHT11."""

    def __init__(self, pins: "MachinePins", pin: str, eleven: bool) -> None:
        read: Any = getattr(machine, "dht_readinto", None)
        if read is None:
            platform = "esp" if sys.platform.startswith("esp") else sys.platform
            try:
                read = __import__(platform).dht_readinto
            except (ImportError, AttributeError):
                raise PinError("this board's MicroPython cannot read a DHT")  # noqa: B904 (no chains)
        self._read = read
        self._pin = pins.open(pin, machine.Pin.IN, machine.Pin.PULL_UP)
        self._eleven = eleven
        self._bytes = bytearray(5)

    def measure(self) -> "tuple[int, int]":
        """Return tenths of a degree Celsius, and tenths of a percent; raises OSError."""
        raw = self._bytes
        self._read(self._pin, raw)
        if sum(raw[:4]) & 0xFF != raw[4]:
            raise OSError("wrong checksum")
        if self._eleven:
            degrees = raw[2] * 10 + (raw[3] & 0x7F)
            return -degrees if raw[3] & 0x80 else degrees, raw[0] * 10 + raw[1]
        degrees = (raw[2] & 0x7F) << 8 | raw[3]
        return -degrees if raw[2] & 0x80 else degrees, raw[0] << 8 | raw[1]


make = MachineDht
