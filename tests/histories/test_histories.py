"""What hubs of earlier days wrote into their logs is what this one would write, to the letter."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest

from histories import make
from histories.houses import hotel
from myocan.hub.core import Op, Program
from myocan.hub.history import Replayed, replay
from myocan.hub.history.replay import Compile
from myocan.hub.lang import compile_module
from myocan.hub.store import Entry, Message, Reader

FOLDER = Path(__file__).resolve().parent
RECORDED = sorted(file.name for file in FOLDER.glob("*.jsonl.gz"))

HINT = """
{house}: {count} differences between the recorded history and what it comes to now. The first:
{first}
To look at them: the recording is {file}, JSON lines, one a message:
  offset, time, module, variable, instance, value, producer, cause, line, sender's time, changes
If this change is meant, record anew and say in the commit why it changes what houses do:
  python tests/histories/make.py
"""


@cache
def program(name: str, text: str) -> Program | None:
    return compile_module(text, name).program


def entries(name: str) -> Iterator[Entry]:
    """Yield the messages of a recording."""
    for line in gzip.decompress((FOLDER / name).read_bytes()).decode().splitlines():
        *message, changes = json.loads(line)
        yield Entry(
            Message(*message),
            {(module, of, instance): text for module, of, instance, text in changes},
        )


def hint(name: str, found: Replayed) -> str:
    first = "\n".join(
        f"  #{one.offset}  {one.what}: recorded {one.logged}, computed {one.computed}"
        for one in found.differences[:5]
    )
    count = len(found.differences) + found.more
    return HINT.format(house=name.split(".")[0], count=count, first=first, file=FOLDER / name)


@pytest.mark.parametrize("name", RECORDED)
def test_a_recorded_history_is_computed_again_to_the_letter(name: str) -> None:
    found = replay(entries(name), program)
    assert found.equal, hint(name, found)
    assert found.inputs > 500


def test_the_recordings_hold_what_they_are_for() -> None:
    """Weeks with all that a house has, and not much of the repository."""
    said: dict[str, int] = {}
    for name in RECORDED:
        messages = [entry.message for entry in entries(name)]
        assert messages[-1].time_ms - messages[0].time_ms > 20 * make.DAY_MS
        assert (FOLDER / name).stat().st_size < 100_000
        summer_time_ends = int(datetime(2027, 10, 31, 1, tzinfo=UTC).timestamp() * 1000)
        assert messages[0].time_ms < summer_time_ends < messages[-1].time_ms
        for message in messages:
            said[message.variable] = said.get(message.variable, 0) + 1
    for variable in ("%%at%%", "$instances", "notify", "$done", "failed", "rejected", "empty"):
        assert said[variable] >= 5, variable
    assert said["%%code%%"] > 14  # modules were changed, came and went
    changes = [change for name in RECORDED for entry in entries(name) for change in entry.changes]
    assert ("ledger", "bookings", "") in changes  # a newcomer knew what was before it


def changed(op: Op, other: Op) -> Compile:
    """Return a compiler as if the core did another thing for an instruction."""

    def compile_otherwise(name: str, text: str) -> Program | None:
        found = program(name, text)
        if found is None:
            return None
        code = list(found.code)
        for pc in range(0, len(code), 4):
            if code[pc] == op:
                code[pc] = int(other)
        return replace(found, code=tuple(code))

    return compile_otherwise


@pytest.mark.parametrize(
    ("name", "op", "other"),
    [
        ("hotel.jsonl.gz", Op.ADD, Op.SUB),
        ("hotel.jsonl.gz", Op.MAX, Op.MIN),
        ("workshop.jsonl.gz", Op.DIV, Op.MUL),
        ("workshop.jsonl.gz", Op.START, Op.RESET),
        ("example.jsonl.gz", Op.SUB, Op.ADD),
        ("example.jsonl.gz", Op.CANCEL, Op.RESET),
    ],
)
def test_a_core_that_calculates_otherwise_is_caught(name: str, op: Op, other: Op) -> None:
    found = replay(entries(name), changed(op, other))
    assert not found.equal
    told = hint(name, found)
    assert "python tests/histories/make.py" in told
    assert "recorded" in told


def test_one_letter_that_is_not_what_was_recorded_is_caught() -> None:
    lived = list(entries("hotel.jsonl.gz"))
    place = next(place for place, entry in enumerate(lived) if entry.message.variable == "mean")
    message = lived[place].message
    lived[place] = lived[place]._replace(message=message._replace(value=message.value + "0"))
    (found,) = replay(lived, program).differences
    assert (found.offset, found.logged) == (message.offset, message.value + "0")


def test_a_house_can_be_recorded_anew(tmp_path: Path) -> None:
    path = make.live(hotel(), tmp_path / "house", 11)
    packed = make.record(path)
    with Reader(path) as reader:
        assert replay(reader.entries(), program).equal
        late = make.START_MS + 10 * make.DAY_MS
        assert replay(reader.entries(), program, late).equal
    assert gzip.decompress(packed).count(b"\n") > 1000
