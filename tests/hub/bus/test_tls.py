"""Encrypted connections, to a real Mosquitto with a certificate of a made-up authority."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from myocan.hub.bus import DISCONNECTED, Bus, BusError, BusRefused
from support.buses import DEADLINE_S, MakeBus, at_least, confirmed, connected, numbered, take
from support.certificates import make_certificates, tls_listener
from support.mosquitto import Mosquitto, free_port
from support.scripted_broker import ScriptedBroker


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with an authority's `ca.pem`, and `cert.pem` and `key.pem` for 127.0.0.1."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls_port(tmp_path: Path, certificates: Path) -> Iterator[int]:
    port = free_port()
    with Mosquitto(tmp_path, config=tls_listener(port, certificates)):
        yield port


def test_messages_pass_an_encrypted_connection_in_order(
    tls_port: int, certificates: Path, make_bus: MakeBus
) -> None:
    url = f"mqtts://127.0.0.1:{tls_port}?ca={certificates}/ca.pem"
    bus = make_bus(url, subscriptions=[("mc1/+", 1)])
    take(bus, connected)
    large = bytes(60_000)
    sent = [*numbered(1, 300), ("mc1/large", large, 1, False, 301)]
    bus.publish(sent)
    got = take(bus, at_least(len(sent)))
    assert [(topic, payload) for topic, payload, _ in got] == [frame[:2] for frame in sent]
    take(bus, confirmed(bus, 301))


@pytest.mark.parametrize(
    ("host", "trusted", "says"),
    [
        ("127.0.0.1", False, "not to be trusted .* authority with [?]ca=PATH"),
        ("localhost", True, "not to be trusted .* name the right host"),
    ],
)
def test_a_certificate_that_proves_nothing_is_refused(
    tls_port: int, certificates: Path, make_bus: MakeBus, host: str, trusted: bool, says: str
) -> None:
    query = f"?ca={certificates}/ca.pem" if trusted else ""
    bus = make_bus(f"mqtts://{host}:{tls_port}{query}")
    with pytest.raises(BusRefused, match=says):
        bus.receive(DEADLINE_S)


def test_a_broker_without_tls_is_told_from_one_with_it(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    bus = make_bus(mosquitto.url.replace("mqtt:", "mqtts:"))
    frames = take(bus, at_least(1))
    assert frames[0][0] == DISCONNECTED

    with ScriptedBroker(lambda connection, _: connection.sendall(b"not TLS at all")) as broker:
        bus = make_bus(broker.url.replace("mqtt:", "mqtts:"))
        with pytest.raises(BusRefused, match=r"no TLS .* write mqtt://"):
            bus.receive(DEADLINE_S)


def test_a_file_of_certificates_that_cannot_be_used_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(BusError, match=r"names .*missing\.pem: No such file"):
        Bus(f"mqtts://127.0.0.1?ca={tmp_path}/missing.pem", "hub")
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(BusError, match=r"names .*empty\.pem: it holds no certificate"):
        Bus(f"mqtts://127.0.0.1?ca={tmp_path}/empty.pem", "hub")
