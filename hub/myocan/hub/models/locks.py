"""Locks that threads and tasks of asyncio wait for in one line.

The one idea: a lock is handed on, not fought for. Whoever lets go of it gives it to the one who has
waited longest, whether that is a thread, which is woken, or a task, whose loop is told. A lock
belongs to a block of code and not to a thread, so what is begun in one may be ended in another.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

__all__ = ["Turnstile"]


class Turnstile:
    """A lock; first come, first served."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held = False
        self._waiting: deque[Callable[[], bool]] = deque()

    @property
    def contenders(self) -> int:
        """How many hold it or wait for it."""
        with self._mutex:
            return self._held + len(self._waiting)

    def acquire(self) -> None:
        """Wait until it is one's own."""
        with self._mutex:
            if not self._held:
                self._held = True
                return
            turn = threading.Event()
            self._waiting.append(lambda: turn.set() or True)  # type: ignore[func-returns-value]
        turn.wait()

    async def acquire_async(self) -> None:
        """Wait until it is one's own, in a task; who is cancelled meanwhile does not have it."""
        with self._mutex:
            if not self._held:
                self._held = True
                return
            turn = _Turn(asyncio.get_running_loop())
            self._waiting.append(turn.give)
        try:
            await turn.future
        except BaseException:
            if turn.give_up():
                self.release()
            else:
                with self._mutex, suppress(ValueError):  # it may just have been taken out
                    self._waiting.remove(turn.give)
            raise

    def release(self) -> None:
        """Hand it on."""
        while True:
            with self._mutex:
                if not self._waiting:
                    self._held = False
                    return
                give = self._waiting.popleft()
            if give():
                return


class _Turn:
    """A task's place in the line."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.future: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._mutex = threading.Lock()
        self._given = False
        self._gone = False

    def give(self) -> bool:
        """Let the task have it; False if it does not want it any more."""
        with self._mutex:
            if self._gone:
                return False
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:  # its loop has ended
                return False
            self._given = True
            return True

    def _wake(self) -> None:
        if not self.future.done():
            self.future.set_result(None)

    def give_up(self) -> bool:
        """Leave the line; return whether it was given meanwhile."""
        with self._mutex:
            self._gone = True
            return self._given
