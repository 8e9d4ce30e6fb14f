"""Runs one virtual board until it is told to stop: `python -m myocan.tools.vboard NAME DIRECTORY`.

Prints one line of JSON when the board is up: `port`, for mpremote, and `control`, the socket on
which its pins are turned (see control.py).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from myocan.tools.errors import ToolsError
from myocan.tools.vboard.client import VirtualBoard
from myocan.tools.vboard.simulator import BoardFailed, Simulator, Spec


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
    with contextlib.suppress(KeyboardInterrupt):
        try:
            asyncio.run(Simulator(spec).run(lifeline))
        except (BoardFailed, OSError) as error:
            print(error, file=sys.stderr)
            return 1
    shutil.rmtree(Path(spec.control).parent, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
