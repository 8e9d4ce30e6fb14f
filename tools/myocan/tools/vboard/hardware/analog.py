"""`machine.ADC` and `machine.PWM` of a virtual board; loaded into `machine` when asked for."""
# mypy: ignore-errors
# ruff: noqa: F821
# (MicroPython's own modules, which mypy does not know; and it runs among the names of machine.py)


def _pin_of(pin):
    return pin if isinstance(pin, Pin) else Pin(pin)


class ADC:
    """An analog input; 3.3 V is its largest number, on all kinds of boards.

    Raises ValueError for a pin that has none, OSError on one of an ESP32's second converter while
    its WiFi is on.
    """

    ATTN_0DB, ATTN_2_5DB, ATTN_6DB, ATTN_11DB = 0, 1, 2, 3

    def __init__(self, pin, *, sample_ns=0, atten=3):
        self.number = _pin_of(pin).number
        self.read_u16()

    def read_u16(self):
        """Return the level, 0 to 65535."""
        answer = _ask("a", bytes((self.number,)))
        return answer[0] << 8 | answer[1]

    def read_uv(self):
        """Return the level in microvolts."""
        return self.read_u16() * 3_300_000 // 65535

    def atten(self, attenuation):
        """Accept an attenuation."""


class PWM:
    """A pin that is switched on and off so fast that a part of its power is left.

    duty_u16 is 0 to 65535; duty_ns how long it is high in each period.
    """

    def __init__(self, pin, *, freq=0, duty_u16=-1, duty_ns=-1, invert=False):
        self.number = _pin_of(pin).number
        self._freq, self._duty, self._invert, self._on = 0, 0, invert, True
        self.init(freq=freq, duty_u16=duty_u16, duty_ns=duty_ns)

    def init(self, *, freq=0, duty_u16=-1, duty_ns=-1):
        self._on = True
        if freq:
            self.freq(freq)
        if duty_ns >= 0:
            self.duty_ns(duty_ns)
        elif duty_u16 >= 0:
            self.duty_u16(duty_u16)

    def freq(self, hertz=None):
        """Return or set the frequency, 1 Hz to 40 MHz."""
        if hertz is None:
            return self._freq
        if not 1 <= hertz <= 40_000_000:
            raise ValueError("freq out of range")
        self._freq = hertz
        if hertz < 65536:
            _send(113, self.number, hertz >> 8, hertz & 255)  # "q"
        else:
            _send(81, self.number, hertz // 1000 >> 8, hertz // 1000 & 255)  # "Q"

    def duty_u16(self, duty=None):
        """Return or set the share of the time that it is high, of 65535."""
        if duty is None:
            return self._duty
        self._duty = min(max(duty, 0), 65535)
        shown = 65535 - self._duty if self._invert else self._duty
        _send(112, self.number, shown >> 8, shown & 255)  # "p"

    def duty_ns(self, ns=None):
        """Return or set how long it is high in each period, in nanoseconds."""
        if ns is None:
            return self._duty * 1_000_000_000 // (65535 * self._freq)
        if not self._freq:
            raise ValueError("PWM freq not set")
        self.duty_u16((ns * self._freq * 65535 + 500_000_000) // 1_000_000_000)

    def deinit(self):
        """Let the pin be low, and no PWM any more."""
        if self._on:
            self._on = False
            _send(80, self.number)  # "P"
