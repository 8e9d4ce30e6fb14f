"""The simulated `machine` of a virtual board, loaded in place of the built-in one.

The one idea to know: pins are two pipes. What the world outside does to a pin arrives on one, two
bytes a change (pin, level), and `Pin.value()` first takes in what arrived, so a pin costs one
system call to read (about 1 µs) and there is nothing to wait for. What the board does to a pin
leaves on the other, four bytes a change (what, pin, two more).

A loop that wants to sleep until a pin changes can put `wake_stream()` into its `select.poll()`
beside its socket:

    poll.register(machine.wake_stream(), select.POLLIN)

It is readable as long as a change has not been taken in; reading any input pin, or calling
`take_in()`, takes in all of them. A `machine` without `wake_stream` is a real board: there, look at
the pins every millisecond or two, or use an interrupt.

Not simulated: interrupts (`Pin.irq`), ADC, PWM, I2C, SPI.
"""
# mypy: ignore-errors
# (MicroPython's own modules, which mypy does not know)

import sys
import time

import umachine

PinBase = umachine.PinBase
Signal = umachine.Signal
idle = umachine.idle
soft_reset = umachine.soft_reset
time_pulse_us = umachine.time_pulse_us
mem8, mem16, mem32 = umachine.mem8, umachine.mem16, umachine.mem32

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

simulates = ""
"""Name of the kind of board (a file of boards/) that this one stands for."""

_UNDRIVEN = 2
_names: dict[str, int] = {}  # name of a pin -> its number
_pins: dict[int, "Pin"] = {}
_levels = bytearray(0)  # what the world outside does to each pin: 0, 1, or _UNDRIVEN
_changes = bytearray(64)
_record = bytearray(4)
_inward = _outward = None
_identity, _cause = b"", PWRON_RESET


def _connect(inward, outward, kind, pins, identity, cause):
    """Called once, by the start script: two open streams, the kind, [(name, number)], the rest."""
    global _inward, _outward, _levels, _identity, _cause, simulates
    _inward, _outward, simulates, _identity, _cause = inward, outward, kind, identity, cause
    _names.update(pins)
    _levels = bytearray([_UNDRIVEN] * (max(_names.values()) + 1))
    take_in()


def _send(what: int, number: int = 0, a: int = 0, b: int = 0) -> None:
    _record[0], _record[1], _record[2], _record[3] = what, number, a, b
    _outward.write(_record)


def take_in() -> None:
    """Take in all changes of input pins that have arrived."""
    while True:
        n = _inward.readinto(_changes)
        if n is None:
            return
        if n == 0:
            sys.exit()  # nobody simulates this board any more
        for i in range(0, n, 2):
            _levels[_changes[i]] = _changes[i + 1]
        if n < len(_changes):
            return


def wake_stream():
    """Return a stream for `select.poll` that is readable while a pin change waits to be read."""
    return _inward


class Pin(PinBase):
    """A pin by name ("GP14") or number (14); the same object for the same pin, as on a board.

    Raises ValueError for a pin that this kind of board does not have.
    """

    IN, OUT, OPEN_DRAIN = 0, 1, 2
    PULL_UP, PULL_DOWN = 1, 2

    def __new__(cls, id, mode=-1, pull=-1, value=None):
        number = _names.get(id) if isinstance(id, str) else id
        pin = _pins.get(number)
        if pin is None:
            if number not in _names.values():
                raise ValueError("invalid pin")
            pin = _pins[number] = super().__new__(cls)
            pin.number, pin.mode, pin.pull, pin.out = number, -1, -1, -1
        return pin

    def __init__(self, id, mode=-1, pull=-1, value=None):
        self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None):
        """Set direction, pull (None for none) and, for an output, its first level."""
        if value is not None:
            value = 1 if value else 0
        if mode in (self.OUT, self.OPEN_DRAIN):
            self.mode = mode
            self.out = max(self.out, 0) if value is None else value
            _send(111, self.number, self.out)  # "o"
        elif mode == self.IN:
            self.mode, self.pull, self.out = mode, 0 if pull in (None, -1) else pull, -1
            _send(105, self.number, self.pull)  # "i"
        elif value is not None:
            self.value(value)

    def value(self, x=None):
        """Return the level of the pin, or set it."""
        if x is not None:
            x = 1 if x else 0
            if x != self.out:
                self.out = x
                if self.mode > 0:
                    _send(111, self.number, x)
            return None
        if self.mode > 0:
            return self.out
        take_in()
        level = _levels[self.number]
        return level if level != _UNDRIVEN else int(self.pull == self.PULL_UP)

    __call__ = value

    def on(self) -> None:
        """Set it high."""
        self.value(1)

    def off(self) -> None:
        """Set it low."""
        self.value(0)

    high, low = on, off

    def toggle(self) -> None:
        """Set an output to the other level."""
        self.value(not self.out)

    def __repr__(self) -> str:
        return f"Pin({self.number})"


class WDT:
    """Resets the board when it is not fed for `timeout` milliseconds; nothing stops it, but, as on
    an ESP32, it can be given another time."""

    def __init__(self, id: int = 0, timeout: int = 5000) -> None:
        self._every = timeout // 8  # so often is enough; who simulates the board allows for it
        self._next = time.ticks_ms()
        if timeout < 65536:
            _send(119, 0, timeout >> 8, timeout & 255)  # "w"
        else:
            seconds = min(timeout // 1000, 65535)
            _send(87, 0, seconds >> 8, seconds & 255)  # "W"

    def feed(self) -> None:
        """Say that the program is well."""
        now = time.ticks_ms()
        if time.ticks_diff(now, self._next) >= 0:
            self._next = time.ticks_add(now, self._every)
            _send(102)  # "f"


class RTC:
    """The clock of the machine that simulates the board."""

    def datetime(self, *setting):
        """Return (year, month, day, weekday, hour, minute, second, 0); it cannot be set."""
        t = time.localtime()
        return (t[0], t[1], t[2], t[6], t[3], t[4], t[5], 0)


def reset() -> None:
    """Reset the board as its reset button does; does not return."""
    _send(114)  # "r"
    while True:
        time.sleep(1)


def reset_cause() -> int:
    """Why the board started: one of the *_RESET constants."""
    return _cause


def unique_id() -> bytes:
    """Some bytes that only this board has."""
    return _identity
