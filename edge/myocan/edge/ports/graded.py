"""What takes a number within a range, or words that stand for numbers."""

from myocan.edge.clock import const
from myocan.edge.errors import Refused
from myocan.edge.ports.numbers import number_of, rescale, value_of
from myocan.edge.ports.port import Port

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, Spec
    from myocan.edge.ports.numbers import Number
    from myocan.wire.message import Value


class Graded(Port):
    """An output that takes numbers from 0 to `most`.

    `map` says which number a word stands for: a list of [value, [units, decimals]]. `safe` is a
    value as the port takes it, a number as [units, decimals]; None is the subclass's own.

    A subclass defines `words`, its safe value, and `show`.
    """

    def __init__(self, spec: "Spec", pins: "Pins", most: int) -> None:
        super().__init__(spec, pins)
        self._most = most
        self._words: list[tuple[Value, Number]] = spec.get("map") or self.words()
        safe = spec.get("safe")
        self.safe: Value = value_of((safe[0], safe[1])) if isinstance(safe, list) else safe
        self.applied = self.safe

    def words(self) -> "list[tuple[Value, Number]]":
        """Return what words stand for where the configuration has no map."""
        return []

    def show(self, number: "Number | None") -> None:
        """Set the output; None is switched off, which only the safe value can be."""

    def number(self, value: "Value") -> "Number":
        """Return the number that a value stands for; raises Refused if none within the range."""
        for word, number in self._words:
            if word == value and type(word) is type(value):
                return number
        found = number_of(value)
        if found is None:
            raise Refused(f"port '{self.name}' has no number for {value!r}: add it to its map")
        units, decimals = found
        if not 0 <= units <= self._most * int(10**decimals):
            raise Refused(f"port '{self.name}' takes 0 to {self._most}, not {value}")
        return found

    def check(self, value: "Value") -> None:
        super().check(value)
        self.number(value)

    def alike(self, one: "Value", other: "Value") -> bool:
        number, against = self.number(one), self.number(other)
        decimals = max(number[1], against[1])
        return rescale(number, decimals) == rescale(against, decimals)

    def worth(self, value: "Value") -> "Value":
        return value_of(self.number(value))

    def take(self, value: "Value") -> None:
        self.check(value)
        self.show(self.number(value))
        self.applied = value

    def make_safe(self) -> None:
        self.show(None if self.safe is None else self.number(self.safe))
        self.applied = self.safe
