"""Copies of a mode: its log and its state under another name, and their removal.

The one idea: a mode counts from the moment its row stands in the table `mode`. A copy is written in
slices between the hub's batches into tables that nobody knows yet; the last transaction brings what
the original has got meanwhile, the state, and the row. What a crash cut short is removed at the
next start: `meta` holds the number of the mode that was being made.

A copy has the history of its original, and what its cycles decided. How far boards were heard and
what the broker has confirmed stay where they are: boards belong to `live`.
"""

import sqlite3

from myocan.hub.store import schema, state
from myocan.hub.store.checkpoint import Mode
from myocan.hub.store.writer import Writer

__all__ = ["ModeCopy", "drop_mode", "drop_unfinished"]

SLICE = 2000
"""Rows of the log copied in one transaction: an append waits for one slice at most, about 5 ms."""


class ModeCopy:
    """A copy of a mode that is being written: `step` it until it is `finished`.

    Arguments:
        writer: of the store.
        source: the mode that is copied; it may go on meanwhile.
        name: the new mode's.

    `number` is the new mode's.
    """

    def __init__(self, writer: Writer, source: Mode, name: str) -> None:
        self._writer = writer
        self._source = source
        self._name = name
        self._copied = 0
        self.finished = False
        with writer.transaction("copy") as db:
            self.number = schema.begin_mode(db)

    def step(self) -> bool:
        """Copy the next slice, in a transaction; returns whether there is more to do.

        When it raises DiskFull nothing of the slice was written: step again later.
        """
        if self.finished:
            return False
        end = self._copied + SLICE
        last = end >= self._source.next - 1
        with self._writer.transaction("copy") as db:
            db.execute(
                f"INSERT INTO log_{self.number} SELECT {_COLUMNS}, NULL, NULL"
                f' FROM log_{self._source.number} WHERE "offset" > ? AND "offset" <= ?',
                (self._copied, end),
            )
            if last:
                self._finish(db)
        self._copied = end
        self.finished = last
        return not last

    def abandon(self) -> None:
        """Remove what was copied so far."""
        with self._writer.transaction("copy") as db:
            drop_unfinished(db)
        self.finished = True

    def _finish(self, db: sqlite3.Connection) -> None:
        new, source = self.number, self._source.number
        state.copy(db, source, new)
        db.execute(
            "INSERT INTO start SELECT ?, incarnation, first, note FROM start WHERE mode = ?",
            (new, source),
        )
        schema.finish_mode(db, new, self._name)
        # Nothing is trimmed while a copy is written, so what is missing there is missing here.
        db.execute("INSERT INTO gone SELECT ?, block, messages FROM gone WHERE mode = ?",
                   (new, source))  # fmt: skip
        db.execute("UPDATE mode SET trimmed = (SELECT trimmed FROM mode WHERE id = ?) WHERE id = ?",
                   (source, new))  # fmt: skip


_COLUMNS = '"offset", time, name, value, producer, cause, rule, ts, changes'


def drop_mode(db: sqlite3.Connection, number: int) -> None:
    """Remove a mode with all that it has, inside the caller's transaction."""
    for table, column in (
        ("mode", "id"),
        ("start", "mode"),
        ("checkpoint", "mode"),
        ("position", "mode"),
        ("gone", "mode"),
    ):
        db.execute(f"DELETE FROM {table} WHERE {column} = ?", (number,))
    schema.show_messages(db)
    schema.drop_tables(db, number)


def drop_unfinished(db: sqlite3.Connection) -> None:
    """Remove the tables of a copy that a crash cut short, inside the caller's transaction."""
    number = schema.unfinished_mode(db)
    if number is not None:
        schema.drop_tables(db, number)
        db.execute("DELETE FROM meta WHERE key = 'copying'")
