"""The one connection that writes, and the one way to commit on it.

Whoever writes says `with writer.transaction("append") as db:`. All that was done inside, and all
names, producers and programs that were waiting for it, are committed together at the end or not at
all; memory follows only what was committed.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

from myocan.hub.store.errors import StoreError, translated
from myocan.hub.store.names import Names

__all__ = ["Connect", "Faults", "Writer", "connect"]

Faults: TypeAlias = Callable[[str], None]
"""Called at each boundary of a transaction with its name: `append begun`, `append filled` (before
the commit), `append committed`; likewise `create`, `migrate`, `mode`, `incarnation`, `checkpoint`,
`clean`. A test raises or kills there."""

Connect: TypeAlias = Callable[[Path | None, float], sqlite3.Connection]
"""Opens the file at a path, None for one in memory, as `connect` does. A simulation has its own,
whose disk may lose what was not synced."""


def connect(path: Path | None, busy_s: float) -> sqlite3.Connection:
    """A connection that begins no transaction by itself, for one thread at a time, any one.

    `busy_s` is how many seconds it waits for another connection that writes.
    """
    return sqlite3.connect(
        path or ":memory:", isolation_level=None, check_same_thread=False, timeout=busy_s
    )


class Writer:
    """A connection to the file at `path` (None: in memory), whose tables exist."""

    def __init__(self, db: sqlite3.Connection, path: Path | None, faults: Faults | None) -> None:
        self.path = path
        self.committed = 0
        """How many transactions there were; the number of the last one."""
        self.names: Names[tuple[str, str, str]] = Names(
            db, "name", ("module", "variable", "instance")
        )
        self.producers: Names[tuple[str]] = Names(db, "producer", ("producer",))
        self.programs: dict[str, str] = {}
        self._open: sqlite3.Connection | None = db
        self._faults = faults

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for reading; raises StoreError when closed."""
        if self._open is None:
            raise StoreError(f"{self.path}: this store is closed")
        return self._open

    def transaction(self, point: str, synced: bool = False) -> "_Transaction":
        """A transaction to use with `with`; `synced`: it is on disk at the end.

        `point` names it for `Faults`. Raises DiskFull, DiskFailed, another StoreError; then
        nothing has changed.
        """
        return _Transaction(self, self.db, point, synced)

    def run_alone(self, statement: str, row: Sequence[object]) -> bool:
        """Run one statement as a transaction of its own; False, and nothing done, if there is more
        to write with it.

        SQLite begins and commits by itself then, in one call instead of three, each of which lets
        another thread in. Raises as `transaction`.
        """
        if (
            self.names.pending
            or self.producers.pending
            or self.programs
            or self._faults is not None
        ):
            return False
        try:
            self.db.execute(statement, row)
        except sqlite3.Error as error:
            raise translated(error, self.path) from error
        self.committed += 1
        return True

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, its errors raised as StoreError."""
        try:
            yield self.db
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def close(self) -> None:
        """Close the connection; SQLite moves the WAL into the main file."""
        db, self._open = self._open, None
        if db is not None:
            db.close()

    def _fault(self, point: str, where: str) -> None:
        if self._faults is not None:
            self._faults(f"{point} {where}")

    def _write_pending(self, db: sqlite3.Connection) -> None:
        if self.names.pending:
            self.names.write()
        if self.producers.pending:
            self.producers.write()
        if self.programs:
            db.executemany("INSERT OR REPLACE INTO program VALUES (?, ?)", self.programs.items())

    def _note_commit(self) -> None:
        self.committed += 1
        if self.names.pending:
            self.names.written()
        if self.producers.pending:
            self.producers.written()
        if self.programs:
            self.programs.clear()


class _Transaction:
    __slots__ = ("_db", "_point", "_synced", "_writer")

    def __init__(self, writer: Writer, db: sqlite3.Connection, point: str, synced: bool) -> None:
        self._writer = writer
        self._db = db
        self._point = point
        self._synced = synced

    def __enter__(self) -> sqlite3.Connection:
        try:
            if self._synced:
                self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN IMMEDIATE")
            self._writer._fault(self._point, "begun")
            self._writer._write_pending(self._db)
        except BaseException as error:
            self._undo(error)
            raise
        return self._db

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self._undo(error)
            return
        try:
            self._writer._fault(self._point, "filled")
            self._db.execute("COMMIT")
        except BaseException as failure:
            self._undo(failure)
            raise
        self._writer._note_commit()
        if self._synced:
            self._db.execute("PRAGMA synchronous = NORMAL")
        self._writer._fault(self._point, "committed")

    def _undo(self, error: BaseException) -> None:
        # SQLite has already rolled back by itself after some errors, a full disk among them.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if self._synced:
            self._db.execute("PRAGMA synchronous = NORMAL")
        if isinstance(error, sqlite3.Error):
            raise translated(error, self._writer.path) from error
