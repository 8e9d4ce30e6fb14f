"""The 1-Wire bus of a board, for thermometers.

Source of the commands and of the search: Maxim, DS18B20 data sheet, "ROM Commands" and "Function
Commands"; Application Note 187, "1-Wire Search Algorithm".
"""

import _onewire  # type: ignore[import-not-found]
import machine  # type: ignore[import-not-found]

from myocan.edge.clock import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.pins.machine import MachinePins

_SEARCH = const(0xF0)
_MATCH = const(0x55)
_SKIP = const(0xCC)
_CONVERT = const(0x44)
_READ = const(0xBE)
_MOST = const(32)  # sensors on a pin; on a line that is only noise a search would find no end
_buses: "dict[str, MachineOneWire]" = {}


class MachineOneWire:
    """One bus. `rom` is the eight bytes of a sensor, None for the only one that there is."""

    def __init__(self, pins: "MachinePins", pin: str) -> None:
        self._pin = pins.open(pin, machine.Pin.OPEN_DRAIN, machine.Pin.PULL_UP, value=1)

    def convert(self, rom: "bytes | None") -> None:
        """Let it measure; raises OSError if nobody is there."""
        self._address(rom)
        _onewire.writebyte(self._pin, _CONVERT)

    def scratchpad(self, rom: "bytes | None") -> bytes:
        """Return what it measured: nine bytes, the last one a checksum. Raises OSError."""
        self._address(rom)
        _onewire.writebyte(self._pin, _READ)
        return bytes([_onewire.readbyte(self._pin) for _ in range(9)])

    def _address(self, rom: "bytes | None") -> None:
        if not _onewire.reset(self._pin):
            raise OSError("no sensor answers")
        if rom is None:
            _onewire.writebyte(self._pin, _SKIP)
        else:
            _onewire.writebyte(self._pin, _MATCH)
            for byte in rom:
                _onewire.writebyte(self._pin, byte)

    def devices(self) -> "list[bytes]":
        """Return the eight bytes of each sensor on the bus."""
        found: list[bytes] = []
        rom, fork = bytearray(8), 65
        while fork and len(found) < _MOST and _onewire.reset(self._pin):
            _onewire.writebyte(self._pin, _SEARCH)
            fork = self._walk(rom, fork)
            if fork < 0:
                break
            found.append(bytes(rom))
        return found

    def _walk(self, rom: bytearray, last: int) -> int:
        """Go down the tree of numbers to the next sensor, `last` being where the paths parted
        the time before; return where they parted now, 0 if nowhere, -1 if nobody answers."""
        fork = 0
        for place in range(1, 65):
            index, mask = (place - 1) >> 3, 1 << ((place - 1) & 7)
            bit = _onewire.readbit(self._pin)
            other = _onewire.readbit(self._pin)
            if bit and other:
                return -1
            if not bit and not other:  # both kinds are there
                bit = int(place == last or (place < last and last < 65 and rom[index] & mask > 0))
                if not bit:
                    fork = place
            rom[index] = rom[index] | mask if bit else rom[index] & ~mask
            _onewire.writebit(self._pin, bit)
        return fork


def make(pins: "MachinePins", pin: str) -> MachineOneWire:
    """Return the bus of a pin, the same for all who ask for it."""
    bus = _buses.get(pin)
    if bus is None:
        bus = _buses[pin] = MachineOneWire(pins, pin)
    return bus
