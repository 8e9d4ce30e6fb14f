"""The state of a mode as it is now, looked up where it stands instead of read into memory.

The one idea: the newest checkpoint has nearly all of it, in the file; what changed since is little,
and lies over it in memory until a checkpoint has that, too. So a question costs what it is about,
however many instances a house has.

Keys are in the order of their code points, as Python has them: SQLite compares texts byte by byte,
and UTF-8 keeps that order.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from myocan.hub.store import state
from myocan.hub.store.checkpoint import Mode
from myocan.hub.store.writer import Writer

__all__ = ["Present", "Stored"]

PIECE = 4000
"""Names that one query looks at."""

Name: TypeAlias = tuple[str, str, str]
"""(module, variable, instance)."""

Layer: TypeAlias = tuple[int, dict[int, str | None]]
"""Changes up to an offset, by number of the name; None: forgotten."""

_NEWEST = "(SELECT value FROM state_{n} WHERE name = n.id ORDER BY at DESC LIMIT 1)"

_DUE = "value GLOB '[1-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'"
"""As in the condition of the index: it is used for the very same one only."""

_SINGLES = """
WITH RECURSIVE m (module) AS (SELECT min(module) FROM name UNION ALL
    SELECT (SELECT min(module) FROM name WHERE module > m.module) FROM m WHERE m.module IS NOT NULL)
SELECT n.id, n.module, n.variable, {newest} FROM m CROSS JOIN name AS n
    ON n.module = m.module AND n.instance = ''
"""


class Stored(NamedTuple):
    """An instance, or with the instance "" what a module has beside those: lower-case name of a
    variable -> JSON text."""

    instance: str
    values: Mapping[str, str]


class Present:
    """The state of a mode after its last message.

    For the thread that writes. Raises StoreError when the file cannot be read.
    """

    def __init__(self, writer: Writer, mode: Mode) -> None:
        self._writer = writer
        self._mode = mode
        self._newest = _NEWEST.format(n=mode.number)
        self._layers: list[Layer] = []
        with writer.reading() as db:
            where = f"{writer.path}, mode {mode.name}"
            tail = state.load_changes(db, mode.number, mode.checkpoint, where)
        if mode.unsaved is None and tail.offset == mode.found:
            mode.unsaved = dict(tail.changed)
        self.checkpoint = mode.checkpoint
        """The offset of the newest checkpoint, as of the start."""
        self.tail: Mapping[int, str | None] = tail.changed
        """What has changed since then, as of the start, by number of the name; None: forgotten."""
        if tail.changed:
            self._layers.append((tail.offset, tail.changed))

    def note(self, changed: Mapping[int, str | None], offset: int) -> None:
        """Take note of what messages up to one have changed, by number of the name.

        They are in the log by now, and no checkpoint has them.
        """
        if not changed:
            return
        self._drop_saved()
        unfinished = self._mode.unfinished
        if not self._layers or (unfinished is not None and self._layers[-1][0] <= unfinished):
            self._layers.append((offset, dict(changed)))
        else:
            newest = self._layers[-1][1]
            newest.update(changed)
            self._layers[-1] = (offset, newest)

    def value(self, module: str, variable: str, instance: str = "") -> str | None:
        """The value of a variable as JSON text, None if it has none."""
        query = f"SELECT id, {self._newest} FROM name AS n"
        query += " WHERE module = ? AND instance = ? AND variable = ?"
        with self._writer.reading() as db:
            found = db.execute(query, (module, instance, variable)).fetchone()
        return None if found is None else self._over(*found)

    def instance(self, module: str, instance: str) -> dict[str, str]:
        """All that an instance holds, lower-case name -> JSON text."""
        query = f"SELECT variable, id, {self._newest} FROM name AS n"
        query += " WHERE module = ? AND instance = ?"
        with self._writer.reading() as db:
            rows = db.execute(query, (module, instance)).fetchall()
        return self._values(rows)

    def page(self, module: str, after: str, names: int = PIECE) -> list[Stored]:
        """What the next instances of a module hold whose keys come after `after`, in order.

        None when there are no more; some may hold nothing. `names` is how many names are looked at.
        """
        query = f"SELECT instance, variable, id, {self._newest} FROM name AS n"
        query += " WHERE module = ? AND instance > ? ORDER BY instance LIMIT ?"
        with self._writer.reading() as db:
            rows = db.execute(query, (module, after, names)).fetchall()
        if len(rows) == names:  # the last may have more than is seen here
            last = rows[-1][0]
            rows = [row for row in rows if row[0] != last]
            if not rows:
                return self.page(module, after, 2 * names)
        found: dict[str, list[tuple[str, int, str | None]]] = {}
        for instance, variable, number, stored in rows:
            found.setdefault(instance, []).append((variable, number, stored))
        return [Stored(instance, self._values(of)) for instance, of in found.items()]

    def of_module(self, module: str) -> Iterator[Stored]:
        """All that a module has, without a key first."""
        yield Stored("", self.instance(module, ""))
        after = ""
        while page := self.page(module, after):
            yield from page
            after = page[-1].instance

    def due(self, from_ms: int, count: int = PIECE) -> tuple[list[tuple[int, int]], int | None]:
        """What may be timers that are due from a time on, milliseconds since 1970 UTC.

        Returns about `count`, the soonest, (due time, number of the name), and the time from which
        on there may be more, None if there are no more. What changed since the checkpoint is not
        taken into account, and whatever else looks like a time is among them.
        """
        table = f"FROM state_{self._mode.number} WHERE {_DUE} AND value >= ?"
        first = f"{max(from_ms, 10**12):013d}"
        with self._writer.reading() as db:
            query = f"SELECT value {table} ORDER BY value LIMIT 1 OFFSET ?"
            last = db.execute(query, (first, count)).fetchone()
            if last is None:
                rows = db.execute(f"SELECT value, name {table}", (first,)).fetchall()
            else:
                query = f"SELECT value, name {table} AND value <= ?"
                rows = db.execute(query, (first, *last)).fetchall()
        until = None if last is None else int(last[0]) + 1
        return [(int(value), number) for value, number in rows], until

    def without_instances(self) -> dict[Name, str]:
        """Everything whose name has no instance, as JSON texts."""
        with self._writer.reading() as db:
            rows = db.execute(_SINGLES.format(newest=self._newest)).fetchall()
        found = {}
        for number, module, variable, stored in rows:
            value = self._over(number, stored)
            if value is not None:
                found[module, variable, ""] = value
        return found

    def _values(self, rows: Iterable[tuple[str, int, str | None]]) -> dict[str, str]:
        values = {}
        for variable, number, stored in rows:
            value = self._over(number, stored)
            if value is not None:
                values[variable] = value
        return values

    def _over(self, number: int, stored: str | None) -> str | None:
        """The value of a name of which the file has `stored`."""
        for _offset, changed in reversed(self._layers):
            if number in changed:
                return changed[number]
        return stored

    def _drop_saved(self) -> None:
        """Forget what a checkpoint has by now."""
        while self._layers and self._layers[0][0] <= self._mode.checkpoint:
            del self._layers[0]
