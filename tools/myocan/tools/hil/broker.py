"""The broker of a bench: a Mosquitto that lives as long as the tests do.

The one idea to know: it is nobody's but the bench's. It listens where the boards of the bench can
reach it, takes one password that is drawn for the occasion, and keeps nothing.
"""

from __future__ import annotations

import os
import pwd
import socket
import time
from pathlib import Path
from typing import Self

from myocan.hub.bus.child import Child, write_private
from myocan.hub.bus.mosquitto import find_mosquitto, hashed
from myocan.tools.errors import ToolsError

START_S = 60.0
USER = "bench"

_CONFIGURATION = """\
listener {port} {host}
user {user}
allow_anonymous false
password_file {directory}/passwords
persistence false
set_tcp_nodelay true
max_queued_messages 100000
sys_interval 0
log_dest stderr
log_type error
"""


class NoBroker(ToolsError):
    """There is no broker to be had on this machine; the text says what to install."""


class BenchBroker:
    """A broker; use it in a `with` block.

    directory: for its files. host: the address on which it listens.

    Raises NoBroker where there is no Mosquitto, or when it does not start.
    """

    def __init__(self, directory: Path, host: str = "127.0.0.1") -> None:
        program = find_mosquitto()
        if program is None:
            raise NoBroker("boards on the bench need a broker: `apt install mosquitto`")
        self._program = program
        self._directory = directory.resolve()
        self.host = host
        self.port = 0
        self.password = os.urandom(12).hex()
        self._child: Child | None = None

    def __enter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        with socket.create_server((self.host, 0)) as free:
            self.port = int(free.getsockname()[1])
        write_private(self._directory / "passwords", f"{USER}:{hashed(self.password)}\n")
        text = _CONFIGURATION.format(
            port=self.port,
            host=self.host,
            # as root it would become `mosquitto`, who may not read these files
            user=pwd.getpwuid(os.geteuid()).pw_name,
            directory=self._directory,
        )
        write_private(self._directory / "mosquitto.conf", text)
        command = [self._program, "-c", str(self._directory / "mosquitto.conf")]
        self._child = Child(command, self._directory / "broker.pid", on_line=lambda line: None)
        deadline = time.monotonic() + START_S
        while not self._accepts():
            if self._child.ended.wait(0.01) or time.monotonic() > deadline:
                said = self._child.said()
                self.__exit__()
                raise NoBroker(f"the bench's broker did not start; it said: {said or 'nothing'}")
        return self

    def __exit__(self, *exc: object) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None

    @property
    def url(self) -> str:
        """How to reach it, with the password."""
        return self.url_at(self.port)

    def url_at(self, port: int) -> str:
        """How to reach it through somebody who listens at another port."""
        return f"mqtt://{USER}:{self.password}@{self.host}:{port}"

    def _accepts(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), 1.0).close()
        except OSError:
            return False
        return True
