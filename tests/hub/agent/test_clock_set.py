"""The wall clock is set, or cannot be believed: timers notice nothing, no AT comes twice.

The one idea: `clock.move` lets time pass, `clock.set` lets somebody set the clock. That a replay of
each log is equal is seen to by the fixture of the house.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.hub.agent.corrections import WallClock
from myocan.hub.trust import Trust, kernel_is_synchronised
from support.board import Board
from support.clock import Clock, ms, shown, until

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000

HOUSE = """
SUBSCRIBE key.press
PUBLIC rung 0
PUBLIC count 0
TIMER t 30 minutes
ON key.press
  THEN start(t)
ON t
  THEN count++
AT 12:30 OR 13:30
  THEN rung++
"""


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-03-27T12:00")


class Doubt(Trust):
    """Believes or not, as a test wants."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why

    def doubt(self, now_ms: int, log_ms: int) -> str:
        return self.why


def due(log) -> list[tuple[str, str]]:
    rows = [row for row in log() if row.module == "m" and row.variable in ("%%at%%", "t")]
    return [(row.variable, shown(row.time_ms)[6:]) for row in rows]


def test_a_clock_that_is_set_ahead_moves_timers_and_makes_up_for_ats(
    broker, hub, modules, clock, log, state
) -> None:
    modules(m=HOUSE)
    with (
        Board(broker.url, "home", "porch", hears=["mc1/live/home/m/rung"]) as board,
        hub(now_ms=clock, elapsed=clock.elapsed) as running,
    ):
        board.send("key/press")
        board.await_acknowledged()
        clock.set(2 * HOUR, running)
        board.await_that(lambda: board.values("m.rung"), "the bell")
        clock.move(29 * MINUTE, running)
        board.send("other/press")
        board.await_acknowledged()
        assert state("m", "count") is None
        clock.move(MINUTE, running)
        until(lambda: state("m", "count") == "1", "end of the timer")
    assert board.values("m.rung") == [2]
    assert due(log) == [("%%at%%", "12:30"), ("%%at%%", "13:30"), ("t", "14:30")]
    (corrected,) = log("$clock.corrected")
    assert corrected.value.startswith('"2027-03-27T12:00:')
    assert abs(int(corrected.value.strip('"').split()[-1]) - 2 * HOUR) < MINUTE
    (told,) = log("$log.warn")
    assert "was set ahead by" in told.value


@pytest.mark.parametrize("restarts", [False, True])
def test_a_clock_that_is_set_back_keeps_timers_and_repeats_no_at(
    broker, hub, modules, clock, log, state, restarts
) -> None:
    modules(
        m=HOUSE + "SUBSCRIBE key2.press\nTIMER u 30 minutes\nON key2.press\n"
        "  THEN start(u)\nON u\n  THEN count++\n"
    )
    options = {"now_ms": clock, "elapsed": clock.elapsed}
    with Board(broker.url, "home", "porch") as board:
        with hub(**options) as running:
            clock.to("2027-03-27T12:45", running)
            until(lambda: state("m", "rung") == "1", "first bell")
            board.send("key/press")
            board.await_acknowledged()
            clock.set(-HOUR, running)
            until(lambda: log("$clock.corrected"), "correction")
            clock.move(10 * MINUTE, running)
            board.send("key2/press")
            board.await_acknowledged()
            if not restarts:
                clock.move(19 * MINUTE, running)
                assert state("m", "count") is None
                clock.move(MINUTE, running)
                until(lambda: state("m", "count") == "1", "first timer")
                clock.move(10 * MINUTE, running)
                until(lambda: state("m", "count") == "2", "second timer")
        if restarts:
            clock.move(29 * MINUTE)
            with hub(**options) as running:
                until(lambda: state("m", "count") == "1", "first timer")
                clock.move(MINUTE, running)
                until(lambda: state("m", "count") == "2", "second timer")
        with hub(**options) as running:
            clock.to("2027-03-27T12:40", running)
            clock.to("2027-03-27T13:31", running)
            until(lambda: state("m", "rung") == "2", "second bell")
    assert [name for name, _ in due(log)] == ["%%at%%", "t", "%%at%%"]
    assert due(log)[-1] == ("%%at%%", "13:30")
    times = [row.time_ms for row in log()]
    assert times == sorted(times)


def test_a_clock_that_was_set_back_while_the_hub_was_away_leaves_timers_what_is_left(
    broker, hub, modules, clock, log, state
) -> None:
    modules(m=HOUSE)
    options = {"now_ms": clock, "trust": Doubt("")}
    with Board(broker.url, "home", "porch") as board:
        with hub(**options):
            board.send("key/press")
            board.await_acknowledged()
        clock.set(-HOUR)
        with hub(**options) as running:
            clock.move(29 * MINUTE, running)
            board.send("other/press")
            board.await_acknowledged()
            assert state("m", "count") is None
            clock.move(MINUTE, running)
            until(lambda: state("m", "count") == "1", "end of the timer")
    assert len(log("$clock.corrected")) == 1


def test_with_a_clock_that_is_not_believed_timers_run_and_ats_wait(
    broker, hub, modules, clock, log, state
) -> None:
    modules(m=HOUSE)
    trust = Doubt("")
    with hub(now_ms=clock):
        pass
    trust.why = "nobody has told it the time"
    with (
        Board(broker.url, "home", "porch") as board,
        hub(now_ms=clock, elapsed=clock.elapsed, trust=trust) as running,
    ):
        board.send("key/press")
        board.await_acknowledged()
        clock.move(45 * MINUTE, running)
        until(lambda: state("m", "count") == "1", "end of the timer")
        board.send("key/press")
        board.await_acknowledged()
        assert log("m.%%at%%") == []
        clock.set(HOUR, running)
        trust.why = ""
        clock.move(30 * MINUTE, running)
        until(lambda: state("m", "rung") == "2", "the bells")
        until(lambda: state("m", "count") == "2", "second end of the timer")
    doubted, believed = log("$clock.trusted")
    assert (doubted.value, believed.value) == ("false", "true")
    (alert,) = log("$log.alert")
    assert "not believed: nobody has told it the time. Until it is, no AT comes due" in alert.value


def test_a_log_that_was_ahead_of_a_clock_that_is_right_is_put_right(
    broker, hub, modules, clock, log, state
) -> None:
    modules(
        m=HOUSE + "SUBSCRIBE key2.press\nTIMER u 30 minutes\nON key2.press\n  THEN start(u)\n"
        "ON u\n  THEN count++\n"
    )
    trust = Doubt("it is behind the log")
    with Board(broker.url, "home", "porch") as board:
        with hub(now_ms=clock):
            board.send("key/press")
            board.await_acknowledged()
        clock.set(-24 * HOUR)
        with hub(now_ms=clock, elapsed=clock.elapsed, trust=trust) as running:
            board.send("key2/press")
            board.await_acknowledged()
            clock.move(29 * MINUTE, running)
            board.send("other/press")
            board.await_acknowledged()
            assert state("m", "count") is None
            clock.move(MINUTE, running)
            until(lambda: state("m", "count") == "1", "end of the timer that was started since")
            trust.why = ""
            clock.move(SECOND, running)
            until(lambda: len(log("$clock.trusted")) == 2, "trust")
            clock.move(28 * MINUTE, running)
            board.send("other/press")
            board.await_acknowledged()
            assert state("m", "count") == "1"
            clock.move(2 * MINUTE, running)
            until(lambda: state("m", "count") == "2", "end of the timer from before")


@pytest.mark.parametrize(
    ("shows", "log", "kernel", "files", "said"),
    [
        ("2027-01-01T00:00", None, None, (), ""),
        ("2027-01-01T00:00", None, False, (), ""),
        ("2027-01-01T00:00", "2026-12-31T23:00", False, (), ""),
        ("2027-01-01T00:00", "2027-01-01T00:00:50", False, (), ""),
        ("2027-01-01T00:00", "2027-01-02T01:00", False, (), "1 day 1 hour before the last message"),
        ("2027-01-01T00:00", "2027-01-02T01:00", True, (), ""),
        ("1970-01-01T00:10", None, None, (), "this program is younger"),
        ("2027-01-01T00:00", None, False, ("run/systemd/timesync/x",), "no network time yet"),
        ("2027-01-01T00:00", None, True, ("run/systemd/timesync/x",), ""),
        ("2027-01-01T00:00", None, False, ("run/systemd/timesync/synchronized",), ""),
        ("2027-01-01T00:00", None, False, ("run/systemd/timesync/x", "dev/rtc0"), ""),
    ],
)
def test_a_clock_is_doubted_only_where_something_speaks_against_it(
    tmp_path: Path, shows: str, log: str | None, kernel: bool | None, files, said: str
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    log_ms = 0 if log is None else ms(log)
    trust = Trust(synchronised=lambda: kernel, root=tmp_path)
    why = trust.doubt(ms(shows), log_ms)
    assert said in why
    assert bool(said) == bool(why)
    assert Trust(always=True, root=tmp_path).doubt(ms(shows), log_ms) == ""


def test_the_kernel_can_be_asked() -> None:
    assert kernel_is_synchronised() in (True, False, None)


def test_only_what_parts_from_time_that_passes_is_a_correction() -> None:
    times = {"wall": 1_000_000, "elapsed": 5_000}
    clock = WallClock(lambda: times["wall"], lambda: times["elapsed"])
    for wall, elapsed, by in [
        (HOUR, HOUR, 0),
        (SECOND, SECOND + 900, 0),  # what NTP does
        (HOUR, SECOND, HOUR - SECOND),
        (-HOUR, SECOND, -HOUR - SECOND),
        (0, 0, 0),
    ]:
        times["wall"] += wall
        times["elapsed"] += elapsed
        assert clock.correction() == by
    assert WallClock(lambda: times["wall"], None).correction() == 0
