"""Pins of a Raspberry Pi, from gpiozero, whichever of its factories is in use.

Its callbacks come from another thread and only wake the loop, which then looks at the level itself.
"""

from typing import Any

import gpiozero  # type: ignore[import-untyped]

from myocan.edge.clock import NEVER
from myocan.edge.errors import PinError
from myocan.edge.wake import Wake


class GpiozeroPins:
    """Pins by any name that gpiozero knows ("GPIO17", "BOARD11"), and "GP17" for "GPIO17"."""

    look_ms = NEVER

    def __init__(self) -> None:
        self._wake = Wake()
        self._open: list[gpiozero.GPIODevice] = []

    def digital_in(self, pin: str, pull: str | None) -> "GpiozeroInput":
        pull_up = None if pull is None else pull == "up"
        try:
            device = gpiozero.DigitalInputDevice(
                gpio_name(pin), pull_up=pull_up, active_state=True if pull is None else None
            )
        except gpiozero.GPIOZeroError as error:
            raise PinError(f"pin '{pin}': {error}") from error
        device.when_activated = device.when_deactivated = self._wake.ring
        self._open.append(device)
        return GpiozeroInput(device)

    def digital_out(self, pin: str, level: int) -> "GpiozeroOutput":
        try:
            device = gpiozero.DigitalOutputDevice(gpio_name(pin), initial_value=bool(level))
        except gpiozero.GPIOZeroError as error:
            raise PinError(f"pin '{pin}': {error}") from error
        self._open.append(device)
        return GpiozeroOutput(device)

    def streams(self) -> list[Any]:
        return [self._wake]

    def take_in(self) -> None:
        self._wake.clear()

    def close(self) -> None:
        for device in self._open:
            device.close()
        self._open.clear()
        self._wake.close()


class GpiozeroInput:
    """The level of the pin itself: gpiozero's own value is turned round by a pull-up."""

    def __init__(self, device: gpiozero.DigitalInputDevice) -> None:
        self._device = device

    def value(self) -> int:
        """Return the level, 0 or 1."""
        return int(self._device.pin.state)


class GpiozeroOutput:
    """An output."""

    def __init__(self, device: gpiozero.DigitalOutputDevice) -> None:
        self._device = device

    def value(self, level: int) -> None:
        """Set the level, 0 or 1."""
        self._device.value = level


def gpio_name(pin: str) -> str:
    """Return gpiozero's name for a pin: boards print "GP17" where a Pi has "GPIO17"."""
    number = pin.removeprefix("GP")
    return f"GPIO{number}" if number.isdigit() else pin
