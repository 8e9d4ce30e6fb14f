"""Durations as people write them."""

from __future__ import annotations

import pytest

from myocan.hub.durations import duration_text, parse_duration

DAY = 24 * 3_600_000


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("60 seconds", 60_000),
        ("24 hours", DAY),
        ("1 hour 30 minutes", 5_400_000),
        ("1.5h", 5_400_000),
        ("2 Days", 2 * DAY),
        ("250 ms", 250),
        (" 1 week ", 7 * DAY),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, ms: int) -> None:
    assert parse_duration(text, 0, 30 * DAY) == ms


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no duration; write one like"),
        ("60", "is no duration"),
        ("5 moons", "is no duration"),
        ("-5 s", "is no duration"),
        ("1 hour and more", "is no duration"),
        ("31 days", "is too long; the most is 30 days"),
        ("1 ms", "is too short; the least is 1 second"),
    ],
)
def test_what_is_none_is_told_and_how_one_is_written(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_duration(text, 1000, 30 * DAY)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0 seconds"),
        (70, "70 ms"),
        (1000, "1 second"),
        (3_900_000, "1 hour 5 minutes"),
        (DAY, "1 day"),
        (DAY + 3_600_000 + 1, "1 day 1 hour"),
    ],
)
def test_a_duration_is_shown_in_its_two_largest_units(ms: int, text: str) -> None:
    assert duration_text(ms) == text
