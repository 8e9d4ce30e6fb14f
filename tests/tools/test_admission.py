"""Which chip may have which name of a house."""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.hub.house import House
from myocan.tools.board_kinds import BoardKind
from myocan.tools.flash import Admission, BoardError, Found, board_secrets, known_secrets


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "myocan.toml").write_text("")
    return House.load(tmp_path)


def chip(identity: str) -> Found:
    kind = BoardKind.load("pico-w")
    return Found(kind, False, "Pico W", (1, 24, 0), 6, identity, None, 1, 1, {})


def test_the_first_chip_has_the_name_and_may_come_again(house: House) -> None:
    first = Admission(house, "porch")(chip("e661"))
    assert first.identity == "e661"
    assert Admission(house, "porch")(chip("e661")) == first == board_secrets(house, "porch")


def test_another_chip_is_refused_and_changes_nothing(house: House) -> None:
    first = Admission(house, "porch")(chip("e661"))
    with pytest.raises(BoardError, match=r"porch is another board .*e661.* with --replace"):
        Admission(house, "porch")(chip("beef"))
    assert board_secrets(house, "porch") == first


def test_one_that_takes_the_place_of_another_shares_nothing_with_it(house: House) -> None:
    first = Admission(house, "porch")(chip("e661"))
    second = Admission(house, "porch", replace=True)(chip("beef"))
    assert second.identity == "beef"
    assert second.password != first.password
    assert second.update_key != first.update_key
    assert board_secrets(house, "porch") == second


def test_in_its_own_place_a_board_gets_everything_anew_too(house: House) -> None:
    first = Admission(house, "porch")(chip("e661"))
    second = Admission(house, "porch", replace=True)(chip("e661"))
    assert (second.identity, second.name) == (first.identity, first.name)
    assert second.password != first.password
    assert second.update_key != first.update_key
    assert board_secrets(house, "porch") == second


def test_a_password_from_elsewhere_is_for_the_board_alone(house: House) -> None:
    there = Admission(house, "porch", password="drawn-there")(chip("e661"))
    assert there.password == "drawn-there"
    assert board_secrets(house, "porch").password != "drawn-there"


def test_a_chip_that_gets_another_name_gives_its_old_one_back(house: House) -> None:
    Admission(house, "hall")(chip("e661"))
    Admission(house, "porch")(chip("e661"))
    assert [each.name for each in known_secrets(house)] == ["porch"]
    assert Admission(house, "hall")(chip("beef")).identity == "beef"
