"""PWM of a board."""

import machine  # type: ignore[import-not-found]

from myocan.edge.clock import const
from myocan.edge.errors import PinError

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.pins.machine import MachinePins


class MachinePwm:
    """One output. `duty` is also what it starts with, so that it begins at its safe value."""

    def __init__(self, pins: "MachinePins", pin: str, hz: int, duty: int) -> None:
        output = pins.digital_out(pin, int(duty > 0x7FFF))
        try:
            self._pwm = machine.PWM(output, freq=hz, duty_u16=duty)
        except TypeError:  # an old version, which is told one thing after the other
            self._pwm = machine.PWM(output)
            self._pwm.freq(hz)
            self._pwm.duty_u16(duty)
        except ValueError as error:
            raise PinError(f"pin '{pin}' has no PWM of {hz} Hz: {error}")  # noqa: B904 (no chains)

    def duty(self, level: int) -> None:
        """Set how much of the time the pin is high: 0 to 65535."""
        self._pwm.duty_u16(level)


make = MachinePwm
