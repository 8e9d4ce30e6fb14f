"""Typed state: check out, configure, commit. See `State`, where it begins.

`state` is one for the whole process, for programs that want to reach their state from anywhere
without handing it around: the hub's where a hub runs, else one in memory until `state.open(path)`.
"""

from typing import cast

from myocan.hub.models.cells import Device
from myocan.hub.models.contexts import AsyncContext, Context
from myocan.hub.models.errors import (
    CommitRejected,
    LockOrder,
    ModelError,
    StaleCheckout,
    StateError,
)
from myocan.hub.models.model import StateModel, field
from myocan.hub.models.process import process_state
from myocan.hub.models.services import Services
from myocan.hub.models.state import State
from myocan.hub.models.subscriptions import Changed, Subscriber, Subscription

state = cast(State, process_state)

__all__ = [
    "AsyncContext",
    "Changed",
    "CommitRejected",
    "Context",
    "Device",
    "LockOrder",
    "ModelError",
    "Services",
    "StaleCheckout",
    "State",
    "StateError",
    "StateModel",
    "Subscriber",
    "Subscription",
    "field",
    "state",
]
