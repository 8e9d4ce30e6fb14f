"""The brokers that the hub runs itself: they start, stay, and end with it."""

from __future__ import annotations

import json
import logging
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from myocan.hub.bus import (
    Account,
    AmqttBroker,
    BrokerError,
    MosquittoBroker,
    OwnBroker,
    parse_url,
    pick_broker,
)
from myocan.hub.bus import broker as broker_module
from myocan.hub.bus import mosquitto as mosquitto_module
from myocan.hub.bus import pick as pick_module
from myocan.hub.bus.child import _identity, end_leftover
from support.buses import DEADLINE_S, MakeBus, connected, take
from support.mosquitto import find_mosquitto, free_port

MARKER = "broker.pid"


@pytest.fixture(params=[MosquittoBroker, AmqttBroker])
def kind(request: pytest.FixtureRequest) -> type[OwnBroker]:
    if request.param is MosquittoBroker and find_mosquitto() is None:
        pytest.skip("needs a real Mosquitto: apt install mosquitto")
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def broker(kind: type[OwnBroker], tmp_path: Path) -> Iterator[OwnBroker]:
    """A started broker of each kind, in a directory whose name has a space in it."""
    broker = kind(tmp_path / "my house", "127.0.0.1:0", domain="home")
    broker.start()
    yield broker
    broker.stop()


def accepts(broker: OwnBroker) -> bool:
    try:
        socket.create_connection((broker.host, broker.port), 1.0).close()
    except OSError:
        return False
    return True


def child_of(broker: OwnBroker) -> int:
    """Number of the broker's process, as its marker tells."""
    marker = json.loads((broker.directory / MARKER).read_text())
    return int(marker["child"].split()[0])


def ended(pid: int) -> bool:
    """Wait for the end of a process that need not be a child."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], DEADLINE_S)[0])
    finally:
        os.close(descriptor)


def test_a_started_broker_accepts_connections_and_a_stopped_one_is_gone(broker: OwnBroker) -> None:
    assert broker.alive()
    assert accepts(broker)
    pid = child_of(broker)
    broker.start()
    assert child_of(broker) == pid
    broker.stop()
    assert not broker.alive()
    assert not accepts(broker)
    assert not (broker.directory / MARKER).exists()
    broker.stop()


def test_its_urls_say_who_may_come_in_where(broker: OwnBroker) -> None:
    hub, local, board = map(parse_url, (broker.url, broker.local_url, broker.board_url))
    assert (board.host, board.port) == ("127.0.0.1", broker.port)
    assert (hub.host, hub.port) == (local.host, local.port) == ("127.0.0.1", broker.local_port)
    assert (hub.user, local.user, board.user) == ("~hub", "~local", None)
    assert hub.password
    assert local.password
    assert hub.password != local.password


def test_a_broker_that_is_killed_comes_back_on_its_port_with_its_credential(
    broker: OwnBroker, make_bus: MakeBus, caplog: pytest.LogCaptureFixture
) -> None:
    bus = make_bus(broker.url, broker.client_id, protocol=broker.protocol)
    take(bus, connected)
    port, pid = broker.port, child_of(broker)
    os.kill(pid, signal.SIGKILL)
    take(bus, connected)
    assert broker.alive()
    assert broker.port == port
    assert child_of(broker) != pid
    assert any("starting it again" in record.getMessage() for record in caplog.records)


def test_restart_keeps_port_and_credential(broker: OwnBroker, make_bus: MakeBus) -> None:
    url, pid = broker.url, child_of(broker)
    broker.restart()
    assert broker.url == url
    assert child_of(broker) != pid
    take(make_bus(url, broker.client_id, protocol=broker.protocol), connected)


def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(
    kind: type[OwnBroker], tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        broker = kind(tmp_path, f"127.0.0.1:{port}")
        with pytest.raises(
            BrokerError, match=rf"127\.0\.0\.1:{port} cannot .* listen another port"
        ):
            broker.start()
    assert not broker.alive()
    broker.start()
    broker.stop()


def test_a_second_broker_in_the_same_directory_is_refused(
    broker: OwnBroker, kind: type[OwnBroker]
) -> None:
    second = kind(broker.directory, "127.0.0.1:0")
    with pytest.raises(BrokerError, match=f"process {os.getpid()} already runs a broker in"):
        second.start()
    assert accepts(broker)


def test_a_process_that_has_ended_is_none_though_nobody_has_asked_how() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        assert _identity(sleeper.pid) != str(sleeper.pid)
        sleeper.kill()
        os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
        assert _identity(sleeper.pid) == str(sleeper.pid)


@pytest.mark.parametrize(
    ("listen", "says"),
    [
        ("18830", "takes an address and a port"),
        (":18830", "takes an address and a port"),
        ("127.0.0.1", "takes an address and a port"),
        ("127.0.0.1:mqtt", "takes an address and a port"),
        ("127.0.0.1:65536", "ports go up to 65535"),
        ("example.org:18830", "has to be an address of this machine"),
    ],
)
def test_where_it_cannot_listen_is_told(
    kind: type[OwnBroker], tmp_path: Path, listen: str, says: str
) -> None:
    with pytest.raises(BrokerError, match=says):
        kind(tmp_path, listen)


@pytest.mark.parametrize("listen", ["0.0.0.0:1883", "192.168.1.2:1883", "[::]:1883"])
def test_only_mosquitto_listens_in_the_network(tmp_path: Path, listen: str) -> None:
    with pytest.raises(BrokerError, match="apt install mosquitto"):
        AmqttBroker(tmp_path, listen)
    assert MosquittoBroker(tmp_path, listen).port == 1883


def test_a_broker_in_the_network_says_where_boards_find_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "_own_address", lambda: "192.168.1.5")
    for listen, address, url in (
        ("0.0.0.0:1883", None, "mqtt://192.168.1.5:1883"),
        ("192.168.1.2:1883", None, "mqtt://192.168.1.2:1883"),
        ("0.0.0.0:1883", "hub.example", "mqtt://hub.example:1883"),
        ("127.0.0.1:1883", None, "mqtt://127.0.0.1:1883"),
    ):
        assert MosquittoBroker(tmp_path, listen, address=address).board_url == url


def test_a_broker_in_the_network_is_reached_by_boards_and_its_other_door_is_not(
    tmp_path: Path, make_bus: MakeBus
) -> None:
    if find_mosquitto() is None:
        pytest.skip("needs a real Mosquitto: apt install mosquitto")
    broker = MosquittoBroker(tmp_path / "b", "0.0.0.0:0")
    broker.admit([Account("porch", "secret")])
    broker.start()
    try:
        # all of 127.0.0.0/8 is this machine; 127.0.0.2 stands for an address in the network
        url = f"mqtt://porch:secret@127.0.0.2:{broker.port}"
        take(make_bus(url, "porch", protocol="3.1.1"), connected)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", broker.local_port), 1.0)
    finally:
        broker.stop()


def test_it_says_nothing_on_the_hubs_output_and_warns_of_nothing(
    kind: type[OwnBroker],
    tmp_path: Path,
    make_bus: MakeBus,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    broker = kind(tmp_path, "127.0.0.1:0")
    broker.start()
    bus = make_bus(broker.url, protocol=broker.protocol, subscriptions=[("mc1/#", 1)])
    take(bus, connected)
    bus.stop()
    broker.stop()
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []


PARENT = """
import logging, sys, threading
from pathlib import Path
from myocan.hub.bus import AmqttBroker, MosquittoBroker
from myocan.hub.bus import child
kind, directory, listen, slips = sys.argv[1:]
if slips == "slips":  # the kernel's net has a hole
    child.bound_to_this_thread = list
broker = {"MosquittoBroker": MosquittoBroker, "AmqttBroker": AmqttBroker}[kind](
    Path(directory), listen
)
starter = threading.Thread(target=broker.start)  # a thread that ends is not the hub's end
starter.start()
starter.join()
print("started", flush=True)
sys.stdin.read()
"""


def killed_parent(kind: type[OwnBroker], directory: Path, listen: str, slips: str = "") -> int:
    """Have a process start a broker, kill it with SIGKILL, return the broker's process number."""
    command = [sys.executable, "-c", PARENT, kind.__name__, str(directory), listen, slips]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"started\n"
        pid = child_of(kind(directory, listen))
        os.kill(pid, 0)
        parent.kill()
    return pid


def test_kill_9_of_the_hub_ends_its_broker_and_the_next_hub_gets_the_port(
    kind: type[OwnBroker], tmp_path: Path
) -> None:
    port = free_port()
    assert ended(killed_parent(kind, tmp_path, f"127.0.0.1:{port}"))
    broker = kind(tmp_path, f"127.0.0.1:{port}")
    broker.start()
    assert accepts(broker)
    broker.stop()


def test_without_setpriv_too(
    kind: type[OwnBroker], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ended(killed_parent(kind, tmp_path, "127.0.0.1:0"))


def test_a_broker_that_a_killed_hub_left_behind_is_ended_by_the_next(
    kind: type[OwnBroker], tmp_path: Path
) -> None:
    port = free_port()
    left = killed_parent(kind, tmp_path, f"127.0.0.1:{port}", "slips")
    os.kill(left, 0)
    broker = kind(tmp_path, f"127.0.0.1:{port}")
    broker.start()
    assert ended(left)
    assert accepts(broker)
    broker.stop()


@pytest.mark.parametrize(
    "marker",
    [
        "",
        "no json",
        "{}",
        '{"child": 1, "hub": null}',
        '{"child": "999999999 1 x", "hub": "1 1 x"}',
        '{"child": "OUR_PID 1 another-start", "hub": "1 1 x"}',
    ],
)
def test_a_marker_that_names_no_broker_of_ours_ends_nobody(tmp_path: Path, marker: str) -> None:
    path = tmp_path / MARKER
    path.write_text(marker.replace("OUR_PID", str(os.getpid())))
    assert end_leftover(path) is None


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(stat.S_IRWXU)
    return str(path)


@pytest.mark.parametrize(
    ("text", "start_s", "says"),
    [
        (
            "echo cannot read the stars >&2; exit 3",
            DEADLINE_S,
            "ended at once; it said: cannot read the stars",
        ),
        ("exec sleep 600", 0.3, r"did not answer in 0 s; it said: nothing"),
    ],
)
def test_a_mosquitto_that_does_not_work_is_an_error_with_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, start_s: float, says: str
) -> None:
    fake = program(tmp_path / "mosquitto", text)
    monkeypatch.setattr(mosquitto_module, "find_mosquitto", lambda: fake)
    monkeypatch.setattr(broker_module, "START_S", start_s)
    broker = MosquittoBroker(tmp_path / "b", "127.0.0.1:0")
    with pytest.raises(BrokerError, match=says):
        broker.start()
    assert not broker.alive()


def test_no_mosquitto_is_an_error_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mosquitto_module, "find_mosquitto", lambda: None)
    with pytest.raises(BrokerError, match="apt install mosquitto"):
        MosquittoBroker(tmp_path, "127.0.0.1:0").start()


@pytest.mark.parametrize(
    ("url", "installed", "picked"),
    [
        ("mqtt://somewhere", "/usr/sbin/mosquitto", type(None)),
        (None, "/usr/sbin/mosquitto", MosquittoBroker),
        (None, None, AmqttBroker),
    ],
)
def test_the_users_broker_comes_before_mosquitto_and_that_before_amqtt(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str | None,
    installed: str | None,
    picked: type,
) -> None:
    monkeypatch.setattr(pick_module, "find_mosquitto", lambda: installed)
    assert type(pick_broker(url, tmp_path, "127.0.0.1:0")) is picked


def test_a_broker_that_talks_without_end_is_not_held_up_by_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More lines than any pipe holds; the last few are kept for error messages."""
    text = "i=0; while [ $i -lt 20000 ]; do echo line $i >&2; i=$((i+1)); done; exit 3"
    fake = program(tmp_path / "mosquitto", text)
    monkeypatch.setattr(mosquitto_module, "find_mosquitto", lambda: fake)
    with pytest.raises(BrokerError, match="line 19999") as caught:
        MosquittoBroker(tmp_path / "b", "127.0.0.1:0").start()
    assert "line 10000" not in str(caught.value)
