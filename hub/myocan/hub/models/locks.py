"""Locks that threads and tasks of asyncio wait for in one line.

The one idea: nobody waits for long, and nobody waits without need. Whoever lets go of a lock wakes
the first in line; until that one is awake, which takes longer than a commit, the lock is free for
whoever comes. Handed on each time, it would make all who commit wait for one another's waking.
Who has waited for `PATIENCE_S` is handed it, before all who come later, and so is a task. A lock
belongs to a block of code and not to a thread, so what is begun in one may be ended in another.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from contextlib import suppress
from threading import get_ident

from myocan.hub.models.errors import LockOrder

__all__ = ["PATIENCE_S", "Turnstile"]

PATIENCE_S = 0.001
"""How long others may be quicker than who waits."""


class Turnstile:
    """A lock that is handed to who has waited for it."""

    __slots__ = ("_held", "_holder", "_mutex", "_waiting")

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._holder = 0
        self._waiting: deque[_Thread | _Task] = deque()

    @property
    def contenders(self) -> int:
        """How many hold it or wait for it."""
        with self._mutex:
            return self._held + len(self._waiting)

    def acquire(self) -> None:
        """Wait until it is one's own.

        Raises LockOrder in a thread whose loop would have to go on for it to become free.
        """
        with self._mutex:
            if not self._held:
                self._held, self._holder = True, get_ident()
                return
            turn = _Thread()
            if _has_loop() and turn.of in (self._holder, *(one.of for one in self._waiting)):
                raise LockOrder(
                    "another task of this loop has this model, and the loop would stand still for "
                    "ever: hold it with `async with`, or await asyncio.to_thread(state.update, ...)"
                )
            self._waiting.append(turn)
        try:
            while not self._try(turn):
                pass
        except BaseException:
            self._leave(turn)
            raise

    def _try(self, turn: _Thread) -> bool:
        turn.bell.acquire()
        with self._mutex:
            if turn.given:
                return True
            if self._held:  # somebody was quicker
                turn.rung = False
                return False
            self._waiting.remove(turn)
            self._held, self._holder = True, turn.of
            return True

    async def acquire_async(self) -> None:
        """Wait until it is one's own, in a task; who is cancelled meanwhile does not have it."""
        with self._mutex:
            if not self._held:
                self._held, self._holder = True, get_ident()
                return
            turn = _Task(asyncio.get_running_loop())
            self._waiting.append(turn)
        try:
            await turn.future
        except BaseException:
            self._leave(turn)
            raise

    def release(self) -> None:
        """Let go of it."""
        with self._mutex:
            self._held = False
            if self._waiting:
                self._offer()

    def _offer(self) -> None:
        """Hand it to the first in line, or wake that one to try; it is free."""
        while self._waiting:
            first = self._waiting[0]
            if first.tries():
                return
            self._waiting.popleft()
            if first.give():
                self._held, self._holder = True, first.of
                return

    def _leave(self, turn: _Thread | _Task) -> None:
        """Stand in line no more, and pass on what was given meanwhile."""
        with self._mutex:
            if turn.given:
                self._held = False
            else:
                with suppress(ValueError):
                    self._waiting.remove(turn)
            if not self._held:
                self._offer()


def _has_loop() -> bool:
    """Whether this is a task of asyncio, or what one has called."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class _Thread:
    """A thread's place in the line. All of it is used by who has the mutex of the lock."""

    __slots__ = ("bell", "given", "of", "rung", "since")

    def __init__(self) -> None:
        self.of = get_ident()
        self.bell = threading.Lock()
        self.bell.acquire()
        self.given = False
        self.rung = False
        self.since = time.monotonic()

    def tries(self) -> bool:
        """Wake it, so that it tries; False if it has waited for long enough."""
        if time.monotonic() - self.since > PATIENCE_S:
            return False
        self._ring()
        return True

    def give(self) -> bool:
        """Let it have the lock."""
        self.given = True
        self._ring()
        return True

    def _ring(self) -> None:
        if not self.rung:
            self.rung = True
            self.bell.release()


class _Task:
    """A task's place in the line."""

    __slots__ = ("_loop", "future", "given", "of")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.of = get_ident()
        self.future: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self.given = False

    def tries(self) -> bool:
        """A task does not try: its loop would have to be told twice."""
        return False

    def give(self) -> bool:
        """Let it have the lock; False if its loop has ended."""
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return False
        self.given = True
        return True

    def _wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)
