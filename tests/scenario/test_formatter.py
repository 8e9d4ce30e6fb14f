"""Scenarios have one style, too, and mean what they meant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from myocan.hub.lang.diagnostics import split_lines
from myocan.hub.scenario import format_scenarios, read_scenarios
from scenario.playing import cast_of, modules_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "scenarios.md"
SHOWN = [
    text
    for page in sorted((ROOT / "docs").glob("*.md"))
    for text in re.findall(
        r"^```scenario\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S
    )
]

MESSY = """\
// About.

scenario   the lamp  goes on // it's so
    module Lamp1 ,switch1
 clock 2027 - 06 - 01   7:05 PM
\tSend lamp [ kitchen ] . state=on // first
\tSET lamp1.level =- 3             // second
   // time goes by


ADVANCE 1 Hour 30 MINUTES
advance to noon
expect no records
expect record "does  not fit"
expect NO . x
expect log
expect No call notify ( "door open",3 )
expect lamp1.level>=-2
"""

TIDY = """\
// About.

SCENARIO the lamp goes on  // it's so
  MODULE Lamp1, switch1
  CLOCK 2027-06-01 7:05pm
  SEND lamp[kitchen].state = on  // first
  SET lamp1.level = -3           // second
  // time goes by

  ADVANCE 1 hour 30 minutes
  ADVANCE TO noon
  EXPECT NO RECORDS
  EXPECT RECORD "does  not fit"
  EXPECT NO.x
  EXPECT LOG
  EXPECT NO CALL notify("door open", 3)
  EXPECT lamp1.level >= -2
"""


def formatted(text: str) -> str:
    answer = format_scenarios(text, "m.scenario")
    assert answer.diagnostics == []
    assert answer.text is not None
    assert format_scenarios(answer.text, "m.scenario").text == answer.text
    return answer.text


def test_there_is_one_style() -> None:
    assert formatted(MESSY) == TIDY
    assert formatted(MESSY.replace("\n", "\r\n")) == TIDY
    assert formatted("\n\n") == ""


@pytest.mark.parametrize("text", SHOWN, ids=lambda text: text.splitlines()[0])
def test_what_the_documents_show_is_in_the_one_style(text: str) -> None:
    assert formatted(text) == text


def test_the_examples_are_in_the_one_style() -> None:
    for path in sorted((ROOT / "examples").rglob("*.scenario")):
        text = path.read_text(encoding="utf-8")
        assert formatted(text) == text, path


def test_scenarios_mean_the_same_however_they_were_written() -> None:
    blocks = re.findall(r"^```scc\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    cast = cast_of(modules_of("".join(blocks)))
    for text in SHOWN:
        messy = "\n".join(f"\t {line}  // x" for line in split_lines(text.replace(" = ", "=")))
        tidy, spoilt = formatted(messy), read_scenarios(messy, "m.scenario", cast)
        again = read_scenarios(tidy, "m.scenario", cast)
        assert [d.message for d in again.diagnostics] == [d.message for d in spoilt.diagnostics]
        assert [scenario.title for scenario in again.scenarios] == [
            scenario.title for scenario in spoilt.scenarios
        ]
        assert [type(step) for one in again.scenarios for step in one.steps] == [
            type(step) for one in spoilt.scenarios for step in one.steps
        ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SCENARIO x\nsent a.b\n", "m.scenario:2:1: a line of a scenario does not start with"),
        ("scenario // x\n", "m.scenario:1:1: SCENARIO needs words behind it"),
        ('SCENARIO x\nEXPECT LOG "x\n', 'm.scenario:2:12: this text has no closing "'),
        (b"SCENARIO gr\xfcn", "m.scenario:1:12: this is not text in UTF-8"),
    ],
)
def test_what_makes_no_sense_is_left_alone(text: str | bytes, said: str) -> None:
    answer = format_scenarios(text, "m.scenario")
    assert answer.text is None
    assert str(answer.diagnostics[0]).startswith(said)
