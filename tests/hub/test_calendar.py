"""What `$clock` and `$config` say, when they change, and to whom it is said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.calendar import Calendar, Notices, place_of
from myocan.hub.core import Program, Role, Type, Variable
from myocan.hub.house import House
from myocan.hub.lang.schedules import Place
from myocan.hub.lang.schedules.holiday import holiday_days
from myocan.hub.settings import Location

MINUTE, DAY = 60_000, 86_400_000
CLOCK = (
    *("offset", "date", "weekday", "month", "season", "holiday", "day", "year"),
    *("sunrise", "sunset"),
)
BERLIN = House(
    timezone="Europe/Berlin", location=Location(latitude=52.52, longitude=13.405, country="DE")
)
SVALBARD = House(timezone="Arctic/Longyearbyen", location=Location(latitude=78.2, longitude=15.6))
SOUTH = House(
    timezone="Australia/Lord_Howe", location=Location(latitude=-31.5, longitude=159.1, country="AU")
)
NOWHERE = House()
HAVANA = House(timezone="America/Havana")
APIA = House(timezone="Pacific/Apia")


def calendar(house: House) -> Calendar:
    return Calendar(house, place_of(house))


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def says(house: House, moment: str) -> dict[str, str | None]:
    return {name: calendar(house).value(("", "$clock", name), ms(moment)) for name in CLOCK}


@pytest.mark.parametrize(
    ("house", "moment", "expected"),
    [
        (
            BERLIN,
            "2027-10-03T10:00",
            {
                "offset": "120", "date": '"2027-10-03"', "weekday": '"sunday"',
                "month": '"october"', "season": '"autumn"', "holiday": '"german unity day"',
                "day": "3", "year": "2027", "sunrise": '"07:10"', "sunset": '"18:39"',
            },
        ),
        (BERLIN, "2027-10-04T21:59", {"date": '"2027-10-04"', "holiday": '""'}),
        (BERLIN, "2027-10-04T22:00", {"date": '"2027-10-05"', "weekday": '"tuesday"'}),
        (BERLIN, "2027-12-01T12:00", {"offset": "60", "season": '"winter"'}),
        (SOUTH, "2027-12-01T12:00", {"offset": "660", "season": '"summer"'}),
        (SOUTH, "2027-06-01T12:00", {"offset": "630", "season": '"winter"'}),
        (SVALBARD, "2027-12-24T12:00", {"sunrise": None, "sunset": None, "holiday": '""'}),
        (NOWHERE, "2027-12-24T12:00", {"sunrise": None, "offset": "0", "season": '"winter"'}),
    ],
)  # fmt: skip
def test_what_the_clock_says(house: House, moment: str, expected: dict[str, str | None]) -> None:
    said = says(house, moment)
    assert {name: said[name] for name in expected} == expected


def test_what_the_settings_say() -> None:
    names = ("latitude", "longitude", "timezone", "country", "domain", "agent")
    said = [calendar(BERLIN).value(("", "$config", name), 0) for name in names]
    assert said == ["52.520000", "13.405000", '"Europe/Berlin"', '"DE"', '"home"', '"main"']
    said = [calendar(NOWHERE).value(("", "$config", name), 0) for name in names]
    assert said == [None, None, '"UTC"', None, '"home"', '"main"']


@pytest.mark.parametrize("module", ["$clock", "$config"])
def test_of_anything_else_nothing_is_said(module: str) -> None:
    assert calendar(BERLIN).value(("", module, "weather"), 0) is None


@given(
    house=st.sampled_from([BERLIN, SVALBARD, SOUTH, NOWHERE, HAVANA, APIA]),
    start=st.integers(ms("2011-01-01T00:00"), ms("2030-01-01T00:00")),
)
@settings(deadline=None)
def test_nothing_changes_before_the_next_change(house: House, start: int) -> None:
    kept = calendar(house)
    change = kept.next_change_ms(start)
    assert start < change <= start + DAY + 2 * 3_600_000
    now = [kept.value(("", "$clock", name), start) for name in CLOCK]
    for at in {start + 1, (start + change) // 2, change - MINUTE, change - 1}:
        if start <= at < change:
            assert [kept.value(("", "$clock", name), at) for name in CLOCK] == now
    assert [kept.value(("", "$clock", name), change) for name in ("offset", "date")] != [
        now[0], now[1]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("house", "after", "changes"),
    [
        (BERLIN, "2027-03-27T12:00", ["2027-03-27T23:00", "2027-03-28T01:00", "2027-03-28T22:00"]),
        (BERLIN, "2027-10-30T12:00", ["2027-10-30T22:00", "2027-10-31T01:00", "2027-10-31T23:00"]),
        (APIA, "2011-12-29T12:00", ["2011-12-30T10:00", "2011-12-31T10:00"]),
        (NOWHERE, "2027-03-27T12:00", ["2027-03-28T00:00", "2027-03-29T00:00"]),
    ],
)
def test_when_it_changes(house: House, after: str, changes: list[str]) -> None:
    at = ms(after)
    for expected in changes:
        at = calendar(house).next_change_ms(at)
        assert at == ms(expected)


@pytest.mark.parametrize("country", ["DE", "US", "IE", "NO", "AU"])
def test_a_day_has_a_holiday_s_name_exactly_if_it_is_one(country: str) -> None:
    place = Place(ZoneInfo("UTC"), country=country)
    day = datetime(2027, 1, 1, tzinfo=UTC).date()
    year = [day + timedelta(days=number) for number in range(365)]
    assert {one for one in year if place.holiday(one)} == holiday_days("holidays", 2027, country)


def program(module: str, *topics: tuple[str, str]) -> Program:
    variables = tuple(
        Variable(f"{of}#{name}", Role.SUBSCRIBE, Type.ANY, ("", of, name)) for of, name in topics
    )
    return Program(module, variables, ())


def test_only_what_is_heard_is_sent_and_only_if_it_is_news() -> None:
    known: dict[tuple[str, str], str] = {}
    programs = [
        program("a", ("$clock", "date"), ("$config", "domain")),
        program("b", ("$clock", "date"), ("button1", "press")),
        program("c"),
    ]
    start = ms("2027-06-01T12:00")
    notices = Notices(calendar(NOWHERE), programs, lambda *one: known.get(one), start)
    assert notices.variables == [
        ("a", "$clock#date"),
        ("b", "$clock#date"),
        ("a", "$config#domain"),
    ]
    first = [(("", "$clock", "date"), '"2027-06-01"'), (("", "$config", "domain"), '"home"')]
    assert notices.take(start) == first
    known.update({("a", "$clock#date"): '"2027-06-01"', ("a", "$config#domain"): '"home"'})
    assert notices.take(start) == first[:1]  # b does not know yet
    known["b", "$clock#date"] = '"2027-06-01"'
    assert notices.take(start) == []
    midnight = notices.next_ms()
    assert midnight == ms("2027-06-02T00:00")
    assert notices.take(midnight) == [(("", "$clock", "date"), '"2027-06-02"')]


def test_who_hears_nothing_of_the_clock_costs_nothing() -> None:
    programs = [program("a", ("$config", "domain"), ("button1", "press"))]
    notices = Notices(calendar(NOWHERE), programs, lambda *one: None, 0)
    assert notices.next_ms() is None
