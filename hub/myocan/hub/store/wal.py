"""The WAL of a store: where transactions are until their pages are moved into the main file.

It is made durable by `sync`. And it is kept small, by moving pages: with
`wal_checkpoint(PASSIVE)`, which never makes a writer wait; only when a writer that never pauses has
let the WAL grow does it take `RESTART`, which makes it wait for one sync. The WAL is not cut to
nothing in between: overwriting a file is cheaper to sync than growing one (no journal entry of the
file system; measured, half the bytes and two thirds of the time), so it keeps what
`store.WAL_KEPT` says.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from myocan.hub.store import files
from myocan.hub.store.errors import DiskFailed, translated
from myocan.hub.store.store import WAL_KEPT, Store

__all__ = ["FDATASYNC", "MOVE_AFTER", "Wal"]

MOVE_AFTER = 1000
"""Transactions after which pages are moved into the main file, whatever the size of the WAL."""
WAL_LIMIT = 4 * WAL_KEPT
"""Bytes of WAL at which a writer is made to wait so that it can start over."""
READERS_WAIT_S = 0.02
FDATASYNC: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Wal:
    """The WAL of `store`, for one thread at a time; `close` it before the store.

    `fdatasync` and `open_file` stand for os.fdatasync and os.open. A store in memory has none: then
    nothing is done.
    """

    def __init__(
        self,
        store: Store,
        *,
        fdatasync: Callable[[int], None] = FDATASYNC,
        open_file: Callable[[Path, int], int] = os.open,
    ) -> None:
        self._path = store.path
        self._connect = store.connect
        self._fdatasync = fdatasync
        self._mover: sqlite3.Connection | None = None
        self._moved_size = 0
        self.moved_number = 0
        """The transaction at which pages were moved last."""
        self._file = -1
        if self._path is not None:
            # Kept for good: SQLite holds no locks on this file, so closing it does no harm.
            self._file = open_file(files.wal_of(self._path), os.O_RDONLY)

    @property
    def is_open(self) -> bool:
        """Whether there is a file."""
        return self._file >= 0

    def sync(self) -> None:
        """Make durable what was written before the call. Raises DiskFailed, after which nobody
        knows what is on the disk."""
        try:
            if self._file >= 0:
                self._fdatasync(self._file)
        except OSError as error:
            raise DiskFailed(
                f"{self._path}: the disk did not take what was written ({error}); check it, then"
                " start the hub again"
            ) from error

    def keep_small(self, synced: int) -> None:
        """Move pages, if it is time. synced: the number of the last transaction that is durable."""
        if self._file < 0:
            return
        size = os.fstat(self._file).st_size
        # The writer cuts the file when the WAL starts over.
        self._moved_size = min(self._moved_size, size)
        grown = size - self._moved_size
        if grown < WAL_KEPT and synced - self.moved_number < MOVE_AFTER:
            return
        self._moved_size = size
        self.moved_number = synced
        try:
            mover = self._open_mover()
            mover.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if size >= WAL_LIMIT:
                mover.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        except sqlite3.Error as error:
            failure = translated(error, self._path)
            if isinstance(failure, DiskFailed):
                raise failure from error
            # A full disk is the writer's to report; the pages are safe where they are.

    def close(self) -> None:
        """Let go of the file."""
        if self._mover is not None:
            self._mover.close()
            self._mover = None
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open_mover(self) -> sqlite3.Connection:
        """The connection that moves pages into the main file."""
        if self._mover is None:
            self._mover = self._connect(self._path, READERS_WAIT_S)
            self._mover.execute("PRAGMA wal_autocheckpoint = 0")
        return self._mover
