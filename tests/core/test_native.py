"""The constants of the compiled build are those that people read."""

from __future__ import annotations

import re
from enum import IntEnum
from pathlib import Path

import pytest

from myocan.hub import core
from myocan.hub.core import ClockPart, Failure, Op, Role, Tag, Type, uncompiled
from myocan.hub.core.program import DIGITS, STACK_DEPTH

FOLDER = Path(str(core.__file__)).parent
NATIVE = (FOLDER / "native.pxd").read_text(encoding="utf-8")
CONSTANTS = [
    {name: int(value) for name, value in re.findall(r"(\w+) = (-?\d+)", block)}
    for block in re.findall(r"cdef enum:[^\n]*\n((?:    \w+ = -?\d+\n)+)", NATIVE)
]


@pytest.mark.parametrize(("meaning", "suffix"), [
    (Type, ""), (Role, ""), (Tag, "_TAG"), (Failure, ""), (Op, ""),
    (ClockPart, "_PART"),
])  # fmt: skip
def test_a_meaning_has_the_same_numbers_in_both_builds(meaning: type[IntEnum], suffix: str) -> None:
    expected = {member.name + suffix: int(member) for member in meaning}
    assert expected in CONSTANTS
    assert {name: getattr(uncompiled, name) for name in expected} == expected


@pytest.mark.parametrize("constants", CONSTANTS, ids=lambda constants: next(iter(constants)))
def test_the_compiled_build_has_no_constants_of_its_own(constants: dict[str, int]) -> None:
    assert {name: getattr(uncompiled, name) for name in constants} == constants


def test_the_compiled_stack_and_powers_have_the_documented_size() -> None:
    machine = (FOLDER / "machine.pxd").read_text(encoding="utf-8")
    assert f"int128 _stack[{STACK_DEPTH}]" in machine
    powers = re.search(r"myocan_power\[(\d+)\] = \{([^}]*)\}", NATIVE)
    assert powers is not None
    numbers = [int(number) for number in re.findall(r"(\d+)LL", powers[2])]
    assert numbers == [10**i for i in range(int(powers[1]))]
    assert len(numbers) > DIGITS
