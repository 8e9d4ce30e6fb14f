"""An adapter file on a board, from the flash tool to the pin: what people buy the board for.

A real Mosquitto, a board that is flashed like any other, and a hub that only keeps the session.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from paho.mqtt.client import Client

from myocan.hub.bus import parse_url
from myocan.tools.adapters import AdapterFile, parse_adapter
from myocan.tools.chaos.cut import Cut
from myocan.tools.flash import BoardError, BoardWatch, flash
from myocan.tools.vboard import NoMicroPython, VirtualBoard
from support.clock import until
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

MakeBoard = Callable[..., VirtualBoard]

PORCH = """
board = "pico-w"

[[wifi]]
ssid = "home"
password = "secret"

[ports.door_button]
kind = "button"
pin = "GP14"
pull = "up"
debounce_ms = 1
publish = "button1.press"

[ports.door]
kind = "contact"
pin = "GP13"
pull = "up"
debounce_ms = 1
publish = "door.state"
map = { open = 1, shut = 0 }

[ports.lamp]
kind = "relay"
pin = "GP15"
safe = "off"
hold_s = 0
subscribe = "lamp1.state"
map = { on = 1, off = 0 }
"""

LAMP = "mc1/live/home/lamp1/state"


class QuickHub(FakeHub):
    """A hub that does not let small packets wait for an acknowledgement, as the real one."""

    def _on_connect(self, client: Client, *more: object) -> None:
        client.socket().setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super()._on_connect(client, *more)


class Wall(NamedTuple):
    """A board that is flashed and online, and what it talks to; one for all tests here."""

    board: VirtualBoard
    hub: FakeHub
    broker: Mosquitto
    config: dict[str, Any]


@pytest.fixture(scope="module")
def porch() -> AdapterFile:
    return parse_adapter(Path("porch.toml"), PORCH)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def wall(
    tmp_path_factory: pytest.TempPathFactory, broker: Mosquitto, porch: AdapterFile
) -> Iterator[Wall]:
    try:
        board = VirtualBoard("porch", tmp_path_factory.mktemp("porch"), kind="pico-w")
    except NoMicroPython as error:
        pytest.skip(str(error))
    config = porch.config(broker.url)
    with board, QuickHub("127.0.0.1", broker.port) as hub:
        with BoardWatch(config) as watch:
            assert flash(config, board.port, online=watch.wait).online
        hub.wait_taken(1)
        yield Wall(board, hub, broker, config)


def test_a_flashed_board_says_what_it_is(wall: Wall) -> None:
    status = wall.hub.statuses[-1]
    assert status["online"]
    assert status["runtime"].startswith("micropython ")
    assert wall.hub.taken[0] == ("door/state", "open")


def test_a_press_arrives_as_one_event(wall: Wall) -> None:
    before = len(wall.hub.taken)
    for count in range(1, 11):
        wall.board.press("GP14", ms=20)
        wall.hub.wait_taken(before + count)
    assert wall.hub.taken[before:] == [("button1/press", None)] * 10


def test_a_value_makes_the_lamps_pin_high_and_low(wall: Wall) -> None:
    for value, level in (("on", 1), ("off", 0), ("on", 1)):
        wall.hub.publish(LAMP, value)
        wall.board.wait("GP15", level)


def test_a_contact_tells_each_change(wall: Wall) -> None:
    before = len(wall.hub.taken)
    for level, count in ((0, 1), (None, 2)):
        wall.board.set("GP13", level)
        wall.hub.wait_taken(before + count)
    assert wall.hub.taken[before:] == [("door/state", "shut"), ("door/state", "open")]


def test_after_a_power_cut_the_lamp_is_as_it_should_be(wall: Wall) -> None:
    wall.hub.publish(LAMP, "on")
    wall.board.wait("GP15", 1)
    wall.board.power_off()
    dark = time.monotonic_ns()
    wall.board.power_on()
    wall.board.wait("GP15", 1, after=dark)


def test_the_status_of_the_last_life_is_not_taken_for_the_new_one(wall: Wall) -> None:
    wall.hub.wait(lambda hub: hub.statuses[-1]["online"], "the board online")
    with BoardWatch(wall.config) as watch:
        until(lambda: watch.status is not None, "what the broker has of it")
        assert watch.status is not None
        assert watch.status["online"]
        assert not watch.wait(0.2)
        wall.board.reset()
        assert watch.wait(60)


def test_presses_while_the_link_is_cut_arrive_later_each_once(
    make_board: MakeBoard, porch: AdapterFile, tmp_path: Path
) -> None:
    board = make_board(kind="pico-w")
    with (
        Mosquitto(tmp_path / "broker") as broker,  # where no other board has this one's name
        QuickHub("127.0.0.1", broker.port) as hub,
        Cut(("127.0.0.1", broker.port)) as link,
    ):
        flash(porch.config(f"mqtt://127.0.0.1:{link.port}"), board.port)
        hub.wait_taken(1)
        link.cut()
        for _ in range(5):
            board.press("GP14", ms=20)
        link.mend()
        hub.wait_taken(6)
        assert hub.taken[1:] == [("button1/press", None)] * 5


def test_a_board_that_does_not_come_online_is_told_apart(
    make_board: MakeBoard, broker: Mosquitto, porch: AdapterFile
) -> None:
    board = make_board(kind="pico-w")
    elsewhere = porch.config("mqtt://127.0.0.1:1")
    with BoardWatch(elsewhere, parse_url(broker.url)) as watch:
        done = flash(elsewhere, board.port, online=lambda seconds: watch.wait(0.3))
    assert done.online is False


def test_without_a_broker_the_watch_says_so(porch: AdapterFile) -> None:
    watch = BoardWatch(porch.config("mqtt://127.0.0.1:1"))
    with pytest.raises(BoardError, match=r"no broker answers at mqtt://127\.0\.0\.1:1 "):
        watch.__enter__()
