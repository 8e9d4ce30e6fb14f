"""`myocan hil` prints a table, saves it, and says no when something was lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from myocan.tools.cli import app
from myocan.tools.errors import ToolsError
from myocan.tools.hil import Row, Table
from myocan.tools.hil.table import Cut, spread


def row(**changed: object) -> Row:
    plain: dict[str, object] = {
        **{"name": "board1", "board": "Raspberry Pi Pico W", "where": "virtual"},
        **{"cuts": (Cut("closed", 0.5, 0.1), Cut("frozen", 1.5, 0.002), Cut("closed", 0.1, 2.5))},
        **{"sent": 13, "processed": 13, "lost": 0, "out_of_turn": 0, "repeats": 1, "restarts": 0},
        **{"free_first": 200_000, "free_least": 198_000, "seconds": 9.0, "uptime": 10.0},
        **changed,
    }
    return Row(**plain)  # type: ignore[arg-type]


def table(*rows: Row) -> Table:
    return Table(rows, 7, "2026-11-22T09:00:00+00:00", "here", "0.1.0")


def test_the_table_is_for_people() -> None:
    assert table(row(), row(name="board2", processed=12, lost=1)).text().splitlines() == [
        "board   cuts  p50   p99  max ms  sent  processed  lost  heap KiB  uptime",
        "board1     3  100  2500    2500    13         13     0       193    10 s",
        "board2     3  100  2500    2500    13         12     1       193    10 s",
        "all        6  100  2500    2500    26         25     1       193    10 s",
        "closed: 4 cuts, p50 100 ms, p99 2500 ms, max 2500 ms",
        "frozen: 2 cuts, p50 2 ms, p99 2 ms, max 2 ms",
        "board2: 13 events sent, 12 processed",
    ]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({}, ""),
        ({"lost": 2, "processed": 11}, "board1: 13 events sent, 11 processed"),
        ({"lost": -1, "processed": 14}, "board1: 13 events sent, 14 processed"),
        ({"out_of_turn": 1}, "board1: 1 events out of turn"),
        ({"restarts": 2}, "board1: started again 2 times by itself"),
        ({"problem": "it hangs"}, "it hangs"),
    ],
)
def test_what_is_wrong_is_said(changed: dict[str, object], fault: str) -> None:
    assert table(row(**changed)).faults == ([fault] if fault else [])


def test_a_spread_is_that_of_all() -> None:
    assert spread([]) is None
    found = spread([float(each) for each in range(1, 1001)])
    assert found is not None
    assert found[:] == (1000, 500.0, 990.0, 1000.0)


def test_a_board_on_the_bench(tmp_path: Path) -> None:
    pytest.importorskip("mpremote")
    file = tmp_path / "table.json"
    words = ["hil", "--cuts", "1", "--seed", "83", "--save", str(file), "--json"]
    done = CliRunner().invoke(app, words)
    if "NoMicroPython" in repr(done.exception) or "NoBroker" in repr(done.exception):
        pytest.skip(str(done.exception))
    assert done.exit_code == 0, done.output + repr(done.exception)
    told = json.loads(done.stdout)
    assert told == json.loads(file.read_text())
    assert (told["cuts"], told["sent"], told["processed"], told["lost"]) == (1, 5, 5, 0)
    assert told["boards"][0]["where"] == "virtual"


def test_what_could_not_be_done_leaves_no_file(tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    words = ["hil", "--kind", "raspberry-pi", "--save", str(file)]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, ToolsError)
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--wire", "GP15"], "'GP15' is not GP15=GP14"),
        (["--wifi", "home"], "'home' is not NAME:PASSWORD"),
        (["--board", "virtual", "--boards", "2"], "give --boards or --board"),
    ],
)
def test_a_wrong_line_is_refused(words: list[str], problem: str) -> None:
    done = CliRunner().invoke(app, ["hil", *words])
    assert done.exit_code == 2
    assert problem in done.output.replace("\n│", "").replace("  ", " ")
