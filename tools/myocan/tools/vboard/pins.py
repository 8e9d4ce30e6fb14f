"""The wires of a virtual board, as the world outside sees them.

The one idea to know: a pin's level has two masters. An output is what the board says; an input is
what the world drives it to, else what its pull resistor makes of it, else nothing (None, floating).
Every change of a level is kept with the monotonic time at which it became known, so a test can ask
afterwards what happened between two instants and does not have to be quick.
"""

from __future__ import annotations

import difflib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

Level = int | None
"""1 high, 0 low, None floating."""

UNDRIVEN = 2
ALWAYS = 65535
"""Duty of a pin that is always high."""
PULL_UP, PULL_DOWN = 1, 2
PULL_NAMES = {PULL_UP: "up", PULL_DOWN: "down"}
KEPT_CHANGES = 20_000


class Change(NamedTuple):
    """A pin took another level; `at_ns` is the machine's monotonic clock."""

    at_ns: int
    pin: str
    level: Level


class UnknownPin(Exception):
    """This kind of board has no such pin."""


class Wire:
    """One pin.

    volts: of an analog level from outside. duty, freq_hz: of PWM, the share of the time that the
    pin is high, of 65535. sent: the newest bytes that went out of it as pulses (NeoPixel).
    """

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.number = number
        self.driven: Level = None
        self.out: Level = None
        self.mode: str | None = None
        self.pull = 0
        self.volts = 0.0
        self.duty = 0
        self.freq_hz = 0
        self.sent = b""
        self.last = Change(0, name, None)

    @property
    def level(self) -> Level:
        """What a voltmeter would show."""
        if self.mode == "out":
            return self.out
        if self.mode == "pwm":
            return {0: 0, ALWAYS: 1}.get(self.duty)
        if self.driven is not None:
            return self.driven
        return {PULL_UP: 1, PULL_DOWN: 0}.get(self.pull)


class Pins:
    """All pins of a board.

    numbers: name of a pin -> its number on the chip, 0 to 255.
    clock: the monotonic time in nanoseconds.
    on_change: called for every change of a level.
    """

    def __init__(
        self,
        numbers: Mapping[str, int],
        clock: Callable[[], int],
        on_change: Callable[[Change], None] = lambda change: None,
    ) -> None:
        self._by_name = {name: Wire(name, number) for name, number in numbers.items()}
        self._by_number = {wire.number: wire for wire in self._by_name.values()}
        self._clock = clock
        self.on_change = on_change
        self.on_wire: Callable[[str, Level], None] = lambda pin, level: None
        """Called with a pin that a wire leads to, and the level that it brings there."""
        self._wires: dict[str, str] = {}
        self._changes: deque[Change] = deque(maxlen=KEPT_CHANGES)

    def wire(self, name: str) -> Wire:
        """Return a pin by its name; raises UnknownPin, with the nearest names."""
        if wire := self._by_name.get(name):
            return wire
        near = difflib.get_close_matches(name, self._by_name, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UnknownPin(f"this board has no pin {name!r}{hint}")

    def drive(self, name: str, level: Level) -> tuple[int, bytes]:
        """Drive a pin from outside, or let go of it (None).

        Returns the monotonic time of it, and what to tell the board.
        """
        wire = self.wire(name)
        now = self._clock()
        wire.driven = level
        self._note(wire, now)
        return now, bytes((wire.number, UNDRIVEN if level is None else level))

    def connect(self, output: str, into: str) -> None:
        """Put a wire between two pins: what the one puts out drives the other from now on."""
        for name in (output, into):
            self.wire(name)
        self._wires[output] = into
        if (level := self.wire(output).level) is not None:
            self.on_wire(into, level)

    def numbered(self, number: int) -> Wire:
        """Return a pin by its number; raises UnknownPin."""
        if wire := self._by_number.get(number):
            return wire
        raise UnknownPin(f"this board has no pin number {number}")

    def pressed_level(self, name: str) -> int:
        """The level that a button between this pin and the other rail makes: low under a pull-up
        (and on a pin that the board has not set up), high under a pull-down."""
        return 1 if self.wire(name).pull == PULL_DOWN else 0

    def driven(self, name: str | None = None) -> bytes:
        """What to tell a board: how a pin is driven from outside, or every pin if it knows
        nothing."""
        wires = self._by_number.values() if name is None else [self.wire(name)]
        return b"".join(
            bytes((wire.number, UNDRIVEN if wire.driven is None else wire.driven)) for wire in wires
        )

    def board_set_output(self, number: int, level: int) -> None:
        """The board made a pin an output, or set it."""
        if wire := self._by_number.get(number):
            wire.mode, wire.out = "out", level
            self._note(wire, self._clock())

    def board_set_input(self, number: int, pull: int) -> None:
        """The board made a pin an input."""
        if wire := self._by_number.get(number):
            wire.mode, wire.out, wire.pull = "in", None, pull
            self._note(wire, self._clock())

    def board_set_pwm(
        self, number: int, duty: int | None = None, freq_hz: int | None = None, on: bool = True
    ) -> None:
        """The board switches a pin on and off all the time, or has stopped to."""
        if wire := self._by_number.get(number):
            wire.mode = "pwm" if on else "out"
            wire.out = 0
            wire.duty = wire.duty if duty is None else duty
            wire.freq_hz = wire.freq_hz if freq_hz is None else freq_hz
            self._note(wire, self._clock())

    def board_sent_bits(self, number: int, sent: bytes) -> None:
        """The board sent bytes as pulses; the pin is low afterwards."""
        if wire := self._by_number.get(number):
            wire.mode, wire.out, wire.sent = "out", 0, sent
            self._note(wire, self._clock())

    def board_lost(self) -> None:
        """The board was reset or has no power: all its pins float."""
        now = self._clock()
        for wire in self._by_number.values():
            wire.mode, wire.out, wire.pull = None, None, 0
            wire.duty = wire.freq_hz = 0
            self._note(wire, now)

    def describe(self, name: str) -> dict[str, Any]:
        """Return all that there is to know of a pin; see `client.PinState`."""
        wire = self.wire(name)
        return {
            "level": wire.level,
            "mode": wire.mode,
            "pull": PULL_NAMES.get(wire.pull),
            "at_ns": wire.last.at_ns,
            "duty": round(wire.duty / ALWAYS, 4) if wire.mode == "pwm" else None,
            "freq_hz": wire.freq_hz if wire.mode == "pwm" else None,
            "sent": wire.sent.hex(),
        }

    def changes(self, since_ns: int = 0) -> Iterator[Change]:
        """Yield the changes after `since_ns`, oldest first."""
        return (change for change in self._changes if change.at_ns > since_ns)

    def reached(self, name: str, level: Level, after_ns: int | None) -> Change | None:
        """Return the change that brought a pin to `level`.

        after_ns: None asks whether the pin has that level now; else the first such change after
            that time, also when the pin has changed again since.
        """
        wire = self.wire(name)
        if after_ns is None:
            return wire.last if wire.level == level else None
        for change in self.changes(after_ns):
            if change.pin == name and change.level == level:
                return change
        return None

    def _note(self, wire: Wire, now: int) -> None:
        if wire.level != wire.last.level:
            wire.last = Change(now, wire.name, wire.level)
            self._changes.append(wire.last)
            self.on_change(wire.last)
            if wire.name in self._wires:
                self.on_wire(self._wires[wire.name], wire.level)
