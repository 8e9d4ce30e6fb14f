"""What a store holds, in numbers: for people who ask what is in there, and what makes it large."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from myocan.hub.store import files, past
from myocan.hub.store.contents import Contents
from myocan.hub.store.errors import DIAGNOSE, StoreDamaged, translated
from myocan.hub.store.positions import Positions
from myocan.hub.store.rows import Position

__all__ = ["ModeSummary", "Start", "Summary", "TopicSummary", "summarize"]

LARGEST = 10
"""Topics that are named."""

ROW_BYTES = 20
"""What a message takes beside its texts, about."""


class ModeSummary(NamedTuple):
    """A mode: how many messages, the first and last offset, 0 without any, and their times in
    milliseconds since 1970 UTC; up to where messages were taken out; the checkpoints that are kept,
    the newest last, and how many variables are in that; how far boards were heard; up to where the
    broker has confirmed."""

    name: str
    messages: int
    first: int
    last: int
    first_ms: int | None
    last_ms: int | None
    trimmed: int
    checkpoints: list[int]
    variables: int
    positions: list[Position]
    released: int


class Start(NamedTuple):
    """A start of the hub: where the log of `live` went on, and with which versions."""

    incarnation: int
    first: int
    note: str


class TopicSummary(NamedTuple):
    """A topic of all modes, all instances together: its messages, and the bytes of their texts."""

    module: str
    variable: str
    messages: int
    bytes: int


class Summary(NamedTuple):
    """A store. bytes, wal_bytes: of its files; free_bytes: what `compact` could give back. origin:
    the identity of the store that it was imported from, empty if it was not."""

    path: Path
    bytes: int
    wal_bytes: int
    free_bytes: int
    schema: int
    identity: str
    origin: str
    incarnation: int
    names: int
    programs: int
    modes: list[ModeSummary]
    starts: list[Start]
    largest: list[TopicSummary]


def summarize(path: Path) -> Summary:
    """Count what the store at `path` holds; works while a hub writes to it.

    Raises StoreError if there is none or it must not be read, StoreTooNew or StoreTooOld for
    another version's, StoreDamaged if it is too damaged to count.
    """
    with Contents(path) as contents:
        if contents.problems:
            raise StoreDamaged(f"{path}: damaged ({contents.problems.texts[0]}); {DIAGNOSE}")
        try:
            return _summary(contents)
        except sqlite3.Error as error:
            raise translated(error, path) from error
        except (ValueError, TypeError, KeyError) as error:
            raise StoreDamaged(f"{path}: damaged ({error}); {DIAGNOSE}") from error


def _summary(contents: Contents) -> Summary:
    db, path = contents.db, contents.path
    wal = files.wal_of(path)

    def number(query: str) -> int:
        return int(db.execute(query).fetchone()[0])

    page = number("PRAGMA page_size")
    return Summary(
        path,
        path.stat().st_size,
        wal.stat().st_size if wal.exists() else 0,
        number("PRAGMA freelist_count") * page,
        int(contents.meta["schema"]),
        contents.identity,
        str(contents.meta.get("origin") or ""),
        contents.incarnation,
        number("SELECT count(*) FROM name"),
        number("SELECT count(*) FROM program"),
        [_mode(db, number, name) for number, name in contents.modes],
        [Start(*row) for row in db.execute(
            "SELECT incarnation, first, note FROM start WHERE mode = 1 ORDER BY incarnation"
        )],
        _largest(db, [number for number, _ in contents.modes]),
    )  # fmt: skip


def _mode(db: sqlite3.Connection, mode: int, name: str) -> ModeSummary:
    messages, first, last = db.execute(
        f'SELECT count(*), ifnull(min("offset"), 0), ifnull(max("offset"), 0) FROM log_{mode}'
    ).fetchone()
    times = dict(
        db.execute(f'SELECT "offset", time FROM log_{mode} WHERE "offset" IN (?, ?)', (first, last))
    )
    kept = [one.offset for one in past.all_kept(db, mode)]
    checkpoint = kept[-1] if kept else 0
    (trimmed,) = db.execute("SELECT trimmed FROM mode WHERE id = ?", (mode,)).fetchone()
    variables = db.execute(
        f"SELECT count(DISTINCT name) FROM state_{mode} WHERE at <= ?", (checkpoint,)
    ).fetchone()[0]
    positions = Positions(db, mode, checkpoint)
    return ModeSummary(
        name,
        messages,
        first,
        last,
        times.get(first),
        times.get(last),
        trimmed,
        kept,
        variables,
        sorted(positions.current()),
        positions.released,
    )


def _largest(db: sqlite3.Connection, modes: list[int]) -> list[TopicSummary]:
    logs = " UNION ALL ".join(
        "SELECT name, count(*) AS messages, sum(length(CAST(value AS BLOB)) +"
        f" ifnull(length(CAST(changes AS BLOB)), 0) + {ROW_BYTES}) AS bytes FROM log_{mode}"
        " GROUP BY name"
        for mode in modes
    )
    found = db.execute(
        f"SELECT n.module, n.variable, sum(l.messages), sum(l.bytes) AS bytes FROM ({logs}) AS l"
        " JOIN name AS n ON n.id = l.name GROUP BY n.module, n.variable"
        " ORDER BY bytes DESC, 1, 2 LIMIT ?",
        (LARGEST,),
    )
    return [TopicSummary(*row) for row in found]
