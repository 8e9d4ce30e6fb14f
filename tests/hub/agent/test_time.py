"""Timers and ATs in a running hub, over restarts, on a clock that a test moves.

The one idea: time passes as it does, and a test lets hours pass at once. What is due is read from
the log, with the log's own time.
"""

from __future__ import annotations

import shutil

import pytest

from myocan.hub.store import Reader
from support.board import Board
from support.clock import Clock, shown, until

MINUTE, HOUR = 60_000, 3_600_000

MOTION = """
MODULE motion
    SUBSCRIBE button1.press
    SUBSCRIBE stop.press
    PUBLIC light {off, on}
    PUBLIC wentOut 0
    TIMER offTimer 30 minutes
    ON button1.press
        THEN light.on
        THEN start(offTimer)
    ON stop.press
        THEN cancel(offTimer)
    ON offTimer
        THEN light.off
        THEN wentOut++
"""
LIGHT = "mc1/live/home/motion/light"
EVERYTHING = "mc1/live/home/+/+"


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-03-27T12:00")


def test_a_timer_fires_once_at_its_time_though_the_hub_restarts(
    broker, hub, house, clock, log, state
) -> None:
    (house / "modules" / "motion.scc").write_text(MOTION)
    with Board(broker.url, "home", "porch", hears=[LIGHT]) as board:
        with hub(now_ms=clock):
            board.send("button1/press")
            board.await_that(lambda: board.values("motion.light") == ["on"], "the light")
        clock.move(10 * MINUTE)
        with hub(now_ms=clock) as running:
            assert log("motion.offtimer") == []
            clock.move(20 * MINUTE, running)
            board.await_that(lambda: "off" in board.values("motion.light"), "the dark")
        with hub(now_ms=clock):
            pass
    (press,) = log("button1.press")
    (fired,) = log("motion.offtimer")
    assert fired.time_ms == press.time_ms + 30 * MINUTE
    assert state("motion", "wentout") == "1"
    assert state("motion", "offtimer") == "0"


def test_a_timer_that_runs_out_while_the_hub_is_away_is_late_but_has_its_own_time(
    broker, hub, house, clock, log, state
) -> None:
    (house / "modules" / "motion.scc").write_text(MOTION)
    with Board(broker.url, "home", "porch", hears=[LIGHT]) as board:
        with hub(now_ms=clock):
            board.send("button1/press")
            board.await_that(lambda: board.values("motion.light") == ["on"], "the light")
        clock.move(5 * HOUR)
        with hub(now_ms=clock):
            board.await_that(lambda: "off" in board.values("motion.light"), "the dark")
    (press,) = log("button1.press")
    (fired,) = log("motion.offtimer")
    assert fired.time_ms == press.time_ms + 30 * MINUTE
    assert state("motion", "wentout") == "1"


def test_a_cancelled_timer_is_silent(broker, hub, house, clock, log, state) -> None:
    (house / "modules" / "motion.scc").write_text(MOTION)
    with Board(broker.url, "home", "porch") as board, hub(now_ms=clock) as running:
        board.send("button1/press")
        board.send("stop/press")
        until(lambda: state("motion", "offtimer") == "0", "stop")
        clock.move(HOUR, running)
        board.send("button1/press")
        until(lambda: len(log("button1.press")) == 2, "second press")
    assert log("motion.offtimer") == []


@pytest.mark.parametrize(
    ("start", "restarts", "expected"),
    [
        (  # 02:30 does not exist on the 28th of March: the first minute that does is 03:00
            "2027-03-27T00:00",
            ["2027-03-27T23:59", "2027-03-28T00:30", "2027-03-28T01:00", "2027-03-28T02:00"],
            ["03-27 01:30", "03-28 01:00"],
        ),
        (  # 02:30 comes twice on the 31st of October: the first counts
            "2027-10-30T00:00",
            ["2027-10-30T23:59", "2027-10-31T00:30", "2027-10-31T01:30", "2027-10-31T03:00"],
            ["10-30 00:30", "10-31 00:30"],
        ),
    ],
)
def test_an_at_fires_once_a_day_over_clock_changes_and_restarts(
    broker, hub, house, modules, log, state, start, restarts, expected
) -> None:
    (house / "myocan.toml").write_text('domain = "home"\ntimezone = "Europe/Berlin"\n')
    modules(night="PUBLIC count 0\nAT 02:30\n  THEN count++\n")
    clock = Clock(start)
    with hub(now_ms=clock):
        pass
    for moment in restarts:
        clock.to(moment)
        with hub(now_ms=clock):
            pass
    assert [shown(row.time_ms) for row in log("night.%%at%%")] == expected
    assert state("night", "count") == str(len(expected))


def test_a_clock_that_is_set_back_repeats_nothing_and_is_told(
    broker, hub, modules, clock, log, caplog
) -> None:
    modules(noon="PUBLIC count 0\nAT 13:00\n  THEN count++\n")
    with hub(now_ms=clock) as running:
        clock.to("2027-03-27T13:00:01", running)
        until(lambda: log("noon.%%at%%"), "AT")
        clock.to("2027-03-27T12:30", running)
        clock.to("2027-03-27T13:30", running)
    clock.to("2027-03-27T12:30")
    with hub(now_ms=clock) as running:
        clock.to("2027-03-28T13:00:01", running)
        until(lambda: len(log("noon.%%at%%")) == 2, "the next day's")
    times = [row.time_ms for row in log()]
    assert times == sorted(times)
    assert "behind the log" in caplog.text


def test_what_was_missed_comes_in_order_before_what_is_new(
    broker, hub, modules, clock, log, state
) -> None:
    modules(
        a="PUBLIC count 0\nTIMER t 90 minutes\nAT 15:00\n  THEN count++\n  THEN start(t)\n"
        "ON t\n  THEN count++\n",
        b="SUBSCRIBE a.count 0\nSUBSCRIBE go\nPUBLIC seen 0\nAT 14:00 OR 16:00\n"
        "  THEN seen = seen + 10 + a.count\nON go\n  THEN seen++\n",
    )
    with hub(now_ms=clock):
        pass
    clock.to("2027-03-27T18:00")
    with Board(broker.url, "home", "porch") as board:
        board.send("b/go")
        with hub(now_ms=clock):
            until(lambda: state("b", "seen") == "22", "sum")
    due = [row for row in log() if row.variable in ("%%at%%", "t", "go")]
    assert [(row.module, row.variable) for row in due] == [
        ("b", "%%at%%"), ("a", "%%at%%"), ("b", "%%at%%"), ("a", "t"), ("b", "go"),
    ]  # fmt: skip
    assert [shown(row.time_ms)[6:] for row in due[:4]] == ["14:00", "15:00", "16:00", "16:30"]
    assert [row.producer for row in due] == ["clock"] * 4 + ["porch"]


def test_the_first_at_whose_guards_hold_runs_and_a_time_variable_says_when(
    broker, hub, modules, clock, log, state
) -> None:
    modules(
        m="SUBSCRIBE wakeup 07:00\nPRIVATE first {no, yes}\nPUBLIC ran 0\n"
        "AT wakeup\n  WHEN first.yes\n  THEN ran = 1\nAT wakeup\n  THEN ran = 2\n"
    )
    with Board(broker.url, "home", "porch") as board, hub(now_ms=clock) as running:
        board.send("m/wakeup", "12:45")
        until(lambda: state("m", "wakeup") == '"12:45"', "wake-up time")
        clock.to("2027-03-27T12:45:01", running)
        until(lambda: state("m", "ran") == "2", "AT")
    (row,) = log("m.%%at%%")
    assert shown(row.time_ms) == "03-27 12:45"


def test_more_than_a_day_away_leaves_out_what_is_older_with_a_record(
    broker, hub, modules, clock, log, state
) -> None:
    modules(m="PUBLIC count 0\nAT 13:00\n  THEN count++\n")
    with hub(now_ms=clock):
        pass
    clock.to("2027-03-30T14:00")
    with hub(now_ms=clock):
        pass
    assert [shown(row.time_ms) for row in log("m.%%at%%")] == ["03-30 13:00"]
    (record,) = log("$log.warn")
    assert (
        "m.scc:3: this AT was due 3 times, from 2027-03-27 13:00 UTC to 2027-03-29" in record.value
    )
    assert "more than 1 day ago" in record.value


def test_how_far_back_is_caught_up_can_be_set(
    broker, hub, house, modules, clock, log, state
) -> None:
    (house / "myocan.toml").write_text('domain = "home"\n[agent]\ncatch_up = "50 hours"\n')
    modules(m="PUBLIC count 0\nAT 13:00\n  THEN count++\n")
    with hub(now_ms=clock):
        pass
    clock.to("2027-03-30T14:00")
    with hub(now_ms=clock):
        pass
    assert [shown(row.time_ms) for row in log("m.%%at%%")] == [
        "03-28 13:00", "03-29 13:00", "03-30 13:00",
    ]  # fmt: skip
    (record,) = log("$log.warn")
    assert "this AT was due once, 2027-03-27 13:00 UTC, and is left out" in record.value


def test_a_new_module_has_missed_nothing(broker, hub, house, modules, clock, log) -> None:
    modules(m="PUBLIC count 0\nAT 13:00\n  THEN count++\n")
    with hub(now_ms=clock):
        pass
    clock.to("2027-03-27T14:00")
    (house / "modules" / "n.scc").write_text("MODULE n\nPUBLIC count 0\nAT 13:30\n  THEN count++\n")
    with hub(now_ms=clock):
        pass
    assert len(log("m.%%at%%")) == 1
    assert log("n.%%at%%") == []
    times = [row.time_ms for row in log()]
    assert times == sorted(times)


def test_what_comes_due_is_logged_and_not_published(
    broker, hub, house, modules, clock, log
) -> None:
    (house / "myocan.toml").write_text('domain = "home"\n[publish]\ninputs = true\n')
    modules(
        m="PUBLIC count 0\nTIMER t 5 minutes\nAT 12:30\n  THEN start(t)\nON t\n  THEN count++\n"
    )
    with hub(now_ms=clock) as running, Board(broker.url, "home", "x", hears=[EVERYTHING]) as board:
        clock.move(HOUR, running)
        board.await_that(lambda: board.values("m.count") == [1], "the count")
        assert {name for name, *_ in board.heard} == {"m.count"}
    assert len(log("m.%%at%%")) == len(log("m.t")) == 1


def test_nobody_else_can_say_that_a_timer_has_run_out(
    broker, hub, house, clock, log, state
) -> None:
    (house / "modules" / "motion.scc").write_text(MOTION)
    with Board(broker.url, "home", "porch", hears=[LIGHT]) as board, hub(now_ms=clock):
        board.send("button1/press")
        board.send("motion/offtimer")
        until(lambda: log("$log.rejected"), "record")
    assert state("motion", "wentout") is None
    assert state("motion", "light") == '"on"'


def test_a_killed_hub_knows_from_its_log_what_ran_and_what_was_taken(
    broker, hub, house, modules, clock, log, tmp_path
) -> None:
    modules(
        m="SUBSCRIBE button1.press\nPUBLIC count 0\nTIMER t 90 minutes\nON button1.press\n"
        "  THEN start(t)\nON t\n  THEN count++\nAT 12:30 OR 13:00\n  THEN count++\n"
    )
    killed = tmp_path / "killed"
    with Board(broker.url, "home", "porch") as board, hub(now_ms=clock) as running:
        board.send("button1/press")
        until(lambda: log("button1.press"), "press")
        clock.to("2027-03-27T12:30:01", running)
        until(lambda: log("m.%%at%%"), "AT")
        shutil.copytree(
            house, killed, ignore=shutil.ignore_patterns("*.sock")
        )  # as a power cut leaves it: no checkpoint, only the log
    clock.to("2027-03-27T13:40")
    with (
        type(running)(killed, broker.url, now_ms=clock),
        Reader(killed / ".myocan" / "store.sqlite") as reader,
    ):
        until(lambda: reader.value("live", "m", "count") == "3", "count of three")
        due = [
            row for row in reader.messages("live") if row.producer == "clock" and row.module == "m"
        ]
    assert [(row.variable, shown(row.time_ms)[6:]) for row in due] == [
        ("%%at%%", "12:30"), ("%%at%%", "13:00"), ("t", "13:30"),
    ]  # fmt: skip


OFFICE = """
	MODULE OficeLight[location]
		SUBSCRIPTION instance
		SUBSCRIPTION event[location] {toggle}
		SUBSCRIBE autoModeOnTime 00:00
		PUBLIC mode[location] {auto,manual}
		PUBLIC state[location] {on,off}
		PRIVATE went[location] 0
		PRIVATE autos[location] 0
		TIMER off[location] 1 hour
		ON instance
			THEN create(instance)
		ON event.toggle
			THEN mode[location].manual
			THEN state[location].on
			THEN start(off)
		ON off
			THEN state[location].off
			THEN went[location]++
		AT autoModeOnTime
			THEN mode[location].auto
			THEN autos[location]++
"""


@pytest.mark.parametrize(
    ("start", "press", "at"),
    [
        # 02:30 does not exist on the 28th of March: 03:00 is the first minute that does
        ("2027-03-27T22:00", "2027-03-28T00:20", "03-28 01:00"),
        # 02:30 comes twice on the 31st of October: the first counts
        ("2027-10-30T22:00", "2027-10-31T00:20", "10-31 00:30"),
    ],
)
@pytest.mark.parametrize("away", [False, True], ids=["there when it is due", "away when it is due"])
def test_the_seed_s_offices_survive_a_restart_in_mid_timer_as_clocks_change(
    broker, hub, house, modules, log, state, start, press, at, away
) -> None:
    (house / "myocan.toml").write_text('domain = "home"\ntimezone = "Europe/Berlin"\n')
    modules(OficeLight=OFFICE)
    clock = Clock(start)
    with Board(broker.url, "home", "porch") as board:
        with hub(now_ms=clock) as running:
            for key in ("joe", "sue"):
                board.send("OficeLight/instance", key)
            board.send("OficeLight/automodeontime", "02:30")
            board.await_acknowledged()
            clock.to(press, running)
            board.send("OficeLight/event/joe", "toggle")
            board.await_acknowledged()
        clock.move(5 * MINUTE)
        with hub(now_ms=clock) as running:
            if not away:
                clock.move(HOUR, running)
                until(lambda: state("OficeLight", "went", "joe"), "end of joe's timer")
        clock.move(3 * HOUR)
        for _ in range(2):
            with hub(now_ms=clock):
                until(lambda: state("OficeLight", "went", "joe"), "end of joe's timer")
    (toggled,) = log("OficeLight.event")
    (fired,) = log("OficeLight.off")
    (auto,) = log("OficeLight.%%at%%")
    assert (fired.instance, fired.time_ms) == ("joe", toggled.time_ms + HOUR)
    assert shown(auto.time_ms) == at
    assert [state("OficeLight", "autos", key) for key in ("joe", "sue")] == ["1", "1"]
    assert state("OficeLight", "mode", "joe") == '"auto"'
    assert state("OficeLight", "went", "joe") == "1"
    assert state("OficeLight", "went", "sue") is None
