"""Something that gives a voltage: a potentiometer, a light sensor, a pressure transmitter."""

from myocan.edge.clock import Alarm, const
from myocan.edge.pins.parts import part
from myocan.edge.ports.numbers import divide, rescale
from myocan.edge.ports.port import Port
from myocan.edge.ports.reading import Reading, keep_all

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import AnalogIn, Pins, Spec

_FULL = const(65535)


class Analog(Port):
    """An analog input, told as a number from `low` (no voltage; default 0) to `high` (the highest
    that the board can measure; default 100), which may be the smaller one.

    It is measured every `every_s` seconds (default 0.1) as the mean of `samples` (default 16), and
    told when it has moved by a hundredth of its range, at most twice a second; see `Reading`. Both
    ends are told however little is missing to them.
    """

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self._every_ms = int(spec.get("every_s", 0.1) * 1000)
        self._samples: int = spec.get("samples", 16)
        low, high = spec.get("low", (0, 0)), spec.get("high", (100, 0))
        decimals = max(low[1], high[1])
        span = abs(rescale(high, decimals) - rescale(low, decimals))
        self._reading = Reading(self, "value", decimals, (span, decimals + 2), 0.5)
        decimals = self._reading.decimals
        self._low, self._high = rescale(low, decimals), rescale(high, decimals)
        keep_all(self, "value")
        self._input: AnalogIn = part(pins, "analog", spec["pin"])
        self._next = Alarm()

    def step(self, now: int) -> None:
        if self._next.on and not self._next.rings(now):
            return
        self._next.set(now, self._every_ms)
        raw = 0
        for _ in range(self._samples):  # a list would be garbage ten times a second
            raw += self._input.read()
        low, high = self._low, self._high
        units = low + divide((high - low) * divide(raw, self._samples), _FULL)
        end = (units - low) * (units - high) == 0
        self._reading.offer(units, self._reading.decimals, now, end)

    def due(self, now: int) -> int:
        return self._next.left(now) if self._next.on else 0

    def refresh(self) -> None:
        self._reading.refresh()


PORT = Analog
