"""What all ports have in common; the file to read before writing one.

The one idea to know: a port lives between two calls. `step(now)` looks at its pins and tells what
happened with `tell`; `take(value)` sets its pins to what the hub wants, if `check(value)` has
nothing against it. It never waits, never sleeps, and keeps nothing that a power cut could spoil.

To write one's own: a file `ports/KIND.py` with a subclass of Port, and at its end `PORT = NAME`.
"""

from myocan.edge.clock import NEVER, const
from myocan.edge.errors import ConfigError, Refused

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.guard import Guard
    from myocan.edge.interfaces import Pins, Spec
    from myocan.wire.message import Value

_NOTHING: "dict[str, str]" = {}


class Port:
    """Something that people wire.

    spec: the port's part of the adapter's configuration.
    pins: where to get pins from.

    A subclass claims its pins in `__init__`, and leaves its outputs at their safe values. What the
    configuration says has been checked when it was compiled, so a board carries no second check;
    but a pin that is not there is a PinError.
    """

    EVENTS: "tuple[str, ...]" = ()
    """What the port tells of which every single one counts; anything else it tells is a value, of
    which the newest counts."""

    # what a port leaves at this takes no memory in each of them
    publish: "dict[str, str]" = _NOTHING
    """What the port tells -> the variable ("button1/press") that it is published as."""
    subscribe: "str | None" = None
    """Topic of the values that the port takes, or None."""
    hold_ms: "int | None" = None
    """How long the last value is held without the hub, in milliseconds; None is for ever."""
    applied: "Value" = None
    """The value that the port's outputs show, None for a port that takes none."""
    outlet: "Callable[[str, Value, bool], None] | None" = None
    """Set by the adapter: takes (variable, value, whether every single one counts)."""
    remark: "Callable[[str], None]"
    """Set by the adapter: takes a line for the hub's log, which a person should read."""
    guard: "Guard | None" = None
    """What the port's limits and interlocks say, if the configuration has any."""
    shown: "dict[str, Value] | None" = None
    """What the port told -> its newest value; kept for the interlocks of other ports."""

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        self.name: str = spec["name"]
        self.spec = spec
        """There while the port is made; it is forgotten then, for it takes memory."""
        if spec.get("publish"):
            self.publish = spec["publish"]
        if spec.get("subscribe") is not None:
            self.subscribe = spec["subscribe"]
        if spec.get("hold_s") is not None:
            self.hold_ms = int(spec["hold_s"] * 1000)

    # what a subclass defines

    def start(self) -> None:
        """Begin: called once, before the first `step`."""

    def step(self, now: int) -> None:
        """Look at the pins at `now` (ticks) and `tell` what happened; called all the time."""

    def due(self, now: int) -> int:
        """Return the milliseconds after which `step` is due even if no pin moves."""
        return NEVER

    def refresh(self) -> None:
        """Tell the present value again: the hub has lost it."""

    def check(self, value: "Value") -> None:
        """Raise Refused if `value` cannot be taken now, with a text for people; act on nothing.

        Here are the port's limits and interlocks. A subclass first calls this one, then looks for
        what it has no level for, or cannot do. The safe value is always taken.
        """
        if self.guard is not None:
            self.guard.check(value)

    def alike(self, one: "Value", other: "Value") -> bool:
        """Return whether two values that differ mean the same to the port (False and "off")."""
        return False

    def worth(self, value: "Value") -> "Value":
        """Return the number that a value stands for, which is held against limits ("full": 100)."""
        return value

    def take(self, value: "Value") -> None:
        """Do what `value` says and set `applied`; first of all `check` it, which raises Refused."""
        raise Refused(f"port '{self.name}' takes no values")

    def make_safe(self) -> None:
        """Go to the safe value; must not raise and must work after any failure."""

    # what it may use

    def tell(self, what: str, value: "Value" = None) -> None:
        """Publish `value` (None for an event), if the configuration wants to know `what`."""
        if self.shown is not None:
            self.shown[what] = value
        variable = self.publish.get(what)
        if variable is not None and self.outlet is not None:
            self.outlet(variable, value, what in self.EVENTS)

    def cannot_tell(self) -> None:
        """Say that nobody knows what the port told last: a sensor that does not answer."""
        if self.shown:
            self.shown.clear()


def open_port(spec: "Spec", pins: "Pins") -> Port:
    """Return the port that `spec` describes, its pins claimed and safe.

    Raises ConfigError for a kind that this board has no file for, or what the port raises.
    """
    kind = spec["kind"]
    try:
        make = __import__("myocan.edge.ports." + kind, None, None, ("PORT",)).PORT
    except ImportError:
        make = None
    if make is None:
        raise ConfigError(f"this board has no ports of kind '{kind}': flash it again")
    port: Port = make(spec, pins)
    del port.spec
    if spec.get("guard"):
        from myocan.edge.guard import Guard

        port.guard = Guard(port, spec["guard"])
    return port
