"""Makes a store of the JSON lines that an export wrote.

The one idea: all or nothing. The lines go into a file that nobody would open; it gets the store's
name when all of it is on the disk, and never in place of another one.

The new store has an identity of its own: its log may go on in another way than that of the store
it comes from, so boards have to forget what they know of that one's offsets. The incarnations go
on, so what has heard the hub before takes nothing of it for old; and calls of EXTERNAL functions
keep their keys, which are of incarnation and offset.
"""

import os
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from myocan.hub.store import files, schema
from myocan.hub.store.errors import DiskFailed, StoreError, StoreTooNew, translated
from myocan.hub.store.export import NOT_CARRIED
from myocan.hub.store.names import Names
from myocan.hub.store.records import (
    FORMAT,
    AnyRecord,
    EndRecord,
    GoneRecord,
    MessageRecord,
    MetaRecord,
    ModeRecord,
    PositionRecord,
    ProgramRecord,
    StartRecord,
    StoreRecord,
    ValueRecord,
)
from myocan.hub.store.verification import MOST_MISSING, Progress

__all__ = ["Imported", "ImportedMode", "import_store"]

PIECE = 1000
LONGEST = 64 << 20
"""Bytes that a line may have; bounds what a file that is none of ours takes."""

_decode_text = msgspec.json.Decoder(str).decode
_MODE_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")

Name = tuple[str, str, str]


class ImportedMode(NamedTuple):
    """A mode that came in: its name, how many messages, and the offset of the last."""

    name: str
    messages: int
    last: int


@dataclass(slots=True)
class Imported:
    """What an import brought: the modes, the identity of the store that was exported, the
    incarnation that a hub follows, and what was wrong with that store already."""

    modes: list[ImportedMode]
    origin: str
    incarnation: int
    problems: list[str]


def import_store(
    source: BinaryIO,
    path: Path,
    *,
    draw: Callable[[int], bytes] = os.urandom,
    progress: Progress | None = None,
) -> Imported:
    """Make a store at `path` of the lines that `export_store` wrote.

    It is there as a whole, on disk, or not at all. It gets an identity of its own, drawn with
    `draw`. Raises StoreError if there is a store already, or the lines are none or not all;
    StoreLocked; StoreTooNew.
    """
    path = path.resolve()
    lock = files.lock(path)
    try:
        for there in (path, files.wal_of(path)):
            if there.exists():
                raise StoreError(
                    f"{there}: is there already, and an import replaces nothing; move it away"
                    " with the files beside it, or give another place with --store"
                )
        unfinished = path.with_name(path.name + ".importing")
        unfinished.unlink(missing_ok=True)
        try:
            done = _fill(source, unfinished, draw(8).hex(), progress)
            _sync(unfinished)
            unfinished.rename(path)
            files.sync_folder(path.parent)
        finally:
            unfinished.unlink(missing_ok=True)
    finally:
        os.close(lock)
    return done


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise DiskFailed(f"{path}: the disk did not take it ({error}); check it") from error
    finally:
        os.close(descriptor)


def _fill(source: BinaryIO, path: Path, identity: str, progress: Progress | None) -> Imported:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute(f"PRAGMA page_size = {schema.PAGE_SIZE}")
        # A crash leaves nothing that anybody would open; what counts is synced before it is named.
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        schema.create(db, identity)
        importer = _Importer(db, progress)
        number = 0
        for number, record in enumerate(_read(source), 1):
            try:
                importer.take(record)
            except (ValueError, OverflowError, sqlite3.IntegrityError) as error:
                raise StoreError(f"line {number}: {error}") from error
        if importer.end is None:
            raise StoreError(
                f"the export ends with line {number}, before its end: it was cut off; export"
                " again, or copy it again"
            )
        db.execute("COMMIT")
    except sqlite3.Error as error:
        raise translated(error, path) from error
    finally:
        db.close()
    return importer.imported()


def _read(source: BinaryIO) -> Iterator[AnyRecord]:
    decoder = msgspec.json.Decoder(AnyRecord)
    number = 0
    while line := source.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST:
            raise StoreError(f"line {number} is longer than any line of an export")
        try:
            record: AnyRecord = decoder.decode(line)
        except ValueError as error:  # what msgspec raises is one, and so is wrong UTF-8
            what = "this is not an export of a store" if number == 1 else "cannot be read"
            raise StoreError(f"line {number}: {what} ({error})") from error
        yield record


class _Importer:
    """Takes the records of an export, in order, into an empty store; raises ValueError."""

    def __init__(self, db: sqlite3.Connection, progress: Progress | None) -> None:
        self._db = db
        self._progress = progress
        self._names: Names[Name] = Names(db, "name", ("module", "variable", "instance"))
        self._producers: Names[tuple[str]] = Names(db, "producer", ("producer",))
        self._head: StoreRecord | None = None
        self._mode: _ModeImporter | None = None
        self._modes: list[ImportedMode] = []
        self._taken = 0
        self.end: EndRecord | None = None

    def imported(self) -> Imported:
        """What came in."""
        head = self._head
        assert head is not None
        assert self.end is not None
        return Imported(self._modes, head.identity, head.incarnation, self.end.problems)

    def take(self, record: AnyRecord) -> None:
        """Take the next record."""
        if self.end is not None:
            raise ValueError("there is more behind the end of the export")
        if isinstance(record, MessageRecord):
            self._in_mode().message(record)
            self._taken += 1
            if self._progress is not None and self._taken % 10_000 == 0:
                self._progress(self._taken)
        elif isinstance(record, ValueRecord):
            self._in_mode().value(record)
        elif isinstance(record, StoreRecord):
            self._begin(record)
        elif self._head is None:
            raise ValueError("this is not an export of a store: its first line is missing")
        elif isinstance(record, ModeRecord):
            self._end_mode()
            self._begin_mode(record)
        elif isinstance(record, GoneRecord):
            self._in_mode().gone(record)
        elif isinstance(record, StartRecord):
            if not 0 <= record.incarnation <= self._head.incarnation:
                raise ValueError(f"incarnation {record.incarnation} was never")
            self._in_mode().start(record)
        elif isinstance(record, PositionRecord):
            self._in_mode().position(record)
        elif isinstance(record, ProgramRecord):
            row = (record.key, record.compiled)
            self._db.execute("INSERT OR REPLACE INTO program VALUES (?, ?)", row)
        elif isinstance(record, MetaRecord):
            if record.key in NOT_CARRIED:
                raise ValueError(f"{record.key} is not for an export to say")
            self._db.execute("INSERT INTO meta VALUES (?, ?)", (record.key, record.value))
        else:
            self._finish(record)

    def _begin(self, head: StoreRecord) -> None:
        if self._head is not None:
            raise ValueError("two exports in one")
        if head.format > FORMAT:
            raise StoreTooNew(
                f"written by a later myocan (format {head.format}, this one knows {FORMAT});"
                " install that version"
            )
        if head.format < 1 or head.incarnation < 0:
            raise ValueError("this is not an export of a store")
        self._head = head
        self._db.execute("UPDATE meta SET value = ? WHERE key = 'incarnation'", (head.incarnation,))
        self._db.execute("INSERT INTO meta VALUES ('origin', ?)", (head.identity,))
        schema.create_mode(self._db, "live")

    def _begin_mode(self, record: ModeRecord) -> None:
        if any(record.name == mode.name for mode in self._modes):
            raise ValueError(f"the mode {record.name} comes twice")
        if not _MODE_NAME.fullmatch(record.name):
            raise ValueError(f"{record.name!r} is no name of a mode")
        if not 0 <= record.after <= record.last:
            raise ValueError(f"{record.name} cannot be exact after {record.after}")
        number = 1 if record.name == "live" else schema.create_mode(self._db, record.name)
        self._mode = _ModeImporter(self._db, number, record, self._names, self._producers)

    def _in_mode(self) -> "_ModeImporter":
        if self._mode is None:
            raise ValueError("this belongs to a mode, and none was named before")
        return self._mode

    def _end_mode(self) -> None:
        if self._mode is not None:
            self._modes.append(self._mode.finish())
            self._mode = None

    def _finish(self, record: EndRecord) -> None:
        self._end_mode()
        _write_names(self._names)
        _write_names(self._producers)
        self.end = record


def _write_names(names: Names[Any]) -> None:
    names.write()
    names.written()


class _ModeImporter:
    """Takes what belongs to one mode."""

    def __init__(
        self,
        db: sqlite3.Connection,
        number: int,
        record: ModeRecord,
        names: Names[Name],
        producers: Names[tuple[str]],
    ) -> None:
        self._db = db
        self._number = number
        self._record = record
        self._names = names
        self._producers = producers
        self._rows: list[tuple[Any, ...]] = []
        self._before: dict[int, str | None] = {}
        self._changed: dict[int, str | None] = {}
        self._last = 0
        self._count = 0
        db.execute(
            "UPDATE mode SET released = ?, trimmed = ? WHERE id = ?",
            (record.released, record.after, number),
        )

    def start(self, record: StartRecord) -> None:
        row = (self._number, record.incarnation, record.first, record.note)
        self._db.execute(
            "INSERT INTO start (mode, incarnation, first, note) VALUES (?, ?, ?, ?)", row
        )

    def position(self, record: PositionRecord) -> None:
        row = (record.board, record.boot, record.last, record.seen)
        self._db.execute(
            "INSERT INTO position (mode, board, boot, last, seen, at) VALUES (?, ?, ?, ?, ?, ?)",
            (self._number, *row, self._record.last),
        )

    def value(self, record: ValueRecord) -> None:
        if self._count:
            raise ValueError("a value behind messages")
        name = self._names.number((record.module, record.variable, record.instance))
        self._before[name] = _text(record.value)

    def message(self, record: MessageRecord) -> None:
        offset = record.offset
        if offset <= self._last or offset > self._record.last:
            raise ValueError(f"message {offset} is out of order")
        if offset != self._last + 1:
            raise ValueError(f"messages are missing before {offset}")
        self._last = offset
        self._count += 1
        changes = self._changes(record)
        if offset > self._record.after:
            self._changed.update(changes)
        name = self._names.number((record.module, record.variable, record.instance))
        producer = self._producers.number((record.producer,))
        text = _changes_text(changes) if changes else None
        self._rows.append((offset, record.time, name, _text(record.value), producer,
                           record.cause, record.rule, record.ts, text))  # fmt: skip
        if len(self._rows) == PIECE:
            self._flush()

    def gone(self, record: GoneRecord) -> None:
        first, last = record.first, record.last
        if first != self._last + 1 or not first <= last <= self._record.last:
            raise ValueError(f"messages {first} to {last} are out of order")
        if last - first > MOST_MISSING:
            raise ValueError(f"messages {first} to {last} cannot all be missing")
        self._last = last
        self._db.executemany(
            "INSERT INTO gone (mode, block, messages) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET messages = messages + excluded.messages",
            (
                (self._number, block, _shared(first, last, block))
                for block in range((first - 1) // schema.BLOCK, (last - 1) // schema.BLOCK + 1)
            ),
        )

    def finish(self) -> ImportedMode:
        """The end of the mode: its checkpoints."""
        record = self._record
        if self._last != record.last:
            raise ValueError(f"{record.name} ends at {self._last}, not at {record.last}")
        self._flush()
        self._checkpoint(record.after, self._before)
        if record.last > record.after:
            self._checkpoint(record.last, self._changed)
        return ImportedMode(record.name, self._count, record.last)

    def _checkpoint(self, offset: int, values: dict[int, str | None]) -> None:
        if offset == 0:
            return
        self._db.execute(
            'INSERT INTO checkpoint (mode, "offset", complete, time) VALUES (?1, ?2, 1,'
            f' ifnull((SELECT time FROM log_{self._number} WHERE "offset" = ?2), 0))',
            (self._number, offset),
        )
        self._db.executemany(
            f"INSERT INTO state_{self._number} (name, at, value) VALUES (?, ?, ?)",
            [(name, offset, value) for name, value in sorted(values.items())],
        )

    def _changes(self, record: MessageRecord) -> dict[int, str | None]:
        changes: dict[int, str | None] = {}
        for change in record.changes:
            if len(change) not in (3, 4):
                raise ValueError("a change is a module, a variable, an instance, and a value")
            name = _name_of(change[:3])
            changes[self._names.number(name)] = _text(change[3]) if len(change) == 4 else None
        return changes

    def _flush(self) -> None:
        if self._names.pending:
            _write_names(self._names)
        if self._producers.pending:
            _write_names(self._producers)
        self._db.executemany(
            f"INSERT INTO log_{self._number} VALUES (?,?,?,?,?,?,?,?,?,NULL,NULL)", self._rows
        )
        self._rows.clear()


def _name_of(parts: list[msgspec.Raw]) -> Name:
    module, variable, instance = (_decode_text(part) for part in parts)
    return module, variable, instance


def _shared(first: int, last: int, block: int) -> int:
    """How many of these offsets are in a block."""
    low, high = block * schema.BLOCK + 1, (block + 1) * schema.BLOCK
    return min(last, high) - max(first, low) + 1


def _text(value: msgspec.Raw) -> str:
    return str(value, "utf-8")


def _changes_text(changes: dict[int, str | None]) -> str:
    pairs = (
        f"-{name},null" if value is None else f"{name},{value}" for name, value in changes.items()
    )
    return "[" + ",".join(pairs) + "]"
