"""An adapter with code of its own: the example, on CPython and, flashed, on a virtual board."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.run import Runner
from myocan.tools.adapters import AdapterFile, load_adapter, load_code
from myocan.tools.errors import ToolsError
from myocan.tools.flash import flash
from myocan.tools.flash.staging import StageError, stage
from myocan.tools.vboard import VirtualBoard
from support.edge_boards import ROOT
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

EXAMPLE = ROOT / "examples" / "knocking" / "adapters"
ALARM = "mc1/live/home/door/alarm"


@pytest.fixture
def adapters(tmp_path: Path) -> Path:
    """A folder with the example's adapter, to be changed."""
    return shutil.copytree(EXAMPLE, tmp_path / "adapters")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as mosquitto:
        yield mosquitto


@pytest.fixture
def hub(broker: Mosquitto) -> Iterator[FakeHub]:
    with FakeHub("127.0.0.1", broker.port) as fake:
        yield fake


def knock(drive: Callable[[str, int], object], times: int = 3) -> None:
    for _ in range(times):
        for level in (1, 0):
            drive("GP13", level)
            time.sleep(0.02)


def test_code_of_its_own_runs_on_this_machine(broker: Mosquitto, hub: FakeHub) -> None:
    found = load_adapter(EXAMPLE / "porch.toml")
    assert found.code is not None
    config = found.config(f"mqtt://127.0.0.1:{broker.port}")
    pins = SimulatedPins()
    levels: list[int] = []
    pins.on_change = lambda pin, level: levels.append(level)
    runner = Runner(config, pins, lambda text: None, load_code(found.code))
    thread = threading.Thread(target=runner.run, name="adapter")
    thread.start()
    try:
        hub.wait_online()
        knock(pins.drive)
        hub.wait_taken(1)
        hub.publish(ALARM, "on")
        deadline = time.monotonic() + 60
        while levels.count(1) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        runner.stop()
        thread.join()
    assert hub.taken == [("door/knocks", None)]
    assert levels.count(1) >= 2, "it blinks"
    assert levels[-1] == 0, "at the end it is safe"


def test_code_of_its_own_runs_on_a_board(
    cleared_board: VirtualBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    found = load_adapter(EXAMPLE / "porch.toml")
    config = found.config(f"mqtt://127.0.0.1:{broker.port}")
    done = flash(config, cleared_board.port, own=found.own_modules)
    assert "/lib/myocan/house/adapter.mpy" in done.written
    hub.wait_online()
    for _ in range(3):
        cleared_board.press("GP13", ms=10)  # a finger does to the pin what the sensor does
    hub.wait_taken(1)
    hub.publish(ALARM, "on")
    lit = cleared_board.wait("GP15", 1)
    dark = cleared_board.wait("GP15", 0, after=lit)
    cleared_board.wait("GP15", 1, after=dark)
    hub.publish(ALARM, "off")
    cleared_board.wait("GP15", 0)
    hub.wait(lambda hub: hub.statuses[-1].get("applied") == {"alarm": "off"}, "what it shows")
    assert hub.taken == [("door/knocks", None)]


def test_a_board_carries_what_its_code_imports(adapters: Path, tmp_path: Path) -> None:
    code = adapters / "porch.py"
    code.write_text("from myocan.edge.ports.debounce import Debounce\n" + code.read_text())
    found = load_adapter(adapters / "porch.toml")
    files = stage(found.config("mqtt://hub"), tmp_path / "out", own=found.own_modules)
    assert {
        "/lib/myocan/house/adapter.mpy",
        "/lib/myocan/edge/custom.mpy",
        "/lib/myocan/edge/ports/debounce.mpy",
    } < set(files)


def test_other_code_is_another_configuration(adapters: Path) -> None:
    before = load_adapter(adapters / "porch.toml").config("mqtt://hub")
    code = adapters / "porch.py"
    code.write_text(code.read_text() + "# another word\n")
    assert load_adapter(adapters / "porch.toml").config("mqtt://hub")["hash"] != before["hash"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import machine", r"porch\.py, line 1: there is no `machine` on this machine"),
        ("x = 1\ny = x / 0", r"porch\.py, line 2: ZeroDivisionError"),
        ("", r"ADAPTER must be a subclass of CustomAdapter"),
    ],
)
def test_code_that_does_not_load_is_told_with_its_line(
    adapters: Path, text: str, said: str
) -> None:
    (adapters / "porch.py").write_text(text + "\nADAPTER = None\n")
    found: AdapterFile = load_adapter(adapters / "porch.toml")
    assert found.code is not None
    with pytest.raises(ToolsError, match=said):
        load_code(found.code)


def test_code_that_is_broken_since_it_was_checked_is_not_flashed(
    adapters: Path, tmp_path: Path
) -> None:
    found = load_adapter(adapters / "porch.toml")
    (adapters / "porch.py").write_text("def f(:\n")
    with pytest.raises(StageError, match=r"porch\.py cannot be compiled"):
        stage(found.config("mqtt://hub"), tmp_path / "out", own=found.own_modules)
