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


def test_a_trace_of_a_loop_that_branches_is_cut() -> None:
    def doubling(name: str, other: str) -> str:
        ons = "".join(f"ON {other}.{v}\n  THEN activate(x)\n  THEN activate(y)\n" for v in "xy")
        declared = f"SUBSCRIBE {other}.x\nSUBSCRIBE {other}.y\nPUBLIC x\nPUBLIC y\n"
        return f"MODULE {name}\n{declared}{ons}"

    modules = {"a": doubling("a", "b"), "b": doubling("b", "a")}
    (outcome,) = play(modules, "SCENARIO a\n  SEND b.x\n  EXPECT NO RECORDS\n")
    assert outcome.failure is not None
    assert outcome.failure.seen.count("look for modules that feed each other in a loop") <= 5
    assert len(outcome.failure.trace) == 81
