"""What is computed is what walking every minute finds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lang.schedules import decade
from lang.schedules.drawn import PLACES, TURNS, VARIABLES, schedules, starts
from lang.schedules.walk import walk
from myocan.hub.lang.schedules import Place, Schedule, next_due


def computed(schedule: Schedule, place: Place, start: datetime, end: datetime) -> list[datetime]:
    """Return every time that a schedule is due, one asked for after the other."""
    found = []
    due = next_due(schedule, start, place, VARIABLES)
    while due is not None and due <= end:
        found.append(due)
        due = next_due(schedule, due, place, VARIABLES)
    return found


@pytest.mark.parametrize("name", TURNS)
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_due_times_are_those_that_a_walk_over_every_minute_finds(
    data: st.DataObject, name: str
) -> None:
    place = PLACES[name]
    start = data.draw(starts(name))
    end = start + timedelta(days=data.draw(st.integers(1, 3)))
    several = data.draw(st.lists(schedules(start), min_size=1, max_size=8))
    walked = walk(several, place, VARIABLES, start, end)
    for schedule, expected in zip(several, walked, strict=True):
        assert computed(schedule, place, start, end) == expected


def test_the_long_run_agrees_for_its_first_weeks(capsys: pytest.CaptureFixture[str]) -> None:
    assert decade.main(["--weeks", "1"]) == 0
    assert "differ" not in capsys.readouterr().out
