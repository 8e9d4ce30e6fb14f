"""The demo's hub: `myocan run` as a process of its own, as it would run in a house."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

from myocan.hub.bus.address import Address, parse_url
from myocan.hub.bus.child import bound_to_this_thread
from myocan.hub.house import House
from myocan.hub.running_hub import RunningHub
from myocan.tools.errors import ToolsError

START_S = 90.0
"""How long a hub may take until it takes messages; its broker's start is part of it."""
STOP_S = 30.0
"""How long a hub may take to write its last checkpoint."""


class HubProcess:
    """The hub of a house; use it in a `with` block.

    house: its folder. `url` is where boards reach its broker, `local` where this process does,
    `broker` which broker that is ("mosquitto", "amqtt"), `core` its build ("compiled", "pure").
    What it says on standard error is
    kept in `house/.myocan/hub.err`, and told when it fails.
    """

    def __init__(self, house: Path) -> None:
        self.house = house
        self.url = self.broker = self.core = ""
        self.local = Address("", 0)
        self._process: subprocess.Popen[bytes] | None = None
        self._errors = house / ".myocan" / "hub.err"

    def __enter__(self) -> Self:
        self._errors.parent.mkdir(mode=0o700, exist_ok=True)
        command = [sys.executable, "-m", "myocan.tools.cli", "run", str(self.house), "--json"]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                bound_to_this_thread(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            ready = self._first_line(self._process, time.monotonic() + START_S)
        except BaseException:
            self.close()
            raise
        self.url, self.broker, self.core = ready["broker"], ready["broker_kind"], ready["core"]
        running = RunningHub.read(House.load(self.house))
        assert running is not None, "it has just said that it is ready"
        self.local = parse_url(running.url)
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Ask the hub to stop, and see that it does."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_S)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def said(self) -> str:
        """Return the last of what the hub said on standard error."""
        try:
            return self._errors.read_text(errors="replace")[-2000:].strip()
        except OSError:
            return ""

    def _first_line(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        """Return the line that says that the hub is ready; raises ToolsError."""
        assert process.stdout is not None
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise ToolsError(f"the hub was not ready in {START_S:.0f} s. {self.said()}")
                byte = process.stdout.read1(4096)  # type: ignore[attr-defined]
                if not byte:
                    process.wait(STOP_S)
                    raise ToolsError(f"the hub ended at its start: {self.said()}")
                line += byte
        plain: dict[str, Any] = json.loads(line.partition(b"\n")[0])
        return plain
