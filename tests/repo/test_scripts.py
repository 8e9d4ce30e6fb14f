"""tools/run: what it hands to `myocan`, and when it installs again.

The script runs in a checkout of its own, whose `.venv` is stood in for: a `myocan` that prints its
arguments, and a stamp that says it is installed. Installing itself is what `.ci/run` does for real.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Checkout:
    """A checkout with tools/run, and a `.venv` that seems installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        bin_folder = root / ".venv" / "bin"
        bin_folder.mkdir(parents=True)
        (root / "tools").mkdir()
        for name in ("run", "venv.sh"):
            shutil.copy(ROOT / "tools" / name, root / "tools" / name)
        for folder in ("hub", "examples/house/.myocan"):
            (root / folder).mkdir(parents=True)
        for file in ("pyproject.toml", "README.md", "hub/core.py"):
            (root / file).write_text(file)
        self.script(bin_folder / "python", f'exec "{sys.executable}" "$@"')
        self.script(bin_folder / "pip", f"# made for {root}/.venv")
        self.script(bin_folder / "myocan", 'printf "<%s>" "$@"')
        (root / ".venv" / "installed").write_text(self.hash() + "\n")

    @staticmethod
    def script(path: Path, text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def hash(self) -> str:
        """What `sources_hash` says of this checkout."""
        line = '. "$root/tools/venv.sh"; sources_hash "$root/.venv/bin/python"'
        command = ["sh", "-euc", f'root="{self.root}"; {line}']
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def run(self, *args: str, cwd: Path) -> str:
        """Run tools/run; return the arguments that reached `myocan`, each in <>."""
        command = [str(self.root / "tools" / "run"), *args]
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "", "it installed"
        return done.stdout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "check out")


@pytest.mark.parametrize(
    ("args", "handed_on"),
    [
        ([], "<demo>"),
        (["--presses", "200", "--json"], "<demo><--presses><200><--json>"),
        (["--presses=3"], "<demo><--presses=3>"),
        (["--json"], "<demo><--json>"),
        (["cottage"], "<run><cottage>"),
        (["cottage", "--broker", "mqtt://h"], "<run><cottage><--broker><mqtt://h>"),
        (["./empty"], "<run><./empty>"),
        (["."], "<run><.>"),
        (["check"], "<check>"),
        (["missing"], "<missing>"),
        (["get", "lamp1.state"], "<get><lamp1.state>"),
        (["--version"], "<--version>"),
        (["send", "a.b", "two words"], "<send><a.b><two words>"),
    ],
)
def test_arguments_reach_the_command_that_is_meant(
    checkout: Checkout, tmp_path: Path, args: list[str], handed_on: str
) -> None:
    """Beside it lie a house, an empty folder, and a folder that is called like a command."""
    for folder in ("cottage", "empty", "check"):
        (tmp_path / folder).mkdir()
    (tmp_path / "cottage" / "myocan.toml").touch()
    assert checkout.run(*args, cwd=tmp_path) == handed_on


@pytest.mark.parametrize("file", ["hub/core.py", "hub/new.py", "pyproject.toml"])
def test_a_changed_source_is_installed_again(checkout: Checkout, file: str) -> None:
    before = checkout.hash()
    (checkout.root / file).write_text("changed")
    assert checkout.hash() != before


@pytest.mark.parametrize(
    "file", ["hub/core.cpython-311-x86_64-linux-gnu.so", "examples/house/.myocan/store.sqlite"]
)
def test_what_running_left_behind_is_no_reason_to_install(checkout: Checkout, file: str) -> None:
    before = checkout.hash()
    (checkout.root / file).write_text("made")
    assert checkout.hash() == before
