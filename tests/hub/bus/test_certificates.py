"""The house's own authority, and the hub's own broker where it encrypts."""

from __future__ import annotations

import socket
import ssl
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from myocan.hub.bus import (
    Account,
    BrokerError,
    Certificates,
    MosquittoBroker,
    parse_url,
    pick_broker,
)
from myocan.hub.bus import broker as broker_module
from myocan.hub.bus import certificates as certificates_module
from myocan.hub.bus import pick as pick_module
from support.buses import MakeBus, connected, take
from support.mosquitto import find_mosquitto

DAY = 86_400.0
NOW = datetime(2027, 3, 17, 12, tzinfo=UTC).timestamp()


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def certificates(tmp_path: Path, clock: Clock) -> Certificates:
    return Certificates(tmp_path / "my house" / "tls", clock)


def read(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_the_first_certificate_brings_an_authority_along_that_has_vouched_for_it(
    certificates: Certificates,
) -> None:
    assert certificates.renew(["192.168.1.10", "cottage.local"])
    ca, broker = read(certificates.ca), read(certificates.broker)
    broker.verify_directly_issued_by(ca)
    names = broker.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["192.168.1.10", "cottage.local"]
    assert [str(each) for each in names.get_values_for_type(x509.IPAddress)] == ["192.168.1.10"]
    assert ca.not_valid_before_utc == datetime(2027, 3, 1, tzinfo=UTC)
    assert ca.not_valid_after_utc == datetime(2047, 3, 1, tzinfo=UTC)


def test_nobody_else_can_read_any_of_it(certificates: Certificates) -> None:
    certificates.renew(["hub"])
    files = sorted(certificates.directory.iterdir())
    assert [file.name for file in files] == ["authority.pem", "broker.pem", "ca.pem"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(certificates.directory.stat().st_mode) == 0o700
    assert "PRIVATE" not in certificates.ca.read_text()


def test_a_certificate_is_renewed_before_it_ends_and_begins_when_the_authority_does(
    certificates: Certificates, clock: Clock
) -> None:
    certificates.renew(["hub"])
    authority, first = certificates.ca.read_bytes(), read(certificates.broker)
    clock.now += 600 * DAY
    assert not certificates.renew(["hub"])
    clock.now += 60 * DAY
    assert certificates.renew(["hub"])
    assert certificates.ca.read_bytes() == authority
    second = read(certificates.broker)
    # a board without a clock takes the authority's first month for the present
    assert second.not_valid_before_utc == read(certificates.ca).not_valid_before_utc
    assert second.not_valid_after_utc > first.not_valid_after_utc
    assert second.public_key() != first.public_key()


def test_a_new_name_of_the_machine_takes_a_new_certificate_and_a_lost_one_does_not(
    certificates: Certificates,
) -> None:
    certificates.renew(["192.168.1.10", "hub"])
    assert not certificates.renew(["hub"])
    assert certificates.renew(["192.168.1.11", "hub"])


def test_at_its_end_the_authority_says_so_and_is_not_worn_out(
    certificates: Certificates, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    certificates.renew(["hub"])
    clock.now += 19.9 * 365.25 * DAY
    assert certificates.renew(["hub"])
    assert not certificates.renew(["hub"])
    assert read(certificates.broker).not_valid_after_utc == datetime(2047, 3, 1, tzinfo=UTC)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1
    assert "ends on 2047-03-01" in said[0]


def test_a_clock_that_nobody_has_set_makes_no_authority_that_has_ended(
    certificates: Certificates, clock: Clock
) -> None:
    clock.now = 0
    certificates.renew(["hub"])
    assert read(certificates.ca).not_valid_after_utc.year == 2046
    clock.now = NOW
    assert not certificates.renew(["hub"])


def _lose(certificates: Certificates) -> None:
    (certificates.directory / "authority.pem").unlink()


def _spoil(certificates: Certificates) -> None:
    (certificates.directory / "authority.pem").write_text("nothing")


def _mix(certificates: Certificates) -> None:
    file = certificates.directory / "authority.pem"
    key = file.read_text().partition("-----BEGIN CERT")[0]
    file.write_text(key + certificates.broker.read_text().partition("-----END PRIVATE KEY-----")[2])


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (_lose, r"authority\.pem, the house's authority, is gone: restore it .* flash all boards"),
        (_spoil, r"authority\.pem does not hold a key and its certificate: restore it"),
        (_mix, r"authority\.pem does not hold a key and its certificate: restore it"),
    ],
)
def test_an_authority_that_boards_know_is_never_made_anew_behind_their_backs(
    certificates: Certificates, harm: Callable[[Certificates], None], says: str
) -> None:
    certificates.renew(["hub"])
    harm(certificates)
    with pytest.raises(BrokerError, match=says):
        certificates.renew(["hub"])


def test_what_can_be_made_again_is_made_again(certificates: Certificates) -> None:
    certificates.renew(["hub"])
    ca = certificates.ca.read_bytes()
    certificates.ca.unlink()
    certificates.broker.write_text("half of it")
    assert certificates.renew(["hub"])
    assert certificates.ca.read_bytes() == ca
    read(certificates.broker).verify_directly_issued_by(read(certificates.ca))


def test_without_the_package_it_is_said_what_to_install(
    certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "cryptography"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(BrokerError, match=r"pip install 'myocan\[tls\]'"):
        certificates.renew(["hub"])
    assert not certificates.directory.exists()


def test_a_disk_that_takes_nothing_is_told(certificates: Certificates) -> None:
    certificates.directory.parent.mkdir()
    certificates.directory.write_text("in the way")
    with pytest.raises(BrokerError, match=r"certificates in .* cannot be kept"):
        certificates.renew(["hub"])


def test_names_that_no_certificate_can_hold_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Häuschen")
    found = certificates_module.host_names("192.168.1.10")
    assert found == ["127.0.0.1", "192.168.1.10", "::1", "localhost"]
    monkeypatch.setattr(socket, "gethostname", lambda: "Cottage.example")
    assert {"cottage.example", "cottage.local"} < set(certificates_module.host_names())


# ------------------------------------------------------------------ the broker


@pytest.fixture
def broker(
    tmp_path: Path, clock: Clock, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MosquittoBroker]:
    """A broker that encrypts, in the network and with a second door on loopback."""
    if find_mosquitto() is None:
        pytest.skip("needs a real Mosquitto: apt install mosquitto")
    clock.now = datetime.now(UTC).timestamp()
    monkeypatch.setattr(broker_module, "_own_address", lambda: "127.0.0.2")
    broker = MosquittoBroker(
        tmp_path / "my house" / "broker",
        "0.0.0.0:0",
        certificates=certificates,
        plain="127.0.0.1:0",
    )
    broker.admit([Account("porch", "secret")])
    broker.start()
    yield broker
    broker.stop()


def as_porch(url: str) -> str:
    return url.replace("://", "://porch:secret@")


def shown(broker: MosquittoBroker, certificates: Certificates, host: str) -> dict[str, Any]:
    """Return the certificate that a broker shows; raises if it is not to be trusted."""
    trust = ssl.create_default_context(cafile=certificates.ca)
    trust.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by itself
    with (
        socket.create_connection((host, broker.port), 20) as plain,
        trust.wrap_socket(plain, server_hostname=host) as encrypted,
    ):
        found = encrypted.getpeercert()
    assert found is not None
    return found


def test_boards_come_in_encrypted_and_others_where_the_house_says(
    broker: MosquittoBroker, make_bus: MakeBus
) -> None:
    address = parse_url(broker.board_url)
    assert (address.host, address.tls) == ("127.0.0.2", True)
    assert broker.plain is not None
    assert broker.plain_url == f"mqtt://127.0.0.1:{broker.plain[1]}"
    for url in (as_porch(broker.board_url), as_porch(broker.plain_url), broker.local_url):
        bus = make_bus(url, "porch", protocol="3.1.1")
        take(bus, connected)
        bus.stop()


def test_from_the_network_nothing_is_reached_that_does_not_encrypt(
    broker: MosquittoBroker,
) -> None:
    assert broker.plain is not None
    # all of 127.0.0.0/8 is this machine; 127.0.0.2 stands for an address in the network
    for port in (broker.local_port, broker.plain[1]):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port), 1.0)
    with socket.create_connection(("127.0.0.2", broker.port), 20) as plain:
        plain.sendall(b"\x10\x10\x00\x04MQTT\x04\x02\x00\x0f\x00\x04hall")
        with suppress(ConnectionResetError):
            assert plain.recv(4)[:1] != b"\x20"  # no CONNACK to a CONNECT that is not encrypted


def test_a_renewed_certificate_is_shown_at_once_and_nobody_is_cut_off(
    broker: MosquittoBroker, certificates: Certificates, clock: Clock, make_bus: MakeBus
) -> None:
    bus = make_bus(as_porch(broker.board_url), "porch", protocol="3.1.1")
    take(bus, connected)
    before = shown(broker, certificates, "127.0.0.2")
    assert not broker.renew_certificate()
    clock.now += 700 * DAY
    assert broker.renew_certificate()
    deadline = datetime.now(UTC).timestamp() + 20
    while (after := shown(broker, certificates, "127.0.0.2")) == before:
        assert datetime.now(UTC).timestamp() < deadline
    assert after["issuer"] == before["issuer"]
    assert bus.receive(0.1) == []


def test_it_renews_by_itself(
    broker: MosquittoBroker,
    certificates: Certificates,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(broker_module, "LOOK_AFTER_S", 0.02)
    broker.restart()
    before = shown(broker, certificates, "127.0.0.2")
    clock.now += 700 * DAY
    deadline = datetime.now(UTC).timestamp() + 20
    while shown(broker, certificates, "127.0.0.2") == before:
        assert datetime.now(UTC).timestamp() < deadline


def test_where_only_amqtt_is_it_is_said_what_to_install(
    tmp_path: Path, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pick_module, "find_mosquitto", lambda: None)
    with pytest.raises(BrokerError, match=r"tls = true .*apt install mosquitto"):
        pick_broker(None, tmp_path, "127.0.0.1:0", certificates=certificates)


@pytest.mark.parametrize(
    ("plain", "says"),
    [("1883", "plain takes an address"), ("elsewhere:1883", "plain = .* of this machine")],
)
def test_a_second_door_that_cannot_be_is_told(tmp_path: Path, plain: str, says: str) -> None:
    with pytest.raises(BrokerError, match=says):
        MosquittoBroker(tmp_path, "127.0.0.1:0", plain=plain)
