"""`VirtualBoard`: a board to flash, press and unplug, from a test or a tool.

The board is a process of its own (see simulator.py); this is the hand on its buttons. It ends with
the process that started it, in whatever way that ends.
"""

from __future__ import annotations

import inspect
import json
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from myocan.tools.errors import ToolsError
from myocan.tools.vboard.micropython import micropython_path
from myocan.tools.vboard.parts import Part
from myocan.tools.vboard.pins import Change, Level
from myocan.tools.vboard.simulator import RUNS_ALREADY, Spec

START_S = 60.0
STOP_S = 20.0
REPLY_S = 30.0
"""How long the simulator may take to answer, on top of what a command waits for by itself."""
WAIT_S = 30.0
"""How long it may take until what a test waits for is there, unless it says otherwise: this is for
what hangs, so it suits a slow machine under load."""


class VirtualBoardError(ToolsError):
    """A virtual board did not do what it was told to."""


class BoardRuns(VirtualBoardError):
    """Another process runs a virtual board in the same folder."""


class PinState(NamedTuple):
    """A pin: level (None floating), mode ("in", "out", "pwm", "analog", None), pull ("up", "down",
    None), when its level changed last, and of PWM the duty (0 to 1) and the frequency.

    sent: the newest bytes that went out as pulses, in hexadecimal: colours of NeoPixels.
    """

    level: Level
    mode: str | None
    pull: str | None
    at_ns: int
    duty: float | None
    freq_hz: int | None
    sent: str


class VirtualBoard:
    """A virtual board; `start()` it, or use it in a `with` block.

    name: what `machine.unique_id()` returns.
    directory: where it keeps its files; made if missing, kept afterwards.
    kind: the kind of board that it stands for (a file of boards/): its pins, and its heap.
    heap: size as MicroPython's `-X heapsize=` takes it; `w` counts words of a 32-bit board, whose
        objects are half as large as here. Default: what the kind has.
    flash: size in bytes of a flash with a littlefs on it; 0: a folder of this machine.
    link: a symbolic link to its terminal to make.
    micropython: the program; default `micropython_path()`.

    `port` is what `mpremote connect` takes. Times are this machine's monotonic clock, in
    nanoseconds, the same as `time.monotonic_ns()`. Everything may be used from several threads.

    Raises NoMicroPython where no MicroPython runs, VirtualBoardError for everything else.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        kind: str = "unix",
        heap: str | None = None,
        flash: int = 0,
        link: Path | None = None,
        micropython: Path | None = None,
    ) -> None:
        # here, since the simulator's process loads this package too, and must start quickly
        from myocan.tools.board_kinds import BoardKind

        self.name = name
        self.directory = directory
        self.kind = BoardKind.load(kind)
        if self.kind.memory is None:
            raise VirtualBoardError(f"a {self.kind.title} does not run MicroPython: take another")
        self._heap = heap or f"{self.kind.memory.heap_kib}wK"
        self._flash = flash
        self._link = link
        self._micropython = micropython or micropython_path()
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch = Path()
        self._idle: list[Connection] = []
        self.port = ""

    @property
    def files(self) -> Path:
        """The folder that is the board's file system (of a board without `flash`)."""
        return self.directory / "files"

    def spec(self, control: Path) -> Spec:
        """Return what the simulator must know; `control` is where it is to take orders."""
        return Spec(
            name=self.name,
            directory=str(self.directory.resolve()),
            control=str(control),
            micropython=str(self._micropython),
            kind=self.kind.name,
            pins=self.kind.pin_numbers(),
            heap=self._heap,
            flash=self._flash,
            link=str(self._link or ""),
            analog=self.kind.pins_that("adc"),
            adc2=self.kind.pins_that("adc2"),
        )

    def start(self) -> Self:
        """Give it power for the first time; returns when it runs the user's files."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._scratch = Path(tempfile.mkdtemp(prefix="vboard-"))  # socket paths must be short
        spec = self.spec(self._scratch / "control").to_json()
        command = [sys.executable, "-m", "myocan.tools.vboard", "--spec", spec]
        with (self._scratch / "errors").open("wb") as errors:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for who uses the board, and then ends it
            )
        try:
            ready = self._first_line(time.monotonic() + START_S)
        except BaseException:
            self.close()
            raise
        self.port = ready["port"]
        return self

    def close(self) -> None:
        """Switch it off and end its process."""
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        if self._process is not None:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.close()  # its lifeline
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_S)
            self._process.stdout.close()
            self._process = None
            shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- pins ------------------------------------------------------------------------------------

    def set(self, pin: str, level: Level) -> int:
        """Drive an input pin to 0 or 1, or let go of it (None); returns when that happened."""
        return int(self._ask("set", pin=pin, level=level)["at_ns"])

    def get(self, pin: str) -> PinState:
        """Return what a pin does."""
        return PinState(**self._ask("get", pin=pin))

    def press(self, pin: str, ms: float = 50) -> int:
        """Press a button at a pin for `ms` milliseconds; returns when it is down, with the time.

        The button makes the pin low under a pull-up resistor, high under a pull-down. It is held
        for so long as the program sees it, and let go of for as long before it is pressed again: a
        second press waits for that. A program that never looks at its pins is waited for up to
        5 seconds.
        """
        return int(self._ask("press", WAIT_S, pin=pin, ms=ms)["at_ns"])

    def wait(
        self, pin: str, level: Level, timeout: float = WAIT_S, after: int | None = None
    ) -> int:
        """Wait until a pin has a level; returns when it took it.

        after: count only a change after this time, but that one even if it is over again.

        Raises VirtualBoardError after `timeout` seconds.
        """
        reply = self._ask("wait", timeout, pin=pin, level=level, timeout_s=timeout, after_ns=after)
        return int(reply["at_ns"])

    def wire(self, output: str, into: str) -> None:
        """Put a wire between two of its pins: what the one puts out drives the other."""
        self._ask("connect", output=output, into=into)

    def analog(self, pin: str, volts: float) -> None:
        """Put an analog level to a pin; its inputs count up to 3.3 V."""
        self._ask("analog", pin=pin, volts=volts)

    def until(
        self, pin: str, holds: Callable[[PinState], object], timeout: float = WAIT_S
    ) -> PinState:
        """Wait until `holds` is true of a pin, e.g. `lambda state: state.duty == 0.5`; returns how
        it is then. What is over between two looks, 5 ms apart, is not seen: for levels, see `wait`.

        Raises VirtualBoardError after `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        while not holds(state := self.get(pin)):
            if time.monotonic() > deadline:
                raise VirtualBoardError(
                    f"virtual board {self.name}: {pin} did not become what was waited for within "
                    f"{timeout} s; it is {state}"
                )
            time.sleep(0.005)
        return state

    def attach(self, kind: str | type[Part], **given: Any) -> AttachedPart:
        """Wire a part to it: a sensor, or whatever else talks on a bus.

        kind: "bme280", "ds18b20", "dht11", "dht22", "registers" (sensors.py and parts.py say what
            each takes), or a class of one's own.

        Raises VirtualBoardError if it is wired wrong.
        """
        name, file = (kind, "") if isinstance(kind, str) else (kind.__name__, inspect.getfile(kind))
        reply = self._ask("attach", kind=name, file=file, given=given)
        return AttachedPart(self, int(reply["part"]))

    def networks(
        self,
        networks: Mapping[str, str] | None,
        *,
        hidden: Collection[str] = (),
        cable: bool = True,
    ) -> None:
        """Say which networks there are: name -> password, {} for none, None for any that is asked
        for. A board in one that is no longer there has lost it.

        hidden: names that a scan does not show. cable: whether its Ethernet is plugged in.
        """
        given = None if networks is None else dict(networks)
        self._ask("set_radio", networks=given, hidden=list(hidden), cable=cable)

    def network(self) -> dict[str, Any]:
        """Return what the board has made of its networks: `ssid`, `address`, `country`,
        `hostname`, `settings`, `joins` (the names that it has asked for, in order) and others."""
        return self._ask("get_radio")

    def changes(self, since: int = 0) -> list[Change]:
        """Return all changes of pins after a time, oldest first."""
        return [Change(*change) for change in self._ask("changes", since_ns=since)["changes"]]

    # -- power -----------------------------------------------------------------------------------

    def power_off(self) -> None:
        """Cut the power: nothing that runs gets to say goodbye."""
        self._ask("power", on=False)

    def power_on(self, timeout: float = WAIT_S, cut_at: int = 0) -> int:
        """Give it power; returns the number of the start, when it runs the user's files.

        cut_at: cut the power again in the middle of the so manieth write to its flash (of a board
            with `flash`), counted over resets; it may come before this returns. 0 for never.
        """
        boots = int(self._ask("power", on=True, fuse=cut_at)["boots"])
        return boots if cut_at else self._wait_for(boots, timeout)

    @property
    def powered(self) -> bool:
        """Whether it has power."""
        return bool(self._ask("describe")["powered"])

    def reset(self, timeout: float = WAIT_S) -> int:
        """Press its reset button; returns the number of the start, when it runs user's files."""
        return self._wait_for(int(self._ask("reset")["boots"]), timeout)

    def soft_reset(self, timeout: float = WAIT_S) -> int:
        """Stop its program and start over, as Ctrl-C Ctrl-D in a terminal does."""
        return int(self._ask("soft_reset", timeout, timeout_s=timeout)["boots"])

    def wait_started(self, boots: int, timeout: float = WAIT_S) -> None:
        """Wait for its `boots`-th start, counted from 1."""
        self._wait_for(boots, timeout)

    def _wait_for(self, boots: int, timeout: float) -> int:
        self._ask("wait_started", timeout, boots=boots, timeout_s=timeout)
        return boots

    @property
    def boots(self) -> int:
        """How often it has started."""
        return int(self._ask("describe")["boots"])

    @property
    def cause(self) -> int:
        """Why it started last, as `machine.reset_cause()` says."""
        return int(self._ask("describe")["cause"])

    def console(self) -> str:
        """Return the newest 64 KiB that it printed."""
        return str(self._ask("describe")["console"])

    # -- the process -----------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Id of the process that simulates it."""
        if self._process is None:
            raise VirtualBoardError(f"board {self.name} was not started: call start()")
        return self._process.pid

    def _first_line(self, deadline: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        readable, _, _ = select.select(
            [self._process.stdout], [], [], max(0.0, deadline - time.monotonic())
        )
        line = self._process.stdout.readline() if readable else b""
        if not line:
            errors = (self._scratch / "errors").read_text(errors="replace").strip()
            reason = errors.splitlines()[-1] if errors else f"no sign of life for {START_S:.0f} s"
            if RUNS_ALREADY in reason:
                raise BoardRuns(reason)
            raise VirtualBoardError(f"virtual board {self.name} did not start: {reason}")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _ask(self, command: str, waits: float = 0.0, **arguments: Any) -> dict[str, Any]:
        if self._process is None:
            raise VirtualBoardError(f"board {self.name} was not started: call start()")
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = Connection(self._scratch / "control")
        try:
            reply = connection.ask({"do": command, **arguments}, waits + REPLY_S)
        except (OSError, EOFError) as error:
            connection.close()
            raise VirtualBoardError(
                f"virtual board {self.name} does not answer ({error or 'it has ended'})"
            ) from error
        except BaseException:
            connection.close()  # its answer would be taken for the next one's
            raise
        self._idle.append(connection)
        if "error" in reply:
            raise VirtualBoardError(f"virtual board {self.name}: {reply['error']}")
        return reply


class AttachedPart:
    """A part that was wired to a virtual board; comes from `VirtualBoard.attach`."""

    def __init__(self, board: VirtualBoard, number: int) -> None:
        self._board = board
        self._number = number

    def set(self, **values: Any) -> None:
        """Change what it shows: `set(celsius=30)`, `set(present=False)` to pull it out."""
        self._board._ask("set_part", part=self._number, values=values)

    def get(self, name: str) -> Any:
        """Return one of its values."""
        return self._board._ask("get_part", part=self._number)["values"][name]

    def remove(self) -> None:
        """Take it away for good."""
        self._board._ask("detach", part=self._number)


class Connection:
    """One connection to the simulator's control socket; one question at a time."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise VirtualBoardError(f"nobody simulates this board any more ({error})") from error
        self._lines = self._socket.makefile("rb")

    def ask(self, question: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send one command and return its answer; raises OSError or EOFError."""
        self._socket.settimeout(timeout)
        self._socket.sendall(json.dumps(question).encode() + b"\n")
        line = self._lines.readline()
        if not line:
            raise EOFError
        reply: dict[str, Any] = json.loads(line)
        return reply

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
