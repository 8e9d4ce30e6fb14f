"""The shapes of what goes into a store and comes out of it.

Plain tuples, since a hub makes hundreds of thousands of them in a second. A *value* is the JSON
text that travels on the wire (`"on"`, `21.50`, `true`, `null`), kept letter by letter: a decimal
keeps its zeros, and nothing passes through binary floating point.
"""

from typing import NamedTuple, TypeAlias

import msgspec

__all__ = ["Entry", "LogRow", "Message", "Position", "Recovered", "apply"]

LogRow: TypeAlias = tuple[int, int, int, str, int, int | None, int | None, int | None, str | None]
"""One message of the log: `(offset, time_ms, name_id, value_json, producer_id, cause_offset,
rule_line, ts_ms, changes_json)`.

offset counts from 1 without gaps within a mode; times are milliseconds since 1970 UTC, time_ms the
log's own, ts_ms the producer's (None: it did not know). cause_offset is the message that led to
this one, rule_line the line that did it. changes_json is what the cycles that this row caused
changed, as a flat JSON array `[name_id,value,name_id,value,...]`, a value being any JSON;
`-name_id,null` forgets a variable. It is the only source of state."""

Position: TypeAlias = tuple[str, int, int | None, int]
"""How far a board was heard: `(board, boot, last, seen_ms)`; last None removes the entry."""

_RAW_LIST = msgspec.json.Decoder(list[msgspec.Raw])


class Message(NamedTuple):
    """One row of the log with its numbers resolved to text. `value` is JSON text."""

    offset: int
    time_ms: int
    module: str
    variable: str
    instance: str
    value: str
    producer: str
    cause: int | None
    rule: int | None
    ts_ms: int | None


class Entry(NamedTuple):
    """A message with what its cycles changed: (module, variable, instance) -> JSON text, None where
    a variable was forgotten."""

    message: Message
    changes: dict[tuple[str, str, str], str | None]


class Recovered(NamedTuple):
    """What a mode looked like after its last written transaction."""

    offset: int
    """The last message of the log, 0 if there is none; the rest is as of it."""
    state: dict[int, str]
    """name_id -> JSON text."""
    changed: dict[int, str | None]
    """What of it has changed since `checkpoint`, None where forgotten."""
    checkpoint: int
    """The offset that the last checkpoint is good for, 0 if there is none."""
    positions: list[Position]
    """How far each board was heard in this mode."""
    released: int
    """Up to this offset the broker has confirmed outputs."""


def apply(changes: str, onto: dict[int, msgspec.Raw | None]) -> None:
    """Apply a `changes_json` to `onto`, values as they were written, None where one is forgotten.

    Raises ValueError when `changes` is not such an array.
    """
    parts = _RAW_LIST.decode(changes)
    if len(parts) % 2:
        raise ValueError("a name without a value")
    pairs = zip(map(int, parts[::2]), parts[1::2], strict=True)
    if "-" in changes:
        for name, value in pairs:
            if name < 0:
                onto[-name] = None
            else:
                onto[name] = value
    else:
        onto.update(pairs)
