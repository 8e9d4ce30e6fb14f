"""Makes written transactions durable, in a thread beside the one that writes.

The one idea: **sample, sync, report**. The syncer notes which transaction was the last one written,
calls fdatasync on the WAL, and only then reports that number; what was written meanwhile is the
next sample. So nothing is reported that a power cut could take, and one sync serves all boards.

When it syncs: at once if the hub was idle (the last sync is a few milliseconds, and twice the time
that it took, ago) or somebody asks (`urgent`); under load later, so that one sync serves many
transactions and the disk has time for other things, but at most `delay` later.

It also moves pages from the WAL into the main file, so that the WAL can start over and stays
small. That is done with `wal_checkpoint(PASSIVE)`, which never makes a writer wait; only when a
writer that never pauses has let the WAL grow does it take `RESTART`, which makes it wait for one
sync. The WAL is not cut to nothing when the hub is idle: overwriting a file is cheaper to sync
than growing one (no journal entry of the file system; measured, half the bytes and two thirds of
the time), so it keeps what `store.WAL_KEPT` says.

After a failed sync nobody knows what is on disk, and asking again may answer "fine" although the
pages were dropped. So the first failure is the last: `on_error` ends the process, and the next
start reads what is there.
"""

import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

from myocan.hub.store import files
from myocan.hub.store.errors import DiskFailed, StoreError, translated
from myocan.hub.store.store import WAL_KEPT, Store

__all__ = ["Syncer"]

DELAY = 0.05
GAP = 0.005
"""Seconds between two syncs under load, at least; a sync costs the hub processor time, too."""
SHARE = 2
"""And t * SHARE after one that took t."""
MOVE_AFTER = 1000
"""Transactions after which pages are moved into the main file, whatever the size of the WAL."""
WAL_LIMIT = 4 * WAL_KEPT
"""Bytes of WAL at which a writer is made to wait so that it can start over."""
READERS_WAIT_S = 0.02
FDATASYNC: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class Syncer(threading.Thread):
    """The syncer of `store`; `start` it, `close` it before the store.

    `on_synced(number)` is called on this thread with the largest number given to `written` that
    is on disk now; numbers rise. `on_error(error)` is called once, on this thread, when a sync or
    a callback fails, and has to end the process; the thread ends with it. `delay` is the longest
    wait in seconds under load. `fdatasync`, `open_file` and `clock` stand for os.fdatasync, os.open
    and time.monotonic.
    """

    def __init__(
        self,
        store: Store,
        *,
        on_synced: Callable[[int], None],
        on_error: Callable[[StoreError], None],
        delay: float = DELAY,
        fdatasync: Callable[[int], None] = FDATASYNC,
        open_file: Callable[[Path, int], int] = os.open,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name="myocan-syncer", daemon=True)
        self._path = store.path
        self._connect = store.connect
        self._on_synced = on_synced
        self._on_error = on_error
        self._delay = delay
        self._fdatasync = fdatasync
        self._clock = clock
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._asleep = False
        self._holding = False
        self._urgent = 0
        self._closing = False
        self._written = 0
        self.synced = 0
        self._moved_number = 0
        self._moved_size = 0
        self._wal = -1
        if self._path is not None:
            # Kept for good: SQLite holds no locks on this file, so closing it does no harm.
            self._wal = open_file(files.wal_of(self._path), os.O_RDONLY)

    # --- for the writer's thread; none of these waits

    def written(self, number: int) -> None:
        """Transaction `number` was written (see `Store.append`): sync it."""
        self._written = number
        if self._asleep:
            self._bell.put(None)

    def urgent(self) -> None:
        """Sync what is written at once: somebody waits for it, or there is nothing else to do."""
        self._urgent = self._written
        if self._asleep or self._holding:
            self._bell.put(None)

    def close(self) -> None:
        """Sync and report what is written, then end the thread; waits for it."""
        self._closing = True
        self._bell.put(None)
        if self.ident is not None and self is not threading.current_thread():
            self.join()
        elif self.ident is None:
            self._close_wal()

    # --- the thread

    def run(self) -> None:
        """Sync until closed; called by `start`."""
        db = None
        try:
            db = self._open_mover()
            self._work(db)
        except StoreError as error:
            self._on_error(error)
        except Exception as error:
            failure = DiskFailed(f"{self._path}: cannot be made durable: {error!r}")
            failure.__cause__ = error
            self._on_error(failure)
        finally:
            if db is not None:
                db.close()
            self._close_wal()

    def _work(self, db: sqlite3.Connection | None) -> None:
        ended, cost = -self._delay, 0.0
        while self._wait_for_work():
            self._hold_back(ended + min(self._delay, max(GAP, cost * SHARE)))
            began = self._clock()
            number = self._sync()
            ended = self._clock()
            cost = ended - began
            self._report(number)
            if db is not None:
                self._keep_wal_small(db)

    def _open_mover(self) -> sqlite3.Connection | None:
        """The connection that moves pages into the main file; None for a store in memory."""
        if self._path is None:
            return None
        db = self._connect(self._path, READERS_WAIT_S)
        db.execute("PRAGMA wal_autocheckpoint = 0")
        return db

    def _wait_for_work(self) -> bool:
        """Whether there is something to sync; waits until there is, or for the end."""
        self._asleep = True
        while self._written == self.synced:
            if self._closing:
                return False
            self._bell.get()
        self._asleep = False
        return True

    def _hold_back(self, until: float) -> None:
        self._holding = True
        while self._urgent <= self.synced and not self._closing:
            left = until - self._clock()
            if left <= 0:
                break
            try:
                self._bell.get(timeout=left)
            except queue.Empty:
                break
        self._holding = False

    def _sync(self) -> int:
        """Make durable what is written; the number of the last transaction that is."""
        number = self._written
        try:
            if self._wal >= 0:
                self._fdatasync(self._wal)
        except OSError as error:
            raise DiskFailed(
                f"{self._path}: the disk did not take what was written ({error}); check it, then"
                " start the hub again"
            ) from error
        return number

    def _report(self, number: int) -> None:
        self.synced = number
        self._on_synced(number)

    def _keep_wal_small(self, db: sqlite3.Connection) -> None:
        size = os.fstat(self._wal).st_size
        # The writer cuts the file when the WAL starts over.
        self._moved_size = min(self._moved_size, size)
        grown = size - self._moved_size
        if grown < WAL_KEPT and self.synced - self._moved_number < MOVE_AFTER:
            return
        self._moved_size = size
        self._moved_number = self.synced
        try:
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            if size >= WAL_LIMIT:
                db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        except sqlite3.Error as error:
            failure = translated(error, self._path)
            if isinstance(failure, DiskFailed):
                raise failure from error
            # A full disk is the writer's to report; the pages are safe where they are.

    def _close_wal(self) -> None:
        if self._wal >= 0:
            os.close(self._wal)
            self._wal = -1
