"""Programs are written and read back, and one that is damaged says what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from core.assemble import assemble
from core.houses import Case, cases
from myocan.hub.core import Op, Program, Role, Type, Variable
from myocan.hub.core.program import FORMAT, disassemble


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_a_program_comes_back_equal_from_its_one_line_of_text(case: Case) -> None:
    for module in case.modules:
        program = assemble(module, case.short)
        text = program.to_json()
        again = Program.from_json(text)
        assert again == program
        assert again.to_json() == text
        assert "\n" not in text


TEXT = Program("m", (), (int(Op.MATCHED), 0, 0, 0)).to_json()


def without(key: str) -> str:
    plain: dict[str, Any] = json.loads(TEXT)
    del plain[key]
    return json.dumps(plain)


DAMAGED = {
    "nothing": "",
    "half": TEXT[: len(TEXT) // 2],
    "null": "null",
    "a list": "[]",
    "a number": "3",
    "of another format": TEXT.replace(f'"format":{FORMAT}', '"format":0'),
    "of no format": without("format"),
    "without code": without("code"),
    "without variables": without("variables"),
    "with a variable that is none": TEXT.replace('"variables":[]', '"variables":[{}]'),
    "with entries that are none": TEXT.replace('"entries":[]', '"entries":[1]'),
    "with a WHEN that is none": TEXT.replace('"whens":[]', '"whens":[{"reads":[]}]'),
    "with an AT that is none": TEXT.replace('"ats":[]', '"ats":[{"line":1}]'),
    "with a line that is none": TEXT.replace('"lines":[]', '"lines":[3]'),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_program_says_to_compile_again(damage: str) -> None:
    assert DAMAGED[damage] != TEXT
    with pytest.raises(ValueError, match="compile its source again"):
        Program.from_json(DAMAGED[damage])


def test_code_can_be_read_by_people() -> None:
    code = (int(Op.SET), 0, 1, 0, int(Op.MATCHED), 0, 0, 0)
    lit = Variable("lit", Role.PRIVATE, Type.BOOLEAN)
    program = Program.from_json(Program("m", (lit,), code, lines=((0, 7),)).to_json())
    first, second = disassemble(program).splitlines()
    assert "SET" in first
    assert "line 7" in first
    assert "MATCHED" in second
