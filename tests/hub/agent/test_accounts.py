"""Which accounts the hub's own broker gets to know, and what their boards may read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myocan.hub.agent.accounts import board_accounts
from myocan.hub.bus import Account
from myocan.hub.house import House

PORCH = """
board = "unix"
[ports.button]
kind = "button"
pin = "GP14"
publish = "button1.press"
[ports.lamp]
kind = "relay"
pin = "GP15"
subscribe = "lamp1.State"
[ports.heater]
kind = "relay"
pin = "GP16"
subscribe = "heater.state[bath/up]"
[ports.wrong]
kind = "relay"
pin = "GP17"
subscribe = "lamp"
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "myocan.toml").write_text('domain = "cottage"')
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "porch.toml").write_text(PORCH)
    (tmp_path / ".myocan" / "boards").mkdir(parents=True)
    return House.load(tmp_path)


def keep(house: House, name: str, text: str) -> None:
    (house.private_path / "boards" / f"{name}.json").write_text(text)


def test_a_board_may_read_what_its_ports_subscribe_to(house: House) -> None:
    keep(house, "porch", json.dumps({"name": "porch", "password": "p", "update_key": "k"}))
    keep(house, "bridge", json.dumps({"name": "bridge", "password": "b"}))
    topics = ("mc1/live/cottage/lamp1/state", "mc1/live/cottage/heater/state/bath%2Fup")
    assert board_accounts(house) == [Account("bridge", "b"), Account("porch", "p", topics)]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"name": "hall", "password": "p"}', '{"name": "porch", "password": ""}'],
)
def test_a_file_that_is_none_gives_no_account_and_stops_nobody(
    house: House, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    keep(house, "porch", text)
    assert board_accounts(house) == []
    assert "porch.json gives no board an account" in caplog.text


def test_a_board_without_an_adapter_may_read_nothing_of_others(house: House) -> None:
    (house.root / "adapters" / "porch.toml").unlink()
    keep(house, "porch", json.dumps({"name": "porch", "password": "p"}))
    assert board_accounts(house) == [Account("porch", "p")]


def test_a_name_that_could_be_read_as_more_than_one_is_none(house: House) -> None:
    for name in ("hall:x", "hall\nuser root", "~hub"):
        keep(house, name, json.dumps({"name": name, "password": "p"}))
    assert board_accounts(house) == []
