"""Runs one virtual board until it is told to stop: `python -m myocan.tools.vboard NAME DIRECTORY`.

Prints one line of JSON when the board is up: `port`, for mpremote, and `control`, the socket on
which its pins are turned (see control.py).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from myocan.tools.errors import ToolsError
from myocan.tools.vboard.client import VirtualBoard
from myocan.tools.vboard.simulator import RUNS_ALREADY, BoardFailed, Simulator, Spec

LEAVE_S = 2.0
"""How long a process that was ended may take to leave a board's folder."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a virtual board; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m myocan.tools.vboard", description=__doc__)
    parser.add_argument("name", nargs="?", help="what the board is called")
    parser.add_argument("directory", nargs="?", type=Path, help="where it keeps its files")
    parser.add_argument("--kind", default="unix", help="the kind of board, e.g. pico-w")
    parser.add_argument("--heap", help="size of its heap, e.g. 64wK; default: what the kind has")
    parser.add_argument("--flash", type=int, default=0, help="bytes; 0: a folder, not a flash")
    parser.add_argument("--link", type=Path, help="a symbolic link to its terminal to make")
    parser.add_argument("--spec", help=argparse.SUPPRESS)  # given by VirtualBoard
    given = parser.parse_args(arguments)
    if given.spec:
        return run(Spec.from_json(given.spec), lifeline=True)
    if given.name is None or given.directory is None:
        parser.error("name and directory are needed")
    scratch = Path(tempfile.mkdtemp(prefix="vboard-"))  # socket paths must be short
    try:
        board = VirtualBoard(
            given.name,
            given.directory,
            kind=given.kind,
            heap=given.heap,
            flash=given.flash,
            link=given.link,
        )
        given.directory.mkdir(parents=True, exist_ok=True)
        return run(board.spec(scratch / "control"), lifeline=False)
    except ToolsError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(scratch, ignore_errors=True)  # when it did not start


def run(spec: Spec, lifeline: bool) -> int:
    """Run a virtual board until it is told to stop; returns the exit code.

    Whoever started it may be gone by then, so the folder of its socket goes with it.
    """
    # whom one ends: who started it, where it ends with that
    owner = os.getppid() if lifeline else os.getpid()
    with contextlib.suppress(KeyboardInterrupt):
        try:
            with alone(Path(spec.directory), spec.name, owner):
                asyncio.run(Simulator(spec).run(lifeline))
        except (BoardFailed, OSError) as error:
            print(error, file=sys.stderr)
            return 1
    shutil.rmtree(Path(spec.control).parent, ignore_errors=True)
    return 0


@contextlib.contextmanager
def alone(folder: Path, name: str, owner: int) -> Iterator[None]:
    """Keep a board's folder for one process: two would write into each other's files.

    owner: number of the process that is named to who comes second. One that ends just now is waited
    for. Raises BoardFailed.
    """
    until = time.monotonic() + LEAVE_S
    descriptor = os.open(folder / "running", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    by = os.pread(descriptor, 20, 0).decode().strip()
                    raise BoardFailed(f"{name} {RUNS_ALREADY} (process {by})") from None
                time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(owner).encode(), 0)
        yield
    finally:
        os.close(descriptor)


if __name__ == "__main__":
    sys.exit(main())
