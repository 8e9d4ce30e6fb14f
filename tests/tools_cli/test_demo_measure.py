"""The demo's numbers: what counts as lost, as doubled, and what a percentile is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from myocan.tools.demo.measure import Summary, percentile, summarize

PARTS = {"broker": "mosquitto", "runtime": "MicroPython", "core": "compiled"}


@pytest.mark.parametrize(
    ("presses", "logged", "followed", "changes", "expected"),
    [
        (3, 3, 3, 3, (3, 0, 0, True)),
        (3, 2, 2, 2, (2, 1, 0, False)),
        (3, 4, 3, 3, (3, 0, 1, False)),
        (3, 3, 3, 5, (3, 0, 2, False)),
        (3, 3, 2, 2, (2, 0, 0, False)),
    ],
)
def test_a_run_is_flawless_only_if_every_press_counted_once_and_switched(
    presses: int, logged: int, followed: int, changes: int, expected: tuple[int, int, int, bool]
) -> None:
    summary = summarize(presses, logged, [1_000_000] * followed, changes, **PARTS)
    assert (summary.switched, summary.lost, summary.duplicated, summary.flawless) == expected


def test_the_json_object_has_the_promised_keys_in_order() -> None:
    summary = summarize(2, 2, [1_500_000, 2_500_000], 2, **PARTS)
    assert list(summary.plain()) == [
        "presses", "switched", "lost", "duplicated", "p50_ms", "p99_ms", "broker", "runtime", "core"
    ]  # fmt: skip
    assert (summary.p50_ms, summary.p99_ms) == (1.5, 2.5)


def test_without_a_single_change_there_are_no_times() -> None:
    summary = summarize(1, 0, [], 0, **PARTS)
    assert isinstance(summary, Summary)
    assert (summary.p50_ms, summary.p99_ms) == (None, None)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1))
def test_a_percentile_is_the_smallest_measured_value_that_the_share_does_not_exceed(
    values: list[float], share: float
) -> None:
    values.sort()
    found = percentile(values, share)
    assert found in values
    assert sum(v <= found for v in values) >= share * len(values)
    assert sum(v < found for v in values) <= share * len(values)
