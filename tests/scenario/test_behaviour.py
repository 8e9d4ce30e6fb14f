"""What scenarios do: a table of modules, scenarios, and what comes of them.

`behaviour.cases` holds the table, see `playing.read_cases`.
"""

from __future__ import annotations

import pytest

from scenario.playing import Case, came_of, play, read_cases

TABLE = read_cases("behaviour.cases")


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_of_these_scenarios_comes(case: Case) -> None:
    assert [came_of(outcome) for outcome in play(case.modules, case.text)] == case.expected


def test_titles_are_unique() -> None:
    titles = [case.title for case in TABLE]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_it_comes_the_same_each_time(case: Case) -> None:
    def once() -> list[object]:
        return [outcome.failure for outcome in play(case.modules, case.text)]

    assert once() == once()
