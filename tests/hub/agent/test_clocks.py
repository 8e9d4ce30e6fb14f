"""Clocks that were set: what they show is a matter of one point and a speed."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myocan.hub.agent.clocks import MAX_SPEED, Clock, Setting, parse_speed

TIMES = st.integers(0, 4_102_444_800_000)
SPEEDS = st.decimals(0, MAX_SPEED, places=3)


@given(shown=TIMES, wall=TIMES, speed=SPEEDS)
def test_a_setting_comes_out_of_the_log_as_it_went_in(
    shown: int, wall: int, speed: Decimal
) -> None:
    setting = Setting(shown, wall, speed)
    assert Setting.from_json(setting.to_json()) == setting


@given(wall=TIMES, passed=st.integers(0, 10**9), speed=SPEEDS, again=SPEEDS)
def test_a_change_of_speed_is_no_jump(
    wall: int, passed: int, speed: Decimal, again: Decimal
) -> None:
    now = wall
    clock = Clock(lambda: now)
    clock.setting = clock.setting_at(speed=speed)
    now += passed
    shown = clock.now_ms()
    assert shown == wall + int(passed * speed)
    clock.setting = clock.setting_at(speed=again)
    assert clock.now_ms() == shown


@given(wall=TIMES, ahead=st.integers(-(10**9), 10**12), speed=SPEEDS)
def test_after_the_wait_it_shows_what_was_waited_for(wall: int, ahead: int, speed: Decimal) -> None:
    now = wall
    clock = Clock(lambda: now)
    clock.setting = Setting(wall, wall, speed)
    wait = clock.wait_s(wall + ahead)
    if ahead <= 0:
        assert wait == 0
    elif not speed:
        assert wait is None
    else:
        assert wait is not None
        now += int(wait * 1000 * (1 + 1e-9)) + 1
        assert clock.now_ms() >= wall + ahead


@pytest.mark.parametrize("text", ["", "fast", "-1", "100001", "NaN", "Infinity", "1e9"])
def test_what_is_no_speed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no speed"):
        parse_speed(text)
