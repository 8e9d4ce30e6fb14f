"""The I2C bus of a board, made in software: so any two pins will do, and no chip's table of which
belong together is needed. 100 kHz is fast enough for sensors: a reading takes about a millisecond.
"""

import machine  # type: ignore[import-not-found]

from myocan.edge.clock import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.pins.machine import MachinePins

_HZ = const(100_000)
_buses: "dict[tuple[str, str], MachineI2c]" = {}


class MachineI2c:
    """One bus. Whatever a device does not do is an OSError."""

    def __init__(self, pins: "MachinePins", sda: str, scl: str) -> None:
        data = pins.open(sda, machine.Pin.IN, machine.Pin.PULL_UP)
        clock = pins.open(scl, machine.Pin.IN, machine.Pin.PULL_UP)
        self._bus = machine.SoftI2C(scl=clock, sda=data, freq=_HZ)

    def write(self, address: int, content: bytes) -> None:
        """Send bytes to a device."""
        self._bus.writeto(address, content)

    def read(self, address: int, register: int, count: int) -> bytes:
        """Return so many bytes of a device, from a register on."""
        content: bytes = self._bus.readfrom_mem(address, register, count)
        return content


def make(pins: "MachinePins", sda: str, scl: str) -> MachineI2c:
    """Return the bus of two pins, the same for all who ask for them."""
    bus = _buses.get((sda, scl))
    if bus is None:
        bus = _buses[(sda, scl)] = MachineI2c(pins, sda, scl)
    return bus
