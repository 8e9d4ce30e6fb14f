"""What a port takes from the hub, and what becomes of it when the hub is gone.

The rules:

1. A message counts if its (incarnation, offset) is greater than that of the last one; what is older
   is a repeat, or a straggler that would undo something newer.
2. The hub is lost when the connection ends, and it is back with its first acknowledgement on a new
   one. (Retained messages come from the broker, so they prove nothing.)
3. `hold_ms` after the loss the port falls back to its safe value. None: it never does. At the start
   the hub counts as lost.
4. A port that fell back takes nothing until the hub is back, then the newest of what came on this
   connection, even if it had taken that before.
"""

from myocan.edge.clock import Alarm, const
from myocan.edge.errors import Refused

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.ports.port import Port
    from myocan.wire.message import Value

NOTHING_YET = (-1, -1)


class Inlet:
    """The way into `port`, one that subscribes to a topic.

    remark: called with a text when the port refuses a value; it then stays as it is.
    """

    def __init__(self, port: "Port", remark: "Callable[[str], None]") -> None:
        self.port = port
        self.waiting = Alarm()
        """Rings when the port falls back; on while the hub is lost and the value is held."""
        self._remark = remark
        self.mark = NOTHING_YET
        """(incarnation, offset) of the newest message."""
        self.fallen = False
        """Whether the port is at its safe value since the hub was lost."""
        self._wish: tuple[Value] | None = None  # newest of this connection
        self._heard = False

    def hub_lost(self, now: int) -> None:
        """The connection ended, or the board starts, at `now` (ticks)."""
        self._heard = False
        self._wish = None
        if self.port.hold_ms is not None and not self.fallen:
            self.waiting.set(now, self.port.hold_ms)

    def hub_back(self) -> None:
        """The hub has acknowledged."""
        self._heard = True
        self.waiting.off()
        if self.fallen and self._wish is not None:
            self._take(self._wish[0])

    def offer(self, mark: "tuple[int, int]", value: "Value") -> bool:
        """A message arrived; return whether it is new. mark: (incarnation, offset)."""
        if mark < self.mark:
            return False
        new = mark > self.mark
        self.mark = mark
        self._wish = (value,)
        if self._heard if self.fallen else new:
            self._take(value)
        return new

    def step(self, now: int) -> bool:
        """Let time pass; return whether the port fell back."""
        if self.waiting.rings(now):
            self.fallen = True
            self.port.make_safe()
            return True
        return False

    def forget(self) -> None:
        """The hub has another log, whose offsets mean other messages."""
        self.mark = NOTHING_YET

    def _take(self, value: "Value") -> None:
        try:
            self.port.take(value)
            self.fallen = False
        except Refused as error:
            self._remark(str(error))
