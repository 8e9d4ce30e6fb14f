"""Writes a store as JSON lines (`records.py`), also beside a hub, also a damaged one.

The one idea: it is looked through first, since the first lines already say from where on the log is
exact; then everything is written that can be read, and in the end what could not.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from myocan.hub.store import schema
from myocan.hub.store.contents import Contents
from myocan.hub.store.records import (
    FORMAT,
    AnyRecord,
    EndRecord,
    GoneRecord,
    MessageRecord,
    MetaRecord,
    ModeRecord,
    PositionRecord,
    ProgramRecord,
    StartRecord,
    StoreRecord,
    ValueRecord,
    encode,
)
from myocan.hub.store.verification import ModeVerified, Progress, Verified, verify_contents
from myocan.hub.store.walk import Line, Walk

__all__ = ["export_store"]

PIECE = 1000
"""Lines that are written at a time."""
NOT_CARRIED = ("schema", "identity", "incarnation", "origin", "copying")
"""Keys of `meta` that the first line says, or that are of no use elsewhere."""

Name = tuple[str, str, str]


def export_store(
    path: Path, write: Callable[[bytes], object], version: str, progress: Progress | None = None
) -> Verified:
    """Write the store at `path`, as it is at this moment, as lines; return what was wrong with it.

    Works while a hub writes to it. Of a damaged store everything that can be read is written; where
    the state is not surely known any more, what is known of it. `write` takes pieces of the text,
    `version` is that of myocan, for people. Raises what `verify` does.
    """
    with Contents(path) as contents:
        found = verify_contents(contents, progress)
        lines = 0
        piece: list[bytes] = []
        for record in _records(contents, found, version):
            piece.append(encode(record))
            if len(piece) == PIECE:
                lines += PIECE
                write(b"\n".join(piece) + b"\n")
                piece.clear()
        end = EndRecord(lines + len(piece), found.problems)
        write(b"\n".join([*piece, encode(end)]) + b"\n")
    return found


def _records(contents: Contents, found: Verified, version: str) -> Iterator[AnyRecord]:
    yield StoreRecord(FORMAT, schema.VERSION, version, contents.identity, contents.incarnation)
    for key, value in sorted(contents.meta.items()):
        if key not in NOT_CARRIED:
            yield MetaRecord(key, value)
    for key, compiled in contents.programs():
        yield ProgramRecord(key, compiled)
    starts = contents.starts()
    for mode in found.modes:
        after = mode.last if mode.exact_after is None else mode.exact_after
        yield ModeRecord(mode.name, after, mode.last, mode.released)
        for of, incarnation, first, note in starts:
            if of == mode.number:
                yield StartRecord(incarnation, first, note)
        for (board, boot), (last, seen) in sorted(mode.positions.items()):
            if last is not None:
                yield PositionRecord(board, boot, last, seen)
        names = _Names(contents)
        state = _state_after(contents, mode)
        for (module, variable, instance), number in sorted((names[n], n) for n in state):
            yield ValueRecord(msgspec.Raw(state[number].encode()), module, variable, instance)
        before = 0
        for line in Walk(contents, mode.number, mode.name):
            if line.offset != before + 1:
                yield GoneRecord(before + 1, line.offset - 1)
            yield _message(line, names)
            before = line.offset
        if before < mode.last:
            yield GoneRecord(before + 1, mode.last)


def _state_after(contents: Contents, mode: ModeVerified) -> dict[int, str]:
    if mode.exact_after is None:
        return mode.state
    if mode.exact_after == 0:
        return {}
    return contents.state(mode.number, mode.exact_after, mode.name)


class _Names:
    """The names and producers of a store, those too that are lost."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def __getitem__(self, number: int) -> Name:
        known = self._contents.names.get(number)
        return ("$unknown", f"name{number}", "") if known is None else known  # type: ignore[return-value]

    def producer(self, number: int) -> str:
        known = self._contents.producers.get(number)
        return f"$unknown{number}" if known is None else known[0]


def _message(line: Line, names: _Names) -> MessageRecord:
    module, variable, instance = names[line.name]
    changes = []
    for number, value in line.changes.items():
        change = [msgspec.Raw(encode(text)) for text in names[number]]
        if value is not None:
            change.append(msgspec.Raw(value.encode()))
        changes.append(change)
    return MessageRecord(
        line.offset,
        line.time_ms,
        module,
        variable,
        msgspec.Raw(line.value.encode()),
        names.producer(line.producer),
        instance,
        line.cause,
        line.rule,
        line.ts_ms,
        changes,
    )
