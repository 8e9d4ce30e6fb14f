"""Who may do what at the hub's own broker: a hostile client tries it all."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from myocan.hub.bus import (
    CONNECTED,
    AmqttBroker,
    BusRefused,
    Frame,
    MosquittoBroker,
    OwnBroker,
    parse_url,
)
from support.buses import MakeBus, at_least, connected, take
from support.mosquitto import find_mosquitto

OWN = "mc1/$board/home/porch/"


@pytest.fixture(scope="module", params=[MosquittoBroker, AmqttBroker])
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnBroker]:
    """One broker of each kind for all of these tests: they leave nothing retained."""
    if request.param is MosquittoBroker and find_mosquitto() is None:
        pytest.skip("needs a real Mosquitto: apt install mosquitto")
    broker: OwnBroker = request.param(tmp_path_factory.mktemp("broker") / "b", "127.0.0.1:0")
    broker.start()
    yield broker
    broker.stop()


def what_the_hub_sees(
    broker: OwnBroker, make_bus: MakeBus, client_id: str, topics: list[str]
) -> list[str]:
    """Return which of these topics reach the hub when a client without credential writes them."""
    hub = make_bus(broker.url, broker.client_id, protocol=broker.protocol, subscriptions=[("#", 0)])
    take(hub, connected)
    client = make_bus(broker.board_url, client_id, protocol="3.1.1")
    take(client, connected)
    client.publish([(topic, b"forged", 0, False, 0) for topic in topics])
    end = make_bus(broker.board_url, "end", protocol="3.1.1")
    take(end, connected)
    client.publish([("none/of/ours", b"", 1, False, 1)])
    take(client, lambda _: client.confirmed() == 1)
    end.publish([("mc1/$board/home/end/base", b"", 0, False, 0)])

    def ended(frames: list[Frame]) -> bool:
        return bool(frames) and frames[-1][0] == "mc1/$board/home/end/base"

    return [topic for topic, _, _ in take(hub, ended)[:-1]]


def test_a_board_writes_what_is_its_own(broker: OwnBroker, make_bus: MakeBus) -> None:
    leaves = ("up/button1/press", "up/meter/count/cellar", "base", "status", "verdict", "log")
    topics = [OWN + leaf for leaf in leaves]
    assert what_the_hub_sees(broker, make_bus, "porch", topics) == topics


def test_what_is_not_its_own_is_refused(broker: OwnBroker, make_bus: MakeBus) -> None:
    forged = [
        "mc1/live/home/lamp1/state",
        "mc1/live/home/$log/info",
        "mc1/$hub/home/main/status",
        *[OWN + leaf for leaf in ("ack", "propose", "config", "update/1", "status/x", "else")],
        "mc1/$board/home/door/up/button1/press",
        "mc1/$board/home/door/base",
        "mc1/$board/home/door/ack",
        "mc1/$board/home/porch2/status",
        "mc1/$board/other/porch/up/button1/press",
        "mc1/$board/home/porch",
        "homeassistant/switch/lamp/config",
        "hello",
    ]
    assert what_the_hub_sees(broker, make_bus, "porch", forged) == []


@pytest.mark.parametrize("client_id", ["+", "#"])
def test_a_wildcard_as_client_id_is_no_master_key(
    broker: OwnBroker, make_bus: MakeBus, client_id: str
) -> None:
    topics = ["mc1/$board/home/door/base", "mc1/$board/home/door/up/button1/press"]
    assert what_the_hub_sees(broker, make_bus, client_id, topics) == []


def test_everybody_reads_below_mc1_and_nothing_else(broker: OwnBroker, make_bus: MakeBus) -> None:
    hub = make_bus(broker.url, broker.client_id, protocol=broker.protocol)
    take(hub, connected)
    board = make_bus(broker.board_url, "porch", protocol="3.1.1", subscriptions=[("mc1/#", 1)])
    take(board, connected)
    hub.publish([("secret/x", b"", 1, False, 1), ("mc1/live/home/lamp1/state", b"", 1, False, 2)])
    assert take(board, at_least(1)) == [("mc1/live/home/lamp1/state", b"", False)]
    curious = make_bus(broker.board_url, "curious", protocol="3.1.1", subscriptions=[("#", 1)])
    try:
        frames = take(curious, at_least(1))
    except BusRefused:
        return
    hub.publish([("secret/x", b"", 1, False, 3), ("mc1/live/home/lamp1/state", b"", 1, False, 4)])
    frames += take(curious, at_least(1))
    assert [topic for topic, _, _ in frames] == [CONNECTED, "mc1/live/home/lamp1/state"]


@pytest.mark.parametrize("credential", ["hub:guess@", "hub:@", "door:guess@"])
def test_a_wrong_credential_is_refused(
    broker: OwnBroker, make_bus: MakeBus, credential: str
) -> None:
    url = broker.board_url.replace("mqtt://", f"mqtt://{credential}")
    bus = make_bus(url, "porch", protocol="3.1.1")
    with pytest.raises(BusRefused, match="refuses user"):
        take(bus, connected)


def test_the_hubs_password_is_nowhere_on_disk_and_its_files_are_its_own(broker: OwnBroker) -> None:
    password = parse_url(broker.url).password
    assert password
    assert broker.directory.stat().st_mode & 0o777 == 0o700
    for path in broker.directory.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
        assert password not in path.read_text()
    assert password not in broker.board_url
    assert password not in repr(broker)


def test_a_huge_packet_ends_the_connection_of_who_sends_it_and_nothing_else(
    tmp_path: Path, make_bus: MakeBus
) -> None:
    if find_mosquitto() is None:
        pytest.skip("needs a real Mosquitto: apt install mosquitto")
    broker = MosquittoBroker(tmp_path, "127.0.0.1:0")
    broker.start()
    try:
        hub = make_bus(broker.url, broker.client_id, subscriptions=[("#", 0)])
        take(hub, connected)
        address = parse_url(broker.board_url)
        with socket.create_connection((address.host, address.port)) as hostile:
            hostile.settimeout(10)
            hostile.sendall(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05porch")
            assert hostile.recv(4) == b"\x20\x02\x00\x00"
            hostile.sendall(b"\x30\x80\x80\x80\x10" + b"\x00\x1c" + b"mc1/$board/home/porch/status")
            with contextlib.suppress(ConnectionResetError):
                assert hostile.recv(1) == b""
        assert hub.publish([("mc1/still", b"", 1, False, 1)])
        assert take(hub, at_least(1)) == [("mc1/still", b"", False)]
    finally:
        broker.stop()
