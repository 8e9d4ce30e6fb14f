"""What runs on a board uses only what a board has: mypy, with the boards' own builtins and modules.

On CPython all of it would be found, so neither the tests nor mypy's usual run would miss a thing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from myocan.tools.umqtt import default_cache
from support.board_stubs import NoStubs, fetch_stubs
from support.edge_boards import ROOT

FIRMWARE = ROOT / "firmware"

SETTINGS = """\
[mypy]
strict = true
explicit_package_bases = true
mypy_path = {edge}:{shared}:{firmware}:{stubs}
custom_typeshed_dir = {stubs}
cache_dir = {cache}
warn_unused_ignores = false
"""

STRANGE = """\
import dataclasses
import threading
from machine import Pin, Toaster

pin = Pin(5, Pin.IN)
pin.toast()
"""
"""What must be found, so that finding nothing means something."""

FOUND = {
    1: "import-not-found",
    2: "import-not-found",
    3: "attr-defined",
    6: "attr-defined",
}


def on_board() -> list[Path]:
    """Return the sources that a board may carry."""
    urls = json.loads((FIRMWARE / "package.json").read_text())["urls"]
    sources = [(FIRMWARE / source).resolve() for _, source in urls]
    return [*sources, *(FIRMWARE / name for name in ("boot.py", "main.py", "slots.py"))]


@pytest.mark.parametrize("family", ["esp32", "rp2"])
def test_what_runs_on_a_board_uses_only_what_it_has(family: str, tmp_path: Path) -> None:
    try:
        stubs = fetch_stubs(family)
    except NoStubs as error:
        pytest.skip(str(error))
    strange = tmp_path / "strange.py"
    strange.write_text(STRANGE)
    settings = tmp_path / "mypy.ini"
    settings.write_text(
        SETTINGS.format(
            edge=ROOT / "edge",
            shared=ROOT / "shared",
            firmware=FIRMWARE,
            stubs=stubs,
            cache=default_cache() / "stubs" / f"mypy-{family}",
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", str(settings), *on_board(), strange],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert "error: " in done.stdout, done.stdout + done.stderr
    found: dict[int, str] = {}
    ours = []
    for line in done.stdout.splitlines():
        where, is_error, what = line.partition(": error: ")
        path, _, number = where.rpartition(":")
        if not is_error or Path(path).resolve().is_relative_to(stubs.resolve()):
            continue  # the stubs' own mistakes are not ours
        if Path(path).name == strange.name:
            found[int(number)] = what.rpartition("[")[2].rstrip("]")
        else:
            ours.append(line)
    assert ours == []
    assert found == FOUND
