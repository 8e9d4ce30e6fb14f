"""Looks at a store from outside, while a hub writes to it or when none runs.

The one idea: **be out of the way**. A reader opens the file read-only, takes no lock of the hub's,
and keeps no query open between two pieces, since a long one would keep the write-ahead log from
starting over. A reader belongs to one thread at a time.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from myocan.hub.store import files, past, schema, state
from myocan.hub.store.asof import changes_between
from myocan.hub.store.entries import MOST, Entries
from myocan.hub.store.errors import StoreDamaged, StoreError, Trimmed, translated
from myocan.hub.store.names import Names
from myocan.hub.store.rows import Entry, Message
from myocan.hub.store.search import last_change, newest_of

__all__ = ["Reader"]

PIECE = 2000
"""Rows of the log that one query goes over."""

_MESSAGES = """
SELECT l."offset", l.time, n.module, n.variable, n.instance, l.value, p.producer, l.cause, l.rule,
    l.ts, l.changes
FROM log_{n} AS l CROSS JOIN name AS n ON n.id = l.name CROSS JOIN producer AS p
    ON p.id = l.producer
WHERE l."offset" > ? AND l."offset" <= ?
"""


class Reader:
    """A read-only view of the store at `path`.

    Raises StoreError if there is none or it cannot be read, StoreTooNew or StoreTooOld if
    another version wrote it; the methods StoreError or StoreDamaged. A mode that the store does
    not have is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = path.resolve()
        self._frozen = False
        files.check_place(path)
        if not path.exists():
            raise StoreError(
                f"{path}: there is no store yet; `myocan run` makes one, on the machine that it "
                "runs on"
            )
        self._db = self._connect()

    def _connect(self) -> sqlite3.Connection:
        try:
            return self._open("mode=ro")
        except sqlite3.Error as refused:
            error = refused
            # Without a hub there is no WAL, and to make one takes the right to write in the
            # folder. Nobody writes then, so the file can be read as one that never changes.
            if not self._wal_exists():
                try:
                    db = self._open("mode=ro&immutable=1")
                    self._frozen = True
                    return db
                except sqlite3.Error as refused_again:
                    error = refused_again
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
                raise StoreError(
                    f"{self.path}: cannot be read ({error}); do this as the user who runs the"
                    " hub, or while the hub runs"
                ) from error
            raise translated(error, self.path) from error

    def _open(self, options: str) -> sqlite3.Connection:
        db = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?{options}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=5,
        )
        try:
            schema.refuse_others(db, self.path)
            self.names: Names[tuple[str, str, str]] = Names(
                db, "name", ("module", "variable", "instance")
            )
            self.producers: Names[tuple[str]] = Names(db, "producer", ("producer",))
        except BaseException:
            db.close()
            raise
        return db

    def _wal_exists(self) -> bool:
        return files.wal_of(self.path).exists()

    @property
    def identity(self) -> str:
        """The store's identity, 16 hex digits."""
        with self.reading() as db:
            return str(db.execute("SELECT value FROM meta WHERE key = 'identity'").fetchone()[0])

    def modes(self) -> list[str]:
        """The modes that the store has, `live` first."""
        with self.reading() as db:
            return [name for (name,) in db.execute("SELECT name FROM mode ORDER BY id")]

    def newest(self, mode: str = "live") -> int:
        """The offset of the last message, 0 if there is none."""
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return 0
            query = f'SELECT ifnull(max("offset"), 0) FROM log_{number}'
            return int(db.execute(query).fetchone()[0])

    def count(self, mode: str = "live") -> int:
        """How many messages the log of a mode has: all up to the newest, but for those that
        retention has taken out. Does not go over the log."""
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return 0
            query = f'SELECT ifnull(max("offset"), 0) FROM log_{number}'
            (newest,) = db.execute(query).fetchone()
            query = "SELECT ifnull(sum(messages), 0) FROM gone WHERE mode = ?"
            return int(newest - db.execute(query, (number,)).fetchone()[0])

    def since(self, mode: str, time_ms: int) -> int:
        """The offset after which the log's time is `time_ms` or later, for `messages(after=…)`.

        Where the clock of the mode was set back, that happens at several places; it is one of them.
        """
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return 0
            low, high = db.execute(
                f'SELECT ifnull(min("offset"), 1) - 1, ifnull(max("offset"), 0) FROM log_{number}'
            ).fetchone()
            # What is at or below `low` is earlier; what is above `high` is not.
            while low < high:
                middle = (low + high + 1) // 2
                query = f'SELECT time FROM log_{number} WHERE "offset" >= ?'
                query += ' ORDER BY "offset" LIMIT 1'
                if db.execute(query, (middle,)).fetchone()[0] < time_ms:
                    low = middle
                else:
                    high = middle - 1
            return int(low)

    def messages(
        self,
        mode: str = "live",
        *,
        after: int = 0,
        since_ms: int | None = None,
        module: str | None = None,
        variable: str | None = None,
        instance: str | None = None,
    ) -> Iterator[Message]:
        """The messages with an offset above `after`, in order, up to the newest.

        `since_ms` (milliseconds since 1970 UTC) starts at that time instead, if that is later.
        The rest are filters, None for any; an empty `instance` is that of no instance.
        """
        if since_ms is not None:
            after = max(after, self.since(mode, since_ms))
        for _, piece in self._pieces(mode, after, module, variable, instance):
            yield from (Message(*row[:-1]) for row in piece)

    def follow(
        self,
        mode: str = "live",
        *,
        after: int | None = None,
        module: str | None = None,
        variable: str | None = None,
        instance: str | None = None,
        stop: threading.Event | None = None,
        poll_s: float = 0.05,
    ) -> Iterator[Message]:
        """Like `messages`, and goes on with each new one until `stop` is set.

        `after` None starts with what is new. Looks every `poll_s` seconds whether the file has
        changed, which costs microseconds. Outlives restarts of the hub.
        """
        stop = stop or threading.Event()
        offset = self.newest(mode) if after is None else after
        seen = None
        while True:
            version = self._version()
            if version != seen:
                for end, piece in self._pieces(mode, offset, module, variable, instance):
                    yield from (Message(*row[:-1]) for row in piece)
                    offset = end
                seen = version
            if stop.wait(poll_s):
                return

    def last(
        self,
        mode: str,
        module: str,
        variable: str,
        instance: str = "",
        *,
        up_to: int | None = None,
    ) -> Message | None:
        """The newest message of a topic; None if the log has none. May go over the whole log.

        `up_to` is the last offset to look at; None: the newest.
        """
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return None
            query = (
                f'SELECT "offset" FROM log_{number} WHERE name = (SELECT id FROM name WHERE'
                ' (module, variable, instance) = (?, ?, ?)) AND "offset" <= ifnull(?, "offset")'
                ' ORDER BY "offset" DESC LIMIT 1'
            )
            found = db.execute(query, (module, variable, instance, up_to)).fetchone()
            if found is None:
                return None
            row = db.execute(_MESSAGES.format(n=number), (found[0] - 1, found[0])).fetchone()
            return Message(*row[:-1])

    def last_change(
        self, mode: str, name: tuple[str, str, str], *, after: int = 0, up_to: int | None = None
    ) -> Entry | None:
        """The newest message that changed a variable, or had it forgotten; None if none did.

        `name` is (module, variable, instance). Only offsets above `after`, up to `up_to` (None: the
        newest) are looked at, maybe all of them.
        """
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            known = self.names.find(name)
            if number is None or known < 0:
                return None
            try:
                offset = last_change(db, number, known, after, MOST if up_to is None else up_to)
            except ValueError as error:
                raise StoreDamaged(
                    f"{self.path}: changes in the log cannot be read ({error}); restore a backup"
                ) from error
        return None if offset is None else self.entry(mode, offset)

    def newest_of(
        self,
        mode: str,
        topics: Iterable[tuple[str, str]],
        *,
        instance: str | None = None,
        after: int = 0,
        up_to: int,
        count: int = 1,
    ) -> list[int]:
        """The offsets of the newest messages on some topics, (module, variable), oldest first.

        Only those above `after`, up to `up_to`, at most `count`; with an `instance` only those of
        this key or of none. May go over the whole log.
        """
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return []
            return newest_of(db, number, topics, instance, after, min(up_to, MOST), count)

    def entry(self, mode: str, offset: int) -> Entry | None:
        """The message of this offset with what it changed, None if there is none."""
        return next(iter(self.entries(mode, after=offset - 1, up_to=offset)), None)

    def entries(self, mode: str = "live", *, after: int = 0, up_to: int | None = None) -> Entries:
        """The messages with an offset above `after`, in order, each with what it changed.

        `up_to` is the last offset that is wanted; None: up to the newest.
        """
        return Entries(self, mode, after, up_to)

    def state(
        self, mode: str = "live", module: str | None = None
    ) -> dict[tuple[str, str, str], str]:
        """(module, variable, instance) -> JSON text, as of the newest message."""
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return {}
            values = state.load(db, number, f"{self.path}, mode {mode}").state
            named = {self.names[name]: value for name, value in values.items()}
        return {key: value for key, value in named.items() if module in (None, key[0])}

    def state_as_of(self, mode: str, offset: int) -> dict[tuple[str, str, str], str]:
        """(module, variable, instance) -> JSON text, right after message `offset`.

        Raises Trimmed if that was so long ago that nobody knows any more.
        """
        place, found = self.start(mode, offset + 1)
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return found
            where = f"{self.path}, mode {mode}"
            for name, value in changes_between(db, number, place, offset, where).items():
                if value is None:
                    found.pop(self.names[name], None)
                else:
                    found[self.names[name]] = value
        return found

    def value(self, mode: str, module: str, variable: str, instance: str = "") -> str | None:
        """The state of one variable as JSON text, as of the newest message; None if it has none."""
        return self.state(mode, module).get((module, variable, instance))

    def trimmed(self, mode: str = "live") -> int:
        """The offset up to which retention has taken messages out; behind it the log is whole.

        (But for messages that nothing followed from, see `trim.py`.) 0: nothing is missing.
        """
        with self.reading() as db:
            query = "SELECT ifnull(max(trimmed), 0) FROM mode WHERE name = ?"
            return int(db.execute(query, (mode,)).fetchone()[0])

    def checkpoints(self, mode: str = "live") -> list[past.Kept]:
        """The checkpoints that are kept, oldest first: where `start` can start."""
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            return [] if number is None else past.all_kept(db, number)

    def start(
        self, mode: str, offset: int, *, oldest: bool = False
    ) -> tuple[int, dict[tuple[str, str, str], str]]:
        """A moment from which message `offset` and all behind it can be followed, as near as there
        is one: its offset, and the state right after it, (module, variable, instance) -> JSON text.

        `oldest`: where messages were taken out, the first such moment there still is, if it is
        later. Raises Trimmed if there is none at or before the message.
        """
        with self.reading() as db:
            number = self.number_of_mode(db, mode)
            if number is None:
                return 0, {}
            (trimmed,) = db.execute("SELECT trimmed FROM mode WHERE id = ?", (number,)).fetchone()
            if oldest:
                offset = max(offset, trimmed + 1)
            places = [one.offset for one in past.all_kept(db, number) if one.offset < offset]
            place = places[-1] if places else 0
            if place < trimmed:
                raise Trimmed(
                    f"{self.path}: the log was trimmed here: message {offset} is older than the"
                    f" oldest that it has as a whole, message {trimmed + 1}"
                )
            values = state.load_checkpoint(db, number, place) if place else {}
            return place, {
                self.names[name]: value for name, value in values.items() if value is not None
            }

    def close(self) -> None:
        """Close the file."""
        self._db.close()

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

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """One moment of the store: all queries inside see the same."""
        if self._frozen and self._wal_exists():
            # A hub has started: what was read as unchanging may change from now on.
            self._db.close()
            self._frozen = False
            self._db = self._connect()
        try:
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
        except sqlite3.Error as error:
            raise translated(error, self.path) from error

    def _version(self) -> int:
        with self.reading() as db:
            return int(db.execute("PRAGMA data_version").fetchone()[0])

    def number_of_mode(self, db: sqlite3.Connection, mode: str) -> int | None:
        found = db.execute("SELECT id FROM mode WHERE name = ?", (mode,)).fetchone()
        return None if found is None else int(found[0])

    def _pieces(
        self,
        mode: str,
        after: int,
        module: str | None,
        variable: str | None,
        instance: str | None,
    ) -> Iterator[tuple[int, list[tuple[Any, ...]]]]:
        """The rows that match, piece by piece, each with the offset that it goes up to."""
        filters = {"module": module, "variable": variable, "instance": instance}
        wanted = {column: text for column, text in filters.items() if text is not None}
        where = "".join(f" AND n.{column} = ?" for column in wanted)
        while True:
            with self.reading() as db:
                number = self.number_of_mode(db, mode)
                if number is None:
                    return
                (end,) = db.execute(
                    f'SELECT max("offset") FROM (SELECT "offset" FROM log_{number}'
                    f' WHERE "offset" > ? ORDER BY "offset" LIMIT {PIECE})',
                    (after,),
                ).fetchone()
                if end is None:
                    return
                query = _MESSAGES.format(n=number) + where + ' ORDER BY l."offset"'
                rows = db.execute(query, (after, end, *wanted.values())).fetchall()
            yield end, rows
            after = end
