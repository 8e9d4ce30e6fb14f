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

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from myocan.hub.retention import Keep
from myocan.hub.store import copies, files, migrations, schema, state
from myocan.hub.store.checkpoint import Checkpoint, Mode
from myocan.hub.store.copies import ModeCopy
from myocan.hub.store.errors import DIAGNOSE, StoreDamaged, StoreError, translated
from myocan.hub.store.present import Present
from myocan.hub.store.rows import LogRow, Position, Recovered
from myocan.hub.store.trim import Trimmer
from myocan.hub.store.writer import Connect, Faults, Writer, connect

__all__ = ["Store"]

WAL_KEPT = 4 << 20
"""Bytes that the WAL keeps when it starts over; see `syncer.py`."""
BUSY_S = 10
"""How long a commit waits for the syncer to start the WAL over, or for a person's SQLite tool."""


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
        faults: Faults | None,
        draw: Callable[[int], bytes],
        connect: Connect = connect,
    ) -> None:
        # SQLite puts the WAL beside the file itself, not beside a symbolic link to it.
        self.path = path = path and path.resolve()
        self.connect = connect
        self._writer: Writer | None = None
        self._modes: dict[str, Mode] = {}
        self._inserts: dict[str, tuple[str, str]] = {}
        self._lock = -1 if path is None else files.lock(path)
        try:
            db = _set_up(path, faults, draw, connect)
            try:
                self._writer = Writer(db, path, faults)
                stored = dict(db.execute("SELECT key, value FROM meta"))
                self.identity = str(stored["identity"])
                self.incarnation = int(stored["incarnation"])
                if schema.unfinished_mode(db) is not None:
                    with self._writer.transaction("clean") as writing:
                        copies.drop_unfinished(writing)
                for number, name in db.execute("SELECT id, name FROM mode ORDER BY id").fetchall():
                    self._add_mode(number, name)
            except BaseException:
                db.close()
                raise
        except BaseException as error:
            self.close()
            if isinstance(error, sqlite3.Error):
                raise translated(error, path) from error
            if isinstance(error, ValueError | TypeError | KeyError):
                raise StoreDamaged(f"{path}: damaged ({error}); {DIAGNOSE}") from error
            raise

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        faults: Faults | None = None,
        draw: Callable[[int], bytes] = os.urandom,
        connect: Connect = connect,
    ) -> Self:
        """Open the store at `path`, made if it is not there, its folder too.

        One that an earlier version wrote is brought up to date; see `migrations.py`. `draw` gives
        random bytes, `connect` opens the file. Raises StoreLocked if another hub has it open,
        StoreTooNew if a later version wrote it, StoreDamaged or another StoreError if it cannot be
        read.
        """
        return cls(path, faults, draw, connect)

    @classmethod
    def memory(
        cls, *, faults: Faults | None = None, draw: Callable[[int], bytes] = os.urandom
    ) -> Self:
        """A store that is in memory only and gone when closed: for tests and scenarios."""
        return cls(None, faults, draw)

    # --- names

    def name_id(self, module: str, variable: str, instance: str = "") -> int:
        """The number that stands for a variable; a new one is written with the next append.

        Every distinct name stays for good: do not ask with what a stranger may choose freely.
        """
        writer = self._live()
        try:
            return writer.names.number((module, variable, instance))
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def names(self) -> Mapping[int, tuple[str, str, str]]:
        """number -> (module, variable, instance). A live view: looks up, does not copy."""
        return self._live().names

    def names_of(self, module: str) -> dict[int, tuple[str, str]]:
        """The numbers of all names of a module that are written, with (variable, instance)."""
        with self._live().reading() as db:
            rows = db.execute("SELECT id, variable, instance FROM name WHERE module = ?", (module,))
            return {number: (variable, instance) for number, variable, instance in rows}

    def producer_id(self, producer: str) -> int:
        """The number that stands for a producer; a new one is written with the next append."""
        writer = self._live()
        try:
            return writer.producers.number((producer,))
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def producer(self, number: int) -> str:
        """The producer that `number` stands for; raises KeyError."""
        return self._live().producers[number][0]

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
        if released is not None and released <= log.positions.released:
            released = None
        at = first + count - 1
        insert, insert_last = self._inserts[mode]
        writer = self._live()
        is_plain = not positions and released is None
        if count == 1 and is_plain and writer.run_alone(insert, rows[0]):
            log.next = at + 1
            return writer.committed
        with writer.transaction("append") as db:
            if not count:
                log.positions.write(db, positions, released, at)
            elif positions or released is not None:
                if count > 1:
                    db.executemany(insert, rows[:-1])
                db.execute(insert_last, (*rows[-1], released, log.positions.text(positions)))
            else:
                db.executemany(insert, rows)
        log.next = at + 1
        log.positions.release(released)
        if positions:
            if count:
                log.positions.take(positions, at)
            else:
                log.positions.written(positions, at)
        return writer.committed

    def next_offset(self, mode: str) -> int:
        """The offset of the next message of `mode`; the first is 1."""
        log = self._modes.get(mode)
        return log.next if log else 1

    def released(self, mode: str) -> int:
        """The offset up to which the broker has confirmed outputs, as last appended."""
        log = self._modes.get(mode)
        return log.positions.released if log else 0

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
            with self._live().reading() as db:
                piece: list[LogRow] = db.execute(query, (after,)).fetchall()
            if not piece:
                return
            yield from piece
            after = piece[-1][0]

    def modes(self) -> list[str]:
        """The modes that the store has, `live` first."""
        return list(self._modes)

    def make_mode(self, name: str) -> None:
        """Make a mode with an empty log. Raises ValueError if there is one of this name."""
        self._refuse_known(name)
        self._make_mode(name)

    def start_copy(self, source: str, name: str) -> ModeCopy:
        """Begin to copy a mode under a new name, to be stepped between batches.

        The copy has all that `source` has when the last step is done; then hand it to
        `finish_copy`. Raises ValueError if there is no `source`, or a mode `name`; StoreError if
        a copy is under way.
        """
        self._refuse_known(name)
        if source not in self._modes:
            raise ValueError(f"there is no mode {source}")
        return ModeCopy(self._live(), self._modes[source], name)

    def finish_copy(self, copy: ModeCopy, name: str) -> None:
        """Let a finished copy be one of the modes here."""
        self._add_mode(copy.number, name)

    def drop_mode(self, name: str) -> None:
        """Remove a mode with its log and its state. Raises ValueError for `live`, or if there is
        none of this name."""
        if name == "live" or name not in self._modes:
            raise ValueError(f"no mode {name} to drop")
        with self._live().transaction("mode") as db:
            copies.drop_mode(db, self._modes[name].number)
        del self._modes[name], self._inserts[name]

    # --- recovery

    def begin_incarnation(self, at_least: int = 0, note: str = "") -> int:
        """Start the next incarnation: one above the larger of the stored one and `at_least`.

        It is on disk, synced, when this returns. `note` says what starts (versions), for people.
        """
        number = max(self.incarnation, at_least) + 1
        with self._live().transaction("incarnation", synced=True) as db:
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
        with self._live().reading() as db:
            return int(db.execute(query, (log.number if log else 0, offset)).fetchone()[0])

    def recover(self, mode: str) -> Recovered:
        """What the mode was after its last written transaction; executes nothing.

        Raises StoreDamaged if the log has a gap or cannot be read.
        """
        log = self._modes.get(mode)
        if log is None:
            return Recovered(0, {}, {}, 0, [], 0)
        with self._live().reading() as db:
            loaded = state.load(db, log.number, f"{self.path}, mode {mode}")
        if log.unsaved is None and loaded.offset == log.found:
            log.unsaved = dict(loaded.changed)
        positions = log.positions
        return Recovered(
            offset=loaded.offset,
            state=loaded.state,
            changed=loaded.changed,
            checkpoint=loaded.checkpoint,
            positions=positions.current(),
            released=positions.released,
        )

    def present(self, mode: str) -> Present:
        """The state of a mode as it is now, to be looked up; a mode unknown so far is made.

        Whoever asks tells it what changes from now on (`Present.note`). Raises as `recover`.
        """
        return Present(self._live(), self._modes.get(mode) or self._make_mode(mode))

    def positions(self, mode: str) -> list[Position]:
        """How far each board was heard in a mode, as last appended."""
        log = self._modes.get(mode)
        return log.positions.current() if log else []

    # --- checkpoints

    def checkpoint(self, mode: str, offset: int, changed: Mapping[int, str | None]) -> None:
        """Write a checkpoint at once; see `start_checkpoint`."""
        checkpoint = self.start_checkpoint(mode, offset, changed)
        while checkpoint.step():
            pass

    def start_checkpoint(
        self, mode: str, offset: int, changed: Mapping[int, str | None]
    ) -> Checkpoint:
        """Begin to write the state as it is after message `offset`, to be stepped between batches.

        `changed` maps the variables that changed since the last checkpoint, or since the store was
        opened, to their values as JSON text, None for one that is forgotten; it is copied. (What
        changed before, the store knows by itself.) Messages may be appended before the checkpoint
        is finished; changes from now on belong to the next one. Raises StoreError if the last one
        is not finished, ValueError if `offset` is not in the log, or below the last checkpoint's or
        what the store was opened with, or if there are changes without a message since.
        """
        log = self._modes.get(mode) or self._make_mode(mode)
        return Checkpoint(self._live(), log, offset, changed)

    def trimmer(self, mode: str, keep_of: Callable[[str, str], Keep]) -> Trimmer:
        """Make what trims the log of a mode, to be stepped between batches; see `trim.py`.

        `keep_of` tells of a topic, (module, variable), how long it is kept. Only one at a time may
        work on a mode.
        """
        return Trimmer(self._live(), self._modes.get(mode) or self._make_mode(mode), keep_of)

    # --- programs

    def keep_program(self, key: str, compiled: str) -> None:
        """Keep the compiled form of an accepted source; written with the next append."""
        if self.program(key) != compiled:
            self._live().programs[key] = compiled

    def program(self, key: str) -> str | None:
        """The compiled form kept under `key`, the hash of compiler version and source."""
        writer = self._live()
        if key in writer.programs:
            return writer.programs[key]
        with writer.reading() as db:
            found = db.execute("SELECT compiled FROM program WHERE key = ?", (key,)).fetchone()
        return None if found is None else str(found[0])

    # --- closing

    def close(self) -> None:
        """Close the store and give up its lock; SQLite moves the WAL into the main file.

        Close the Syncer first. Does nothing when the store is closed already.
        """
        writer, self._writer = self._writer, None
        try:
            if writer is not None:
                with writer.reading() as db:
                    db.close()
        finally:
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

    def _live(self) -> Writer:
        if self._writer is None:
            raise StoreError(f"{self.path}: this store is closed; open it again")
        return self._writer

    def _add_mode(self, number: int, name: str) -> Mode:
        writer = self._live()
        if state.is_unfinished(writer.db, number):
            with writer.transaction("clean") as db:
                state.drop_unfinished(db, number)
        columns = "?,?,?,?,?,?,?,?,?"
        self._inserts[name] = (
            f"INSERT INTO log_{number} VALUES ({columns},NULL,NULL)",
            f"INSERT INTO log_{number} VALUES ({columns},?,?)",
        )
        mode = self._modes[name] = Mode(writer.db, number, name)
        return mode

    def _refuse_known(self, name: str) -> None:
        if name in self._modes:
            raise ValueError(f"there is a mode {name} already")

    def _make_mode(self, name: str) -> Mode:
        with self._live().transaction("mode") as db:
            number = schema.create_mode(db, name)
            db.execute(
                "INSERT INTO start (mode, incarnation, first, note) VALUES (?, ?, 1, '')",
                (number, self.incarnation),
            )
        return self._add_mode(number, name)


def _set_up(
    path: Path | None, faults: Faults | None, draw: Callable[[int], bytes], connect: Connect
) -> sqlite3.Connection:
    """The connection that writes, set up; makes the tables if the file is new."""
    db = connect(path, BUSY_S)
    try:
        new = schema.is_empty(db)
        if new:
            db.execute(f"PRAGMA page_size = {schema.PAGE_SIZE}")
        else:
            schema.version_of(db, path)
        if path is not None:
            if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
                raise StoreError(
                    f"{path}: this file system lacks the shared memory that the store needs;"
                    " give a place on a local disk with --store"
                )
            db.execute(f"PRAGMA journal_size_limit = {WAL_KEPT}")
        db.execute("PRAGMA wal_autocheckpoint = 0")
        if new:
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            schema.create(db, draw(8).hex())
            schema.create_mode(db, "live")
            if faults is not None:
                faults("create filled")
            db.execute("COMMIT")
            if faults is not None:
                faults("create committed")
        else:
            migrations.migrate(db, path, faults)
        if path is not None:
            files.sync_folder(path.parent)
        db.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        db.close()
        raise
    return db
