"""What a finger does must come out of what a contact chatters, whatever the clock shows."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from myocan.edge.ports.button import Presses
from myocan.edge.ports.debounce import Debounce
from myocan.edge.ticks import PERIOD, ticks_add

QUIET_MS = 20
HOLD_MS = 800
DOUBLE_MS = 300

starts = st.integers(0, PERIOD - 1)
"""Ticks at the start: a clock that goes round in the middle must not matter."""

rests = st.integers(QUIET_MS + 1, 3000)
"""How long a contact stays where it is, in milliseconds, chatter not counted."""

chatter = st.lists(st.integers(1, QUIET_MS - 1), max_size=8).map(
    lambda gaps: gaps[: len(gaps) & ~1]
)
"""Gaps between the extra edges when a contact closes or opens: an even number of edges, so that it
ends where it was going, each too soon after the last one to count."""


def edges(start: int, moves: list[tuple[list[int], int]]) -> list[tuple[int, int]]:
    """Return (milliseconds, level) of each edge: per move a change, its chatter, and a rest."""
    now, level, found = start, 0, []
    for gaps, rest in moves:
        level = 1 - level
        found.append((now, level))
        for position, gap in enumerate(gaps):
            now += gap
            found.append((now, level ^ (position + 1) & 1))
        now += rest + QUIET_MS
    return found


def play(debounce: Debounce, start: int, played: list[tuple[int, int]], until: int) -> list[int]:
    """Feed each edge and every millisecond around it; return when the believed level changed."""
    changes = []
    raw, position = debounce.level, 0
    for now in range(until + 1):
        while position < len(played) and played[position][0] <= now:
            raw = played[position][1]
            position += 1
        if debounce.feed(raw, ticks_add(start, now)):
            changes.append(now)
    return changes


@given(starts, st.lists(st.tuples(chatter, st.integers(QUIET_MS + 1, 60)), max_size=6))
def test_each_move_is_one_change_and_counts_at_its_first_edge(
    start: int, moves: list[tuple[list[int], int]]
) -> None:
    played = edges(5, moves)
    until = played[-1][0] + 100 if played else 100
    changes = play(Debounce(0, QUIET_MS), start, played, until)
    first_edges = []
    now = 5
    for gaps, rest in moves:
        first_edges.append(now)
        now += sum(gaps) + rest + QUIET_MS
    assert changes == first_edges


@given(starts, st.lists(st.tuples(st.integers(0, 2 * QUIET_MS), st.integers(0, 1)), max_size=40))
def test_whatever_an_input_does_it_ends_believed_where_it_rests(
    start: int, noise: list[tuple[int, int]]
) -> None:
    now, played = 0, []
    for gap, level in noise:
        now += gap
        played.append((now, level))
    debounce = Debounce(0, QUIET_MS)
    changes = play(debounce, start, played, now + 2 * QUIET_MS)
    assert debounce.level == (played[-1][1] if played else 0)
    assert len(changes) % 2 == debounce.level
    assert not debounce.restless.on, "and nothing is due any more"


def test_a_tap_shorter_than_the_quiet_time_is_still_a_press_and_a_release() -> None:
    assert play(Debounce(0, QUIET_MS), 0, [(10, 1), (15, 0)], 100) == [10, 15 + QUIET_MS]


def test_chatter_that_never_rests_changes_nothing_after_the_first_edge() -> None:
    played = [(10 + 7 * n, (n + 1) & 1) for n in range(100)]
    assert play(Debounce(0, QUIET_MS), 0, played, 700) == [10]


def story(start: int, moves: list[tuple[int, int]], every: int = 1) -> list[tuple[int, str]]:
    """Return (milliseconds, event) for presses that last and pause for the given times."""
    told: list[tuple[int, str]] = []
    now = 0
    presses = Presses(HOLD_MS, DOUBLE_MS, lambda event: told.append((now, event)))
    until = 0
    for pressed, pause in moves:
        for level, length in ((1, pressed), (0, pause)):
            until += length
            while now < until:
                presses.feed(level, ticks_add(start, now))
                now += min(every, until - now)
    presses.feed(0, ticks_add(start, now))
    return told


@given(starts, st.lists(st.tuples(st.integers(1, 1700), st.integers(1, 700)), max_size=5))
def test_press_and_release_take_turns_and_hold_comes_exactly_with_long_ones(
    start: int, moves: list[tuple[int, int]]
) -> None:
    told = story(start, moves)
    plain = [event for _, event in told if event in ("press", "release")]
    assert plain == ["press", "release"] * len(moves)
    assert [event for _, event in told].count("hold") == sum(
        pressed >= HOLD_MS for pressed, _ in moves
    )
    now, expected = 0, []
    for pressed, pause in moves:
        expected += [(now, "press")]
        expected += [(now + HOLD_MS, "hold")] if pressed >= HOLD_MS else []
        expected += [(now + pressed, "release")]
        now += pressed + pause
    assert [each for each in told if each[1] != "double"] == expected


@given(starts, st.lists(st.tuples(st.integers(1, 1700), st.integers(1, 700)), max_size=6))
def test_double_is_the_second_of_two_short_presses_and_each_press_is_in_one_pair(
    start: int, moves: list[tuple[int, int]]
) -> None:
    second = False
    expected = []
    for number, (pressed, _) in enumerate(moves):
        pair = (
            number > 0
            and not second
            and moves[number - 1][1] <= DOUBLE_MS
            and moves[number - 1][0] < HOLD_MS
        )
        expected += ["press"] + ["double"] * pair
        expected += ["hold"] * (pressed >= HOLD_MS) + ["release"]
        second = pair
    assert [event for _, event in story(start, moves)] == expected


@given(starts, st.integers(1, 2000), st.integers(1, 600), st.integers(1, 400))
def test_how_often_the_loop_looks_changes_times_but_no_order(
    start: int, pressed: int, pause: int, every: int
) -> None:
    moves = [(pressed, pause), (pressed, pause)]
    events = [event for _, event in story(start, moves, every)]
    assert events.count("press") == events.count("release") == 2
    assert events[0] == "press"
    assert all(
        pair != ("release", "release") and pair != ("press", "press") for pair in pairwise(events)
    )
    holds = events.count("hold")
    assert holds == (2 if pressed >= HOLD_MS else 0)
