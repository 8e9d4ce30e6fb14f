"""A commit of several fields: all are stored wherever they are heard before the first cycle."""

from __future__ import annotations

import json
from array import array
from typing import Any

import pytest

from core.assemble import rows_of
from myocan.hub.core import Core, Tag
from myocan.hub.core.linker import COMMIT, COMMIT_TOPIC
from myocan.hub.core.stored import read_program, write_program
from myocan.hub.lang import compile_module

HEATER = "MODULE heater\nSUBSCRIBE setpoint {5-95}\nSUBSCRIBE enabled {false, true}\n"
PUMP = "MODULE pump\nSUBSCRIBE speed {0-100}\n"
ROOM = "MODULE room[room] AUTO\nSUBSCRIBE warm[room] {false, true}\nSUBSCRIBE aim[room] {5-30}\n"
BOTH = """MODULE both
SUBSCRIBE heater.setpoint {5-95} AS aim
SUBSCRIBE heater.enabled {false, true} AS enabled
SUBSCRIBE pump.speed {0-100} AS speed
PUBLIC seen ""
PRIVATE told 0
ON aim
    THEN log("aim", aim, enabled, speed)
ON enabled
    THEN log("enabled", aim, enabled, speed)
WHEN speed > 0
    THEN log("speed", aim, enabled, speed)
"""
EACH = """MODULE each[room]
SUBSCRIBE room[room].warm {false, true} AS warm
SUBSCRIBE room[room].aim {5-30} AS aim
ON aim
    THEN log("aim", room, aim, warm)
ON warm
    THEN log("warm", room, aim, warm)
"""


def core_of(*texts: str) -> Core:
    core = Core()
    programs = [compile_module(text, text.split()[1].partition("[")[0]).program for text in texts]
    core.link([program for program in programs if program is not None])
    assert len(core.programs) == len(texts)
    return core


def commit(core: Core, fields: object) -> list[tuple[str, str]]:
    text = core.intern(fields if isinstance(fields, str) else json.dumps(fields))
    one = array("q", [core.topic(COMMIT_TOPIC)])
    assert one[0] == COMMIT
    core.run(one, array("q", [int(Tag.TEXT)]), array("q", [text]), 1)
    return [(".".join(topic[1:]), text) for topic, text, *_ in rows_of(core)]


def said(rows: list[tuple[str, str]], topic: str) -> list[Any]:
    return [json.loads(text) for name, text in rows if name == topic]


def test_who_hears_one_field_knows_all() -> None:
    core = core_of(HEATER, PUMP, BOTH)
    fields = {"heater.setpoint": 21, "heater.enabled": True, "pump.speed": 40}
    rows = commit(core, fields)
    assert [name for name, _ in rows[1:4]] == ["heater.setpoint", "heater.enabled", "pump.speed"]
    assert said(rows, "$log.info") == [
        "aim 21 true 40",
        "enabled 21 true 40",
        "speed 21 true 40",
    ]
    state = core.snapshot()
    assert state["heater", "setpoint", ""] == "21"
    assert state["both", "speed", ""] == "40"
    written = [(slot, value) for _row, slot, _tag, value, _key in core.changes()]
    assert len(written) == 6  # each field, once with its model and once with who hears it


def test_what_stays_as_it_was_is_no_change() -> None:
    core = core_of(HEATER, PUMP, BOTH)
    commit(core, {"heater.setpoint": 21, "pump.speed": 40})
    rows = commit(core, {"heater.setpoint": 30, "pump.speed": 40})
    assert said(rows, "$log.info") == ["aim 30 false 40"]


def test_all_of_it_is_refused_if_one_field_cannot_be() -> None:
    core = core_of(HEATER, PUMP, BOTH)
    for fields in (
        {"heater.setpoint": 21, "pump.speed": 101},
        {"heater.setpoint": 21, "pump.spede": 1},
        {"heater.setpoint": 21, "both.seen": "x"},
        {"heater.setpoint": 21, "both.speed": 1},
        {"heater.setpoint": 21, "heater[kitchen].enabled": True},
        {"heater.setpoint": 21, "pump.speed": [1]},
        {"heater.setpoint": 1e400 - 1e400},
        "[]",
        "{",
        "{}",
    ):
        rows = commit(core, fields)
        assert [name for name, _ in rows] == ["$state.commit", "$log.rejected"], fields
    assert core.snapshot() == {}


def test_a_text_with_a_pattern_is_nothing_else_whoever_says_it() -> None:
    gate = 'MODULE gate\nSUBSCRIBE plate {"[A-Z]{1,3}-[0-9]+"} = "A-1"\nSUBSCRIBE note ""\n'
    clerk = """MODULE clerk
SUBSCRIBE desk.said ""
PUBLIC gate.plate {"[A-Z]{1,3}-[0-9]+"} = "A-1" AS plate
PUBLIC gate.note ""
ON desk.said
    THEN gate.note = desk.said
    THEN plate = desk.said
"""
    core = core_of(gate, clerk)

    def say(text: str, topic: tuple[str, str, str] = ("", "desk", "said")) -> list[tuple[str, str]]:
        number = core.intern(text)
        core.run(
            array("q", [core.topic(topic)]), array("q", [int(Tag.TEXT)]), array("q", [number]), 1
        )
        return [(".".join(topic[1:]), text) for topic, text, *_ in rows_of(core)][1:]

    assert say("KA-17") == [("gate.plate", '"KA-17"'), ("gate.note", '"KA-17"')]
    for wrong in ("ka-17", "KA-17\n", "KA-17 ", "", "KA-" + "1" * 4000 + "x"):
        rows = say(wrong)
        assert [name for name, _ in rows] == ["$log.failed"], wrong  # the note is undone, too
        assert "a value outside its variable's constraint" in rows[0][1]
        (row,) = commit(core, {"gate.plate": wrong, "gate.note": "x"})[1:]
        assert "does not fit: expected a text that matches [A-Z]{1,3}-[0-9]+" in row[1]
        assert [name for name, _ in say(wrong, ("", "gate", "plate"))] == ["$log.rejected"]
    assert not core.restore("gate", "plate", Tag.TEXT, core.intern("x"))
    state = core.snapshot()
    assert {state[name, "plate", ""] for name in ("gate",)} == {'"KA-17"'}
    assert state["gate", "note", ""] == '"KA-17"'
    for program in core.programs:
        assert read_program(write_program(program)) == program
    forged = write_program(core.programs[0]).replace('"pattern":""', '"pattern":"("', 1)
    with pytest.raises(ValueError, match="not a stored program"):
        read_program(forged)


def test_fields_of_instances_are_known_before_the_first_cycle() -> None:
    core = core_of(ROOM, EACH)
    core.restore("each", "$instances", Tag.BOOL, 1, "hall")
    rows = commit(core, {"room[hall].warm": True, "room[hall].aim": 20})
    assert said(rows, "$log.info") == ["warm hall 20 true", "aim hall 20 true"]
    assert core.snapshot()["each", "aim", "hall"] == "20"


def test_who_is_born_of_a_commit_knows_all_of_it() -> None:
    core = core_of(ROOM, EACH.replace("each[room]", "each[room] AUTO"))
    rows = commit(core, {"room[hall].warm": True, "room[hall].aim": 20, "room[attic].aim": 9})
    assert said(rows, "$log.info") == [
        "warm hall 20 true",
        "aim hall 20 true",
        "aim attic 9 false",
    ]
    changed = [(slot, key) for _row, slot, _tag, _value, key in core.changes()]
    assert len(changed) == len(set(changed))  # births and fields, each once
    state = core.snapshot()
    assert (state["each", "warm", "hall"], state["each", "aim", "hall"]) == ("true", "20")
    assert ("each", "warm", "attic") not in state


def test_who_is_not_born_because_its_cycle_failed_is_born_of_the_next_field() -> None:
    failing = """MODULE each[room] AUTO
SUBSCRIBE room[room].warm {false, true} AS warm
SUBSCRIBE room[room].aim {5-30} AS aim
PRIVATE told[room] 0
ON aim
    THEN log("aim", room, aim, warm)
ON warm
    THEN told = 1 / told
"""
    core = core_of(ROOM, failing)
    rows = commit(core, {"room[hall].warm": True, "room[hall].aim": 20})
    assert len(said(rows, "$log.failed")) == 1
    assert said(rows, "$log.info") == ["aim hall 20 false"]
    assert ("each", "warm", "hall") not in core.snapshot()


def test_a_cycle_that_fails_leaves_the_other_fields_alone() -> None:
    broken = BOTH.replace(
        'ON aim\n    THEN log("aim", aim, enabled, speed)', "ON aim\n    THEN told = 1 / told"
    )
    core = core_of(HEATER, PUMP, broken)
    rows = commit(core, {"heater.setpoint": 21, "heater.enabled": True})
    assert len(said(rows, "$log.failed")) == 1
    assert said(rows, "$log.info") == ["enabled 5 true 0"]
    assert core.snapshot()["both", "enabled", ""] == "true"
    assert ("both", "aim", "") not in core.snapshot()
