"""Older checkpoints: the state as it was, for replay and for questions about then.

The one idea: a checkpoint is the versions of values that held at its offset. A version that a newer
one has replaced is thrown away, unless a checkpoint that is kept lies in the time that it held;
then it moves, with that time, into `past_N`, where nothing touches it as long as the checkpoint is
kept. So the newest state stays as small as it is, and an old one costs what changed since.

Kept are the newest, and the first of each ten minutes of the last hour, of each hour of the last
day, of each day of the last 31, and of each 30 days before that.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Kept", "all_kept", "drop_below", "keep_forgotten", "keep_superseded", "purge",
           "superfluous", "thin"]  # fmt: skip

_MINUTE_MS = 60_000
_HOUR_MS = 60 * _MINUTE_MS
_DAY_MS = 24 * _HOUR_MS
_STEPS = (
    (_HOUR_MS, 10 * _MINUTE_MS),
    (_DAY_MS, _HOUR_MS),
    (31 * _DAY_MS, _DAY_MS),
)
"""Up to which age one checkpoint is kept in each such time; in milliseconds."""
_SELDOM_MS = 30 * _DAY_MS
"""The same for all that are older."""


class Kept(NamedTuple):
    """A checkpoint: the state right after message `offset`, which came at `time_ms` of the log."""

    offset: int
    time_ms: int


def all_kept(db: sqlite3.Connection, mode: int) -> list[Kept]:
    """The complete checkpoints of `mode`, oldest first."""
    query = 'SELECT "offset", time FROM checkpoint WHERE mode = ? AND complete = 1'
    return [Kept(*row) for row in db.execute(f'{query} ORDER BY "offset"', (mode,))]


def superfluous(kept: Sequence[Kept]) -> list[int]:
    """The offsets of those that are not worth keeping; `kept` is sorted, the last the newest."""
    offsets = []
    before: tuple[int, int] | None = None
    for one in kept[:-1]:
        age = kept[-1].time_ms - one.time_ms
        width = next((width for up_to, width in _STEPS if age <= up_to), _SELDOM_MS)
        # The first of a time stays the first when that is joined with others, so this is stable.
        place = (width, one.time_ms // width)
        if place == before:
            offsets.append(one.offset)
        before = place
    return offsets


def thin(db: sqlite3.Connection, mode: int) -> None:
    """Give up what is not worth keeping, inside the caller's transaction; see `purge`."""
    _give_up(db, mode, superfluous(all_kept(db, mode)))


def drop_below(db: sqlite3.Connection, mode: int, offset: int) -> None:
    """Give up the checkpoints below `offset`, inside the caller's transaction; see `purge`."""
    _give_up(db, mode, [one.offset for one in all_kept(db, mode) if one.offset < offset])


def _give_up(db: sqlite3.Connection, mode: int, offsets: Sequence[int]) -> None:
    db.executemany(
        'UPDATE checkpoint SET complete = 2 WHERE mode = ? AND "offset" = ?',
        [(mode, offset) for offset in offsets],
    )


def purge(db: sqlite3.Connection, mode: int, most: int) -> bool:
    """Remove up to `most` values that only given up checkpoints needed, in the caller's
    transaction; returns whether that was all."""
    query = 'SELECT "offset" FROM checkpoint WHERE mode = ? AND complete = 2'
    for (offset,) in db.execute(query, (mode,)).fetchall():
        before, behind = db.execute(
            'SELECT max(CASE WHEN "offset" < ?2 THEN "offset" END),'
            ' min(CASE WHEN "offset" > ?2 THEN "offset" END)'
            " FROM checkpoint WHERE mode = ?1 AND complete = 1",
            (mode, offset),
        ).fetchone()
        removed = db.execute(
            f"DELETE FROM past_{mode} WHERE (until, name) IN (SELECT until, name FROM past_{mode}"
            " WHERE until > ? AND until <= ? AND at > ? LIMIT ?)",
            (offset, behind, -1 if before is None else before, most),
        ).rowcount
        most -= removed
        if most <= 0:
            return False
        db.execute(
            'DELETE FROM checkpoint WHERE mode = ? AND "offset" = ? AND complete = 2',
            (mode, offset),
        )
    return True


_NEEDED = """
EXISTS (SELECT 1 FROM checkpoint AS c WHERE c.mode = {mode} AND c.complete = 1
    AND c."offset" >= o.at AND c."offset" < o.until)
"""


def keep_superseded(db: sqlite3.Connection, mode: int, last: int, names: Sequence[int]) -> None:
    """Throw away what was replaced at the last checkpoint, `last`, or before, of these variables,
    or move it to the past; inside the caller's transaction."""
    holds = f"(SELECT max(at) FROM state_{mode} WHERE name = ?1 AND at <= ?2)"
    db.executemany(
        f"INSERT INTO past_{mode} (until, name, at, value)"
        f" SELECT until, name, at, value FROM (SELECT name, at, value, {holds} AS until"
        f" FROM state_{mode} WHERE name = ?1) AS o"
        f" WHERE at < until AND value IS NOT NULL AND {_NEEDED.format(mode=mode)}",
        [(name, last) for name in names],
    )
    db.executemany(
        f"DELETE FROM state_{mode} WHERE name = ?1 AND at < {holds}",
        [(name, last) for name in names],
    )


def keep_forgotten(db: sqlite3.Connection, mode: int, offset: int) -> None:
    """Do the same with all that is forgotten as of the checkpoint at `offset`."""
    db.execute(
        f"INSERT INTO past_{mode} (until, name, at, value)"
        " SELECT until, name, at, value FROM (SELECT name, at, value,"
        f" lead(at) OVER (PARTITION BY name ORDER BY at) AS until FROM state_{mode}"
        f" WHERE at <= ?1 AND name IN (SELECT name FROM state_{mode} WHERE value IS NULL"
        f" AND at <= ?1)) AS o WHERE value IS NOT NULL AND {_NEEDED.format(mode=mode)}",
        (offset,),
    )
    gone = db.execute(
        f"SELECT name, at FROM state_{mode} WHERE value IS NULL AND at <= ?", (offset,)
    ).fetchall()
    db.executemany(f"DELETE FROM state_{mode} WHERE name = ? AND at <= ?", gone)
