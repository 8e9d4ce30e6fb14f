"""What a store does with files beside SQLite: its lock, and the durability of file names."""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path

from myocan.hub.store.errors import DiskFull, StoreError, StoreLocked

__all__ = ["check_place", "lock", "size_of", "sync_folder", "wal_of"]


def check_place(path: Path) -> None:
    """Raise StoreError if no store can be at `path`: a folder is there, or it is below a file.

    SQLite says of a folder that the disk failed, and of a place below a file nothing of use.
    """
    if path.is_dir():
        raise StoreError(
            f"{path}: this is a folder, not a store; name the file in it, like"
            f" {path / 'store.sqlite'}, {_WHERE}"
        )
    above = next(place for place in path.parents if place.exists())
    if not above.is_dir():
        raise StoreError(
            f"{path}: no store can be there, since {above} is a file, not a folder; name another"
            f" place {_WHERE}"
        )


_WHERE = "with --store, or as path under [store] in myocan.toml"


def lock(path: Path) -> int:
    """A descriptor that holds the lock on the store at `path` as long as it is open.

    Makes the folder if it is not there. Raises StoreLocked; StoreError if no store can be there.
    """
    check_place(path)
    try:
        return _locked(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull(f"{path}: no room to write; free some space on this disk") from None
        raise StoreError(
            f"{path}: no store can be kept there ({error.strerror}); check that the folder belongs "
            "to the user who runs this, and that its disk can be written to"
        ) from None


def _locked(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file of its own: closing a descriptor of the database would drop SQLite's locks on it. It
    # stays when the store is closed: removing it would let two hubs lock two files of that name.
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
    except BlockingIOError:
        owner = os.pread(descriptor, 20, 0).strip()
        os.close(descriptor)
        raise StoreLocked(path, int(owner) if owner.isdigit() else None) from None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def sync_folder(folder: Path) -> None:
    """Make the names of new files in `folder`, and its own name, survive a power cut."""
    for place in (folder, folder.parent):
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def wal_of(path: Path) -> Path:
    """The write-ahead log of the database at `path`, which is not a symbolic link."""
    return path.with_name(path.name + "-wal")


def size_of(path: Path) -> int:
    """The bytes that the database at `path` takes on the disk, its write-ahead log included."""
    size = 0
    for file in (path, wal_of(path)):
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size
