"""Goes through the log of a store that may be damaged.

The one idea: a row counts if it is sound in itself: numbers are numbers, its names are known, its
value and its changes are JSON. What is not there, or not sound, is a gap.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from myocan.hub.store.contents import Contents

__all__ = ["Gap", "Line", "Walk"]

ROW_BYTES = 8
"""A row takes more than that, so a file has not more; an offset that is further on is wrong."""

_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_POSITIONS = msgspec.json.Decoder(list[tuple[str, int, int | None, int]])
_ANY = msgspec.json.Decoder()


class Gap(NamedTuple):
    """Offsets `first` to `last` of which nothing can be had."""

    first: int
    last: int

    def __str__(self) -> str:
        one = self.first == self.last
        return f"message {self.first}" if one else f"messages {self.first} to {self.last}"


class Line(NamedTuple):
    """A sound row of a log; `changes` are its `-name`s and names with their JSON texts, None where
    one is forgotten; `positions` as in `rows.Position`."""

    offset: int
    time_ms: int
    name: int
    value: str
    producer: int
    cause: int | None
    rule: int | None
    ts_ms: int | None
    changes: dict[int, str | None]
    released: int | None
    positions: list[tuple[str, int, int | None, int]]


class Walk:
    """A way through the log of a mode; what it met is known when it has ended.

    count: sound rows. first, last: their offsets, 0 without any. gaps: what is missing between them
    and before `first`.
    """

    def __init__(self, contents: Contents, mode: int, where: str) -> None:
        self._contents = contents
        self._where = where
        self._mode = mode
        self.count = self.first = self.last = 0
        self.gaps: list[Gap] = []
        hints = (
            contents.trimmed(mode),
            *contents.checkpoints(mode),
            *(first for of, _, first, _ in contents.starts() if of == mode),
        )
        self._most = max(hints) + contents.path.stat().st_size // ROW_BYTES

    def __iter__(self) -> Iterator[Line]:
        columns = ", ".join(["name", "value", "producer", "cause", "rule", "ts", "changes",
                             "released", "positions"])  # fmt: skip
        query = (
            f'SELECT "offset", time, {columns} FROM log_{self._mode} WHERE "offset" >= ?'
            ' ORDER BY "offset" LIMIT ?'
        )
        waiting: Line | None = None
        for row in self._contents.rows(query, f"log_{self._mode}", '"offset"', self._where):
            line = self._sound(row)
            if line is None:
                continue
            if waiting is not None and line.offset <= waiting.offset:
                # Of two that are out of order, the one is wrong that does not fit what was before.
                text = f"{self._where}: message {waiting.offset} or {line.offset} is out of order"
                self._contents.problems.note(text)
                if line.offset > self.last:
                    waiting = line
                continue
            if waiting is not None:
                yield self._took(waiting)
            waiting = line
        if waiting is not None:
            yield self._took(waiting)

    def _took(self, line: Line) -> Line:
        if line.offset != self.last + 1:
            self.gaps.append(Gap(self.last + 1, line.offset - 1))
        self.first = self.first or line.offset
        self.last = line.offset
        self.count += 1
        return line

    def _sound(self, row: tuple[Any, ...]) -> Line | None:
        contents = self._contents
        offset, time, name, value, producer, cause, rule, ts, changes, released, positions = row
        where = f"{self._where}: message {offset}"
        numbers = (cause, rule, ts, released)
        try:
            if not 0 < offset <= self._most:
                raise ValueError("its offset is none")
            if not all(isinstance(n, int) for n in (time, name, producer)) or not all(
                n is None or isinstance(n, int) for n in numbers
            ):
                raise ValueError("a number is not one")
            if contents.names.get(name) is None:
                contents.problems.note(f"{where}: the name {name} is not known any more")
            if contents.producers.get(producer) is None:
                contents.problems.note(f"{where}: the producer {producer} is not known any more")
            if not isinstance(value, str) or "\n" in value:
                raise ValueError("its value is not text")
            _ANY.decode(value)
            changed = {} if changes is None else _changes_of(changes)
            for number in changed:
                if contents.names.get(number) is None:
                    contents.problems.note(f"{where}: the name {number} is not known any more")
            heard = [] if positions is None else _POSITIONS.decode(positions)
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            contents.problems.note(f"{where} cannot be read ({error})")
            return None
        return Line(offset, time, name, value, producer, cause, rule, ts, changed, released, heard)


def _changes_of(text: str) -> dict[int, str | None]:
    """The changes of a row, by number; raises ValueError when there are none."""
    parts = _RAW_LIST.decode(text)
    if len(parts) % 2 or "\n" in text:
        raise ValueError("a name without a value")
    changed: dict[int, str | None] = {}
    for number, value in zip(map(int, parts[::2]), parts[1::2], strict=True):
        if number < 0:
            changed[-number] = None
        else:
            changed[number] = str(value, "utf-8")
    return changed
