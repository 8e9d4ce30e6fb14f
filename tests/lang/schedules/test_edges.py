"""The rules of the page where they meet odd days, one line each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lang.schedules.drawn import PLACES
from lang.schedules.reading import read
from myocan.hub.lang.schedules import next_due

# What is due next after a local time; of the same place, in local time. None: never.
NEXT = [
    # a time that does not exist: the first minute that does
    ("2:30am", "Berlin", "2026-03-28 12:00", "2026-03-29 03:00 +0200"),
    ("2:30am", "Berlin", "2026-03-29 03:00", "2026-03-30 02:30 +0200"),
    ("3:00am", "Berlin", "2026-03-28 12:00", "2026-03-29 03:00 +0200"),
    ("2:10am", "Lord Howe", "2026-10-03 12:00", "2026-10-04 02:30 +1100"),
    ("1:30am", "Troll", "2026-03-28 12:00", "2026-03-29 03:00 +0200"),
    ("0:05", "Kathmandu", "1985-12-31 12:00", "1986-01-01 00:15 +0545"),
    # midnight that does not exist
    ("midnight", "Sao Paulo", "2018-11-03 12:00", "2018-11-04 01:00 -0200"),
    ("midnight ON sundays", "Sao Paulo", "2018-11-03 12:00", "2018-11-04 01:00 -0200"),
    # a time that comes twice: the first
    ("2:30am", "Berlin", "2026-10-24 12:00", "2026-10-25 02:30 +0200"),
    ("2:30am", "Berlin", "2026-10-25 02:30", "2026-10-26 02:30 +0100"),
    ("23:30", "Sao Paulo", "2018-02-17 12:00", "2018-02-17 23:30 -0200"),
    ("23:30", "Sao Paulo", "2018-02-17 23:30", "2018-02-18 23:30 -0300"),
    ("1:45am", "Lord Howe", "2026-04-04 12:00", "2026-04-05 01:45 +1100"),
    ("midnight", "St. John's", "2006-10-28 12:00", "2006-10-29 00:00 -0230"),
    # a day that does not exist has no times
    ("noon", "Apia", "2011-12-29 13:00", "2011-12-31 12:00 +1400"),
    ("noon ON december 30", "Apia", "2011-12-29 13:00", "2012-12-30 12:00 +1400"),
    ("sunset ON fridays", "Apia", "2011-12-29 23:00", "2012-01-06 19:59 +1400"),
    # an offset counts elapsed minutes, over midnight and over a change of clocks
    ("3 hours after midnight", "Berlin", "2026-03-28 12:00", "2026-03-29 04:00 +0200"),
    ("3 hours after midnight", "Berlin", "2026-10-24 12:00", "2026-10-25 02:00 +0100"),
    ("1 hour before midnight ON mondays", "Berlin", "2026-06-05 12:00", "2026-06-07 23:00 +0200"),
    ("2 hours after sunset ON fridays", "Berlin", "2026-06-19 12:00", "2026-06-19 23:32 +0200"),
    ("3 hours after sunset ON fridays", "Berlin", "2026-06-19 12:00", "2026-06-20 00:32 +0200"),
    ("3 hours after sunset ON fridays", "Berlin", "2026-06-20 00:32", "2026-06-27 00:33 +0200"),
    # midnight begins a day
    ("midnight ON fridays", "Berlin", "2026-06-18 12:00", "2026-06-19 00:00 +0200"),
    # 29 February
    ("noon ON february 29", "Berlin", "2026-01-01 00:00", "2028-02-29 12:00 +0100"),
    ("noon ON february 29", "nowhere", "2096-03-01 00:00", "2104-02-29 12:00 +0000"),
    ("noon ON february 29 ON mondays", "nowhere", "2024-03-01 00:00", "2044-02-29 12:00 +0000"),
    ("noon FROM february 29 THROUGH march 1", "nowhere", "2027-01-01 00:00",
     "2027-03-01 12:00 +0000"),
    ("noon FROM february 28 THROUGH february 29", "nowhere", "2027-02-28 13:00",
     "2028-02-28 12:00 +0000"),
    # round the year
    ("noon FROM december 31 THROUGH january 1", "nowhere", "2026-12-31 13:00",
     "2027-01-01 12:00 +0000"),
    ("noon FROM december 31 THROUGH january 1", "nowhere", "2027-01-01 13:00",
     "2027-12-31 12:00 +0000"),
    ("noon FROM november THROUGH february", "nowhere", "2028-02-28 13:00",
     "2028-02-29 12:00 +0000"),
    ("noon FROM november THROUGH february", "nowhere", "2028-02-29 13:00",
     "2028-11-01 12:00 +0000"),
    # seasons, north and south
    ("noon IN winter", "Berlin", "2026-06-01 00:00", "2026-12-01 12:00 +0100"),
    ("noon IN winter", "Sao Paulo", "2017-03-01 00:00", "2017-06-01 12:00 -0300"),
    ("noon IN winter", "nowhere", "2026-06-01 00:00", "2026-12-01 12:00 +0000"),
    # bounds
    ("noon STARTING may 1, 2027", "Berlin", "2026-01-01 00:00", "2027-05-01 12:00 +0200"),
    ("noon STARTING may 1, 2890", "Berlin", "2026-01-01 00:00", "2890-05-01 12:00 +0200"),
    ("noon STARTING may", "Berlin", "2026-12-31 13:00", "2027-05-01 12:00 +0200"),
    ("noon ENDING may 1, 2027", "Berlin", "2027-04-30 13:00", "2027-05-01 12:00 +0200"),
    ("noon ENDING may 1, 2027", "Berlin", "2027-05-01 12:00", None),
    ("3 hours after noon ENDING 2026", "Berlin", "2026-12-31 13:00", "2026-12-31 15:00 +0100"),
    ("noon ENDING may 1", "Berlin", "2027-05-01 12:00", "2028-01-01 12:00 +0100"),
    ("noon IN 2028", "Berlin", "2026-01-01 00:00", "2028-01-01 12:00 +0100"),
    ("noon IN 2025", "Berlin", "2026-01-01 00:00", None),
    ("noon IN december 2027", "Berlin", "2026-01-01 00:00", "2027-12-01 12:00 +0100"),
    ("25 hours before noon IN 2028", "Berlin", "2026-01-01 00:00", "2027-12-31 11:00 +0100"),
    # holidays
    ("noon ON christmas", "Berlin", "2026-01-01 00:00", "2026-12-25 12:00 +0100"),
    ("noon ON christmas", "nowhere", "2026-01-01 00:00", "2026-12-25 12:00 +0000"),
    ("noon ON easter", "Berlin", "2026-01-01 00:00", "2026-04-05 12:00 +0200"),
    ("noon ON easter", "nowhere", "2026-01-01 00:00", "2026-04-05 12:00 +0000"),
    ("noon ON easter", "Athens", "2026-01-01 00:00", "2026-04-12 12:00 +0300"),
    ("noon ON easter monday", "Athens", "2026-01-01 00:00", "2026-04-13 12:00 +0300"),
    ("noon ON christmas", "Belgrade", "2026-01-01 00:00", "2026-01-07 12:00 +0100"),
    ("noon ON easter monday", "Berlin", "2026-01-01 00:00", "2026-04-06 12:00 +0200"),
    ("noon ON easter monday", "New York", "2026-01-01 00:00", None),
    ("noon ON new years day", "New York", "2026-01-02 00:00", "2027-01-01 12:00 -0500"),
    ("noon ON thanksgiving", "New York", "2026-01-02 00:00", "2026-11-26 12:00 -0500"),
    ("noon ON independence day", "New York", "2026-01-02 00:00", "2026-07-04 12:00 -0400"),
    ("noon ON holidays", "New York", "2026-07-02 13:00", "2026-07-03 12:00 -0400"),
    ("noon ON holidays", "nowhere", "2026-01-01 00:00", None),
    # polar day and night; the sun needs a place
    ("sunset", "Longyearbyen", "2026-05-01 00:00", "2026-08-25 23:51 +0200"),
    ("sunrise", "Longyearbyen", "2026-11-01 00:00", "2027-02-16 11:22 +0100"),
    ("sunset IN december", "Longyearbyen", "2026-05-01 00:00", None),
    ("sunset IN december OR noon ON fridays", "Longyearbyen", "2026-12-01 00:00",
     "2026-12-04 12:00 +0100"),
    ("sunset", "nowhere", "2026-05-01 00:00", None),
    # time variables
    ("bedtime", "nowhere", "2026-05-01 00:00", "2026-05-01 22:30 +0000"),
    ("10 minutes before bedtime ON fridays", "nowhere", "2026-05-01 00:00",
     "2026-05-01 22:20 +0000"),
    ("absent", "nowhere", "2026-05-01 00:00", None),
    ("absent OR noon", "nowhere", "2026-05-01 00:00", "2026-05-01 12:00 +0000"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "where", "after", "due"), NEXT, ids=[f"{row[0]}, {row[1]} {row[2]}" for row in NEXT]
)
def test_next_due(line: str, where: str, after: str, due: str | None) -> None:
    place = PLACES[where]
    start = datetime.fromisoformat(after).replace(tzinfo=place.zone)
    found = next_due(read(line), start, place, {"bedtime": 1350})
    shown = None if found is None else found.astimezone(place.zone).strftime("%Y-%m-%d %H:%M %z")
    assert shown == due


def test_a_variable_that_changes_changes_what_is_due() -> None:
    place, start = PLACES["nowhere"], datetime.fromisoformat("2026-05-01T12:00+00:00")
    schedule = read("bedtime")
    due = [next_due(schedule, start, place, {"bedtime": minutes}) for minutes in (721, 720, 719)]
    hours = [None if each is None else (each - start) / timedelta(minutes=1) for each in due]
    assert hours == [1, 1440, 1439]


def test_seconds_do_not_bring_a_minute_back_or_forward() -> None:
    place, noon = PLACES["nowhere"], datetime.fromisoformat("2026-05-01T12:00+00:00")
    before, behind = noon - timedelta(seconds=1), noon + timedelta(seconds=1)
    assert next_due(read("noon"), before, place) == noon
    assert next_due(read("noon"), behind, place) == noon + timedelta(days=1)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a zone"):
        next_due(read("noon"), datetime(2026, 5, 1), PLACES["nowhere"])
