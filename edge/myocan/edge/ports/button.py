"""A push button or a switch that is pressed: press, release, hold, double.

The one idea to know: `press` is told at the first edge, always; it never waits to see whether the
press becomes a long one or one of two. `hold` and `double` come in addition to it.
"""

from myocan.edge.clock import Alarm, const
from myocan.edge.ports.debounce import Debounce
from myocan.edge.ports.port import Port

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.interfaces import Pins, Spec


class Presses:
    """What a finger does, from what the debounced contact does.

    hold_ms: a press of this length is held.
    double_ms: a press that comes at most so long after the last release makes the two a double.
    tell: called with the name of each event.

    Promises: press and release take turns, press first; `hold` at most once between a press and
    its release, and exactly if they are `hold_ms` apart; `double` right after the second of two
    presses, and neither a hold nor an earlier double is part of a pair.
    """

    def __init__(self, hold_ms: int, double_ms: int, tell: "Callable[[str], None]") -> None:
        self.holding = Alarm()
        self._pair = Alarm()
        self._hold_ms = hold_ms
        self._double_ms = double_ms
        self._tell = tell
        self._down = False
        self._alone = False

    def feed(self, down: int, now: int) -> None:
        """Take the contact's state (1 is pressed) at `now` (ticks)."""
        if self.holding.rings(now):
            self._alone = False
            self._tell("hold")
        if down == self._down:
            self._pair.rings(now)
        elif down:
            self._down = True
            self._tell("press")
            self.holding.set(now, self._hold_ms)
            self._alone = not self._pair.on or self._pair.left(now) == 0
            self._pair.off()
            if not self._alone:
                self._tell("double")
        else:
            self._down = False
            self.holding.off()
            if self._alone:
                self._pair.set(now, self._double_ms + 1)
            self._tell("release")


class Button(Port):
    """A button between `pin` and ground (`pull = "up"`) or the supply (`pull = "down"`).

    It is pressed when the pin is where the pull does not hold it, unless `active` says `"low"` or
    `"high"`. A button that is down when the board starts tells nothing until it has been let go.
    """

    EVENTS = ("press", "release", "hold", "double")

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        pull = spec.get("pull")
        self._low: bool = spec.get("active", "low" if pull == "up" else "high") == "low"
        self._input = pins.digital_in(spec["pin"], pull)
        self._debounce = Debounce(self._down(), spec.get("debounce_ms", 20))
        self._presses = Presses(spec.get("hold_ms", 800), spec.get("double_ms", 300), self.tell)
        self._seen_up = not self._debounce.level

    def _down(self) -> bool:
        return self._low != bool(self._input.value())

    def step(self, now: int) -> None:
        self._debounce.feed(self._down(), now)
        down = self._debounce.level
        if self._seen_up:
            self._presses.feed(down, now)
        else:
            self._seen_up = not down

    def due(self, now: int) -> int:
        return min(self._debounce.restless.left(now), self._presses.holding.left(now))


PORT = Button
