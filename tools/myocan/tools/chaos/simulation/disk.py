"""A disk that may lose, at a power cut, whatever was not synced.

The model, as `store.py` has it: what a sync covered is there for good. Of what was written since,
each sector of 512 bytes may be as before or as any of the writes left it, each for itself and in
any order; a file may be as long as any of them made it. A sector is never half of one and half of
the other, and one that is not written keeps its bytes. That a file is there, or not any more, is
durable at once: the store syncs the folder before it relies on one.

SQLite's files are real ones, in a folder in memory; it reaches them through a virtual file system
of `apsw`, which sees every write and every sync that SQLite makes by itself.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import apsw

__all__ = ["Disk"]

SECTOR = 512
NAME = "store.sqlite"
_VFS = "myocan-simulation"


class _Content:
    """What a file surely has on the disk, and what was done to it since."""

    def __init__(self, durable: bytes | bytearray = b"") -> None:
        self.durable = bytearray(durable)
        self.since: list[tuple[int, bytes] | int] = []
        """Writes (place, bytes), and sizes that the file was cut to."""

    def sync(self) -> None:
        for change in self.since:
            _apply(self.durable, change)
        self.since.clear()

    def survivors(self, chance: random.Random) -> bytearray:
        """Return one of the contents that the file may have after a power cut."""
        kept = bytearray(self.durable)
        share = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        for change in self.since:
            if isinstance(change, int):
                if chance.random() < share:
                    _apply(kept, change)
                continue
            place, piece = change
            at = 0
            while at < len(piece):
                size = min(SECTOR - (place + at) % SECTOR, len(piece) - at)
                if chance.random() < share:
                    _apply(kept, (place + at, piece[at : at + size]))
                at += size
        return kept


def _apply(content: bytearray, change: tuple[int, bytes] | int) -> None:
    if isinstance(change, int):
        del content[change:]
        return
    place, piece = change
    if place > len(content):
        content.extend(bytes(place - len(content)))
    content[place : place + len(piece)] = piece


class _File(apsw.VFSFile):
    """A file of a store, whose writes are noted."""

    def __init__(self, name: Any, flags: list[int], disk: Disk | None, content: _Content) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._content = content

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk is not None and self._disk.full:
            full = apsw.FullError("the simulated disk is full")
            full.extendedresult = apsw.SQLITE_FULL  # type: ignore[attr-defined]  # apsw asks for it
            raise full
        self._content.since.append((offset, bytes(data)))
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:
        self._content.since.append(newsize)
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:
        self._content.sync()


class _Files(apsw.VFS):
    """The virtual file system; it stays for the life of the process, whichever disk is in it."""

    def __init__(self) -> None:
        super().__init__(_VFS, "unix")
        self.disk: Disk | None = None

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        disk = self.disk
        if disk is None or path is None:
            return _File(name, flags, None, _Content())
        return _File(name, flags, disk, disk.content(str(path)))

    def xDelete(self, filename: str, syncdir: bool) -> None:
        if self.disk is not None:
            self.disk.forget(filename)
        super().xDelete(filename, syncdir)


_files: _Files | None = None


def _inserted(disk: Disk) -> None:
    global _files
    if _files is None:
        _files = _Files()
    _files.disk = disk


class Disk:
    """The disk of one simulation, below `folder`, with the files of `template` on it if given.

    `full`: nothing can be written. `store` is where the store is; it moves with each crash, so that
    what a dead hub still does with its files harms nobody.
    """

    def __init__(self, folder: Path, chance: random.Random, template: Path | None = None) -> None:
        self.full = False
        self._folder = folder
        self._chance = chance
        self._contents: dict[str, _Content] = {}
        self._number = 0
        self.store = self._make_place()
        if template is not None:
            for file in template.iterdir():
                if file.name in (NAME, f"{NAME}-wal"):
                    shutil.copyfile(file, self.store.with_name(file.name))
                    path = str(self.store.with_name(file.name))
                    self._contents[path] = _Content(file.read_bytes())
        _inserted(self)

    def connect(self, path: Path | None, busy_s: float) -> sqlite3.Connection:
        """Open a store here; stands for `myocan.hub.store.writer.connect`."""
        return cast(sqlite3.Connection, _Connection(str(path), busy_s))

    def sync_wal(self, _descriptor: int = -1) -> None:
        """Make durable what was written to the write-ahead log."""
        self._contents[f"{self.store}-wal"].sync()

    def kill(self) -> None:
        """The process that writes is gone: what it wrote is there, synced or not."""
        old, contents = self.store, self._contents
        self._contents = {}
        self.store = self._make_place()
        for path, content in contents.items():
            moved = _Content(content.durable)
            moved.since = list(content.since)
            target = str(self.store) + path[len(str(old)) :]
            shutil.copyfile(path, target)
            self._contents[target] = moved

    def cut_power(self) -> None:
        """The power is gone: of what was not synced there is what chance leaves."""
        old, contents = self.store, self._contents
        self._contents = {}
        self.store = self._make_place()
        for path, content in contents.items():
            kept = bytes(content.survivors(self._chance))
            target = str(self.store) + path[len(str(old)) :]
            Path(target).write_bytes(kept)
            self._contents[target] = _Content(kept)

    def content(self, path: str) -> _Content:
        """Return what is noted of a file."""
        return self._contents.setdefault(path, _Content())

    def forget(self, path: str) -> None:
        """A file is deleted."""
        self._contents.pop(path, None)

    def _make_place(self) -> Path:
        self._number += 1
        place = self._folder / str(self._number)
        place.mkdir()
        if self._number > 2:
            shutil.rmtree(self._folder / str(self._number - 2))
        return place / NAME


class _Connection:
    """What the store uses of `sqlite3.Connection`, over apsw."""

    def __init__(self, path: str, busy_s: float) -> None:
        self._db = apsw.Connection(path, vfs=_VFS)
        self._db.set_busy_timeout(int(busy_s * 1000))

    @property
    def in_transaction(self) -> bool:
        return self._db.in_transaction

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Any:
        try:
            return _Cursor(self._db, self._db.execute(statement, values))
        except apsw.Error as error:
            raise _translated(error) from error

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self._db.executemany(statement, rows)
        except apsw.Error as error:
            raise _translated(error) from error

    def close(self) -> None:
        self._db.close()


class _Cursor:
    """What the store uses of `sqlite3.Cursor`."""

    def __init__(self, db: apsw.Connection, cursor: apsw.Cursor) -> None:
        self._db = db
        self._cursor = cursor
        self.fetchone = cursor.fetchone
        self.fetchall = cursor.fetchall

    def __iter__(self) -> Any:
        return iter(self._cursor)

    @property
    def rowcount(self) -> int:
        return self._db.changes()


def _translated(error: apsw.Error) -> sqlite3.Error:
    translated = sqlite3.OperationalError(str(error))
    translated.sqlite_errorcode = getattr(error, "extendedresult", 1)
    return translated
