"""How batches get into the log, whatever the disk has to say.

The one idea: everything that is written goes through one place, so that what waits for the disk
(acknowledgements, calls of EXTERNAL functions, answers to commands) has one count of transactions
to go by: up to `written` they survive the death of this process, up to `synced` a power cut.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from myocan.hub.store import DiskFull, LogRow, Position, Store, StoreError, Syncer

__all__ = ["Journal"]

DISK_FULL_S = 1.0
"""The pause between two attempts to write while the disk is full."""

_log = logging.getLogger(__name__)


class Journal:
    """The one who appends to a store.

    Arguments:
        store: what is appended to.
        stopping: set when the hub is to end; a wait for room on the disk ends then, too.
        wake: lets the loop look at `synced` soon; called on the syncer's thread.
        on_error: takes an error of the disk, on the syncer's thread; the hub must end.
        fdatasync: makes a descriptor's file durable.
        make_syncer: makes the syncer, from the arguments of `Syncer`.

    `written` and `synced` are numbers of transactions.
    """

    def __init__(
        self,
        store: Store,
        stopping: threading.Event,
        *,
        wake: Callable[[], None],
        on_error: Callable[[StoreError], None],
        fdatasync: Callable[[int], None],
        make_syncer: Callable[..., Syncer] = Syncer,
    ) -> None:
        self._store = store
        self._stopping = stopping
        self._wake = wake
        self._syncer = make_syncer(
            store, on_synced=self._on_synced, on_error=on_error, fdatasync=fdatasync
        )
        self.written = 0
        self.synced = 0

    def start(self) -> None:
        """Begin to make durable what is written."""
        self._syncer.start()

    def close(self) -> None:
        """End, when all that is written is durable."""
        self._syncer.close()

    def append(
        self,
        mode: str,
        rows: Sequence[LogRow],
        positions: Sequence[Position] = (),
        released: int | None = None,
    ) -> None:
        """Write a batch in one transaction, however long the disk takes to have room for it.

        Arguments: see `Store.append`.

        Raises:
            DiskFull: the hub is to end, and there still is no room.
        """
        waiting = False
        while True:
            try:
                self.written = self._store.append(mode, rows, positions, released)
                break
            except DiskFull as error:
                if not waiting:
                    _log.error("%s; nothing is acted on until there is room", error)
                    waiting = True
                if self._stopping.wait(DISK_FULL_S):
                    raise
        if waiting:
            _log.error("there is room on the disk again; going on")
        self._syncer.written(self.written)

    def _on_synced(self, number: int) -> None:
        self.synced = number
        self._wake()
