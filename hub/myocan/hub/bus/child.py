"""A process that does not outlive the hub, whatever ends the hub.

The one idea to know: there are two nets. The kernel kills the child when the thread that started it
ends (PDEATHSIG, set by a wrapper between fork and exec), so that thread stays for as long as the
child does. And a file names the child, so that the next hub finds one that slipped through, knows
it by its start time (process numbers are used again), and ends it.

Both nets are Linux's; elsewhere a hub that is killed leaves its broker behind, as any program
would.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from myocan.hub.bus.address import BusError

__all__ = ["BrokerError", "Child", "end_leftover", "write_private"]

_KILL_S = 5.0
_LINES = 50
_BIND = "import ctypes,os,sys;ctypes.CDLL(None).prctl(1,9);os.execv(sys.argv[1],sys.argv[1:])"

_log = logging.getLogger(__name__)


class BrokerError(BusError):
    """A broker of the hub's own that cannot be started or kept; the text says what to do."""


class Child:
    """One run of one program, from its start to its end.

    command: program (its full path) and arguments. marker: the file that names the process while it
    runs. secret: what it reads on its standard input, which then ends. on_line: called with each
    line that it writes to standard error, in a thread of the child's own.

    Nothing that it writes can fill a pipe or a disk: lines are read at once, the last few kept.
    Raises BrokerError if the program cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        marker: Path,
        *,
        secret: bytes = b"",
        on_line: Callable[[str], None] = _log.debug,
    ) -> None:
        self.ended = threading.Event()
        self._command = list(command)
        self._marker = marker
        self._secret = secret
        self._on_line = on_line
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._process: subprocess.Popen[bytes] | None = None
        self._failure: OSError | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, name="broker", daemon=True)
        self._thread.start()
        self._started.wait()
        if self._failure is not None:
            self._thread.join()
            raise BrokerError(f"{self._command[0]} cannot be started: {self._failure.strerror}")

    @property
    def pid(self) -> int:
        """Number of the process."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """How it ended: its exit code, or a signal's number below 0; None while it runs."""
        return None if self._process is None else self._process.returncode

    def said(self) -> str:
        """Return the last lines that it wrote."""
        return "\n".join(self._lines)

    def reload(self) -> None:
        """Have it read its files again (SIGHUP)."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def end(self, patience: float = 2.0) -> None:
        """End it and wait for that. patience: seconds it gets to end in good order."""
        assert self._process is not None
        self._process.terminate()
        if not self.ended.wait(patience):
            self._process.kill()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._process = process = subprocess.Popen(
                bound_to_this_thread(self._command),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the hub, which then ends its child
            )
            write_private(self._marker, _marker_text(process.pid))
        except OSError as error:
            self._failure = error
            return
        finally:
            self._started.set()
        with process:
            assert process.stdin is not None
            assert process.stderr is not None
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(self._secret)
            for line in process.stderr:
                text = line.decode(errors="replace").rstrip()
                self._lines.append(text)
                self._on_line(text)
        self._marker.unlink(missing_ok=True)
        self.ended.set()


def bound_to_this_thread(command: Sequence[str]) -> list[str]:
    """Return the command that runs `command` and has it killed when the calling thread ends."""
    if sys.platform != "linux":
        return list(command)
    setpriv = shutil.which("setpriv")  # a millisecond; Python needs twenty, or a hundred on a Pi
    if setpriv is not None:
        return [setpriv, "--pdeathsig", "KILL", *command]
    return [sys.executable, "-I", "-S", "-c", _BIND, *command]


def end_leftover(marker: Path) -> int | None:
    """End the child of a hub that was killed, if `marker` names one; return its number, or None.

    Raises BrokerError if the hub that started it is alive, or if it does not end.
    """
    try:
        plain = json.loads(marker.read_text())
        child, hub = plain["child"], plain["hub"]
        pid, hub_pid = int(child.split()[0]), int(hub.split()[0])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        if _identity(pid) != child:
            return None
        if _identity(hub_pid) == hub:
            raise BrokerError(
                f"process {hub_pid} already runs a broker in {marker.parent}: stop it first"
            )
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        if not select.select([descriptor], [], [], _KILL_S)[0]:
            raise BrokerError(f"process {pid}, a broker left behind, does not end: kill it")
    except ProcessLookupError:
        return None
    finally:
        os.close(descriptor)
    return pid


def write_private(path: Path, text: str, *, lasting: bool = False) -> None:
    """Write a file that nobody but its owner may read, whole or not at all.

    lasting: whether it has to be there after a power cut in the next moment.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        if lasting:
            file.flush()
            os.fsync(file.fileno())
    fresh.replace(path)


def _marker_text(pid: int) -> str:
    return json.dumps({"child": _identity(pid), "hub": _identity(os.getpid())})


def _identity(pid: int) -> str:
    """Return what tells this process from all others: number, start in ticks, boot of the machine.

    Only the number where there is no such process, or no /proc, or where it has ended and nobody
    has asked how.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(pid)
    if after_name[0] == "Z":
        return str(pid)
    return f"{pid} {after_name[19]} {boot}"  # field 22 of proc(5), the third being the first here
