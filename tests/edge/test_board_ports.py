"""All kinds of ports with MicroPython's own `machine`, on virtual boards with real sensors' ways.

What each makes of its numbers is tested on simulated pins; here it is that the board's half of a
part, `pins/machine_*.py`, talks to what is wired to it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.adapters import parse_adapter
from myocan.tools.vboard import NoMicroPython, VirtualBoard
from myocan.wire import Fixed
from support.edge_boards import ROOT
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

SENSORS = """
board = "pico-w"
[[wifi]]
ssid = "home"
[ports.dial]
kind = "analog"
pin = "GP26"
publish = "room.dial"
[ports.air]
kind = "bme280"
sda = "GP4"
scl = "GP5"
every_s = 1
publish = { temperature = "air.temperature", humidity = "air.humidity", pressure = "air.pressure", fault = "air.broken" }
[ports.flow]
kind = "ds18b20"
pin = "GP2"
device = "28-0416811e64ff"
every_s = 1
publish = "boiler.flow"
[ports.back]
kind = "ds18b20"
pin = "GP2"
device = "28-000000000001"
every_s = 1
publish = "boiler.back"
[ports.lost]
kind = "ds18b20"
pin = "GP3"
every_s = 1
publish = { temperature = "boiler.lost", fault = "boiler.broken" }
[ports.cellar]
kind = "dht"
pin = "GP6"
every_s = 2
publish = { temperature = "cellar.temperature", humidity = "cellar.humidity" }
[ports.water]
kind = "counter"
pin = "GP10"
pull = "up"
every_s = 0.2
debounce_ms = 0
publish = "water.pulses"
[ports.hall]
kind = "motion"
pin = "GP11"
publish = { motion = "hall.seen", value = "hall.state" }
"""  # noqa: E501

OUTPUTS = """
board = "pico-w"
[[wifi]]
ssid = "home"
[ports.lamp]
kind = "pwm"
pin = "GP15"
safe = 10
subscribe = "lamp.level"
[ports.vent]
kind = "servo"
pin = "GP12"
subscribe = "vent.angle"
[ports.strip]
kind = "neopixel"
pin = "GP0"
count = 2
subscribe = "strip.color"
"""

StartBoard = Callable[[str], VirtualBoard]


@pytest.fixture
def start_board(tmp_path: Path, board_library: Path, broker: Mosquitto) -> Iterator[StartBoard]:
    """Starts virtual boards with the adapter of a file's text on them."""
    with ExitStack() as boards:

        def start(text: str) -> VirtualBoard:
            files = tmp_path / "porch" / "files"
            shutil.copytree(board_library, files / "lib")
            for script in ("boot.py", "main.py"):
                shutil.copy(ROOT / "firmware" / script, files)
            adapter = parse_adapter(Path("porch.toml"), text)
            config = adapter.config(f"mqtt://127.0.0.1:{broker.port}")
            (files / "config.json").write_text(json.dumps(config))
            try:
                board = VirtualBoard("porch", tmp_path / "porch", kind="pico-w", heap="128wK")
            except NoMicroPython as error:
                pytest.skip(str(error))
            return boards.enter_context(board)

        yield start


def wait_for(hub: FakeHub, name: str, value: Any) -> None:
    hub.wait(lambda hub: (name, value) in hub.taken, f"{name} {value}")


def test_sensors_on_a_board_are_measured(start_board: StartBoard, hub: FakeHub) -> None:
    board = start_board(SENSORS)
    board.attach("bme280", sda="GP4", scl="GP5", celsius=21.4, hectopascals=1002.5)
    board.attach("ds18b20", pin="GP2", celsius=55.5, conversion_ms=100)
    board.attach("ds18b20", pin="GP2", rom="2801000000000029", celsius=-3.2, conversion_ms=100)
    board.attach("dht22", pin="GP6", celsius=-1.5, humidity=81.2)
    hub.wait_online()
    board.analog("GP26", 1.65)
    wait_for(hub, "room/dial", 50)
    wait_for(hub, "air/temperature", Fixed(214, 1))
    wait_for(hub, "air/humidity", 50)
    wait_for(hub, "air/pressure", Fixed(10025, 1))
    wait_for(hub, "boiler/flow", Fixed(555, 1))
    wait_for(hub, "boiler/back", Fixed(-32, 1))
    wait_for(hub, "cellar/temperature", Fixed(-15, 1))
    wait_for(hub, "cellar/humidity", 81)
    wait_for(hub, "boiler/broken", True)
    wait_for(hub, "hall/state", "off")
    board.set("GP11", 1)
    wait_for(hub, "hall/seen", None)
    for _ in range(20):
        board.set("GP10", 0)
        board.set("GP10", 1)
    hub.wait(lambda hub: _sum(hub, "water/pulses") == 20, "twenty pulses")
    assert "port 'lost': no sensor answers: look at its wires" in board.console()


def _sum(hub: FakeHub, name: str) -> int:
    return sum(value for variable, value in hub.taken if variable == name)


def test_outputs_on_a_board_follow_the_hub(
    start_board: StartBoard, hub: FakeHub, broker: Mosquitto
) -> None:
    board = start_board(OUTPUTS)
    lamp = board.until("GP15", lambda pin: pin.duty == pytest.approx(0.1, abs=0.001))
    assert lamp.freq_hz == 1000
    hub.wait_online()
    hub.publish("mc1/live/home/lamp/level", Fixed(125, 1))
    board.until("GP15", lambda pin: pin.duty == pytest.approx(0.125, abs=0.001))
    assert board.get("GP12").duty == 0
    hub.publish("mc1/live/home/vent/angle", 90)
    vent = board.until("GP12", lambda pin: pin.duty == pytest.approx(1.5 / 20, abs=0.001))
    assert vent.freq_hz == 50
    hub.publish("mc1/live/home/strip/color", "#ff8000")
    board.until("GP0", lambda pin: pin.sent == "80ff00" * 2)
    hub.publish("mc1/live/home/strip/color", "blau")
    hub.wait(lambda hub: any("no colour 'blau'" in str(line) for line in hub.remarks), "a remark")
    shown = {"lamp": Fixed(125, 1), "vent": 90, "strip": "#ff8000"}
    hub.wait(lambda hub: hub.statuses[-1]["applied"] == shown, "what the ports show")
    hub.stop()
    broker.stop()  # or what it retains is shown so soon that nobody sees what was safe
    board.reset()
    board.until("GP15", lambda pin: pin.duty == pytest.approx(0.1, abs=0.001))
