"""Simulated houses: their books balance, and those of hubs that break a promise do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.mutants import MUTANTS, Mutant, say_no_values_again
from myocan.tools.chaos.simulation import Course, Strike, draw, search, shrunk
from support.command_line import run_myocan

SEEDS = range(1, 41)
LIMIT = 120
"""So many seeds may pass before a mutant is found."""
SLOW = Strike(0.2, "slow disk", 30.0, 0)
STRUCK = {
    "acknowledge_before_the_sync": [SLOW, Strike(2.0, "cut power", 30, 0)],
    "live_on_as_the_same_incarnation": [
        SLOW,
        Strike(1.5, "blackout", 1, 0),
        Strike(3.5, "blackout", 1, 0),
    ],
}
"""What befalls the house of a mutant that chance finds late; others are struck as the seeds say."""


@pytest.fixture(scope="module")
def course() -> Iterator[Course]:
    with Course() as made:
        yield made


def test_the_books_balance(course: Course) -> None:
    done = search(SEEDS)
    assert done.failed is None
    assert done.seeds == len(SEEDS)
    assert min(done.kills, done.power_cuts) > 10


def test_a_seed_has_one_course(course: Course) -> None:
    first, again = course.run(7), course.run(7)
    assert first == again
    assert first.points > 100


@pytest.mark.parametrize("strikes", STRUCK.values(), ids=STRUCK)
def test_the_books_of_an_honest_hub_balance_where_mutants_are_struck(
    strikes: list[Strike], course: Course
) -> None:
    assert [course.run(seed, strikes).faults for seed in (1, 2, 3)] == [[], [], []]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_hub_that_breaks_a_promise_is_found(
    mutant: Mutant, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    strikes = STRUCK.get(mutant.__name__)
    assert any(course.run(seed, strikes).faults for seed in range(1, 1 + LIMIT))


def test_what_does_not_matter_is_left_out(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    say_no_values_again(monkeypatch)
    failed = course.run(9)
    assert failed.faults
    least = shrunk(course, failed)
    assert least.faults
    assert len(least.strikes) <= 1 < len(failed.strikes)


def test_the_broker_forgets_what_a_power_cut_took_back(course: Course) -> None:
    # A reading that was published, then lost with the hub's power and the board's.
    strikes = [draw(10625)[place] for place in (1, 4)]
    assert course.run(10625, strikes).faults == []


def test_the_command_line_simulates_from_a_seed(tmp_path: Path) -> None:
    done = run_myocan("chaos", "--simulate", "2", "--seed", "5", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["seeds"], told["failed"]) == (2, None)
    done = run_myocan("chaos", "--simulate", "1", "--strikes", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert len(draw(5)) >= 1
