"""A schedule as data: one text and one identity for one meaning, and nothing else is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lang.schedules.drawn import PLACES, schedules
from lang.schedules.reading import read
from myocan.hub.lang.schedules import Place, Schedule, remarks

NOW = datetime(2026, 1, 1, tzinfo=UTC)

SAME = [
    ("noon ON fridays IN december", "12:00 DURING decembers ON friday"),
    ("noon ON mondays fridays", "12:00pm ON fridays and mondays, fridays"),
    ("midnight", "12:00am"),
    ("noon ON weekdays", "noon ON monday tuesday wednesday thursday friday"),
    ("noon OR sunset", "sunset OR noon OR sunset"),
    ("90 minutes before noon", "1 hour 30 minutes before noon"),
    ("noon FROM june THROUGH july", "noon FROM june 1 THROUGH july 31"),
    ("noon FROM june THROUGH july", "noon STARTING june 1 ENDING july 31"),
    ("noon STARTING may 2027", "noon STARTING may 1, 2027"),
    ("noon ENDING 2027", "noon ENDING december 31, 2027"),
    ("noon IN fall", "noon IN autumn"),
    ("bedTime", "bedtime"),
]

DIFFERENT = [
    ("noon", "midnight"),
    ("noon", "1 minute after noon"),
    ("1 hour after noon", "13:00"),
    ("noon ON fridays", "noon OR noon ON fridays"),
    ("noon STARTING may 1", "noon ENDING may 1"),
    ("sunrise", "sunset"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_schedules_of_one_meaning_have_one_identity(one: str, other: str) -> None:
    assert read(one) == read(other)
    assert read(one).to_json() == read(other).to_json()
    assert read(one).identity() == read(other).identity()


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_schedules_of_two_meanings_have_two_identities(one: str, other: str) -> None:
    assert read(one) != read(other)
    assert read(one).identity() != read(other).identity()


def test_identities_stay_what_they_were_in_logs_that_were_written() -> None:
    """An identity stands in the log, so a change here orphans the AT messages that wait there."""
    line = (
        "10 minutes before sunset ON weekdays december 24 FROM october 1 THROUGH march 31 OR noon"
    )
    assert read(line).to_json() == (
        '[["clock",720,0,[]],["sunset",null,-10,'
        '[["between",[10,1],[3,31]],["on",[0,1,2,3,4],[[12,24]],[]]]]]'
    )
    assert read(line).identity() == "28a656bd0b44.0"
    assert read(line).identity(3) == "28a656bd0b44.3"


@settings(max_examples=100, deadline=None)
@given(schedules(NOW))
def test_what_is_written_is_read_again(schedule: Schedule) -> None:
    text = schedule.to_json()
    again = Schedule.from_json(text)
    assert again == schedule
    assert again.to_json() == text
    assert again.identity() == schedule.identity()


NONSENSE = [
    "", "[", "null", "5", '"noon"', "{}", "[]", "[[]]", "[5]", '[["clock"]]', "[" * 100_000,
    '[["clock",1440,0,[]]]', '[["clock",-1,0,[]]]', '[["clock",true,0,[]]]',
    '[["clock",1.5,0,[]]]', '[["clock",null,0,[]]]', '[["dusk",null,0,[]]]', '[["sunset",5,0,[]]]',
    '[["variable","",0,[]]]', '[["variable",5,0,[]]]', '[["clock",0,1e9,[]]]',
    '[["clock",0,999999999,[]]]', '[["clock",0,NaN,[]]]', '[["clock",0,0,[["on",[],[],[]]]]]',
    '[["clock",0,0,[["on",[7],[],[]]]]]', '[["clock",0,0,[["on",[],[[2,30]],[]]]]]',
    '[["clock",0,0,[["on",[],[[13,1]],[]]]]]', '[["clock",0,0,[["on",[],[],[5]]]]]',
    '[["clock",0,0,[["in",[0],[],[]]]]]', '[["clock",0,0,[["in",[],["monsoon"],[]]]]]',
    '[["clock",0,0,[["in",[],[],[99999]]]]]', '[["clock",0,0,[["between",[6,31],[7,1]]]]]',
    '[["clock",0,0,[["starting",[5,1],-1]]]]', '[["clock",0,0,[["never"]]]]',
    '[["clock",0,0,[[]]]]', '[["clock",0,0,[["on",[[]],[],[]]]]]',
]  # fmt: skip


@pytest.mark.parametrize("text", NONSENSE, ids=lambda text: text[:40])
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its words are for developers
        Schedule.from_json(text)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
words = st.sampled_from(("clock", "sunset", "variable", "on", "in", "between", "starting"))
values = st.recursive(
    scalars | words | st.integers(0, 12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=2),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(values | st.tuples(st.tuples(words, values, values, st.lists(values, max_size=2))))
def test_any_json_is_a_schedule_or_refused(value: Any) -> None:
    try:
        schedule = Schedule.from_json(json.dumps(value))
    except ValueError:
        return
    assert Schedule.from_json(schedule.to_json()) == schedule


def test_what_a_schedule_depends_on_is_told() -> None:
    assert read("bedtime OR 5 minutes after Settings.wake OR noon").variables == {
        "bedtime",
        "settings.wake",
    }


REMARKS = [
    ("noon", "Berlin", []),
    ("sunset", "Berlin", []),
    ("noon ON christmas easter holidays", "Berlin", []),
    ("bedtime", "Berlin", []),
    ("sunset", "nowhere", ["[location] in myocan.toml"]),
    ("sunset", "Longyearbyen", ["not due on 242 days of a year", "april 17 through august 24"]),
    ("sunset IN december", "Longyearbyen", ["sunset is never due"]),
    ("noon ON labor day", "nowhere", ["write country under [location]"]),
    ("noon ON labour day", "Berlin", ["no holiday of DE", "did you mean 'labor day'?"]),
    ("noon IN 2025", "Berlin", ["never due again"]),
    ("noon ON fridays FROM june THROUGH july IN december", "Berlin", ["never due again"]),
]


@pytest.mark.parametrize(("line", "where", "parts"), REMARKS, ids=[row[0] for row in REMARKS])
def test_what_is_not_due_in_this_place_is_remarked(line: str, where: str, parts: list[str]) -> None:
    place: Place = PLACES[where]
    found = " ".join(remarks(read(line), place, NOW))
    assert bool(found) == bool(parts), found
    assert all(part in found for part in parts), found
