"""Something that can be on in part: a lamp that is dimmed, a fan, a heating mat."""

from myocan.edge.clock import const
from myocan.edge.pins.parts import part
from myocan.edge.ports.graded import Graded

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, PwmOut, Spec
    from myocan.edge.ports.numbers import Number
    from myocan.wire.message import Value

FULL = const(65535)


class Pwm(Graded):
    """An output that takes percent: 0 is off, 100 is always on, 12.5 is an eighth of the time.

    It does so `hz` times a second (default 1000). `active = "low"` is for what is on while the pin
    is low. Without a map it also takes on/off and true/false. Its safe value is 0 if none is given.
    """

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins, 100)
        if self.safe is None:
            self.safe = self.applied = 0
        self._inverted = spec.get("active") == "low"
        duty = self._duty(self.number(self.safe))
        self._output: PwmOut = part(pins, "pwm", spec["pin"], spec.get("hz", 1000), duty)

    def words(self) -> "list[tuple[Value, Number]]":
        return [("on", (100, 0)), ("off", (0, 0)), (True, (100, 0)), (False, (0, 0))]

    def show(self, number: "Number | None") -> None:
        self._output.duty(self._duty(number or (0, 0)))

    def _duty(self, number: "Number") -> int:
        units, decimals = number
        duty = units * FULL // (100 * int(10**decimals))
        return FULL - duty if self._inverted else duty


PORT = Pwm
