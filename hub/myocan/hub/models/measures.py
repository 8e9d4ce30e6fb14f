"""What is counted and timed of a model: for whoever wants to see how an application fares.

The one idea: a measure is plain numbers that are added to while the work is done, and read by
whoever asks. It knows nothing of who that is; `myocan.hub.metrics` is one of them.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import deque
from typing import NamedTuple

__all__ = ["BOUNDS_S", "PHASES", "Durations", "Measures", "Timed"]

BOUNDS_S = (0.00001, 0.0001, 0.0005, 0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)
"""Upper bounds of the classes that durations fall into, in seconds: from a check-out, which takes
some microseconds, to a device that takes its time."""

PHASES = ("field", "model", "device", "stale")
"""Who may refuse a commit, in the order in which they are asked; `stale`: it was overtaken."""

_ASIDE = 256


class Timed(NamedTuple):
    """What durations have come to: how many fell into each class, the last one being what is above
    the last bound, and their sum in seconds."""

    classes: tuple[int, ...]
    sum_s: float


class Durations:
    """Durations of one kind, by class.

    They are put aside as they come, which costs next to nothing and takes no lock, and are sorted
    into their classes by whoever asks, or when there are `_ASIDE` of them.
    """

    __slots__ = ("_aside", "_classes", "_lock", "_sum", "add")

    def __init__(self) -> None:
        self._classes = [0] * (len(BOUNDS_S) + 1)
        self._sum = 0.0
        self._lock = threading.Lock()
        self._aside: deque[float] = deque()
        self.add = self._aside.append
        """Count a duration, in seconds; from any thread."""

    def __len__(self) -> int:
        """How many are put aside."""
        return len(self._aside)

    def read(self) -> Timed:
        """Return what they have come to."""
        with self._lock:
            taken = sorted([self._aside.popleft() for _ in range(len(self._aside))])
            self._sum += sum(taken)
            below = 0
            for place, bound in enumerate(BOUNDS_S):
                up_to = bisect_right(taken, bound)
                self._classes[place] += up_to - below
                below = up_to
            self._classes[-1] += len(taken) - below
            return Timed(tuple(self._classes), self._sum)


class Measures:
    """What is counted and timed of one model.

    checkout: making a copy. commit: from the call to where it is on the disk, refused ones left
    out. device: asking the devices. store: writing and syncing, as part of the commit.
    """

    __slots__ = ("_lock", "_untidy", "checkout", "commit", "device", "rejected", "store")

    def __init__(self) -> None:
        self.checkout = Durations()
        self.commit = Durations()
        self.device = Durations()
        self.store = Durations()
        self.rejected = dict.fromkeys(PHASES, 0)
        self._untidy = 0
        self._lock = threading.Lock()

    def reject(self, phase: str) -> None:
        """A commit was refused. phase: one of `PHASES`."""
        with self._lock:
            self.rejected[phase] += 1

    def note_commit(self, began: float, stored: float, now: float) -> None:
        """A commit is true. began, stored, now: when it and its writing began, and when it was
        written, in seconds of one clock."""
        self.store.add(now - stored)
        self.commit.add(now - began)
        self._untidy += 1
        if self._untidy >= _ASIDE:
            self.tidy()

    def tidy(self) -> None:
        """Sort what was put aside, if it is much; to be called now and then."""
        self._untidy = 0
        if len(self.checkout) >= _ASIDE or len(self.commit) >= _ASIDE:
            for durations in (self.checkout, self.commit, self.store, self.device):
                durations.read()
