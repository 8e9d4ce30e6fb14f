"""Since when: what people may write, read at noon on the 15th of June 2027 in Berlin."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
import typer

from myocan.tools.cli.moments import parse_coming, parse_duration, parse_moment

NOW = datetime(2027, 6, 15, 12, 0, tzinfo=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("10m", "2027-06-15T11:50:00+02:00"),
        ("2h30m", "2027-06-15T09:30:00+02:00"),
        ("90s", "2027-06-15T11:58:30+02:00"),
        ("1w1d", "2027-06-07T12:00:00+02:00"),
        ("0s", "2027-06-15T12:00:00+02:00"),
        ("12:00", "2027-06-15T12:00:00+02:00"),
        ("9:05", "2027-06-15T09:05:00+02:00"),
        ("23:00", "2027-06-14T23:00:00+02:00"),
        ("11:59:30", "2027-06-15T11:59:30+02:00"),
        ("2027-06-01", "2027-06-01T00:00:00+02:00"),
        ("2027-01-01", "2027-01-01T00:00:00+01:00"),
        ("2027-06-01T12:30", "2027-06-01T12:30:00+02:00"),
        ("2027-06-01 12:30", "2027-06-01T12:30:00+02:00"),
        ("2027-06-01T12:30+00:00", "2027-06-01T12:30:00+00:00"),
    ],
)
def test_a_moment_is_a_time_ago_a_time_of_day_or_a_date(text: str, moment: str) -> None:
    assert parse_moment(text, NOW).isoformat() == moment


@pytest.mark.parametrize(
    "text", ["", "m", "10", "10x", "25:00", "12:60", "yesterday", "2027-13-01", "9" * 30 + "w"]
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("12:00", "2027-06-15T12:00:00+02:00"),
        ("23:58", "2027-06-15T23:58:00+02:00"),
        ("9:05", "2027-06-16T09:05:00+02:00"),
        ("2027-06-01T12:30", "2027-06-01T12:30:00+02:00"),
    ],
)
def test_a_coming_moment_is_the_next_time_of_day(text: str, moment: str) -> None:
    assert parse_coming(text, NOW).isoformat() == moment


@pytest.mark.parametrize("text", ["5m", "soon", ""])
def test_what_is_no_coming_moment_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_coming(text, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("2h30m", 9000), ("3d", 259200), ("2 hours", 7200), ("1 day 12 hours", 129600)],
)
def test_a_length_of_time_has_units(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds * 1000


@pytest.mark.parametrize("text", ["", "5", "m", "5 fortnights", "-5m", "5m later", "9" * 30 + "w"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        parse_duration(text)
