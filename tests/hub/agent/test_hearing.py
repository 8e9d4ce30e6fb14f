"""A board that a test mode hears, and not the live house."""

from __future__ import annotations

import json

import pytest

from myocan.hub.control import ControlError, ask
from myocan.hub.house import House
from myocan.hub.store import Store
from support.board import Board

pytestmark = pytest.mark.usefixtures("every_mode_replays")

HEARS = [f"mc1/{mode}/home/+/+" for mode in ("live", "test")]


@pytest.fixture
def opened(house) -> House:
    (house / "adapters" / "porch.toml").write_text("")
    return House.load(house)


def press(board: Board, times: int) -> None:
    for _ in range(times):
        board.send("button1/press")
    board.await_acknowledged()


def test_each_press_counts_once_in_the_mode_that_hears_its_board(broker, hub, opened, of) -> None:
    with Board(broker.url, "home", "porch") as board:
        with hub():
            press(board, 3)
            ask(opened, "mode create", name="test")
            assert ask(opened, "board mode", board="porch", mode="test", user="ada") == {
                "board": "porch", "mode": "test", "before": "live"}  # fmt: skip
        with hub():
            press(board, 2)
        with hub():
            press(board, 5)
            assert ask(opened, "board mode", board="porch") == {"board": "porch", "mode": "test"}
            ask(opened, "board mode", board="porch", mode="live")
        with hub():
            press(board, 2)
            assert ask(opened, "board mode", board="porch") == {"board": "porch", "mode": "live"}
    assert len(of("live", "button1.press")) == 5
    assert len(of("test", "button1.press")) == 7
    assert of("live", "$log.lost") == of("live", "$log.alert") == of("test", "$log.alert") == []
    said, taken_back = of("live", "$admin.board.porch")
    assert json.loads(json.loads(said)) == {"mode": "test", "by": "ada"}
    assert taken_back == "null"


def test_other_boards_are_heard_as_before_and_no_board_hears_the_mode(
    broker, hub, opened, of
) -> None:
    with hub():
        ask(opened, "mode create", name="test")
        ask(opened, "board mode", board="porch", mode="test")  # before it was ever there
        with Board(broker.url, "home", "porch", hears=HEARS) as porch:
            with Board(broker.url, "home", "hall", hears=HEARS) as hall:
                press(porch, 1)
                porch.await_that(lambda: len(porch.values("lamp1.state")) == 1, "the mode's lamp")
                press(hall, 2)
                hall.await_that(lambda: len(hall.values("lamp1.state")) == 3, "the lamp")
            porch.send("lamp1/state", "on")  # what only a module may say
            porch.await_acknowledged()
    assert (len(of("test", "button1.press")), len(of("live", "button1.press"))) == (1, 2)
    assert "which no module" not in str(of("live", "$log.unhandled"))
    assert (len(of("test", "$log.rejected")), of("live", "$log.rejected")) == (1, [])


def test_what_cannot_be_is_refused_with_what_to_do(broker, hub, opened) -> None:
    with hub():
        ask(opened, "mode create", name="test")
        for content, why in (
            ({"board": "proch", "mode": "test"}, "no board proch; did you mean porch?"),
            ({"board": "attic", "mode": "test"}, "make it: myocan board new attic"),
            ({"board": "a/b", "mode": "test"}, "takes 1 to 64 letters"),
            ({"board": "porch", "mode": "tset"}, "no mode tset runs here; did you mean test?"),
        ):
            with pytest.raises(ControlError, match=why.replace("?", r"\?")):
                ask(opened, "board mode", **content)
        ask(opened, "board mode", board="porch", mode="test")
        with pytest.raises(ControlError, match="myocan board mode porch live"):
            ask(opened, "mode drop", name="test")
        ask(opened, "board mode", board="porch", mode="live")
        ask(opened, "mode drop", name="test")
        ask(opened, "mode create", name="test")


def test_a_board_whose_mode_is_gone_is_heard_by_the_live_house(broker, hub, opened, of) -> None:
    with hub():
        ask(opened, "mode create", name="test")
        ask(opened, "board mode", board="porch", mode="test")
    with Store.open(opened.store_path) as store:
        store.drop_mode("test")
    with hub(), Board(broker.url, "home", "porch") as board:
        press(board, 1)
        ask(opened, "mode create", name="test")
    assert len(of("live", "button1.press")) == 1
    assert "porch was heard by mode test, which is gone" in of("live", "$log.warn")[0]
    assert of("live", "$admin.board.porch")[-1] == "null"
