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
from myocan.tools.sending import account_name, deliver
from support.clock import until
from support.command_line import make_house
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
        while CONNECTED not in [topic for topic, _, _ in bus.receive(60)]:
            pass
    except BaseException:
        bus.stop()
        raise
    return bus


def is_let_in(url: str) -> bool:
    """Whether the broker lets a bridge in. (It reads its files some time after it was told to.)"""
    try:
        connected(url, "bridge").stop()
    except BusRefused:
        return False
    return True


def seen_by(bus: Bus, last: str) -> list[str]:
    """Return the topics that come up to `last`."""
    seen: list[str] = []
    while last not in seen:
        frames = bus.receive(60)
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
    until(lambda: is_let_in(url), "entry")
    assert myocan("board", "forget", "bridge", "--yes", cwd=running_house).returncode == 0
    until(lambda: not is_let_in(url), "refusal")


def test_who_has_an_account_sends_from_another_machine(
    myocan: Myocan, running_house: Path, tmp_path: Path
) -> None:
    told = json.loads(myocan("board", "account", "laptop", "--json", cwd=running_house).stdout)
    there = make_house(tmp_path / "copy")  # nothing of .myocan comes along
    bare = told["broker"]
    url = bare.replace("//", f"//laptop:{told['password']}@")
    sent = myocan("send", "hall.light", "on", "--broker", url, "--json", cwd=there)
    assert sent.returncode == 0, sent.stderr
    assert json.loads(sent.stdout)["board"] == "laptop"

    topic = ("hall", "light", None)
    for broker, said in (
        (bare, "wants to know who we are: .* makes one for this machine"),
        (url.replace("laptop:", "laptop:x"), "refuses user 'laptop' with this password"),
        (url.replace("laptop", "porch"), "porch is a board's account, and would push"),
    ):
        with pytest.raises((ToolsError, BusRefused), match=said):
            deliver(broker, "home", tmp_path / "s", topic, "on", timeout=20, boards=["porch"])


def test_senders_with_one_account_wait_for_each_other(tmp_path: Path) -> None:
    with account_name(tmp_path / "senders", "laptop", 1) as name:
        assert name == "laptop"
        with (
            pytest.raises(ToolsError, match="another `myocan send` has the account laptop"),
            account_name(tmp_path / "senders", "laptop", 0),
        ):
            pass
    with account_name(tmp_path / "senders", "laptop", 0):
        pass


def test_what_cannot_be_is_told(house: Path) -> None:
    with pytest.raises(ToolsError, match="names no account for the hub"):
        mosquitto_files(House.load(house))
    with pytest.raises(ToolsError, match="bridge has no account in this house"):
        forget("bridge", house=house)
    with pytest.raises(typer.BadParameter, match="takes 1 to 64 letters"):
        account("a/b", house=house)
