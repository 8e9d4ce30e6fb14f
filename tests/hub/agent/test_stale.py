"""What is too old: an input that a port does not want acted on, an output nobody waits for.

The one idea: it stands in the log all the same, with a record that says what was left undone.
"""

from __future__ import annotations

import pytest

from support.board import Board
from support.clock import Clock

SECOND, HOUR = 1000, 3_600_000
GATE = """
board = "unix"
[ports.key]
kind = "button"
pin = "IN1"
max_age_s = 30
publish = "button1.press"
[ports.bell]
kind = "button"
pin = "IN2"
publish = { press = "bell.press" }
"""


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-03-27T12:00")


def test_a_port_says_how_old_a_press_may_be_to_be_acted_on(
    broker, hub, house, clock, log, state
) -> None:
    (house / "adapters" / "gate.toml").write_text(GATE)
    with Board(broker.url, "home", "gate") as board, hub(now_ms=clock):
        board.send("button1/press", ts=clock() - 2 * HOUR)
        board.send("button1/press", ts=clock() - 20 * SECOND)
        board.send("bell/press", ts=clock() - 2 * HOUR)
        board.send("button1/press", ts=clock() + HOUR)
        board.await_acknowledged()
    (record,) = log("$log.stale")
    assert "gate: button1.press is 2 hours old, and may be at most 30 seconds" in record.value
    assert record.producer == "gate"
    assert state("lamp1", "count") == "2"
    assert len(log("bell.press")) == 1


def test_a_press_of_which_nobody_knows_when_it_happened_is_stale(
    broker, hub, house, clock, log, state
) -> None:
    (house / "adapters" / "gate.toml").write_text(GATE)
    with Board(broker.url, "home", "gate") as board, hub(now_ms=clock):
        board.publish("base", b"[7,1,0]")
        board.publish("up/button1/press", b"[null,1,null,7]")
        board.publish("up/bell/press", b"[null,2,null,7]")
        board.await_that(lambda: (7, 2) in board.acknowledgements, "acknowledgement")
    (record,) = log("$log.stale")
    assert "button1.press does not say when it happened" in record.value
    assert state("lamp1", "count") is None
    assert len(log("bell.press")) == 1


def test_another_board_s_press_may_be_as_old_as_it_likes(
    broker, hub, house, clock, log, state
) -> None:
    (house / "adapters" / "gate.toml").write_text(GATE)
    with Board(broker.url, "home", "porch") as board, hub(now_ms=clock):
        board.send("button1/press", ts=clock() - 2 * HOUR)
        board.await_acknowledged()
    assert log("$log.stale") == []
    assert state("lamp1", "count") == "1"
