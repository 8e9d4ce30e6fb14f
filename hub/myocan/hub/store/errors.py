"""What can go wrong with a store, sorted by what the caller has to do.

Retry later (`DiskFull`), end the process (`DiskFailed`), or tell the person and stop (the rest).
"""

import os
import sqlite3

from myocan.hub.errors import HubError

__all__ = [
    "DIAGNOSE",
    "DiskFailed",
    "DiskFull",
    "StoreDamaged",
    "StoreError",
    "StoreLocked",
    "StoreTooNew",
    "StoreTooOld",
    "Trimmed",
    "Unresolved",
    "translated",
]


class StoreError(HubError):
    """The store cannot do what was asked."""


class StoreLocked(StoreError):
    """Another hub has the store open."""

    def __init__(self, path: object, pid: int | None) -> None:
        self.pid = pid
        owner = f"process {pid}" if pid else "another process"
        if pid == os.getpid():
            instead = ", which is this one; use what it has, or close that first"
        else:
            instead = "; stop that hub first, or give this one a store of its own with --store"
        super().__init__(f"{path}: {owner} has this store open{instead}")


class StoreTooNew(StoreError):
    """The store was written by a later version of myocan."""


class StoreTooOld(StoreError):
    """The store was written by an earlier version, and who reads it cannot change it."""


class StoreDamaged(StoreError):
    """What is in the file is not what a store wrote there."""


class Unresolved(StoreDamaged, KeyError):
    """A number stands for nothing: its row in the table of names is lost."""

    __str__ = Exception.__str__


class Trimmed(StoreError):
    """What was asked for is older than what the log still has as a whole."""


class DiskFull(StoreError):
    """Nothing was written, and the store is as it was: free some room, then try again."""


class DiskFailed(StoreError):
    """The disk did not take or give what it should: end the process, what is on disk decides."""


DIAGNOSE = (
    "stop the hub, keep a copy of the file and of those beside it, then restore a backup; what is"
    " wrong, and how to save what can be read, says: myocan store verify"
)
"""What to do about a damaged store."""

_SYNC_FAILED = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
_READ_FAILED = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)


def translated(error: sqlite3.Error, path: object) -> StoreError:
    """`error` as one of the classes above, with what to do about it.

    `path` is the store's file, for the text. Codes: https://sqlite.org/rescode.html
    """
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return StoreError(f"{path}: {error}")
    if code in _SYNC_FAILED or code in _READ_FAILED:
        return DiskFailed(f"{path}: the disk failed ({error}); check it, then start the hub again")
    primary = code & 0xFF
    if primary in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
        return DiskFull(f"{path}: no room to write ({error}); free some space on this disk")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StoreDamaged(f"{path}: damaged ({error}); {DIAGNOSE}")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreError(
            f"{path}: another program is writing to this file ({error}); close whatever has it"
            " open for writing"
        )
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return StoreError(
            f"{path}: cannot be opened for writing ({error}); check that the file and its folder"
            " belong to the user who runs the hub"
        )
    return StoreError(f"{path}: {error}")
