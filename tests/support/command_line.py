"""The command line as a process, and houses to use it in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from myocan.tools.example_house import copy_example_house


class Myocan(Protocol):
    """Runs `myocan ARGS` in folder `cwd`; returns its exit code and what it printed."""

    def __call__(self, *args: str, cwd: Path) -> subprocess.CompletedProcess[str]: ...


def run_myocan(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `myocan ARGS` as people do, away from their own environment."""
    environment = {k: v for k, v in os.environ.items() if k != "MYOCAN_HOUSE"}
    return subprocess.run(
        [sys.executable, "-m", "myocan.tools.cli", *args],
        cwd=cwd,
        env={**environment, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )


def make_house(folder: Path) -> Path:
    """Make the example house, whose own broker takes any free port; return its folder."""
    copy_example_house(folder)
    with (folder / "myocan.toml").open("a") as file:
        file.write('\n[broker]\nlisten = "127.0.0.1:0"\n')
    return folder
