"""The port of a board is found by its USB numbers, and a choice is left to the person."""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.tools.board_kinds import BoardKind
from myocan.tools.flash import BoardError, Mpremote, SerialPort, find_port, ports, serial_ports

PICO = SerialPort("/dev/ttyACM0", "2e8a:0005", "Board in FS mode")
OTHER_PICO = SerialPort("/dev/ttyACM1", "2e8a:0005", "Board in FS mode")
ESP = SerialPort("/dev/ttyUSB0", "10c4:ea60", "CP2102 USB to UART")
BUILT_IN = SerialPort("/dev/ttyS0", "", "")


def plug_in(monkeypatch: pytest.MonkeyPatch, *plugged: SerialPort) -> None:
    monkeypatch.setattr(ports, "serial_ports", lambda: list(plugged))


def test_the_only_port_that_fits_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(monkeypatch, ESP, PICO, BUILT_IN)
    assert find_port(BoardKind.load("pico-w")) == "/dev/ttyACM0"
    assert find_port(BoardKind.load("esp32-devkit")) == "/dev/ttyUSB0"


@pytest.mark.parametrize(
    ("kind", "plugged", "said"),
    [
        ("pico-w", [PICO, OTHER_PICO], r"choose with --port among /dev/ttyACM0 .*/dev/ttyACM1"),
        ("pico-w", [ESP], r"no Raspberry Pi Pico W is plugged in; there are /dev/ttyUSB0 \(CP2102"),
        ("pico-w", [BUILT_IN], r"is plugged in; no USB port has one"),
        ("unix", [PICO], r"a Virtual board has no port of its own: name one with --port"),
    ],
)
def test_none_and_several_are_told_with_what_there_is(
    monkeypatch: pytest.MonkeyPatch, kind: str, plugged: list[SerialPort], said: str
) -> None:
    plug_in(monkeypatch, *plugged)
    with pytest.raises(BoardError, match=said):
        find_port(BoardKind.load(kind))


def test_the_ports_of_this_machine_can_be_listed() -> None:
    assert all(isinstance(port.device, str) for port in serial_ports())


@pytest.mark.parametrize(
    ("port", "said"),
    [
        ("/dev/null", "/dev/null is no serial port"),
        (__file__, "is no serial port"),
        (str(Path(__file__).parent), "is no serial port, but a folder"),
        ("socket://127.0.0.1:1", "nobody listens at socket://127.0.0.1:1"),
    ],
)
def test_what_is_no_port_is_called_what_it_is(port: str, said: str) -> None:
    with pytest.raises(BoardError, match=said):
        Mpremote(port).run("exec", "1", timeout=60)
