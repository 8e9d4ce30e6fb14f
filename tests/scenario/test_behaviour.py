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


def test_a_scenario_in_which_too_much_comes_due_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("myocan.hub.scenario.world.MAX_DUE", 100)
    clock = "MODULE m\nSUBSCRIBE go\nTIMER t 1 s\nON go OR t\n  THEN start(t)\n"
    (outcome,) = play({"m": clock}, "SCENARIO a\nSEND m.go\nADVANCE 520 weeks\nEXPECT NO RECORDS\n")
    assert came_of(outcome) == (
        "line 3: expected an end; seen more than 100 timers and ATs come due in this scenario; "
        "advance less, or look for timers that start each other"
    )
