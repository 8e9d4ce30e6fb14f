"""One life of a virtual board: a MicroPython process, from its start to a reset or power cut."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

HARDWARE = Path(__file__).parent / "hardware"
RECORD = 4
"""Bytes of a record from the board: what, pin, two more (see hardware/machine.py)."""

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_parent() -> None:
    """In the new process: end when the simulator does, however it ends. Linux only."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


class Interpreter:
    """A running MicroPython that believes to be a board.

    program: the `micropython` executable.
    heap: size as MicroPython's `-X heapsize=` takes it, e.g. "128wK".
    storage: (folder, 0) for a folder as file system, or (image file, size of the flash in bytes).
    pins: (name, number) of every pin.
    scripts: what to run at the start. fuse: the power is cut in the middle of so manieth write to
        its flash; 0 for never.

    `console` and `records` are descriptors to read from, without waiting: what it prints, and what
    it does to its pins. `keys` and `wires` are descriptors to write to: what is typed, and what
    happens to its input pins. `bus` is the socket on which it asks, and is answered (exchange.py).
    """

    def __init__(
        self,
        program: Path,
        *,
        heap: str,
        storage: tuple[Path, int],
        kind: str,
        pins: Sequence[tuple[str, int]],
        identity: bytes,
        cause: int,
        scripts: Sequence[str],
        fuse: int = 0,
    ) -> None:
        board_reads, self.wires = os.pipe()
        self.records, board_writes = os.pipe()
        self.bus, board_asks = socket.socketpair()
        os.set_blocking(board_reads, False)
        self.bus.setblocking(False)
        path, flash = storage
        board = (
            *(str(HARDWARE), board_reads, board_writes, board_asks.fileno(), kind, tuple(pins)),
            *(identity, cause, str(path), flash, tuple(scripts), fuse),
        )
        start = f"BOARD = {board!r}\n" + (HARDWARE / "start.py").read_text()
        try:
            self._process = subprocess.Popen(
                [str(program), "-X", f"heapsize={heap}", "-i", "-c", start],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                bufsize=0,
                cwd=path.parent,
                pass_fds=(board_reads, board_writes, board_asks.fileno()),
                preexec_fn=_die_with_parent,
                start_new_session=True,
                umask=0o077,  # passwords are among a board's files
            )
        except OSError:
            os.close(self.wires)
            os.close(self.records)
            self.bus.close()
            raise
        finally:
            board_asks.close()
            os.close(board_reads)
            os.close(board_writes)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.keys = self._process.stdin.fileno()
        self.console = self._process.stdout.fileno()
        for descriptor in (self.keys, self.console, self.wires, self.records):
            os.set_blocking(descriptor, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def catches_interrupt(self) -> bool:
        """Whether a program runs that Ctrl-C would stop.

        At its prompt, and while it takes in a file, MicroPython wants Ctrl-C as a byte; it installs
        a handler for SIGINT only while a program runs, and the kernel shows that.
        """
        try:
            status = Path(f"/proc/{self.pid}/status").read_text()
        except OSError:
            return False
        for line in status.splitlines():
            if line.startswith("SigCgt:"):
                return bool(int(line.split()[1], 16) >> (signal.SIGINT - 1) & 1)
        return False

    def interrupt(self) -> None:
        """Stop the program that runs, as Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Take its power away."""
        self._process.kill()

    def end(self) -> int:
        """Close everything; returns the exit status, negative if it was killed."""
        if self._process.poll() is None:
            self._process.kill()
        status = self._process.wait()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        os.close(self.wires)
        os.close(self.records)
        self.bus.close()
        return status
