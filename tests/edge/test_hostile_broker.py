"""Brokers that are silent, broken, or not for us: a board goes on, says why, and tries again.

Each of these is a way in which umqtt.simple, left to itself, would hang, raise, or do worse.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Event
from urllib.parse import urlsplit

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from myocan.tools.chaos.cut import Cut
from support.edge_boards import BUTTON, LAMP, LAMP_TOPIC, WAIT_S, Board, press
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto, find_mosquitto
from support.scripted_broker import ScriptedBroker, packets, read_packet, welcome

StartBoard = Callable[..., Board]
RunOnBoard = Callable[..., str]

CONNECT, SUBSCRIBE, PUBLISH = 0x10, 0x82, 0x31
WELCOME = b"\x20\x02\x00\x00"


def serve(connection: socket) -> Iterator[tuple[int, bytes]]:
    """Welcome a board, answer its subscriptions, and yield what else it says."""
    welcome(connection)
    for kind, body in packets(connection):
        if kind == SUBSCRIBE:
            connection.sendall(answer(body))
        else:
            yield kind, body


def answer(subscription: bytes) -> bytes:
    """Return the SUBACK that grants all of a subscription: MQTT 3.1.1, 3.9."""
    count, at = 0, 2
    while at < len(subscription):
        at += 3 + int.from_bytes(subscription[at : at + 2], "big")
        count += 1
    return bytes([0x90, 2 + count]) + subscription[:2] + b"\x01" * count


class Trial:
    """A broker that is bad to the first client connection and good to the later ones."""

    def __init__(self, misdeed: Callable[[socket], None]) -> None:
        self.misdeed = misdeed
        self.recovered = Event()
        """Set when a board has published its status over a good connection."""

    def __call__(self, connection: socket, number: int) -> None:
        if number == 0:
            self.misdeed(connection)
            return
        for kind, body in serve(connection):
            if kind == PUBLISH and b'"online":true' in body:
                self.recovered.set()
                return


def port_of(broker: ScriptedBroker) -> int:
    port = urlsplit(broker.url).port
    assert port is not None
    return port


def say_nothing(connection: socket) -> None:
    for _ in packets(connection):
        pass


def hang_up(connection: socket) -> None:
    connection.shutdown(SHUT_RDWR)


def hang_up_after_connect(connection: socket) -> None:
    read_packet(connection)


def hang_up_in_the_answer(connection: socket) -> None:
    read_packet(connection)
    connection.sendall(WELCOME[:3])


def hang_up_after_subscribe(connection: socket) -> None:
    read_packet(connection)
    connection.sendall(WELCOME)
    read_packet(connection)


def then(stream: bytes) -> Callable[[socket], None]:
    """Welcome the board, and answer the first thing that it publishes with this."""

    def misdeed(connection: socket) -> None:
        for kind, _ in serve(connection):
            if kind == PUBLISH:
                connection.sendall(stream)

    return misdeed


def instead_of_welcome(stream: bytes) -> Callable[[socket], None]:
    def misdeed(connection: socket) -> None:
        read_packet(connection)
        connection.sendall(stream)
        for _ in packets(connection):
            pass

    return misdeed


@pytest.mark.parametrize(
    ("misdeed", "complaint"),
    [
        (say_nothing, "does not answer"),
        (hang_up, ""),
        (hang_up_after_connect, ""),
        (hang_up_in_the_answer, ""),
        (hang_up_after_subscribe, ""),
        (instead_of_welcome(b"\x20\x02\x00\x05"), "refuses"),
        (instead_of_welcome(b"HTTP/1.1 400 Bad Request\r\n\r\n" + b" " * 300), ""),
        (instead_of_welcome(b"\xd0\x00\xd0\x00\xd0\x00"), ""),
        (then(b"\x30\xff\xff\xff\xff\x7f"), ""),
        (then(b"\x30\x02\x00\x09"), ""),
        (then(b"\x30\x00"), ""),
        (then(b"\x00\x00"), ""),
        (then(bytes(range(256))), ""),
    ],
    ids=[
        "silent",
        "closed at once",
        "closed after CONNECT",
        "closed in CONNACK",
        "closed after SUBSCRIBE",
        "refused",
        "a web server",
        "answers out of turn",
        "endless length",
        "topic longer than its packet",
        "empty message",
        "reserved packet",
        "noise",
    ],
)
def test_a_board_complains_and_comes_back(
    start_board: StartBoard, misdeed: Callable[[socket], None], complaint: str
) -> None:
    trial = Trial(misdeed)
    with ScriptedBroker(trial) as broker:
        board = start_board(port_of(broker), [BUTTON, LAMP])
        assert trial.recovered.wait(WAIT_S), board.said
        board.wait_said("offline: ")
        assert any(complaint in line for line in board.said), board.said


def test_an_answer_that_comes_byte_by_byte_is_understood(start_board: StartBoard) -> None:
    recovered = Event()

    def script(connection: socket, number: int) -> None:
        read_packet(connection)
        for byte in WELCOME:
            connection.sendall(bytes([byte]))
        for kind, body in packets(connection):
            if kind == SUBSCRIBE:
                for byte in answer(body):
                    connection.sendall(bytes([byte]))
            elif kind == PUBLISH:
                recovered.set()

    with ScriptedBroker(script) as broker:
        board = start_board(port_of(broker), [BUTTON, LAMP])
        assert recovered.wait(WAIT_S), board.said
        assert board.said == []


def test_a_board_connects_with_one_packet_in_one_piece(start_board: StartBoard) -> None:
    pieces: list[bytes] = []
    done = Event()

    def script(connection: socket, number: int) -> None:
        pieces.append(connection.recv(4096))
        done.set()

    with ScriptedBroker(script) as broker:
        start_board(port_of(broker), [BUTTON, LAMP])
        assert done.wait(WAIT_S)
    packet = pieces[0]
    assert packet[0] == CONNECT
    length = packet[1] & 0x7F | (packet[2] << 7 if packet[1] & 0x80 else 0)
    assert len(packet) == length + (3 if packet[1] & 0x80 else 2)
    assert b"\x00\x04MQTT\x04" in packet
    assert b'"online":false' in packet, "the last will"


def test_no_address_at_all_is_only_a_reason_to_try_again(start_board: StartBoard, cut: Cut) -> None:
    cut.cut()
    board = start_board(cut.port)
    board.wait_said("no connection to the broker")


def test_a_topic_of_any_length_is_subscribed_to_rightly(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    topics = [LAMP_TOPIC + "/" + "x" * (size - len(LAMP_TOPIC) - 1) for size in range(120, 257, 16)]
    ports = [
        {**LAMP, "name": f"lamp{number}", "pin": f"GP{number}", "subscribe": topic}
        for number, topic in enumerate(topics)
    ]
    board = start_board(broker.port, ports)
    hub.wait_online()
    for number, topic in enumerate(topics):
        hub.publish(topic, "on")
        board.wait_level(f"GP{number}", 1)


def test_messages_too_large_for_a_board_are_answered_so_that_others_still_come(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [BUTTON, LAMP])
    hub.wait_online()
    for _ in range(30):  # the broker stops at 20 that are not answered
        hub.send(LAMP_TOPIC, b"x" * 40_000)
    hub.publish(LAMP_TOPIC, "on")
    board.wait_level("GP15", 1)
    press(board)
    hub.wait_taken(1)
    assert hub.statuses[-1]["connection"] == 1


@pytest.mark.parametrize("password", ["straße 🔑", "p" * 300, "wrong"])
def test_a_user_and_a_password_of_any_kind_open_the_broker_or_are_said_to_be_wrong(
    start_board: StartBoard, tmp_path: Path, password: str
) -> None:
    if find_mosquitto() is None:
        pytest.skip("needs a real Mosquitto")
    users = tmp_path / "users"
    right = "right" if password == "wrong" else password
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", str(users), "bürger", right], check=True, timeout=WAIT_S
    )
    config = f"password_file {users}\nallow_anonymous false"
    with Mosquitto(tmp_path / "closed", config=config, anonymous=False) as broker:
        account = {"user": "bürger", "password": password, "tls": False}
        where = {"host": "127.0.0.1", "port": broker.port, **account}
        board = start_board(broker.port, [LAMP], broker=where)
        if password == "wrong":
            board.wait_said("refuses")
            return
        online = Event()
        listener = Client(CallbackAPIVersion.VERSION2)
        listener.username_pw_set("bürger", password)
        listener.on_connect = lambda *_: listener.subscribe("mc1/$board/home/porch/status")
        listener.on_message = lambda *_: online.set()
        listener.connect("127.0.0.1", broker.port)
        listener.loop_start()
        came = online.wait(WAIT_S)
        listener.disconnect()
        listener.loop_stop()
        assert came, board.said


def test_packet_numbers_go_round(run_on_board: RunOnBoard, broker: Mosquitto) -> None:
    said = run_on_board(f"""
from myocan.edge.clock import ticks_ms
from myocan.edge.link import Link
link = Link({{"host": "127.0.0.1", "port": {broker.port}, "user": None, "password": None}}, "porch")
link.attach(["a"], lambda: ("will", b"x"), print)
def go_until(holds):
    for _ in range(6000):
        if holds():
            return
        link.step(ticks_ms())
        link.wait(10)
    raise SystemExit(link.reason)
go_until(lambda: link.ready)
link._packet_id = 65534
for _ in range(3):
    before = link._reader.packet_id
    link.subscribe(["b"])
    go_until(lambda: link._reader.packet_id != before)
    print(link._reader.packet_id)
print(link.connection)
""")
    assert said.split() == ["65535", "1", "2", "1"]
