"""A log that is computed again in batches is the log to the letter, and no other one is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import houses
from core.agreement import Pair
from core.assemble import deliver, keyed_changes_of, keyed_rows_of
from core.reference import Message, TooLong
from myocan.hub.core import Core
from myocan.hub.core.recorded import Recorded, Row

Name = tuple[str, str, str]


class Log:
    """Rows as a hub writes them, with numbers of their own for names and producers."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._numbers: dict[Any, int] = {}
        self._known: list[Any] = []

    def write(self, core: Core, messages: Sequence[Message], now_ms: int) -> None:
        """Let a core run messages as one batch; add what it says."""
        start = len(self.rows) + 1
        deliver(core, messages, now_ms, start)
        changes: dict[int, list[str]] = {}
        for row, module, variable, key, text in keyed_changes_of(core):
            number = self.number_of((module, variable, key), True)
            said = f"-{number},null" if text is None else f"{number},{text}"
            changes.setdefault(row, []).append(said)
        for row, (topic, text, producer, cause, line, key) in enumerate(keyed_rows_of(core)):
            domain, module, variable = topic
            name = self.number_of((f"{domain}.{module}" if domain else module, variable, key), True)
            said_by: Any = producer
            came_from = start + cause
            ts = None
            if isinstance(producer, int):
                message = messages[-1 - producer]
                said_by, came_from, ts = message.producer, None, message.stamp
            changed = f"[{','.join(changes[row])}]" if row in changes else None
            number = self.number_of(said_by, True)
            place = line or None if came_from else None
            self.rows.append(
                (start + row, now_ms, name, text, number, came_from, place, ts, changed)
            )

    def number_of(self, key: Any, new: bool = False) -> int:
        if new and key not in self._numbers:
            self._numbers[key] = len(self._known)
            self._known.append(key)
        return self._numbers.get(key, -1)

    def again(self, core: Core, rows: Sequence[Row]) -> list[tuple[int, int, int, int]]:
        """Return the groups of these rows that another core computes otherwise."""
        known = self._known.__getitem__
        recorded = Recorded(core, known, known, self.number_of, self.number_of)
        recorded.feed(list(rows), recorded.inputs(list(rows)))
        return recorded.differing(list(rows))


def changed(row: Row, column: int) -> Row:
    """Return a row with something else in a column."""
    other: Any = {3: '"else"', 8: '[0,"else"]'}.get(column)
    if other is None:
        other = (row[column] or 0) + 1
    elif other == row[column]:
        other = '"less"'
    return (*row[:column], other, *row[column + 1 :])  # type: ignore[return-value]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), most=st.integers(1, 6))
def test_a_log_is_computed_again_in_one_batch(data: Any, most: int) -> None:
    modules = data.draw(houses.drawn(houses.modules))
    pair = Pair(modules, Core())
    core, other, log = Core(), Core(), Log()
    for one in (core, other):
        one.link(pair.core.programs)
    now = houses.START_MS[1]
    for _ in range(most):
        now += data.draw(st.sampled_from((0, 1, 1000, 2000)))
        messages = data.draw(houses.drawn(houses.messages, modules))
        try:
            pair.house.take(messages, now, 0)
        except TooLong:
            break
        log.write(core, messages, now)
    assert log.again(other, log.rows) == []
    assert other.snapshot() == core.snapshot()
    followed = [place for place, row in enumerate(log.rows) if row[5] is not None]
    if followed:
        place = data.draw(st.sampled_from(followed))
        column = data.draw(st.sampled_from((0, 1, 2, 3, 4, 5, 6, 8)))
        fresh = Core()
        fresh.link(pair.core.programs)
        rows = [*log.rows]
        rows[place] = changed(rows[place], column)
        ((start, end, *_),) = log.again(fresh, rows)
        assert start < place < end
