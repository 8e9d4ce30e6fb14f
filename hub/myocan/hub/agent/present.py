"""The time of a mode: what its clock shows, and how far its log is.

The one idea: the log's time never goes back. Where the clock does, because somebody set it, the
log's time stands until the clock has caught up.
"""

from __future__ import annotations

import logging

from myocan.hub.agent.away import Away
from myocan.hub.agent.clocks import Clock
from myocan.hub.agent.corrections import (
    JUMP_MS,
    Corrections,
)
from myocan.hub.agent.shared import LIVE, Shared
from myocan.hub.durations import duration_text

__all__ = ["Present"]

CLOCK_BEHIND_MS = 60_000
"""A clock that is further behind the log than this is worth a warning."""

_log = logging.getLogger(__name__)


class Present:
    """Where a mode is in time.

    `offset` is that of the next message of its log, `log_ms` the time of the last one.
    """

    name: str
    clock: Clock
    offset: int
    log_ms: int
    _shared: Shared
    _clock_behind: bool
    _corrections: Corrections
    _away: Away

    @property
    def is_live(self) -> bool:
        """Whether boards belong to it."""
        return self.name == LIVE

    def now(self) -> int:
        """Return the log's time: the clock's, but never less than it was."""
        now = self.clock.now_ms()
        behind = self.clock.setting is None and self.log_ms - now > CLOCK_BEHIND_MS
        if behind and not self._clock_behind:
            _log.warning(
                "the clock is %s behind the log of %s: it was set back, or was wrong before; "
                "until it has caught up, the log's time stands",
                duration_text(self.log_ms - now),
                self.name,
            )
        self._clock_behind = behind
        return max(now, self.log_ms)

    @property
    def doubt(self) -> str:
        """Why the machine's clock is not believed; "" if it is."""
        return self._corrections.doubt

    def _behind_ms(self) -> int:
        """Return how far the clock is behind the log, 0 for what a moment makes of it."""
        behind = self.log_ms - self.clock.now_ms()
        return behind if self.clock.setting is None and behind >= JUMP_MS else 0

    @property
    def catching_up(self) -> bool:
        """Whether it makes up for time that it missed, and publishes nothing until that is done."""
        return self._away.goes_on
