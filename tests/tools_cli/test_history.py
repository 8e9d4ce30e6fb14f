"""`why` and `replay`, as somebody uses them who wonders about a lamp."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.tools.demo.hub_process import HubProcess
from support.command_line import make_house, run_myocan

if TYPE_CHECKING:
    from support.command_line import Myocan


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A house in which the lamp was switched on, off and on, and a hub no longer runs."""
    house = make_house(tmp_path_factory.mktemp("past") / "house")
    with HubProcess(house):
        for _ in range(3):
            assert run_myocan("send", "button1.press", cwd=house).returncode == 0
    return house


def test_why_leads_from_the_lamp_to_the_press(myocan: Myocan, past: Path) -> None:
    told = myocan("why", "lamp1.state", cwd=past / "modules")
    assert told.returncode == 0, told.stderr
    lines = [line.strip() for line in told.stdout.splitlines()]
    assert lines[0].startswith("lamp1.state = on")
    assert "lamp1.scc:7: THEN state = on" in lines
    assert "under line 6: ON switch1.state.on" in lines
    assert any(line.startswith("because of button1.press") for line in lines)
    assert lines[-1].startswith("from send-")


def test_why_takes_an_offset_and_speaks_json(myocan: Myocan, past: Path) -> None:
    links = json.loads(myocan("why", "lamp1.state", "--json", cwd=past).stdout)
    assert [link["module"] for link in links] == ["lamp1", "switch1", "button1"]
    again = json.loads(myocan("why", f"#{links[1]['offset']}", "--json", cwd=past).stdout)
    assert again == links[1:]


def test_why_not_shows_what_the_rules_made_of_it(myocan: Myocan, past: Path) -> None:
    told = myocan("why", "--not", "lamp1.state=off", cwd=past)
    assert told.returncode == 0, told.stderr
    assert "lamp1.state: it is on" in told.stdout
    assert "line 6, ON switch1.state.on: ran" in told.stdout
    assert "line 8, ON switch1.state.off: ran" in told.stdout  # the press before
    plain = json.loads(myocan("why", "--not", "lamp1.state=off", "--json", cwd=past).stdout)
    assert (plain["topic"], plain["value"]) == ("lamp1.state", "on")
    assert plain["told"] == told.stdout.splitlines()[1:]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["why"], 2, "say what to explain"),
        (["why", "lamp1.state", "--not", "lamp1.state=on"], 2, "say one of them, not both"),
        (["why", "--not", "lamp1.state"], 2, "like --not lamp1.state=on"),
        (["why", "--not", "lamp1.state="], 2, "a value is missing"),
        (["why", "0"], 1, "messages are counted from 1"),
        (["why", "\N{SUPERSCRIPT TWO}"], 2, "no topic"),
        (["why", "lamp1"], 2, "no topic"),
        (["why", "lamp1.nothing"], 1, "never said or changed"),
        (["why", "99999"], 1, "there is no message #99999"),
        (["why", "9" * 25], 1, "there is no message"),
        (["why", "lamp1[a].state[b]"], 2, "two keys"),
        (["why", "--not", "lamp1.state=on"], 1, "lamp1.state is on, since #"),
        (["why", "--not", "lamp1.nothing=on"], 1, "publishes lamp1.nothing"),
        (["why", "lamp1.state", "--at", "yesterday"], 2, "no moment"),
        (["why", "lamp1.state", "--at", "2001-01-01"], 1, "never said or changed"),
        (["replay", "--with", "nowhere"], 3, "there is no folder nowhere"),
        (["replay", "--with", "myocan.toml"], 3, "myocan.toml is a file"),
        (["replay", "--with", ".myocan"], 3, "no rules"),
        (["replay", "--from", "2999-01-01"], 0, "there is nothing in the log in that time"),
        (["replay", "--to", "2001-01-01"], 0, "there is nothing in the log in that time"),
        (["replay", "--with", "modules", "--from", "2999-01-01"], 0, "there is nothing in the"),
        (["replay", "--mode", "nowhere"], 3, "no mode nowhere; there are live"),
        (["why", "lamp1.state", "--mode", "nowhere"], 3, "no mode nowhere"),
    ],
)
def test_a_question_that_has_no_answer_says_why(
    myocan: Myocan, past: Path, words: list[str], code: int, said: str
) -> None:
    told = myocan(*words, cwd=past)
    assert told.returncode == code
    assert said in " ".join((told.stdout + told.stderr).split())


def test_replay_says_that_all_is_equal(myocan: Myocan, past: Path) -> None:
    told = myocan("replay", cwd=past)
    assert told.returncode == 0, told.stdout
    assert told.stdout.endswith("all equal\n")
    plain = json.loads(myocan("replay", "--json", "--from", "1h", cwd=past).stdout)
    assert plain["equal"] is True
    assert plain["inputs"] >= 3


def test_replay_with_other_rules_shows_where_they_part(
    myocan: Myocan, past: Path, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    shutil.copytree(past / "modules", new)
    assert myocan("replay", "--with", str(new), cwd=past).stdout == (
        "nothing would have been different\n"
    )
    lamp = new / "lamp1.scc"
    lamp.write_text(lamp.read_text().replace("state = on", "ignore"))
    told = myocan("replay", "--with", str(new), cwd=past)
    assert told.returncode == 1
    assert "lamp1.state: was on, would be not said" in told.stdout
    lamp.write_text("MODULE lamp1\n  THIS is no rule\n")
    assert myocan("replay", "--with", str(new), cwd=past).returncode == 3
