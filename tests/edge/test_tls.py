"""Boards that speak TLS, on both runtimes, to a real Mosquitto with a made-up authority."""

from __future__ import annotations

import base64
import datetime
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from socket import socket
from threading import Event
from typing import Any

import pytest

from support.certificates import make_certificates, tls_listener
from support.edge_boards import (
    BUTTON,
    LAMP,
    LAMP_TOPIC,
    WAIT_S,
    Board,
    CPythonBoard,
    configuration,
    press,
)
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto, free_port
from support.scripted_broker import ScriptedBroker, packets, welcome

StartBoard = Callable[..., Board]
RunOnBoard = Callable[..., str]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_port(certificates: Path) -> int:
    return free_port()


@pytest.fixture
def broker(tmp_path: Path, tls_port: int, certificates: Path) -> Iterator[Mosquitto]:
    """A broker with two doors: one for the hub, one with TLS."""
    with Mosquitto(tmp_path / "mosquitto", config=tls_listener(tls_port, certificates)) as both:
        yield both


def trusting(certificates: Path, port: int, host: str = "127.0.0.1") -> dict[str, Any]:
    """Return the `broker` part of a configuration that trusts these certificates' authority."""
    authority = ssl.PEM_cert_to_DER_cert((certificates / "ca.pem").read_text())
    today = datetime.date.today()
    return {
        "host": host,
        "port": port,
        "user": None,
        "password": None,
        "tls": True,
        "ca": base64.b64encode(authority).decode(),
        "since": [today.year, today.month],
    }


def test_a_board_does_over_tls_what_it_does_without(
    start_board: StartBoard, hub: FakeHub, tls_port: int, certificates: Path
) -> None:
    where = trusting(certificates, tls_port)
    board = start_board(tls_port, [BUTTON, LAMP], broker=where)
    hub.wait_online()
    press(board, 20)
    hub.wait_taken(20)
    hub.publish(LAMP_TOPIC, "on")
    board.wait_level("GP15", 1)
    for _ in range(8):  # more than a board reads at once; the last must not wait for the next
        hub.send(LAMP_TOPIC, b"x" * 900)
    hub.publish(LAMP_TOPIC, "off")
    board.wait_level("GP15", 0)
    assert hub.statuses[-1]["connection"] == 1


def test_an_adapter_that_is_stopped_says_so_over_tls(
    tmp_path: Path, broker: Mosquitto, hub: FakeHub, tls_port: int, certificates: Path
) -> None:
    where = trusting(certificates, tls_port)
    with CPythonBoard(configuration(tls_port, [BUTTON], broker=where), tmp_path / "board"):
        hub.wait_online()
    hub.wait(lambda hub: not hub.statuses[-1]["online"], "its last word")
    assert hub.statuses[-1]["reason"] == "stopped"


def test_messages_that_come_in_one_record_are_all_read(
    start_board: StartBoard, certificates: Path
) -> None:
    # what TLS has taken from the socket with the first one, no poll tells of any more
    answered: list[bytes] = []
    sent, done = Event(), Event()
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")

    def script(plain: socket, number: int) -> None:
        with trust.wrap_socket(plain, server_side=True) as connection:
            welcome(connection)
            for kind, body in packets(connection):
                if kind == 0x82 and not sent.is_set():
                    grants = _grants(body)
                    connection.sendall(bytes([0x90, 2 + grants]) + body[:2] + b"\x01" * grants)
                elif kind == 0x31 and not sent.is_set():  # its status; nothing is said after this
                    sent.set()
                    messages = b"".join(
                        b"\x32\x07\x00\x01a" + bytes([0, at]) + b"xy" for at in (1, 2, 3)
                    )
                    connection.sendall(messages)
                elif kind == 0x40:
                    answered.append(body)
                    if len(answered) == 3:
                        done.set()
                        return

    with ScriptedBroker(script) as broker:
        port = int(broker.url.rpartition(":")[2])
        board = start_board(port, [BUTTON], broker=trusting(certificates, port))
        assert done.wait(WAIT_S), (answered, board.said)


def _grants(subscription: bytes) -> int:
    """Return how many topics a subscription is for."""
    count, at = 0, 2
    while at < len(subscription):
        at += 3 + int.from_bytes(subscription[at : at + 2], "big")
        count += 1
    return count


@pytest.mark.parametrize(
    ("trusted", "host"), [(False, "127.0.0.1"), (True, "localhost")], ids=["authority", "host"]
)
def test_a_board_speaks_to_no_broker_that_proves_nothing(
    start_board: StartBoard,
    hub: FakeHub,
    tls_port: int,
    certificates: Path,
    tmp_path: Path,
    trusted: bool,
    host: str,
) -> None:
    known = certificates if trusted else make_certificates(tmp_path / "other")
    board = start_board(tls_port, [BUTTON], broker=trusting(known, tls_port, host))
    board.wait_said("its certificate is not from the authority")
    assert not hub.statuses


def test_a_broker_without_tls_is_only_a_reason_to_try_again(
    start_board: StartBoard, hub: FakeHub, broker: Mosquitto, certificates: Path
) -> None:
    board = start_board(broker.port, [BUTTON], broker=trusting(certificates, broker.port))
    board.wait_said("it hangs up on a board that speaks TLS")
    assert not hub.statuses


def test_the_clock_of_a_board_goes_from_month_to_month_until_a_certificate_is_valid(
    run_on_board: RunOnBoard, certificates: Path
) -> None:
    said = run_on_board(f"""
import sys, time

class RTC:
    def datetime(self, setting):
        print(setting[:3])

class machine:
    pass

machine.RTC = RTC
sys.modules["machine"] = machine
from myocan.edge.tls import TlsLink
where = {trusting(certificates, 1)!r}
where["since"] = [2040, 11]
link = TlsLink(where, "porch", None, bytes)
for _ in range(2):
    link._fail(OSError(-9984, "MBEDTLS_ERR_X509_CERT_VERIFY_FAILED"))
link._fail(OSError(104))
link._months = 15 * 12 - 1
link._fail(OSError(-9984, ""))
print(link.reason)
""")
    *dates, reason = said.splitlines()
    assert dates == ["(2040, 11, 28)", "(2040, 12, 28)", "(2041, 1, 28)", "(2040, 11, 28)"]
    assert reason.startswith("no connection to the broker: its certificate is not from")
