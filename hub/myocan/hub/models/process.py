"""The one state of a process, which any part can import without being handed it.

The one idea: who imports it early, before it is known whose state that will be, has the right one
all the same: the hub's, where a hub runs; else one of the process's own.
"""

from __future__ import annotations

from typing import Any

from myocan.hub.models.state import State

__all__ = ["ProcessState", "process_state"]


class ProcessState:
    """Stands for a state: what is asked of it, is asked of that."""

    def __init__(self) -> None:
        self._own: State | None = None
        self._hub: State | None = None

    def stand_for(self, state: State) -> None:
        """Be that of a hub from now on."""
        self._hub = state

    def let_go(self, state: State) -> None:
        """Do not be that of this hub any more, which ends."""
        if self._hub is state:
            self._hub = None

    def __call__(self, *models: Any) -> Any:
        return self._state(*models)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._state, name)

    def __enter__(self) -> State:
        return self._state.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._state.__exit__(*error)

    @property
    def _state(self) -> State:
        if self._hub is not None:
            return self._hub
        if self._own is None:
            self._own = State()
        return self._own


process_state = ProcessState()
