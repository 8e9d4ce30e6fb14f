"""The state of a mode: a checkpoint, and the changes that the log has seen since.

State is redundant, the log's `changes` alone say what it is; a checkpoint is there so that a start
need not read the whole log. It is written in slices between the hub's batches, and counts only
from the transaction that marks it complete, the last. Rows are versions: a variable's value holds
from the offset of the checkpoint that brought it until a newer one does, so a checkpoint consists
of what changed since the last, and unfinished or superseded versions disturb nobody. What older
checkpoints still need of them is in a table of its own, see `past.py`.
"""

import sqlite3
from typing import NamedTuple

import msgspec

from myocan.hub.store import past
from myocan.hub.store.errors import StoreDamaged
from myocan.hub.store.rows import apply

__all__ = [
    "Loaded",
    "Tail",
    "announce",
    "complete",
    "copy",
    "drop_unfinished",
    "is_unfinished",
    "last_checkpoint",
    "load",
    "load_changes",
    "load_checkpoint",
    "write_slice",
]

NEWEST = 2**63 - 1
"""An offset that no log reaches."""


def last_checkpoint(db: sqlite3.Connection, mode: int) -> int:
    """The newest offset that the state of `mode` is complete for; 0 if there is none."""
    query = 'SELECT ifnull(max("offset"), 0) FROM checkpoint WHERE mode = ? AND complete = 1'
    return int(db.execute(query, (mode,)).fetchone()[0])


def load_checkpoint(db: sqlite3.Connection, mode: int, offset: int) -> dict[int, str | None]:
    """The state of `mode` right after message `offset`, at which it has a complete checkpoint,
    the newest one or one that is kept; None: forgotten."""
    query = f"SELECT name, value FROM past_{mode} WHERE until > ?1 AND at <= ?1"
    found: dict[int, str | None] = dict(db.execute(query, (offset,)))
    query = f"SELECT name, value FROM state_{mode} WHERE at <= ? ORDER BY name, at"
    found.update(db.execute(query, (offset,)))
    return found


class Loaded(NamedTuple):
    """The state of a mode after message `offset`, as name_id -> JSON text."""

    checkpoint: int
    offset: int
    state: dict[int, str]
    changed: dict[int, str | None]
    """The part of it that is not in the checkpoint; None: forgotten."""


def load(db: sqlite3.Connection, mode: int, where: str, until: int = NEWEST) -> Loaded:
    """The state of `mode` after its last message, or after message `until`.

    Executes nothing: reads the last checkpoint and applies the later changes. Call it inside a
    read transaction if somebody may be writing. Raises StoreDamaged, which names the place as
    `where`, if the log has a gap, or changes that are none.
    """
    start = last_checkpoint(db, mode)
    state = load_checkpoint(db, mode, start)
    offset, changed = load_changes(db, mode, start, where, until)
    state.update(changed)
    kept = {name: value for name, value in state.items() if value is not None}
    return Loaded(start, offset, kept, changed)


class Tail(NamedTuple):
    """What the messages behind some offset have changed, up to message `offset`."""

    offset: int
    changed: dict[int, str | None]
    """name_id -> JSON text; None: forgotten."""


def load_changes(
    db: sqlite3.Connection, mode: int, start: int, where: str, until: int = NEWEST
) -> Tail:
    """What the messages of `mode` behind `start` have changed, up to `until`; see `load`."""
    latest: dict[int, msgspec.Raw | None] = {}
    first, last, count = db.execute(
        f'SELECT min("offset"), max("offset"), count(*) FROM log_{mode}'
        ' WHERE "offset" > ? AND "offset" <= ?',
        (start, until),
    ).fetchone()
    if count and (first != start + 1 or last != start + count):
        raise StoreDamaged(
            f"{where}: {count} messages where offsets {start + 1} to {last} should be; restore a"
            " backup of the store"
        )
    query = (
        f'SELECT "offset", changes FROM log_{mode} WHERE "offset" > ? AND "offset" <= ?'
        ' AND changes IS NOT NULL ORDER BY "offset"'
    )
    for offset, text in db.execute(query, (start, until)):
        try:
            apply(text, latest)
        except (ValueError, TypeError) as error:
            raise StoreDamaged(
                f"{where}: the changes of message {offset} cannot be read ({error}); restore a"
                " backup of the store"
            ) from error
    changed = {
        name: None if value is None else str(value, "utf-8") for name, value in latest.items()
    }
    return Tail(last or start, changed)


def write_slice(
    db: sqlite3.Connection,
    mode: int,
    offset: int,
    last: int,
    items: list[tuple[int, str | None]],
) -> None:
    """Write versions of `items` that hold from `offset` on, inside the caller's transaction.

    `last` is the last complete checkpoint; versions that it has superseded go, in the same pages.
    """
    past.keep_superseded(db, mode, last, [name for name, _ in items])
    db.executemany(
        f"INSERT INTO state_{mode} (name, at, value) VALUES (?, ?, ?)",
        [(name, offset, value) for name, value in items],
    )


def copy(db: sqlite3.Connection, source: int, target: int) -> None:
    """Give mode number `target`, which has none, the state of `source` with its checkpoints.

    What belongs to a checkpoint that is being written is left out.
    """
    last = last_checkpoint(db, source)
    db.execute(
        f"INSERT INTO state_{target} SELECT name, at, value FROM state_{source} WHERE at <= ?",
        (last,),
    )
    db.execute(f"INSERT INTO past_{target} SELECT until, name, at, value FROM past_{source}")
    db.execute(
        'INSERT INTO checkpoint SELECT ?, "offset", complete, time FROM checkpoint'
        " WHERE mode = ? AND complete",
        (target, source),
    )


def is_unfinished(db: sqlite3.Connection, mode: int) -> bool:
    """Whether a crash cut a checkpoint of `mode` short."""
    query = "SELECT 1 FROM checkpoint WHERE mode = ? AND NOT complete"
    return db.execute(query, (mode,)).fetchone() is not None


def drop_unfinished(db: sqlite3.Connection, mode: int) -> None:
    """Remove what such a checkpoint left behind, inside the caller's transaction."""
    last = last_checkpoint(db, mode)
    db.execute(f"DELETE FROM state_{mode} WHERE at > ?", (last,))
    db.execute("DELETE FROM checkpoint WHERE mode = ? AND NOT complete", (mode,))


def announce(db: sqlite3.Connection, mode: int, offset: int) -> None:
    """Note that a checkpoint at `offset` was begun, inside the transaction of its first slice."""
    _note(db, mode, offset, 0)


def complete(db: sqlite3.Connection, mode: int, offset: int) -> None:
    """Make the checkpoint at `offset` the one that counts, inside the caller's transaction."""
    past.keep_forgotten(db, mode, offset)
    _note(db, mode, offset, 1)
    past.thin(db, mode)


def _note(db: sqlite3.Connection, mode: int, offset: int, complete: int) -> None:
    db.execute(
        'INSERT OR REPLACE INTO checkpoint (mode, "offset", complete, time) VALUES (?1, ?2, ?3,'
        f' ifnull((SELECT time FROM log_{mode} WHERE "offset" = ?2), 0))',
        (mode, offset, complete),
    )
