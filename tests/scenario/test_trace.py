"""What is told when a scenario fails, word for word.

`trace.cases` holds the table, see `playing.read_cases`.
"""

from __future__ import annotations

import pytest

from scenario.playing import Case, play, read_cases

TABLE = read_cases("trace.cases")


def told(case: Case) -> list[str]:
    """Return what is told of the scenarios of a case, all of which fail."""
    lines: list[str] = []
    for outcome in play(case.modules, case.text):
        assert outcome.failure is not None
        lines += [line.rstrip() for line in outcome.failure.told(outcome.file)]
    return lines


@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title)
def test_of_a_failure_is_told(case: Case) -> None:
    assert told(case) == case.expected


def test_a_trace_of_very_much_is_cut() -> None:
    modules = {
        "busy": "MODULE busy\nSUBSCRIBE press\nPUBLIC count 0\nPUBLIC other 0\n"
        + "".join(f"ON press\n  AND count == {n}\n  THEN count++\n" for n in range(150))
    }
    text = "SCENARIO a\n" + "  SEND busy.press\n" * 140 + "  EXPECT busy.count = 0\n"
    (outcome,) = play(modules, text)
    assert outcome.failure is not None
    assert len(outcome.failure.trace) == 81
    assert outcome.failure.trace[0] == "…"
    assert outcome.failure.trace[-1].endswith("publishes busy.count = 140")
