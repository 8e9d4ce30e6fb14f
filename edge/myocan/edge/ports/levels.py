"""Which level of a pin stands for which value: the `map` of a port.

Looked up both ways in a list of pairs, since a board's dicts keep no order, and since in them True
would be found under 1.
"""

from myocan.edge.clock import const
from myocan.edge.errors import Refused

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from myocan.wire.message import Value

    Pairs: TypeAlias = Sequence[tuple[Value, int]]

ON_OFF = (("on", 1), ("off", 0), (True, 1), (False, 0), (1, 1), (0, 0))
"""Used where the configuration has no map; the first of a level is what is told."""


def value_at(level: int, pairs: "Pairs") -> "Value":
    """Return the value that stands for `level`; the first, if several do."""
    for value, stands_for in pairs:
        if stands_for == level:
            return value
    return None


def level_of(value: "Value", pairs: "Pairs", name: str) -> int:
    """Return the level that `value` stands for; raises Refused if the port `name` has none."""
    for known, level in pairs:
        if known == value and type(known) is type(value):
            return level
    raise Refused(f"port '{name}' has no level for {value!r}: add it to its map")
