"""What any board can do, virtual or real: `pytest tests/boards --board /dev/ttyACM0`.

Two neighbouring pins have to be wired to each other, which those are, `myocan hil` says; on a
virtual board they are.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from myocan.tools import pytest_plugin
from myocan.tools.adapters import load_adapter
from myocan.tools.hil import BenchBoard, BenchBroker, BenchError, Listener, NotThisBoard, course
from myocan.tools.hil.course import Course, loop_adapter, loop_pins
from myocan.tools.vboard import NoMicroPython, VirtualBoard

SEED = 1432
OUT, PRESS, RELEASE = "hil_porch.out", "hil_porch.press", "hil_porch.release"


@pytest.fixture
def looped(board: BenchBoard) -> BenchBoard:
    """A board with a wire between two pins, which runs the adapter for that."""
    wire = loop_pins(board.kind)
    board.connect(*wire)
    board.flash(loop_adapter(board.kind, board.name, wire))
    return board


def test_a_board_does_what_it_is_told_and_tells_what_happens_while_its_link_is_cut_once(
    looped: BenchBoard,
) -> None:
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
    looped.say(OUT, "off")
    looped.expect(RELEASE)

    row = Course(looped, cuts=3, seed=SEED, rest_s=(0, 0)).run()
    assert row.faults == []
    assert row.processed == row.sent >= 3 * 4
    assert len(row.cuts) == 3
    assert row.free_least is not None
    assert row.uptime > 0
    assert looped.heard.lost == 0


def test_an_adapter_for_another_kind_of_board_is_refused(board: BenchBoard, tmp_path: Path) -> None:
    adapter = tmp_path / "front.toml"
    adapter.write_text(
        'board = "pico-2-w"\nports.x = { kind = "led", pin = "GP1", subscribe = "a.b" }\n'
    )
    assert board.kind.name == "pico-w"  # of which nobody has said another
    assert board.port
    with pytest.raises(BenchError, match="take another board, or another adapter"):
        board.flash(adapter)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[VirtualBoard]:
    """A board that somebody else has plugged in: only its port is known."""
    try:
        board = VirtualBoard("elsewhere", tmp_path / "elsewhere", kind="pico-2-w")
    except NoMicroPython as error:
        pytest.skip(str(error))
    with board:
        yield board


def test_a_board_at_a_port_is_what_it_is_and_says_what_it_has_sent(
    elsewhere: VirtualBoard,
    board_broker: BenchBroker,
    board_hub: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wire = loop_pins(elsewhere.kind)
    elsewhere.wire(*wire)
    wifi = [("home", "secret")]
    with BenchBoard(elsewhere.port, board_broker, board_hub, name="far", wifi=wifi) as board:
        assert board.kind.name == "pico-2-w"
        board.flash(loop_adapter(board.kind, "far", wire))
        row = Course(board, cuts=1, seed=SEED).run()
        assert row.faults == []
        assert row.processed == row.sent == 5
        assert row.where == elsewhere.port
        with pytest.raises(NotThisBoard, match="a real one"):
            board.press("loop")
        elsewhere.wire(wire[0], "GP0")  # somebody has pulled the wire out
        elsewhere.set(wire[1], 0)
        monkeypatch.setattr(course, "ECHO_S", 0.3)
        row = Course(board, cuts=1, seed=SEED).run()
        assert "Is the wire there, between the right pins?" in row.faults[0]


def test_a_test_of_what_nobody_can_do_to_a_real_board_is_skipped(tmp_path: Path) -> None:
    error = NotThisBoard("nobody can press that")
    assert pytest_plugin._is_for_virtual_boards(error)
    assert not pytest_plugin._is_for_virtual_boards(BenchError("it hangs"))


def test_the_plugin_costs_nothing_where_no_board_is_asked_for() -> None:
    code = (
        "import sys, myocan.tools.pytest_plugin\n"
        "print(*sorted(name for name in sys.modules if name.startswith('myocan.')))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["myocan.tools", "myocan.tools.pytest_plugin"]


def test_what_is_not_there_is_told_with_what_there_is(
    board_broker: BenchBroker, board_hub: Listener, tmp_path: Path
) -> None:
    board = BenchBoard("virtual", board_broker, board_hub)  # never switched on
    with pytest.raises(BenchError, match="no port 'button' yet: flash an adapter first"):
        board.press("button")
    assert board.pin("GP3") == "GP3"
    with pytest.raises(BenchError, match=r"porch\.toml is not there; its folder has no adapter"):
        board.flash(tmp_path / "porch.toml")
    (tmp_path / "porch.toml").write_text(
        'board = "pico-w"\nports.bell = { kind = "button", pin = "GP1", publish = "a.b" }\n'
    )
    with pytest.raises(BenchError, match=r"front\.toml is not there; its folder has porch\.toml"):
        board.flash(tmp_path / "front.toml")
    board._adapter = load_adapter(tmp_path / "porch.toml")
    assert board.pin("bell") == "GP1"
    with pytest.raises(BenchError, match="no port 'nope', nor such a pin; there are bell"):
        board.press("nope")
