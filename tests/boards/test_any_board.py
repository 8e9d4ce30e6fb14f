"""What any board can do, virtual or real: `pytest tests/boards --board /dev/ttyACM0`.

Two neighbouring pins have to be wired to each other, which those are, `myocan hil` says; on a
virtual board they are.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from myocan.tools.hil import BenchBoard, BenchError, Listener, NotThisBoard
from myocan.tools.hil.course import Course, loop_adapter, loop_pins

OUT, PRESS, RELEASE = "hil_porch.out", "hil_porch.press", "hil_porch.release"


@pytest.fixture
def looped(board: BenchBoard) -> BenchBoard:
    """A board with a wire between two pins, which runs the adapter for that."""
    wire = loop_pins(board.kind)
    board.connect(*wire)
    board.flash(loop_adapter(board.kind, board.name, wire))
    return board


def test_what_is_flashed_comes_online_and_does_what_it_is_told(looped: BenchBoard) -> None:
    status = looped.heard.status
    assert status["online"]
    assert status["runtime"].startswith("micropython ")
    assert status["applied"] == {"out": "off"}
    for value, told in (("on", PRESS), ("off", RELEASE), ("on", PRESS)):
        said = looped.say(OUT, value)
        assert looped.expect(told).at_ns > said
    looped.wait_applied("out", "on")
    looped.reset()
    looped.expect(PRESS)  # the broker has kept what the port should be
    assert len(looped.heard.boots) == 2


def test_what_happens_while_the_link_is_cut_is_told_afterwards_once(looped: BenchBoard) -> None:
    row = Course(looped, cuts=3, seed=83).run()
    assert row.faults == []
    assert row.processed == row.sent >= 3 * 4
    assert len(row.cuts) == 3
    assert row.free_least is not None
    assert row.uptime > 0
    assert looped.heard.lost == 0


PORCH = """
board = "pico-w"
[ports.bell]
kind = "button"
pin = "GP14"
pull = "up"
publish = { press = "button1.press", release = "button1.release" }
[ports.lamp]
kind = "relay"
pin = "GP15"
subscribe = "lamp1.state"
"""


def test_an_adapter_of_ones_own(board: BenchBoard, tmp_path: Path) -> None:
    adapter = tmp_path / "front.toml"
    adapter.write_text(PORCH)
    board.flash(adapter)
    pressed = board.press("bell")
    assert board.expect("button1.press").at_ns > pressed
    board.expect("button1.release")
    board.say("lamp1.state", "on")
    board.wait_level("lamp", 1)
    board.drive("bell", 0)
    assert board.expect("button1.press").value is None
    with pytest.raises(BenchError, match=r"button1\.press did not come within 0.05 s; the last"):
        board.expect("button1.press", seconds=0.05)


def test_an_adapter_for_another_kind_of_board_is_refused(board: BenchBoard, tmp_path: Path) -> None:
    adapter = tmp_path / "front.toml"
    adapter.write_text(PORCH.replace("pico-w", "pico-2-w"))
    with pytest.raises(BenchError, match="take another board, or another adapter"):
        board.flash(adapter)


def test_what_only_a_virtual_board_can_do_is_said_of_a_real_one(
    board_broker: object, board_hub: Listener
) -> None:
    there = time.monotonic_ns()
    board = BenchBoard("/dev/ttyACM7", board_broker, board_hub)  # type: ignore[arg-type]
    with pytest.raises(NotThisBoard, match="a real one"):
        board.press("GP14")
    assert time.monotonic_ns() > there
