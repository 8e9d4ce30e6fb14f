"""Places where clocks and sun do odd things, and schedules drawn at random for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from myocan.hub.lang.schedules import (
    SEASONS,
    Alternative,
    Between,
    Bound,
    Condition,
    In,
    Moment,
    On,
    Place,
    Schedule,
)
from myocan.hub.lang.schedules.schedule import DAYS_IN_MONTH

PLACES = {
    "Berlin": Place(ZoneInfo("Europe/Berlin"), 52.5, 13.4, "DE"),
    "Athens": Place(ZoneInfo("Europe/Athens"), 38.0, 23.7, "GR"),
    "Belgrade": Place(ZoneInfo("Europe/Belgrade"), 44.8, 20.5, "RS"),
    "New York": Place(ZoneInfo("America/New_York"), 40.7, -74.0, "US"),
    "Sao Paulo": Place(ZoneInfo("America/Sao_Paulo"), -23.5, -46.6, "BR"),
    "St. John's": Place(ZoneInfo("America/St_Johns"), 47.6, -52.7, "CA"),
    "Lord Howe": Place(ZoneInfo("Australia/Lord_Howe"), -31.5, 159.1, "AU"),
    "Kathmandu": Place(ZoneInfo("Asia/Kathmandu"), 27.7, 85.3, ""),
    "Apia": Place(ZoneInfo("Pacific/Apia"), -13.8, -171.8, "WS"),
    "Honolulu": Place(ZoneInfo("Pacific/Honolulu"), 21.3, -157.9, "US"),
    "Longyearbyen": Place(ZoneInfo("Arctic/Longyearbyen"), 78.2, 15.6, "NO"),
    "Tromso": Place(ZoneInfo("Europe/Oslo"), 69.6, 18.9, "NO"),
    "Troll": Place(ZoneInfo("Antarctica/Troll"), -72.0, 2.5, ""),
    "pole": Place(ZoneInfo("UTC"), 90.0, 0.0, ""),
    "nowhere": Place(ZoneInfo("UTC")),
}

TURNS = {
    "Berlin": ("2026-03-29", "2026-10-25", "2027-12-25", "2028-02-29"),
    "New York": ("2026-03-08", "2026-11-01", "2026-12-31"),
    "Sao Paulo": ("2017-10-15", "2018-02-18", "2018-11-04", "2019-02-17"),
    "St. John's": ("2006-04-02", "2006-10-29", "1988-04-03"),  # at one minute past midnight
    "Lord Howe": ("2026-04-05", "2026-10-04", "1985-10-27"),  # by half an hour
    "Kathmandu": ("1986-01-01", "2026-05-01"),  # by a quarter
    "Apia": ("2011-12-30", "2011-09-24", "2012-04-01"),  # a whole day
    "Honolulu": ("2026-06-21",),
    "Longyearbyen": ("2026-03-29", "2026-04-18", "2026-08-24", "2026-10-26", "2027-02-15"),
    "Tromso": ("2026-05-17", "2026-07-26", "2026-11-26", "2027-01-15"),
    "Troll": ("2026-03-29", "2026-10-25", "2026-05-10", "2026-11-10"),  # by two hours
    "pole": ("2026-03-19", "2026-09-24", "2026-12-21"),
    "nowhere": ("2028-02-28", "2027-04-01"),
}
"""Days on which clocks or the sun change their ways."""

VARIABLES = {"bedtime": 1350, "wake": 150, "first": 0, "last": 1439}

ODD_MINUTES = (0, 1, 29, 30, 59, 60, 61, 119, 120, 121, 150, 179, 180, 720, 1381, 1410, 1438, 1439)

moments = st.one_of(
    st.builds(Moment, st.just("clock"), st.sampled_from(ODD_MINUTES) | st.integers(0, 1439)),
    st.sampled_from((Moment("sunrise"), Moment("sunset"))),
    st.builds(
        lambda name: Moment("variable", variable=name), st.sampled_from((*VARIABLES, "absent"))
    ),
)
offsets = (
    st.just(0) | st.sampled_from((-1500, -1440, -61, -1, 1, 60, 90, 1440)) | st.integers(-800, 800)
)


def _month_day(near: datetime) -> st.SearchStrategy[tuple[int, int]]:
    return st.one_of(
        st.integers(-4, 8).map(
            lambda days: ((near + timedelta(days)).month, (near + timedelta(days)).day)
        ),
        st.integers(1, 12).flatmap(
            lambda month: st.tuples(st.just(month), st.integers(1, DAYS_IN_MONTH[month - 1]))
        ),
    )


def conditions(near: datetime) -> st.SearchStrategy[Condition]:
    """Draw a condition that may well change within days of `near`."""
    names = st.frozensets(
        st.sampled_from(("christmas", "easter", "holidays", "new years day")), max_size=2
    )
    days = st.frozensets(st.integers(0, 6), max_size=4)
    dates = st.frozensets(_month_day(near), max_size=3)
    months = st.frozensets(st.integers(1, 12) | st.just(near.month), max_size=6)
    years = st.frozensets(st.integers(near.year - 1, near.year + 1), max_size=1)
    seasons = st.frozensets(st.sampled_from(SEASONS), max_size=2)
    day = _month_day(near)
    year = st.just(0) | st.integers(near.year - 1, near.year + 1)
    return st.one_of(
        st.tuples(days, dates, names).filter(any).map(lambda parts: On(*parts)),
        st.tuples(months, seasons, years).filter(any).map(lambda parts: In(*parts)),
        st.builds(Between, day, day),
        st.builds(Bound, st.booleans(), day, year),
    )


def alternatives(near: datetime) -> st.SearchStrategy[Alternative]:
    """Draw a moment, an offset and conditions, mostly few."""
    some = st.lists(conditions(near), max_size=2).map(tuple)
    return st.builds(Alternative, moments, offsets, some)


def schedules(near: datetime) -> st.SearchStrategy[Schedule]:
    """Draw a schedule of a few alternatives."""
    several = st.lists(alternatives(near), min_size=1, max_size=3).map(tuple)
    return st.builds(Schedule, several)


@st.composite
def starts(draw: st.DrawFn, name: str) -> datetime:
    """Draw a time near one of a place's odd days, or any."""
    day = draw(
        st.sampled_from(TURNS[name]).map(datetime.fromisoformat)
        | st.integers(0, 365 * 60).map(lambda days: datetime(1975, 1, 1) + timedelta(days))
    )
    seconds = draw(st.integers(-2 * 1440, 1440)) * 60 + draw(st.sampled_from((0, 0, 1, 59)))
    return day.replace(tzinfo=UTC) + timedelta(seconds=seconds)
