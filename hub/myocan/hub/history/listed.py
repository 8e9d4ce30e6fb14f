"""Messages from anywhere, as if they lay in a store.

The one idea: who has messages with what they changed, and no store, gives them to the same replay
as the rows of one; names and producers get numbers as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from myocan.hub.history.past import Name, Past
from myocan.hub.store import Entry, LogRow

PIECE = 1000
"""Rows that are handed out together."""


class Listed:
    """Messages as rows; as `Entries` of a store.

    Arguments:
        entries: the messages from the first on, in order.
        after: the offset behind which `rows` begins.
    """

    def __init__(self, entries: Iterable[Entry], after: int = 0) -> None:
        self.after = after
        self._entries = list(entries)
        self._names: dict[Name, int] = {}
        self._producers: dict[str, int] = {}
        self._of: dict[int, Entry] = {}
        self._rows = [self._row(entry) for entry in self._entries]
        self._name_of = list(self._names)
        self._producer_of = list(self._producers)

    def rows(self) -> Iterator[list[LogRow]]:
        """The messages as rows of a log, in pieces."""
        rows = [row for row in self._rows if row[0] > self.after]
        for start in range(0, len(rows), PIECE):
            yield rows[start : start + PIECE]

    def starting(self, time_ms: int) -> Listed:
        """Those of them from the first input on that came at this time or later."""
        for entry in self._entries:
            if entry.message.time_ms >= time_ms and entry.message.cause is None:
                return Listed(self._entries, entry.message.offset - 1)
        return Listed(self._entries, self._rows[-1][0] if self._rows else 0)

    def state_as_of(self, offset: int) -> dict[Name, str]:
        """The state right after the message with this offset."""
        past = Past()
        for entry in self._entries:
            if entry.message.offset > offset:
                break
            past.take(entry)
        return past.state

    def entry(self, row: LogRow) -> Entry:
        """What a row means."""
        return self._of[id(row)]

    def name_of(self, number: int) -> Name:
        """The name that a number stands for."""
        return self._name_of[number - 1]

    def producer_of(self, number: int) -> str:
        """The producer that a number stands for."""
        return self._producer_of[number - 1]

    def number_of(self, name: Name) -> int:
        """The number of a name, -1 if nothing has it."""
        return self._names.get(name, -1)

    def number_of_producer(self, producer: str) -> int:
        """The number of a producer, -1 if nobody has it."""
        return self._producers.get(producer, -1)

    def _row(self, entry: Entry) -> LogRow:
        message, changes = entry
        parts = []
        for name, text in changes.items():
            number = self._number(name)
            parts.append(f"-{number},null" if text is None else f"{number},{text}")
        row: LogRow = (
            message.offset,
            message.time_ms,
            self._number((message.module, message.variable, message.instance)),
            message.value,
            self._producers.setdefault(message.producer, len(self._producers) + 1),
            message.cause,
            message.rule,
            message.ts_ms,
            f"[{','.join(parts)}]" if parts else None,
        )
        self._of[id(row)] = entry
        return row

    def _number(self, name: Name) -> int:
        return self._names.setdefault(name, len(self._names) + 1)
