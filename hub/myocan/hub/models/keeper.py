"""Puts commits into a store, and knows when they are on the disk.

The one idea: a commit is rows of the log, one for each field that changed, in one transaction.
Threads that commit at the same time write one after the other, and one sync of the disk serves all
that have written before it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from myocan.hub.models.errors import StateError
from myocan.hub.models.model import to_json
from myocan.hub.store import Store, StoreError
from myocan.hub.store.wal import Wal

__all__ = ["Change", "FileKeeper", "Keeper", "Name", "Nowhere"]

Name = tuple[str, str, str]
"""(topic, field, instance or "") of a value."""

Change = tuple[Name, Any]
"""A value that changes: its name, and the new one."""

MODE = "live"

CHECKPOINT_ROWS = 20_000
"""Rows after which the state is written down, so that a start need not read the whole log."""


class Keeper(Protocol):
    """What a state asks of whoever keeps it.

    recovered: the values that were found, as JSON texts.
    """

    recovered: dict[Name, str]

    def append(self, changes: Sequence[Change]) -> int:
        """Write a commit, all of it or nothing; return its number, for `wait`."""

    def wait(self, mark: int) -> None:
        """Wait until a commit is as safe as it can be."""

    def close(self) -> None:
        """Write what is left to write."""


class Nowhere:
    """Keeps nothing: the state is in memory alone."""

    def __init__(self) -> None:
        self.recovered: dict[Name, str] = {}

    def append(self, changes: Sequence[Change]) -> int:
        """See `Keeper`."""
        return 0

    def wait(self, mark: int) -> None:
        """See `Keeper`."""

    def close(self) -> None:
        """See `Keeper`."""


class FileKeeper:
    """Keeps a state in a store.

    Arguments:
        path: the file, made if it is not there.
        producer: who commits, as the log has it.
        now_ms: the wall clock, milliseconds since 1970 UTC.

    Raises StoreError if the store cannot be used.
    """

    def __init__(
        self,
        path: Path,
        producer: str,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._now_ms = now_ms
        self._lock = threading.Lock()
        self._progress = threading.Condition()
        self._failure: StoreError | None = None
        self._written = self._synced = 0
        self._syncing = False
        self._unsaved: dict[int, str | None] = {}
        self._store = store = Store.open(path)
        store.begin_incarnation(note="state models")
        self._producer = store.producer_id(producer)
        self._offset = store.next_offset(MODE)
        recovered = store.recover(MODE)
        names = store.names()
        self.recovered: dict[Name, str] = {
            names[number]: text for number, text in recovered.state.items()
        }
        self._log_ms = next((row[1] for row in store.rows(MODE, self._offset - 2)), 0)
        self._saved = recovered.checkpoint
        self._wal = Wal(store)

    def append(self, changes: Sequence[Change]) -> int:
        """Write a commit; return its number, for `wait`.

        It survives the end of this process when this returns, and a power cut after `wait`.
        Raises DiskFull (nothing was written), or another StoreError.
        """
        with self._lock:
            self._refuse_failed()
            store = self._store
            now = self._log_ms = max(self._now_ms(), self._log_ms)
            rows = []
            numbered: dict[int, str | None] = {}
            for place, (name, value) in enumerate(changes):
                text = to_json(value)
                number = store.name_id(*name)
                numbered[number] = text
                rows.append(
                    (self._offset + place, now, number, text, self._producer, None, None, None,
                     f"[{number},{text}]")
                )  # fmt: skip
            mark = store.append(MODE, rows)
            self._offset += len(rows)
            self._unsaved.update(numbered)
            self._written = mark
            if self._offset - self._saved > CHECKPOINT_ROWS:
                self._save()
        return mark

    def wait(self, mark: int) -> None:
        """Wait until a commit is on the disk. Raises StateError if the disk fails.

        Whoever comes first syncs, in its own thread, for all that wait by then; handing that to
        another thread would cost a commit as much as the disk does.
        """
        while True:
            with self._progress:
                while self._syncing and self._synced < mark:
                    self._progress.wait()
                if self._synced >= mark:
                    return
                self._refuse_failed()
                self._syncing = True
            self._sync()

    def _sync(self) -> None:
        """Make durable what is written, and tell those who wait for it."""
        number = synced = self._written
        try:
            try:
                self._wal.sync()
            except BaseException:
                synced = self._synced
                raise
            self._wal.keep_small(number)
        except StoreError as error:
            self._failure = error
        finally:
            with self._progress:
                self._syncing = False
                self._synced = synced
                self._progress.notify_all()

    def close(self) -> None:
        """Make durable what is written, write the state down, and close the store."""
        with self._lock:
            try:
                if self._failure is None:
                    self.wait(self._written)
                    self._save()
            finally:
                self._wal.close()
                self._store.close()

    def _save(self) -> None:
        if not self._unsaved:
            return
        self._saved = self._offset - 1
        self._store.checkpoint(MODE, self._saved, self._unsaved)
        self._unsaved = {}

    def _refuse_failed(self) -> None:
        if self._failure is not None:
            raise StateError(f"nothing is committed any more: {self._failure}") from self._failure
