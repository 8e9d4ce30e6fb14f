"""The hub as its users run it: `myocan run` in a process of its own, which a test may kill."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

READY_S = 90.0


class HubProcess:
    """`myocan run HOUSE`; use it in a `with` block, `kill` and `start` it as often as needed.

    house: its folder. arguments: more of the command line, such as `--broker URL`.
    """

    def __init__(self, house: Path, *arguments: str) -> None:
        self._command = [
            *(sys.executable, "-m", "myocan.tools.cli", "run", str(house), "--json"),
            *arguments,
        ]
        self._errors = house / "hub.err"
        self._process: subprocess.Popen[bytes] | None = None
        self.told: dict[str, str] = {}

    def start(self, *, wait: bool = True) -> Self:
        """Start it; with `wait`, return when it takes messages."""
        with self._errors.open("ab") as errors:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
            )
        if wait:
            self._await_ready()
        return self

    def kill(self) -> None:
        """End it as a power cut of the process does: `kill -9`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._end()

    def stop(self) -> int:
        """End it as Ctrl-C does; return its exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._end()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self._process is not None:
            self.stop()

    def _end(self) -> int:
        process, self._process = self._process, None
        assert process is not None
        try:
            status = process.wait(READY_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the hub did not end; it said: {self.said()}") from None
        finally:
            assert process.stdout is not None
            process.stdout.close()
        return status

    def said(self) -> str:
        return self._errors.read_text(errors="replace")[-2000:]

    def _await_ready(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + READY_S
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                piece = os.read(self._process.stdout.fileno(), 4096) if ready else b""
                if not piece:
                    self.kill()
                    raise AssertionError(f"the hub did not get ready; it said: {self.said()}")
                line += piece
        self.told = json.loads(line)
