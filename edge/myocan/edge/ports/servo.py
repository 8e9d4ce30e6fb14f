"""A servo, as in models of aeroplanes: it turns to an angle and stays there."""

from myocan.edge.clock import const
from myocan.edge.pins.parts import part
from myocan.edge.ports.graded import Graded

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, PwmOut, Spec
    from myocan.edge.ports.numbers import Number

_HZ = const(50)
_PERIOD_US = const(20_000)
_FULL = const(65535)


class Servo(Graded):
    """A servo that takes degrees, 0 to `degrees` (default 180).

    A pulse of `min_us` (default 1000 microseconds) means 0, one of `max_us` (default 2000) all of
    `degrees`; those are the lengths that every servo can do. Its safe value is an angle, or none:
    then it gets no pulses, and does not turn until it is told to.
    """

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins, spec.get("degrees", 180))
        self._least: int = spec.get("min_us", 1000)
        self._range: int = spec.get("max_us", 2000) - self._least
        duty = 0 if self.safe is None else self._duty(self.number(self.safe))
        self._output: PwmOut = part(pins, "pwm", spec["pin"], _HZ, duty)

    def show(self, number: "Number | None") -> None:
        self._output.duty(0 if number is None else self._duty(number))

    def _duty(self, number: "Number") -> int:
        units, decimals = number
        scale = self._most * int(10**decimals)
        # kept in units of scale, so that it is rounded only once
        us = self._least * scale + self._range * units
        return us * _FULL // (_PERIOD_US * scale)


PORT = Servo
