"""`myocan mode` and `myocan clock`, as people use them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from myocan.tools.demo.hub_process import HubProcess

if TYPE_CHECKING:
    from support.command_line import Myocan

LAMP = """MODULE lamp1
  SUBSCRIBE mode {auto, off}
  PUBLIC state {off, on}
  PUBLIC blink
  SUBSCRIBE toggle
  ON toggle
    THEN next(state)
    THEN activate(blink)
  AT midnight
    WHEN mode.auto
    THEN state.off
"""


@pytest.fixture
def running(house: Path):
    for file in (house / "modules").iterdir():
        file.unlink()
    (house / "modules" / "lamp1.scc").write_text(LAMP)
    with HubProcess(house):
        yield house


def test_a_night_is_tried_in_a_copy(myocan: Myocan, running: Path) -> None:
    def said(*words: str) -> str:
        done = myocan(*words, cwd=running)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    said("send", "lamp1.toggle")
    assert said("mode", "copy", "live", "test") == "test copied from live\n"
    assert said("clock", "test").endswith("its clock is the wall clock\n")
    assert "23:58:" in said("clock", "test", "set", "23:58")
    said("clock", "test", "frozen")
    assert "lamp1.toggle: in mode test as #" in said("send", "lamp1.toggle", "--mode", "test")
    assert said("get", "lamp1.state", "--mode", "test") == "off\n"
    said("send", "lamp1.toggle", "--mode", "test")
    assert "00:03:" in said("clock", "test", "advance", "5", "minutes")
    assert said("get", "lamp1.state", "--mode", "test") == "off\n"
    assert said("get", "lamp1.state") == "on\n"
    assert "midnight" in (running / "modules" / "lamp1.scc").read_text()
    why = said("why", "lamp1.state", "--mode", "test")
    assert "midnight" in why or "lamp1.scc" in why
    assert "all equal" in said("replay", "--mode", "test")
    listed = said("mode", "list")
    assert "a copy of live" in listed
    assert "stands" in listed
    clocks = [one["clock"] for one in json.loads(said("mode", "list", "--json"))]
    assert clocks[0] is None
    assert clocks[1]["speed"] == "0"

    differ = myocan("mode", "diff", "live", "test", cwd=running)
    assert differ.returncode == 1
    state, toggle = (
        next(line for line in differ.stdout.splitlines() if line.startswith(name))
        for name in ("lamp1.state", "lamp1.toggle")
    )
    assert "live: as before; test: off since" in state
    assert "test: 2 times, the last " in toggle
    plain = json.loads(myocan("mode", "diff", "live", "test", "--json", cwd=running).stdout)
    assert {one["topic"]: one["steps"] for one in plain}["lamp1.state"] == [0, 3]

    said("mode", "copy", "twin")
    assert said("mode", "diff", "live", "twin") == "live and twin do not differ\n"
    assert said("mode", "drop", "test") == "test dropped\n"
    said("mode", "create", "new")
    assert "rules of" not in myocan("mode", "diff", "live", "new", cwd=running).stdout
    said("mode", "drop", "new")
    made = said("mode", "create", "fresh", "--mirror")
    assert made == "fresh created; it hears what live hears\n"
    said("send", "lamp1.toggle")
    assert [one["name"] for one in json.loads(said("mode", "list", "--json"))] == [
        "live", "twin", "fresh"]  # fmt: skip


def test_what_cannot_be_is_told(myocan: Myocan, running: Path) -> None:
    def refused(*words: str) -> tuple[int, str]:
        done = myocan(*words, cwd=running)
        assert done.stdout == ""
        return done.returncode, done.stderr

    for words, code, text in (
        (("mode", "copy", "nothing", "test"), 3, "no mode nothing runs here"),
        (("mode", "copy", "live", "test", "more"), 2, "myocan mode copy live test"),
        (("mode", "drop", "live"), 3, "the house itself"),
        (("mode", "copy", "live"), 2, "how is the copy to be called"),
        (("mode", "copy", "live"), 2, "how is the copy to be called"),
        (("mode", "diff", "live", "test"), 3, "there is no mode test; there are live"),
        (("clock", "live", "frozen"), 3, "mode copy live NAME"),
        (("clock", "live", "back"), 2, "live, frozen, set T"),
        (("clock", "live", "set"), 2, "set 23:58"),
        (("clock", "live", "frozen", "now"), 2, "behind frozen stands nothing"),
        (("clock", "live", "advance", "soon"), 2, "no length of time"),
        (("clock", "test", "set", "5m"), 2, "no time of day|no mode test"),
        (("send", "lamp1.toggle", "--mode", "test"), 3, "no mode test runs here"),
    ):
        done, said = refused(*words)
        joined = " ".join(said.replace("│", " ").split())
        assert any(one in joined for one in text.split("|")), (words, said)
        assert done in (code, 3), (words, said)


def test_without_a_hub_modes_are_listed_and_compared_and_no_more(
    myocan: Myocan, house: Path
) -> None:
    with HubProcess(house):
        assert myocan("mode", "create", "test", cwd=house).returncode == 0
    assert "test" in myocan("mode", "list", cwd=house).stdout
    assert myocan("mode", "diff", "test", "test", cwd=house).returncode == 0
    refused = myocan("mode", "drop", "test", cwd=house)
    assert refused.returncode == 3
    assert "myocan run" in refused.stderr


def test_a_board_is_heard_by_the_mode_that_it_is_put_into(
    running: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In this process: starting a program takes longer than what is tried here."""
    from myocan.tools.cli.kinds import list_boards
    from myocan.tools.cli.modes import board_mode, create, list_modes

    create("test", house=running)
    board_mode("porch", house=running)
    board_mode("porch", "test", house=running)
    assert capsys.readouterr().out.splitlines()[1:] == [
        "porch is heard by the live house",
        "porch is heard by mode test, not by the live house",
    ]
    list_boards(house=running)
    assert "it is heard by mode test, not by the live house" in capsys.readouterr().out
    list_modes(house=running)
    assert "hears porch" in capsys.readouterr().out
    list_boards(house=running, as_json=True)
    (porch,) = json.loads(capsys.readouterr().out)["boards"]
    assert porch["mode"] == "test"
    board_mode("porch", "live", house=running, as_json=True)
    assert json.loads(capsys.readouterr().out)["before"] == "test"
