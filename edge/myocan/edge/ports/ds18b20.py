"""A thermometer on a 1-Wire bus: DS18B20.

Source of the format: Maxim, DS18B20 data sheet, "Memory" and "Operation: Measuring Temperature".
"""

from myocan.edge.clock import const
from myocan.edge.pins.parts import part
from myocan.edge.ports.sensor import Sensor

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import OneWireBus, Pins, Spec

_CONVERSION_MS = const(750)
_POWER_ON = const(0x0550)  # 85 degrees, which it has before it ever measured; byte 6 is then 0x0C


class Ds18b20(Sensor):
    """A DS18B20 between `pin`, supply and ground, with 4.7 kOhm from `pin` to the supply.

    More than one may be on a pin; each port then says which it is by `device`, a number like
    "28-0316a2795fff". (A port without it names in the hub's log all that are there.)
    """

    READINGS = (("temperature", 1, (2, 1)),)

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        device = spec.get("device")
        self._rom = None if device is None else rom_of(device)
        self._bus: OneWireBus = part(pins, "one_wire", spec["pin"])

    def begin(self) -> int:
        self._bus.convert(self._rom)
        return _CONVERSION_MS

    def finish(self, now: int) -> None:
        raw = self._bus.scratchpad(self._rom)
        if crc8(raw) or not any(raw):
            raise OSError("what the sensor says is garbled")
        sixteenths = raw[1] << 8 | raw[0]
        if sixteenths == _POWER_ON and raw[6] == 0x0C:
            raise OSError("the sensor has lost its power and did not measure")
        if sixteenths & 0x8000:
            sixteenths -= 0x10000
        self.readings["temperature"].offer(sixteenths * 625, 4, now)

    def explain(self, error: Exception) -> str:
        try:
            names = [device_of(rom) for rom in self._bus.devices()]
        except OSError:
            names = []
        if not names:
            return f"{error}: look at its wires, and at the resistor from the pin to the supply"
        if self._rom is None and len(names) > 1:
            return "several sensors are on the pin: write `device`, one of " + ", ".join(names)
        return f"{error}; on the pin there is {', '.join(names)}"


def crc8(raw: bytes) -> int:
    """Return the checksum of 1-Wire; 0 if the last byte is the checksum of those before."""
    crc = 0
    for byte in raw:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8C if crc & 1 else 0)
    return crc


def rom_of(device: str) -> bytes:
    """Return the eight bytes of a number like "28-0316a2795fff"."""
    # the family, then the serial number with its last byte first
    rom = bytes([int(device[at : at + 2], 16) for at in (0, 13, 11, 9, 7, 5, 3)])
    return rom + bytes([crc8(rom)])


def device_of(rom: bytes) -> str:
    """Return the number of a sensor, of its eight bytes."""
    return f"{rom[0]:02x}-" + "".join([f"{byte:02x}" for byte in reversed(list(rom[1:7]))])


PORT = Ds18b20
