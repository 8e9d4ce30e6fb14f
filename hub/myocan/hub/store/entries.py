"""A range of a log: as messages with what they changed, or as it lies in the file.

The one idea: who goes over very many messages takes them as rows of numbers, piece by piece, and
asks what a number stands for only once.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from myocan.hub.store.errors import StoreDamaged
from myocan.hub.store.rows import Entry, LogRow, Message, apply

if TYPE_CHECKING:
    from myocan.hub.store.reader import Reader

__all__ = ["Entries"]

MOST = 2**63 - 1
"""An offset that no log reaches."""

PIECE = 4000
"""Rows of the log that one query goes over."""

_ROWS = """
SELECT "offset", time, name, value, producer, cause, rule, ts, changes FROM log_{n}
WHERE "offset" > ? AND "offset" <= ? ORDER BY "offset" LIMIT ?
"""


class Entries:
    """The messages of a mode with an offset above `after`, up to `up_to`; made by a `Reader`."""

    def __init__(self, reader: "Reader", mode: str, after: int, up_to: int | None) -> None:
        self._reader = reader
        self.mode = mode
        self.after = after
        self.up_to = MOST if up_to is None else min(up_to, MOST)

    def __iter__(self) -> Iterator[Entry]:
        for piece in self.rows():
            for row in piece:
                yield self.entry(row)

    def rows(self) -> Iterator[list[LogRow]]:
        """The messages as rows of the log, in order, in pieces; up to the newest of that moment."""
        after = self.after
        while True:
            with self._reader.reading() as db:
                number = self._reader.number_of_mode(db, self.mode)
                if number is None:
                    return
                query = _ROWS.format(n=number)
                piece = db.execute(query, (after, self.up_to, PIECE)).fetchall()
            if not piece:
                return
            yield piece
            after = piece[-1][0]

    def starting(self, time_ms: int) -> "Entries":
        """Those of them from the first input on that came at this time of the log or later."""
        after = max(self.after, self._reader.since(self.mode, time_ms))
        with self._reader.reading() as db:
            number = self._reader.number_of_mode(db, self.mode)
            if number is not None:
                query = f'SELECT "offset" FROM log_{number} WHERE "offset" > ? AND cause IS NULL'
                first = db.execute(query + ' ORDER BY "offset" LIMIT 1', (after,)).fetchone()
                after = first[0] - 1 if first else self.up_to
        return Entries(self._reader, self.mode, after, self.up_to)

    def state_as_of(self, offset: int) -> dict[tuple[str, str, str], str]:
        """The state right after message `offset`, as JSON texts by name."""
        return self._reader.state_as_of(self.mode, offset)

    def entry(self, row: LogRow) -> Entry:
        """What a row means."""
        offset, time_ms, name, value, producer, cause, rule, ts_ms, changes = row
        named, said_by = self.name_of(name), self.producer_of(producer)
        message = Message(offset, time_ms, *named, value, said_by, cause, rule, ts_ms)
        return Entry(message, self._changes(offset, changes))

    def name_of(self, number: int) -> tuple[str, str, str]:
        """The (module, variable, instance) that a number stands for."""
        return self._reader.names[number]

    def producer_of(self, number: int) -> str:
        """The producer that a number stands for."""
        return self._reader.producers[number][0]

    def number_of(self, name: tuple[str, str, str]) -> int:
        """The number of a name, -1 if nothing has it."""
        return self._reader.names.find(name)

    def number_of_producer(self, producer: str) -> int:
        """The number of a producer, -1 if nobody has it."""
        return self._reader.producers.find((producer,))

    def _changes(self, offset: int, changes: str | None) -> dict[tuple[str, str, str], str | None]:
        if changes is None:
            return {}
        numbered: dict[int, msgspec.Raw | None] = {}
        try:
            apply(changes, numbered)
        except (ValueError, TypeError) as error:
            raise StoreDamaged(
                f"{self._reader.path}: the changes of message {offset} cannot be read ({error})"
            ) from error
        return {
            self._reader.names[number]: None if value is None else bytes(value).decode()
            for number, value in numbered.items()
        }
