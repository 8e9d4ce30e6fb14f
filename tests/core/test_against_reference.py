"""The core does what a plain interpreter of the rules does, on random houses."""

from __future__ import annotations

from hypothesis import HealthCheck, assume, given, settings

from core import reference as ref
from core.agreement import Pair
from core.houses import Case, cases
from myocan.hub.core import Core


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_rows_changes_records_and_variables_are_those_of_the_reference(case: Case) -> None:
    agree(case, Pair(case.modules, Core(), case.short))


def agree(case: Case, pair: Pair) -> None:
    """Play a case in both, and compare."""
    for messages, now, relink in zip(case.batches, case.times, case.relink, strict=True):
        if relink:
            pair.link(case.modules[::-1])
        try:
            pair.take(messages, now)
        except ref.TooLong:
            assume(False)
