"""Pins of a Raspberry Pi, from gpiozero, whichever of its factories is in use.

Its callbacks come from another thread and only wake the loop, which then looks at the level itself.
"""

from typing import Any

import gpiozero  # type: ignore[import-untyped]

from myocan.edge.clock import NEVER
from myocan.edge.errors import PinError
from myocan.edge.pins import linux_parts
from myocan.edge.pins.pulses import Pulses
from myocan.edge.wake import Wake

BUSES = ("i2c", "busio")
"""Parts that have two pins, SDA and SCL."""


class GpiozeroPins:
    """Pins by any name that gpiozero knows ("GPIO17", "BOARD11"), and "GP17" for "GPIO17"."""

    look_ms = NEVER

    def __init__(self) -> None:
        self._wake = Wake()
        self._open: list[Any] = []
        self._buses: dict[tuple[str, ...], Any] = {}

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

    def part(self, kind: str, *what: Any) -> Any:
        """Return a part; see `parts.py`. PWM and pulses are gpiozero's, an analog input is that of
        an MCP3008 at SPI0 ("A0" to "A7"), the rest is Linux's."""
        pins = [gpio_name(each) for each in what[: 2 if kind in BUSES else 1]]
        shared = (kind, *pins)
        if shared in self._buses:
            return self._buses[shared]
        try:
            if kind == "pulses":
                return self._pulses(what[0], *what[1:])
            made = _part(kind, pins, *what[len(pins) :])
        except gpiozero.GPIOZeroError as error:
            raise PinError(f"pin '{what[0]}': {error}") from error
        if kind in (*BUSES, "one_wire"):
            self._buses[shared] = made
        if hasattr(made, "close"):
            self._open.append(made)
        return made

    def _pulses(self, pin: str, pull: str | None, level: int, quiet_ms: int) -> Pulses:
        entry = self.digital_in(pin, pull)
        pulses = Pulses(entry, level, quiet_ms, looks=False)

        def changed() -> None:
            pulses.edge(entry)
            self._wake.ring()

        def began() -> None:
            pulses.pulse(entry)
            self._wake.ring()

        device = self._open[-1]
        if quiet_ms:
            device.when_activated = device.when_deactivated = changed
        elif level == (0 if pull == "up" else 1):  # as gpiozero sees it, it is then active
            device.when_activated = began
        else:
            device.when_deactivated = began
        return pulses

    def streams(self) -> list[Any]:
        return [self._wake]

    def take_in(self) -> None:
        self._wake.clear()

    def close(self) -> None:
        for device in self._open:
            device.close()
        self._open.clear()
        self._buses.clear()
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


class GpiozeroPwm:
    """A PWM output."""

    def __init__(self, pin: str, hz: int, duty: int) -> None:
        self._device = gpiozero.PWMOutputDevice(pin, initial_value=duty / 65535, frequency=hz)

    def duty(self, level: int) -> None:
        """Set how much of the time the pin is high: 0 to 65535."""
        self._device.value = level / 65535

    def close(self) -> None:
        """Give the pin back."""
        self._device.close()


class GpiozeroAnalog:
    """A channel of an MCP3008 at SPI0, since a Raspberry Pi has no analog input of its own."""

    def __init__(self, pin: str) -> None:
        if len(pin) != 2 or pin[0] != "A" or pin[1] not in "01234567":
            raise PinError(f"pin '{pin}': analog inputs are A0 to A7, those of an MCP3008")
        self._device = gpiozero.MCP3008(channel=int(pin[1]))

    def read(self) -> int:
        """Return the level, 0 to 65535."""
        return int(self._device.value * 65535 + 0.5)

    def close(self) -> None:
        """Give the channel back."""
        self._device.close()


def _part(kind: str, pins: list[str], *what: Any) -> Any:
    if kind == "pwm":
        return GpiozeroPwm(pins[0], *what)
    if kind == "analog":
        return GpiozeroAnalog(*pins)
    if kind == "i2c":
        return linux_parts.LinuxI2c(*pins)
    if kind == "one_wire":
        return linux_parts.LinuxOneWire(*pins)
    if kind == "dht":
        return linux_parts.LinuxDht(*pins)
    if kind == "pixels":
        return linux_parts.LinuxPixels(*pins)
    if kind == "busio":
        return _busio(*pins)
    raise PinError(f"a Raspberry Pi has no part '{kind}'")


def _busio(sda: str, scl: str) -> Any:
    """Return the bus for CircuitPython's drivers, which only adafruit-blinka has."""
    try:
        from myocan.edge.pins.blinka import open_busio
    except (ImportError, NotImplementedError) as error:
        raise PinError(
            "CircuitPython's drivers need adafruit-blinka: `pip install 'myocan[sensors]'`"
        ) from error
    return open_busio(sda, scl)


def gpio_name(pin: str) -> str:
    """Return gpiozero's name for a pin: boards print "GP17" where a Pi has "GPIO17"."""
    number = pin.removeprefix("GP")
    return f"GPIO{number}" if number.isdigit() else pin
