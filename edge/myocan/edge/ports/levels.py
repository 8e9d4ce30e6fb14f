"""Which level of a pin stands for which value: the `map` of a port.

Looked up both ways in a list of pairs, since a board's dicts keep no order, and since in them True
would be found under 1.
"""

from myocan.edge.clock import const
from myocan.edge.errors import Refused

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.wire.message import Value

ON_OFF = (("on", 1), ("off", 0), (True, 1), (False, 0), (1, 1), (0, 0))
"""Used where the configuration has no map; the first of a level is what is told."""


class Levels:
    """The map of the port called `name`; `pairs` are (value, level), None for ON_OFF."""

    def __init__(self, name: str, pairs: "list[tuple[Value, int]] | None") -> None:
        self._name = name
        self._pairs = pairs or ON_OFF

    def value(self, level: int) -> "Value":
        """Return the value that stands for `level`; the first, if several do."""
        for value, stands_for in self._pairs:
            if stands_for == level:
                return value
        return None

    def level(self, value: "Value") -> int:
        """Return the level that `value` stands for; raises Refused if none."""
        for known, level in self._pairs:
            if known == value and type(known) is type(value):
                return level
        raise Refused(f"port '{self._name}' has no level for {value!r}: add it to its map")
