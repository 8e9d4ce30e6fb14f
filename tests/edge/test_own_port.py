"""The example of a port of one's own, examples/shutter, on MicroPython and on CPython."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from myocan.edge import Refused
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.port import Port, open_port
from myocan.hub.house import House
from myocan.tools.adapters import AdapterFile, load_adapter, load_ports
from myocan.tools.flash.staging import compiled
from myocan.tools.house_check import check_house
from support.edge_boards import ROOT, Board, CPythonBoard, MicroPythonBoard
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

TOPIC = "mc1/live/home/bedroom/shutter"


@pytest.fixture
def adapter() -> AdapterFile:
    found = load_adapter(ROOT / "examples" / "shutter" / "adapters" / "bedroom.toml")
    assert found.warnings == ()
    load_ports(found.own_ports)
    return found


@pytest.fixture(params=[CPythonBoard, MicroPythonBoard], ids=lambda kind: str(kind.runtime))
def board(
    request: pytest.FixtureRequest,
    adapter: AdapterFile,
    broker: Mosquitto,
    hub: FakeHub,
    board_library: Path,
    tmp_path: Path,
) -> Iterator[Board]:
    library = tmp_path / "lib"
    shutil.copytree(board_library, library)
    for name, source in adapter.own_modules.items():
        target = library / (name.replace(".", "/") + ".mpy")
        shutil.copy(compiled(source, target.stem + ".py"), target)
    config = adapter.config(f"mqtt://127.0.0.1:{broker.port}")
    with ExitStack() as running:
        made: Board = request.param({**config, "name": "porch"}, tmp_path, library)
        yield running.enter_context(made)


def test_it_does_what_the_hub_says_and_tells_what_it_does(board: Board, hub: FakeHub) -> None:
    hub.wait_online()
    hub.publish(TOPIC, "down")
    board.wait_level("GP3", 1)
    hub.publish(TOPIC, "up")
    board.wait_level("GP3", 0)
    board.wait_level("GP2", 1)
    hub.publish(TOPIC, "stop")
    board.wait_level("GP2", 0)
    hub.publish(TOPIC, "sideways")
    hub.wait(lambda hub: any("'sideways'" in line for line in hub.remarks), "a remark")
    hub.wait(lambda hub: hub.taken[-1:] == [("shutter/moves", "still")], "that it is still")


def test_its_house_is_right() -> None:
    house = House.load(ROOT / "examples" / "shutter")
    assert check_house(house) == []


class Desk:
    """The port alone, with a clock of its own."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.pins = SimulatedPins()
        self.both = False
        self.pins.on_change = self._note
        self.port: Port = open_port(spec, self.pins)
        self.now = 0

    def _note(self, pin: str, level: int) -> None:
        levels = [self.pins._levels.get(relay) for relay in ("GP2", "GP3")]
        self.both = self.both or levels == [1, 1]

    def after(self, ms: int) -> tuple[int, int]:
        end = self.now + ms
        while self.now < end:
            self.port.step(self.now)
            self.now += max(1, min(self.port.due(self.now), end - self.now))
        return self.pins.level("GP2"), self.pins.level("GP3")


@pytest.fixture
def desk(adapter: AdapterFile) -> Iterator[Desk]:
    spec = next(port for port in adapter.config("mqtt://x")["ports"] if port["kind"] == "shutter")
    made = Desk(spec)
    yield made
    made.pins.close()


def test_both_relays_are_never_on_and_a_pause_is_between(desk: Desk) -> None:
    desk.port.take("up")
    assert desk.after(10) == (1, 0)
    for value, wanted in (("down", (0, 1)), ("up", (1, 0))):
        desk.port.take(value)
        assert desk.after(400) == (0, 0)
        assert desk.after(200) == wanted
    assert not desk.both
    assert desk.after(19_000) == (1, 0)
    assert desk.after(1_000) == (0, 0), "after run_s the relay goes off"


def test_it_is_safe_at_once_and_refuses_what_it_does_not_know(desk: Desk) -> None:
    desk.port.take("up")
    assert desk.after(10) == (1, 0)
    with pytest.raises(Refused, match="takes up, down or stop"):
        desk.port.check("sideways")
    desk.port.make_safe()
    assert (desk.pins.level("GP2"), desk.port.applied) == (0, "stop")
    assert desk.after(1_000) == (0, 0)
