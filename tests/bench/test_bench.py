"""Each benchmark runs and prints what it promises; how quick anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.bus.mosquitto import find_mosquitto

BENCH = Path(__file__).resolve().parents[2] / "tools" / "bench"
needs_mosquitto = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")


def run(name: str, *arguments: str) -> dict[str, Any]:
    """Run a benchmark; return the one JSON document that it prints."""
    done = subprocess.run(
        [sys.executable, str(BENCH / name), "--quick", "--json", *arguments],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr.decode()
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@needs_mosquitto
def test_the_lamp_benchmark_gets_every_press_back_from_hub_and_script() -> None:
    document = run("lamp.py", "--peers", "hub,paho-nd,c-qos0")
    assert set(document) == {"window", "rounds", "core", "python", "processors", "peers"}
    assert {"hub", "paho-nd"} <= set(document["peers"])  # the third where there is a compiler
    for row in document["peers"].values():
        keys = {"rate", "cpu_us", "p50_ms", "p99_ms", "resident_mb", "load", "held", "of_paho-nd"}
        assert set(row) == keys
        assert row["rate"] > 0
