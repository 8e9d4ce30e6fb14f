"""What flashing gives one board alone, and to whom it does not give it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.house import House
from myocan.tools.adapters import parse_adapter
from myocan.tools.flash import (
    Admission,
    BoardError,
    Mpremote,
    board_secrets,
    console_lines,
    flash,
    look,
    reset_board,
    wipe_board,
)
from myocan.tools.flash.secrets import save_secrets
from myocan.tools.vboard import VirtualBoard

LAMP = """
board = "unix"
[ports.lamp]
kind = "led"
pin = "GP15"
subscribe = "lamp1.state"
"""


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "myocan.toml").write_text("")
    return House.load(tmp_path)


def configuration(name: str = "porch", user: str | None = "porch") -> dict[str, Any]:
    broker = {"host": "127.0.0.1", "port": 1, "user": user, "password": user}
    return parse_adapter(Path(f"{name}.toml"), LAMP).config(broker)


def on_board(board: VirtualBoard, path: str) -> Any:
    return json.loads((board.files / path).read_text())


def test_a_board_gets_its_own_account_and_key_and_they_are_not_in_its_configuration(
    cleared_board: VirtualBoard, house: House
) -> None:
    board = cleared_board
    done = flash(configuration(), board.port, admit=Admission(house, "porch"))
    secrets = board_secrets(house, "porch")
    assert on_board(board, "secrets.json") == {
        "user": "porch",
        "password": secrets.password,
        "update_key": secrets.update_key,
    }
    config = on_board(board, "config.json")
    assert (config["broker"]["user"], config["broker"]["password"]) == (None, None)
    assert secrets.password not in (board.files / "config.json").read_text()
    assert config["hash"] == done.config == configuration(user=None)["hash"]


def test_a_second_board_of_a_name_is_refused_and_left_as_it_was(
    cleared_board: VirtualBoard, house: House
) -> None:
    first = replace(board_secrets(house, "porch"), identity="e661")
    save_secrets(house, first)
    before = cleared_board.boots
    with pytest.raises(BoardError, match=r"porch is another board .* with --replace"):
        flash(configuration(), cleared_board.port, admit=Admission(house, "porch"))
    cleared_board.wait_started(before + 1)
    assert list(cleared_board.files.iterdir()) == []
    assert board_secrets(house, "porch") == first


def test_a_board_is_reset_and_wiped_and_no_other_is(
    cleared_board: VirtualBoard, house: House
) -> None:
    board = cleared_board
    flash(configuration(), board.port)
    before = board.boots
    reset_board(board.port, "porch")
    board.wait_started(before + 1)
    (board.files / "lib/theirs.py").write_text("")
    with pytest.raises(BoardError, match=r"is the board porch, not hall"):
        wipe_board(board.port, "hall")
    assert look(Mpremote(board.port)).name == "porch"
    wipe_board(board.port, "porch")
    assert list(board.files.iterdir()) == []
    with pytest.raises(BoardError, match=r"a board that carries no adapter, not porch"):
        reset_board(board.port, "porch")


def test_what_a_board_prints_is_shown_line_by_line(cleared_board: VirtualBoard) -> None:
    board = cleared_board
    (board.files / "main.py").write_text("print('one'); print('two'); 1 / 0")
    lines = []
    console = console_lines(board.port)
    next(console)  # it is open now
    board.power_off()
    board.power_on()
    for line in console:
        lines.append(line)
        if "ZeroDivisionError" in line:
            break
    assert "one\ntwo\n" in "\n".join(line for line in lines if line) + "\n"


def test_a_port_that_is_none_is_told_before_anything_is_shown() -> None:
    with pytest.raises(BoardError, match=r"cannot open /dev/nothing-here"):
        next(console_lines("/dev/nothing-here"))
