"""Typed state: check out, configure, commit. See `State`, where it begins.

`state` is one for the whole process, in memory until `state.open(path)`: for programs that want to
reach their state from anywhere without handing it around.
"""

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
from myocan.hub.models.services import Services
from myocan.hub.models.state import State
from myocan.hub.models.subscriptions import Changed, Subscriber, Subscription

state = State()

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
