"""The command line as a process, and houses to use it in."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import Protocol

from myocan.tools.example_house import copy_example_house
from support import forking

SECONDS = 60.0
"""How long a command may take."""


class Myocan(Protocol):
    """Runs `myocan ARGS` in folder `cwd`; returns its exit code and what it printed."""

    def __call__(self, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]: ...


def run_myocan(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `myocan ARGS` as people do, away from their own environment.

    Its process is forked from one that has read the modules of `myocan` already, unless Python
    itself was given settings meanwhile, which it reads when it starts.
    """
    if forks().settings != settings():
        return run_myocan_anew(*args, cwd=cwd)
    return forks().run(args, cwd, environment())


def run_myocan_anew(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `myocan ARGS` from the start, as people do."""
    return subprocess.run(
        [sys.executable, "-m", "myocan.tools.cli", *args],
        cwd=cwd,
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def environment() -> dict[str, str]:
    """What is set of the environment, without that of the user's own house."""
    return {k: v for k, v in os.environ.items() if k != "MYOCAN_HOUSE"} | {"COLUMNS": "200"}


def settings() -> dict[str, str]:
    """What the environment says to Python."""
    return {k: v for k, v in os.environ.items() if k.startswith("PYTHON")}


class Forks:
    """The process that forks, for as long as this one runs; see `support.forking`."""

    def __init__(self) -> None:
        self.settings = settings()
        self._asking = threading.Lock()
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            self._process = subprocess.Popen(
                [sys.executable, forking.__file__, str(other.fileno())],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self._control.close()
        self._process.wait()

    def run(
        self, args: tuple[str, ...], cwd: Path, environment: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Do as `subprocess.run` does."""
        request = {"arguments": args, "cwd": str(cwd), "environment": environment}
        told, tell = os.pipe()
        with (
            open(os.devnull, "rb") as stdin,
            tempfile.TemporaryFile("w+", encoding="utf-8") as stdout,
            tempfile.TemporaryFile("w+", encoding="utf-8") as stderr,
            open(told, encoding="ascii") as status,
        ):
            files = [stdin.fileno(), stdout.fileno(), stderr.fileno(), tell]
            try:
                with self._asking:
                    socket.send_fds(self._control, [json.dumps(request).encode()], files)
            finally:
                os.close(tell)
            pid = status.readline()
            assert pid, "the process that forks has ended"
            late = threading.Timer(SECONDS, os.kill, (int(pid), signal.SIGKILL))
            late.start()
            try:
                code = int(status.readline())
            finally:
                late.cancel()
                late.join()
            for file in (stdout, stderr):
                file.seek(0)
            done = subprocess.CompletedProcess(args, code, stdout.read(), stderr.read())
        if code == -signal.SIGKILL:
            raise subprocess.TimeoutExpired(args, SECONDS, done.stdout, done.stderr)
        return done


@cache
def forks() -> Forks:
    """The one of this process, started when it is first needed."""
    return Forks()


def make_house(folder: Path) -> Path:
    """Make the example house, whose own broker takes any free port; return its folder."""
    copy_example_house(folder)
    with (folder / "myocan.toml").open("a") as file:
        file.write('\n[broker]\nlisten = "127.0.0.1:0"\n')
    return folder
