"""Whatever stands in a file of scenarios: an answer, never an exception, and never a long wait."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myocan.hub.scenario import format_scenarios
from scenario.promises import scenarios_answered, scenarios_formatted
from scenario.telling import told

some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@some
@given(st.integers(0, 2**32))
def test_whatever_is_told_gets_an_answer(seed: int) -> None:
    text = told(seed)
    scenarios_answered(text)
    scenarios_formatted(text)


@some
@given(st.one_of(st.binary(max_size=200), st.text(max_size=150)))
def test_bytes_and_characters_get_an_answer(source: str | bytes) -> None:
    scenarios_answered(source)
    scenarios_formatted(source)


HUGE = {
    "many scenarios": "".join(f"SCENARIO a{n}\nSEND button1.press\n" for n in range(4000)),
    "many steps": "SCENARIO a\n" + "SEND button1.press\n" * 12_000,
    "a long title": "SCENARIO " + "a //b" * 50_000,
    "many slashes": "SCENARIO " + "/" * 260_000,
    "many blanks": "SCENARIO" + " " * 130_000 + "x" + " " * 130_000,
    "a long name": "SCENARIO a\nSEND " + "a." * 120_000,
    "a long key": "SCENARIO a\nSEND lamp1[" + "x" * 250_000 + "].state",
    "a long number": "SCENARIO a\nSET lamp1.level = " + "9" * 250_000,
    "a long duration": "SCENARIO a\nADVANCE " + "1 minute " * 28_000,
    "many arguments": "SCENARIO a\nEXPECT CALL f(" + "1, " * 80_000 + "1)",
    "too much": "SCENARIO a\n" * 30_000,
    "many comments": "//\n\n" * 60_000,
}


@pytest.mark.parametrize("what", HUGE)
def test_a_huge_file_is_answered_in_time(what: str) -> None:
    before = time.process_time()
    scenarios_answered(HUGE[what])
    format_scenarios(HUGE[what], "m.scenario")
    assert time.process_time() - before < 20.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SCENARIO a\nCLOCK 23:58\nSEND button1.press\n", "2:7: the clock needs a day, too"),
        ("SCENARIO a\nSCENARIO#x\n", "2:1: a scenario begins with what it shows"),
    ],
)
def test_what_once_escaped_is_told(text: str, said: str) -> None:
    diagnostics, _ = scenarios_answered(text)
    assert str(diagnostics[0]).startswith(f"m.scenario:{said}")
