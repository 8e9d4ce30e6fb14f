"""A motion sensor: its output is high while something moves, and for a while after."""

from myocan.edge.clock import Alarm, const
from myocan.edge.ports.levels import ON_OFF, value_at
from myocan.edge.ports.port import Port
from myocan.edge.ports.reading import keep_all

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, Spec
    from myocan.edge.ports.levels import Pairs


class Motion(Port):
    """An input that tells `motion` when something begins to move, `still` when nothing has moved
    for `clear_s` seconds (default 0: as soon as the sensor says so), and which of the two it is as
    `value`, by its map (without one, `on` is motion).

    `active = "low"` is for a sensor whose output is low while something moves. For `settle_s`
    seconds after the start (default 0) it tells nothing: many sensors then see ghosts.
    """

    EVENTS = ("motion", "still")

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self._map: Pairs = spec.get("map") or ON_OFF
        self._low: bool = spec.get("active") == "low"
        self._clear_ms = int(spec.get("clear_s", 0) * 1000)
        self._settle_ms = int(spec.get("settle_s", 0) * 1000)
        self._input = pins.digital_in(spec["pin"], spec.get("pull"))
        keep_all(self, "value")
        self._moving: int | None = None
        self._clear, self._settle = Alarm(), Alarm()

    def step(self, now: int) -> None:
        if self._settle_ms:
            self._settle.set(now, self._settle_ms)
            self._settle_ms = 0
        self._settle.rings(now)
        if self._settle.on:
            return
        if self._low != bool(self._input.value()):
            self._clear.off()
            if not self._moving:
                self._moving = 1
                self.tell("motion")
                self.refresh()
        elif self._moving is None:
            self._moving = 0
            self.refresh()
        elif self._moving:
            if not self._clear.on:
                self._clear.set(now, self._clear_ms)
            if self._clear.rings(now):
                self._moving = 0
                self.tell("still")
                self.refresh()

    def refresh(self) -> None:
        if self._moving is not None:
            self.tell("value", value_at(self._moving, self._map))

    def due(self, now: int) -> int:
        return min(self._clear.left(now), self._settle.left(now))


PORT = Motion
