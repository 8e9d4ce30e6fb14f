"""What is promised of every file of scenarios, whatever stands in it."""

from __future__ import annotations

import json
import re
from functools import cache

from myocan.hub.lang import Diagnostic
from myocan.hub.scenario import (
    Cast,
    Outcome,
    format_scenarios,
    read_scenarios,
    run_scenario,
)
from scenario.playing import cast_of, modules_of
from scenario.telling import HOUSE


@cache
def _cast() -> Cast:
    return cast_of(modules_of(HOUSE))


def scenarios_answered(source: str | bytes) -> tuple[list[Diagnostic], list[Outcome]]:
    """Read and play scenarios of a small house, and hold the answers to what is promised."""
    read = read_scenarios(source, "m.scenario", _cast())
    text = source if isinstance(source, str) else source.decode("utf-8", "replace")
    for diagnostic in read.diagnostics:
        assert diagnostic.line >= 1
        assert 1 <= diagnostic.column < diagnostic.end_column
        assert str(diagnostic).isprintable()
        assert diagnostic.render(text).startswith(str(diagnostic))
        json.dumps(diagnostic.as_dict())
    outcomes = [run_scenario(scenario, _cast()) for scenario in read.scenarios]
    for outcome in outcomes:
        if outcome.failure is not None:
            assert outcome.failure.told(outcome.file)
    return read.diagnostics, outcomes


def scenarios_formatted(source: str | bytes) -> str | None:
    """Format scenarios and hold the answer to what is promised; None where they are left alone."""
    answer = format_scenarios(source, "m.scenario")
    assert (answer.text is None) == bool(answer.diagnostics)
    if answer.text is None:
        return None
    assert format_scenarios(answer.text, "m.scenario").text == answer.text
    assert not re.search(r"[ \t]$|\r|\n\n\n|\A\n|\n\n\Z", answer.text, re.M)
    before = read_scenarios(source, "m.scenario", _cast())
    after = read_scenarios(answer.text, "m.scenario", _cast())
    assert [_said(d) for d in after.diagnostics] == [_said(d) for d in before.diagnostics]
    assert [one.title for one in after.scenarios] == [one.title for one in before.scenarios]
    return answer.text


def _said(diagnostic: Diagnostic) -> str:
    """Return a message without the numbers of lines, and words of the text in any case."""
    return re.sub("line [0-9]+| ", "", diagnostic.message).casefold()
