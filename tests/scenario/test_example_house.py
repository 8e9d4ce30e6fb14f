"""The example house is right, and its scenarios notice when a rule is broken."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.hub.scenario import Outcome, run_scenarios
from myocan.tools.example_house import PORCH, copy_example_house, example_house
from myocan.tools.house_check import check_house
from myocan.tools.scenario_files import find_scenarios

if TYPE_CHECKING:
    from myocan.hub.house import House


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the whole example house, to break."""
    kept = shutil.ignore_patterns(".myocan", "__pycache__")
    return Path(shutil.copytree(example_house(), tmp_path / "house", ignore=kept))


def opened(folder: Path) -> House:
    from myocan.hub.house import House

    return House.load(folder)


def run(folder: Path) -> list[Outcome]:
    """Run all scenarios of a house, which have no mistakes."""
    found = find_scenarios([folder], None)
    assert found.findings == []
    return list(run_scenarios(found.jobs, workers=1))


def test_nothing_is_wrong_with_it() -> None:
    assert check_house(opened(example_house())) == []


def test_its_scenarios_pass_and_there_are_at_least_twenty() -> None:
    outcomes = run(example_house())
    assert [outcome.title for outcome in outcomes if not outcome.passed] == []
    assert len(outcomes) >= 20


def test_every_module_of_it_is_in_a_scenario() -> None:
    house = opened(example_house())
    texts = "".join(file.read_text() for file in house.scenarios())
    assert [file.stem for file in house.modules() if f"EXPECT {file.stem}" not in texts] == []


def test_a_new_house_begins_with_its_porch_whose_scenarios_pass(tmp_path: Path) -> None:
    assert [str(file) for file in copy_example_house(tmp_path / "new")] == list(PORCH)
    assert all(outcome.passed for outcome in run(tmp_path / "new"))


@pytest.mark.parametrize(
    ("module", "old", "new", "fails"),
    [
        ("switch1", "next(state)", "state = on", "a second press puts it out again"),
        ("hall", "5 minutes", "6 minutes", "it is dark again five minutes after the last step"),
        ("thermostat", "wanted = 8", "wanted = 18", "while everybody is away"),
        ("garden", "spring autumn", "spring autumn winter", "in winter it rests"),
        ("doorbell", "quiet = yes", "quiet = no", "in the evening it only blinks"),
        ("vacation", "ON weekdays OR 20:15 ON weekends", "", "on weekends it is later"),
    ],
)
def test_a_rule_that_is_changed_is_noticed(
    copied: Path, module: str, old: str, new: str, fails: str
) -> None:
    file = copied / "modules" / f"{module}.scc"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    failed = [outcome.title for outcome in run(copied) if not outcome.passed]
    assert any(title.startswith(fails) for title in failed)


def test_what_is_told_of_a_broken_rule_leads_to_it(copied: Path) -> None:
    file = copied / "modules" / "hall.scc"
    text = file.read_text()
    file.write_text(text.replace("AND mode.auto", "AND mode.off", 1))
    failure = run(copied)[[one.title for one in run(copied)].index(_FIRST)].failure
    assert failure is not None
    assert (failure.step, failure.expected, failure.seen) == (
        "EXPECT hall.light = on",
        "on",
        "off",
    )
    assert list(failure.trace) == [
        "2027-06-01 12:00  SEND hall.motion",
        "    hall hears hall.motion:",
        "        line 8, ON motion: did not run, because line 9, AND mode.off, did not hold "
        "(mode was auto)",
        "        line 12, ON motion: ran, THEN ignore",
    ]


_FIRST = "the hall lights up when somebody comes"
