"""A kept program that is damaged is refused, whatever is wrong with it; a sound one is not."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from myocan.hub.core import Op
from myocan.hub.core.program import INT64_MAX
from myocan.hub.core.soundness import check
from myocan.hub.core.stored import read_program, write_program
from myocan.hub.lang import compile_module

TEXT = """MODULE m
    SUBSCRIBE button1.press
    SUBSCRIBE level.now 0.0
    PUBLIC state {off, on}
    PUBLIC words "nothing"
    PRIVATE count 0
    TIMER rest 5 minutes
    ON button1.press
    AND count < 5
        THEN next(state)
        THEN count++
        THEN words = "pressed"
        THEN start(rest)
    ON rest
        THEN state.off
    WHEN level.now * 2 > count + 1
        THEN log("much", level.now)
        THEN count = round(level.now / 3)
"""


def plain() -> dict[str, Any]:
    """A program as it is kept, to be damaged."""
    program = compile_module(TEXT, "m").program
    assert program is not None
    kept: dict[str, Any] = json.loads(write_program(program))
    return kept


def places(kept: dict[str, Any], *ops: Op) -> list[int]:
    """Where such instructions are."""
    return [pc for pc in range(0, len(kept["code"]), 4) if kept["code"][pc] in ops]


def refused(kept: dict[str, Any]) -> str:
    with pytest.raises(ValueError, match="compile its source again") as refusal:
        read_program(json.dumps(kept))
    return str(refusal.value)


def test_a_sound_program_comes_back() -> None:
    check(read_program(json.dumps(plain())))


@pytest.mark.parametrize("target", [-4, 2, 1 << 40, -INT64_MAX])
def test_a_jump_to_where_no_instruction_is_is_refused(target: int) -> None:
    for pc in places(plain(), Op.JUMP, Op.JUMP_IF, Op.JUMP_UNLESS, Op.UNLESS_LT, Op.UNLESS_EQ):
        kept = plain()
        kept["code"][pc + 1] = target
        assert "jumps to where no instruction is" in refused(kept)


def test_a_run_that_would_never_end_is_refused() -> None:
    (pc, *_) = places(plain(), Op.UNLESS_LT)
    kept = plain()
    kept["code"][pc + 1] = pc
    assert "never come to an end" in refused(kept)


@pytest.mark.parametrize(
    "instruction", [(Op.PUSH_TEXT, 99, 0, 0), (Op.JUMP, INT64_MAX, 0, 0), (Op.CALL, -1, 0, 0)]
)
def test_code_that_no_way_leads_to_can_be_linked(instruction: tuple[int, ...]) -> None:
    kept = plain()
    kept["code"] += instruction
    refused(kept)


DAMAGE: dict[str, tuple[Op, int, Any]] = {
    "a variable that is not there": (Op.NEXT, 1, 99),
    "a variable below zero": (Op.NEXT, 1, -1),
    "a variable of another type": (Op.NEXT, 1, 4),
    "a member that is not there": (Op.SET, 2, 7),
    "a text that is not there": (Op.SET_TEXT, 2, 99),
    "a piece that is not there": (Op.PIECE_TEXT, 1, -2),
    "a power of ten that is not there": (Op.LOAD, 2, 40),
    "a level that is not there": (Op.LOG, 1, 8),
    "digits that are not there": (Op.ROUND, 1, 10),
    "no instruction": (Op.MATCHED, 0, 3000),
    "a number where a text belongs": (Op.LOAD, 0, int(Op.PUSH_TEXT)),
    "one that takes what is not there": (Op.NEXT, 0, int(Op.STORE)),
    "what is an instance's": (Op.PIECE_TEXT, 0, int(Op.PIECE_KEY)),
    "no whole number": (Op.NEXT, 1, 1.5),
    "a number beyond 64 bits": (Op.NEXT, 1, 1 << 64),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_instruction_that_names_what_is_not_there_is_refused(damage: str) -> None:
    op, operand, value = DAMAGE[damage]
    kept = plain()
    kept["code"][places(kept, op)[0] + operand] = value
    refused(kept)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("code", [35, 0]),
        ("entries", [[99, 0]]),
        ("entries", [[0, 1]]),
        ("texts", [1, 2, 3]),
        ("module", 5),
        ("auto", "yes"),
        ("attributes", [{"kind": 0, "of": 99, "variable": 0}]),
        ("lines", [["0", 1]]),
    ],
)
def test_what_is_around_the_code_is_looked_at_too(key: str, value: Any) -> None:
    kept = plain()
    kept[key] = value
    refused(kept)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("decimals", 10),
        ("initial", 2**64),
        ("initial", "a text"),
        ("topic", ["only one"]),
        ("members", [5]),
        ("keyed", 1),
        ("type", 99),
    ],
)
def test_a_damaged_variable_is_refused(key: str, value: Any) -> None:
    kept = plain()
    kept["variables"][1][key] = value
    refused(kept)


@pytest.mark.parametrize("seed", range(200))
def test_a_program_with_a_few_other_numbers_is_refused_or_can_be_linked(seed: int) -> None:
    chance = random.Random(seed)
    kept = plain()
    for _ in range(3):
        kept["code"][chance.randrange(len(kept["code"]))] = chance.randrange(-2, 70)
    try:
        program = read_program(json.dumps(kept))
    except ValueError:
        return
    assert program.module == "m"
