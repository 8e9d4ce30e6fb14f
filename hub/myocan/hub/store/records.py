"""A store as JSON lines: what a line may be.

The one idea: **names instead of numbers, values letter by letter**, one object a line, told apart
by `is`. So any tool reads it, any version can, and what comes in is what went out.

    store     the first line: format, schema, myocan's version, identity, incarnation
    meta      further rows of `meta`
    program   a compiled form
    mode      what follows belongs to it; its log is exact behind offset `after`, up to `last`
    start     a start of the hub
    position  how far a board was heard, as of `last`
    value     a variable's value after message `after`
    gone      messages `first` to `last` are not there: taken out, or lost with a damaged store
    message   a row of the log; `changes` as [module, variable, instance, value], without a value
              for one that is forgotten
    end       the last line: how many there were before it, and what was wrong with the store

What is not there is null, empty or 0. Messages up to `after` are history: the state does not follow
from them.
"""

import msgspec

__all__ = [
    "FORMAT",
    "AnyRecord",
    "EndRecord",
    "GoneRecord",
    "MessageRecord",
    "MetaRecord",
    "ModeRecord",
    "PositionRecord",
    "ProgramRecord",
    "StartRecord",
    "StoreRecord",
    "ValueRecord",
    "encode",
]

FORMAT = 1
"""The number of this format; who changes what a line means adds 1."""


class Record(msgspec.Struct, tag_field="is", omit_defaults=True):
    """A line."""


class StoreRecord(Record, tag="store"):
    format: int
    schema: int
    version: str
    identity: str
    incarnation: int


class MetaRecord(Record, tag="meta"):
    key: str
    value: str | int | None


class ProgramRecord(Record, tag="program"):
    key: str
    compiled: str


class ModeRecord(Record, tag="mode"):
    name: str
    after: int
    last: int
    released: int


class StartRecord(Record, tag="start"):
    incarnation: int
    first: int
    note: str = ""


class PositionRecord(Record, tag="position"):
    board: str
    boot: int
    last: int
    seen: int


class ValueRecord(Record, tag="value"):
    value: msgspec.Raw
    module: str
    variable: str
    instance: str = ""


class GoneRecord(Record, tag="gone"):
    """Offsets that come next, and have no messages."""

    first: int
    last: int


class MessageRecord(Record, tag="message"):
    offset: int
    time: int
    module: str
    variable: str
    value: msgspec.Raw
    producer: str
    instance: str = ""
    cause: int | None = None
    rule: int | None = None
    ts: int | None = None
    changes: list[list[msgspec.Raw]] = []


class EndRecord(Record, tag="end"):
    lines: int
    problems: list[str] = []


AnyRecord = (
    StoreRecord
    | MetaRecord
    | ProgramRecord
    | ModeRecord
    | StartRecord
    | PositionRecord
    | ValueRecord
    | GoneRecord
    | MessageRecord
    | EndRecord
)

encode = msgspec.json.Encoder().encode
