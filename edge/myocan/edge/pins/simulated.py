"""Pins that are only levels in memory, driven by a test, a demonstration, or another process.

In the same process: `drive("GP14", 0)`, from any thread, and `level("GP15")`. From another one:
give it a connected, non-blocking stream socket; each line "GP14 0" that comes in drives a pin, and
each line "GP15 1" that goes out tells of an output that changed. Runs on both runtimes.

The one idea to know: no change is too short to be seen. Between any two changes the adapter gets a
look at its pins, however busy the machine is, so a test can count on every press.
"""

import sys

from myocan.edge.clock import NEVER, const, ticks_ms
from myocan.edge.errors import PinError

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class SimulatedPins:
    """Pins of any name.

    control: a stream socket as described above, or None. When its other end closes, the adapter
        ends with a PinError, so that none is left running by a test that died.
    """

    def __init__(self, control: "Any" = None) -> None:
        self.on_change: Callable[[str, int], None] | None = None
        """Called with pin and level when an output changes, by the adapter's own thread."""
        self.devices: dict[int, Any] = {}
        """What is on the I2C bus; see `simulated_parts.SimulatedI2c`."""
        self.ticks = ticks_ms
        """The clock by which chatter is told from pulses."""
        self._levels: dict[str, int] = {}
        self._coming: list[tuple[str, int]] = []
        self._control = control
        self._line = b""
        self._wake: Any = None
        if sys.implementation.name != "micropython":
            from myocan.edge.wake import Wake

            self._wake = Wake()
        self._idle_ms = NEVER if self.streams() else 1
        self.look_ms = self._idle_ms

    def drive(self, pin: str, level: int) -> None:
        """Do to an input what a finger or a wire would do, before or after a port opens it."""
        self._coming.append((pin, level))
        if self._wake is not None:
            self._wake.ring()

    def level(self, pin: str) -> int:
        """Return the level of a pin; raises PinError for one that nobody has opened or driven."""
        if pin not in self._levels:
            raise PinError(f"pin '{pin}': no port uses it: correct the name")
        return self._levels[pin]

    def digital_in(self, pin: str, pull: "str | None") -> "SimulatedPin":
        while self._coming:
            self.take_in()
        if pin not in self._levels:
            self._levels[pin] = 1 if pull == "up" else 0
        return SimulatedPin(self, pin)

    def digital_out(self, pin: str, level: int) -> "SimulatedPin":
        self.put(pin, level)
        return SimulatedPin(self, pin)

    def put(self, pin: str, level: int) -> None:
        """Set an output, and tell of it if that changes it."""
        if self._levels.get(pin) == level:
            return
        self._levels[pin] = level
        if self._control is not None:
            self._control.send(f"{pin} {level}\n".encode())
        if self.on_change is not None:
            self.on_change(pin, level)

    def measured(self, name: str, level: int) -> "Callable[[], int]":
        """Return what tells the level called `name`, which is `level` until it is driven."""
        if name not in self._levels:
            self._levels[name] = level
        return lambda: self._levels[name]

    def part(self, kind: str, *what: "Any") -> "Any":
        """Return a simulated part; see `parts.py` and `simulated_parts.py`."""
        from myocan.edge.pins.simulated_parts import make_part

        while self._coming:
            self.take_in()
        return make_part(self, kind, *what)

    def streams(self) -> "list[Any]":
        return [stream for stream in (self._control, self._wake) if stream is not None]

    def take_in(self) -> None:
        if self._wake is not None:
            self._wake.clear()
        if self._control is not None:
            self._read_control()
        if self._coming:
            pin, level = self._coming.pop(0)
            self._levels[pin] = level
            self.look_ms = 0 if self._coming else self._idle_ms

    def _read_control(self) -> None:
        try:
            received = self._control.recv(512)
        except OSError:  # nothing there
            return
        if not received:
            raise PinError("whoever drove the simulated pins is gone: start both again")
        lines = (self._line + received).split(b"\n")
        self._line = lines[-1]
        for line in lines[:-1]:
            pin, level = line.decode().split()
            self._coming.append((pin, int(level)))

    def close(self) -> None:
        if self._wake is not None:
            self._wake.close()


class SimulatedPin:
    """One pin, in or out."""

    def __init__(self, pins: SimulatedPins, name: str) -> None:
        self._pins = pins
        self._name = name

    def value(self, level: "int | None" = None) -> int:
        """Return the level, 0 or 1, or set it."""
        if level is not None:
            self._pins.put(self._name, level)
        return self._pins.level(self._name)
