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

_around: ContextVar[tuple[Context, ...]] = ContextVar("held", default=())
"""The blocks around this place in a thread or task, some of which may have ended: a task that was
begun within one goes on."""


def held_here(state: State, topic: str) -> bool:
    """Whether a block around this place holds a model."""
    for each in _around.get():  # no generator: each commit asks
        if each.holds and each.state is state and topic in each.models:
            return True
    return False


class Context:
    """Models that are held, in a `with` block.

    Arguments:
        state: whose they are.
        models: by topic, in their order.
        waits: whether the block begins when what was accepted of these models is true.

    `holds` tells whether it does now.
    """

    __slots__ = ("_token", "_waits", "holds", "models", "state")

    def __init__(self, state: State, models: dict[str, Loaded], waits: bool = True) -> None:
        self.state = state
        self.models = models
        self.holds = False
        self._waits = waits
        self._token: Token[tuple[Context, ...]] | None = None

    def __enter__(self) -> Self:
        self._refuse_disorder()
        taken = []
        try:
            for loaded in self.models.values():
                loaded.lock.acquire()
                taken.append(loaded)
            if self._waits:
                self.state._line.until_true(taken)
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
            for loaded in self.models.values():
                await loaded.lock.acquire_async()
                taken.append(loaded)
            if any(loaded.ahead is not None for loaded in taken):
                await asyncio.to_thread(self.state._line.until_true, taken)
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
        self.holds = False
        try:  # noqa: SIM105 (each commit ends here)
            _around.reset(self._token)
        except ValueError:
            pass  # it ends in another task than it began in
        self._token = None
        for loaded in self.models.values():
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
        loaded = self.models.get(model.topic)
        if loaded is None or loaded.model is not model or not self.holds:
            raise StateError(f"{model.__name__} is not held here; name it in the `with`")
        return self.state._checkout(loaded, model, key)

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
        return self.state._line.wait(self.state._commit(copies, merge, require_device))

    def _refuse_disorder(self) -> None:
        """Two that hold what the other waits for would wait for ever: so there is one order."""
        if self._token is not None:
            raise StateError("this is held already; ask the state for another")
        around = _around.get()
        if not around:
            return
        around = tuple(each for each in around if each.holds)
        held = {topic for each in around if each.state is self.state for topic in each.models}
        again = [topic for topic in self.models if topic in held]
        if again:
            raise LockOrder(f"{', '.join(again)}: held already by a block around this one; use it")
        if held and min(self.models) < max(held):
            together = ", ".join(sorted({*held, *self.models}))
            raise LockOrder(f"hold these together, in one `with state(...)`: {together}")
        if any(each.state.number > self.state.number for each in around):
            raise LockOrder("of two states, hold first what is of the one that was made first")

    def _begin(self) -> None:
        self.holds = True
        around = _around.get()
        if around:
            around = tuple(each for each in around if each.holds)
        self._token = _around.set((*around, self))


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
