"""What the modes of a hub have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from myocan.hub.agent.connection import Connection
from myocan.hub.agent.journal import Journal
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.declared import HouseModels
from myocan.hub.externals import Function
from myocan.hub.house import House
from myocan.hub.store import Store
from myocan.hub.trust import Trust

__all__ = ["HUB", "LIVE", "Shared"]


LIVE = "live"
"""The mode that boards belong to."""

HUB = "hub"
"""The producer of what the hub says of itself."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What the modes of a hub have in common.

    Arguments:
        house: its settings.
        store: where their logs are. journal: writes there.
        adapters: the topics of boards. functions: EXTERNAL ones, by lower-case name.
        connection: to the broker.
        monotonic: a clock that only rises, in seconds.
        stopping: set when the hub is to end.
        wake: lets the loop look soon whether there is something to do; from any thread.
        trust: says what speaks against the machine's clock.
        models: the state models of the house.
    """

    house: House
    store: Store
    journal: Journal
    adapters: AdapterTopics
    functions: Mapping[str, Function]
    connection: Connection
    monotonic: Callable[[], float]
    stopping: threading.Event
    wake: Callable[[], None]
    trust: Trust
    models: HouseModels = field(default_factory=HouseModels)
