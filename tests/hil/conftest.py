"""Boards to run tests on: virtual ones, which are real MicroPython behind a pseudo-terminal.

`board` is one that is switched on, `make_board` makes more or others, `cleared_board` is cheaper;
`mpremote` runs that tool against one. Where no MicroPython runs, the tests are skipped and say so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from myocan.tools.vboard import NoMicroPython, VirtualBoard, micropython_path

MakeBoard = Callable[..., VirtualBoard]
Mpremote = Callable[..., str]

MPREMOTE_S = 120.0


@pytest.fixture
def make_board(tmp_path: Path) -> Iterator[MakeBoard]:
    """Make virtual boards: `make_board("porch", kind="pico-w")`; they end with the test."""
    try:
        micropython_path()
    except NoMicroPython as error:
        pytest.skip(str(error))
    with ExitStack() as boards:

        def make(name: str = "porch", **options: Any) -> VirtualBoard:
            board = VirtualBoard(name, tmp_path / "boards" / name, **options)
            return boards.enter_context(board)

        yield make


@pytest.fixture
def board(make_board: MakeBoard) -> VirtualBoard:
    """A virtual board with nothing on it."""
    return make_board()


@pytest.fixture(scope="session")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualBoard]:
    """One board for many tests, since a start costs more than most of them; see `cleared_board`."""
    try:
        board = VirtualBoard("porch", tmp_path_factory.mktemp("workbench"))
    except NoMicroPython as error:
        pytest.skip(str(error))
    with board:
        yield board


@pytest.fixture
def cleared_board(workbench: VirtualBoard) -> Iterator[VirtualBoard]:
    """A board with nothing on it, on which others have worked: it has started before."""
    yield workbench
    workbench.power_off()
    for pin in workbench.kind.pins:
        workbench.set(pin, None)
    shutil.rmtree(workbench.files)
    workbench.power_on()


@pytest.fixture
def mpremote() -> Mpremote:
    """Run `mpremote connect PORT ...`; returns what it printed, fails the test if it failed."""

    def run(port: str, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", port, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=MPREMOTE_S,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run
