"""EXTERNAL functions in a running hub, with a real `externals.py`; and attributes, AGENT, TOPIC."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from myocan.hub.externals import ExternalsError
from support.board import Board
from support.clock import until

FUNCTIONS = """
import json, pathlib, time
from myocan.hub import external

made = pathlib.Path(__file__).with_name("made")

@external
def notify(*arguments, key):
    with made.open("a") as file:
        file.write(json.dumps([list(map(str, arguments)), key]) + "\\n")

@external
def fail(what):
    raise RuntimeError(f"no {what}")

@external
def hang():
    time.sleep(4)
"""
BELL = """
SUBSCRIBE ring
SUBSCRIBE bad
SUBSCRIBE stuck
EXTERNAL notify
EXTERNAL fail
EXTERNAL hang
PUBLIC count 0
PUBLIC state {quiet, loud}
ON ring
  THEN count++
  THEN state.loud
  THEN notify("door \\"bell\\"", count, state, 1.50)
ON bad
  THEN fail("phone")
  THEN notify("after")
ON stuck
  THEN hang()
  THEN notify("later")
"""


@pytest.fixture
def bell(house: Path, modules) -> Path:
    (house / "externals.py").write_text(FUNCTIONS)
    text = BELL.replace('\\"', "'")
    modules(bell=text)
    return house


def made(house: Path) -> list[tuple[list[str], list[object]]]:
    file = house / "made"
    lines = file.read_text().splitlines() if file.exists() else []
    return [tuple(json.loads(line)) for line in lines]


def test_a_rule_calls_a_function_once_and_the_log_shows_it(bell, broker, hub, log, state) -> None:
    everything = "mc1/live/home/#"
    with hub(), Board(broker.url, "home", "porch", hears=[everything]) as board:
        board.send("bell/ring")
        board.send("bell/ring")
        until(lambda: len(log("$external.notify")) == 2, "calls")
        until(lambda: state("$external", "$done") == state("$external", "$called"), "their end")
        board.await_that(lambda: len(board.heard) == 3, "two counts and a state")
        assert {name for name, *_ in board.heard} == {"bell.count", "bell.state"}
    calls = log("$external.notify")
    assert [json.loads(json.loads(row.value)) for row in calls] == [
        ["door 'bell'", 1, "loud", 1.5], ["door 'bell'", 2, "loud", 1.5],
    ]  # fmt: skip
    assert [row.producer for row in calls] == ["bell", "bell"]
    assert made(bell) == [
        (["door 'bell'", str(number), "loud", "1.5"], ["live", 1, row.offset, 0])
        for number, row in enumerate(calls, 1)
    ]
    assert [row.value for row in log("$external.$done")][-1] == str(calls[-1].offset)
    for _ in range(2):
        with hub():
            pass
    assert len(made(bell)) == 2


def test_what_fails_or_hangs_stops_nothing(bell, broker, hub, log) -> None:
    (bell / "myocan.toml").write_text('domain = "home"\n[externals]\ntimeout_s = 1.5\n')
    with hub(), Board(broker.url, "home", "porch", hears=["mc1/live/home/bell/count"]) as board:
        board.send("bell/bad")
        board.send("bell/stuck")
        board.send("bell/ring")
        board.await_that(lambda: board.values("bell.count") == [1], "the count")
        until(lambda: len(made(bell)) == 3, "three calls")
        until(lambda: len(log("$log.alert")) == 2, "two records")
    assert [arguments[0] for arguments, _ in made(bell)] == ["after", "later", "door 'bell'"]
    failed, stuck = log("$log.alert")
    assert "EXTERNAL fail, called by bell.scc" in failed.value
    assert "RuntimeError: no phone" in failed.value
    assert "took longer than 1.5 seconds" in stuck.value


def test_a_function_that_is_not_there_is_an_alert_at_the_start_and_at_the_call(
    bell, broker, hub, log
) -> None:
    (bell / "externals.py").write_text(FUNCTIONS.replace("def notify", "def notiffy"))
    with hub(), Board(broker.url, "home", "porch") as board:
        (start,) = log("$log.alert")
        assert "EXTERNAL notify" in start.value
        assert "@external def notify" in start.value
        board.send("bell/ring")
        until(lambda: len(log("$log.alert")) == 2, "alert of the call")
    assert made(bell) == []


def test_an_externals_file_with_a_mistake_is_told_and_nothing_runs(bell, broker, hub) -> None:
    (bell / "externals.py").write_text("import nothing_like_it\n")
    with pytest.raises(ExternalsError, match=r"externals\.py:1: ModuleNotFoundError"), hub():
        pass


def test_attributes_tell_of_messages_from_boards_and_modules(modules, broker, hub, log, state):
    modules(
        seen='SUBSCRIBE meter.reading 0\nSUBSCRIBE other.double 0\nPRIVATE by "x"\n'
        'PRIVATE at 0\nPRIVATE when 0.000\nPRIVATE from "x"\nON meter.reading\n'
        "  THEN by = meter.reading#producer\n  THEN at = meter.reading#offset\n"
        "  THEN when = meter.reading#timestamp\nON other.double\n"
        "  THEN from = other.double#producer\n  THEN at = other.double#offset\n",
        other="SUBSCRIBE meter.reading 0\nPUBLIC double 0\nON meter.reading\n"
        "  THEN double = 2 * meter.reading\n",
    )
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("x/y")
        board.send("meter/reading", 4)
        board.await_acknowledged()
    (reading,) = log("meter.reading")
    (double,) = log("other.double")
    assert state("seen", "by") == '"porch"'
    assert state("seen", "from") == '"other"'
    assert state("seen", "at") == str(double.offset)
    when = (reading.ts_ms or reading.time_ms) / 1000
    assert state("seen", "when") == f"{when:.3f}"


def test_a_module_of_another_agent_is_checked_and_not_run(house, broker, hub, log, state) -> None:
    file = house / "modules" / "porch.scc"
    file.write_text("MODULE porch AGENT pi-porch\nSUBSCRIBE go\nPUBLIC n 0\nON go\n  THEN n++\n")
    with hub(), Board(broker.url, "home", "button") as board:
        (told,) = log("$log.info")
        assert "porch does not run here: it is for agent pi-porch" in told.value
        board.send("porch/go")
        board.await_acknowledged()
    assert log("porch.n") == log("porch.%%code%%") == []
    (house / "myocan.toml").write_text('domain = "home"\n[agent]\nname = "pi-porch"\n')
    with hub(), Board(broker.url, "home", "button") as board:
        board.send("porch/go")
        board.await_acknowledged()
    assert state("porch", "n") == "1"
    (house / "myocan.toml").write_text('domain = "home"\n')
    with hub():
        pass
    assert state("porch", "n") is None
    file.write_text("MODULE porch AGENT pi-porch\nON nothing\n")
    with pytest.raises(Exception, match=r"porch\.scc:2"), hub():
        pass
