"""The hub: takes messages in, decides by the rules of the house, and sends messages out.

Also a library: `State` and its models work in any program, without a hub.
"""

from typing import TYPE_CHECKING, Any

from myocan.hub.externals import external

if TYPE_CHECKING:
    from myocan.hub.models import State, StateModel, field, state

__all__ = ["State", "StateModel", "external", "field", "state"]

_OF_MODELS = frozenset(("State", "StateModel", "field", "state"))


def __getattr__(name: str) -> Any:
    """Load the state models with their validation only where somebody uses them."""
    if name in _OF_MODELS:
        from myocan.hub import models

        return getattr(models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
