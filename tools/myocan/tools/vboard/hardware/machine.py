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

Interrupts (`Pin.irq`) come when changes are taken in, so not between two lines that look at no pin;
but no change is left out. What only some boards use (`ADC`, `PWM`, `I2C`, `dht_readinto` ...) is
loaded from a file of its own when a program asks for it, and takes no memory before.

Not simulated: SPI, UART, timers, sleep modes.
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
_inward = _outward = _questions = _answers = _shelf = None
_identity, _cause = b"", PWRON_RESET
_asked = 0
_header = bytearray(4)
_watched: dict[int, "Pin"] = {}  # pins with an interrupt
_news: dict[int, object] = {}  # from _NEWS up: what to call with what else has changed
_NEWS = 254
"""From here on a number is no pin, but what `network` wants to know."""

_ELSEWHERE = {
    "ADC": "analog",
    "PWM": "analog",
    "I2C": "i2c",
    "SoftI2C": "i2c",
    "bitstream": "signals",
    "dht_readinto": "signals",
}
"""Name -> file with it."""


def _connect(streams, shelf, kind, pins, identity, cause):
    """Called once, by the start script: four open streams (pin changes in and out, questions,
    answers), the folder with the other files, the kind, [(name, number)], the rest."""
    global _inward, _outward, _questions, _answers, _shelf, _levels, _identity, _cause, simulates
    _inward, _outward, _questions, _answers = streams
    _shelf, simulates, _identity, _cause = shelf, kind, identity, cause
    _names.update(pins)
    _levels = bytearray([_UNDRIVEN] * (max(_names.values()) + 1))
    take_in()


def __getattr__(name):
    if name not in _ELSEWHERE:
        raise AttributeError(name)
    _load(_ELSEWHERE[name], globals())
    return globals()[name]


def _load(file, names):
    """Run one of the files beside this one, with and into `names`."""
    file = "/" + file + ".py"
    with _shelf.open(file, "r") as opened:
        text = opened.read()
    exec(compile(text, file, "exec"), names)


class _Later:
    """A module that is loaded when something of it is asked for."""

    def __init__(self, file):
        self.file = file

    def __getattr__(self, name):
        names = {"__name__": self.file}
        _load(self.file, names)
        for each, what in names.items():
            setattr(self, each, what)
        if name not in names:
            raise AttributeError(name)
        return names[name]


def _ask(what, *asked):
    """Ask the world something and stand still until it has answered; returns the bytes of it.

    what: a letter. asked: pieces of the question. Raises OSError when nothing is there.
    """
    global _asked
    _asked = _asked + 1 & 255
    length = sum(len(piece) for piece in asked)
    question = bytearray((_asked, ord(what), length >> 8, length & 255))
    for piece in asked:
        question += piece
    _questions.write(question)
    while True:
        if _answers.readinto(_header) != 4:
            sys.exit()  # nobody simulates this board any more
        length = _header[2] << 8 | _header[3]
        answer = _answers.read(length) if length else b""
        if _header[0] == _asked:  # else somebody was stopped while he waited for it
            break
    if _header[1] == 255:
        raise ValueError(answer.decode())
    if _header[1]:
        raise OSError(_header[1])
    return answer


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
            number, level = _changes[i], _changes[i + 1]
            if number >= _NEWS:
                if number in _news:
                    _news[number](level)
                continue
            _levels[number] = level
            if number in _watched:
                _watched[number]._happened()
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
    IRQ_FALLING, IRQ_RISING = 4, 8

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

    def irq(self, handler=None, trigger=IRQ_FALLING | IRQ_RISING, hard=False):
        """Call `handler` with this pin at every edge that `trigger` names; None ends that."""
        self.handler, self.trigger, self.was = handler, trigger, self.value()
        if handler is None:
            _watched.pop(self.number, None)
        else:
            _watched[self.number] = self

    def _happened(self):
        level = _levels[self.number]
        level = level if level != _UNDRIVEN else int(self.pull == self.PULL_UP)
        edge = self.IRQ_RISING if level > self.was else self.IRQ_FALLING if level < self.was else 0
        self.was = level
        if edge & self.trigger:
            self.handler(self)

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
