"""Simulated houses: their books balance, and those of hubs that break a promise do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from chaos.mutants import MUTANTS, Mutant, say_no_values_again
from myocan.tools.chaos.simulation import Course, draw, search, shrunk
from support.command_line import run_myocan

SEEDS = range(1, 51)
LIMIT = 120
"""So many seeds may pass before a mutant is found."""
LIKELY = {
    "acknowledge_before_the_sync": 30,
    "live_on_as_the_same_incarnation": 125,
}
"""Where the search for a mutant begins, so that the test is short; others begin with 1."""


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


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_hub_that_breaks_a_promise_is_found(
    mutant: Mutant, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    first = LIKELY.get(mutant.__name__, 1)
    assert any(course.run(seed).faults for seed in range(first, first + LIMIT))


def test_what_does_not_matter_is_left_out(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    say_no_values_again(monkeypatch)
    failed = course.run(9)
    assert failed.faults
    least = shrunk(course, failed)
    assert least.faults
    assert len(least.strikes) <= 1 < len(failed.strikes)


def test_the_command_line_simulates_from_a_seed(tmp_path: Path) -> None:
    done = run_myocan("chaos", "--simulate", "2", "--seed", "5", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["seeds"], told["failed"]) == (2, None)
    done = run_myocan("chaos", "--simulate", "1", "--strikes", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert len(draw(5)) >= 1
