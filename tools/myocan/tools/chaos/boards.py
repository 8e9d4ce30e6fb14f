"""The boards of a chaos run: an adapter in a process of its own, whose pins are lines of a socket.

The one idea: no press is lost between the finger and the adapter (see `SimulatedPins`), so what a
board was told to sense is what it owes the hub, however busy the machine is.
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
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from myocan.hub.bus.child import bound_to_this_thread
from myocan.tools.errors import ToolsError

__all__ = ["ChaosBoard", "find_runtime", "make_library"]

BUTTON, DOOR, LAMP = "GP14", "GP13", "GP15"
HEAP = "1024wK"
"""Room for an outbox that outlasts the longest of the outages."""
START_S = 60.0
SIMULATED = "myocan.edge.pins.simulated"
SCRIPT = Path(__file__).with_name("on_board.py")


def find_runtime() -> tuple[Path | None, str]:
    """Return MicroPython's program, None where boards have to run on CPython, and why if so."""
    from myocan.tools.demo.boards import missing_tools
    from myocan.tools.vboard import micropython_path

    reason = missing_tools()
    return (micropython_path(), "") if reason is None else (None, reason)


def make_library(config: Mapping[str, Any], folder: Path) -> Path:
    """Put what a board carries into `folder`, and simulated pins; return its `/lib`."""
    from myocan.tools.flash.staging import compiled, stage

    stage(config, folder)
    library = folder / "lib"
    spec = find_spec(SIMULATED)
    assert spec is not None
    assert spec.origin is not None
    name = SIMULATED.replace(".", "/")
    shutil.copyfile(compiled(Path(spec.origin), SIMULATED), library / f"{name}.mpy")
    return library


class ChaosBoard:
    """A board; `plug` it in, `unplug` it as a power cut would, as often as you like.

    config: what its adapter file was compiled to. folder: for its files. micropython: the program,
    None for CPython. library: its `/lib` on MicroPython.

    `presses` counts how often its button was pressed while it had power; `lamp` is the level of its
    lamp's pin, None before it is known.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        folder: Path,
        micropython: Path | None,
        library: Path | None,
    ) -> None:
        self.name = str(config["name"])
        self.presses = 0
        self.lamp: int | None = None
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        self._environment = dict(os.environ)
        self._command = [sys.executable]
        if micropython is not None:
            self._command = [str(micropython), "-X", f"heapsize={HEAP}"]
            self._environment["MICROPYPATH"] = str(library)
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._reader: threading.Thread | None = None
        self._hand = threading.Lock()

    def plug(self) -> None:
        """Give it power. Raises ToolsError if it does not start."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(START_S)
            port = str(server.getsockname()[1])
            with (self._folder / "console").open("ab") as console:
                self._process = subprocess.Popen(
                    bound_to_this_thread([*self._command, str(SCRIPT), port, "config.json"]),
                    env=self._environment,
                    cwd=self._folder,
                    stdin=subprocess.DEVNULL,
                    stdout=console,
                    stderr=subprocess.STDOUT,
                )
            try:
                control, _ = server.accept()
            except TimeoutError:
                self._process.kill()
                self._process.wait()
                self._process = None
                raise ToolsError(
                    f"board {self.name} did not start; it said: {self.said()}"
                ) from None
        control.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = threading.Thread(target=self._read, args=(control,), daemon=True)
        self._reader.start()
        with self._hand:
            self._control = control

    def unplug(self) -> None:
        """Cut its power, if it has any."""
        with self._hand:
            control, self._control = self._control, None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        if control is not None:
            assert self._reader is not None
            self._reader.join()
            control.close()

    def press(self) -> None:
        """Press and release its button; without power that is nothing."""
        with self._hand:
            if self._drive((BUTTON, 0), (BUTTON, 1)):
                self.presses += 1

    def open_door(self) -> None:
        """Open its contact, which was shut since it was plugged in."""
        with self._hand:
            self._drive((DOOR, 0))

    def said(self) -> str:
        """Return the last of what it printed."""
        try:
            return (self._folder / "console").read_text(errors="replace")[-1000:].strip()
        except OSError:
            return ""

    def _drive(self, *levels: tuple[str, int]) -> bool:
        if self._control is None:
            return False
        self._control.sendall("".join(f"{pin} {level}\n" for pin, level in levels).encode())
        return True

    def _read(self, control: socket.socket) -> None:
        with control.makefile("rb") as lines, contextlib.suppress(OSError):
            for line in lines:
                pin, level = line.decode().split()
                if pin == LAMP:
                    self.lamp = int(level)
