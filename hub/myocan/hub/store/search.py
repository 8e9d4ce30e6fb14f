"""Finds messages in a log that has no index beside its offset.

The one idea: who looks for the newest goes backwards and stops at the first. Where a variable has
not changed for long, a checkpoint says behind which it has not, so that all messages since need not
be looked at.
"""

import sqlite3
from collections.abc import Iterable

import msgspec

from myocan.hub.store.rows import apply

__all__ = ["last_change", "newest_of"]


def newest_of(
    db: sqlite3.Connection,
    mode: int,
    topics: Iterable[tuple[str, str]],
    instance: str | None,
    after: int,
    up_to: int,
    count: int,
) -> list[int]:
    """The offsets of the newest messages on some topics, oldest first.

    `topics` are (module, variable); `instance` is the only key that is wanted beside none, None for
    any. Offsets are above `after`, up to `up_to`, at most `count`.
    """
    wanted = [word for topic in topics for word in topic]
    if not wanted:
        return []
    pairs = ",".join(["(?,?)"] * (len(wanted) // 2))
    names = f"SELECT id FROM name WHERE (module, variable) IN (VALUES {pairs})"
    if instance is not None:
        names += " AND instance IN ('', ?)"
        wanted.append(instance)
    rows = db.execute(
        f'SELECT "offset" FROM log_{mode} WHERE name IN ({names}) AND "offset" > ?'
        ' AND "offset" <= ? ORDER BY "offset" DESC LIMIT ?',
        (*wanted, after, up_to, count),
    )
    return sorted(offset for (offset,) in rows)


def last_change(db: sqlite3.Connection, mode: int, name: int, after: int, up_to: int) -> int | None:
    """The offset of the newest message above `after`, up to `up_to`, that changed variable `name`
    or had it forgotten; None if none did. Raises ValueError if changes in the log cannot be read.
    """
    query = 'SELECT ifnull(max("offset"), 0) FROM checkpoint WHERE mode = ? AND complete = 1'
    (checkpoint,) = db.execute(f'{query} AND "offset" <= ?', (mode, up_to)).fetchone()
    found = _last_change(db, mode, name, max(after, checkpoint), up_to)
    if found is None and checkpoint > after:
        found = _last_change(db, mode, name, after, _unchanged_since(db, mode, name, checkpoint))
    return found


def _unchanged_since(db: sqlite3.Connection, mode: int, name: int, checkpoint: int) -> int:
    """An offset behind which, up to a checkpoint that is kept, a variable has not changed."""
    (at,) = db.execute(
        f"SELECT max(at) FROM (SELECT at FROM state_{mode} WHERE name = ?1 AND at <= ?2"
        f" UNION ALL SELECT at FROM past_{mode} WHERE name = ?1 AND at <= ?2 AND until > ?2)",
        (name, checkpoint),
    ).fetchone()
    return checkpoint if at is None else int(at)


def _last_change(
    db: sqlite3.Connection, mode: int, name: int, after: int, up_to: int
) -> int | None:
    # A value may look like the number of a name; so what is found is read.
    rows = db.execute(
        f'SELECT "offset", changes FROM log_{mode} WHERE "offset" > ? AND "offset" <= ? AND'
        " (instr(changes, ?) OR instr(changes, ?) OR instr(changes, ?))"
        ' ORDER BY "offset" DESC',
        (after, up_to, f"[{name},", f",{name},", f"-{name},null"),
    )
    for offset, changes in rows:
        numbered: dict[int, msgspec.Raw | None] = {}
        apply(changes, numbered)
        if name in numbered:
            return int(offset)
    return None
