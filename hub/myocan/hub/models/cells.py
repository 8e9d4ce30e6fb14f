"""The runtime layer: what is true of each model and key, and who wants to know of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from myocan.hub.models.locks import Turnstile
from myocan.hub.models.measures import Measures
from myocan.hub.models.model import StateModel
from myocan.hub.models.subscriptions import Subscription

__all__ = ["Cell", "Device", "Loaded", "Now"]

Device = Callable[[Any, Any], str | None]
"""Asked with the state as it is and as it is to be; returns why not, or None. What it raises is a
refusal, too."""


class Now(NamedTuple):
    """What is true: the model as it is, and how many commits made it so. Replaced as a whole."""

    current: StateModel
    version: int


@dataclass(slots=True)
class Cell:
    """One model and key in the runtime layer.

    changed_at: the version that each field is of.
    """

    now: Now
    recovered: bool = False
    changed_at: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Loaded:
    """A model that the state knows."""

    model: type[StateModel]
    lock: Turnstile = field(default_factory=Turnstile)
    cells: dict[str, Cell] = field(default_factory=dict)
    subscriptions: tuple[Subscription, ...] = ()
    devices: tuple[Device, ...] = ()
    measures: Measures = field(default_factory=Measures)
