"""Programs are written and read back, and one that is damaged says what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from core.assemble import assemble
from core.houses import Case, cases
from myocan.hub.core import Op, Program
from myocan.hub.core.stored import FORMAT, read_program, write_program


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_a_program_comes_back_equal_from_its_one_line_of_text(case: Case) -> None:
    for module in case.modules:
        program = assemble(module, case.short)
        text = write_program(program)
        again = read_program(text)
        assert again == program
        assert write_program(again) == text
        assert "\n" not in text


TEXT = write_program(Program("m", (), (int(Op.MATCHED), 0, 0, 0)))


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
        read_program(DAMAGED[damage])
