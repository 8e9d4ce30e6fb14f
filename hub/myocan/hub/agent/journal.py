"""How batches get into the log, whatever the disk has to say.

The one idea: everything that is written goes through one place, so that what waits for the disk
(acknowledgements, calls of EXTERNAL functions, answers to commands) has one count of transactions
to go by: up to `written` they survive the death of this process, up to `synced` a power cut.

A full disk: the batch at hand is written into the room of the `Reserve`, and the journal `is_full`
until that can be set aside again; the loop takes nothing more in meanwhile. A batch for which even
that is too small waits here.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from myocan.hub.store import (
    DiskFull,
    LogRow,
    Position,
    Reserve,
    Store,
    StoreError,
    Syncer,
)

__all__ = ["DISK_FULL_S", "Journal"]

DISK_FULL_S = 1.0
"""The pause between two looks whether there is room while the disk is full."""

RESERVE_S = 60.0
"""The pause between two looks whether the reserve is still there."""

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
        reserve: the room for what is to be written when there is none.
        on_wait: called now and then while a batch waits for room.
        monotonic: a clock that only rises, in seconds.

    `written` and `synced` are numbers of transactions. `is_full` tells whether there was no room
    for the last batch, and none has been seen since.
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
        reserve: Reserve | None = None,
        on_wait: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._reserve = reserve or Reserve(None, 0)
        self._on_wait = on_wait
        self._monotonic = monotonic
        self._next_look_s = 0.0
        self.is_full = False
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
        while True:
            try:
                self.written = self._store.append(mode, rows, positions, released)
                break
            except DiskFull as error:
                if not self.is_full:
                    self.is_full = True
                    self._next_look_s = 0.0
                    _log.error("%s; nothing is acted on until there is room", error)
                if self._reserve.give_up():
                    continue
                self._on_wait()
                if self._stopping.wait(DISK_FULL_S):
                    raise
        self._syncer.written(self.written)

    def look_for_room(self) -> bool:
        """Return whether there is room, and set the reserve aside; looks once in a while."""
        now = self._monotonic()
        if now < self._next_look_s:
            return not self.is_full
        if self._reserve.fill():
            if self.is_full:
                _log.error("there is room on the disk again; going on")
            self.is_full = False
        elif not self.is_full:
            _log.error("there is hardly any room on the disk; nothing is acted on until there is")
            self.is_full = True
        self._next_look_s = now + (DISK_FULL_S if self.is_full else RESERVE_S)
        return not self.is_full

    def _on_synced(self, number: int) -> None:
        self.synced = number
        self._wake()
