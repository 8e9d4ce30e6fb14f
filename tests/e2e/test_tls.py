"""A house with `[broker] tls = true`, as people have it: a board is flashed once, and stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from myocan.tools.vboard import VirtualBoard
from support.clock import until
from support.hub_process import HubProcess
from support.mosquitto import find_mosquitto, free_port

MYOCAN = [sys.executable, "-m", "myocan.tools.cli"]
PATIENCE_S = 300.0

PORCH = """
board = "pico-w"
[ports.button]
kind = "button"
pin = "GP14"
publish = "button1.press"
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    folder = tmp_path / "my cottage"
    (folder / "adapters").mkdir(parents=True)
    (folder / "adapters" / "porch.toml").write_text(PORCH)
    listen = f"127.0.0.1:{free_port()}"
    (folder / "myocan.toml").write_text(f'[broker]\ntls = true\nlisten = "{listen}"\n')
    return folder


def myocan(house: Path, *words: str) -> str:
    done = subprocess.run(
        [*MYOCAN, *words], cwd=house, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def times_online(board: VirtualBoard) -> int:
    return sum(line.endswith("online") for line in board.console().splitlines())


@pytest.mark.skipif(find_mosquitto() is None, reason="needs a real Mosquitto")
def test_a_board_is_flashed_once_for_an_authority_and_any_certificate_of_its(
    house: Path, board: VirtualBoard
) -> None:
    private = house / ".myocan"
    with HubProcess(house):
        assert " files written" in myocan(house, "flash", "porch", "--port", board.port)
        told = json.loads((board.files / "config.json").read_text())
        assert told["broker"]["tls"]
        assert "~local" not in json.dumps(told)
        until(lambda: times_online(board) > 0, "board", PATIENCE_S)
        before = times_online(board)

        certificate = private / "tls" / "broker.pem"
        first = certificate.read_bytes()
        certificate.unlink()
        marker = json.loads((private / "broker" / "broker.pid").read_text())
        os.kill(int(marker["child"].split()[0]), signal.SIGKILL)
        until(lambda: times_online(board) > before, "board", PATIENCE_S)
        assert certificate.read_bytes() != first
