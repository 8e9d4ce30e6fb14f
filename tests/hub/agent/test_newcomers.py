"""A module that says HISTORY knows what came before it, another starts with the present."""

from __future__ import annotations

import pytest

from support.board import Board
from support.clock import Clock

BUTTONS = """MODULE buttonReport {history}
  SUBSCRIBE button1.press
  SUBSCRIBE house.mode {{home, away}} AS mode
  PUBLIC presses 0
  TIMER calm 1 hour
  EXTERNAL notify
  ON button1.press
    THEN presses++
    THEN start(calm)
    THEN notify("pressed")
  ON mode
    THEN ignore
  ON calm
    THEN presses = 0
"""
OTHER = """MODULE lamp
  SUBSCRIBE button1.press
  SUBSCRIBE house.mode
  PUBLIC state {off, on}
  ON button1.press
    THEN next(state)
  ON house.mode
    THEN ignore
"""
TOTAL = """MODULE total
  SUBSCRIBE buttonReport.presses 0
  PUBLIC seen 0
  ON buttonReport.presses
    THEN seen = buttonReport.presses
"""


IN_PYTHON = """
from myocan.hub import Module, about, calls, each, hears, on, timer


class Report(Module, history=True):
    presses: int = 0
    modes: dict[str, int] = each(0)
    heard: str = hears("house.mode")
    pressed = about("button1.press", "timestamp")
    calm = timer("1 hour")
    notify = calls()

    @on("button1.press")
    def press(self):
        self.presses += 1
        self.calm.start()
        self.notify("pressed")

    @on("heard")
    def mode(self, value):
        self.modes[value] += 1
"""


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-06-01T12:00")


def lived(modules, hub, broker, clock) -> None:
    """Let a house live for a while in which a button is pressed five times."""
    with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
        for _ in range(5):
            board.send("button1/press")
        board.send("house/mode", "away")
        board.await_acknowledged()
    clock.move(3 * 3_600_000)


def test_a_new_report_counts_what_was_pressed_before_it(
    modules, house, hub, broker, clock, state, log
) -> None:
    modules(total=TOTAL, lamp=OTHER)
    lived(modules, hub, broker, clock)
    modules(total=TOTAL, lamp=OTHER, buttonReport=BUTTONS.format(history="HISTORY"))
    (house / "modules" / "pyReport.py").write_text(IN_PYTHON)
    with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
        assert state("buttonReport", "presses") == "6"
        assert state("buttonReport", "mode") == '"away"'
        assert state("total", "seen") == "6"
        assert (state("pyReport", "presses"), state("pyReport", "modes", "away")) == ("6", "1")
    first = log("buttonReport.presses")[0]
    assert (first.value, first.producer, first.cause) == ("5", "buttonReport", None)
    assert len(log("$external.notify")) == 2  # of each report, of the press that it heard itself
    assert [one.value for one in log("pyReport.modes")] == ["1"]
    assert log("buttonReport.calm") == []


def test_the_past_is_fed_once_and_not_at_every_start(modules, hub, broker, clock, state) -> None:
    modules(lamp=OTHER)
    lived(modules, hub, broker, clock)
    with_history = BUTTONS.format(history="HISTORY")
    modules(lamp=OTHER, buttonReport=with_history)
    for text in (with_history, with_history, with_history + "// changed\n"):
        modules(lamp=OTHER, buttonReport=text)
        with hub(now_ms=clock):
            assert state("buttonReport", "presses") == "5"
    modules(lamp=OTHER)
    with hub(now_ms=clock):
        assert state("buttonReport", "presses") is None
    modules(lamp=OTHER, buttonReport=with_history)  # it has had its time
    with hub(now_ms=clock):
        assert state("buttonReport", "presses") is None


def test_without_history_a_new_module_starts_with_the_present(
    modules, hub, broker, clock, state
) -> None:
    modules(lamp=OTHER)
    lived(modules, hub, broker, clock)
    modules(lamp=OTHER, buttonReport=BUTTONS.format(history=""))
    with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
        assert state("buttonReport", "presses") == "1"


ROOMS = """MODULE rooms[room] AUTO HISTORY
  SUBSCRIBE motion[room].seen
  PUBLIC count[room] 0
  ON motion[room].seen
    THEN count[room]++
"""


def test_instances_are_born_of_the_past_as_well(modules, hub, broker, clock, state) -> None:
    modules(other="MODULE other\nSUBSCRIBE motion[hall].seen\nON motion[hall].seen\nTHEN ignore\n")
    with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
        for key in ("hall", "bath", "hall"):
            board.send(f"motion/seen/{key}")
        board.await_acknowledged()
    modules(rooms=ROOMS)
    with (
        hub(now_ms=clock),
        Board(broker.url, "home", "late", hears=["mc1/live/home/rooms/#"]) as late,
    ):
        late.await_that(lambda: late.values("rooms.count[hall]"), "the count")
        assert late.values("rooms.count[hall]") == [2]
        assert state("rooms", "count", "hall") == "2"
