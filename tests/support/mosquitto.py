"""A private, real Mosquitto for tests: on loopback, on a free port, files in the test's directory.

It outlives nothing: leave the `with` block and the process is gone. The port stays the same over
`kill()` and `start()`, so that a client under test finds the broker where it was.

    with Mosquitto(tmp_path) as broker:
        client = Bus(broker.url, ...)
        broker.kill()       # as a power cut would
        broker.start()      # back on the same port
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Self

import pytest

HOST = "127.0.0.1"
START_S = 30.0
STOP_S = 30.0


def find_mosquitto() -> str | None:
    """Path of the `mosquitto` program, or None; Debian keeps it out of ordinary users' PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    return shutil.which("mosquitto", path=path)


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on at the moment.

    It is below those that the kernel gives away by itself, so that no connection of anybody takes
    it while a broker that had it is down.
    """
    below = 32_768
    with contextlib.suppress(OSError):
        below = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    draw = random.SystemRandom()
    for _ in range(1000):
        port = draw.randrange(max(1024, below - 12_000), below) if below > 2048 else 0
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return int(probe.getsockname()[1])
    raise AssertionError(f"no port below {below} is free")


class Mosquitto:
    """One broker process.

    directory: where its configuration and log go; made if it is missing.
    port: TCP port; 0 takes a free one, and takes another if that one is lost in a race.
    config: more lines for mosquitto.conf, e.g. "max_inflight_messages 0".
    anonymous: write `allow_anonymous true`; False leaves it to `config`.

    Skips the test, with a reason, where Mosquitto is not installed.
    """

    def __init__(
        self, directory: Path, *, port: int = 0, config: str = "", anonymous: bool = True
    ) -> None:
        program = find_mosquitto()
        if program is None:
            pytest.skip("needs a real Mosquitto: apt install mosquitto")
        self._program = program
        self.directory = directory
        self.port = port or free_port()
        self._any_port = port == 0
        self._config = config
        self._anonymous = anonymous
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{HOST}:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "the broker does not run"
        return self._process.pid

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log(self) -> str:
        """What the broker has written so far, for the message of a failed assertion."""
        return (self.directory / "mosquitto.log").read_text(errors="replace")

    def start(self) -> Self:
        """Start the process and wait until it accepts connections."""
        for attempt in range(5):
            if attempt and self._any_port:
                self.port = free_port()
            self._spawn()
            if self._accepts():
                return self
            self.kill()
            if not self._any_port or "Address already in use" not in self.log():
                break
        raise AssertionError(f"mosquitto did not start on port {self.port}:\n{self.log()}")

    def stop(self) -> None:
        """End it in good order, as `systemctl stop` does: wills of connected clients are sent."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power cut does."""
        self._end(signal.SIGKILL)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing moves, until `resume()`."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self.kill()

    def _spawn(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        lines = [
            f"listener {self.port} {HOST}",
            # else root becomes the user `mosquitto`, who may not read this directory
            f"user {pwd.getpwuid(os.getuid()).pw_name}",
            "set_tcp_nodelay true",
            "persistence false",
            # not 0: with that, 2.0 ends the connection of who publishes what it may not
            "max_queued_messages 1000000",
            *(["allow_anonymous true"] if self._anonymous else []),
            self._config,
        ]
        config = self.directory / "mosquitto.conf"
        config.write_text("\n".join(lines) + "\n")
        command = [self._program, "-c", str(config)]
        setpriv = shutil.which("setpriv")
        if setpriv is not None:  # a test run that is killed takes its brokers along
            command = [setpriv, "--pdeathsig", "KILL", *command]
        with (self.directory / "mosquitto.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )

    def _accepts(self) -> bool:
        assert self._process is not None
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            try:
                self._process.wait(0.01)
                return False
            except subprocess.TimeoutExpired:
                pass
            try:
                socket.create_connection((HOST, self.port), 1.0).close()
            except OSError:
                continue
            return True
        return False

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None, "the broker does not run"
        if self._process.poll() is None:
            self._process.send_signal(number)
            if number != signal.SIGKILL:
                self._process.send_signal(signal.SIGCONT)  # a frozen one could not hear it
        self._process.wait(STOP_S)
        self._process = None
