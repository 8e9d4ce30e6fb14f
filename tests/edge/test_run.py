"""Running an adapter on CPython: how it starts, how it is stopped, what it leaves behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from myocan.edge import ConfigError, PinError, run
from myocan.edge.custom import CustomAdapter
from myocan.edge.errors import EdgeError
from myocan.edge.pins.gpiozero import GpiozeroPins
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.run import Runner
from support.edge_boards import BUTTON, LAMP, LAMP_TOPIC, configuration
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

MAIN = """
import json, sys
from myocan.edge.run import run_adapter
run_adapter(json.load(open(sys.argv[1])), say=lambda text: print(text, flush=True))
print("ended", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_a_signal_ends_it_in_good_order(
    tmp_path: Path, broker: Mosquitto, hub: FakeHub, number: signal.Signals
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(configuration(broker.port)))
    process = subprocess.Popen(
        [sys.executable, "-c", MAIN, str(tmp_path / "config.json")],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            hub.wait_online()
            process.send_signal(number)
            said, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 0
    assert said.splitlines()[-1] == "ended"
    hub.wait_reason("stopped")


def test_an_adapter_whose_broker_is_away_can_be_stopped_too(tmp_path: Path) -> None:
    runner = Runner(configuration(1), say=lambda text: runner.stop())
    runner.run()


def test_an_idle_adapter_sleeps(
    broker: Mosquitto, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(configuration(broker.port, [BUTTON]), say=lambda text: None)
    steps = 0
    step = runner.adapter.step

    def counted() -> int:
        nonlocal steps
        steps += 1
        return step()

    monkeypatch.setattr(runner.adapter, "step", counted)
    thread = threading.Thread(target=runner.run, name="adapter")
    thread.start()
    try:
        hub.wait_online()
        before = steps
        hub.wait(lambda hub: len(hub.statuses) > 1, "the status that is told a second later")
        assert steps - before < 20
    finally:
        runner.stop()
        thread.join()


def test_an_adapter_that_is_just_dialling_can_be_stopped_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        runner = Runner(configuration(server.getsockname()[1]), say=lambda text: None)
        runner.adapter.step()
        runner.adapter.close()


def test_a_crash_leaves_outputs_safe_and_is_told(
    broker: Mosquitto, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    pins = SimulatedPins()
    levels: list[int] = []

    def crash_when_lit(pin: str, level: int) -> None:
        levels.append(level)
        if level:
            raise RuntimeError("the relay smokes")

    pins.on_change = crash_when_lit
    runner = Runner(configuration(broker.port, [LAMP]), pins, lambda text: None)
    hub.publish(LAMP_TOPIC, "on")
    with pytest.raises(RuntimeError, match="smokes"):
        runner.run()
    assert levels[-1] == 0
    hub.wait_reason("crashed: RuntimeError('the relay smokes')")


def test_own_code_that_crashes_is_started_again_until_somebody_ends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened: list[SimulatedPins] = []

    def open_pins(name: str) -> SimulatedPins:
        opened.append(SimulatedPins())
        return opened[-1]

    monkeypatch.setattr(run, "CRASH_S", 0)
    monkeypatch.setattr(run, "open_pins", open_pins)
    said: list[str] = []
    starts = 0

    class Porch(CustomAdapter):
        def start(self) -> None:
            nonlocal starts
            starts += 1
            self.lamp = self.pins.digital_out("GP15", 1)
            if starts == 1:
                raise ValueError("boom")

        def safe(self) -> None:
            self.lamp.value(0)

        def work(self, now: int) -> int | None:
            if starts == 2:
                raise ConfigError("no such thing")
            if starts == 3:
                run._watch(0.05)  # 8 seconds are over sooner
            while starts == 3:
                pass
            os.kill(os.getpid(), signal.SIGINT)
            return 1

    def say(text: str) -> None:
        said.append(text)
        assert opened[-1].level("GP15") == 0

    run.run_adapter(configuration(1, [], code={}), "simulated", say, Porch)
    assert starts == 4
    first, second, third = (text for text in said if text.startswith("crashed"))
    assert first.startswith(f"crashed: {__file__}, line ")
    assert "ValueError: boom; starts again in" in first
    assert "ConfigError: no such thing" in second
    assert f"{__file__}, line " in third
    assert "Hung: this kept the adapter busy for 8 seconds; nothing in it may wait" in third
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_the_board_of_the_configuration_says_which_pins_are_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    for board, kind in (("unix", SimulatedPins), ("raspberry-pi", GpiozeroPins)):
        runner = Runner(configuration(1, [BUTTON], board=board), say=lambda text: None)
        assert isinstance(runner.pins, kind)
        runner.adapter.close()
    factory.close()


@pytest.mark.parametrize(
    ("port", "error"),
    [({**LAMP, "kind": "toaster"}, ConfigError), ({**LAMP, "pin": "GP99"}, PinError)],
    ids=["kind", "pin"],
)
def test_what_cannot_be_run_is_refused_before_anything_is_sent_and_frees_its_pins(
    monkeypatch: pytest.MonkeyPatch, port: dict[str, Any], error: type[EdgeError]
) -> None:
    factory = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    for _ in range(2):
        with pytest.raises(error):
            Runner(configuration(1, [BUTTON, port], board="raspberry-pi"))
    factory.close()
