"""What keeps a port from taking a value: its limits, and interlocks with other ports of its board.

The one idea to know: the safe value is always taken, and whatever else is, needs a reason that
still holds. So an interlock is looked at before a value is taken and ever after: a heater that
needs the pump goes to its safe value when the pump stops, whoever stopped it, also while the hub is
away. Its wish stays, and it is taken when the pump runs again.

No board carries this in its memory whose configuration has neither limits nor interlocks.
"""

from myocan.edge.clock import Alarm, const
from myocan.edge.errors import ConfigError, Refused
from myocan.edge.inlet import Inlet
from myocan.wire import Fixed

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from myocan.edge.interfaces import Spec
    from myocan.edge.ports.port import Port
    from myocan.wire.message import Value

_GRACE_MS = const(1_000)
"""How long an interlock may keep a value back before that is told: after a start the values of a
board arrive one after the other, in any order."""


class Guard:
    """The limits and interlocks of `port`.

    spec: the `guard` of the port's configuration: `min` and `max` as [units, decimals], and `needs`
    as a list of [port, what it tells or "", values or null, min or null, max or null].

    Made when the port is open, that is, at its safe value.
    """

    def __init__(self, port: "Port", spec: "Spec") -> None:
        self.needs: list[Need] = [Need(*each) for each in spec.get("needs") or ()]
        self._port = port
        self._safe = port.applied
        self._range = Range(spec.get("min"), spec.get("max"))

    def bind(self, ports: "dict[str, Port]") -> None:
        """Learn the ports of the board; raises ConfigError if one that is needed is not there."""
        for need in self.needs:
            need.bind(ports)

    def check(self, value: "Value") -> None:
        """Raise Refused if `value` is not safe, and out of the limits or kept by an interlock."""
        if self.is_safe(value):
            return
        name = self._port.name
        if not self._range.has(self._port.worth(value)):
            raise Refused(f"port '{name}' takes {self._range.text()}, not {text_of(value)}")
        need = self.unmet()
        if need is not None:
            raise Refused(f"port '{name}' cannot take {text_of(value)}: {need.text()}")

    def is_safe(self, value: "Value") -> bool:
        """Return whether `value` is the port's safe value, however it is written."""
        return equal(self._port, value, self._safe)

    def unmet(self) -> "Need | None":
        """Return the first interlock that does not allow any but the safe value, or None."""
        for need in self.needs:
            if not need.met():
                return need
        return None


class Need:
    """What another port must show.

    port: its name. what: what it tells, "" for the value that it was set to. values: those that
    allow, or None; a decimal as [units, decimals]. least, most: numbers that allow, likewise, or
    None.
    """

    def __init__(
        self,
        port: str,
        what: str,
        values: "list[Any] | None",
        least: "list[int] | None" = None,
        most: "list[int] | None" = None,
    ) -> None:
        self.port = port
        self.what = what
        self.assumed: tuple[Value] | None = None
        """A value that the other port is taken to show, while a proposal is looked at."""
        self._values = values and [
            Fixed(*each) if isinstance(each, (list, tuple)) else each for each in values
        ]
        self._range = Range(least, most)
        self._other: Port | None = None
        self._seen: Value = None
        self._met = False

    def bind(self, ports: "dict[str, Port]") -> None:
        """Find the port; raises ConfigError if there is none of that name."""
        other = self._other = ports.get(self.port)
        if other is None:
            raise ConfigError(
                f"there is no port '{self.port}', which another needs: flash it again"
            )
        if self.what and other.shown is None:
            other.shown = {}

    def met(self) -> bool:
        """Return whether the other port shows what is needed; what nobody has seen yet is not."""
        if self.assumed is not None:
            return self._allows(self.assumed[0])
        value = self._value()
        if value is not self._seen:  # asked all the time, and numbers take memory to compare
            self._seen = value
            self._met = self._allows(value)
        return self._met

    def text(self) -> str:
        """Return in words what is needed, and what there is."""
        value = self._value() if self.assumed is None else self.assumed[0]
        what = f" ({self.what})" if self.what not in ("", "value") else ""
        wanted = self._range.text()
        if self._values is not None:
            wanted = " or ".join([text_of(each) for each in self._values])
        has = "has not told yet" if value is None else f"is at {text_of(value)}"
        return f"it needs port '{self.port}'{what} at {wanted}, which {has}"

    def _value(self) -> "Value":
        other = self._other
        if other is None:
            return None
        if not self.what:
            return other.applied
        return None if other.shown is None else other.shown.get(self.what)

    def _allows(self, value: "Value") -> bool:
        other = self._other
        if value is None or other is None:
            return False
        if self._values is None:
            return self._range.has(other.worth(value))
        return any(equal(other, each, value) for each in self._values)


class Range:
    """Numbers from `least` to `most`, both as [units, decimals], both included, None for no end."""

    def __init__(self, least: "list[int] | None", most: "list[int] | None") -> None:
        self._least = least
        self._most = most

    def has(self, value: "Value") -> bool:
        """Return whether `value` lies in the range; everything does if it has no end at all."""
        if self._least is None and self._most is None:
            return True
        number = number_of(value)
        if number is None:
            return False
        return not (
            (self._least is not None and is_less(number, self._least))
            or (self._most is not None and is_less(self._most, number))
        )

    def text(self) -> str:
        """Return it in words: "5 to 30.5", "5 or more"."""
        if self._least is None:
            return "anything" if self._most is None else f"{Fixed(*self._most)} or less"
        if self._most is None:
            return f"{Fixed(*self._least)} or more"
        return f"{Fixed(*self._least)} to {Fixed(*self._most)}"


class GuardedInlet(Inlet):
    """The way into a port with interlocks: as soon as one does not allow its value, the port is at
    its safe one; when it allows it again, the port takes what it was sent last."""

    def __init__(self, port: "Port", guard: Guard, remark: "Callable[[str], None]") -> None:
        super().__init__(port, remark)
        self._guard = guard
        self._kept: tuple[Value] | None = None  # the value that an interlock keeps back
        self._grace = Alarm()
        self._told = False
        self._seen: Value = None
        self._safe = True  # whether what was seen is the safe value

    def hub_lost(self, now: int) -> None:
        super().hub_lost(now)
        if self.fallen:
            self._kept = None  # it comes again with the hub

    def step(self, now: int) -> bool:
        if super().step(now):
            self._kept = None
            return True
        need = self._guard.unmet()
        if self.port.applied is not self._seen:  # asked all the time, as in Need
            self._seen = self.port.applied
            self._safe = self._guard.is_safe(self._seen)
        if need is None:
            self._told = False
            if self._kept is not None:
                self._take(self._kept[0])
                return True
        elif not self._safe:
            self._kept = (self.port.applied,)
            self._told = True
            self.port.make_safe()
            self._remark(f"port '{self.port.name}' goes to its safe value: {need.text()}")
            return True
        elif self._kept is not None and not self._told:
            if self._grace.rings(now):
                self._told = True
                self._remark(f"port '{self.port.name}' waits: {need.text()}")
            elif not self._grace.on:
                self._grace.set(now, _GRACE_MS)
        return False

    def _take(self, value: "Value") -> None:
        self._kept = None
        self._grace.off()
        if self._guard.unmet() is not None and not self._guard.is_safe(value):
            self._kept = (value,)
        else:
            super()._take(value)


def guard_ports(
    ports: "list[Port]", inlets: "list[Inlet]", remark: "Callable[[str], None]"
) -> None:
    """Let the guards of a board's ports know the others, and watch over the inlets of theirs.

    Raises ConfigError if a port that is needed is not there.
    """
    by_name = {port.name: port for port in ports}
    for port in ports:
        if port.guard is not None:
            port.guard.bind(by_name)
    for at, inlet in enumerate(inlets):
        guard = inlet.port.guard
        if guard is not None and guard.needs:
            inlets[at] = GuardedInlet(inlet.port, guard, remark)


def equal(port: "Port", one: "Value", other: "Value") -> bool:
    """Return whether two values mean the same to a port."""
    try:
        return same(one, other) or port.alike(one, other)
    except Refused:  # it does not know one of them
        return False


def same(one: "Value", other: "Value") -> bool:
    """Return whether two values are equal; numbers by what they are worth, 5 and 5.0 alike."""
    if type(one) is type(other) and one == other:
        return True
    number, against = number_of(one), number_of(other)
    if number is None or against is None:
        return False
    return not is_less(number, against) and not is_less(against, number)


def number_of(value: "Value") -> "list[int] | None":
    """Return a number as [units, decimals], None for what is none."""
    if isinstance(value, Fixed):
        return [value.units, value.decimals]
    if isinstance(value, int) and not isinstance(value, bool):
        return [value, 0]
    return None


def is_less(one: "list[int]", other: "list[int]") -> bool:
    """Return whether one [units, decimals] is less than another."""
    return bool(one[0] * 10 ** other[1] < other[0] * 10 ** one[1])


def text_of(value: "Value") -> str:
    """Return a value as people write it."""
    if value is None:
        return "nothing"
    if value is True or value is False:
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)
