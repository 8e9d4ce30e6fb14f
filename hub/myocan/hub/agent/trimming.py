"""When messages whose time is up leave the log; see `myocan.hub.store.trim` for what goes.

The one idea: nothing ever waits for it. A pass is made every ten minutes, a slice after each turn
of the loop; a hub whose topics are all kept forever never makes one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from myocan.hub.core import Core
from myocan.hub.retention import Retention
from myocan.hub.store import DiskFull, Store, Trimmer

__all__ = ["FIRST_S", "PASS_S", "Trimming"]

FIRST_S = 30.0
"""The first pass comes this long after the start: others have much to do then."""

PASS_S = 600.0

_log = logging.getLogger(__name__)


class Trimming:
    """The passes over the log of one mode.

    Arguments:
        store: where the log is.
        mode: its name.
        settings: `[retention]` of the house.
        core: whose programs have TOPIC lines.
        monotonic: a clock that only rises, in seconds.
    """

    def __init__(
        self,
        store: Store,
        mode: str,
        settings: Mapping[str, str],
        core: Core,
        monotonic: Callable[[], float],
    ) -> None:
        self._store = store
        self._mode = mode
        self._settings = settings
        self._core = core
        self._monotonic = monotonic
        self._epoch = -1
        self._retention = Retention({})
        self._trimmer: Trimmer | None = None
        self._working = False
        self._next_s = monotonic() + FIRST_S
        self._dropping: tuple[Sequence[int], int] | None = None
        self._dropped: int | None = None

    def due_s(self) -> float | None:
        """Return in how many seconds `keep` has something to do; None if never."""
        if self._working or self._dropping is not None:
            return 0.0
        self._follow()
        if self._retention.is_endless:
            return None
        return max(0.0, self._next_s - self._monotonic())

    def keep(self, now_ms: int) -> dict[str, Any] | None:
        """Do a slice if it is time; return what a pass has come to that ends with it.

        Arguments:
            now_ms: the log's time, milliseconds since 1970 UTC.
        """
        if not self._working and not self._begin(now_ms):
            return None
        trimmer = self._trimmer
        assert trimmer is not None
        try:
            if trimmer.step():
                return None
        except DiskFull as error:
            _log.error("%s; what is to be taken out of the log waits", error)
        self._working = False
        if self._dropping is not None:
            self._dropping, self._dropped = None, trimmer.removed
            return None
        if not trimmer.removed:
            return None
        _log.info("%d messages were taken out of the log of %s", trimmer.removed, self._mode)
        return {"messages": trimmer.removed, "whole_after": trimmer.whole}

    def drop(self, names: Sequence[int], up_to: int) -> Callable[[], int | None]:
        """Take out all that the log has of some names; return what tells how many messages went,
        None as long as it goes on.

        Arguments:
            names: their numbers.
            up_to: an offset that the last checkpoint is behind.
        """
        self._dropping, self._dropped = (names, up_to), None
        self._working = False
        self._next_s = self._monotonic()  # the pass that this may have cut short
        return lambda: self._dropped

    def _follow(self) -> None:
        """Take over what the rules in force say."""
        if self._epoch == self._core.epoch:
            return
        self._epoch = self._core.epoch
        retention = Retention(self._settings, self._core.programs)
        if retention != self._retention:
            self._retention, self._trimmer = retention, None

    def _begin(self, now_ms: int) -> bool:
        """Begin what is due; return whether there is something."""
        if self._dropping is None and self.due_s() != 0.0:
            return False
        if self._trimmer is None:
            self._trimmer = self._store.trimmer(self._mode, self._retention.of)
        if self._dropping is not None:
            self._trimmer.begin_drop(*self._dropping)
        else:
            self._next_s = self._monotonic() + PASS_S
            self._trimmer.begin(now_ms)
        self._working = True
        return True
