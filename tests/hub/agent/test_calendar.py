"""The calendar in a running hub: who reads of the day is told of it, once, and in order."""

from __future__ import annotations

import pytest

from support.board import Board
from support.clock import Clock, shown, until

BERLIN = """domain = "home"
timezone = "Europe/Berlin"
[location]
latitude = 52.52
longitude = 13.405
country = "DE"
"""
DIARY = """
SUBSCRIBE look
PUBLIC date "never"
PUBLIC sunset 00:00
PUBLIC hour 0
PUBLIC country "none"
AT midnight
  THEN date = system.clock#date
  THEN sunset = system.clock#sunset
ON look
  THEN hour = system.clock#hour
  THEN country = system.config#country
"""


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-03-27T12:00")


@pytest.fixture
def berlin(house):
    (house / "myocan.toml").write_text(BERLIN)
    return house


def told(log):
    """Return what was said of calendar and house: variable, value, time."""
    rows = [row for row in log() if row.module in ("$clock", "$config")]
    return [(row.variable, row.value, shown(row.time_ms)) for row in rows if row.variable != "away"]


FIRST = [
    ("date", '"2027-03-27"', "03-27 12:00"),
    ("offset", "60", "03-27 12:00"),
    ("sunset", '"18:31"', "03-27 12:00"),
    ("country", '"DE"', "03-27 12:00"),
]


def test_at_midnight_the_new_day_comes_first(
    berlin, modules, broker, hub, log, state, clock
) -> None:
    modules(diary=DIARY)
    with hub(now_ms=clock) as running:
        assert told(log) == FIRST
        clock.to("2027-03-27T23:00:01", running)
        until(lambda: state("diary", "date"), "diary's midnight")
    assert state("diary", "date") == '"2027-03-28"'
    assert state("diary", "sunset") == '"19:32"'  # by the clocks of summer, which begins that day
    rows = [row for row in log() if shown(row.time_ms) == "03-27 23:00"]
    assert [(row.module, row.variable) for row in rows[:3]] == [
        ("$clock", "date"), ("$clock", "sunset"), ("diary", "%%at%%"),
    ]  # fmt: skip
    assert {row.producer for row in rows[:3]} == {"clock"}
    (country,) = log("$config.country")
    assert country.producer == "house"


def test_a_restart_repeats_nothing_and_misses_nothing(
    berlin, modules, broker, hub, log, state, clock
) -> None:
    modules(diary=DIARY)
    for _ in range(3):
        with hub(now_ms=clock):
            assert told(log) == FIRST
    clock.to("2027-03-28T00:30")
    for _ in range(2):
        with hub(now_ms=clock):
            until(lambda: state("diary", "date") == '"2027-03-28"', "midnight")
    new = told(log)[len(FIRST) :]
    assert [(name, time) for name, _, time in new] == [
        ("date", "03-27 23:00"), ("sunset", "03-27 23:00"),
    ]  # fmt: skip
    assert len(log("diary.%%at%%")) == 1


def test_clocks_that_change_are_told_at_that_moment(
    berlin, modules, broker, hub, log, state, clock
) -> None:
    modules(diary=DIARY)
    clock.to("2027-03-28T00:59:50")
    with hub(now_ms=clock) as running, Board(broker.url, "home", "porch") as board:
        board.send("diary/look")
        until(lambda: state("diary", "hour") == "1", "hour of winter")
        clock.to("2027-03-28T01:00:05", running)
        until(lambda: len(log("$clock.offset")) == 2, "summer")
        board.send("diary/look")
        until(lambda: state("diary", "hour") == "3", "hour of summer")
    (_, summer) = log("$clock.offset")
    assert (summer.value, shown(summer.time_ms)) == ("120", "03-28 01:00")


def test_days_that_the_hub_was_away_are_made_up_for_as_ats_are(
    berlin, modules, broker, hub, log, state, clock
) -> None:
    modules(diary=DIARY + 'PUBLIC nights 0\nIF system.clock#date != ""\n  THEN nights++\n')
    with hub(now_ms=clock):
        pass
    clock.to("2027-04-04T10:00")
    with hub(now_ms=clock):
        until(lambda: state("diary", "date") == '"2027-04-04"', "the newest day")
    dates = [(row.value, shown(row.time_ms)) for row in log("$clock.date")[1:]]
    # what it was a day ago, and the midnight since then
    assert dates == [('"2027-04-03"', "04-03 10:00"), ('"2027-04-04"', "04-03 22:00")]
    times = [row.time_ms for row in log()]
    assert times == sorted(times)


def test_other_settings_and_new_modules_are_told_at_the_start(
    berlin, modules, broker, hub, log, clock
) -> None:
    modules(diary=DIARY)
    with hub(now_ms=clock):
        pass
    (berlin / "myocan.toml").write_text(BERLIN.replace('"DE"', '"AT"'))
    modules(
        diary=DIARY,
        other=DIARY,
        zone='PRIVATE z "x"\nIF system.config#timezone != "x"\n  THEN z = system.config#timezone\n',
    )
    with hub(now_ms=clock):
        pass
    new = [(name, value) for name, value, _ in told(log)[len(FIRST) :]]
    assert new == [
        ("date", '"2027-03-27"'), ("offset", "60"), ("sunset", '"18:31"'),
        ("country", '"AT"'), ("timezone", '"Europe/Berlin"'),
    ]  # fmt: skip


def test_where_the_sun_does_not_set_nothing_is_said_of_it(
    house, modules, broker, hub, log, state
) -> None:
    (house / "myocan.toml").write_text(
        'timezone = "Arctic/Longyearbyen"\n[location]\nlatitude = 78.2\nlongitude = 15.6\n'
    )
    modules(diary=DIARY)
    clock = Clock("2027-04-15T12:00")  # the last sunset is on the 19th
    with hub(now_ms=clock):
        pass
    (first,) = log("$clock.sunset")
    clock.to("2027-06-01T12:00")
    with hub(now_ms=clock):
        until(lambda: state("diary", "date") == '"2027-06-01"', "midnight")
    assert log("$clock.sunset")[0].value == first.value
    assert all(shown(row.time_ms) < "04-20" for row in log("$clock.sunset"))
    assert state("diary", "sunset") is not None


def test_nobody_else_can_say_what_day_it_is(berlin, modules, broker, hub, log, clock) -> None:
    modules(diary=DIARY)
    with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
        board.send("diary/look")
        board.await_acknowledged()
        boot = board.acknowledgements[-1][0]
        board.publish("up/$clock/date", f'["2000-01-01",2,null,{boot}]'.encode())
        until(lambda: log("$log.rejected"), "record")
    assert told(log) == FIRST


def test_who_asks_for_no_calendar_is_told_nothing(modules, broker, hub, log, clock) -> None:
    modules(plain="SUBSCRIBE go\nPUBLIC n 0\nON go\n  THEN n++\n")
    with hub(now_ms=clock) as running:
        clock.to("2027-03-29T12:00", running)
    assert told(log) == []


def test_whatever_can_be_read_is_told_once(berlin, modules, broker, hub, log, clock) -> None:
    clock_names = ["offset", "date", "weekday", "month", "season", "holiday", "day", "year"]
    clock_names += ["sunrise", "sunset"]
    config_names = ["latitude", "longitude", "timezone", "country", "domain"]
    read = [f"system.clock#{name}" for name in clock_names if name != "offset"]
    read += [f"system.config#{name}" for name in config_names]
    read += ["system.clock#hour", "system.agent#name", "system.module#name"]
    modules(all="SUBSCRIBE go\nON go\n" + "".join(f"  THEN log({one})\n" for one in read))
    for start in range(3):
        with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
            if start == 1:
                board.send("all/go")
                board.await_acknowledged()
    assert sorted(name for name, _, _ in told(log)) == sorted(
        [*clock_names, *config_names, "agent"]
    )
    lines = [row.value.strip('"') for row in log("$log.info")]
    assert lines == [
        *("2027-03-27", "saturday", "march", "spring", "", "27", "2027", "05:53", "18:31"),
        *("52.520000", "13.405000", "Europe/Berlin", "DE", "home", "13", "main", "all"),
    ]
