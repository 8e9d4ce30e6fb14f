"""Maps keep a value for each key; attributes tell of messages and changes."""

from __future__ import annotations

from array import array
from dataclasses import replace
from decimal import Decimal

import pytest

from core.assemble import batch, send
from myocan.hub.core import (
    Attribute,
    AttributeKind,
    Core,
    Op,
    Program,
    Role,
    Tag,
    Type,
    Variable,
    When,
)
from myocan.hub.core.scalars import parse_scalar

KEY, MODE, COUNT = range(3)
MAPPED = (
    Variable("key", Role.SUBSCRIBE, Type.ANY, ("", "m", "key"), line=2),
    Variable("mode", Role.PUBLIC, Type.ENUMERATION, ("", "m", "mode"), members=("off", "on"),
             line=3, map=True),
    Variable("count", Role.PUBLIC, Type.DECIMAL, ("", "m", "count"), line=4),
)  # fmt: skip


def code(*instructions: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(
        number
        for instruction in instructions
        for number in (*map(int, instruction), *(0,) * (4 - len(instruction)))
    )


def mapped(**changes: object) -> Program:
    """A module that turns over `mode[key]`, and counts how often a value of the map changes."""
    body = code(
        (Op.LOAD_TEXT, KEY), (Op.SELECT_BY, MODE), (Op.NEXT, MODE), (Op.DESELECT,), (Op.MATCHED,),
        (Op.MATCHED,),
        (Op.ADD_CONST, COUNT, 1), (Op.MATCHED,),
    )  # fmt: skip
    program = Program(
        "m", MAPPED, body, entries={KEY: 0}, whens=(When(20, 24, (MODE,), 6),), lines=((0, 5),)
    )
    return replace(program, **changes)  # type: ignore[arg-type]


def test_each_key_of_a_map_has_its_own_value() -> None:
    core = Core()
    core.link([mapped()])
    send(core, ("m.key", "a"), ("m.key", "b"), ("m.key", "a"))
    assert core.snapshot() == {
        ("m", "key", ""): '"a"', ("m", "count", ""): "3",
        ("m", "mode", "a"): '"off"', ("m", "mode", "b"): '"on"',
    }  # fmt: skip
    assert core.read("m", "mode", "b") == (Tag.TEXT, core.intern("on"))
    assert core.read("m", "mode", "never") == (Tag.TEXT, core.intern("off"))


def test_the_values_of_a_map_survive_restoring_relinking_and_compaction() -> None:
    core = Core()
    core.link([mapped()])
    send(core, *(("m.key", f"key {number}") for number in range(50)))
    snapshot = core.snapshot()
    core.link([mapped(texts=("another",))])
    assert core.snapshot() == snapshot
    other = Core()
    other.link([mapped()])
    for (module, name, key), text in snapshot.items():
        assert other.restore(module, name, *parse_scalar(text, other.intern), key)
    assert other.snapshot() == snapshot
    send(core, ("m.key", "key 7"))
    assert core.snapshot()["m", "mode", "key 7"] == '"off"'


def test_a_failing_cycle_leaves_a_map_as_it_was() -> None:
    failing = list(mapped().code)
    failing[16:16] = code((Op.PUSH, 1, 0), (Op.PUSH, 0, 0), (Op.DIV,))
    core = Core()
    core.link([mapped(code=tuple(failing), whens=())])
    assert [name for name, _text in send(core, ("m.key", "a"))] == ["$log.failed"]
    assert core.snapshot() == {}


def test_a_value_of_a_map_without_a_key_is_none() -> None:
    core = Core()
    core.link([mapped()])
    assert not core.restore("m", "mode", Tag.TEXT, core.intern("on"), "")
    assert not core.restore("m", "mode", Tag.TEXT, core.intern("on"), "ä" * 33)
    assert core.read("m", "mode") is None


DOOR, STAMP, OFFSET, PRODUCER, TOPIC, MODIFIED, SEEN, SEEN_MODIFIED = range(8)


def observing() -> Program:
    decimal = Variable("door#offset", Role.PRIVATE, Type.DECIMAL)
    text = Variable("door#topic", Role.PRIVATE, Type.TEXT, initial="")
    seconds = replace(decimal, decimals=3)
    return Program(
        "m",
        (
            Variable("door", Role.SUBSCRIBE, Type.ANY, ("net.example", "gate", "door"), line=1),
            replace(seconds, name="door#timestamp"),
            decimal,
            replace(text, name="door#producer"),
            text,
            replace(seconds, name="door#modified"),
            Variable("seen", Role.PUBLIC, Type.DECIMAL, ("", "m", "seen"), decimals=3),
            replace(seconds, name="seen#modified"),
        ),
        code((Op.COPY, SEEN, STAMP), (Op.MATCHED,)),
        entries={0: 0},
        attributes=(
            Attribute(AttributeKind.TIMESTAMP, DOOR, STAMP),
            Attribute(AttributeKind.OFFSET, DOOR, OFFSET),
            Attribute(AttributeKind.PRODUCER, DOOR, PRODUCER),
            Attribute(AttributeKind.TOPIC, DOOR, TOPIC),
            Attribute(AttributeKind.MODIFIED, DOOR, MODIFIED),
            Attribute(AttributeKind.MODIFIED, SEEN, SEEN_MODIFIED),
        ),
    )


def test_attributes_tell_when_where_and_by_whom_a_message_was_sent() -> None:
    core = Core()
    core.link([observing()])
    topics, tags, values = batch(core, [(("net.example", "gate", "door"), "open")] * 2)
    senders = array("q", (core.intern("porch"), -1))
    core.run(topics, tags, values, 5000, None, 70, senders, array("q", (1234, 0)))
    assert core.snapshot() == {
        ("m", "door", ""): '"open"',
        ("m", "door#timestamp", ""): "5.000",
        ("m", "door#offset", ""): "72",
        ("m", "door#producer", ""): '""',
        ("m", "door#topic", ""): '"net.example.gate.door"',
        ("m", "door#modified", ""): "5.000",
        ("m", "seen", ""): "5.000",
        ("m", "seen#modified", ""): "5.000",
    }
    assert [row[2] for row in core.rows() if core.topics[row[0]][2] == "seen"] == [1234, 5000]


def test_a_value_that_stays_is_not_modified() -> None:
    core = Core()
    core.link([observing()])
    for now, said in ((1000, "open"), (2000, "open"), (3000, "shut")):
        core.run(*batch(core, [(("net.example", "gate", "door"), said)]), now)
        expected = 1000 if now < 3000 else 3000
        assert core.read("m", "door#modified") == (3, expected)


def test_what_a_module_says_has_the_module_as_its_producer() -> None:
    says = Program(
        "says",
        (
            Variable("go", Role.SUBSCRIBE, Type.ANY, ("", "says", "go")),
            Variable("door", Role.PUBLIC, Type.DECIMAL, ("net.example", "gate", "door")),
        ),
        code((Op.ADD_CONST, 1, 1), (Op.MATCHED,)),
        entries={0: 0},
    )
    core = Core()
    core.link([says, observing()])
    send(core, ("says.go", None))
    assert core.snapshot()["m", "door#producer", ""] == '"says"'
    assert core.snapshot()["m", "door#offset", ""] == "1"


@pytest.mark.parametrize(
    "columns",
    [{"instances": [0, 0]}, {"instances": [9999]}, {"producers": [-2]}, {"stamps": []}],
)
def test_columns_that_mean_nothing_are_refused_whole(columns: dict[str, list[int]]) -> None:
    core = Core()
    core.link([observing()])
    message = batch(core, [(("net.example", "gate", "door"), Decimal(1))])
    with pytest.raises(ValueError, match=r"of the batch|each message of a batch"):
        core.run(*message, 0, **{name: array("q", cells) for name, cells in columns.items()})
    assert core.snapshot() == {}
