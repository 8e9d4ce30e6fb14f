"""`myocan test` as people use it: in a house, in a folder of modules, with and without mistakes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from myocan.hub.house import House
from myocan.tools.house_check import check_house
from support.command_line import run_myocan

if TYPE_CHECKING:
    from support.command_line import Myocan

PASSES = """
SCENARIO a press switches the lamp on
  SEND button1.press
  EXPECT lamp1.state = on
SCENARIO two presses switch it off again
  SEND button1.press
  SEND button1.press
  EXPECT lamp1.state = off
"""
FAILS = """
SCENARIO a press leaves the lamp off
  SEND button1.press
  EXPECT lamp1.state = off
"""
MISTAKEN = """
SCENARIO a press does something
  SEND button1.pres
  EXPECT lamp1.state = off
"""


def write(house: Path, text: str, name: str = "presses") -> None:
    """Write scenarios into a house whose own are taken away."""
    for file in (house / "modules").glob("*.scenario"):
        file.unlink()
    (house / "modules" / f"{name}.scenario").write_text(text)


def test_scenarios_of_a_house_pass_from_any_folder_of_it(myocan: Myocan, house: Path) -> None:
    write(house, PASSES)
    done = myocan("test", cwd=house / "adapters")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 scenarios: 2 passed (")


def test_a_scenario_that_fails_is_shown_and_is_the_answer_no(myocan: Myocan, house: Path) -> None:
    write(house, PASSES + FAILS)
    done = myocan("test", cwd=house)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "FAILED  a press leaves the lamp off\n"
        "  modules/presses.scenario:12: EXPECT lamp1.state = off\n"
        "      expected: off\n"
        "      seen:     on\n"
    )
    assert "\n3 scenarios: 2 passed, 1 failed (" in done.stdout


def test_a_mistake_is_shown_where_it_is_and_is_the_answer_no(myocan: Myocan, house: Path) -> None:
    write(house, PASSES + MISTAKEN)
    done = myocan("test", cwd=house)
    assert done.returncode == 1
    assert (
        "modules/presses.scenario:11:8: nobody here listens to 'button1.pres'; "
        "did you mean 'button1.press'?\n"
        "  SEND button1.pres\n"
        "       ^\n"
        "2 scenarios: 2 passed, 1 mistake ("
    ) in done.stdout


def test_those_that_pass_are_named_if_asked_for(myocan: Myocan, house: Path) -> None:
    write(house, PASSES)
    done = myocan("test", "-v", "-k", "TWO", cwd=house)
    assert done.stdout.startswith("passed  two presses switch it off again\n1 scenario: 1 passed (")


def test_the_outcome_comes_as_json(myocan: Myocan, house: Path) -> None:
    write(house, PASSES + FAILS + MISTAKEN)
    done = myocan("test", "--json", cwd=house)
    assert done.returncode == 1
    told = json.loads(done.stdout)
    assert (told["passed"], told["failed"], told["mistakes"]) == (2, 1, 1)
    first, _, third = told["scenarios"]
    assert (first["title"], first["passed"]) == ("a press switches the lamp on", True)
    assert first["failure"] is None
    assert third["failure"]["line"] == 12
    assert (third["failure"]["expected"], third["failure"]["seen"]) == ("off", "on")
    assert told["findings"][0]["suggestion"] == "button1.press"


def test_the_outcome_is_written_as_junit_xml(myocan: Myocan, house: Path, tmp_path: Path) -> None:
    write(house, PASSES + FAILS + MISTAKEN)
    report = tmp_path / "report.xml"
    myocan("test", "--junit", str(report), cwd=house)
    root = ElementTree.parse(report).getroot()
    assert root.tag == "testsuites"
    (suite,) = root
    counts = {key: root.get(key) for key in ("tests", "failures", "errors")}
    assert counts == {"tests": "4", "failures": "1", "errors": "1"}
    assert {key: suite.get(key) for key in counts} == counts
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [
        "a press switches the lamp on",
        "two presses switch it off again",
        "a press leaves the lamp off",
        "is understood",
    ]
    assert {case.get("classname") for case in cases} == {"modules/presses.scenario"}
    failure, error = cases[2].find("failure"), cases[3].find("error")
    assert failure is not None
    assert "expected off, seen on" in str(failure.get("message"))
    assert error is not None
    assert "nobody here listens" in str(error.text)


def test_scenarios_outside_of_a_house_are_about_the_modules_beside_them(
    myocan: Myocan, house: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("lamp1.scc", "switch1.scc"):
        (folder / name).write_text((house / "modules" / name).read_text())
    (folder / "presses.scenario").write_text(PASSES)
    assert myocan("test", "rules", cwd=tmp_path).returncode == 0
    assert myocan("test", "rules/presses.scenario", cwd=tmp_path).returncode == 0
    (folder / "lamp1.scc").write_text("MODULE lamp1\nPUBLIK x\n")
    broken = myocan("test", "rules", cwd=tmp_path)
    assert broken.returncode == 1
    assert "rules/lamp1.scc:2:1: " in broken.stdout
    assert broken.stdout.splitlines()[-1].startswith("no scenario: 2 left out, 1 mistake (")


def test_scenarios_elsewhere_are_about_the_house_that_is_named(
    myocan: Myocan, house: Path, tmp_path: Path
) -> None:
    (tmp_path / "presses.scenario").write_text(PASSES)
    done = myocan("test", "--house", str(house), "presses.scenario", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    alone = myocan("test", "presses.scenario", cwd=tmp_path)
    assert alone.returncode == 1
    assert "nobody here listens to 'button1.press'" in alone.stdout


def test_a_house_without_modules_can_be_tested(myocan: Myocan, house: Path) -> None:
    for file in (house / "modules").glob("*.scc"):
        file.unlink()
    write(house, "SCENARIO a button alone\n  SEND button1.press\n  EXPECT NO RECORDS\n")
    done = myocan("test", cwd=house)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("nowhere",), 2), (("myocan.toml",), 2), (("--house", "modules"), 3), (("--what",), 2)],
)
def test_what_cannot_be_tested_is_refused(
    myocan: Myocan, house: Path, arguments: tuple[str, ...], code: int
) -> None:
    refused = myocan("test", *arguments, cwd=house)
    assert refused.returncode == code
    assert refused.stdout == ""
    assert "Traceback" not in refused.stderr


def test_a_house_without_scenarios_has_nothing_to_run(myocan: Myocan, house: Path) -> None:
    write(house, "")
    done = myocan("test", cwd=house)
    assert done.returncode == 0
    assert done.stdout.startswith("no scenario: nothing to run (")


def test_mistakes_in_scenarios_are_found_by_check(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(house, PASSES + MISTAKEN)
    monkeypatch.chdir(house)
    (found,) = check_house(House.load(house))
    assert (found.file, found.line, found.column) == ("modules/presses.scenario", 11, 8)


def test_a_file_of_scenarios_is_checked_within_its_house(myocan: Myocan, house: Path) -> None:
    write(house, PASSES + MISTAKEN)
    checked = myocan("check", "modules/presses.scenario", cwd=house)
    assert checked.returncode == 1
    assert checked.stdout.startswith("modules/presses.scenario:11:8: nobody here listens")
    assert myocan("check", "modules/lamp1.scc", cwd=house).returncode == 0


def test_the_outcome_is_the_same_whatever_the_order_of_sets(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(house, PASSES + FAILS + MISTAKEN)
    told = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        document = json.loads(run_myocan("test", "--json", cwd=house).stdout)
        for scenario in document["scenarios"]:
            del scenario["seconds"]
        del document["seconds"]
        told.append(document)
    assert told[0] == told[1]
