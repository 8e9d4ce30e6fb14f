"""How a board gets into the network, and to the broker, in adapter files and in `config.json`."""

from __future__ import annotations

import base64
import ssl
import time
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, NetmaskValueError
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, model_validator

from myocan.tools.adapters.port_kinds import Text
from myocan.tools.board_kinds import BoardKind
from myocan.tools.errors import ToolsError

FORM = 'write address = "192.168.1.20/24", with the length of the network\'s mask'
NOWHERE = "0.0.0.0"


class Place(BaseModel):
    """A fixed address in a network; without one, the router gives one.

    address: with the length of the mask, "192.168.1.20/24". gateway: the router, needed only for a
    broker outside of the network. dns: the name server; default is the router.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str | None = None
    gateway: str | None = None
    dns: str | None = None

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        self.settings()
        return self

    def settings(self) -> list[str] | None:
        """Return (address, mask, gateway, name server) as MicroPython takes them; None for none.

        Raises ValueError, whose text says what to write.
        """
        if self.address is None:
            if self.gateway is not None or self.dns is not None:
                raise ValueError(f"gateway and dns go with a fixed address: {FORM}")
            return None
        try:
            if "/" not in self.address:
                raise ValueError(self.address)
            own = IPv4Interface(self.address)
        except (AddressValueError, NetmaskValueError, ValueError):
            raise ValueError(f"'{self.address}' is no address of a board: {FORM}") from None
        if own.ip in (own.network.network_address, own.network.broadcast_address):
            raise ValueError(f"{own.ip} stands for the whole network {own.network}: take another")
        gateway = _address(self.gateway, "gateway")
        if gateway is not None and gateway not in own.network:
            raise ValueError(f"the gateway {gateway} is not in the board's network {own.network}")
        server = _address(self.dns, "dns") or gateway
        return [str(own.ip), str(own.netmask), str(gateway or NOWHERE), str(server or NOWHERE)]


class Wifi(Place):
    """A WiFi network; one that hides its name needs nothing more."""

    ssid: Text
    password: str = ""

    def config(self) -> list[Any]:
        """Return what the board reads: name, password, and maybe a fixed address."""
        settings = self.settings()
        return [self.ssid, self.password, *([settings] if settings else [])]


class Ethernet(Place):
    """The cable of a board that has a socket for one."""


def _address(text: str | None, key: str) -> IPv4Address | None:
    if text is None:
        return None
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise ValueError(f"{key} '{text}' is no address: write it like 192.168.1.1") from None


def lan_config(kind: BoardKind, ethernet: Ethernet | None) -> dict[str, Any]:
    """Return what a board with Ethernet reads: how it is built, and maybe its fixed address."""
    built = kind.ethernet.model_dump(exclude_none=True) if kind.ethernet else {}
    settings = ethernet.settings() if ethernet is not None else None
    return {**built, **({"address": settings} if settings else {})}


def broker_config(given: str | Mapping[str, Any], kind: BoardKind) -> dict[str, Any]:
    """Return what a board of that kind reads about the broker.

    given: URL, mqtt://user:password@host:port or mqtts://…?ca=PATH, or a table with host and maybe
        port, user, password, tls, ca (a path).

    Raises ToolsError when such a board cannot reach such a broker, BusError for a wrong URL.
    """
    if isinstance(given, str):
        from myocan.hub.bus import parse_url  # here, since it brings an MQTT client along

        address = parse_url(given)
        given = {
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "password": address.password,
            "tls": address.tls,
            "ca": address.ca,
        }
    tls = bool(given.get("tls", False))
    if tls and not kind.tls:
        raise ToolsError(f"a {kind.title} has no TLS, and the broker wants it (mqtts://)")
    config = {
        "host": given["host"],
        "port": given.get("port", 8883 if tls else 1883),
        "user": given.get("user"),
        "password": given.get("password"),
        "tls": tls,
    }
    if tls:
        config.update(_trust(given.get("ca"), kind))
    return config


def _trust(ca: str | None, kind: BoardKind) -> dict[str, Any]:
    """Return which authorities a board trusts, and since when the newest of them is."""
    if ca is None:
        if kind.runtime == "cpython":
            return {}
        raise ToolsError(
            f"a {kind.title} knows no authorities for TLS: say which one has signed the broker's "
            "certificate, mqtts://…?ca=/path/to/ca.pem"
        )
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(Path(ca))
        authorities = context.get_ca_certs(binary_form=True)
        begins = [str(each["notBefore"]) for each in context.get_ca_certs()]
    except (OSError, ValueError) as error:
        raise ToolsError(f"the authority's certificate {ca} cannot be used: {error}") from None
    if not authorities:
        raise ToolsError(f"{ca} holds no certificate of an authority")
    if len(authorities) > 1 and kind.runtime == "micropython":
        raise ToolsError(
            f"{ca} holds {len(authorities)} certificates, and a board has room for one: "
            "leave only that of the authority which signed the broker's"
        )
    newest = max(ssl.cert_time_to_seconds(text) for text in begins)
    return {
        "ca": base64.b64encode(b"".join(authorities)).decode(),
        "since": list(time.gmtime(newest)[:2]),
    }
