"""Takes messages out of the log whose time is up, in slices between the batches of the hub.

The one idea: **behind a kept checkpoint the log is whole**. A message that led to anything may only
go if a checkpoint that is kept lies behind it; that becomes the oldest one, and replay starts there
(`mode.trimmed`). So what a topic is kept for is the least: it goes with the next checkpoint that is
old enough. A message that changed nothing and led to nothing (nobody heard it, or no rule did
anything) is missed by no replay, and moves nothing; so does one of a topic that is dropped whole.

Never taken: the newest message of a name, anything behind the last checkpoint, anything younger
than ten minutes. State is not touched at all. The table `gone` says how many messages are missing
of each block of offsets, so that what was taken can be told from what was damaged.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from myocan.hub.retention import Keep
from myocan.hub.store import past, schema
from myocan.hub.store.checkpoint import SLICE, Mode
from myocan.hub.store.schema import BLOCK
from myocan.hub.store.writer import Writer

__all__ = ["Trimmer"]

READ = 4096
"""Rows of the log that are looked at in one go, which takes about 2 ms."""

YOUNG_MS = 600_000
"""What is younger stays, whatever it takes: its outputs may not have reached the broker yet."""

ROW_BYTES = 32
"""What a message takes beside its value and its changes, about."""


_BYTES = f"{ROW_BYTES} + length(value) + ifnull(length(changes), 0)"

_INERT = """
l.changes IS NULL AND l.cause IS NULL
AND NOT EXISTS (SELECT 1 FROM log_{mode} AS f WHERE f."offset" = l."offset" + 1
    AND f.cause IS NOT NULL)
"""
"""That nothing followed from a message: no other, and no change."""

_INERT_ALONE = """
l.cause IS NULL
AND NOT EXISTS (SELECT 1 FROM log_{mode} AS f WHERE f."offset" = l."offset" + 1
    AND f.cause IS NOT NULL)
AND (l.changes IS NULL OR (l.changes = '[' || l.name || ',' || l.value || ']'
    AND NOT EXISTS (SELECT 1 FROM name AS n JOIN name AS c ON c.module = n.module
        AND c.instance = '' AND c.variable = '%%code%%' WHERE n.id = l.name)))
"""
"""The same of a topic that goes with all its values: its own may have changed, unless it was ever
a module's."""


@dataclass(slots=True)
class _Group:
    """Topics that are kept alike: all of the same age, or one with a size of its own.

    done: nothing more goes up to this offset. held: bytes of its messages, counted for sizes.
    """

    keep: Keep
    done: int = 0
    held: int = 0


class Trimmer:
    """Trims the log of a mode: `begin` a pass and `step` it to its end, again and again.

    Arguments:
        writer: of the store.
        mode: whose log.
        keep_of: tells of a topic (module, variable) how long it is kept.

    `removed` counts the messages of the present pass, `whole` is the offset behind which the log
    is whole.
    """

    def __init__(self, writer: Writer, mode: Mode, keep_of: Callable[[str, str], Keep]) -> None:
        self._writer = writer
        self._mode = mode
        self._keep_of = keep_of
        self._groups: list[_Group] = []
        self._group_of: dict[tuple[str, str], int | None] = {}
        self._by_age: dict[int, int] = {}
        self._sorted = 0
        self._counted = 0
        self._work: Iterator[None] | None = None
        self._names = f"temp.kept_{mode.number}"
        self.removed = 0
        with writer.reading() as db:
            query = "SELECT trimmed FROM mode WHERE id = ?"
            self.whole: int = db.execute(query, (mode.number,)).fetchone()[0]
            db.execute("PRAGMA temp_store = MEMORY")  # on a full disk, too, this makes room
            db.execute(f"DROP TABLE IF EXISTS {self._names}")
            db.execute(
                f"CREATE TABLE {self._names} (name INTEGER PRIMARY KEY, topics INTEGER NOT NULL,"
                " newest INTEGER NOT NULL DEFAULT 0, spared INTEGER)"
            )

    def begin(self, now_ms: int) -> None:
        """Start a pass, as of this time of the log, milliseconds since 1970 UTC."""
        self.removed = 0
        self._work = self._pass(now_ms)

    def begin_drop(self, names: Sequence[int], up_to: int) -> None:
        """Start to take out all messages of these names up to an offset, the newest too.

        Arguments:
            names: their numbers; they must have no state any more.
            up_to: an offset that the last checkpoint is behind.
        """
        self.removed = 0
        self._work = self._drop(names, up_to)

    def step(self) -> bool:
        """Do the next slice, in a transaction; returns whether there is more to do.

        When it raises DiskFull nothing of the slice was done, and the pass is over; begin another.
        While a mode is being copied, nothing is taken out.
        """
        if self._work is None:
            return False
        with self._writer.reading() as db:
            copying = schema.unfinished_mode(db) is not None
        if copying:
            return True
        try:
            next(self._work)
        except StopIteration:
            self._work = None
        except BaseException:
            self._work = None
            raise
        return self._work is not None

    # --- a pass

    def _pass(self, now_ms: int) -> Iterator[None]:
        end = self._mode.checkpoint
        yield from self._sort_names()
        yield from self._count(end)
        yield from self._remove_spared()
        young = self._before(now_ms - YOUNG_MS, end)
        for number, group in enumerate(self._groups):
            age_ms = group.keep.age_ms
            limit = young if age_ms is None else min(young, self._before(now_ms - age_ms, end))
            # Below the oldest checkpoint there is none to look at, and none is needed.
            behind = max(self._checkpoint_at(limit), min(limit, self.whole))
            yield from self._expire(number, group, behind)

    def _sort_names(self) -> Iterator[None]:
        """Find out how long the names are kept that are new since the last pass."""
        query = "SELECT id, module, variable FROM name WHERE id > ? ORDER BY id LIMIT ?"
        while True:
            with self._writer.reading() as db:
                rows = db.execute(query, (self._sorted, READ)).fetchall()
                if not rows:
                    return
                found = [(number, self._topics(*topic)) for number, *topic in rows]
                db.executemany(
                    f"INSERT OR IGNORE INTO {self._names} (name, topics) VALUES (?, ?)",
                    [(number, group) for number, group in found if group is not None],
                )
                self._sorted = rows[-1][0]
            yield

    def _topics(self, module: str, variable: str) -> int | None:
        """Return the number of a topic's group, None if it is kept forever."""
        if (module, variable) not in self._group_of:
            keep = self._keep_of(module, variable)
            number = None
            if keep.age_ms is not None:
                number = self._by_age.get(keep.age_ms)
            if number is None and (keep.age_ms is not None or keep.size is not None):
                number = len(self._groups)
                self._groups.append(_Group(keep))
                if keep.age_ms is not None:
                    self._by_age[keep.age_ms] = number
            self._group_of[module, variable] = number
        return self._group_of[module, variable]

    def _count(self, end: int) -> Iterator[None]:
        """Note the newest message of each name, and what the messages of groups take."""
        sized = any(group.keep.size is not None for group in self._groups)
        rows = f"log_{self._mode.number} AS l CROSS JOIN {self._names} AS k ON k.name = l.name"
        where = 'l."offset" > ? AND l."offset" <= ?'
        while self._groups and self._counted < end:
            with self._writer.reading() as db:
                first = self._next(db, self._counted)
                place = self._counted, min(end, max(first, self._counted) + READ)
                db.execute(
                    f"INSERT INTO {self._names} (name, topics, newest) SELECT k.name, k.topics,"
                    f' max(l."offset") FROM {rows} WHERE {where} GROUP BY k.name'
                    " ON CONFLICT (name) DO UPDATE SET newest = excluded.newest",
                    place,
                )
                if sized:
                    query = f"SELECT k.topics, sum({_BYTES}) FROM {rows} WHERE {where} GROUP BY 1"
                    for number, held in db.execute(query, place):
                        self._groups[number].held += held
                self._counted = place[1]
            yield

    def _remove_spared(self) -> Iterator[None]:
        """Take out what was the newest of its name when its time was up, and is not any more."""
        query = f"SELECT topics, spared, name FROM {self._names} WHERE spared < newest LIMIT ?"
        while True:
            with self._writer.reading() as db:
                spared = db.execute(query, (SLICE,)).fetchall()
            if not spared:
                return
            for number in {topics for topics, _offset, _name in spared}:
                offsets = [offset for topics, offset, _name in spared if topics == number]
                marks = ",".join("?" * len(offsets))
                self._groups[number].held -= self._remove(f'l."offset" IN ({marks})', offsets)
            with self._writer.reading() as db:
                db.executemany(
                    f"UPDATE {self._names} SET spared = NULL WHERE name = ?",
                    [(name,) for _topics, _offset, name in spared],
                )
            yield

    def _expire(self, number: int, group: _Group, limit: int) -> Iterator[None]:
        """Take out the messages of a group up to an offset."""
        size = group.keep.size
        while group.done < limit and (size is None or group.held > size):
            with self._writer.reading() as db:
                first = self._next(db, group.done)
            end = min(limit, (max(first, group.done + 1) - 1) // BLOCK * BLOCK + BLOCK)
            if size is not None:
                end = self._enough(number, group, end)
            where = (
                f'l."offset" > ? AND l."offset" <= ? AND EXISTS (SELECT 1 FROM {self._names} AS k'
                ' WHERE k.name = l.name AND k.topics = ? AND k.newest > l."offset")'
            )
            group.held -= self._remove(where, [group.done, end, number])
            with self._writer.reading() as db:
                db.execute(
                    f"UPDATE {self._names} SET spared = newest"
                    " WHERE topics = ? AND newest > ? AND newest <= ?",
                    (number, group.done, end),
                )
            group.done = end
            yield

    def _enough(self, number: int, group: _Group, end: int) -> int:
        """Return up to where the messages of a group must go for the others to fit."""
        assert group.keep.size is not None
        query = (
            f'SELECT l."offset", {_BYTES} FROM log_{self._mode.number} AS l JOIN {self._names} AS k'
            ' ON k.name = l.name WHERE l."offset" > ? AND l."offset" <= ? AND k.topics = ?'
            ' AND k.newest > l."offset" ORDER BY 1'
        )
        left = group.held - group.keep.size
        with self._writer.reading() as db:
            for offset, held in db.execute(query, (group.done, end, number)).fetchall():
                left -= held
                if left <= 0:
                    return int(offset)
        return end

    # --- dropping

    def _drop(self, names: Sequence[int], up_to: int) -> Iterator[None]:
        dropped = f"temp.dropped_{self._mode.number}"
        with self._writer.reading() as db:
            db.execute(f"DROP TABLE IF EXISTS {dropped}")
            db.execute(f"CREATE TABLE {dropped} (name INTEGER PRIMARY KEY)")
            db.executemany(f"INSERT INTO {dropped} VALUES (?)", [(name,) for name in names])
        done = 0
        while done < up_to:
            with self._writer.reading() as db:
                first = self._next(db, done)
            end = min(up_to, (max(first, done + 1) - 1) // BLOCK * BLOCK + BLOCK)
            where = 'l."offset" > ? AND l."offset" <= ? AND l.name IN '
            where += f"(SELECT name FROM {dropped})"
            self._remove(where, [done, end], _INERT_ALONE)
            done = end
            yield
        with self._writer.transaction("trim") as db:
            db.execute(
                f"DELETE FROM past_{self._mode.number} WHERE name IN (SELECT name FROM {dropped})"
            )
        with self._writer.reading() as db:
            db.execute(f"DROP TABLE {dropped}")

    # --- one slice

    def _remove(self, where: str, values: Sequence[int], inert: str = _INERT) -> int:
        """Take out what fits `where`, of the log `l`; return how many bytes that was.

        `inert` tells what of it is missed by no replay.
        """
        mode = self._mode.number
        delete = f"DELETE FROM log_{mode} AS l WHERE {where}"
        told = f' RETURNING "offset", {_BYTES}'
        with self._writer.transaction("trim") as db:
            gone = db.execute(f"{delete} AND {inert.format(mode=mode)}{told}", values).fetchall()
            missed = db.execute(delete + told, values).fetchall()
            blocks = Counter((offset - 1) // BLOCK for offset, _bytes in (*gone, *missed))
            db.executemany(
                "INSERT INTO gone (mode, block, messages) VALUES (?, ?, ?)"
                " ON CONFLICT (mode, block) DO UPDATE SET messages = messages + excluded.messages",
                [(mode, *one) for one in blocks.items()],
            )
            whole = self.whole
            if missed:
                whole = max(whole, self._checkpoint_behind(db, max(missed)[0]))
                db.execute("UPDATE mode SET trimmed = ? WHERE id = ?", (whole, mode))
                past.drop_below(db, mode, whole)
            past.purge(db, mode, SLICE)
        self.whole = whole
        self.removed += len(gone) + len(missed)
        return sum(held for _offset, held in (*gone, *missed))

    def _checkpoint_behind(self, db: sqlite3.Connection, offset: int) -> int:
        kept = past.all_kept(db, self._mode.number)
        return min(one.offset for one in kept if one.offset >= offset)

    def _checkpoint_at(self, limit: int) -> int:
        """Return the offset of the newest checkpoint up to an offset, 0 if there is none."""
        with self._writer.reading() as db:
            kept = past.all_kept(db, self._mode.number)
        return max((one.offset for one in kept if one.offset <= limit), default=0)

    def _next(self, db: sqlite3.Connection, offset: int) -> int:
        """Return the first offset behind another that the log has, that one if there is none."""
        query = f'SELECT "offset" FROM log_{self._mode.number} WHERE "offset" > ?'
        found = db.execute(f'{query} ORDER BY "offset" LIMIT 1', (offset,)).fetchone()
        return offset if found is None else int(found[0])

    def _before(self, time_ms: int, end: int) -> int:
        """Return the last offset up to `end` whose message is older than a time of the log."""
        query = f'SELECT "offset", time FROM log_{self._mode.number} WHERE "offset" > ?'
        low, high = 0, end
        with self._writer.reading() as db:
            while low < high:
                middle = (low + high) // 2
                found = db.execute(f'{query} ORDER BY "offset" LIMIT 1', (middle,)).fetchone()
                if found is None or found[1] >= time_ms:
                    high = middle
                else:
                    low = min(found[0], end)
        return low
