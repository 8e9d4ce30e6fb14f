"""The hub: takes messages in, decides by the rules of the house, and sends messages out.

Also a library: `State` and its models work in any program, without a hub.
"""

from typing import TYPE_CHECKING, Any

from myocan.hub.externals import external

if TYPE_CHECKING:
    from myocan.hub.models import State, StateModel, field, state
    from myocan.hub.python import (  # fmt: skip
        Call,
        Event,
        Map,
        Module,
        Timer,
        about,
        at,
        calls,
        each,
        event,
        hears,
        on,
        publishes,
        timer,
        when,
    )

__all__ = [
    "Call",
    "Event",
    "Map",
    "Module",
    "State",
    "StateModel",
    "Timer",
    "about",
    "at",
    "calls",
    "each",
    "event",
    "external",
    "field",
    "hears",
    "on",
    "publishes",
    "state",
    "timer",
    "when",
]

_OF_MODELS = frozenset(("State", "StateModel", "field", "state"))


def __getattr__(name: str) -> Any:
    """Load state models, with their validation, and modules in Python only where they are used."""
    if name in _OF_MODELS:
        from myocan.hub import models

        return getattr(models, name)
    if name in __all__:
        from myocan.hub import python

        return getattr(python, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
