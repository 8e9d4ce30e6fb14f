"""Which broker a board is told, and as whom it comes there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from myocan.hub.house import House
from myocan.hub.running_hub import RunningHub
from myocan.tools.board_kinds import BoardKind
from myocan.tools.errors import ToolsError
from myocan.tools.flash import board_broker, board_secrets
from myocan.tools.flash.admission import broker_address


def house_of(folder: Path, settings: str = "") -> House:
    (folder / "myocan.toml").write_text(settings)
    return House.load(folder)


def test_a_board_never_gets_the_account_of_the_hub(tmp_path: Path) -> None:
    house = house_of(tmp_path, '[broker]\nurl = "mqtts://hub:hunter2@broker.example"\n')
    broker = board_broker(house, "porch")
    assert broker == {
        "host": "broker.example",
        "port": 8883,
        "tls": True,
        "ca": None,
        "user": "porch",
        "password": board_secrets(house, "porch").password,
    }


def test_on_a_machine_without_the_hub_a_board_comes_with_the_account_that_it_was_given(
    tmp_path: Path,
) -> None:
    house = house_of(tmp_path)
    broker = board_broker(house, "porch", "mqtt://porch:drawn-there@hub.example")
    assert (broker["user"], broker["password"]) == ("porch", "drawn-there")


def test_no_url_changes_the_account_that_is_kept(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    kept = board_secrets(house, "porch")
    assert board_broker(house, "porch", "mqtt://porch:bad@hub.example")["password"] == "bad"
    assert board_secrets(house, "porch") == kept
    assert board_broker(house, "porch", "mqtt://x:bad@hub.example")["password"] == kept.password


def test_where_nobody_needs_an_account_a_board_gets_none(tmp_path: Path) -> None:
    house = house_of(tmp_path, '[broker]\nurl = "mqtt://broker.example"\n')
    broker = board_broker(house, "porch")
    assert (broker["user"], broker["password"]) == (None, None)


def test_the_hubs_own_broker_is_named_as_boards_see_it(tmp_path: Path) -> None:
    house = house_of(tmp_path)
    hub = RunningHub("mqtt://~local:x@127.0.0.1:2", os.getpid(), "", "mqtt://192.168.1.5:1883")
    hub.write(house)
    try:
        with pytest.raises(Exception, match="no hub runs"):  # it has to let the board in, too
            board_broker(house, "porch")
    finally:
        hub.withdraw(house)


@pytest.mark.parametrize("plain", ["", "mqtt://192.168.1.5:1883"])
def test_what_cannot_encrypt_comes_in_at_a_door_of_its_own_or_not_at_all(
    tmp_path: Path, plain: str
) -> None:
    house = house_of(tmp_path)
    boards = "mqtts://192.168.1.5:8883?ca=/cottage/ca.pem"
    hub = RunningHub("mqtt://~local:x@127.0.0.1:2", os.getpid(), "", boards, plain)
    hub.write(house)
    try:
        for kind in ("pico-w", "raspberry-pi"):
            broker, asks = broker_address(house, kind=BoardKind.load(kind))
            assert (broker["port"], broker["ca"], asks) == (8883, "/cottage/ca.pem", True)
        if plain:
            broker, asks = broker_address(house, kind=BoardKind.load("esp8266"))
            assert (broker["port"], broker["tls"], asks) == (1883, False, True)
        else:
            with pytest.raises(ToolsError, match=r'ESP8266 .* cannot.* plain = "0.0.0.0:1883"'):
                broker_address(house, kind=BoardKind.load("esp8266"))
    finally:
        hub.withdraw(house)


def test_without_any_broker_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match=r"Start it .* \[broker\] url"):
        board_broker(house_of(tmp_path), "porch")
