"""Pulses on a pin of a board, counted by interrupts: none is missed while the board does other
things. A pin that has no interrupts is looked at, as a button is.
"""

import machine  # type: ignore[import-not-found]

from myocan.edge.clock import const
from myocan.edge.pins.pulses import Pulses

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.pins.machine import MachinePins


def make(pins: "MachinePins", pin: str, pull: "str | None", level: int, quiet_ms: int) -> Pulses:
    """Return the pulses of a pin; see `parts.py`."""
    entry = pins.digital_in(pin, pull)
    pulses = Pulses(entry, level, quiet_ms, False)
    if quiet_ms:
        edges, told = machine.Pin.IRQ_RISING | machine.Pin.IRQ_FALLING, pulses.edge
    else:
        edges, told = machine.Pin.IRQ_RISING if level else machine.Pin.IRQ_FALLING, pulses.pulse
    try:
        try:
            entry.irq(told, edges, hard=True)
        except TypeError:  # a chip whose interrupts always wait for the interpreter
            entry.irq(told, edges)
    except (OSError, ValueError):  # a pin without interrupts, as GPIO16 of an ESP8266
        return Pulses(entry, level, quiet_ms)
    return pulses
