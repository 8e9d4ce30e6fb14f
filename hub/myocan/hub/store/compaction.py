"""Gives back the room in a store's file that nothing needs any more.

The one idea: SQLite writes the whole file anew, in one transaction of its own (VACUUM), so a crash
at any moment leaves all as it was, or done. It takes about twice the room of the file meanwhile.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from myocan.hub.store import files, schema
from myocan.hub.store.errors import StoreError, translated

__all__ = ["Compacted", "compact"]

STEPS = 100_000
"""Instructions of SQLite's machine between two calls of `progress`."""


class Compacted(NamedTuple):
    """How many bytes the store's files took `before` and `after`."""

    before: int
    after: int


def compact(path: Path, progress: Callable[[], None] | None = None) -> Compacted:
    """Make the files of the store at `path` as small as they can be; no hub may run.

    `progress` is called now and then. Raises StoreLocked if a hub runs; StoreError if there is no
    store, or a program reads it all the time; StoreTooNew, StoreTooOld, StoreDamaged, DiskFull;
    then all is as it was.
    """
    path = path.resolve()
    files.check_place(path)
    if not path.exists():
        raise StoreError(f"{path}: there is no store yet; `myocan run` makes one")
    lock = files.lock(path)
    try:
        before = _size(path)
        try:
            _vacuum(path, progress)
        except sqlite3.Error as error:
            raise translated(error, path) from error
        return Compacted(before, _size(path))
    finally:
        os.close(lock)


def _vacuum(path: Path, progress: Callable[[], None] | None) -> None:
    db = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=10)
    try:
        schema.refuse_others(db, path)
        if progress is not None:
            db.set_progress_handler(progress, STEPS)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("VACUUM")
        # A reader may hold this up; then the next hub does it.
        db.execute("PRAGMA busy_timeout = 100")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.close()


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in (path, files.wal_of(path)) if file.exists())
