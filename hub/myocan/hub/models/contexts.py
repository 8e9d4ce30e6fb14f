"""Models that are held by a block of code, in a thread or in a task.

The one idea: what is held is the block's, and there is one order in which models are taken, that of
their topics. Who would take them in another one is refused at once, since two of such could wait
for each other for ever.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar, Token
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from myocan.hub.models.cells import Loaded
from myocan.hub.models.errors import LockOrder, StateError
from myocan.hub.models.model import StateModel

if TYPE_CHECKING:
    from myocan.hub.models.state import State

__all__ = ["AsyncContext", "Context", "held_here"]

_Model = TypeVar("_Model", bound=StateModel)

held_here: ContextVar[tuple[str, ...]] = ContextVar("held", default=())
"""The models that this thread or task holds, by topic."""


class Context:
    """Models that are held, in a `with` block.

    Arguments:
        state: whose they are.
        models: by topic, in their order.
        waits: whether the block begins when what was accepted of these models is true.
    """

    __slots__ = ("_models", "_state", "_token", "_waits")

    def __init__(self, state: State, models: dict[str, Loaded], waits: bool = True) -> None:
        self._state = state
        self._models = models
        self._waits = waits
        self._token: Token[tuple[str, ...]] | None = None

    def __enter__(self) -> Self:
        self._refuse_disorder()
        taken = []
        try:
            for loaded in self._models.values():
                loaded.lock.acquire()
                taken.append(loaded)
            if self._waits:
                self._state._until_true(taken)
        except BaseException:
            for loaded in taken:
                loaded.lock.release()
            raise
        self._begin()
        return self

    async def __aenter__(self) -> AsyncContext:
        self._refuse_disorder()
        taken = []
        try:
            for loaded in self._models.values():
                await loaded.lock.acquire_async()
                taken.append(loaded)
            if any(loaded.ahead is not None for loaded in taken):
                await asyncio.to_thread(self._state._until_true, taken)
        except BaseException:
            for loaded in taken:
                loaded.lock.release()
            raise
        self._begin()
        return AsyncContext(self)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._token is not None, "not entered"
        held_here.reset(self._token)
        self._token = None
        for loaded in self._models.values():
            loaded.lock.release()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    def checkout(self, model: type[_Model], key: str = "") -> _Model:
        """Return a copy of a model that is held.

        key: of which instance, "" for the one that has none. Raises StateError for another model.
        """
        loaded = self._models.get(model.topic)
        if loaded is None or loaded.model is not model or self._token is None:
            raise StateError(f"{model.__name__} is not held here; name it in the `with`")
        return self._state._checkout(loaded, model, key)

    def commit(
        self, *copies: StateModel, merge: bool = False, require_device: bool = False
    ) -> bool:
        """Let copies be true, all of them or none; what does not differ is left alone.

        Returns when it is on the disk; subscribers are told then. The copies may be changed and
        committed again.

        Arguments:
            copies: of models that are held.
            merge: take over the changed fields alone, if somebody else has changed others since.
            require_device: of a hub: refuse if a board is away that takes one of the fields; else
                that board takes it when it comes back.

        Returns:
            Whether anything differs from what was true.

        Raises:
            CommitRejected: the field, the model or the device says no; nothing has changed.
            StaleCheckout: somebody else has committed since.
            StoreError: the disk is full (DiskFull; try again when there is room), or fails; nothing
                has changed.
            StateError: no such copy, or the disk has failed before.
        """
        return self._state._wait(self._state._commit(copies, merge, require_device))

    def _refuse_disorder(self) -> None:
        """Two that hold what the other waits for would wait for ever: so there is one order."""
        if self._token is not None:
            raise StateError("this is held already; ask the state for another")
        held = held_here.get()
        if not held:
            return
        again = [topic for topic in self._models if topic in held]
        if again:
            raise LockOrder(f"{', '.join(again)}: held already by a block around this one; use it")
        if min(self._models) < max(held):
            together = ", ".join(sorted({*held, *self._models}))
            raise LockOrder(f"hold these together, in one `with state(...)`: {together}")

    def _begin(self) -> None:
        self._token = held_here.set((*held_here.get(), *self._models))


class AsyncContext:
    """Models that are held, in an `async with` block. Arguments: the context that holds them."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def checkout(self, model: type[_Model], key: str = "") -> _Model:
        """See `Context.checkout`."""
        return self._context.checkout(model, key)

    async def commit(
        self, *copies: StateModel, merge: bool = False, require_device: bool = False
    ) -> bool:
        """See `Context.commit`; the loop goes on meanwhile.

        A task that is cancelled waits for what has begun: it is true then, or refused.
        """
        work = asyncio.ensure_future(
            asyncio.to_thread(
                self._context.commit, *copies, merge=merge, require_device=require_device
            )
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise
