"""Small integers that stand for names in the log and in the state.

A number is given on first use and never changes. What is new is held back and written by the next
transaction, so a name costs no commit of its own, and none is in the log without being in its
table. Only a bounded part of the table is in memory: a house may have a million instances.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import TypeVar

from myocan.hub.store.errors import DIAGNOSE, Unresolved

__all__ = ["Names"]

CACHED = 50_000

Key = TypeVar("Key", bound=tuple[str, ...])


class Names(Mapping[int, Key]):
    """The numbers of one table; as a mapping, number -> key.

    `columns` are the parts of a key, in its order. At most `cached` entries are kept in memory,
    beside those not written yet.
    """

    def __init__(
        self, db: sqlite3.Connection, table: str, columns: tuple[str, ...], cached: int = CACHED
    ) -> None:
        names = ", ".join(columns)
        marks = ", ".join("?" * len(columns))
        self._db = db
        self._table = table
        self._cached = cached
        self._find = f"SELECT id FROM {table} WHERE ({names}) = ({marks})"
        self._show = f"SELECT {names} FROM {table} WHERE id = ?"
        self._list = f"SELECT id FROM {table} ORDER BY id"
        self._count = f"SELECT count(*) FROM {table}"
        self._insert = f"INSERT INTO {table} (id, {names}) VALUES (?, {marks})"
        self._next: int = 1 + db.execute(f"SELECT ifnull(max(id), 0) FROM {table}").fetchone()[0]
        self._numbers: dict[Key, int] = {}
        self._keys: dict[int, Key] = {}
        self.pending: dict[Key, int] = {}
        if self._next <= cached:  # else few of very many are wanted, and nobody knows which
            for number, *key in db.execute(f"SELECT id, {names} FROM {table}"):
                self._remember(number, tuple(key))  # type: ignore[arg-type]

    def number(self, key: Key) -> int:
        """The number that stands for `key`; drawn now if there is none."""
        known = self.find(key)
        if known >= 0:
            return known
        number = self._next
        self._next += 1
        self.pending[key] = number
        self._keys[number] = key
        return number

    def find(self, key: Key) -> int:
        """The number that stands for `key`, -1 if there is none."""
        number = self._numbers.get(key)
        if number is None:
            number = self.pending.get(key)
        if number is not None:
            return number
        found = self._db.execute(self._find, key).fetchone()
        if found is None:
            return -1
        self._remember(found[0], key)
        return int(found[0])

    def write(self) -> None:
        """Put what is pending into the table; the caller's transaction decides if it stays."""
        self._db.executemany(self._insert, [(number, *key) for key, number in self.pending.items()])

    def written(self) -> None:
        """That transaction was committed."""
        for key, number in self.pending.items():
            self._remember(number, key)
        self.pending.clear()

    def _remember(self, number: int, key: Key) -> None:
        if len(self._numbers) >= self._cached:
            self._numbers.clear()
            self._keys = {number: key for key, number in self.pending.items()}
        self._numbers[key] = number
        self._keys[number] = key

    def __getitem__(self, number: int) -> Key:
        key = self._keys.get(number)
        if key is None:
            try:
                found = self._db.execute(self._show, (number,)).fetchone()
            except (sqlite3.Error, OverflowError) as error:
                raise Unresolved(self._lost(number, str(error))) from error
            if found is None:
                raise Unresolved(self._lost(number, "it is not there"))
            key = found
            self._remember(number, key)
        return key

    def _lost(self, number: int, why: str) -> str:
        return f"what {number} stands for in the store's table {self._table}: {why}; {DIAGNOSE}"

    def __iter__(self) -> Iterator[int]:
        for (number,) in self._db.execute(self._list).fetchall():
            yield number
        yield from list(self.pending.values())

    def __len__(self) -> int:
        return int(self._db.execute(self._count).fetchone()[0]) + len(self.pending)
