"""Who may do what at the hub's own broker: a hostile client tries it all."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from myocan.hub.bus import (
    CONNECTED,
    Account,
    AmqttBroker,
    Bus,
    BusRefused,
    Frame,
    MosquittoBroker,
    OwnBroker,
    parse_url,
)
from myocan.hub.bus.broker import LOCAL_LEAVES
from support.buses import DEADLINE_S, MakeBus, at_least, connected, take
from support.mosquitto import find_mosquitto

HELLO = b"\x10\x20\x00\x04MQTT\x04\xc2\x00\x00\x00\x05porch\x00\x05porch\x00\x06secret"
"""What the board `porch` says to a broker first: CONNECT, MQTT 3.1.1, user and password."""
OWN = "mc1/$board/home/porch/"
LAMP, SECRET = "mc1/live/home/lamp1/state", "mc1/live/home/safe/code"
PORCH = Account("porch", "porch's", (LAMP,))
DOOR = Account("door", "door's")


@pytest.fixture(scope="module", params=[MosquittoBroker, AmqttBroker])
def broker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OwnBroker]:
    """One broker of each kind for all of these tests: they leave nothing retained."""
    if request.param is MosquittoBroker and find_mosquitto() is None:
        pytest.skip("needs a real Mosquitto: apt install mosquitto")
    broker: OwnBroker = request.param(tmp_path_factory.mktemp("broker") / "b", "127.0.0.1:0")
    broker.admit([PORCH, DOOR])
    broker.start()
    yield broker
    broker.stop()


def url_of(broker: OwnBroker, account: Account) -> str:
    """Return how a board with this account reaches the broker."""
    credential = f"{account.name}:{quote(account.password)}"
    return broker.board_url.replace("mqtt://", f"mqtt://{credential}@")


def what_the_hub_sees(
    broker: OwnBroker, make_bus: MakeBus, client_id: str, topics: list[str], url: str
) -> list[str]:
    """Return which of these topics reach the hub when a client writes them."""
    hub = make_bus(broker.url, broker.client_id, protocol=broker.protocol, subscriptions=[("#", 0)])
    take(hub, connected)
    client = make_bus(url, client_id, protocol="3.1.1")
    take(client, connected)
    client.publish([(topic, b"forged", 0, False, 0) for topic in topics])
    end = make_bus(broker.local_url, "end", protocol="3.1.1")
    take(end, connected)
    client.publish([("none/of/ours", b"", 1, False, 1)])
    take(client, lambda _: client.confirmed() == 1)
    end.publish([("mc1/$board/home/end/base", b"", 0, False, 0)])

    def ended(frames: list[Frame]) -> bool:
        return bool(frames) and frames[-1][0] == "mc1/$board/home/end/base"

    return [topic for topic, _, _ in take(hub, ended)[:-1]]


@pytest.fixture(params=["board", "local"])
def porch_url(request: pytest.FixtureRequest, broker: OwnBroker) -> str:
    """How the board `porch` reaches the broker, or a program of this machine of that name."""
    return url_of(broker, PORCH) if request.param == "board" else broker.local_url


def test_a_board_writes_what_is_its_own(
    broker: OwnBroker, make_bus: MakeBus, porch_url: str
) -> None:
    leaves = ("up/button1/press", "up/meter/count/cellar", "base", "status", "verdict", "log")
    leaves += ("update/said",)
    topics = [OWN + leaf for leaf in leaves]
    assert what_the_hub_sees(broker, make_bus, "porch", topics, porch_url) == topics


def test_what_is_not_its_own_is_refused(
    broker: OwnBroker, make_bus: MakeBus, porch_url: str
) -> None:
    forged = [
        "mc1/live/home/lamp1/state",
        "mc1/live/home/$log/info",
        "mc1/$hub/home/main/status",
        *[OWN + leaf for leaf in ("ack", "propose", "config", "update/1", "status/x", "else")],
        OWN + "update/piece",
        "mc1/$board/home/door/up/button1/press",
        "mc1/$board/home/door/base",
        "mc1/$board/home/door/ack",
        "mc1/$board/home/porch2/status",
        "mc1/$board/other/porch/up/button1/press",
        "mc1/$board/home/porch",
        "homeassistant/switch/lamp/config",
        "hello",
    ]
    if porch_url == broker.local_url:  # which brings updates to boards
        forged = [topic for topic in forged if topic.partition("porch/")[2] not in LOCAL_LEAVES]
    assert what_the_hub_sees(broker, make_bus, "porch", forged, porch_url) == []


def test_programs_of_this_machine_bring_updates_to_any_board_and_nothing_else(
    broker: OwnBroker, make_bus: MakeBus
) -> None:
    topics = [OWN + "config", OWN + "update/piece", "mc1/$board/home/door/config"]
    others = [OWN + "update/said", OWN + "status", "mc1/$board/other/porch/config"]
    seen = what_the_hub_sees(broker, make_bus, "anybody", [*topics, *others], broker.local_url)
    assert seen == topics


@pytest.mark.parametrize("client_id", ["+", "#"])
def test_a_wildcard_as_client_id_is_no_master_key(
    broker: OwnBroker, make_bus: MakeBus, client_id: str
) -> None:
    topics = ["mc1/$board/home/door/base", "mc1/$board/home/door/up/button1/press"]
    assert what_the_hub_sees(broker, make_bus, client_id, topics, broker.local_url) == []


def test_a_board_is_nobody_else_whatever_it_calls_itself(
    broker: OwnBroker, make_bus: MakeBus
) -> None:
    door = make_bus(url_of(broker, DOOR), "door", protocol="3.1.1")
    take(door, connected)
    topics = ["mc1/$board/home/door/base", "mc1/$board/home/porch/base"]
    try:
        seen = what_the_hub_sees(broker, make_bus, "door", topics, url_of(broker, PORCH))
    except BusRefused:
        seen = [topics[1]]
    assert seen == [topics[1]]
    door.publish([("none/of/ours", b"", 1, False, 1)])
    take(door, lambda _: door.confirmed() == 1)  # and it was not cut off by that
    assert door.receive(0.1) == []


def test_a_board_reads_what_is_for_it_and_nothing_else(
    broker: OwnBroker, make_bus: MakeBus
) -> None:
    hub = make_bus(broker.url, broker.client_id, protocol=broker.protocol)
    take(hub, connected)
    told = [
        SECRET,
        "mc1/$board/home/door/ack",
        "mc1/$board/home/door/config",
        "mc1/$hub/home/main/status",
        *[OWN + leaf for leaf in ("ack", "propose", "config", "update/manifest")],
        LAMP,
    ]
    wanted = [(LAMP, 1), *((OWN + leaf, 1) for leaf in ("ack", "propose", "config", "update/+"))]
    others = [(topic, 1) for topic in told[:4]]
    url = url_of(broker, PORCH)
    board = make_bus(url, "porch", protocol="3.1.1", subscriptions=wanted + others)
    if isinstance(broker, AmqttBroker):  # says so at once
        with pytest.raises(BusRefused, match="does not let us read mc1/live/home/safe/code, mc1"):
            take(board, connected)
        board = make_bus(url, "porch", protocol="3.1.1", subscriptions=wanted)
    take(board, connected)
    hub.publish([(topic, b"x", 1, False, n) for n, topic in enumerate(told, 1)])
    frames = take(board, lambda frames: frames and frames[-1][0] == LAMP)
    assert [topic for topic, _, _ in frames if topic[:1] != "\0"] == told[-5:]


@pytest.mark.parametrize("wanted", ["#", "mc1/#", "mc1/live/#", "mc1/$board/home/+/config"])
def test_a_wildcard_shows_a_board_no_more(
    broker: OwnBroker, make_bus: MakeBus, wanted: str
) -> None:
    hub = make_bus(broker.url, broker.client_id, protocol=broker.protocol)
    take(hub, connected)
    subscriptions = [(wanted, 1), (OWN + "ack", 1)]
    board = make_bus(url_of(broker, PORCH), "porch", protocol="3.1.1", subscriptions=subscriptions)
    try:
        take(board, connected)
        told = (SECRET, "mc1/$board/home/door/config", "else", OWN + "ack")
        hub.publish([(topic, b"x", 1, False, n) for n, topic in enumerate(told, 1)])
        frames = take(board, lambda frames: frames and frames[-1][0] == OWN + "ack")
        assert {topic for topic, _, _ in frames if topic[:1] != "\0"} == {OWN + "ack"}
    except BusRefused:
        pass  # amqtt says so at once


def test_programs_of_this_machine_read_below_mc1_and_nothing_else(
    broker: OwnBroker, make_bus: MakeBus
) -> None:
    hub = make_bus(broker.url, broker.client_id, protocol=broker.protocol)
    take(hub, connected)
    viewer = make_bus(broker.local_url, "viewer", protocol="3.1.1", subscriptions=[("mc1/#", 1)])
    take(viewer, connected)
    hub.publish([("secret/x", b"", 1, False, 1), (SECRET, b"", 1, False, 2)])
    assert take(viewer, at_least(1)) == [(SECRET, b"", False)]
    curious = make_bus(broker.local_url, "curious", protocol="3.1.1", subscriptions=[("#", 1)])
    try:
        frames = take(curious, at_least(1))
    except BusRefused:
        return
    hub.publish([("secret/x", b"", 1, False, 3), (SECRET, b"", 1, False, 4)])
    frames += take(curious, at_least(1))
    assert [topic for topic, _, _ in frames] == [CONNECTED, SECRET]


def test_a_new_board_is_let_in_and_nobody_is_cut_off_for_it(
    broker: OwnBroker, make_bus: MakeBus
) -> None:
    others = [make_bus(broker.url, broker.client_id, protocol=broker.protocol)]
    others.append(make_bus(broker.local_url, "viewer", protocol="3.1.1"))
    others.append(make_bus(url_of(broker, PORCH), "porch", protocol="3.1.1"))
    for bus in others:
        take(bus, connected)
    new = Account("attic", "attic's")
    broker.admit([PORCH, DOOR, new])
    try:
        attic = make_bus(url_of(broker, new), "attic", protocol="3.1.1")
        wait_until_let_in(attic)
        for bus in others:
            bus.publish([("none/of/ours", b"", 1, False, 1)])
            assert take(bus, lambda _, bus=bus: bus.confirmed() == 1) == []  # type: ignore[misc]
    finally:
        broker.admit([PORCH, DOOR])


def wait_until_let_in(bus: Bus) -> None:
    """Receive until a connection stands: a broker may be refusing while it reads its files."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(BusRefused):
            if connected(bus.receive(0.1)):
                return
    raise AssertionError("it was not let in")


def test_a_board_whose_password_is_another_now_is_shut_out(
    broker: OwnBroker, make_bus: MakeBus
) -> None:
    hub = make_bus(broker.url, broker.client_id, protocol=broker.protocol, subscriptions=[("#", 0)])
    take(hub, connected)
    stolen = make_bus(url_of(broker, PORCH), "porch", protocol="3.1.1")
    take(stolen, connected)
    broker.admit([Account("porch", "another", (LAMP,)), DOOR])
    try:
        with pytest.raises(BusRefused, match="refuses user"):
            take(make_bus(url_of(broker, PORCH), "porch", protocol="3.1.1"), connected)
        stolen.publish([(OWN + "base", b"stolen", 0, False, 0)])
        end = make_bus(url_of(broker, DOOR), "door", protocol="3.1.1")
        take(end, connected)
        end.publish([("mc1/$board/home/door/base", b"", 0, False, 0)])
        frames = take(hub, lambda frames: frames and frames[-1][0].endswith("door/base"))
        assert [topic for topic, _, _ in frames] == ["mc1/$board/home/door/base"]
    finally:
        broker.admit([PORCH, DOOR])


def test_nobody_comes_in_without_an_account(broker: OwnBroker, make_bus: MakeBus) -> None:
    local = parse_url(broker.local_url)
    for url in (broker.board_url, f"mqtt://{local.host}:{local.port}"):
        with pytest.raises(BusRefused, match="mqtt://user:password@"):
            take(make_bus(url, "porch", protocol="3.1.1"), connected)


@pytest.mark.parametrize(
    "credential", ["~hub:guess@", "~hub:@", "~local:guess@", "door:guess@", "door:porch's@"]
)
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
    broker.admit([Account("porch", "secret")])
    broker.start()
    try:
        hub = make_bus(broker.url, broker.client_id, subscriptions=[("#", 0)])
        take(hub, connected)
        address = parse_url(broker.board_url)
        with socket.create_connection((address.host, address.port)) as hostile:
            hostile.settimeout(DEADLINE_S)
            hostile.sendall(HELLO)
            assert hostile.recv(4) == b"\x20\x02\x00\x00"
            hostile.sendall(b"\x30\x80\x80\x80\x10" + b"\x00\x1c" + b"mc1/$board/home/porch/status")
            with contextlib.suppress(ConnectionResetError):
                assert hostile.recv(1) == b""
        assert hub.publish([("mc1/still", b"", 1, False, 1)])
        assert take(hub, at_least(1)) == [("mc1/still", b"", False)]
    finally:
        broker.stop()
