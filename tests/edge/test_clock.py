"""Alarms ring once and in time, on a clock that goes round; back-off grows, jitters and ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from myocan.edge.clock import FIRST_WAIT_MS, NEVER, Alarm, shortened, soonest, ticks_ms, wait_after
from myocan.edge.ticks import PERIOD, ticks_add, ticks_diff

ticks = st.integers(0, PERIOD - 1)
DAY_MS = 86_400_000


@given(ticks, st.integers(-6 * DAY_MS, 6 * DAY_MS))
def test_differences_of_up_to_six_days_are_right(now: int, ms: int) -> None:
    assert ticks_diff(ticks_add(now, ms), now) == ms


@given(ticks, st.integers(0, DAY_MS), st.integers(-1000, 1000))
def test_an_alarm_rings_from_its_moment_on_and_only_once(now: int, ms: int, off: int) -> None:
    alarm = Alarm()
    assert not alarm.rings(now)
    alarm.set(now, ms)
    later = ticks_add(now, ms + off)
    assert alarm.left(later) == max(0, -off)
    assert alarm.rings(later) == (off >= 0)
    assert alarm.on == (off < 0)
    assert not alarm.rings(later)


def test_an_alarm_that_rang_does_not_ring_again_when_the_clock_has_gone_round() -> None:
    alarm = Alarm()
    alarm.set(0, 10)
    assert alarm.rings(10)
    assert not any(alarm.rings(now) for now in (11, PERIOD // 2, PERIOD - 1, 0, 10, 11))


def test_the_soonest_of_alarms_is_due_and_none_is_never() -> None:
    early, late, silent = Alarm(), Alarm(), Alarm()
    early.set(0, 30)
    late.set(0, 50)
    assert soonest((late, early, silent), 0) == 30
    assert soonest((silent,), 0) == NEVER
    late.set(0, DAY_MS)
    assert soonest((late,), 0) == NEVER


def test_the_clock_of_cpython_runs_and_goes_round_as_a_boards_does() -> None:
    first = ticks_ms()
    assert 0 <= first < PERIOD
    assert 0 <= ticks_diff(ticks_ms(), first) < 10_000


def test_back_off_grows_up_to_four_seconds_and_is_cut_by_up_to_half() -> None:
    waits = [FIRST_WAIT_MS]
    for _ in range(11):
        waits.append(wait_after(waits[-1]))
    assert waits == [100, 150, 225, 337, 505, 757, 1135, 1702, 2553, 3829, 4000, 4000]
    assert [shortened(wait, bytes) for wait in waits] == waits
    halves = [shortened(wait, lambda count: b"\xff" * count) for wait in waits]
    assert halves == [wait - wait // 2 for wait in waits]
