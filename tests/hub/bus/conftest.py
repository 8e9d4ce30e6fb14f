"""Buses that end with their test, and the brokers that they meet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.bus import AmqttBroker, Bus
from support.buses import MakeBus, Peer
from support.mosquitto import Mosquitto


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
