"""The process behind a virtual board: terminal, power, watchdog, pins, and who may turn them.

The one idea to know: the board is a MicroPython process, and everything that a board survives is
that process ending and another being started. A soft reset is the interpreter's own end, a hard
reset or the watchdog kills it, a power cut kills it and waits. The pseudo-terminal, like a USB
cable, stays where it is, so `mpremote` notices nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
import termios
import time
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from myocan.tools.vboard.control import Control
from myocan.tools.vboard.exchange import HEADER, Bench, Questions
from myocan.tools.vboard.fingers import Fingers
from myocan.tools.vboard.interpreter import RECORD, Interpreter
from myocan.tools.vboard.pins import Pins
from myocan.tools.vboard.radio import Radio
from myocan.tools.vboard.terminal import Terminal

POWERED_ON, HARD_RESET, WATCHDOG_RESET, SOFT_RESET = 1, 2, 3, 5
"""Reset causes, as `machine.reset_cause()` gives them."""

INTERRUPT_S = 5.0
"""How long Ctrl-C waits for a program to stop before the next byte typed goes to it."""
FAILED_STARTS = 3
"""So many starts in a row without reaching the user's files, and the simulator gives up."""


@dataclass(frozen=True)
class Spec:
    """What a virtual board is made of; travels as JSON to the process that runs it.

    directory: its own folder; holds `files/`, or `flash.img` for a board with a flash chip.
    control: path of the socket on which it takes orders.
    pins: name -> number. link: a symbolic link to the terminal to make, or "".
    heap: as for `-X heapsize=`. flash: its size in bytes, 0 for a folder.
    analog: pins that read analog levels; adc2: those of them that cannot while WiFi is on.
    """

    name: str
    directory: str
    control: str
    micropython: str
    kind: str
    pins: Mapping[str, int]
    heap: str
    flash: int = 0
    link: str = ""
    analog: Sequence[str] = ()
    adc2: Sequence[str] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Spec:
        return cls(**json.loads(text))


RUNS_ALREADY = "runs already"
"""In what is said when another process has the board's folder."""


class BoardFailed(Exception):
    """The interpreter does not start."""


class Simulator:
    """A virtual board; `run()` is its whole life."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.pins = Pins(spec.pins, time.monotonic_ns)
        self.pins.on_wire = self._drive_by_wire
        self.radio = Radio()
        self.radio.on_change = self._tell_radio
        analog = frozenset(spec.analog) | frozenset(spec.adc2)
        self.fingers = Fingers(self.pins, self.drive, self._tell, self._looks_away)
        self.bench = Bench(self.pins, self.radio, analog, frozenset(spec.adc2))
        self.boots = 0
        self.cause = POWERED_ON
        self.powered = True
        self._life: Interpreter | None = None
        self._up = False
        self._failed_starts = 0
        self._ended: asyncio.Future[None]
        self._started = asyncio.Condition()
        self._typed = b""  # input that the board has not been given yet
        self._interrupting = False
        self._raw = False  # at the raw REPL
        self._fuse = 0
        self._watchdog: asyncio.TimerHandle | None = None
        self._watchdog_s = 0.0
        self._tasks: set[asyncio.Task[None]] = set()

    # -- life ------------------------------------------------------------------------------------

    async def run(self, lifeline: bool = False) -> None:
        """Run until told to stop.

        lifeline: also stop when standard input ends, which it does when whoever started this
            process ends, in whatever way.

        Raises BoardFailed when MicroPython cannot be started.
        """
        self._loop = asyncio.get_running_loop()
        self._ended = self._loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self.stop)
        if lifeline:
            self._loop.add_reader(sys.stdin.fileno(), self._lifeline_moved)
        self._terminal = Terminal(self.spec.link, self._type, self._hold)
        control = Control(self)
        try:
            await control.start(self.spec.control)
            self._start(POWERED_ON)
            self._note_task(self._announce())
            await self._ended
        finally:
            await control.close()
            await self.fingers.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._end_life()
            self._terminal.close()

    def stop(self) -> None:
        """Let `run()` return."""
        if not self._ended.done():
            self._ended.set_result(None)

    async def _announce(self) -> None:
        async with self._started:
            await self._started.wait_for(lambda: self._up)
        print(json.dumps({"port": self._terminal.port, "control": self.spec.control}), flush=True)

    def _note_task(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _lifeline_moved(self) -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            self.stop()

    # -- power -----------------------------------------------------------------------------------

    @property
    def port(self) -> str:
        """The terminal's name."""
        return self._terminal.port

    @property
    def up(self) -> bool:
        """Whether the board has started and runs the user's files, or waits at its prompt."""
        return self._up

    def set_power(self, on: bool, fuse: int = 0) -> None:
        """Give the board power, or take it away.

        fuse: cut the power in the middle of so manieth write to its flash; 0 for never.
        """
        if on and not self.powered:
            self.bench.power_up()
            self._fuse = fuse
            self._start(POWERED_ON)
        elif not on and self.powered:
            self._end_life()
            self.powered = False

    def reset(self, cause: int = HARD_RESET) -> None:
        """Do what the reset button does."""
        self._end_life()
        self._raw = False
        self._start(cause)

    async def soft_reset(self) -> None:
        """Stop the program that runs and start over, as Ctrl-C Ctrl-D does."""
        boots = self.boots
        self._typed += b"\r\x03\x02\x04"
        self._feed()
        async with self._started:
            await self._started.wait_for(lambda: self._up and self.boots > boots)

    async def wait_started(self, boots: int) -> None:
        """Wait until the board has started for the `boots`-th time."""
        async with self._started:
            await self._started.wait_for(lambda: self._up and self.boots >= boots)

    def _start(self, cause: int) -> None:
        self.powered, self.cause, self._up = True, cause, False
        self.boots += 1
        # a soft reset from the raw REPL runs boot.py only, as on a real board
        quiet = self._raw and cause == SOFT_RESET
        folder = Path(self.spec.directory)
        storage = (folder / "flash.img", self.spec.flash) if self.spec.flash else self._files()
        self._life = life = Interpreter(
            Path(self.spec.micropython),
            heap=self.spec.heap,
            storage=storage,
            kind=self.spec.kind,
            pins=sorted(self.spec.pins.items()),
            identity=self.spec.name.encode(),
            cause=cause,
            scripts=("boot.py",) if quiet else ("boot.py", "main.py"),
            fuse=self._fuse,
        )
        with contextlib.suppress(BrokenPipeError):  # it has ended: the console says so next
            os.write(life.wires, self.pins.driven())
            if quiet:
                os.write(life.keys, b"\x01")
        self._loop.add_reader(life.console, self._console_readable, life)
        self._loop.add_reader(life.records, self._records_readable, life)
        self._loop.add_reader(life.bus, self._asked, life, Questions())

    def _files(self) -> tuple[Path, int]:
        root = Path(self.spec.directory) / "files"
        root.mkdir(parents=True, exist_ok=True)
        return root, 0

    def _end_life(self) -> int:
        """End the process, if there is one; returns its exit status."""
        self._up = self._interrupting = False
        self._typed = b""
        self._set_watchdog(0)
        if (life := self._life) is None:
            return 0
        self._life = None
        for descriptor in (life.console, life.records, life.bus):
            self._loop.remove_reader(descriptor)
        for descriptor in (life.keys, life.wires):
            self._loop.remove_writer(descriptor)
        self.pins.board_lost()
        self.radio.forget()
        return life.end()

    def _died(self) -> None:
        """The interpreter ended by itself."""
        if self._up:
            self._failed_starts = 0
        else:
            self._failed_starts += 1
        status = self._end_life()
        if self._failed_starts >= FAILED_STARTS:
            said = " / ".join(self.transcript.splitlines()[-3:])
            self._ended.set_exception(BoardFailed(f"MicroPython does not start: {said}"))
        elif status < 0:  # killed from outside
            self.reset(POWERED_ON)
        else:
            self._start_softly()

    def _start_softly(self) -> None:
        self._terminal.show(b"MPY: soft reboot\r\n")
        self._start(SOFT_RESET)

    def _set_watchdog(self, timeout_s: float) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        self._watchdog_s = timeout_s
        if timeout_s:
            self._watchdog = self._loop.call_later(timeout_s, self.reset, WATCHDOG_RESET)

    # -- pins ------------------------------------------------------------------------------------

    def drive(self, pin: str, level: int | None) -> int:
        """Drive an input pin (None lets go); returns the monotonic time in nanoseconds."""
        at_ns, record = self.pins.drive(pin, level)
        self._tell(record)
        return at_ns

    def _drive_by_wire(self, pin: str, level: int | None) -> None:
        self.drive(pin, level)

    def _tell_radio(self, which: int, state: int) -> None:
        self._tell(bytes((which, state)))

    def _tell(self, record: bytes) -> None:
        if self._life is not None:
            try:
                os.write(self._life.wires, record)
            except BrokenPipeError:
                pass  # it is ending, and is told when it starts again
            except BlockingIOError:  # the board has not looked at its pins for very long
                self._loop.add_writer(self._life.wires, self._tell_all, self._life)

    def _looks_away(self) -> bool:
        """Whether the board has not taken in yet what happened to its pins."""
        if self._life is None:
            return False
        unread = array("i", [0])
        fcntl.ioctl(self._life.wires, termios.FIONREAD, unread)
        return unread[0] > 0

    def _tell_all(self, life: Interpreter) -> None:
        with contextlib.suppress(BrokenPipeError):
            try:
                os.write(life.wires, self.pins.driven() + self.radio.told_again())
            except BlockingIOError:
                return
        self._loop.remove_writer(life.wires)

    def _records_readable(self, life: Interpreter) -> None:
        try:
            # a record is written whole, so a multiple of its size is never cut
            records = os.read(life.records, RECORD * 1024)
        except BlockingIOError:
            return
        if not records:
            self._loop.remove_reader(life.records)
            return
        for i in range(0, len(records), RECORD):
            what, number, a, b = records[i : i + RECORD]
            match chr(what):
                case "o":
                    self.pins.board_set_output(number, a)
                case "i":
                    self.pins.board_set_input(number, a)
                case "p":
                    self.pins.board_set_pwm(number, duty=a << 8 | b)
                case "q":
                    self.pins.board_set_pwm(number, freq_hz=a << 8 | b)
                case "Q":
                    self.pins.board_set_pwm(number, freq_hz=(a << 8 | b) * 1000)
                case "P":
                    self.pins.board_set_pwm(number, on=False)
                case "w" | "W" as unit:
                    seconds = (a << 8 | b) / (1000 if unit == "w" else 1)
                    self._set_watchdog(seconds * 9 / 8)
                case "f":
                    self._set_watchdog(self._watchdog_s)
                case "r":
                    self.reset(HARD_RESET)
                    return
                case "x":
                    self.set_power(False)
                    return
                case "n":
                    self._fuse = max(self._fuse - 1, 1)  # a reset does not make it longer
                case "s":
                    self._end_life()
                    self._start_softly()
                    return
                case "u":
                    self._up = True
                    self._note_task(self._tell_started())
                    self._feed()

    def _asked(self, life: Interpreter, questions: Questions) -> None:
        """Answer what the board asks; what it did to its pins before has been seen then."""
        try:
            piece = life.bus.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._loop.remove_reader(life.bus)
            return
        for number, what, asked in questions.take_in(piece):
            status, text = self.bench.answer(what, asked)
            with contextlib.suppress(OSError):  # it is ending: the console says so next
                life.bus.sendall(HEADER.pack(number, status, len(text)) + text)

    async def _tell_started(self) -> None:
        async with self._started:
            self._started.notify_all()

    # -- terminal --------------------------------------------------------------------------------

    @property
    def transcript(self) -> str:
        """The newest console output, whether anybody read it or not."""
        return self._terminal.transcript.decode(errors="replace")

    def _type(self, typed: bytes) -> None:
        if self.powered:
            self._typed += typed
            self._feed()

    def _feed(self) -> None:
        """Give the board what was typed; Ctrl-C as the signal or the byte that it expects."""
        life = self._life
        if life is None or not self._up or self._interrupting or not self._typed:
            return
        if b"\x03" in self._typed and life.catches_interrupt():
            # what came before it was for the program, which does not read
            self._typed = self._typed.rpartition(b"\x03")[2]
            life.interrupt()
            self._interrupting = True
            self._loop.call_later(
                0.002, self._see_interrupted, life, self._loop.time() + INTERRUPT_S
            )
            return
        try:
            self._typed = self._typed[os.write(life.keys, self._typed) :]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            return  # it is ending: the console says so next
        if self._typed:
            self._loop.add_writer(life.keys, self._feed)
        else:
            self._loop.remove_writer(life.keys)

    def _see_interrupted(self, life: Interpreter, deadline: float) -> None:
        if life is not self._life:
            return
        if life.catches_interrupt() and self._loop.time() < deadline:
            self._loop.call_later(0.002, self._see_interrupted, life, deadline)
            return
        self._interrupting = False
        self._feed()

    def _hold(self, hold: bool) -> None:
        """Let the board print no more, or again: while nobody takes it in, its writing waits."""
        if self._life is not None:
            if hold:
                self._loop.remove_reader(self._life.console)
            else:
                self._loop.add_reader(self._life.console, self._console_readable, self._life)

    def _console_readable(self, life: Interpreter) -> None:
        try:
            said = os.read(life.console, 65536)
        except BlockingIOError:
            return
        if not said:
            # what it did to its pins last was written before it ended, and counts
            self._records_readable(life)
            if life is self._life:
                self._died()
            return
        self._terminal.show(said)
        tail = self._terminal.transcript[-64:]
        raw, friendly = tail.rfind(b"raw REPL; CTRL-B"), tail.rfind(b">>> ")
        if raw != friendly:
            self._raw = raw > friendly
