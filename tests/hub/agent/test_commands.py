"""What a user asks of a running hub."""

from __future__ import annotations

import pytest

from myocan.hub.control import ControlError, ask
from myocan.hub.house import House
from support.board import Board

LAMP = """MODULE lamp[location]
SUBSCRIBE event[location] {toggle}
PUBLIC state[location] {off, on}
ON event.toggle
  THEN next(state[location])
"""


@pytest.fixture
def lamp(modules):
    modules(lamp=LAMP, door="SUBSCRIBE go\nON go\n  THEN ignore\n")


def test_instances_are_created_listed_and_dropped(lamp, broker, hub, house, log, state) -> None:
    opened = House.load(house)
    with hub(), Board(broker.url, "home", "porch", hears=["mc1/live/home/lamp/#"]) as board:
        assert ask(opened, "instance create", module="lamp", key="hall") == {"created": True}
        assert state("lamp", "$instances", "hall") == "true"
        assert ask(opened, "instance create", module="lamp", key="hall") == {"created": False}
        assert ask(opened, "instance create", module="lamp", key="Küche / 2") == {"created": True}
        listed = ask(opened, "instance list", module="lamp")
        assert listed == {"key": "location", "instances": ["Küche / 2", "hall"]}
        board.send("lamp/event/hall", "toggle")
        board.await_that(lambda: board.values("lamp.state[hall]") == ["on"], "the lamp")
        assert ask(opened, "instance drop", module="lamp", key="hall") == {"dropped": True}
    with hub():
        listed = ask(opened, "instance list", module="lamp")
        assert listed == {"key": "location", "instances": ["Küche / 2"]}
    assert {row.producer for row in log("lamp.$instances")} == {"command"}


@pytest.mark.parametrize(
    ("command", "content", "words"),
    [
        ("instance create", {"module": "lmap", "key": "x"}, "did you mean lamp"),
        ("instance create", {"module": "door", "key": "x"}, "MODULE door\\[location\\]"),
        ("instance create", {"module": "lamp", "key": ""}, "1 to 64 bytes"),
        ("instance create", {"module": "lamp", "key": "ü" * 33}, "1 to 64 bytes"),
        ("instance create", {"module": "lamp"}, "1 to 64 bytes"),
        ("instance create", {"key": "x"}, "no module None"),
        ("instance drop", {"module": "lamp", "key": "hal"}, "did you mean 'hall'"),
        ("instance list", {"module": ["lamp"]}, "no module"),
        ("dance", {}, "no such command"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(
    lamp, broker, hub, house, command, content, words
) -> None:
    opened = House.load(house)
    with hub():
        ask(opened, "instance create", module="lamp", key="hall")
        with pytest.raises(ControlError, match=words):
            ask(opened, command, **content)
