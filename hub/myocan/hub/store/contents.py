"""Reads a store's file as far as it can be read, and says what cannot.

The one idea: **nothing here is trusted, and nothing raises because of what is in the file**. A page
may be unreadable, then the rows around it are still there; a row may be readable and make no sense,
then it counts as missing. Whoever reads gets what is sound, in order, and finds the rest in `gaps`
and `problems`. Everything is read at one moment: a hub may go on writing meanwhile.

SQLite reads a table in key order, so after an error the way on is to look a few keys further ahead
until one can be found again. The tables of names have a second copy, their index.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from myocan.hub.store import files, schema
from myocan.hub.store.errors import StoreDamaged, StoreError, StoreTooNew, translated
from myocan.hub.store.state import NEWEST

__all__ = ["Contents", "Problems"]

PIECE = 1000
TRIES = 64
WIDEST = 2**20
"""Where nothing can be read, so many keys are tried before the stride is doubled, up to that."""
MOST = 100
"""Problems that are kept; the others are counted."""
CACHED = 100_000

_ERRORS = (sqlite3.Error, UnicodeDecodeError)
"""What reading raises; the latter when what SQLite has to say quotes a damaged name."""
_ANY = msgspec.json.Decoder()


class Problems:
    """What is wrong, in words, in the order in which it was found; each text once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.more = 0

    def note(self, text: str) -> None:
        """Add one."""
        if text in self.texts:
            return
        if len(self.texts) == MOST:
            self.more += 1
        else:
            self.texts.append(text)

    def __bool__(self) -> bool:
        return bool(self.texts)


class _Texts:
    """The names or producers of a store: number -> its texts."""

    def __init__(self, contents: "Contents", table: str, columns: tuple[str, ...]) -> None:
        self._contents = contents
        self._table = table
        names = ", ".join(columns)
        self._one = f"SELECT {names} FROM {table} NOT INDEXED WHERE id = ?"
        self._copies = f"SELECT id, {names} FROM {table} ORDER BY {names}"
        self._known: dict[int, tuple[str, ...] | None] = {}
        self._saved: dict[int, tuple[str, ...]] | None = None
        self._width = len(columns)

    def get(self, number: int) -> tuple[str, ...] | None:
        """The texts of a number; None if there are none."""
        found = self._known.get(number)
        if found is None and number not in self._known:
            found = self._look(number)
            if len(self._known) >= CACHED:
                self._known.clear()
            self._known[number] = found
        return found

    def _look(self, number: int) -> tuple[str, ...] | None:
        try:
            found = self._contents.db.execute(self._one, (number,)).fetchone()
        except _ERRORS as error:
            self._contents.problems.note(f"the table {self._table} is damaged ({error})")
            found = None
        if found is None or not all(map(_is_text, found)):
            found = self._from_index().get(number)
        return None if found is None else tuple(found)

    def _from_index(self) -> dict[int, tuple[str, ...]]:
        """All that the table's index still has; asked only when the table fails."""
        if self._saved is None:
            self._saved = {}
            try:
                for number, *texts in self._contents.db.execute(self._copies):
                    if all(map(_is_text, texts)):
                        self._saved[number] = tuple(texts)
            except _ERRORS as error:
                self._contents.problems.note(f"the index of {self._table} is damaged ({error})")
        return self._saved


class Contents:
    """The store at `path`, opened to be read only.

    names, producers: `get(number)` gives the texts. modes: (number, name) of each. Raises
    StoreError if there is none, or it is not ours, or must not be read; StoreTooNew, StoreTooOld;
    StoreDamaged if it is so damaged that nothing can be had.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = path.resolve()
        self.problems = Problems()
        files.check_place(path)
        if not path.exists():
            raise StoreError(f"{path}: there is no store yet; `myocan run` makes one")
        self.db = _connect(path)
        try:
            self._check_kind()
            self.meta = self._settings()
            self.modes = self._modes()
        except BaseException:
            self.db.close()
            raise
        self.names = _Texts(self, "name", ("module", "variable", "instance"))
        self.producers = _Texts(self, "producer", ("producer",))

    @property
    def identity(self) -> str:
        """The store's identity; empty if it is lost."""
        found = self.meta.get("identity")
        return found if isinstance(found, str) else ""

    @property
    def incarnation(self) -> int:
        """The newest incarnation that the file knows of."""
        newest = [n for n, *_ in self._all("SELECT incarnation FROM start", "start")]
        known = [n for n in (self.meta.get("incarnation"), *newest) if isinstance(n, int)]
        return max(known, default=0)

    def checkpoints(self, mode: int) -> list[int]:
        """The offsets that the state of a mode is complete for, rising."""
        query = 'SELECT "offset", mode, complete FROM checkpoint'
        found = self._all(query, "checkpoint")
        return sorted(
            offset for offset, of, complete in found
            if of == mode and complete == 1 and isinstance(offset, int)
        )  # fmt: skip

    def state(self, mode: int, checkpoint: int, where: str) -> dict[int, str]:
        """The state of a mode at one of its checkpoints, name -> JSON text."""
        older = (
            f"SELECT name, value FROM past_{mode} WHERE until > {checkpoint} AND at <= {checkpoint}"
        )
        query = (
            f"SELECT name, value, max(at) FROM state_{mode} WHERE name >= ? AND at <= {checkpoint}"
            " GROUP BY name ORDER BY name LIMIT ?"
        )
        found: dict[Any, Any] = dict(self._all(older, f"past_{mode}"))
        for name, value, _ in self.rows(query, f"state_{mode}", "name", where):
            found[name] = value
        state: dict[int, str] = {}
        for name, value in found.items():
            if value is None:
                continue
            try:
                if not isinstance(value, str):
                    raise ValueError("not text")
                _ANY.decode(value)
                state[name] = value
            except (ValueError, TypeError, RecursionError) as error:
                self.problems.note(f"{where}: the state of name {name} cannot be read ({error})")
        return state

    def starts(self) -> list[tuple[int, int, int, str]]:
        """(mode, incarnation, first offset, note) of each start."""
        found = self._all("SELECT mode, incarnation, first, note FROM start", "start")
        return sorted(
            row for row in found
            if all(isinstance(n, int) for n in row[:3]) and _is_text(row[3])
        )  # fmt: skip

    def programs(self) -> Iterator[tuple[str, str]]:
        """(key, compiled form) of each program that is kept."""
        for key, compiled in self._all("SELECT key, compiled FROM program", "program"):
            if _is_text(key) and _is_text(compiled):
                yield key, compiled
            else:
                self.problems.note("program: a compiled form cannot be read")

    def positions(self, mode: int) -> list[tuple[str, int, int | None, int, int]]:
        """(board, boot, last, seen_ms, at) as the table has them."""
        query = "SELECT board, boot, last, seen, at, mode FROM position"
        found = self._all(query, "position")
        return [
            row[:5] for row in found
            if row[5] == mode and _is_text(row[0]) and (row[2] is None or isinstance(row[2], int))
            and all(isinstance(n, int) for n in (row[1], row[3], row[4]))
        ]  # fmt: skip

    def released(self, mode: int) -> int:
        """Up to this offset the broker had confirmed outputs, as of the last checkpoint."""
        return self._of_mode(mode, "released")

    def trimmed(self, mode: int) -> int:
        """Up to this offset messages were taken out on purpose."""
        return self._of_mode(mode, "trimmed")

    def gone(self, mode: int) -> dict[int, int]:
        """How many messages were taken out of each block of offsets."""
        found = self._all("SELECT mode, block, messages FROM gone", "gone")
        return {
            block: count for of, block, count in found
            if of == mode and isinstance(block, int) and isinstance(count, int)
        }  # fmt: skip

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with the file itself, at most `MOST` lines."""
        try:
            found = [str(line) for (line,) in self.db.execute(f"PRAGMA integrity_check({MOST})")]
        except _ERRORS as error:
            return [str(error)]
        return [line for text in found for line in text.splitlines() if line != "ok"]

    def rows(self, query: str, table: str, key: str, where: str) -> Iterator[tuple[Any, ...]]:
        """The rows that `query` gives, as far as they can be read.

        Its first column is the whole number `key`; its parameters are the least key that is wanted,
        and how many rows to give. Errors are noted as problems of `where`.
        """
        start, size = 0, PIECE
        while True:
            try:
                piece = self.db.execute(query, (start, size)).fetchall()
            except _ERRORS as error:
                if size > 1:
                    size = max(1, size // 8)
                    continue
                self.problems.note(f"{where}: a part of {table} cannot be read ({error})")
                found = self._next(query, table, key, start + 1)
                if found is None:
                    return
                start = found
                continue
            if not piece:
                return
            for row in piece:
                if isinstance(row[0], int):
                    yield row
            newest = piece[-1][0]
            if not isinstance(newest, int) or not start <= newest < NEWEST:
                self.problems.note(f"{where}: {table} is out of order")
                return
            start = newest + 1
            size = min(PIECE, size * 2)

    def close(self) -> None:
        """Close the file."""
        self.db.close()

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

    def _check_kind(self) -> None:
        """Refuse what is not ours, or of another version; note what of it is damaged."""
        tables = {name for (name,) in self._all("SELECT name FROM sqlite_master", "the file")}
        if not tables:
            raise StoreDamaged(f"{self.path}: empty, or its list of tables is lost; {_LAST_WORD}")
        try:
            version = schema.version_of(self.db, self.path)
        except StoreTooNew:
            raise
        except StoreDamaged as error:
            self.problems.note(str(error))
            return
        except StoreError:
            if not {"log_1", "state_1", "mode", "name"} <= tables:
                raise
            self.problems.note(f"{self.path}: does not say any more that it is a store of myocan")
            return
        except _ERRORS as error:
            self.problems.note(f"meta cannot be read ({error})")
            return
        if version < schema.VERSION:
            schema.refuse_others(self.db, self.path)

    def _of_mode(self, mode: int, column: str) -> int:
        found = dict(self._all(f"SELECT id, {column} FROM mode", "mode")).get(mode)
        return found if isinstance(found, int) else 0

    def _all(self, query: str, table: str) -> list[tuple[Any, ...]]:
        """The rows of a small table, up to the first that cannot be read."""
        rows = []
        try:
            cursor = self.db.execute(query)
            while (row := cursor.fetchone()) is not None:
                rows.append(row)
        except _ERRORS as error:
            self.problems.note(f"{table} cannot be read to its end ({error})")
        return rows

    def _settings(self) -> dict[str, Any]:
        settings = {}
        for key, value in self._all("SELECT key, value FROM meta", "meta"):
            if _is_text(key) and (value is None or isinstance(value, int) or _is_text(value)):
                settings[key] = value
            else:
                self.problems.note("meta: a setting cannot be read")
        return settings

    def _modes(self) -> list[tuple[int, str]]:
        modes = [
            (number, name)
            for number, name in self._all("SELECT id, name FROM mode ORDER BY id", "mode")
            if isinstance(number, int) and _is_text(name)
        ]
        known = {number for number, _ in modes}
        for (table,) in self._all("SELECT name FROM sqlite_master", "the file"):
            number = str(table).removeprefix("log_")
            if not (str(table).startswith("log_") and number.isascii() and number.isdigit()):
                continue
            if int(number) not in known and int(number) != self.meta.get("copying"):
                name = "live" if number == "1" else f"mode-{number}"
                self.problems.note(f"mode: the name of mode {number} is lost; called {name}")
                modes.append((int(number), name))
        return sorted(modes)

    def _next(self, query: str, table: str, key: str, start: int) -> int | None:
        """The first key from `start` on that can be read, about; None if there is none."""
        try:
            (end,) = self.db.execute(f"SELECT max({key}) FROM {table}").fetchone()
        except _ERRORS:
            end = NEWEST
        end = min(end or 0, NEWEST)
        missed, look, stride, tries = start - 1, start, 1, 0
        while look <= end and stride <= WIDEST:
            if self._is_readable(query, look):
                # The stride may have jumped over the first ones.
                while look - missed > 1:
                    middle = (look + missed) // 2
                    if self._is_readable(query, middle):
                        look = middle
                    else:
                        missed = middle
                return look
            missed, look, tries = look, look + stride, tries + 1
            if tries == TRIES:
                stride, tries = 2 * stride, 0
        return None

    def _is_readable(self, query: str, key: int) -> bool:
        try:
            self.db.execute(query, (key, 1)).fetchone()
        except _ERRORS:
            return False
        return True


_LAST_WORD = (
    "restore a backup; without one, `sqlite3 FILE .recover` may still save some, as the docs say"
)


def _is_text(value: object) -> bool:
    """Whether something read is text as it was written."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _tolerant(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that reads at one moment, whatever state the file is in."""
    error: sqlite3.Error | UnicodeDecodeError | None = None
    for options in ("mode=ro", "mode=ro&immutable=1"):
        if error is not None and files.wal_of(path).exists():
            break
        db = sqlite3.connect(
            f"{path.as_uri()}?{options}", uri=True, isolation_level=None, timeout=5
        )
        try:
            db.text_factory = _tolerant
            # Without it a file that is cut off, or one wrong table, makes all others unreadable.
            db.execute("PRAGMA writable_schema = ON")
            db.execute("BEGIN")
            db.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return db
        except _ERRORS as refused:
            db.close()
            error = refused
    assert error is not None
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        raise StoreError(
            f"{path}: cannot be read ({error}); do this as the user who runs the hub, or while the"
            " hub runs"
        ) from error
    damaged = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    if code in damaged or isinstance(error, UnicodeDecodeError):
        raise StoreDamaged(f"{path}: nothing of it can be read ({error}); {_LAST_WORD}") from error
    raise translated(error, path) from error
