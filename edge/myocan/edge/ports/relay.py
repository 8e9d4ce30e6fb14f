"""A relay, or anything else that one pin switches on and off."""

from myocan.edge.clock import const
from myocan.edge.ports.levels import ON_OFF, level_of, value_at
from myocan.edge.ports.port import Port

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, Spec
    from myocan.edge.ports.levels import Pairs
    from myocan.wire.message import Value


class Relay(Port):
    """An output that takes values: `map` says which level each stands for.

    Its safe level (`safe`, default 0) is there from the moment that the pin becomes an output.
    `active = "low"` is for a relay board that switches on when its input is low: then level 1 (and
    `safe = 1`) means a low pin.
    """

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self._map: Pairs = spec.get("map") or ON_OFF
        self._safe: int = spec.get("safe", 0)
        self._inverted = int(spec.get("active") == "low")
        self._output = pins.digital_out(spec["pin"], self._safe ^ self._inverted)
        self.applied = value_at(self._safe, self._map)

    def check(self, value: "Value") -> None:
        super().check(value)
        self._level(value)

    def alike(self, one: "Value", other: "Value") -> bool:
        return self._level(one) == self._level(other)

    def take(self, value: "Value") -> None:
        self.check(value)
        self._output.value(self._level(value) ^ self._inverted)
        self.applied = value

    def make_safe(self) -> None:
        self._output.value(self._safe ^ self._inverted)
        self.applied = value_at(self._safe, self._map)

    def _level(self, value: "Value") -> int:
        return level_of(value, self._map, self.name)


PORT = Relay
