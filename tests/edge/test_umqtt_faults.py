"""The faults of umqtt.simple, each shown, and that a board does not have it.

No board carries umqtt.simple. What it would do is tried here on the same interpreter, against the
same scripted broker; when one of these tests says that umqtt is right, it was mended, and could be
used.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY, socket

import pytest

from myocan.tools.umqtt import UmqttError, fetch_umqtt
from support.edge_boards import HEAP, find_micropython
from support.mosquitto import Mosquitto
from support.scripted_broker import ScriptedBroker, packets, puback, read_packet, welcome

RunOnBoard = Callable[..., str]

PATIENCE_S = 60.0
HANGS_S = 0.8
"""After so long a client hangs; it needs a hundredth of it."""

UMQTT = """
from umqtt.simple import MQTTClient
client = MQTTClient("porch", "127.0.0.1", {port})
client.connect()
"""
LINK = """
from myocan.edge.clock import ticks_ms
from myocan.edge.link import Link
came = []
where = {{"host": "127.0.0.1", "port": {port}, "user": None, "password": None}}
link = Link(where, "porch", None, bytes)
link.attach({topics!r}, lambda: ("will", b"x"), lambda *message: came.append(message))

def go_until(holds, ms=30_000):
    began = ticks_ms()
    while not holds():
        link.step(ticks_ms())
        link.wait(10)
        if ticks_ms() - began > ms:
            print("in vain:", link.reason)
            break
"""

Run = Callable[..., str]


@pytest.fixture(scope="session")
def umqtt() -> Path:
    """The folder in which `umqtt.simple` is."""
    try:
        return fetch_umqtt()
    except UmqttError as error:
        pytest.skip(str(error))


@pytest.fixture
def run(board_library: Path, umqtt: Path, tmp_path: Path) -> Run:
    """Runs a script on a board; returns what it printed, or "it hangs" if it does not end."""

    def run(script: str, patience_s: float = PATIENCE_S) -> str:
        (tmp_path / "script.py").write_text(script)
        try:
            done = subprocess.run(
                [find_micropython(), "-X", f"heapsize={HEAP}", "script.py"],
                env={**os.environ, "MICROPYPATH": f"{board_library}:{umqtt}:.frozen"},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                timeout=patience_s,
            )
        except subprocess.TimeoutExpired:
            return "it hangs"
        return (done.stdout + done.stderr).strip()

    return run


def port_of(broker: ScriptedBroker) -> int:
    return int(broker.url.rpartition(":")[2])


def answer_subscriptions(connection: socket) -> None:
    for kind, body in packets(connection):
        if kind == 0x82:
            connection.sendall(b"\x90\x03" + body[:2] + b"\x01")


def say_nothing(connection: socket, number: int) -> None:
    for _ in packets(connection):
        pass


def welcome_and_say_nothing(connection: socket, number: int) -> None:
    welcome(connection)
    answer_subscriptions(connection)


def test_a_broker_that_says_nothing(run: Run) -> None:
    with ScriptedBroker(say_nothing) as broker:
        assert run(UMQTT.format(port=port_of(broker)), HANGS_S) == "it hangs"
    with ScriptedBroker(say_nothing) as broker:
        script = LINK.format(port=port_of(broker), topics=["a"])
        assert run(script + "go_until(lambda: False, 300)\nprint('goes on')").endswith("goes on")


def test_a_broker_that_takes_a_message_and_never_says_so(run: Run) -> None:
    with ScriptedBroker(welcome_and_say_nothing) as broker:
        publish = "client.publish(b'a', b'x', qos=1)"
        assert run(UMQTT.format(port=port_of(broker)) + publish, HANGS_S) == "it hangs"
    with ScriptedBroker(welcome_and_say_nothing) as broker:
        script = LINK.format(port=port_of(broker), topics=["a"])
        said = run(script + "go_until(lambda: link.ready)\nlink.publish('a', b'x')\nprint('on')")
        assert said == "on"


def test_a_connection_that_ends_within_a_packet(run: Run) -> None:
    def cut(connection: socket, number: int) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02")

    with ScriptedBroker(cut) as broker:
        assert "IndexError" in run(UMQTT.format(port=port_of(broker)))
    with ScriptedBroker(cut) as broker:
        script = LINK.format(port=port_of(broker), topics=["a"])
        said = run(script + "go_until(lambda: link.reason)\nprint(link.reason)")
        assert said.startswith("no connection to the broker")


def test_a_length_that_a_board_has_no_memory_for(run: Run) -> None:
    def boast(connection: socket, number: int) -> None:
        welcome(connection)
        connection.sendall(b"\x90\x03\x00\x01\x01\x30\xff\xff\x7f\x00\x01a")
        for _ in packets(connection):
            pass

    with ScriptedBroker(boast) as broker:
        wait = "client.set_callback(print)\nclient.sock.read(5)\nclient.wait_msg()"
        assert "MemoryError" in run(UMQTT.format(port=port_of(broker)) + wait)
    with ScriptedBroker(boast) as broker:
        script = LINK.format(port=port_of(broker), topics=["a"])
        go = "go_until(lambda: came or not link.ready and link.reason, 300)\nprint('goes on', came)"
        assert run(script + go).endswith("goes on []")


def test_the_65536th_message(run: Run) -> None:
    def acknowledge(connection: socket, number: int) -> None:
        connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        welcome(connection)
        for kind, body in packets(connection):
            if kind & 0xF6 == 0x32:
                connection.sendall(puback(body))

    publish = """
client.pid = 65533
for _ in range(4):
    client.publish(b'a', b'x', qos=1)
    print(client.pid)
"""
    with ScriptedBroker(acknowledge) as broker:
        assert run(UMQTT.format(port=port_of(broker)) + publish, HANGS_S) == "it hangs"
    # a board's own numbers go round: test_packet_numbers_go_round


def test_a_topic_of_132_bytes(run: Run) -> None:
    asked: list[bytes] = []
    done = threading.Event()

    def listen(connection: socket, number: int) -> None:
        welcome(connection)
        with contextlib.suppress(OSError):
            head = connection.recv(4096)
            asked.append(head)
            done.set()
            connection.sendall(b"\x90\x03\x00\x01\x01")

    topic = "t" * 132
    right = b"\x82\x89\x01\x00\x01\x00\x84" + topic.encode() + b"\x01"
    with ScriptedBroker(listen) as broker:
        subscribe = f"client.set_callback(print)\nclient.subscribe(b'{topic}')"
        run(UMQTT.format(port=port_of(broker)) + subscribe)
        assert done.wait(PATIENCE_S)
    assert asked[0] != right[: len(asked[0])]
    asked.clear()
    done.clear()
    with ScriptedBroker(listen) as broker:
        run(LINK.format(port=port_of(broker), topics=[topic]) + "go_until(lambda: link.ready)")
        assert done.wait(PATIENCE_S)
    assert asked[0].startswith(right)


def test_a_message_in_four_pieces(run: Run) -> None:
    # what is written in pieces waits for 40 ms before each, where TCP_NODELAY is not set
    count = """
class Counting:
    def __init__(self, stream):
        self.stream, self.writes = stream, 0
    def write(self, *given):
        self.writes += 1
        return self.stream.write(*given)
    def __getattr__(self, name):
        return getattr(self.stream, name)
"""
    with ScriptedBroker(welcome_and_say_nothing) as broker:
        publish = count + "s = client.sock = Counting(client.sock)\nclient.publish(b'a', b'x')"
        assert run(UMQTT.format(port=port_of(broker)) + publish + "\nprint(s.writes)") == "4"
    with ScriptedBroker(welcome_and_say_nothing) as broker:
        publish = """
go_until(lambda: link.ready)
s = link._socket = Counting(link._socket)
for _ in range(3):
    link.publish('a', b'x')
link.wait(0)
print(s.writes)
"""
        script = LINK.format(port=port_of(broker), topics=["a"])
        assert run(script + count + publish) == "1", "three messages, and one write"


def test_subscriptions_after_a_connection_was_lost(run: Run, broker: Mosquitto) -> None:
    # umqtt.robust connects again in just this way, by itself, and then hears nothing more
    lose = """
client.set_callback(lambda *message: print(message))
client.subscribe(b'a', 1)
client.sock.close()
client.connect()
client.publish(b'a', b'x')
import time
for _ in range(20):
    client.check_msg()
    time.sleep_ms(10)
print("nothing came")
"""
    assert run(UMQTT.format(port=broker.port) + lose) == "nothing came"
    lose_link = """
go_until(lambda: link.ready)
link.renew("cut")
go_until(lambda: link.ready)
link.publish('a', b'x')
go_until(lambda: came)
print(came)
"""
    said = run(LINK.format(port=broker.port, topics=["a"]) + lose_link)
    assert said == "[('a', b'x', False)]"
