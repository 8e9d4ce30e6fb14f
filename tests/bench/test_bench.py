"""Each benchmark runs and prints what it promises; how quick anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.bus.mosquitto import find_mosquitto
from support.edge_boards import find_micropython

BENCH = Path(__file__).resolve().parents[2] / "tools" / "bench"
RAM = 50 * 1024
"""Bytes that a board's program may take of its heap: eight ports, connected, loaded from files."""
RAM_IN_PLACE = 28 * 1024
"""The same where bytecode, texts and names are used where they lie, in a ROMFS."""
RAM_OF_PORTS = 8 * 1024
"""Bytes of these that are no code."""
needs_mosquitto = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")


def run(name: str, *arguments: str) -> dict[str, Any]:
    """Run a benchmark; return the one JSON document that it prints."""
    done = subprocess.run(
        [sys.executable, str(BENCH / name), "--quick", "--json", *arguments],
        capture_output=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode()
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@needs_mosquitto
def test_the_lamp_benchmark_gets_every_press_back_from_hub_and_script() -> None:
    document = run("lamp.py", "--peers", "hub,paho-nd,c-qos0")
    assert set(document) == {
        *("lamps", "window", "rounds", "core", "python", "processors", "peers"),
    }
    assert {"hub", "paho-nd"} <= set(document["peers"])  # the third where there is a compiler
    for row in document["peers"].values():
        keys = {"rate", "cpu_us", "p50_ms", "p99_ms", "resident_mb", "load", "held", "of_paho-nd"}
        assert set(row) == keys
        assert row["rate"] > 0


@needs_mosquitto
def test_the_startup_benchmark_starts_hubs_with_and_without_a_log() -> None:
    document = run("startup.py")
    assert set(document) == {"rounds", "core", "lamps", "cases"}
    assert list(document["cases"]) == ["new", "1000", "killed"]
    for row in document["cases"].values():
        assert set(row) == {"ready_s", "first_s", "imports_s", "resident_mb"}
        assert row["first_s"] > row["ready_s"]


def test_the_board_benchmark_finds_a_program_within_its_limits() -> None:
    document = run("board.py")
    assert set(document["mpy"]) >= {"myocan/edge/adapter.mpy", "myocan/wire/message.mpy"}
    ram = document["ram"]
    steps = ["wire", "edge", "kinds", "ports", "connected", "busy"]
    measured = ram["64 bits, ROMFS"]["busy"]
    assert abs(ram["in place, 64"]["busy"] - measured) < measured // 50, "the reckoning is wrong"
    if ram["32 bits"] is None:
        pytest.skip(ram["why not"])
    small = ram["32 bits"]
    assert list(small) == steps
    assert small["busy"] - small["connected"] < 1024, "traffic takes no memory"
    assert small["connected"] <= RAM, "all of it, bytecode loaded from files"
    assert ram["in place"]["busy"] <= RAM_IN_PLACE, "all of it, bytecode where it lies"
    assert small["connected"] - small["kinds"] <= RAM_OF_PORTS, "what the code works with"


def test_the_decode_benchmark_has_a_column_for_each_reader() -> None:
    document = run("decode.py")
    assert set(document) == {"unit", "rounds", "core", "rows"}
    for row in document["rows"]:
        assert set(row) == {"message", "hub", "wire", "json", "msgspec"}


def test_the_replay_benchmark_replays_what_it_wrote() -> None:
    document = run("replay.py")
    rates = {"scan_per_s", "entries_per_s", "replay_per_s", "why_ms", "old_ms", "not_ms", "then_ms"}
    assert set(document) == {"core", "rounds", "rows"} | rates
    assert all(document[name] > 0 for name in rates)


def test_the_wear_benchmark_counts_bytes_of_hub_and_plain_sqlite() -> None:
    document = run("wear.py")
    assert set(document) == {"presses", "checkpoint_s", "results"}
    assert [(row["presses/s"], row["who"]) for row in document["results"]] == [
        (rate, who) for rate in (1, 50) for who in ("hub", "plain SQLite")
    ]
    for row in document["results"]:
        assert set(row) == {"presses/s", "who", "written", "dirtied", "device"}


def test_the_instances_benchmark_tells_time_and_memory_of_each_count() -> None:
    document = run("instances.py")
    assert set(document) == {"unit", "core", "rows"}
    for row in document["rows"]:
        assert set(row) == {"alive", "bytes", "birth", "cycle", "broadcast", "script"}


def test_the_benchmark_of_modules_in_python_tells_what_each_takes() -> None:
    document = run("python_modules.py")
    assert set(document) == {"compiled", "rule", "python", "steps", "bare"}


@needs_mosquitto
def test_the_crowd_benchmark_starts_a_hub_and_speaks_to_instances() -> None:
    document = run("crowd.py")
    assert set(document) == {"core", "touched", "rows"}
    (row,) = document["rows"]
    assert row["instances"] == 50
    assert row["ms"] > 0


@needs_mosquitto
def test_the_table_of_stages_accounts_for_all_of_the_time() -> None:
    document = run("stages.py")
    assert set(document) == {"unit", "core", "versions"}
    for row in document["versions"].values():
        assert sum(row.values()) == pytest.approx(2 * row["all"])


def test_the_scenario_benchmark_has_a_row_for_each_case() -> None:
    document = run("scenarios.py")
    assert set(document) == {"rounds", "days", "core", "rows"}
    cases = [row["case"] for row in document["rows"]]
    assert cases == ["no AT", "AT", "sunset", "calendar", "timer", "short", "loop"]
    for row in document["rows"]:
        assert set(row) == {"case", "ms", "minutes_per_s"}
        assert row["minutes_per_s"] > 0


def test_the_state_benchmark_has_the_limit_beside_it(tmp_path: Path) -> None:
    document = run("state.py", "--folder", str(tmp_path))
    assert set(document) == {"rounds", "seconds", "commits_per_second"}
    rates = document["commits_per_second"]
    ours = {"ours, file", "ours, file, 8 threads", "ours, memory"}
    assert {*ours, "SQLite alone, file"} <= set(rates)
    assert all(rate > 0 for rate in rates.values())


@needs_mosquitto
def test_the_publishing_benchmark_gets_every_event_acknowledged() -> None:
    find_micropython()
    document = run("publish.py", "--peers", "board,umqtt-nd")
    assert set(document) == {"rounds", "events", "delay_ms", "python", "processors", "peers"}
    assert list(document["peers"]) == ["board", "umqtt-nd"]
    for row in document["peers"].values():
        assert set(row) == {"rate", "cpu_us", "of_umqtt-nd"}
        assert row["rate"] > 0


def test_a_board_takes_no_more_memory_the_longer_it_runs() -> None:
    find_micropython()
    document = run("day.py")
    assert set(document) == {"minute", "free", "low_water"}
    assert document["minute"] < document["free"], "less than a collection a minute"
    assert document["low_water"][0] > document["free"] - 1024
