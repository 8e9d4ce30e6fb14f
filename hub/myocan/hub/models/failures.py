"""What the log is told of one who fails again and again.

The one idea: the first failure is worth all that is known of it; of those that follow it is worth
knowing how many there were. So the log has one of them a minute, and counts the rest.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

__all__ = ["QUIET_S", "Failures"]

QUIET_S = 60.0
"""How long failures are only counted after one was told."""

_log = logging.getLogger(__name__)


class Failures:
    """The failures of one subscriber; for its thread, or its loop.

    Arguments:
        name: who fails.
        now: a clock that only rises, in seconds.
    """

    def __init__(self, name: str, now: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._now = now
        self._quiet_until = 0.0
        self.untold = 0
        """How many were only counted so far."""

    def note(self, topic: str) -> None:
        """Tell the exception that is being handled, or count it. topic: what it was told of."""
        if self._now() < self._quiet_until:
            self.untold += 1
            return
        more = f", {self.untold} more times since the last such line" if self.untold else ""
        _log.exception("%s failed when it was told of %s%s", self._name, topic, more)
        self._quiet_until = self._now() + QUIET_S
        self.untold = 0

    def note_success(self) -> None:
        """Tell how often it failed before, if that is due."""
        if self._now() >= self._quiet_until:
            self.end("works again")

    def end(self, how: str = "was closed") -> None:
        """Tell what was only counted so far. how: what became of the subscriber."""
        if self.untold:
            _log.warning(
                "%s %s; it had failed %d more times since it was told", self._name, how, self.untold
            )
        self.untold = 0
