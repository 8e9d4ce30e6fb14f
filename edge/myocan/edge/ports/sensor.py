"""What sensors have in common: they are asked now and then, take their time, and may fail.

The one idea to know: a sensor that fails three times in a row is broken. Then `fault` becomes true,
for rules that must not go on with an old temperature, and the hub's log says what is wrong; one
failure is what a long cable does now and then, and nobody hears of it.
"""

from myocan.edge.clock import Alarm, const
from myocan.edge.errors import EdgeError
from myocan.edge.ports.port import Port
from myocan.edge.ports.reading import Reading, keep_all

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, Spec
    from myocan.edge.ports.numbers import Number

_PATIENCE = const(3)


class Sensor(Port):
    """A sensor that is measured every `every_s` seconds.

    A subclass lists in READINGS what it tells: each with its decimals, and the least change worth
    telling as (units, decimals). It starts a measurement in `begin`, and offers what came of it to
    `readings` in `finish`.
    """

    READINGS: "tuple[tuple[str, int, Number], ...]" = ()
    EVERY_S = 10

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self.every_ms = int(spec.get("every_s", self.EVERY_S) * 1000)
        self.readings = {each[0]: Reading(self, *each) for each in self.READINGS}
        keep_all(self, *self.readings)
        self._wait = Alarm()
        self._began = False
        self._failures = 0
        self._fault: bool | None = None

    # what a subclass defines

    def begin(self) -> int:
        """Start a measurement; return the milliseconds until it is ready. Raises OSError."""
        return 0

    def finish(self, now: int) -> None:
        """Fetch what was measured, and offer it to `readings`. Raises OSError, which says why."""

    def explain(self, error: Exception) -> str:
        """Return what is wrong and what to do, after an error that came three times in a row."""
        return f"{error}: look at its wires"

    # what it need not know

    def step(self, now: int) -> None:
        if self._wait.on and not self._wait.rings(now):
            return
        wait_ms = self.every_ms
        try:
            if not self._began:
                wait_ms = self.begin()
                self._began = True
                if wait_ms:
                    self._wait.set(now, wait_ms)
                    return
                wait_ms = self.every_ms
            self._began = False
            self.finish(now)
            self._is_well()
        except (OSError, EdgeError) as error:
            self._began = False
            self._failed(error)
        self._wait.set(now, wait_ms)

    def due(self, now: int) -> int:
        return self._wait.left(now) if self._wait.on else 0

    def refresh(self) -> None:
        for reading in self.readings.values():
            reading.refresh()
        if self._fault is not None:
            self.tell("fault", self._fault)

    def _is_well(self) -> None:
        self._failures = 0
        if self._fault is not False:
            if self._fault:
                self.remark(f"port '{self.name}': the sensor answers again")
                self.refresh()  # whoever needs what it shows was told that nobody knows
            self._fault = False
            self.tell("fault", False)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        if self._failures >= _PATIENCE and not self._fault:
            self._fault = True
            self.cannot_tell()
            self.remark(f"port '{self.name}': {self.explain(error)}")
            self.tell("fault", True)
