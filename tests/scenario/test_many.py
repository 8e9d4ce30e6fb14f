"""Many scenarios: whoever runs them, what comes of them is the same, and in the same order."""

from __future__ import annotations

from dataclasses import replace

from myocan.hub.scenario import Job, Outcome, read_scenarios, run_scenarios
from scenario.playing import cast_of, read_cases

CASES = read_cases("behaviour.cases") + read_cases("trace.cases")


def jobs() -> list[Job]:
    """Return the scenarios of all tables, each table with a house of its own."""
    found: list[Job] = []
    for case in CASES:
        cast = cast_of(case.modules)
        read = read_scenarios(case.text, f"{case.title}.scenario", cast)
        found += [(scenario, cast) for scenario in read.scenarios]
    return found


def without_time(outcomes: list[Outcome]) -> list[Outcome]:
    return [replace(outcome, seconds=0.0) for outcome in outcomes]


def test_processes_answer_as_one_does() -> None:
    work = jobs()
    alone = without_time(list(run_scenarios(work, workers=1)))
    shared = without_time(list(run_scenarios(work, workers=2, alone_s=0.0)))
    assert len(alone) == len(work) > 50
    assert shared == alone


def test_no_process_is_started_for_a_few() -> None:
    work = jobs()[:1]
    assert [outcome.passed for outcome in run_scenarios(work, workers=2, alone_s=0.0)] == [True]


def test_nothing_to_run_is_nothing() -> None:
    assert list(run_scenarios([])) == []
