"""A relay, or anything else that one pin switches on and off."""

from myocan.edge.clock import const
from myocan.edge.ports.levels import Levels
from myocan.edge.ports.port import Port

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, Spec
    from myocan.wire.message import Value


class Relay(Port):
    """An output that takes values: `map` says which level each stands for.

    Its safe level (`safe`, default 0) is there from the moment that the pin becomes an output.
    `active = "low"` is for a relay board that switches on when its input is low: then level 1 (and
    `safe = 1`) means a low pin.
    """

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self._levels = Levels(self.name, spec.get("map"))
        self._safe: int = spec.get("safe", 0)
        self._inverted = int(spec.get("active") == "low")
        self._output = pins.digital_out(spec["pin"], self._safe ^ self._inverted)
        self.applied = self._levels.value(self._safe)

    def check(self, value: "Value") -> None:
        super().check(value)
        self._levels.level(value)

    def alike(self, one: "Value", other: "Value") -> bool:
        return self._levels.level(one) == self._levels.level(other)

    def take(self, value: "Value") -> None:
        self.check(value)
        self._output.value(self._levels.level(value) ^ self._inverted)
        self.applied = value

    def make_safe(self) -> None:
        self._output.value(self._safe ^ self._inverted)
        self.applied = self._levels.value(self._safe)


PORT = Relay
