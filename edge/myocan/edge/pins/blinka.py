"""Pins of a computer by adafruit-blinka: what CircuitPython calls `board`, on a Pi and many others.

It cannot tell when a pin moves, so the loop looks every two milliseconds. What it is there for are
the sensors that CircuitPython has drivers for; see the kind of port `circuitpython`.
"""

from typing import Any

import board  # type: ignore[import-untyped]
import digitalio  # type: ignore[import-untyped]

from myocan.edge.errors import PinError
from myocan.edge.pins.pulses import Pulses


class BlinkaPins:
    """Pins by the names that `board` has ("D17", "SDA"), "GP17" and "GPIO17" for "D17"."""

    look_ms = 2

    def __init__(self) -> None:
        self._open: list[Any] = []
        self._buses: dict[tuple[str, ...], Any] = {}

    def digital_in(self, pin: str, pull: str | None) -> "BlinkaPin":
        device = self._digital(pin)
        resistor = {"up": digitalio.Pull.UP, "down": digitalio.Pull.DOWN}.get(pull or "")
        try:
            device.switch_to_input(pull=resistor)
        except (NotImplementedError, ValueError) as error:
            raise PinError(f"pin '{pin}': {error}") from error
        return BlinkaPin(device)

    def digital_out(self, pin: str, level: int) -> "BlinkaPin":
        device = self._digital(pin)
        device.switch_to_output(value=bool(level))
        return BlinkaPin(device)

    def part(self, kind: str, *what: Any) -> Any:
        """Return a part; see `parts.py`. Blinka has no 1-Wire, and is too slow for a DHT."""
        key = (kind, *what[:2])
        if kind in ("i2c", "busio"):
            if key not in self._buses:
                bus = open_busio(what[0], what[1])
                self._buses[key] = BlinkaI2c(bus) if kind == "i2c" else bus
            return self._buses[key]
        if kind == "pulses":
            pin, pull, level, quiet_ms = what
            return Pulses(self.digital_in(pin, pull), level, quiet_ms)
        make = {"pwm": BlinkaPwm, "analog": BlinkaAnalog, "pixels": BlinkaPixels}.get(kind)
        if make is None:
            raise PinError(f"adafruit-blinka has no part '{kind}': take gpiozero's pins")
        made = make(*what)
        self._open.append(made)
        return made

    def streams(self) -> list[Any]:
        return []

    def take_in(self) -> None:
        pass

    def close(self) -> None:
        for device in self._open:
            device.deinit()
        self._open.clear()
        for bus in self._buses.values():
            bus.deinit()
        self._buses.clear()

    def _digital(self, pin: str) -> Any:
        device = _claim(digitalio.DigitalInOut, pin)
        self._open.append(device)
        return device


class BlinkaPin:
    """A digital pin, in or out."""

    def __init__(self, device: Any) -> None:
        self._device = device

    def value(self, level: int | None = None) -> int:
        """Return the level, 0 or 1, or set it."""
        if level is not None:
            self._device.value = bool(level)
            return level
        return int(self._device.value)


class BlinkaPwm:
    """A PWM output."""

    def __init__(self, pin: str, hz: int, duty: int) -> None:
        import pwmio  # type: ignore[import-untyped]

        self._device = _claim(pwmio.PWMOut, pin, frequency=hz, duty_cycle=duty)

    def duty(self, level: int) -> None:
        """Set how much of the time the pin is high: 0 to 65535."""
        self._device.duty_cycle = level

    def deinit(self) -> None:
        """Give the pin back."""
        self._device.deinit()


class BlinkaAnalog:
    """An analog input."""

    def __init__(self, pin: str) -> None:
        import analogio  # type: ignore[import-untyped]

        self._device = _claim(analogio.AnalogIn, pin)

    def read(self) -> int:
        """Return the level, 0 to 65535."""
        return int(self._device.value)

    def deinit(self) -> None:
        """Give the pin back."""
        self._device.deinit()


class BlinkaPixels:
    """A strip of lamps with a chip in each."""

    def __init__(self, pin: str) -> None:
        self._device = _claim(digitalio.DigitalInOut, pin)
        self._device.switch_to_output(value=False)

    def show(self, colors: bytes | bytearray) -> None:
        """Send the bytes of all lamps."""
        from neopixel_write import neopixel_write  # type: ignore[import-untyped]

        neopixel_write(self._device, bytearray(colors))

    def deinit(self) -> None:
        """Give the pin back."""
        self._device.deinit()


class BlinkaI2c:
    """An I2C bus, for our own drivers; `bus` is what CircuitPython's take."""

    def __init__(self, bus: Any) -> None:
        self._bus = bus

    def write(self, address: int, content: bytes) -> None:
        """Send bytes to a device; raises OSError."""
        self._locked(self._bus.writeto, address, content)

    def read(self, address: int, register: int, count: int) -> bytes:
        """Return so many bytes of a device, from a register on; raises OSError."""
        content = bytearray(count)
        self._locked(self._bus.writeto_then_readfrom, address, bytes((register,)), content)
        return bytes(content)

    def _locked(self, do: Any, *what: Any) -> None:
        if not self._bus.try_lock():
            raise OSError("the I2C bus is busy")
        try:
            do(*what)
        except ValueError as error:  # some platforms say so that nobody answers
            raise OSError(str(error)) from error
        finally:
            self._bus.unlock()

    def deinit(self) -> None:
        """Give the pins back."""
        self._bus.deinit()


def open_busio(sda: str, scl: str) -> Any:
    """Return CircuitPython's own I2C bus of two pins; raises PinError."""
    import busio  # type: ignore[import-untyped]

    try:
        return busio.I2C(_find(scl), _find(sda))
    except (ValueError, RuntimeError, OSError) as error:
        raise PinError(f"no I2C at {sda} and {scl}: {error}") from error


def _find(pin: str) -> Any:
    number = pin.removeprefix("GPIO").removeprefix("GP")
    for name in (pin, f"D{number}"):
        if name.isidentifier() and hasattr(board, name):
            return getattr(board, name)
    raise PinError(f"this computer has no pin '{pin}', says adafruit-blinka")


def _claim(make: Any, pin: str, **more: Any) -> Any:
    try:
        return make(_find(pin), **more)
    except (ValueError, RuntimeError, NotImplementedError, OSError) as error:
        raise PinError(f"pin '{pin}': {error}") from error
