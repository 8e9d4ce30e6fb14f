"""How boards are, in words."""

from __future__ import annotations

from typing import Any

import pytest

from myocan.tools.board_states import BoardState
from myocan.wire import Fixed

ONLINE = {"online": True, "wire": 1, "config": "c1"}


@pytest.mark.parametrize(
    ("status", "config", "apart", "said"),
    [
        ({}, "c1", {}, "has never been heard of here"),
        (ONLINE, "c1", {}, "online, as it should be"),
        (ONLINE, None, {}, "online, as it should be"),
        (ONLINE, "c2", {}, "says something else by now: update it"),
        (ONLINE, "c1", {"lamp": ("off", "on")}, "online; lamp shows off, and on was said"),
        (ONLINE, "c1", {"fan": (None, Fixed(25, 1))}, "fan shows nothing, and 2.5 was said"),
        ({"online": False, "reason": "the connection broke"}, "c1", {}, "offline: the connection"),
        ({"online": True, "wire": 2}, "c1", {}, "speaks version 2 of the wire format"),
    ],
)
def test_a_board_is_told_of_in_words(
    status: dict[str, Any], config: str | None, apart: dict[str, Any], said: str
) -> None:
    assert said in BoardState("porch", status, config, apart).in_words()


def test_decimals_keep_their_zeros_in_json() -> None:
    state = BoardState("porch", {**ONLINE, "applied": {"fan": Fixed(2150, 2)}}, "c1")
    assert state.plain()["applied"] == {"fan": "21.50"}
    assert state.plain()["current"] is True
