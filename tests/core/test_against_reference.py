"""The core does what a plain interpreter of the rules does, on random houses."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from core import reference as ref
from core.assemble import assemble, batch, changes_of, held, rows_of
from core.houses import Case, cases
from myocan.hub.core import Core

RECORDS = ("rejected", "failed", "unhandled")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_rows_changes_records_and_variables_are_those_of_the_reference(case: Case) -> None:
    core = Core()
    programs = [assemble(module, case.short) for module in case.modules]
    core.link(programs)
    house = ref.House(case.modules)
    for messages, now, relink in zip(case.batches, case.times, case.relink, strict=True):
        if relink:
            core.link(programs[::-1])
        try:
            house.take(messages, now)
        except ref.TooLong:
            assume(False)
        assert core.run(*batch(core, messages), now) == len(house.rows)
        seen = map(without_words, rows_of(core), house.rows)
        assert list(seen) == [
            (row.topic, row.text, row.producer, row.cause, row.line) for row in house.rows
        ]
        assert changes_of(core) == [
            (row, module, ref.fold(name), text) for row, module, name, text in house.changes
        ]
        check_variables(core, house)


def without_words(seen: tuple[Any, ...], row: ref.Row) -> tuple[Any, ...]:
    """Return a row as it is, but of a record the line that its words name, instead of the words."""
    topic, text, producer, cause, _line = seen
    if row.text is None and topic[1] == "$log" and topic[2] in RECORDS:
        place = f'"{producer}.scc:{row.line}: ' if row.line else f'"{producer}.scc has no such AT'
        if text.startswith(place) or (topic[2] == "failed" and "was not passed on" in text):
            return (topic, None, producer, cause, row.line)
    return seen


def check_variables(core: Core, house: ref.House) -> None:
    assert core.snapshot() == {
        (module, ref.fold(name), ""): ref.json_text(house.state[module][name])
        for module, names in house.written.items()
        for name in names
    }
    for module, state in house.state.items():
        for name, value in state.items():
            assert held(core, module, ref.fold(name)) == ref.json_text(value)
