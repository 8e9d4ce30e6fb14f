"""The runtime layer: what is true of each model and key, and who wants to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from myocan.hub.models.locks import Turnstile
from myocan.hub.models.measures import Measures
from myocan.hub.models.model import StateModel
from myocan.hub.models.subscriptions import Changed, Subscription

if TYPE_CHECKING:
    from myocan.hub.models.plans import Commit

__all__ = ["Cell", "Device", "Loaded", "Now"]

Device = Callable[[Any, Any], str | None]
"""Asked with the state as it is and as it is to be; returns why not, or None. What it raises is a
refusal, too."""


class Now:
    """What is true of a cell at one time: the model, and how many commits made it so.

    Nothing of it changes; what is true then is another one. A copy that was checked out knows by it
    what it is a copy of.
    """

    __slots__ = ("cell", "current", "version")

    def __init__(self, cell: Cell, current: StateModel, version: int) -> None:
        self.cell = cell
        self.current = current
        self.version = version


class Cell:
    """One model and key in the runtime layer.

    changed_at: the version that each field is of. ahead: what was accepted last, and is to be true
    when it is kept; None: nothing is on its way. recovered: whether it was found in the store.
    """

    __slots__ = ("ahead", "changed_at", "key", "loaded", "now", "recovered")

    def __init__(
        self, loaded: Loaded, key: str, current: StateModel, version: int, recovered: bool = False
    ) -> None:
        self.loaded = loaded
        self.key = key
        self.now = Now(self, current, version)
        self.recovered = recovered
        self.changed_at: dict[str, int] = {}
        self.ahead: Now | None = None


@dataclass(slots=True)
class Loaded:
    """A model that the state knows.

    ahead: the last commit of it that is on its way, None for none.
    """

    model: type[StateModel]
    lock: Turnstile = field(default_factory=Turnstile)
    cells: dict[str, Cell] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()
    devices: tuple[Device, ...] = ()
    measures: Measures = field(default_factory=Measures)
    ahead: Commit | None = None

    def cell(self, key: str) -> Cell:
        """Return the cell of a key, made if it is not there."""
        return self.cells.get(key) or self.cells.setdefault(key, Cell(self, key, self.model(), 0))

    def tell(self, changed: Changed) -> None:
        """Tell of a change whoever wants to know of it."""
        for subscription in self.subscriptions:
            if subscription.wants(changed):
                subscription.offer(changed)
