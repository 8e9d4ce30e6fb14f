"""Puts commits into a store, and knows when they are on the disk.

The one idea: commits stand in one line. Whoever waits for one, and finds nobody at the disk, writes
all that stand in line in one transaction, and syncs once for all of them; the others find theirs
done. So the more threads commit, the less each costs the disk, and no thread has to be woken for
one that commits alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, TypeAlias

from myocan.hub.models.errors import StateError
from myocan.hub.models.plans import Commit, Name
from myocan.hub.store import DiskFailed, DiskFull, Store, StoreError
from myocan.hub.store.checkpoint import Checkpoint
from myocan.hub.store.rows import LogRow
from myocan.hub.store.wal import Wal

__all__ = ["FileKeeper", "Keeper", "Nowhere", "Settle"]

MODE = "live"

CHECKPOINT_ROWS = 20_000
"""Rows after which the state is written down, so that a start need not read the whole log."""

TIDY_AFTER = 16
"""Transactions after which it is looked whether there is something to tidy."""

Settle: TypeAlias = Callable[[Sequence[Commit], Exception | None], None]
"""Told of commits, in the order of the line, that they are kept, or why none of them is."""


class Keeper(Protocol):
    """What a state asks of whoever keeps it.

    recovered: the values that were found, as JSON texts.
    """

    recovered: dict[Name, str]

    def put(self, commit: Commit) -> None:
        """Let a commit stand in line; for who holds its models, and the lock of the state."""

    def wait(self, commit: Commit) -> None:
        """Return when a commit is settled; for any thread."""

    def close(self) -> None:
        """Write what is left to write; for when all is settled."""


class Nowhere:
    """Keeps nothing: the state is in memory alone. Arguments: settle, see `FileKeeper`."""

    def __init__(self, settle: Settle) -> None:
        self._settle = settle
        self.recovered: dict[Name, str] = {}

    def put(self, commit: Commit) -> None:
        """See `Keeper`."""
        self._settle((commit,), None)

    def wait(self, commit: Commit) -> None:
        """See `Keeper`."""

    def close(self) -> None:
        """See `Keeper`."""


class FileKeeper:
    """Keeps a state in a store.

    Arguments:
        path: the file, made if it is not there.
        producer: who commits, as the log has it.
        lock: what is held by who calls `put`.
        settle: what is told how a commit ended.
        now_ms: the wall clock, milliseconds since 1970 UTC.

    Raises StoreError if the store cannot be used.
    """

    def __init__(
        self,
        path: Path,
        producer: str,
        lock: AbstractContextManager[object],
        settle: Settle,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._lock = lock
        self._settle = settle
        self._now_ms = now_ms
        self._disk = threading.Lock()
        """Held by who writes; all below but the line belongs to that one."""
        self._line: list[Commit] = []
        self._taken: list[Commit] = []
        self._first = 0
        self._failure: StoreError | None = None
        self._changed: dict[int, str | None] = {}
        self._unsaved: dict[int, str | None] = {}
        self._checkpoint: Checkpoint | None = None
        self._store = store = Store.open(path)
        store.begin_incarnation(note="state models")
        self._producer = store.producer_id(producer)
        recovered = store.recover(MODE)
        names = store.names()
        self.recovered: dict[Name, str] = {
            names[number]: text for number, text in recovered.state.items()
        }
        last = store.next_offset(MODE) - 1
        self._log_ms = next((row[1] for row in store.rows(MODE, last - 1)), 0)
        self._saved = self._saving = recovered.checkpoint
        self._wal = Wal(store)
        self._number = self._tidied = 0
        self._numbers: dict[Name, int] = {}

    def put(self, commit: Commit) -> None:
        """See `Keeper`."""
        commit.state_changes()  # here, so that what fails in it fails this commit alone
        self._line.append(commit)

    def wait(self, commit: Commit) -> None:
        """Return when a commit is settled: written by this thread, or by another before it."""
        with self._disk:
            while not commit.settled:
                self._keep()

    def _keep(self) -> None:
        """Write what stands in line, sync, and settle it."""
        store = self._store
        with self._lock:
            if not self._taken:
                self._first = store.next_offset(MODE)
                self._taken, self._line = self._line, []
        try:
            if self._failure is not None:
                raise _no_more(self._failure) from self._failure
            if store.next_offset(MODE) == self._first:  # else who wrote it was interrupted then
                self._write()
        except Exception as error:
            self._refuse(error)
            return
        try:
            self._wal.sync()
        except StoreError as error:  # whatever else it is, the next who waits syncs
            self._refuse(error)
            return
        self._unsaved.update(self._changed)
        self._settle(self._taken, None)
        self._taken = []
        if self._number - self._tidied >= TIDY_AFTER:
            self._tidy()

    def _write(self) -> None:
        """Write what was taken from the line in one transaction, all of it or nothing."""
        store, producer = self._store, self._producer
        now = self._log_ms = max(self._now_ms(), self._log_ms)
        offset, numbers = self._first, self._numbers
        rows: list[LogRow] = []
        changed: dict[int, str | None] = {}
        for commit in self._taken:
            for name, text in commit.changes:
                number = numbers.get(name)
                if number is None:
                    number = numbers[name] = store.name_id(*name)
                changed[number] = text
                rows.append(
                    (offset, now, number, text, producer, None, None, None, f"[{number},{text}]")
                )
                offset += 1
        self._changed = changed
        self._number = store.append(MODE, rows)

    def _refuse(self, error: Exception) -> None:
        """Settle what was to be written, and all that stands in line behind it: not kept."""
        if isinstance(error, DiskFailed):
            self._failure = error
            error = _no_more(error)
        with self._lock:
            refused = [*self._taken, *self._line]
            self._line, self._taken = [], []
            self._settle(refused, error)

    def _tidy(self) -> None:
        """Keep the files small, and the start short, as far as there is room for that."""
        self._tidied = self._number
        try:
            self._wal.keep_small(self._number)
            if self._store.next_offset(MODE) - 1 - self._saved > CHECKPOINT_ROWS:
                self._save()
        except DiskFull:
            pass  # it is tried again after the next commit
        except StoreError as error:
            self._failure = error

    def _save(self) -> None:
        """Write the state down. Raises DiskFull; then the next call goes on with it."""
        if self._checkpoint is None and self._unsaved:
            self._saving = self._store.next_offset(MODE) - 1
            self._checkpoint = self._store.start_checkpoint(MODE, self._saving, self._unsaved)
            self._unsaved = {}
        if self._checkpoint is not None:
            while self._checkpoint.step():
                pass
            self._saved, self._checkpoint = self._saving, None

    def close(self) -> None:
        """Write the state down, and close the store."""
        with self._disk:
            try:
                if self._failure is None:
                    self._save()
            finally:
                self._wal.close()
                self._store.close()


def _no_more(failure: StoreError) -> StateError:
    return StateError(f"nothing is committed any more: {failure}")
