"""The firmware on a board: what happens when the adapter crashes, hangs, or is interrupted.

The board is a virtual one: real MicroPython with a simulated `machine`, `network` and watchdog.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.vboard import NoMicroPython, VirtualBoard
from support.edge_boards import BUTTON, HEAP, LAMP, LAMP_TOPIC, ROOT, configuration
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

BOMB_TOPIC = "mc1/live/home/bomb/state"
BOMB = {"name": "bomb", "kind": "bomb", "subscribe": BOMB_TOPIC}
BOMB_PORT = """
import machine
from myocan.edge.ports.port import Port

class Bomb(Port):
    def take(self, value):
        if value == "crash":
            raise ValueError("boom")
        machine.hurry()
        while True:
            pass

PORT = Bomb
"""
"""A port with a mistake in it, as people will write one."""

IMPATIENT_MAIN = """
import machine
real = machine.WDT

class Noted(real):
    def __init__(self, timeout):
        super().__init__(timeout=timeout)
        machine.hurry = lambda: real(timeout=timeout // 16)

machine.WDT = Noted
from myocan.edge.board import run
run()
"""
"""Lets what hangs bring the firmware's watchdog forward: half a second is enough to see it, but not
for a board that starts on a busy machine."""

MakeBoard = Callable[..., VirtualBoard]


@pytest.fixture
def make_board(tmp_path: Path, board_library: Path) -> Iterator[MakeBoard]:
    """Makes boards with the firmware on them: `make_board(port_of_the_broker, ports)`."""
    with ExitStack() as boards:

        def make(
            port: int, ports: list[dict[str, Any]], main: str | None = None, **more: Any
        ) -> VirtualBoard:
            files = tmp_path / "porch" / "files"
            shutil.copytree(board_library, files / "lib")
            (files / "lib/myocan/edge/ports/bomb.py").write_text(BOMB_PORT)
            for script in ("boot.py", "slots.py"):
                shutil.copy(ROOT / "firmware" / script, files)
            (files / "main.py").write_text(main or (ROOT / "firmware" / "main.py").read_text())
            more = {"wifi": [["home", "secret"]], **more}
            config = configuration(port, ports, board="pico-w", **more)
            (files / "config.json").write_text(json.dumps(config))
            try:
                board = VirtualBoard("porch", tmp_path / "porch", kind="pico-w", heap=HEAP)
            except NoMicroPython as error:
                pytest.skip(str(error))
            return boards.enter_context(board)

        yield make


def test_the_firmware_runs_the_adapter_of_its_configuration(
    make_board: MakeBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = make_board(broker.port, [BUTTON, LAMP])
    hub.wait_online()
    board.press("GP14", 40)
    hub.wait_taken(1)
    hub.publish(LAMP_TOPIC, "on")
    board.wait("GP15", 1)
    assert board.get("GP14").pull == "up"
    assert hub.taken == [("button1/press", None)]
    # the simulated hardware is in the same heap, which no board has
    assert 16_000 < hub.statuses[-1]["free"] < 128 * 1024


def test_a_board_whose_wifi_was_gone_tells_what_happened_meanwhile(
    make_board: MakeBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = make_board(broker.port, [BUTTON])
    board.networks({"home": "secret"})
    hub.wait_online()
    board.networks({})
    hub.wait(lambda hub: not hub.statuses[-1]["online"], "its last will")
    board.press("GP14", 40)
    board.networks({"neighbour": "x", "home": "secret"})
    hub.wait_taken(1)
    hub.wait_online(connection=2)
    assert "the network is gone" in board.console()


def test_a_board_joins_the_network_that_is_there_as_it_was_told_to(
    make_board: MakeBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    place = ["10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1"]
    networks = [["away", "x"], ["attic", "secret", place]]
    board = make_board(broker.port, [BUTTON], wifi=networks, country="DE")
    board.networks({"attic": "secret"}, hidden=["attic"])
    hub.wait_online()
    state = board.network()
    assert (state["ssid"], state["country"], state["hostname"]) == ("attic", "DE", "porch")
    assert state["address"] == place


def test_a_board_with_a_cable_comes_back_when_it_was_pulled(
    make_board: MakeBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    lan = {"mdc": 1, "mdio": 2, "phy_type": "PHY_LAN8720", "phy_addr": 1}
    board = make_board(broker.port, [BUTTON], wifi=[], lan=lan)
    hub.wait_online()
    board.networks(None, cable=False)
    hub.wait(lambda hub: not hub.statuses[-1]["online"], "its last will")
    board.networks(None, cable=True)
    hub.wait_online(connection=2)


def test_a_port_that_crashes_leaves_outputs_safe_and_the_board_starts_again(
    make_board: MakeBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = make_board(broker.port, [LAMP, BOMB])
    hub.wait_online()
    hub.publish(LAMP_TOPIC, "on")
    lit = board.wait("GP15", 1)
    hub.publish(BOMB_TOPIC, "crash", retain=False)
    dark = board.wait("GP15", 0, after=lit)
    hub.wait_reason("crashed: ValueError('boom',)")
    board.wait_started(2)
    board.wait("GP15", 1, after=dark)
    assert "in take\nValueError: boom" in board.console().replace("\r", "")


def test_a_port_that_hangs_is_ended_by_the_watchdog(
    make_board: MakeBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = make_board(broker.port, [LAMP, BOMB], IMPATIENT_MAIN)
    hub.wait_online()
    hub.publish(LAMP_TOPIC, "on")
    lit = board.wait("GP15", 1)
    hub.publish(BOMB_TOPIC, "hang", retain=False)
    board.wait_started(2)
    board.wait("GP15", 1, after=lit)
    assert board.cause == 3, "WDT_RESET"
    hub.wait(lambda hub: any("kept the board busy for 8" in one for one in hub.remarks), "why")


def test_who_interrupts_a_board_finds_it_safe_and_a_console(
    make_board: MakeBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = make_board(broker.port, [LAMP])
    hub.wait_online()
    hub.publish(LAMP_TOPIC, "on")
    lit = board.wait("GP15", 1)
    terminal = os.open(board.port, os.O_RDWR | os.O_NOCTTY)
    try:
        os.write(terminal, b"\x03")
        board.wait("GP15", 0, after=lit)
        hub.wait_reason("stopped at the console")
        os.write(terminal, b"print(6 * 7)\r\n")
        said = b""
        while b"\n42" not in said.replace(b"\r", b""):
            said += os.read(terminal, 1000)
    finally:
        os.close(terminal)
    assert board.boots == 1


def test_a_configuration_that_cannot_be_is_told_on_the_console_and_tried_again(
    make_board: MakeBoard, broker: Mosquitto
) -> None:
    board = make_board(broker.port, [{**LAMP, "kind": "toaster"}])
    board.wait_started(2)
    assert "ConfigError: this board has no ports of kind 'toaster'" in board.console()
