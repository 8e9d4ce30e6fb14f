"""Brokers that the hub runs itself: what they have in common, and which one it is to be.

The one idea to know: nobody comes in without an account. Each board has one of its own, under its
name, which the broker makes its client id; with it the board writes what is its own, and reads what
is for it. Programs on this machine share one that is drawn at each start: they come in at a
door of their own on loopback, may read what is under `mc1/`, and write as the board whose name is
their client id. (A client id with a slash in it, `door/up`, passes Mosquitto's pattern as if it
were part of board `door`, so it gains what the client id `door` would.) Whatever ends the broker,
it is started again; whatever ends the hub ends it too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from myocan.hub.bus.certificates import Certificates, host_names
from myocan.hub.bus.child import BrokerError, Child, end_leftover

__all__ = [
    "BOARD_HEARS",
    "BOARD_LEAVES",
    "HUB_USER",
    "LOCAL_LEAVES",
    "LOCAL_USER",
    "Account",
    "Broker",
    "OwnBroker",
]

HUB_USER = "~hub"
"""Name of the one user that may write everything; its password is drawn at each start. No board can
be called that."""

LOCAL_USER = "~local"
"""Name of the user that programs on this machine share; its password is drawn at each start."""

BOARD_LEAVES = ("base", "status", "verdict", "log", "update/said")
"""What a board writes below its own name, besides all below `up/`; the wire format's table."""

BOARD_HEARS = ("ack", "propose", "config", "update/#")
"""What a board reads below its own name."""

LOCAL_LEAVES = ("config", "update/piece")
"""What programs of this machine write below the name of any board: updates, which boards take only
if they are signed with their key."""

LOCAL_PORT = 10_000
"""How far the door for programs of this machine is from the boards'."""

LOOPBACK = "127.0.0.1"
ANYWHERE = ("0.0.0.0", "::")
"""What a broker listens on that listens on all addresses of its machine."""

START_S = 60.0
"""How long a broker may take until it accepts connections: a slow machine under load."""

LOOK_AFTER_S = 3600.0
"""How often to see whether the broker's certificate ends soon, or this machine has another name."""

_BACKOFF_S = (0.1, 10.0)
_STABLE_S = 10.0
_CHECK_S = 0.005

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Account:
    """A board's place at the broker: its name, its password, and the data topics it may read."""

    name: str
    password: str = field(repr=False)
    reads: tuple[str, ...] = ()


class Broker(Protocol):
    """A broker that the hub starts and ends."""

    @property
    def url(self) -> str:
        """How the hub reaches it; holds the hub's password, so never print it."""

    @property
    def local_url(self) -> str:
        """How programs on this machine reach it; holds their password, so never print it."""

    @property
    def board_url(self) -> str:
        """How boards reach it, each with its own account."""

    @property
    def plain_url(self) -> str:
        """How boards that cannot encrypt reach it; "" if there is no other door for them."""

    @property
    def client_id(self) -> str:
        """For `Bus(client_id=...)`: a name that no board can guess and take from the hub."""

    @property
    def protocol(self) -> str:
        """For `Bus(protocol=...)`: which MQTT it speaks."""

    def start(self) -> None:
        """Start it and wait until it accepts connections. Raises BrokerError if it does not."""

    def stop(self) -> None:
        """End it for good."""

    def restart(self) -> None:
        """End it and start it again, on the same port, with the same credential."""

    def alive(self) -> bool:
        """Whether its process runs at this moment."""

    def admit(self, accounts: Sequence[Account]) -> None:
        """Let in the boards that have these accounts, and no others; who stays is not cut off."""


class OwnBroker(ABC):
    """A broker as a child process, kept alive.

    directory: where its files go, private to it; made if it is missing. listen: `host:port`, an
    address of this machine; port 0 takes a free one at the first start. domain: the house's
    domain, a level of its boards' topics. address: under which boards find this machine; None: as
    `listen` says, or what the network has given it.

    Raises BrokerError for a `listen` that is none.
    """

    protocol = "3.1.1"
    """All that MQTT 5 adds here are reasons for refusals, and the hub writes the rules of these
    brokers itself; paho pays for it with a quarter of its time (tools/bench/stages.py)."""

    def __init__(
        self,
        directory: Path,
        listen: str,
        domain: str,
        address: str | None = None,
        *,
        certificates: Certificates | None = None,
        plain: str | None = None,
    ) -> None:
        self.directory = directory
        self.domain = domain
        self.host, self.port = _address(listen)
        self.plain = None if plain is None else _address(plain, "plain")
        self.certificates = certificates
        self.local_port = 0
        self.accounts: tuple[Account, ...] = ()
        self._reached_at = address
        self.client_id = f"myocan-{os.urandom(8).hex()}"
        """A name for the hub that nobody can guess: who connects under it takes the hub's place."""
        self._password = os.urandom(24).hex()
        self._local_password = os.urandom(24).hex()
        self._child: Child | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()
        self._spawning = threading.Lock()
        """Held while its files are written."""

    @property
    def url(self) -> str:
        """How the hub reaches it; holds the hub's password, so never print it."""
        return f"mqtt://{HUB_USER}:{self._password}@{self._local}"

    @property
    def local_url(self) -> str:
        """How programs on this machine reach it; holds their password, so never print it."""
        return f"mqtt://{LOCAL_USER}:{self._local_password}@{self._local}"

    @property
    def board_url(self) -> str:
        """How boards reach it, each with its own account."""
        where = f"{_in_url(self._seen_at(self.host))}:{self.port}"
        if self.certificates is None:
            return f"mqtt://{where}"
        return f"mqtts://{where}?ca={quote(str(self.certificates.ca.resolve()))}"

    @property
    def plain_url(self) -> str:
        """How boards that cannot encrypt reach it; "" if there is no other door for them."""
        if self.plain is None:
            return ""
        return f"mqtt://{_in_url(self._seen_at(self.plain[0]))}:{self.plain[1]}"

    def _seen_at(self, host: str) -> str:
        """Return under what boards find a door that listens at `host`."""
        host = self._reached_at or host
        return (_own_address() or host) if host in ANYWHERE else host

    @property
    def _local(self) -> str:
        """Host and port at which hub and programs of this machine reach it."""
        return f"{LOOPBACK}:{self.local_port}"

    def admit(self, accounts: Sequence[Account]) -> None:
        """Let in the boards that have these accounts, and no others.

        A broker that runs learns of them at once: boards that keep theirs stay connected; one
        whose account is gone, or has another password, is shut out.
        """
        with self._spawning:
            if self.accounts == (accounts := tuple(accounts)):
                return
            self.accounts = accounts
            if self.alive():
                assert self._child is not None
                self._write_accounts()
                self._child.reload()

    def renew_certificate(self) -> bool:
        """Renew the certificate if it ends soon, or does not name this machine as boards find it;
        return whether it was. Who is connected stays so.

        Raises BrokerError.
        """
        if self.certificates is None:
            return False
        with self._spawning:
            told = (self._seen_at(self.host), _own_address() or self.host)
            renewed = self.certificates.renew(host_names(*told))
            if renewed and self.alive():
                assert self._child is not None
                self._child.reload()
        return renewed

    @abstractmethod
    def _write_accounts(self) -> None:
        """Write into `directory` who may come in, and who may do what."""

    def start(self) -> None:
        """Start it, end one that a killed hub left behind, wait until it accepts connections.

        Raises BrokerError if its port is taken, if it ends at once, or if it takes too long; if its
        certificate cannot be made.
        """
        if self._keeper is not None:
            return
        if (left := end_leftover(self._marker)) is not None:
            _log.warning("ended broker %d, which a hub left behind that was killed", left)
        self.port = _free_port(self.host, self.port)
        if self.plain is not None:
            self.plain = (self.plain[0], _free_port(*self.plain, "plain"))
        self.renew_certificate()
        self.local_port = self.local_port or self._choose_local_port()
        self._stopping.clear()
        self._child = self._spawn()
        try:
            self._await_start(self._child)
        except BrokerError:
            self._child.end()
            raise
        self._keeper = threading.Thread(target=self._keep, name="broker-keeper", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """End it for good; its connections are closed. Nothing happens if it does not run."""
        if self._keeper is None:
            return
        self._stopping.set()
        assert self._child is not None
        self._child.end()
        self._keeper.join()
        self._child.end()  # one that the keeper had just started
        self._keeper = None

    def restart(self) -> None:
        """End it and start it again, on the same port, with the same credential."""
        self.stop()
        self.start()

    def alive(self) -> bool:
        """Whether its process runs at this moment."""
        return self._child is not None and not self._child.ended.is_set()

    @abstractmethod
    def _spawn(self) -> Child:
        """Write what it needs into `directory` and start it."""

    def _choose_local_port(self) -> int:
        """Return the port of the door for programs of this machine."""
        near = self.port + (LOCAL_PORT if self.port < LOCAL_PORT * 5 else -LOCAL_PORT)
        try:
            return _free_port(LOOPBACK, near)
        except BrokerError:
            return _free_port(LOOPBACK, 0)

    def _accepts(self, child: Child) -> bool:
        """Whether connections are accepted already."""
        try:
            socket.create_connection((LOOPBACK, self.local_port), 1.0).close()
        except OSError:
            return False
        return True

    @property
    def _marker(self) -> Path:
        return self.directory / "broker.pid"

    def _await_start(self, child: Child) -> None:
        deadline = time.monotonic() + START_S
        while not child.ended.wait(_CHECK_S) and time.monotonic() < deadline:
            if self._accepts(child):
                return
        what = "ended at once" if child.ended.is_set() else f"did not answer in {START_S:.0f} s"
        raise BrokerError(f"the hub's own broker {what}; it said: {child.said() or 'nothing'}")

    def _keep(self) -> None:
        """Start it again whenever it ends by itself."""
        pause = _BACKOFF_S[0]
        while not self._stopping.is_set():
            assert self._child is not None
            since = time.monotonic()
            while not self._child.ended.wait(LOOK_AFTER_S):
                try:
                    self.renew_certificate()
                except BrokerError as error:
                    _log.error("%s", error)
            if time.monotonic() - since > _STABLE_S:
                pause = _BACKOFF_S[0]
            if self._stopping.is_set():
                return
            _log.warning(
                "the hub's own broker ended (status %s), starting it again; it said: %s",
                self._child.exit_status,
                self._child.said() or "nothing",
            )
            if self._stopping.wait(pause):
                return
            pause = min(2 * pause, _BACKOFF_S[1])
            try:
                self.renew_certificate()
                with self._spawning:
                    self._child = self._spawn()
            except BrokerError as error:
                _log.error("%s", error)


def _address(listen: str, key: str = "listen") -> tuple[str, int]:
    """Take the `host:port` of a key apart, if it is an address of the kind that machines have."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    digits = port.isascii() and port.isdigit()
    if digits and (len(port.lstrip("0")) > 5 or int(port) > 65535):
        raise BrokerError(f"[broker] {key} = '{listen}': ports go up to 65535")
    if not host or not digits:
        raise BrokerError(
            f"[broker] {key} takes an address and a port, like '127.0.0.1:18830' (port 0: any)"
        )
    if host != "localhost" and not _is_ip(host):
        raise BrokerError(
            f"[broker] {key} = '{listen}' has to be an address of this machine: "
            f"'127.0.0.1:{port}' for this machine only, '0.0.0.0:{port}' for boards on the "
            "network; a broker elsewhere is named by [broker] url"
        )
    return host, int(port)


def _is_ip(host: str) -> bool:
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):
            socket.inet_pton(family, host)
            return True
    return False


def _own_address() -> str | None:
    """Return the address that this machine has in its network; None if it is in none.

    Nothing is sent: the system only says from where it would (192.0.2.1: RFC 5737, nobody's).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_port(host: str, port: int, key: str = "listen") -> int:
    """Return `port`, or any free one for 0. Raises BrokerError if somebody listens there; `key` of
    the house's settings named it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BrokerError(
                f"{host}:{port} cannot be used for the hub's own broker ({error.strerror}): stop "
                f"what uses it (another hub?), or give [broker] {key} another port in myocan.toml"
            ) from None
        return int(probe.getsockname()[1])
