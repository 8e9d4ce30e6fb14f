"""A wall clock that a test moves, and what else tests of time need."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime


class Clock:
    """A wall clock that can be moved, or set; `elapsed` counts what passes, and nothing else."""

    def __init__(self, start: str) -> None:
        self._ahead = ms(start) - time.monotonic_ns() // 1_000_000
        self._passed = 0

    def __call__(self) -> int:
        return time.monotonic_ns() // 1_000_000 + self._ahead

    def to(self, moment: str, *hubs: object) -> None:
        """Let time pass until this moment, and let these hubs notice."""
        self.move(ms(moment) - self(), *hubs)

    def move(self, by_ms: int, *hubs: object) -> None:
        """Let time pass, and let these hubs notice."""
        self._passed += by_ms
        self.set(by_ms, *hubs)

    def elapsed(self) -> int:
        return time.monotonic_ns() // 1_000_000 + self._passed

    def set(self, by_ms: int, *hubs: object) -> None:
        """Let somebody set it, and let these hubs notice."""
        self._ahead += by_ms
        for hub in hubs:
            hub.agent.wake()  # type: ignore[attr-defined]


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def shown(time_ms: int) -> str:
    """Return a time of the log to the minute, UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%m-%d %H:%M")


def until(true: Callable[[], object], what: str = "such thing", seconds: float = 60.0) -> None:
    """Wait for what is bound to come, on a slow machine, too; else fail and say `what` did not."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"no {what} in {seconds} s"
        threading.Event().wait(0.01)
