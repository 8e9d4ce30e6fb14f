"""A meter that gives pulses: electricity, water, gas, a gauge for rain or wind.

The one idea to know: the board keeps no total, which a power cut would spoil. It tells how many
pulses came since it told last, each of these messages counts, and a module adds them up.
"""

from myocan.edge.clock import Alarm, const, ticks_diff
from myocan.edge.pins.parts import part
from myocan.edge.ports.numbers import divide
from myocan.edge.ports.port import Port
from myocan.edge.ports.reading import Reading

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, PulsesIn, Spec
    from myocan.edge.ports.numbers import Number

_LONGEST_MS = const(86_400_000)
_UNIT_MS = {"s": 1000, "min": 60_000, "h": 3_600_000}


class Counter(Port):
    """Pulses on `pin`, which begin where the pull does not hold it, unless `active` says `"low"` or
    `"high"`; a contact that closes may chatter for `debounce_ms` (default 5).

    `pulses` tells how many came in the last `every_s` seconds (default 10), if any did. `rate`
    tells how fast they come: `per_pulse` (default 1) is what one is worth, `per` ("s", "min" or
    "h", which is the default) the time in which so much passes. It is taken from the time between
    pulses, and sinks while none comes.
    """

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        pull = spec.get("pull")
        level = int(spec.get("active", "low" if pull == "up" else "high") == "high")
        self._every_ms = int(spec.get("every_s", 10) * 1000)
        self._worth: Number = spec.get("per_pulse", (1, 0))
        self._per_ms: int = _UNIT_MS[spec.get("per", "h")]
        self.EVENTS = ("pulses",)  # each counts, though it has a value
        self._rate = Reading(self, "rate", 1, (1, 1))
        quiet_ms = spec.get("debounce_ms", 5)
        self._pulses: PulsesIn = part(pins, "pulses", spec["pin"], pull, level, quiet_ms)
        self._seen = self._told = 0
        self._next = Alarm()
        self._before: int | None = None  # ticks of the step before
        self._any = False  # was there a pulse yet?
        self._still_ms = 0  # since the last one
        self._span: Number = (0, 0)  # so many pulses in so many ms, since the rate was told
        self._pace: Number = (0, 1)  # the rate, in the same way

    def step(self, now: int) -> None:
        before = now if self._before is None else self._before
        self._before = now
        self._still_ms = min(self._still_ms + ticks_diff(now, before), _LONGEST_MS)
        count = self._pulses.count()
        if count != self._seen:
            if self._any:
                pulses, ms = self._span
                self._span = pulses + count - self._seen, ms + self._still_ms
            self._any = True
            self._seen = count
            self._still_ms = 0
        if self._next.on and not self._next.rings(now):
            return
        self._next.set(now, self._every_ms)
        if self._seen != self._told:
            self.tell("pulses", self._seen - self._told)
            self._told = self._seen
        self._tell_rate(now)

    def _tell_rate(self, now: int) -> None:
        pulses, ms = self._pace
        if self._span[1]:
            pulses, ms = self._pace = self._span
            self._span = (0, 0)
        elif pulses and self._still_ms * pulses > ms:
            pulses, ms = 1, self._still_ms  # it cannot be faster than that
        units, decimals = self._worth
        fine = decimals + 3  # more digits than it will have
        self._rate.offer(divide(units * 1000 * pulses * self._per_ms, ms), fine, now)

    def due(self, now: int) -> int:
        return self._next.left(now) if self._next.on else 0

    def refresh(self) -> None:
        self._rate.refresh()


PORT = Counter
