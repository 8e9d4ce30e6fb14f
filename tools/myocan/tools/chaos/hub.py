"""The hub of a chaos run: a process that is killed, stopped and starved, and started again."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from myocan.hub.bus.child import bound_to_this_thread
from myocan.tools.chaos.steering import Steering
from myocan.tools.errors import ToolsError

__all__ = ["ChaosHub"]

READY_S = 60.0
STOP_S = 30.0
FULL_AT = 16 * 1024
"""Bytes beyond which no file of the hub can be written while its disk is full."""


class ChaosHub:
    """The hub of the house in `folder`, and its broker.

    `steering` is None where the hub is `myocan run` itself, else the hub is a steered one.
    `starts` counts its processes; `ended_by_itself` lists what it said when it ended unasked. One
    that finds no room on its disk at its start says so and ends, which is right; those are counted
    in `found_no_room`.
    """

    def __init__(self, folder: Path, steering: Path | None) -> None:
        self.starts = 0
        self.ended_by_itself: list[str] = []
        self.found_no_room = 0
        self._starved = False
        self.told: dict[str, str] = {}
        self.steering: Steering | None = None
        self._errors = folder / "hub.err"
        self._marker = folder / ".myocan" / "broker" / "broker.pid"
        if steering is None:
            what = ["myocan.tools.cli", "run", str(folder), "--json"]
        else:
            self.steering = Steering.make(steering)
            what = ["myocan.tools.chaos.steered", str(folder), str(steering)]
        self._command = [sys.executable, "-m", *what]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def runs(self) -> bool:
        """Whether there is a process, as far as is known."""
        return self._process is not None

    def start(self) -> None:
        """Start it; returns at once."""
        self.starts += 1
        self._starved = False
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                bound_to_this_thread(self._command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )

    def await_ready(self) -> None:
        """Wait until it takes messages. Raises ToolsError if it ends, or takes for ever."""
        assert self._process is not None
        assert self._process.stdout is not None
        deadline, line = time.monotonic() + READY_S, b""
        while not line.endswith(b"\n"):
            left = max(0.0, deadline - time.monotonic())
            piece = b""
            if select.select([self._process.stdout], [], [], left)[0]:
                piece = os.read(self._process.stdout.fileno(), 4096)
            if not piece:
                raise ToolsError(f"the hub did not get ready; it said: {self.said()}")
            line += piece
        self.told = json.loads(line)

    def kill(self) -> None:
        """End it as nothing else does: `kill -9`; its broker goes with it."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def watch(self) -> bool:
        """Whether it has ended by itself; what it said is kept then."""
        if self._process is None or self._process.poll() is None:
            return False
        status = self._process.returncode
        self._reap()
        if self._starved and "no room to write" in self.said():
            self.found_no_room += 1
        else:
            self.ended_by_itself.append(f"exit status {status}; it said: {self.said()}")
        return True

    def signal(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def signal_broker(self, number: int) -> None:
        """Send its broker a signal, if that runs."""
        with contextlib.suppress(OSError, ValueError, KeyError, IndexError):
            child = json.loads(self._marker.read_text())["child"]
            os.kill(int(child.split()[0]), number)

    def fill_disk(self, full: bool) -> None:
        """Let it find no room on its disk, or room again."""
        if self._process is not None:
            self._starved |= full
            limit = FULL_AT if full else resource.RLIM_INFINITY
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(
                    self._process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)
                )

    def stop(self) -> None:
        """End it in good order. Raises ToolsError if it does not end, or not well."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ToolsError(f"the hub did not end when told; it said: {self.said()}") from None
        self._reap()
        if status != 0:
            raise ToolsError(f"the hub ended with status {status}; it said: {self.said()}")

    def said(self) -> str:
        """Return the last of what it said."""
        try:
            return self._errors.read_text(errors="replace")[-1500:].strip()
        except OSError:
            return ""

    def _reap(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
