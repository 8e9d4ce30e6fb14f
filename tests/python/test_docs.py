"""Every example of docs/python-modules.md is run, and comes out as the page says; so is the house.

A module of the page is called as its class.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from myocan.hub.house import House
from myocan.hub.lang import compile_module
from myocan.hub.scenario import read_scenarios, run_scenario, run_scenarios
from myocan.tools.house_check import check_house
from myocan.tools.scenario_files import find_scenarios
from scenario.playing import cast_of

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "python-modules.md"
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
GREENHOUSE = ROOT / "examples" / "greenhouse"


def examples() -> Iterator[tuple[str, str, str]]:
    """Yield (module, scenarios, answer) of each example."""
    module = ""
    for (kind, text), (_, answer) in pairwise([*BLOCKS, ("", "")]):
        if kind == "python":
            module = text
        elif kind == "scenario":
            yield module, text, answer


@pytest.mark.parametrize(
    "example", list(examples()), ids=lambda example: example[1].splitlines()[0]
)
def test_an_example_comes_out_as_the_page_says(example: tuple[str, str, str]) -> None:
    module, text, answer = example
    named = re.search(r"^class (\w+)\(Module", module, re.M)
    assert named is not None
    name = named[1].lower()
    assert compile_module(module, name).diagnostics == []
    cast = cast_of({name: module})
    read = read_scenarios(text, "m.scenario", cast)
    assert read.diagnostics == []
    outcomes = [run_scenario(scenario, cast) for scenario in read.scenarios]
    assert [one.failure for one in outcomes if not one.passed] == []
    assert answer == f"{len(outcomes)} scenario: {len(outcomes)} passed\n"


def test_no_block_of_the_page_is_left_out() -> None:
    kinds = [kind for kind, _ in BLOCKS]
    assert set(kinds) == {"python", "scenario", "passed", "text"}
    assert kinds.count("python") == kinds.count("scenario") == kinds.count("passed")


def test_the_greenhouse_is_right_and_its_scenarios_pass() -> None:
    assert check_house(House.load(GREENHOUSE)) == []
    found = find_scenarios([GREENHOUSE], None)
    assert found.findings == []
    outcomes = list(run_scenarios(found.jobs, workers=1))
    assert [one.title for one in outcomes if not one.passed] == []
    assert len(outcomes) == 5


@pytest.mark.parametrize(("right", "wrong"), [
    ("/ 5", "/ 4"), (">= 5", ">= 50"), ("self.by_hand.start()", "pass"),
    ('"rain"\n', '"follows"\n'),
    ("/ (high - low)", "/ high"),
])  # fmt: skip
def test_the_scenarios_of_the_greenhouse_notice_a_mistake(
    right: str, wrong: str, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(GREENHOUSE, tmp_path / "house"))
    file = folder / "modules" / "vent.py"
    text = file.read_text()
    assert right in text
    file.write_text(text.replace(right, wrong))
    found = find_scenarios([folder], None)
    assert not all(one.passed for one in run_scenarios(found.jobs, workers=1))
