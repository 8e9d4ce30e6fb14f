"""What holds for every module that compiles."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lang import writing, writing_keys
from lang.living import Living
from lang.verify import verify
from lang.writing import DECLARATIONS, Written
from myocan.hub.core.stored import read_program, write_program
from myocan.hub.lang import compile_module

QUIET = [HealthCheck.too_slow]
few = settings(max_examples=20, deadline=None, suppress_health_check=QUIET)  # whole modules
moderate = settings(max_examples=60, deadline=None, suppress_health_check=QUIET)


@few
@given(writing.modules())
def test_what_is_well_formed_compiles_to_code_that_is_safe_to_run(text: str) -> None:
    compiled = compile_module(text, "m")
    assert [str(d) for d in compiled.diagnostics if d.severity == "error"] == []
    assert compiled.program is not None
    verify(compiled.program)


@few
@given(writing.modules())
def test_a_program_survives_being_stored_and_is_always_the_same(text: str) -> None:
    program = compile_module(text, "m").program
    assert program is not None
    assert read_program(write_program(program)) == program
    assert compile_module(text, "m").program == program


@few
@given(writing.modules(), st.lists(writing.values(), max_size=3))
def test_what_compiles_runs(text: str, messages: list[dict[str, Any]]) -> None:
    house = Living(m=text)
    for message in messages:
        house.send(*(f"m.{name} = {json.dumps(value)}" for name, value in message.items()))


@moderate
@given(writing.conditions(), writing.values())
def test_a_condition_holds_when_python_says_so_wherever_it_stands(
    condition: Written, env: dict[str, Any]
) -> None:
    text = f"""\
MODULE m
{DECLARATIONS}
SUBSCRIBE go.go 0
PUBLIC as_guard {{false,true}}
PUBLIC as_value {{false,true}}
PUBLIC as_when 0
ON go.go
  AND {condition}
  THEN as_guard = true
  THEN as_value = ({condition})
ON go.go
  THEN as_guard = false
  THEN as_value = {condition}
WHEN go.go > 0 AND ({condition})
  THEN as_when = 1
"""
    house = Living(m=text)
    house.send(*(f"m.{name} = {json.dumps(value)}" for name, value in env.items()))
    holds = bool(condition.worth(env))
    answers = house.send("go.go = 1")
    expected = [f"m.as_guard = {json.dumps(holds)}", f"m.as_value = {json.dumps(holds)}"]
    assert answers == expected + ["m.as_when = 1"] * holds


@moderate
@given(writing.numbers(), writing.values())
def test_a_number_is_worth_what_python_says(number: Written, env: dict[str, Any]) -> None:
    text = f"MODULE m\n{DECLARATIONS}\nSUBSCRIBE go.go\nPUBLIC r 0\nON go.go\n  THEN r = {number}\n"
    house = Living(m=text)
    house.send(*(f"m.{name} = {json.dumps(value)}" for name, value in env.items()))
    assert house.send("go.go") == [f"m.r = {number.worth(env)}"]


@moderate
@given(writing_keys.keyed(), writing_keys.keyed_messages())
def test_a_keyed_module_compiles_to_safe_code_and_runs(text: str, messages: list[str]) -> None:
    check_and_run(text, messages)


@moderate
@given(writing_keys.maps(), writing_keys.map_messages())
def test_a_module_with_maps_compiles_to_safe_code_and_runs(text: str, messages: list[str]) -> None:
    check_and_run(text, messages)


def check_and_run(text: str, messages: list[str]) -> None:
    compiled = compile_module(text, "m")
    assert [str(d) for d in compiled.diagnostics if d.severity == "error"] == []
    assert compiled.program is not None
    verify(compiled.program)
    assert read_program(write_program(compiled.program)) == compiled.program
    house = Living(m=text)
    for message in messages:
        house.send(message)
