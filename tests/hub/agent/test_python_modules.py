"""A module in Python lives in a hub as rules do: log, restart, replay, why, and when it fails."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.hub.agent.deployment import DeploymentRefused, ModuleFiles
from myocan.hub.calendar import place_of
from myocan.hub.core import Program
from myocan.hub.history import explain, find, replay, why_not
from myocan.hub.house import House
from myocan.hub.lang import compile_module
from myocan.hub.lang.schedules import Place
from myocan.hub.scenario import Cast
from myocan.hub.store import Reader
from support.board import Board
from support.clock import Clock

LAMP = '''"""The lamp of the hall."""

from typing import Literal

from myocan.hub import Module, at, hears, on, timer, when


class Lamp(Module):
    state: Literal["off", "on"] = "off"
    presses: int = 0
    told: str = ""
    night: bool = False
    off = timer("10 minutes")
    door: Literal["shut", "open"] = hears("door.is")

    @on("button1.press")
    def pressed(self):
        self.presses += 1
        self._switch("off" if self.state == "on" else "on")

    @on("off")
    def over(self):
        self._switch("off")

    @on("bad.value")
    def bad(self, value):
        self.presses = 0
        self.told = f"{10 // value:d}"

    @on("bad.loop")
    def loop(self):
        while self.presses >= 0:
            self.presses += 1

    @at("22:30")
    def evening(self):
        self.night = True

    @when(lambda my: my.door == "open" and my.night)
    def comes_home(self):
        self.told = f"home at {self.now:%H:%M}"

    def _switch(self, state):
        self.state = state
        if state == "on":
            self.off.start()
        else:
            self.off.cancel()
'''
GATE = """MODULE gate
SUBSCRIBE lamp1.state {off, on}
PUBLIC lit 0
ON lamp1.state.on
  THEN lit++
ON lamp1.state
  THEN ignore
"""


def program(name: str, text: str) -> Program | None:
    return compile_module(text, name).program


@pytest.fixture
def python(house: Path) -> Callable[..., None]:
    """Writes the modules of the house: only these."""

    def write(**texts: str) -> None:
        for file in (house / "modules").iterdir():
            file.unlink()
        for name, text in texts.items():
            suffix = "scc" if text.startswith("MODULE") else "py"
            (house / "modules" / f"{name}.{suffix}").write_text(text)

    return write


def line_of(text: str, words: str) -> int:
    return 1 + next(n for n, line in enumerate(text.split("\n")) if words in line)


def test_a_day_with_a_module_in_python(python, hub, broker, house, state, log) -> None:
    clock = Clock("2027-06-01T19:00")
    python(lamp1=LAMP, gate=GATE)
    (house / "myocan.toml").write_text('domain = "home"\ntimezone = "Europe/Berlin"\n')
    with Board(broker.url, "home", "porch", hears=["mc1/live/home/+/+"]) as board:
        with hub(now_ms=clock):
            board.send("button1/press", ts=clock())
            board.send("door/is", "open", ts=clock())
            board.await_that(lambda: board.values("gate.lit")[-1:] == [1], "the gate")
        assert state("lamp1", "state") == '"on"'
        clock.move(11 * 60_000)
        with hub(now_ms=clock):  # it goes on where it was, timer and all
            board.await_that(lambda: board.values("lamp1.state")[-1:] == ["off"], "the timer")
            board.send("button1/press", ts=clock())
            board.send("bad/value", 0, ts=clock())
            board.send("bad/loop", ts=clock())
            board.send("button1/press", ts=clock())
            board.await_acknowledged()
        clock.to("2027-06-01T20:55")
        with hub(now_ms=clock):
            board.send("door/is", "open", ts=clock())
            board.await_that(lambda: bool(state("lamp1", "told")), "the evening")
    assert state("lamp1", "presses") == "3"
    assert state("lamp1", "told") == '"home at 22:30"'
    failed = [json.loads(one.value) for one in log("$log.failed")]
    assert failed == [
        f"lamp1.py:{line_of(LAMP, '10 // value')}: bad.value = 0 failed: ZeroDivisionError: "
        "integer division or modulo by zero; the whole cycle was undone",
        f"lamp1.py:{line_of(LAMP, 'while self')}: bad.loop failed: it took more than 100,000 "
        "steps, so a loop in it does not end; the whole cycle was undone",
    ]
    assert json.loads(log("lamp1.%%code%%")[0].value) == LAMP


def test_what_it_did_is_explained_with_its_lines(python, hub, broker, house) -> None:
    python(lamp1=LAMP, gate=GATE)
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.send("door/is", "open")
        board.await_acknowledged()
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        found = find(reader, "live", ("gate", "lit", ""))
        assert found is not None
        first, second, third = explain(reader, "live", found.message.offset)
        told = why_not(
            reader,
            "live",
            ("lamp1", "told", ""),
            reader.newest(),
            program,
            lambda programs, texts: Cast(programs, _nowhere(house), texts),
        )
    assert (first.file, second.file) == ("gate.scc", "lamp1.py")
    assert second.message.rule == line_of(LAMP, "self.state = state")
    assert second.action == "self.state = state"
    assert second.opening == (line_of(LAMP, "def _switch"), "def _switch(self, state):")
    assert third.message.module == "button1"
    asked = f"line {line_of(LAMP, '@when')}, @when("
    assert any(asked in line and "did not run" in line for line in told)


def _nowhere(house: Path) -> Place:
    return place_of(House.load(house))


def test_a_replay_that_does_not_come_to_the_same_says_where(
    python, hub, broker, house, tmp_path
) -> None:
    text = LAMP.replace("class Lamp", "class Memory:\n    seen = 0\n\n\nclass Lamp").replace(
        "        self.presses += 1\n        self._switch",
        "        Memory.seen += 1\n        self.presses = Memory.seen\n        self._switch",
    )
    python(lamp1=text, gate=GATE)
    for _ in range(2):  # the second hub does not know what the first has in its memory
        with hub(), Board(broker.url, "home", "porch") as board:
            board.send("button1/press")
            board.await_acknowledged()
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        found = replay(reader.entries(), program)
    (house / ".myocan" / "store.sqlite").rename(tmp_path / "differs.sqlite")
    assert not found.equal
    line = line_of(text, "self.presses = Memory.seen")
    told = f"lamp1.py:{line} is Python, and did not come to the same again"
    assert any(one.startswith(told) for one in found.in_doubt)
    assert all(one.where.startswith("lamp1.py") for one in found.differences)


def test_what_is_wrong_is_told_and_nothing_is_put_in_force(python, hub, house) -> None:
    python(lamp1=LAMP.replace("self.state = state", "self.stat = state"))
    with pytest.raises(DeploymentRefused, match=r"lamp1\.py:.*does not declare 'stat'"), hub():
        pass
    python(lamp1=LAMP)
    (house / "modules" / "lamp1.scc").write_text("MODULE lamp1\n")
    with pytest.raises(DeploymentRefused, match="are the same module; keep one"):
        ModuleFiles(House.load(house).modules(), "main").sources()
