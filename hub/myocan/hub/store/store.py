"""The store: one SQLite file with the log, the state and the positions of every board.

**The log is the only thing written before acting.** A batch's inputs, their outputs, what both
changed and how far each board was heard are one transaction; whatever was not committed did not
happen, and everything else follows from the order of the log.

Two kinds of safe. *Written*: `append` has returned. The transaction is in the write-ahead log
(WAL), in the operating system's memory, and survives the death of this process. *Synced*: the
`Syncer` has called fdatasync on the WAL since. It survives a power cut. With `synchronous=NORMAL`
SQLite itself syncs nothing at a commit, which is what lets both happen in different threads.

Why that is enough after a power cut: a WAL is append-only between its restarts, each frame carries
a checksum over all frames before it, and reading stops at the first frame that does not fit. So
what comes back is a whole number of transactions from the front, and all of those that a finished
fdatasync has covered are among them, whatever happened to the bytes behind (a disk is taken to
leave bytes alone that are rewritten with the same content, as SQLite does: "powersafe overwrite").
Pages move from the WAL into the main file only after the WAL was synced, the WAL starts over only
after the main file was synced, and its new header is synced before a frame follows it; SQLite does
all three in NORMAL mode. See https://sqlite.org/wal.html and https://sqlite.org/walformat.html.

Never open a file of the store with anything but SQLite in this process: closing *any* descriptor
of a file drops all locks that the process holds on it (POSIX, fcntl). The one exception is the
`-wal` file, on which SQLite holds none; the Syncer keeps one descriptor of it open.
"""

import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from myocan.hub.store import schema, state
from myocan.hub.store.errors import StoreError, StoreLocked, translated
from myocan.hub.store.names import Names
from myocan.hub.store.rows import LogRow, Position, Recovered

__all__ = ["Checkpoint", "Faults", "Store"]

PAGE_SIZE = 4096
SLICE = 256
"""Variables that a checkpoint writes in one transaction: an append waits for one slice at most."""
WAL_KEPT = 4 << 20
"""Bytes that the WAL keeps when it starts over; overwriting is cheaper to sync than growing."""

Faults: TypeAlias = Callable[[str], None]
"""Called with a name at each boundary of a transaction; a test raises or kills there."""


class _Mode:
    """What the store keeps in memory of one mode."""

    __slots__ = ("checkpoint", "insert", "insert_last", "name", "next", "number", "positions",
                 "released", "unfinished", "unfolded")  # fmt: skip

    def __init__(self, db: sqlite3.Connection, number: int, name: str, released: int) -> None:
        self.number = number
        self.name = name
        self.insert = f"INSERT INTO log_{number} VALUES (?,?,?,?,?,?,?,?,?,NULL,NULL)"
        self.insert_last = f"INSERT INTO log_{number} VALUES (?,?,?,?,?,?,?,?,?,?,?)"
        self.checkpoint = state.last_checkpoint(db, number)
        self.unfinished: int | None = None
        newest = db.execute(f'SELECT ifnull(max("offset"), 0) FROM log_{number}').fetchone()[0]
        self.next: int = 1 + max(newest, self.checkpoint)
        self.released = released
        # (board, boot) -> (last, seen_ms, offset it is good for)
        self.positions: dict[tuple[str, int], tuple[int | None, int, int]] = {}
        self.unfolded: set[tuple[str, int]] = set()
        query = "SELECT board, boot, last, seen, at FROM position WHERE mode = ?"
        for board, boot, last, seen, at in db.execute(query, (number,)):
            self.positions[board, boot] = last, seen, at
        query = (
            f'SELECT "offset", released, positions FROM log_{number} WHERE "offset" > ?'
            ' AND (released IS NOT NULL OR positions IS NOT NULL) ORDER BY "offset"'
        )
        for offset, released_then, text in db.execute(query, (self.checkpoint,)):
            if released_then is not None and released_then > self.released:
                self.released = released_then
            for board, boot, last, seen in json.loads(text or "[]"):
                if offset > self.positions.get((board, boot), (None, 0, -1))[2]:
                    self.take(board, boot, last, seen, offset)

    def take(self, board: str, boot: int, last: int | None, seen: int, at: int) -> None:
        """Note a position that row `at` of the log carries and the table does not yet."""
        self.positions[board, boot] = last, seen, at
        self.unfolded.add((board, boot))


class Store:
    """The store of one hub. Everything but the class methods belongs to one thread at a time.

    `path` is the file, None for a store in memory; `identity` 16 hex digits, drawn when the store
    was made; `incarnation` the present one, 0 before the first `begin_incarnation`.

    Methods that write raise DiskFull (nothing was written, the store is as it was), DiskFailed or
    StoreDamaged (end the process), or another StoreError.
    """

    def __init__(
        self,
        path: Path | None,
        *,
        faults: Faults | None = None,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.path = path
        self._faults = faults
        self._transactions = 0
        self._programs: dict[str, str] = {}
        self._modes: dict[str, _Mode] = {}
        self._db: sqlite3.Connection | None = None
        self._lock = -1 if path is None else _lock(path)
        try:
            with self._errors():
                self._db = sqlite3.connect(
                    path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10
                )
                self._prepare(self._db, draw)
                stored = dict(self._db.execute("SELECT key, value FROM meta"))
                self.identity = str(stored["identity"])
                self.incarnation = int(stored["incarnation"])
                self._names: Names[tuple[str, str, str]] = Names(
                    self._db, "name", ("module", "variable", "instance")
                )
                self._producers: Names[tuple[str]] = Names(self._db, "producer", ("producer",))
                self._load_modes(self._db)
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        faults: Faults | None = None,
        draw: Callable[[int], bytes] = os.urandom,
    ) -> Self:
        """Open the store at `path`, made if it is not there, its folder too.

        `draw` gives random bytes. Raises StoreLocked if another hub has it open, StoreTooNew if
        a later version wrote it, StoreDamaged or another StoreError if it cannot be read.
        """
        return cls(path, faults=faults, draw=draw)

    @classmethod
    def memory(
        cls, *, faults: Faults | None = None, draw: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """A store that is in memory only and gone when closed: for tests and scenarios."""
        return cls(None, faults=faults, draw=draw)

    def _prepare(self, db: sqlite3.Connection, draw: Callable[[int], bytes]) -> None:
        """Set the connection up; make the tables if the file is new."""
        new = schema.is_empty(db)
        if new:
            db.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        else:
            schema.refuse_foreign(db, self.path)
        if self.path is not None:
            if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise StoreError(
                    f"{self.path}: this file system does not do what the store needs (shared"
                    " memory); give a place on a local disk with --store"
                )
            db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        if new:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            schema.create(db, draw(8).hex())
            schema.create_mode(db, "live")
            self._fault("create", "filled")
            db.execute("COMMIT")
            self._fault("create", "committed")
        if self.path is not None:
            _sync_folder(self.path.parent)
        db.execute("PRAGMA synchronous = NORMAL")

    def _load_modes(self, db: sqlite3.Connection) -> None:
        for number, name, released in db.execute("SELECT id, name, released FROM mode").fetchall():
            if state.is_unfinished(db, number):
                with self._transaction("clean"):
                    state.drop_unfinished(db, number)
            self._modes[name] = _Mode(db, number, name, released)

    # --- names

    def name_id(self, module: str, variable: str, instance: str = "") -> int:
        """The number that stands for a variable; a new one is written with the next append.

        Every distinct name stays for good: do not ask with what a stranger may choose freely.
        """
        try:
            return self._names.number((module, variable, instance))
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def names(self) -> Mapping[int, tuple[str, str, str]]:
        """number -> (module, variable, instance). A live view: looks up, does not copy."""
        return self._names

    def producer_id(self, producer: str) -> int:
        """The number that stands for a producer; a new one is written with the next append."""
        try:
            return self._producers.number((producer,))
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def producer(self, number: int) -> str:
        """The producer that `number` stands for; raises KeyError."""
        return self._producers[number][0]

    # --- the log

    def append(
        self,
        mode: str,
        rows: Sequence[LogRow],
        positions: Sequence[Position] = (),
        released: int | None = None,
    ) -> int:
        """Write a batch in one transaction, with all names, producers and programs still to write.

        `rows` continue the mode's log, without a gap, from `next_offset(mode)`; a mode unknown so
        far is made. `positions` are those that changed; they stay with the mode that they were
        appended to. `released` is the offset up to which the broker has confirmed outputs.

        Returns the number of this transaction, which only rises: hand it to `Syncer.written`.
        When this returns, the batch survives a kill of the process; a power cut once it is synced.
        Raises DiskFull, and then nothing has changed; ValueError for rows that do not fit.
        """
        log = self._modes.get(mode) or self._make_mode(mode)
        count = len(rows)
        first = log.next
        if count and (rows[0][0] != first or rows[-1][0] != first + count - 1):
            raise ValueError(
                f"rows {rows[0][0]} to {rows[-1][0]} ({count}) do not continue the log at {first}"
            )
        if released is not None and released <= log.released:
            released = None
        at = first + count - 1
        with self._transaction("append") as db:
            if not count:
                if released is not None:
                    self._write_released(log, released)
                db.executemany(_UPSERT, [(log.number, *entry, at) for entry in positions])
            elif positions or released is not None:
                if count > 1:
                    db.executemany(log.insert, rows[:-1])
                text = json.dumps(positions, separators=(",", ":")) if positions else None
                db.execute(log.insert_last, (*rows[-1], released, text))
            else:
                db.executemany(log.insert, rows)
        log.next = at + 1
        if released is not None:
            log.released = released
        for board, boot, last, seen in positions:
            log.take(board, boot, last, seen, at)
            if not count:
                log.unfolded.discard((board, boot))
        return self._transactions

    def next_offset(self, mode: str) -> int:
        """The offset of the next message of `mode`; the first is 1."""
        log = self._modes.get(mode)
        return log.next if log else 1

    def released(self, mode: str) -> int:
        """The offset up to which the broker has confirmed outputs, as last appended."""
        log = self._modes.get(mode)
        return log.released if log else 0

    def rows(self, mode: str, after: int = 0) -> Iterator[LogRow]:
        """The messages of `mode` with an offset above `after`, in order."""
        log = self._modes.get(mode)
        if log is None:
            return
        query = (
            'SELECT "offset", time, name, value, producer, cause, rule, ts, changes'
            f' FROM log_{log.number} WHERE "offset" > ? ORDER BY "offset" LIMIT 1000'
        )
        while True:
            # In pieces, so that no open query keeps the WAL from starting over.
            with self._errors():
                piece: list[LogRow] = self._connection.execute(query, (after,)).fetchall()
            if not piece:
                return
            yield from piece
            after = piece[-1][0]

    def modes(self) -> list[str]:
        """The modes that the store has, `live` first."""
        return list(self._modes)

    # --- recovery

    def begin_incarnation(self, at_least: int = 0, note: str = "") -> int:
        """Start the next incarnation: one above the larger of the stored one and `at_least`.

        It is on disk, synced, when this returns. `note` says what starts (versions), for people.
        """
        number = max(self.incarnation, at_least) + 1
        with self._transaction("incarnation", synced=True) as db:
            db.execute("UPDATE meta SET value = ? WHERE key = 'incarnation'", (number,))
            db.executemany(
                "INSERT INTO start (mode, incarnation, first, note) VALUES (?, ?, ?, ?)",
                [(log.number, number, log.next, note) for log in self._modes.values()],
            )
        self.incarnation = number
        return number

    def incarnation_of(self, mode: str, offset: int) -> int:
        """The incarnation that wrote message `offset` of `mode`; 0 if it was before the first."""
        log = self._modes.get(mode)
        query = "SELECT ifnull(max(incarnation), 0) FROM start WHERE mode = ? AND first <= ?"
        with self._errors():
            return int(
                self._connection.execute(query, (log.number if log else 0, offset)).fetchone()[0]
            )

    def recover(self, mode: str) -> Recovered:
        """What the mode was after its last written transaction; executes nothing.

        Raises StoreDamaged if the log has a gap or cannot be read.
        """
        log = self._modes.get(mode)
        if log is None:
            return Recovered(0, {}, [], 0, 0)
        with self._errors():
            start, offset, values = state.load(self._connection, log.number)
        positions: list[Position] = [
            (board, boot, last, seen)
            for (board, boot), (last, seen, _) in log.positions.items()
            if last is not None
        ]
        return Recovered(offset, values, positions, log.released, start)

    # --- checkpoints

    def checkpoint(self, mode: str, offset: int, changed: Mapping[int, str | None]) -> None:
        """Write a checkpoint at once; see `start_checkpoint`."""
        checkpoint = self.start_checkpoint(mode, offset, changed)
        while checkpoint.step():
            pass

    def start_checkpoint(
        self, mode: str, offset: int, changed: Mapping[int, str | None]
    ) -> "Checkpoint":
        """Begin to write the state as it is after message `offset`, to be stepped between batches.

        `changed` maps the variables that changed since the last checkpoint to their values as
        JSON text, None for one that is forgotten; it is copied. Messages may be appended before
        the checkpoint is finished. Raises StoreError if the last one is not finished, ValueError
        if `offset` is not in the log or not above the last checkpoint's.
        """
        log = self._modes.get(mode) or self._make_mode(mode)
        if log.unfinished is not None:
            raise StoreError(f"the checkpoint of {mode} at {log.unfinished} is not finished")
        if not log.checkpoint <= offset < log.next:
            raise ValueError(f"a checkpoint at {offset}: not in {log.checkpoint} to {log.next - 1}")
        if offset == log.checkpoint and changed:
            raise ValueError(f"state cannot have changed since the checkpoint at {offset}")
        if offset > log.checkpoint:
            log.unfinished = offset
        return Checkpoint(self, log, offset, sorted(changed.items()))

    # --- programs

    def keep_program(self, key: str, compiled: str) -> None:
        """Keep the compiled form of an accepted source; written with the next append."""
        if self.program(key) != compiled:
            self._programs[key] = compiled

    def program(self, key: str) -> str | None:
        """The compiled form kept under `key`, the hash of compiler version and source."""
        if key in self._programs:
            return self._programs[key]
        with self._errors():
            found = self._connection.execute(
                "SELECT compiled FROM program WHERE key = ?", (key,)
            ).fetchone()
        return None if found is None else str(found[0])

    # --- closing

    def close(self) -> None:
        """Close the store and give up its lock; SQLite moves the WAL into the main file.

        Close the Syncer first. Does nothing when the store is closed already.
        """
        try:
            if self._db is not None:
                with self._errors():
                    self._db.close()
        finally:
            self._db = None
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- inside

    @property
    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise StoreError(f"{self.path}: this store is closed")
        return self._db

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def _transaction(self, point: str, synced: bool = False) -> "_Transaction":
        return _Transaction(self, self._connection, point, synced)

    def _make_mode(self, name: str) -> _Mode:
        with self._transaction("mode") as db:
            number = schema.create_mode(db, name)
            db.execute(
                "INSERT INTO start (mode, incarnation, first, note) VALUES (?, ?, 1, '')",
                (number, self.incarnation),
            )
        log = self._modes[name] = _Mode(self._connection, number, name, 0)
        return log

    def _fault(self, point: str, where: str) -> None:
        if self._faults is not None:
            self._faults(f"{point} {where}")

    def _write_released(self, log: _Mode, released: int) -> None:
        self._connection.execute(
            "UPDATE mode SET released = ? WHERE id = ?", (released, log.number)
        )

    def _write_pending(self, db: sqlite3.Connection) -> None:
        if self._names.pending:
            self._names.write()
        if self._producers.pending:
            self._producers.write()
        if self._programs:
            db.executemany("INSERT OR REPLACE INTO program VALUES (?, ?)", self._programs.items())

    def _committed(self) -> None:
        self._transactions += 1
        if self._names.pending:
            self._names.written()
        if self._producers.pending:
            self._producers.written()
        if self._programs:
            self._programs.clear()


class _Transaction:
    """`with` this, all that is written is committed together with what was pending, or nothing."""

    __slots__ = ("_db", "_point", "_store", "_synced")

    def __init__(self, store: Store, db: sqlite3.Connection, point: str, synced: bool) -> None:
        self._store = store
        self._db = db
        self._point = point
        self._synced = synced

    def __enter__(self) -> sqlite3.Connection:
        try:
            if self._synced:
                self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN IMMEDIATE")
            self._store._fault(self._point, "begun")
            self._store._write_pending(self._db)
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
            self._store._fault(self._point, "filled")
            self._db.execute("COMMIT")
        except BaseException as failure:
            self._undo(failure)
            raise
        self._store._committed()
        if self._synced:
            self._db.execute("PRAGMA synchronous = NORMAL")
        self._store._fault(self._point, "committed")

    def _undo(self, error: BaseException) -> None:
        # SQLite has already rolled back by itself after some errors, a full disk among them.
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        if self._synced:
            self._db.execute("PRAGMA synchronous = NORMAL")
        if isinstance(error, sqlite3.Error):
            raise translated(error, self._store.path) from error


class Checkpoint:
    """A checkpoint being written; `step` it between batches until it is finished.

    When a step raises DiskFull, nothing of it was written: step again later.
    """

    def __init__(
        self, store: Store, log: _Mode, offset: int, items: list[tuple[int, str | None]]
    ) -> None:
        self._store = store
        self._log = log
        self._offset = offset
        self._items = items
        self._place = 0
        self.finished = log.unfinished is None

    def step(self) -> bool:
        """Write the next slice, in a transaction; returns whether there is more to do."""
        if self.finished:
            return False
        log = self._log
        start, end = self._place, self._place + SLICE
        last = end >= len(self._items)
        with self._store._transaction("checkpoint") as db:
            state.write_slice(db, log.number, self._offset, log.checkpoint, self._items[start:end])
            if start == 0:
                db.execute("INSERT INTO checkpoint VALUES (?, ?, 0)", (log.number, self._offset))
            if last:
                state.complete(db, log.number, self._offset, log.checkpoint)
                self._fold(db)
        self._place = end
        if last:
            log.unfolded.clear()
            log.positions = {
                key: entry for key, entry in log.positions.items() if entry[0] is not None
            }
            log.checkpoint = self._offset
            log.unfinished = None
            self.finished = True
        return not last

    def _fold(self, db: sqlite3.Connection) -> None:
        """Put into tables what rode in the rows of the log, which starts are then read without."""
        log = self._log
        self._store._write_released(log, log.released)
        db.executemany(
            _UPSERT,
            [
                (log.number, board, boot, *log.positions[board, boot])
                for board, boot in sorted(log.unfolded)
            ],
        )
        db.execute(
            "DELETE FROM position WHERE mode = ? AND last IS NULL AND at <= ?",
            (log.number, self._offset),
        )


_UPSERT = "INSERT OR REPLACE INTO position (mode, board, boot, last, seen, at) VALUES (?,?,?,?,?,?)"


def _lock(path: Path) -> int:
    """A descriptor that holds the lock on the store at `path` until it is closed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file of its own: closing a descriptor of the database would drop SQLite's locks on it.
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


def _sync_folder(folder: Path) -> None:
    """Make the names of new files in `folder`, and its own name, survive a power cut."""
    for place in (folder, folder.parent):
        descriptor = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
