"""The secrets of boards: one of each per board, kept where its user alone can read them."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from myocan.hub.house import House
from myocan.tools.cli.upkeep import shut_out
from myocan.tools.flash.secrets import (
    BoardSecrets,
    SecretsError,
    board_secrets,
    new_secrets,
    save_secrets,
)


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "myocan.toml").write_text("")
    return House.load(tmp_path)


def file_of(house: House, name: str) -> Path:
    return house.private_path / "boards" / f"{name}.json"


def test_a_board_keeps_what_was_drawn_for_it(house: House) -> None:
    drawn = board_secrets(house, "porch")
    assert len(bytes.fromhex(drawn.update_key)) == 32
    assert len(drawn.password) == 48
    assert board_secrets(house, "porch") == drawn


def test_no_two_boards_have_the_same(house: House) -> None:
    drawn = [board_secrets(house, f"board{number}") for number in range(20)]
    assert len({each.password for each in drawn}) == 20
    assert len({each.update_key for each in drawn}) == 20


def test_only_its_user_can_read_them_and_they_are_not_printed(house: House) -> None:
    drawn = board_secrets(house, "porch")
    assert file_of(house, "porch").stat().st_mode & 0o777 == 0o600
    assert file_of(house, "porch").parent.stat().st_mode & 0o777 == 0o700
    assert drawn.password not in repr(drawn)
    assert drawn.update_key not in repr(drawn)


def test_all_who_draw_at_once_get_the_same(house: House) -> None:
    drawn: list[BoardSecrets] = []
    start = threading.Barrier(2)

    def draw(name: str) -> None:
        start.wait()
        drawn.append(board_secrets(house, name))

    for number in range(10):
        name = f"board{number}"
        drawn.clear()
        threads = [threading.Thread(target=draw, args=(name,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert drawn == [board_secrets(house, name)] * 2
    assert len(list(file_of(house, "x").parent.iterdir())) == 10


def test_what_is_saved_is_read_again_and_new_ones_are_others(house: House) -> None:
    drawn = board_secrets(house, "porch")
    save_secrets(house, replace(drawn, identity="e661"))
    assert board_secrets(house, "porch").identity == "e661"
    again = new_secrets(house, "porch")
    assert again.password != drawn.password
    assert again.update_key != drawn.update_key
    assert board_secrets(house, "porch") == again
    assert file_of(house, "porch").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"name": 3}', '{"name": "porch", "password": "p", "update_key": "ab"}',
     '{"name": "door", "password": "p", "update_key": "%s"}' % ("ab" * 32), '{"other": 1}'],
)  # fmt: skip
def test_a_file_with_something_else_in_it_is_told(house: House, text: str) -> None:
    board_secrets(house, "porch")
    file_of(house, "porch").write_text(text)
    with pytest.raises(SecretsError, match="does not hold the secrets of porch"):
        board_secrets(house, "porch")


def test_a_board_whose_account_is_gone_or_anothers_is_told_so(house: House) -> None:
    assert "porch has no account" in shut_out(house, "porch", "e661")
    drawn = board_secrets(house, "porch")
    assert shut_out(house, "porch", "e661") == ""
    save_secrets(house, replace(drawn, identity="beef"))
    assert "another board is porch now (chip beef" in shut_out(house, "porch", "e661")
    assert shut_out(house, "porch", "beef") == ""
