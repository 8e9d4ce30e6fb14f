"""What can be wrong with a commit, or with a model."""

from __future__ import annotations

from myocan.hub.errors import HubError

__all__ = ["CommitRejected", "LockOrder", "ModelError", "StaleCheckout", "StateError"]


class StateError(HubError):
    """Something that a state refuses or cannot do."""


class ModelError(StateError):
    """A model that cannot be one; the text names the field and what to write instead."""


class LockOrder(StateError):
    """Models that are to be held one after the other in an order that could wait for ever."""


class CommitRejected(StateError):
    """A commit that was refused; nothing has changed.

    by: who said no: `field`, `model` or `device`. model: the topic. why: in words.
    """

    def __init__(self, by: str, model: str, why: str) -> None:
        super().__init__(f"the commit of {model} was refused by its {by}: {why}")
        self.by = by
        self.model = model
        self.why = why


class StaleCheckout(StateError):
    """A copy that somebody else's commit has overtaken; check out anew, or merge."""
