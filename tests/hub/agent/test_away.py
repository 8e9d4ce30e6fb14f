"""Time that passed while the hub was away: made up for in order, once, without a flicker."""

from __future__ import annotations

from array import array

import pytest

from myocan.hub.agent import latecomers, occasions
from myocan.hub.agent.away import NOWHERE, Away, LeftOut
from myocan.hub.agent.batch import Batch
from myocan.hub.agent.clockwork import Clockwork
from support.board import Board
from support.clock import Clock, shown, until

SECOND, MINUTE, HOUR = 1000, 60_000, 3_600_000
BELLS = """
PUBLIC light {off, on}
PUBLIC ring
PUBLIC count 0
AT 13:00 OR 14:00 OR 15:00
  THEN next(light)
  THEN activate(ring)
  THEN count++
"""
EVERYTHING = "mc1/live/home/+/+"


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-03-27T12:00")


def test_what_was_missed_is_published_once_and_old_events_are_told(
    broker, hub, modules, clock, log
) -> None:
    modules(bells=BELLS)
    with hub(now_ms=clock):
        pass
    clock.to("2027-03-27T15:00:30")
    with (
        Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board,
        hub(now_ms=clock),
    ):
        board.await_that(lambda: board.values("bells.count"), "the count")
        board.await_that(lambda: board.values("bells.ring"), "the bell")
    assert board.values("bells.count") == [3]
    assert board.values("bells.light") == ["on"]
    assert board.values("bells.ring") == [None]  # of 15:00, half a minute ago
    assert [shown(row.time_ms)[6:] for row in log("bells.ring")] == ["13:00", "14:00", "15:00"]
    (stale,) = log("$log.stale")
    assert "2 of bells.ring, from 2027-03-27 13:00:00 UTC to 2027-03-27 14:00:00" in stale.value
    assert "older than 1 minute ([agent] stale_events)" in stale.value
    begun, ended = log("$clock.away")
    assert begun.value == f'"{begun.offset}-"'
    assert ended.value == f'"{begun.offset}-{ended.offset}"'


def test_a_running_hub_that_was_held_up_makes_up_for_it_likewise(
    broker, hub, modules, clock, log
) -> None:
    modules(bells=BELLS)
    with (
        Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board,
        hub(now_ms=clock) as running,
    ):
        clock.to("2027-03-27T16:00", running)
        board.await_that(lambda: board.values("bells.count"), "the count")
        clock.to("2027-03-28T13:00:00.100", running)
        board.await_that(lambda: len(board.values("bells.count")) == 2, "the next")
    assert board.values("bells.count") == [3, 4]
    assert board.values("bells.light") == ["on", "off"]
    assert board.values("bells.ring") == [None]
    assert len(log("$log.stale")) == 1
    assert len(log("$clock.away")) == 2


def test_stale_events_can_be_set(broker, hub, house, modules, clock, log) -> None:
    (house / "myocan.toml").write_text('domain = "home"\n[agent]\nstale_events = "3 hours"\n')
    modules(bells=BELLS)
    with hub(now_ms=clock):
        pass
    clock.to("2027-03-27T15:30")
    with (
        Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board,
        hub(now_ms=clock),
    ):
        board.await_that(lambda: len(board.values("bells.ring")) == 3, "the bells")
    assert log("$log.stale") == []
    names = [name for name, *_ in board.heard]
    assert names.count("bells.count") == 1


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_crash_in_the_middle_goes_on_with_it(
    broker, hub, modules, clock, log, state, monkeypatch, after
) -> None:
    modules(bells=BELLS)
    with hub(now_ms=clock):
        pass
    clock.to("2027-03-27T15:30")
    take = Clockwork.take
    taken: list[object] = []

    def crash(self: Clockwork, *times: int) -> object:
        if len(taken) == after:
            raise RuntimeError("a crash")
        taken.append(take(self, *times))
        return taken[-1]

    with (
        Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board,
    ):
        with monkeypatch.context() as patch:
            patch.setattr(Clockwork, "take", crash)
            with pytest.raises(RuntimeError), hub(now_ms=clock):
                pass
        assert board.heard == []
        with hub(now_ms=clock):
            board.await_that(lambda: board.values("bells.count"), "the count")
            board.await_that(lambda: board.values("bells.light"), "the light")
    assert board.values("bells.count") == [3]
    assert board.values("bells.light") == ["on"]
    assert [shown(row.time_ms)[6:] for row in log("bells.%%at%%")] == ["13:00", "14:00", "15:00"]
    (stale,) = log("$log.stale")
    assert "3 of bells.ring" in stale.value
    assert len(log("$clock.away")) == 2


NIGHT = """
SUBSCRIBE button1.press
PUBLIC mode {auto, manual}
PUBLIC light {on, off}
TIMER t 15 minutes
ON button1.press
  THEN mode.manual
  THEN start(t)
ON t
  THEN light.on
AT 00:00
  WHEN mode.auto
  THEN light.off
"""


def test_what_a_board_held_comes_at_its_time_among_what_was_due(
    broker, hub, modules, clock, log, state, monkeypatch
) -> None:
    monkeypatch.setattr(latecomers, "WAIT_S", 20.0)
    monkeypatch.setattr(latecomers, "QUIET_S", 2.0)
    modules(night=NIGHT)
    with Board(broker.url, "home", "porch") as board:
        with hub(now_ms=clock):
            board.send("button2/press")
            board.await_acknowledged()
        clock.to("2027-03-28T07:00")
        board.send("button1/press", ts=clock() - 7 * HOUR - 10 * MINUTE)
        with hub(now_ms=clock):
            board.await_acknowledged()
    rows = [
        (row.variable, shown(row.time_ms))
        for row in log()
        if (row.module, row.variable) in [("button1", "press"), ("night", "%%at%%"), ("night", "t")]
    ]
    assert rows == [
        ("press", "03-27 23:50"), ("%%at%%", "03-28 00:00"), ("t", "03-28 00:05"),
    ]  # fmt: skip
    assert state("night", "mode") == '"manual"'
    assert [row.value for row in log("night.light")] == ['"on"']


def test_who_has_missed_nothing_waits_for_nobody(
    broker, hub, house, clock, monkeypatch, state
) -> None:
    monkeypatch.setattr(latecomers, "WAIT_S", 3600.0)
    with Board(broker.url, "home", "porch") as board:
        for count in ("1", "2"):
            with hub(now_ms=clock):
                board.send("button1/press")
                board.await_acknowledged()
            assert state("lamp1", "count") == count
            clock.move(HOUR)


def test_timers_that_come_faster_than_they_are_done_leave_boards_their_turn(
    broker, hub, modules, clock, log, monkeypatch
) -> None:
    monkeypatch.setattr(occasions, "MAX_DUE", 4)
    monkeypatch.setattr(occasions, "BUSY_TURNS", 3)
    modules(
        m="SUBSCRIBE go.press\nSUBSCRIBE key.press\nPUBLIC count 0\nTIMER t 0.1 seconds\n"
        "ON go.press\n  THEN start(t)\nON t\n  THEN start(t)\nON key.press\n  THEN count++\n"
    )
    take = Clockwork.take

    def slow(self: Clockwork, *times: int) -> object:
        taken = take(self, *times)
        if taken is not None:
            clock.move(200)  # two more are due when one is done
        return taken

    monkeypatch.setattr(Clockwork, "take", slow)
    with (
        Board(broker.url, "home", "porch", hears=["mc1/live/home/m/count"]) as board,
        hub(now_ms=clock) as running,
    ):
        board.send("go/press")
        board.await_acknowledged()
        clock.move(SECOND, running)
        for count in range(1, 4):
            board.send("key/press")
            board.await_that(lambda count=count: count in board.values("m.count"), "the count")
    assert "faster than this machine can do them" in log("$log.alert")[0].value


def test_a_board_that_stays_away_is_not_waited_for_long(broker, hub, modules, clock, log) -> None:
    modules(bells=BELLS)
    with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
    clock.to("2027-03-27T15:30")
    with hub(now_ms=clock):
        until(lambda: len(log("bells.ring")) == 3, "bells")


def batch(*origins: tuple[str, int | None]) -> Batch:
    made = Batch()
    for number, (producer, ts) in enumerate(origins):
        made.add(number, 0, 0, producer, ts)
    return made


def test_messages_are_put_in_order_of_time_and_each_producer_s_stay_in_theirs() -> None:
    made = batch(("a", 50), ("b", 20), ("a", 10), ("b", None), ("c", None), ("c", 5), ("b", 900))
    assert latecomers.in_order(made, 8, 100) == [
        (8, 5), (20, 1), (20, 3), (50, 0), (50, 2), (100, 4), (100, 6),
    ]  # fmt: skip
    alone = next(latecomers.single(made, iter([3])))
    assert (alone.topics, alone.origins) == (array("q", [3]), [("b", None)])


def test_a_range_of_the_log_says_whether_it_goes_on() -> None:
    going, over = Away(5), Away(5, 9)
    assert [offset in going for offset in (4, 5, 99)] == [False, True, True]
    assert [offset in over for offset in (4, 5, 9, 10)] == [False, True, True, False]
    assert 1 not in NOWHERE
    for one in (going, over):
        assert Away.from_json(one.to_json()) == one
    assert Away.from_json(None) == NOWHERE


def test_what_is_left_out_of_very_many_topics_is_counted() -> None:
    left_out = LeftOut(after=10)
    for offset in range(60):
        left_out.note(("bell", "ring", str(offset)), offset, 1_000_000)
    texts = left_out.texts(60_000)
    assert len(texts) == 21
    assert texts[0].startswith("bell.ring[11] of 1970-01-01 00:16:40 UTC was not published")
    assert texts[-1].startswith("29 events of other topics")
