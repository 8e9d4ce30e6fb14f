"""The URL of a broker, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myocan.hub.bus import Address, BusError, parse_url


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://host", Address("host", 1883)),
        ("mqtt://host/", Address("host", 1883)),
        ("mqtt://HOST:18830", Address("host", 18830)),
        ("mqtt://u@h", Address("h", 1883, "u")),
        ("mqtt://u:p@h:1", Address("h", 1, "u", "p")),
        ("mqtt://u:@h", Address("h", 1883, "u", "")),
        ("mqtt://a%40b:p%2F%23%3A@h", Address("h", 1883, "a@b", "p/#:")),
        ("mqtt://u:p@ss@h", Address("h", 1883, "u", "p@ss")),
        ("mqtt://[::1]:18830", Address("::1", 18830)),
        ("mqtts://h", Address("h", 8883, tls=True)),
        ("mqtts://h:1?ca=/etc/ca.pem", Address("h", 1, tls=True, ca="/etc/ca.pem")),
        ("mqtts://h?ca=my%20house/ca.pem", Address("h", 8883, tls=True, ca="my house/ca.pem")),
    ],
)
def test_a_url_names_host_port_credential_and_tls(url: str, address: Address) -> None:
    assert parse_url(url) == address


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "has to start with mqtt"),
        ("host:1883", "has to start with mqtt"),
        ("http://host", "has to start with mqtt"),
        ("mqtt:host", "goes on after host and port"),
        ("mqtt://", "names no host"),
        ("mqtt://:1883", "names no host"),
        ("mqtt://ho st", "names no host"),
        ("mqtt://h:0", "port that is no number"),
        ("mqtt://h:65536", "port that is no number"),
        ("mqtt://h:http", "port that is no number"),
        ("mqtt://[::1", "host that is none"),
        ("mqtt://h/topic", "goes on after host and port"),
        ("mqtt://u:hun#ter2@h", "goes on after host and port"),
        ("mqtt://u:hun/ter2@h", "goes on after host and port"),
        ("mqtt://:hunter2@h", "a password and no user"),
        ("mqtt://h?ca=/ca.pem", "is for TLS"),
        ("mqtts://h?ca=", "names no file"),
        ("mqtts://h?cert=/c.pem", "only ca=PATH"),
        ("mqtts://h?x", "only ca=PATH"),
    ],
)
def test_a_url_that_is_none_is_refused_with_what_is_wrong(url: str, says: str) -> None:
    with pytest.raises(BusError, match=says) as caught:
        parse_url(url)
    assert "hun" not in str(caught.value)
    assert caught.value.__cause__ is None


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_an_address_or_a_bus_error(text: str) -> None:
    for url in (text, "mqtt://" + text, "mqtts://" + text):
        try:
            address = parse_url(url)
        except BusError:
            continue
        assert address.host
        assert 1 <= address.port <= 65535


def test_an_address_can_be_printed_without_its_password() -> None:
    address = parse_url("mqtts://hub:hunter2@[::1]:18830")
    assert str(address) == "mqtts://[::1]:18830"
    assert "hunter2" not in repr(address)
