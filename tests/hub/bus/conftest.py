"""Buses that end with their test, and the brokers that they meet."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from myocan.hub.bus import AmqttBroker, Bus, Frame
from support.mosquitto import Mosquitto

DEADLINE_S = 10.0

Enough = Callable[[list[Frame]], object]
Receive = Callable[[Bus, Enough], list[Frame]]
MakeBus = Callable[..., Bus]


class Peer(NamedTuple):
    """A broker as one who wants to connect sees it."""

    url: str
    protocol: str
    speaks: str


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto", config="max_inflight_messages 1024") as broker:
        yield broker


@pytest.fixture(params=["mosquitto, MQTT 5", "mosquitto, MQTT 3.1.1", "amqtt"])
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Peer]:
    """Each kind of broker in turn."""
    if request.param == "amqtt":
        broker = AmqttBroker(tmp_path / "amqtt", "127.0.0.1:0")
        broker.start()
        yield Peer(broker.url, broker.protocol, "3.1.1")
        broker.stop()
    else:
        speaks = request.param.split()[-1]
        url = request.getfixturevalue("mosquitto").url
        yield Peer(url, "auto" if speaks == "5" else speaks, speaks)


@pytest.fixture
def make_bus() -> Iterator[MakeBus]:
    """Make started buses, which are stopped at the end."""
    made: list[Bus] = []

    def make(url: str, client_id: str = "hub", **rest: Any) -> Bus:
        made.append(Bus(url, client_id, **rest))
        made[-1].start()
        return made[-1]

    yield make
    for bus in made:
        bus.stop(timeout=0.1)


@pytest.fixture
def receive() -> Receive:
    """Receive until `enough` of what has come; fail if that takes too long."""

    def take(bus: Bus, enough: Enough) -> list[Frame]:
        deadline = time.monotonic() + DEADLINE_S
        frames: list[Frame] = []
        while not enough(frames):
            left = deadline - time.monotonic()
            assert left > 0, f"only {len(frames)} frames came, the last: {frames[-3:]}"
            frames += bus.receive(min(left, 0.2))
        return frames

    return take
