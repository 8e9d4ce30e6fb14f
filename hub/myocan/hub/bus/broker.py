"""Brokers that the hub runs itself: what they have in common, and which one it is to be.

The one idea to know: a broker of the hub's own is private. It listens on loopback, on one port that
it keeps; a client without the hub's credential may read what is under `mc1/`, and write only what
belongs to the board whose name is its client id. (That name is what the client says it is: the
rules keep boards from each other's topics by mistake, and everybody from the hub's. A client id
with a slash in it, `door/up`, passes Mosquitto's pattern as if it were part of board `door`, so
it gains what the client id `door` would.) Whatever ends it, it is started again; whatever ends the
hub ends it too.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Protocol

from myocan.hub.bus.child import BrokerError, Child, end_leftover

__all__ = ["BOARD_LEAVES", "HUB_USER", "Broker", "OwnBroker"]

HUB_USER = "hub"
"""Name of the one user that may write everything; its password is drawn at each start."""

BOARD_LEAVES = ("base", "status", "verdict", "log")
"""What a board writes below its own name, besides all below `up/`; the wire format's table."""

START_S = 10.0
"""How long a broker may take until it accepts connections: a slow machine under load."""

_BACKOFF_S = (0.1, 10.0)
_STABLE_S = 10.0
_CHECK_S = 0.005

_log = logging.getLogger(__name__)


class Broker(Protocol):
    """A broker that the hub starts and ends."""

    @property
    def url(self) -> str:
        """How the hub reaches it; holds the hub's password, so never print it."""

    @property
    def board_url(self) -> str:
        """How boards and tools reach it."""

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


class OwnBroker(ABC):
    """A broker as a child process, kept alive.

    directory: where its files go, private to it; made if it is missing. listen: `host:port` on a
    loopback address; port 0 takes a free one at the first start. domain: the house's domain, a
    level of its boards' topics.

    Raises BrokerError for a `listen` that is none, or that others on the network could reach.
    """

    protocol = "3.1.1"
    """All that MQTT 5 adds here are reasons for refusals, and the hub writes the rules of these
    brokers itself; paho pays for it with a quarter of its time (tools/bench/stages.py)."""

    def __init__(self, directory: Path, listen: str, domain: str) -> None:
        self.directory = directory
        self.domain = domain
        self.host, self.port = _loopback(listen)
        self.client_id = f"myocan-{os.urandom(8).hex()}"
        """A name for the hub that nobody can guess: who connects under it takes the hub's place."""
        self._password = os.urandom(24).hex()
        self._child: Child | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()

    @property
    def url(self) -> str:
        """How the hub reaches it; holds the hub's password, so never print it."""
        return f"mqtt://{HUB_USER}:{self._password}@{_in_url(self.host)}:{self.port}"

    @property
    def board_url(self) -> str:
        """How boards and tools reach it."""
        return f"mqtt://{_in_url(self.host)}:{self.port}"

    def start(self) -> None:
        """Start it, end one that a killed hub left behind, wait until it accepts connections.

        Raises BrokerError if its port is taken, if it ends at once, or if it takes too long.
        """
        if self._keeper is not None:
            return
        if (left := end_leftover(self._marker)) is not None:
            _log.warning("ended broker %d, which a hub left behind that was killed", left)
        self.port = _free_port(self.host, self.port)
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

    def _accepts(self, child: Child) -> bool:
        """Whether connections are accepted already."""
        try:
            socket.create_connection((self.host, self.port), 1.0).close()
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
            self._child.ended.wait()
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
                self._child = self._spawn()
            except BrokerError as error:
                _log.error("%s", error)


def _loopback(listen: str) -> tuple[str, int]:
    """Take `host:port` apart, if it is on loopback."""
    host, _, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise BrokerError(
            "[broker] listen takes an address and a port, like '127.0.0.1:18830' (port 0: any)"
        )
    if not _is_loopback(host):
        raise BrokerError(
            f"[broker] listen = '{listen}': the hub's own broker asks boards for no password, so "
            "it listens on 127.0.0.1 only; for boards on the network give the [broker] url of a "
            "broker that does ask"
        )
    return host, int(port)


def _is_loopback(host: str) -> bool:
    try:
        return host in ("localhost", "::1") or socket.inet_pton(socket.AF_INET, host)[0] == 127
    except OSError:  # a name, or an address of IPv6
        return False


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _free_port(host: str, port: int) -> int:
    """Return `port`, or any free one for 0. Raises BrokerError if somebody listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BrokerError(
                f"{host}:{port} cannot be used for the hub's own broker ({error.strerror}): stop "
                "what uses it (another hub?), or give [broker] listen another port in myocan.toml"
            ) from None
        return int(probe.getsockname()[1])
