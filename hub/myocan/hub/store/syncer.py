"""Makes written transactions durable, in a thread beside the one that writes.

The one idea: **sample, sync, report**. The syncer notes which transaction was the last one written,
calls fdatasync on the WAL, and only then reports that number; what was written meanwhile is the
next sample. So nothing is reported that a power cut could take, and one sync serves all boards.

When it syncs: at once if the hub was idle (the last sync is a few milliseconds, and twice the time
that it took, ago) or somebody asks (`urgent`); under load later, so that one sync serves many
transactions and the disk has time for other things, but at most `delay` later.

It also keeps the WAL small, see `Wal`.

After a failed sync nobody knows what is on disk, and asking again may answer "fine" although the
pages were dropped. So the first failure is the last: `on_error` ends the process, and the next
start reads what is there.
"""

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from myocan.hub.store.errors import DiskFailed, StoreError
from myocan.hub.store.store import Store
from myocan.hub.store.wal import FDATASYNC, Wal

__all__ = ["Syncer"]

DELAY = 0.05
GAP = 0.005
"""Seconds between two syncs under load, at least; a sync costs the hub processor time, too."""
SHARE = 2
"""And t * SHARE after one that took t."""


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
        self._on_synced = on_synced
        self._on_error = on_error
        self._delay = delay
        self._clock = clock
        self._bell: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._asleep = False
        self._holding = False
        self._urgent = 0
        self._closing = False
        self._written = 0
        self.synced = 0
        self._wal = Wal(store, fdatasync=fdatasync, open_file=open_file)

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
            self._wal.close()

    # --- the thread

    def run(self) -> None:
        """Sync until closed; called by `start`."""
        try:
            self._work()
        except StoreError as error:
            self._on_error(error)
        except Exception as error:
            failure = DiskFailed(f"{self._path}: cannot be made durable: {error!r}")
            failure.__cause__ = error
            self._on_error(failure)
        finally:
            self._wal.close()

    def _work(self) -> None:
        ended, cost = -self._delay, 0.0
        while self._wait_for_work():
            self._hold_back(ended + min(self._delay, max(GAP, cost * SHARE)))
            began = self._clock()
            number = self._sync()
            ended = self._clock()
            cost = ended - began
            self._report(number)
            self._wal.keep_small(number)

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
        self._wal.sync()
        return number

    def _report(self, number: int) -> None:
        self.synced = number
        self._on_synced(number)
