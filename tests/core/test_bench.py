"""The core's benchmark runs and prints what it promises; how quick anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from myocan.hub.core import COMPILED

BENCH = Path(__file__).resolve().parents[2] / "tools" / "bench" / "core.py"


def printed(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--quick", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_benchmark_measures_every_cell_beside_the_script() -> None:
    document = json.loads(printed("--json"))
    assert document["core"] == ("compiled" if COMPILED else "pure")
    cells = [(row["rule"], row["loaded"], row["hit"]) for row in document["rows"]]
    houses = [(1, 1), (100, 100), (1000, 100), (1000, 1000)]
    assert cells == [(rule, *house) for rule in ("lamp", "thermostat") for house in houses]
    assert all(row["core"] > 0 and row["script"] > 0 for row in document["rows"])


def test_the_table_is_for_people() -> None:
    table = printed()
    assert all(said in table for said in ("core: ", "thermostat", "cycles/s", "link lamp 1000"))
