"""When the state is written down, so that a start need not read the whole log.

The one idea: a checkpoint is only there for speed, so nothing ever waits for it. It is written in
slices between batches, from what changed since the last one; if the disk is full it comes later,
and if it never comes, the next start reads a longer tail of the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from myocan.hub.store import Checkpoint, DiskFull, Store

__all__ = ["CHECKPOINT_MESSAGES", "CHECKPOINT_S", "Checkpoints"]

CHECKPOINT_S = 30.0
CHECKPOINT_MESSAGES = 50_000
"""A checkpoint is written after this time or this many messages, whichever comes first."""

DISK_FULL_S = 1.0
"""The pause after a slice for which the disk had no room."""

_log = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints of one mode.

    Arguments:
        store: where they are written.
        mode: the deployment mode.
        last: the offset of the newest one.
        monotonic: a clock that only rises, in seconds.
    """

    def __init__(self, store: Store, mode: str, last: int, monotonic: Callable[[], float]) -> None:
        self._store = store
        self._mode = mode
        self._last = last
        self._monotonic = monotonic
        self._began_s = monotonic()
        self._paused_until_s = 0.0
        self._changed: dict[int, str | None] = {}
        self._writing: Checkpoint | None = None
        self.finished = last
        """The offset of the newest one that is complete."""

    def hurry(self) -> None:
        """Let the next one begin at once."""
        self._began_s = self._monotonic() - CHECKPOINT_S

    def note(self, changed: Mapping[int, str | None]) -> None:
        """Take note of changed variables: number of the name -> JSON text, None for forgotten."""
        self._changed.update(changed)

    def due_s(self) -> float | None:
        """Return in how many seconds `keep` has something to do; None if nobody knows."""
        now = self._monotonic()
        if self._writing is not None:
            return max(0.0, self._paused_until_s - now)
        return max(0.0, self._began_s + CHECKPOINT_S - now) if self._changed else None

    def keep(self, offset: int) -> None:
        """Write a slice if it is time.

        Arguments:
            offset: of the newest message of the log.
        """
        now = self._monotonic()
        if self._writing is None and (
            offset - self._last >= CHECKPOINT_MESSAGES
            or (self._changed and now - self._began_s >= CHECKPOINT_S)
        ):
            self._begin(offset)
        if self._writing is not None and now >= self._paused_until_s:
            try:
                self._step()
            except DiskFull as error:
                _log.error("%s; the checkpoint waits", error)
                self._paused_until_s = now + DISK_FULL_S

    def finish(self, offset: int) -> None:
        """Write all there is; for the end. Without room for it, the log has it all the same."""
        try:
            while self._writing is not None:
                self._step()
            if self._changed:
                self._begin(offset)
            while self._writing is not None:
                self._step()
        except DiskFull as error:
            _log.error("%s; the next start reads more of the log instead", error)

    def _begin(self, offset: int) -> None:
        self._writing = self._store.start_checkpoint(self._mode, offset, self._changed)
        self._last = offset
        self._began_s = self._monotonic()
        self._changed = {}

    def _step(self) -> None:
        assert self._writing is not None
        if not self._writing.step():
            self._writing = None
            self.finished = self._last
