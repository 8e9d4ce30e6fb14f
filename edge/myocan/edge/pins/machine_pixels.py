"""Lamps with a chip in each (WS2812, "NeoPixel"), on a pin of a board.

Source of the times: Worldsemi, WS2812B data sheet, "Data transfer time": a bit of 1.25 us is high
for 0.4 us if it is 0, for 0.8 us if it is 1.
"""

import machine  # type: ignore[import-not-found]

from myocan.edge.clock import const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.pins.machine import MachinePins

_TIMES = (400, 850, 800, 450)
"""In nanoseconds: high and low of a 0, high and low of a 1."""


class MachinePixels:
    """One strip."""

    def __init__(self, pins: "MachinePins", pin: str) -> None:
        self._pin = pins.digital_out(pin, 0)

    def show(self, colors: "bytes | bytearray") -> None:
        """Send the bytes of all lamps, in the order in which they want them."""
        machine.bitstream(self._pin, 0, _TIMES, colors)


make = MachinePixels
