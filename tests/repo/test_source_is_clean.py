"""The checkers find nothing, and no tracked file tells of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TELLTALES = {
    "a path of somebody's machine": r"/w[o]rk/|/tmp/v[e]nv|/tmp/b[u]ild|/ho[m]e/[a-z]+/src",
    "the address of a package registry": r"pythonh[o]sted|registry[.]np[m]js|py[p]i[.]org/simple",
    "a note to oneself": r"\bT[O]DO\b|\bFIX[M]E\b|\bX[X]X\b",
}
"""What no tracked file may hold -> its pattern (written so that it does not find itself)."""


def tracked() -> list[Path]:
    """Return every text file under version control; skips where there is no git checkout."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, so there is no list of tracked files")
    listing = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, timeout=30
    ).stdout
    files = [ROOT / name.decode() for name in listing.split(b"\0") if name]
    return [path for path in files if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def run(*command: str) -> tuple[int, str]:
    """Run a checker from the root of the checkout; return its exit code and all it said."""
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, timeout=1200
    )
    return done.returncode, done.stdout + done.stderr


def test_ruff_finds_nothing() -> None:
    code, said = run("ruff", "check", "--no-fix", ".")
    assert code == 0, said


def test_mypy_strict_finds_nothing() -> None:
    code, said = run("mypy")
    assert code == 0, said


@pytest.mark.parametrize("what", TELLTALES)
def test_no_tracked_file_holds(what: str) -> None:
    pattern = re.compile(TELLTALES[what])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked()
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found


def test_no_generated_file_is_tracked() -> None:
    generated = re.compile(r"\.(so|pyd|pyc|mpy|whl)$|(^|/)(__pycache__|build|dist|\.myocan)/")
    names = [path.relative_to(ROOT).as_posix() for path in tracked()]
    assert [name for name in names if generated.search(name)] == []


@pytest.mark.parametrize("script", ["tools/run", "tools/test", ".ci/run"])
def test_every_script_can_be_run_and_stops_at_the_first_failure(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111 == 0o111
    assert path.read_text().startswith("#!/bin/sh\n")
    assert "\nset -eu\n" in path.read_text()


def test_no_test_folder_is_a_package() -> None:
    assert [str(p.relative_to(ROOT)) for p in (ROOT / "tests").rglob("__init__.py")] == []
