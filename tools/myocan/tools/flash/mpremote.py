"""Runs `mpremote`, which speaks to boards, and says in one sentence what went wrong.

The one idea to know: a serial port can be anything: a board that hangs, a printer, nothing at all.
So every run has a deadline by which it is over, and everything it started is ended then.
"""

from __future__ import annotations

import os
import queue
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import IO

from myocan.tools.errors import ToolsError

START_S = 60.0
"""How long mpremote itself may take to start; on a small machine under load many seconds."""

IN_THE_WAY = "folder in the way: "
"""What a board says, and then which, if a file has to be where it has a folder."""

STARTED = "mpremote has started"
MAIN = f"""
import sys
from mpremote.main import main
print({STARTED!r}, flush=True)
sys.exit(main())
"""


class BoardError(ToolsError):
    """A board could not be reached, or did not do what it was told to."""


class NoAnswer(BoardError):
    """Nothing at the port answers as MicroPython does."""


class Mpremote:
    """The board at a serial port, as `mpremote` reaches it.

    port: what `mpremote connect` takes: a device, or a link to one.
    """

    def __init__(self, port: str) -> None:
        if find_spec("mpremote") is None:
            raise BoardError("mpremote is missing: `pip install 'myocan[flash]'`")
        # a pseudo-terminal is read fast by its own name, and slowly through a link to it
        self.port = os.path.realpath(port) if os.path.islink(port) else port

    def run(
        self,
        *words: str,
        timeout: float,
        on_line: Callable[[str], None] = lambda line: None,
        waited: float = 0.0,
    ) -> str:
        """Run `mpremote connect PORT WORDS...`; returns what it printed.

        timeout: in seconds, from when mpremote has started; by then it is over. on_line: called
        with each line as it comes. waited: how many seconds this board has been silent for already,
        for what is said then.

        Raises NoAnswer or BoardError.
        """
        if self.port.startswith("/") and not os.path.exists(self.port):
            raise BoardError(f"there is no port {self.port}: is the board plugged in?")
        if os.path.exists(self.port) and not stat.S_ISCHR(os.stat(self.port).st_mode):
            raise BoardError(cannot_open(self.port))
        # unbuffered, so that lines come when they are printed
        process = subprocess.Popen(
            [sys.executable, "-u", "-c", MAIN, "connect", self.port, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        said, in_time = _listen(process, timeout, on_line)
        text = "".join(said)
        if not in_time:
            raise NoAnswer(
                f"nothing at {self.port} answered within {waited + timeout:.0f} s. Is it a board "
                "with MicroPython? Press its reset button, or unplug it and plug it in again"
            )
        if process.returncode != 0:
            raise _failure(self.port, text)
        return text


def _listen(
    process: subprocess.Popen[str], timeout: float, on_line: Callable[[str], None]
) -> tuple[list[str], bool]:
    """Collect what mpremote prints until it ends, or has to; returns that, and whether it ended
    by itself, in time."""
    assert process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines))
    reader.start()
    said = []
    deadline = time.monotonic() + START_S
    try:
        while line := lines.get(timeout=max(0.0, deadline - time.monotonic())):
            if line.rstrip() == STARTED:
                deadline = time.monotonic() + timeout
                continue
            said.append(line)
            on_line(line.rstrip("\n"))
        process.wait(max(0.0, deadline - time.monotonic()))
        return said, True
    except (queue.Empty, subprocess.TimeoutExpired):
        return said, False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # with whatever it started
            process.wait()
        reader.join()
        process.stdout.close()


def _read(stream: IO[str], lines: queue.SimpleQueue[str]) -> None:
    for line in stream:
        lines.put(line)
    lines.put("")


def _failure(port: str, text: str) -> BoardError:
    """Return the error that mpremote's words stand for."""
    if "in use by another program" in text or "could not exclusively lock" in text:
        return BoardError(cannot_open(port))
    if "could not enter raw repl" in text:
        return NoAnswer(
            f"what is at {port} does not answer as MicroPython does: put MicroPython on the board "
            "first, or press its reset button"
        )
    if "ENOSPC" in text or "No space left" in text:
        return BoardError("the board's file system is full: remove files of your own from it")
    if IN_THE_WAY in text:
        path = text.rpartition(IN_THE_WAY)[2].split()[0].rstrip("'\")")
        return BoardError(
            f"the board has a folder {path} where a file has to be: look whether you need what is "
            f"in it, then remove it: mpremote connect {port} rm -r :{path}"
        )
    lines = [line for line in text.splitlines() if line.strip()]
    return BoardError(f"mpremote failed at {port}: {lines[-1] if lines else 'it gave no reason'}")


def cannot_open(port: str) -> str:
    """Return why a port that is there cannot be opened, and what to do."""
    if "://" in port:
        return f"nobody listens at {port}: is what serves it running, and the address right?"
    try:
        descriptor = os.open(port, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    except PermissionError:
        return (
            f"cannot open {port}: you may not. On Linux: `sudo usermod -aG dialout $USER`, and "
            "log in again"
        )
    except IsADirectoryError:
        return f"{port} is no serial port, but a folder: name the port that the board is at"
    except OSError as error:
        return f"cannot open {port} ({error.strerror}): close whatever else uses it"
    try:
        if not os.isatty(descriptor):
            return f"{port} is no serial port: name the one that the board is at"
    finally:
        os.close(descriptor)
    return f"cannot open {port}: close whatever else uses it (a terminal, an editor)"
