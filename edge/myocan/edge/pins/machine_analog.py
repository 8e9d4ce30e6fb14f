"""Analog inputs of a board."""

import machine  # type: ignore[import-not-found]

from myocan.edge.clock import const
from myocan.edge.errors import PinError

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.pins.machine import MachinePins


class MachineAnalog:
    """One input, over all of the range that the board can measure."""

    def __init__(self, pins: "MachinePins", pin: str) -> None:
        try:
            if pin == "A0":  # an ESP8266's only one, which is no pin
                self._adc = machine.ADC(0)
            else:
                self._adc = machine.ADC(pins.open(pin, machine.Pin.IN, None))
        except ValueError as error:
            raise PinError(f"pin '{pin}' has no analog input: {error}")  # noqa: B904 (no chains)
        if hasattr(self._adc, "atten"):  # an ESP32 measures only up to 1 V if it is not told
            self._adc.atten(machine.ADC.ATTN_11DB)

    def read(self) -> int:
        """Return the level, 0 to 65535."""
        level: int = self._adc.read_u16()
        return level


make = MachineAnalog
