"""Pins of a board, from MicroPython's `machine`.

A board has no stream that tells of a pin, so the loop looks every millisecond. A virtual board's
`machine` does have one (`wake_stream`), and is asked for it, so that it can sleep.
"""

import machine  # type: ignore[import-not-found]

from myocan.edge.clock import NEVER, const
from myocan.edge.errors import PinError

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any


class MachinePins:
    """Pins by the names printed on the board ("GP14", "LED"), or by number ("14")."""

    def __init__(self) -> None:
        self._wake_stream = getattr(machine, "wake_stream", None)
        self._any_input = False
        self.look_ms = 1 if self._wake_stream is None else NEVER

    def digital_in(self, pin: str, pull: "str | None") -> "Any":
        self._any_input = True
        resistor = None if pull is None else getattr(machine.Pin, "PULL_" + pull.upper())
        return self.open(pin, machine.Pin.IN, resistor)

    def digital_out(self, pin: str, level: int) -> "Any":
        return self.open(pin, machine.Pin.OUT, None, value=level)

    def open(self, pin: str, mode: int, pull: "Any", **more: int) -> "Any":
        """Return a `machine.Pin`; raises PinError."""
        for name in (pin, pin.lstrip("GPIO")):
            try:
                return machine.Pin(int(name) if name.isdigit() else name, mode, pull, **more)
            except (ValueError, TypeError):
                pass
        raise PinError(f"this board has no pin '{pin}': see its pinout")

    def streams(self) -> "list[Any]":
        # reading an input is what empties the stream, so without inputs it would stay readable
        return [self._wake_stream()] if self._wake_stream and self._any_input else []

    def take_in(self) -> None:
        pass

    def close(self) -> None:
        pass
