"""Something that blocks, done by a thread of its own (CPython only)."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class InBackground(Generic[Result]):
    """Does `work` in a thread; begins at once."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._results: list[Result] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], Result]) -> None:
        try:
            self._results.append(work())
        except Exception as error:
            self._error = error

    def is_done(self) -> bool:
        """Return whether it has ended."""
        return not self._thread.is_alive()

    def result(self, seconds: float) -> Result:
        """Return what came of it, after waiting for so long at most; raises OSError with what went
        wrong, or if it goes on."""
        self._thread.join(seconds)
        if self._error is not None:
            raise OSError(str(self._error)) from self._error
        if not self._results:
            raise OSError("the sensor takes too long")
        return self._results[0]
