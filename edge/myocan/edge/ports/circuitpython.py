"""Any sensor on an I2C bus that CircuitPython has a driver for (computers only, no boards)."""

import math
from importlib import import_module
from typing import Any

from myocan.edge.background import InBackground
from myocan.edge.errors import ConfigError
from myocan.edge.interfaces import Pins, Spec
from myocan.edge.pins.parts import part
from myocan.edge.ports.reading import Reading, keep_all
from myocan.edge.ports.sensor import Sensor

MEASURING_MS = 200
"""How long a driver may take; it measures in a thread of its own."""
DECIMALS = 1
LEAST_CHANGE = (1, 1)


class Circuitpython(Sensor):
    """A sensor by its driver, `driver = "adafruit_sht4x.SHT4x"`, at `sda` and `scl`, by `address`
    if it has not its usual one. What it publishes are properties of the driver, which must be
    numbers: `publish = { temperature = "cellar.temperature" }`.
    """

    def __init__(self, spec: Spec, pins: Pins) -> None:
        super().__init__(spec, pins)
        self._driver = find_driver(spec["driver"])
        self._address = spec.get("address")
        self._bus: Any = part(pins, "busio", spec["sda"], spec["scl"])
        self._properties = [what for what in self.publish if what != "fault"]
        for what in self._properties:
            self.readings[what] = Reading(self, what, DECIMALS, LEAST_CHANGE)
        keep_all(self, *self._properties)
        self._device: Any = None
        self._work: InBackground[list[float]] | None = None

    def begin(self) -> int:
        if self._work is None or self._work.is_done():
            self._work = InBackground(self._measure)
        return MEASURING_MS

    def _measure(self) -> list[float]:
        if self._device is None:
            more = {} if self._address is None else {"address": self._address}
            self._device = self._driver(self._bus, **more)
        return [float(getattr(self._device, what)) for what in self._properties]

    def finish(self, now: int) -> None:
        assert self._work is not None
        try:
            measured = self._work.result(0)
        except OSError:
            if self._work.is_done():
                self._device = None  # it may have been pulled out, and has to be set up again
            raise
        for what, number in zip(self._properties, measured, strict=True):
            if not math.isfinite(number):
                raise OSError(f"its {what} is no number")
            self.readings[what].offer(round(number * 1_000_000), 6, now)

    def explain(self, error: Exception) -> str:
        return f"{type(error.__cause__ or error).__name__}: {error}; look at its wires and address"


def find_driver(name: str) -> Any:
    """Return the class of a driver; raises ConfigError with what to install."""
    module, _, kind = name.rpartition(".")
    try:
        return getattr(import_module(module), kind)
    except ImportError as error:
        package = "adafruit-circuitpython-" + module.partition(".")[0].removeprefix("adafruit_")
        raise ConfigError(
            f"the driver '{name}' is missing: `pip install {package.replace('_', '-')}`"
        ) from error
    except AttributeError as error:
        raise ConfigError(f"the driver '{module}' has no '{kind}'") from error


PORT = Circuitpython
