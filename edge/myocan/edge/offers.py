"""Listens for updates over the air; what an update needs is loaded when there is one.

The one idea to know: most of its life a board has nothing to do with updates, so in its memory is
only this: the number of what it has, which its status tells, and an ear for another one. What
judges and tries updates is `updates.py`, what fetches them `fetch.py`; `docs/edge.md` tells more.
"""

import sys

from myocan.edge import forget
from myocan.edge.clock import NEVER, const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.adapter import Adapter
    from myocan.edge.interfaces import Places, Spec
    from myocan.edge.updates import Updates
    from myocan.wire.message import Value


class Offers:
    """The updates of a board.

    noted: what the board has noted of its files, as the firmware's slots.py writes it.
    topic: of offers for this board. key: what they are signed with.
    """

    def __init__(self, noted: "Spec", topic: str, key: bytes) -> None:
        self.hears: dict[str, Callable[[bytes, bool], None]] = {
            "config": self._offered,
            "update/piece": self._arrived,
        }
        """What the adapter has to hear for this; see Adapter."""
        self._noted = noted
        self._topic = topic
        self._key = key
        self._adapter: Adapter | None = None
        self._updates: Updates | None = None

    def attach(self, adapter: "Adapter", slots: "Places | None", now: int) -> None:
        """Begin, at `now` (ticks). slots: given when this start is one of an update on trial."""
        self._adapter = adapter
        self._tell()
        if slots is not None:
            self._load(slots, now)

    def step(self, now: int) -> str:
        """Go on; return why the board has to start again, "" if it has not."""
        updates = self._updates
        if updates is None:
            return ""
        if updates.idle():
            self._noted = updates.noted()
            self._tell()
            self._unload()
            return ""
        return updates.step(now)

    def due(self, now: int) -> int:
        """Return the milliseconds after which `step` is due."""
        return NEVER if self._updates is None else self._updates.due(now)

    def _tell(self) -> None:
        noted = self._noted
        facts: dict[str, Value] = {"update": noted["number"]}
        if noted["failed"]:
            facts["failed"] = noted["failed"]
            facts["why"] = noted["why"]
        if self._adapter is not None:
            self._adapter.tell_facts(facts)

    def _unload(self) -> None:
        """Give back the memory that an update took."""
        self._updates = None
        forget("updates", "fetch")
        sys.modules.pop("slots", None)

    def _load(self, slots: "Places | None", now: int) -> "Updates":
        from myocan.edge.updates import Updates

        if slots is None:
            slots = __import__("slots").Slots()
        assert slots is not None
        assert self._adapter is not None
        self._updates = Updates(self._adapter, slots, self._topic, self._key, now)
        return self._updates

    def _offered(self, payload: bytes, retained: bool) -> None:
        known = f"[{self._noted['number']},".encode()
        if self._updates is None and (not payload or payload[: len(known)] == known):
            return  # what is here already
        (self._updates or self._load(None, 0)).offered(payload, retained)

    def _arrived(self, payload: bytes, retained: bool) -> None:
        if self._updates is not None:
            self._updates.arrived(payload)
