"""What people are told of scenarios with mistakes, word for word.

`diagnostics.cases` holds the table, see `playing.read_cases`.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.scenario.reader import MAX_SCENARIOS, MAX_STEPS, WORDS
from scenario.playing import Case, cast_of, read, read_cases

TABLE = read_cases("diagnostics.cases")
LAMP = TABLE[0].modules


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_scenarios_are_answered_with(case: Case) -> None:
    found = read(case.modules, case.text).diagnostics
    assert [str(diagnostic) for diagnostic in found] == case.expected


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_every_diagnosis_points_into_its_line(case: Case) -> None:
    lines = case.text.split("\n")
    for found in read(case.modules, case.text).diagnostics:
        line = lines[found.line - 1]
        assert 1 <= found.column < found.end_column <= len(line) + 2


def test_scenarios_with_mistakes_are_left_out_and_the_others_are_not() -> None:
    text = """
SCENARIO right
  EXPECT lamp1.state = off
SCENARIO wrong
  EXPECT lamp1.stat = off
SCENARIO right again
  EXPECT lamp1.state = off
"""
    titles = [scenario.title for scenario in read(LAMP, text).scenarios]
    assert titles == ["right", "right again"]


def test_a_diagnosis_shows_the_line_and_a_caret_below_the_place() -> None:
    text = "SCENARIO a\n  EXPECT lamp1.state = onn\n"
    (found,) = read(LAMP, text).diagnostics
    assert found.render(text).split("\n") == [
        "m.scenario:2:24: 'onn' is not one of {off, on}; did you mean 'on'?",
        "  EXPECT lamp1.state = onn",
        "                       ^",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SCENARIO a\n" + "x" * (256 * 1024), "this file is too large; at most 256 KiB are read"),
        ("SCENARIO " + "x" * 201, "this is too long; say it in 200 letters"),
        (
            "".join(f"SCENARIO {n}\nEXPECT lamp1.state = off\n" for n in range(MAX_SCENARIOS + 1)),
            "a file holds at most 1000 scenarios; split it up",
        ),
        (
            "SCENARIO a\n" + "EXPECT lamp1.state = off\n" * (MAX_STEPS + 1),
            "a scenario has at most 1000 steps; split it up",
        ),
        ("SCENARIO a\nCREATE lamp1[" + "x" * 65 + "]", "a key has 1 to 64 bytes"),
        ("SCENARIO a\nEXPECT lamp1.dim = " + "9" * 5000, "this number is too large"),
    ],
    ids=["file", "title", "scenarios", "steps", "key", "number"],
)
def test_what_is_too_much_is_told(text: str, said: str) -> None:
    assert said in read(LAMP, text).diagnostics[0].message


def test_bytes_that_are_no_text_are_told() -> None:
    from myocan.hub.scenario import read_scenarios

    (found,) = read_scenarios(b"SCENARIO \xff", "m.scenario", cast_of(LAMP)).diagnostics
    assert "UTF-8" in found.message


_PIECES = st.sampled_from(
    [
        *WORDS, "\n", "\n", "\n", " ", ".", "[", "]", "=", "!=", "<", ">", ",", "(", ")", "-", '"',
        "lamp1", "state", "mode", "on", "off", "auto", "blink", "NO", "TO", "RECORD", "RECORDS",
        "CALL", "LOG", "notify", "2027-06-01", "12:00", "noon", "5", "0.5", "minutes", "days",
        "//", "button1.press", "lamp1.state", "lamp1.mode", '"x y"', "\x00", "\ufeff", "ä", "{",
    ]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=60).map(" ".join))
@settings(deadline=None, max_examples=200)
def test_any_text_gets_an_answer(text: str) -> None:
    _answered(text)


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_any_bytes_get_an_answer(source: bytes) -> None:
    _answered(source)


def _answered(source: str | bytes) -> None:
    from myocan.hub.scenario import read_scenarios, run_scenario

    cast = cast_of({"lamp1": LAMP["lamp1"]})
    found = read_scenarios(source, "m.scenario", cast)
    for diagnostic in found.diagnostics:
        assert diagnostic.message
    for scenario in found.scenarios:
        run_scenario(scenario, cast)
