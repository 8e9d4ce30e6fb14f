"""A contact: a door, a window, a switch that stays where it is put; its value is a reading.

The one idea to know: the value is told at the start, at each change, and again when the hub has
lost it, so the hub always knows it; while the link is away only the newest is kept.
"""

from myocan.edge.clock import const
from myocan.edge.ports.debounce import Debounce
from myocan.edge.ports.levels import ON_OFF, value_at
from myocan.edge.ports.port import Port

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, Spec
    from myocan.edge.ports.levels import Pairs


class Contact(Port):
    """An input whose level is told as a value: `map` says which (without one, `on` is high)."""

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self._map: Pairs = spec.get("map") or ON_OFF
        self._input = pins.digital_in(spec["pin"], spec.get("pull"))
        self._debounce = Debounce(self._input.value(), spec.get("debounce_ms", 20))
        if spec.get("keep") == "all":
            self.EVENTS = ("value",)

    def start(self) -> None:
        self.refresh()

    def step(self, now: int) -> None:
        if self._debounce.feed(self._input.value(), now):
            self.refresh()

    def refresh(self) -> None:
        self.tell("value", value_at(self._debounce.level, self._map))

    def due(self, now: int) -> int:
        return self._debounce.restless.left(now)


PORT = Contact
