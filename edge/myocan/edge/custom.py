"""An adapter with code of its own: what `adapters/NAME.py` of a house builds on.

The one idea to know: it is an adapter as any other, with its ports, its link and its promises; the
code is called in between and must not wait. What it tells and takes, the pins it uses and its
settings stand in the adapter's file under `[code]`, so that `myocan check` knows them, too.

    from myocan.edge.custom import CustomAdapter

    class Porch(CustomAdapter):
        def start(self):
            self.lamp = self.pins.digital_out(self.pin("lamp"), 0)

        def take(self, what, value):
            self.lamp.value(value == "on")

    ADAPTER = Porch

No board carries this whose adapter has no code.
"""

from myocan.edge.adapter import Adapter
from myocan.edge.clock import NEVER, const
from myocan.edge.errors import ConfigError, Refused
from myocan.edge.ports.port import Port

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

    from myocan.edge.interfaces import Pins, Spec
    from myocan.wire.message import Value


class CustomAdapter(Adapter):
    """What a house's own adapters are subclasses of; the arguments are those of Adapter.

    `self.pins` gives pins, `self.settings` is what the file says under `settings`, `self.ports` are
    the ports of the file, and `self.say(text)` prints a line.
    """

    def __init__(self, config: "Spec", *rest: "Any", **more: "Any") -> None:
        code = config["code"]
        self.settings: dict[str, Any] = code.get("settings") or {}
        self._code = code
        super().__init__(config, *rest, **more)

    # what a subclass defines

    def start(self) -> None:
        """Begin: called once, with all ports open. Pins are claimed here, outputs left safe."""

    def work(self, now: int) -> "int | None":
        """Do what is due at `now` (ticks); called all the time, so it must not wait.

        Returns the milliseconds after which it wants to be called even if no pin moves; None if it
        need not.
        """
        return None

    def check(self, what: str, value: "Value") -> None:
        """Raise Refused if `value` cannot be taken now, with a text for people; act on nothing."""

    def take(self, what: str, value: "Value") -> None:
        """Do what `value`, the newest of what the file calls `what`, says; may raise Refused."""
        raise Refused(f"the code of this board does not take '{what}'")

    def safe(self) -> None:
        """Bring what the code sets to where it does no harm: at the end, at a crash, and when the
        hub is lost for `hold_s`."""

    # what it may use

    def pin(self, name: str) -> str:
        """Return the pin that the file calls `name` under `pins`; raises ConfigError."""
        pin: str | None = (self._code.get("pins") or {}).get(name)
        if pin is None:
            raise ConfigError(f"the code uses pin '{name}': name it under [code] pins, and flash")
        return pin

    def tell(self, what: str, value: "Value" = None) -> None:
        """Publish what the file calls `what`: an event without a value, or the newest value.

        Raises ConfigError for what stands neither under `events` nor under `values`.
        """
        for kind in ("events", "values"):
            variable = (self._code.get(kind) or {}).get(what)
            if variable is not None:
                self._push(variable, value, kind == "events")
                return
        raise ConfigError(f"the code tells '{what}': name it under [code] events or values")

    def now(self) -> int:
        """Return the present ticks, as `work` is given them."""
        return self._now

    def say(self, text: str) -> None:
        """Print a line for whoever watches the board."""
        self._say(text)

    # how it comes about

    def step(self) -> int:
        """See Adapter."""
        due = self.work(self._ticks())
        return min(NEVER if due is None else due, super().step())

    def make_safe(self) -> None:
        """See Adapter."""
        super().make_safe()
        try:
            self.safe()
        except Exception as error:
            self._say(f"safe: {error!r}")

    def _open_ports(self, config: "Spec") -> "list[Port]":
        ports = super()._open_ports(config)
        self.ports = ports
        code = self._code
        for what, topic in (code.get("subscribe") or {}).items():
            spec = {"name": what, "subscribe": topic, "hold_s": code.get("hold_s")}
            ports.append(_Taken(spec, self.pins, self))
        try:
            self.start()
        except Exception:
            self.make_safe()  # whoever started this has no adapter that could be told to
            raise
        return ports


class _Taken(Port):
    """Something that the code takes: a port without a pin."""

    def __init__(self, spec: "Spec", pins: "Pins", adapter: CustomAdapter) -> None:
        super().__init__(spec, pins)
        self._adapter = adapter

    def check(self, value: "Value") -> None:
        self._adapter.check(self.name, value)

    def take(self, value: "Value") -> None:
        self.check(value)
        self._adapter.take(self.name, value)
        self.applied = value

    def make_safe(self) -> None:
        self.applied = None
        self._adapter.safe()
