"""Who is told of commits: functions and coroutines, each in its own line.

The one idea: nobody waits for a subscriber, and no subscriber for another. What there is to tell is
put into the line of each while the model is held, so the order is that of the commits; it is told
outside the lock, functions by a thread of their own, coroutines by the loop that they were
subscribed in.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, Self

from myocan.hub.models.errors import StateError
from myocan.hub.models.failures import Failures
from myocan.hub.models.model import StateModel

__all__ = ["Changed", "Subscriber", "Subscription", "Told"]

MAX_WAITING = 1000
"""What waits for one slow subscriber, at most; beyond that the oldest is dropped, and counted."""

REST_S = 0.01
"""How long a thread that has told all waits for more before it has to be woken: at a quick pace of
commits, to wake it for each costs more than the commits themselves, and to come in between them
often takes a tenth of their rate. Who has rested for that long in vain is woken at once."""

_log = logging.getLogger(__name__)


class Changed(NamedTuple):
    """What a subscriber is told.

    model: the class. key: the instance, "" for none. old, new: copies of the state before and
    after; old is None for what was recovered. fields: those that differ, in the order of the class.
    recovered: whether nobody changed it, but it was found in the store.
    """

    model: type[StateModel]
    key: str
    old: StateModel | None
    new: StateModel
    fields: tuple[str, ...]
    recovered: bool = False

    def copied(self) -> Self:
        """Return the same, with copies of its own, to do with as one likes."""
        model, key, old, new, fields, recovered = self
        old = None if old is None else old.copy_of()
        return type(self)(model, key, old, new.copy_of(), fields, recovered)


Subscriber = Callable[[Any], Awaitable[None] | None]
"""Takes a `Changed`."""


class Subscription:
    """A subscriber of a model, until `close`.

    Arguments:
        subscriber: a function, or one that returns an awaitable.
        field: the only field that it is told of; None for all.
        key: the only instance that it is told of; None for all.

    `told`, `failed` and `dropped` count what it was told, what of that it raised an exception for,
    and what it was too slow for.

    Raises StateError for a coroutine function outside a running loop.
    """

    def __init__(
        self, subscriber: Subscriber, field: str | None = None, key: str | None = None
    ) -> None:
        self._subscriber = subscriber
        self.field = field
        self.key = key
        self.told = self.failed = self.dropped = 0
        self._waiting: deque[Changed] = deque()
        self._progress = threading.Condition()
        self._busy = False
        self._asleep = False
        self._closed = False
        self._failures = Failures(_name(subscriber))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker: threading.Thread | None = None
        if _is_async(subscriber):
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:
                raise StateError(
                    f"{_name(subscriber)} is a coroutine; subscribe it where its loop runs"
                ) from None

    @property
    def waiting(self) -> int:
        """How much it has not been told yet."""
        return len(self._waiting)

    def wants(self, changed: Changed) -> bool:
        """Tell whether it is to be told of this."""
        if self.key is not None and changed.key != self.key:
            return False
        return self.field is None or self.field in changed.fields

    def offer(self, changed: Changed) -> None:
        """Put something into its line; never waits."""
        with self._progress:
            if self._closed:
                return
            if len(self._waiting) >= MAX_WAITING:
                self._waiting.popleft()
                self.dropped += 1
                if self.dropped == 1:
                    _log.warning("%s is too slow; the oldest is dropped", _name(self._subscriber))
            self._waiting.append(changed)
            if self._loop is None:
                if self._worker is None:
                    self._worker = threading.Thread(
                        target=self._work, name=f"state-{_name(self._subscriber)}", daemon=True
                    )
                    self._worker.start()
                elif self._asleep:
                    self._progress.notify_all()
                return
            if self._busy:
                return
            self._busy = True
        try:
            self._loop.call_soon_threadsafe(self._begin_task)
        except RuntimeError:
            self.close()  # its loop has ended, and it with that

    def settle(self, deadline: float) -> bool:
        """Wait until it has been told all; False if that takes longer than `time.monotonic()`
        reaching `deadline`."""
        with self._progress:
            while self._busy or self._waiting:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._progress.wait(left)
        return True

    def close(self) -> None:
        """Tell it nothing more; what it is doing, it ends."""
        with self._progress:
            self._closed = True
            self._waiting.clear()
            if self._worker is None:
                self._busy = False
            self._progress.notify_all()
            self._failures.end()

    # ------------------------------------------------------------------ telling

    def _next(self) -> Changed | None:
        """Take the next from the line; None if there is none, and it may rest."""
        if not self._waiting or self._closed:
            self._busy = False
            self._progress.notify_all()
            return None
        self._busy = True
        return self._waiting.popleft()

    def _work(self) -> None:
        rested = False
        while True:
            with self._progress:
                changed = self._next()
                if changed is None and rested:
                    self._asleep = True
                    while not self._waiting and not self._closed:
                        self._progress.wait()
                    self._asleep = False
                    changed = self._next()
                if self._closed:
                    return
            rested = changed is None
            if changed is None:
                time.sleep(REST_S)
            while changed is not None:
                self._tell(changed)
                try:
                    changed = self._waiting.popleft()
                except IndexError:
                    changed = None

    def _tell(self, changed: Changed) -> None:
        self.told += 1
        try:
            self._subscriber(changed.copied())
        except (Exception, SystemExit):  # the latter would end this thread without a word
            self._fail(changed)
        else:
            if self._failures.untold:
                self._failures.note_success()

    def _begin_task(self) -> None:
        self._task = asyncio.ensure_future(self._work_async())

    async def _work_async(self) -> None:
        while True:
            with self._progress:
                changed = self._next()
            if changed is None:
                return
            self.told += 1
            try:
                told = self._subscriber(changed.copied())
                if told is not None:
                    await told
            except Exception:
                self._fail(changed)
            else:
                if self._failures.untold:
                    self._failures.note_success()

    def _fail(self, changed: Changed) -> None:
        self.failed += 1
        self._failures.note(changed.model.topic)


class Told(NamedTuple):
    """What subscribers were told, in sum: how often, how often one failed or was too slow, and how
    much of it waits."""

    told: int
    failed: int
    dropped: int
    waiting: int

    @classmethod
    def of(cls, subscriptions: Iterable[Subscription]) -> Self:
        """Return the sum over these."""
        all_of = list(subscriptions)
        return cls(
            sum(one.told for one in all_of),
            sum(one.failed for one in all_of),
            sum(one.dropped for one in all_of),
            sum(one.waiting for one in all_of),
        )


def _is_async(subscriber: Subscriber) -> bool:
    call = getattr(subscriber, "__call__", None)  # noqa: B004  (an object with an async __call__)
    return inspect.iscoroutinefunction(subscriber) or inspect.iscoroutinefunction(call)


def _name(subscriber: Subscriber) -> str:
    return getattr(subscriber, "__qualname__", type(subscriber).__name__)
