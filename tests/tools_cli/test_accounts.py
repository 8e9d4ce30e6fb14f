"""Accounts for what myocan does not flash, and for a Mosquitto that is the user's own."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer

from myocan.hub.bus import CONNECTED, Bus, BusRefused
from myocan.hub.house import House
from myocan.tools.cli.accounts import account, mosquitto_files
from myocan.tools.cli.upkeep import forget
from myocan.tools.errors import ToolsError
from myocan.tools.flash import board_broker
from support.mosquitto import Mosquitto

if TYPE_CHECKING:
    from support.command_line import Myocan

LAMP = """
board = "unix"
[ports.lamp]
kind = "led"
pin = "GP15"
subscribe = "lamp1.state"
"""
DATA, SECRET = "mc1/live/home/lamp1/state", "mc1/live/home/safe/code"
OWN = "mc1/$board/home/porch/"


def connected(url: str, client_id: str, *topics: str) -> Bus:
    """Return a client that the broker has let in."""
    bus = Bus(url, client_id, subscriptions=[(topic, 0) for topic in topics], protocol="3.1.1")
    bus.start()
    try:
        while CONNECTED not in [topic for topic, _, _ in bus.receive(5)]:
            pass
    except BaseException:
        bus.stop()
        raise
    return bus


def seen_by(bus: Bus, last: str) -> list[str]:
    """Return the topics that come up to `last`."""
    seen: list[str] = []
    while last not in seen:
        frames = bus.receive(5)
        assert frames, f"{last} did not come, only {seen}"
        seen += [topic for topic, _, _ in frames]
    return seen


def test_a_mosquitto_of_ones_own_gets_rules_that_hold(myocan: Myocan, tmp_path: Path) -> None:
    folder, files = tmp_path / "house", tmp_path / "files"
    (folder / "adapters").mkdir(parents=True)
    (folder / "adapters" / "porch.toml").write_text(LAMP)
    rules = f"password_file {files}/passwords\nacl_file {files}/access\nallow_anonymous false"
    broker = Mosquitto(tmp_path / "broker", config=rules, anonymous=False)
    hub_url = broker.url.replace("//", "//hub:hunter2@")
    (folder / "myocan.toml").write_text(f'[broker]\nurl = "{hub_url}"\n')
    done = myocan("board", "access", str(files), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "hunter2" not in done.stdout + (files / "passwords").read_text()
    assert (files / "passwords").stat().st_mode & 0o777 == 0o600
    account = board_broker(House.load(folder), "porch")
    url = broker.url.replace("//", f"//porch:{account['password']}@")
    with ExitStack() as stack:
        stack.enter_context(broker)
        with pytest.raises(BusRefused):
            connected(url.replace("porch:", "porch:x"), "porch")
        hub = connected(hub_url, "hub", "mc1/#")
        stack.callback(hub.stop)
        board = connected(url, "whatever", "mc1/#")
        stack.callback(board.stop)
        forged = "mc1/$board/home/door/base", DATA, OWN + "ack"
        board.publish([(topic, b"", 0, False, 0) for topic in (*forged, OWN + "base")])
        assert seen_by(hub, OWN + "base") == [OWN + "base"]
        hub.publish([(topic, b"x", 0, False, 0) for topic in (SECRET, OWN + "ack", DATA)])
        assert seen_by(board, DATA) == [OWN + "ack", DATA]


def test_a_bridge_is_let_in_by_a_hub_that_runs_until_it_is_forgotten(
    myocan: Myocan, running_house: Path
) -> None:
    told = json.loads(myocan("board", "account", "bridge", "--json", cwd=running_house).stdout)
    assert told["user"] == "bridge"
    url = told["broker"].replace("//", f"//bridge:{told['password']}@")
    connected(url, "bridge").stop()
    assert myocan("board", "forget", "bridge", "--yes", cwd=running_house).returncode == 0
    with pytest.raises(BusRefused):
        connected(url, "bridge")


def test_what_cannot_be_is_told(house: Path) -> None:
    with pytest.raises(ToolsError, match="names no account for the hub"):
        mosquitto_files(House.load(house))
    with pytest.raises(ToolsError, match="bridge has no account in this house"):
        forget("bridge", house=house)
    with pytest.raises(typer.BadParameter, match="takes 1 to 64 letters"):
        account("a/b", house=house)
