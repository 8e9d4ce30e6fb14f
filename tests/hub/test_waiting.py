"""What rules wait for: which ATs and timers are told, and in which words."""

from __future__ import annotations

import pytest

from myocan.hub.calendar import place_of
from myocan.hub.core.linker import fold
from myocan.hub.history.past import Past
from myocan.hub.history.waiting import MOST, Publisher, waiting
from myocan.hub.house import House
from myocan.hub.lang import compile_module
from myocan.hub.scenario import Cast
from support.clock import ms

RULES = """MODULE lamp[place]
SUBSCRIBE press[place]
PUBLIC state[place] {off, on}
PUBLIC count 0
TIMER late[place] 5 minutes
TIMER hour 1 hour
ON press[place]
  THEN next(state[place])
  THEN start(late[place])
ON late[place]
  AND state[place].on
  THEN state[place]=off
ON late[place]
  THEN log("dark", place)
ON hour
  THEN count++
  THEN start(hour)
"""
PYTHON = """from myocan.hub import Module, on, timer


class Lamp(Module):
    state: bool = False
    late = timer("5 minutes")

    @on("lamp.press")
    def pressed(self):
        self.late.start()

    @on("late")
    def dark(self):
        self.state = False
"""


def told(
    source: str, topic: str, timers: dict[tuple[str, str], str], key: str = "", at: str = "20:00"
) -> list[str]:
    """Return what a topic of `lamp` waits for, at a time of a day, while these timers run."""
    compiled = compile_module(source, "lamp")
    assert compiled.program is not None, compiled.diagnostics
    variables = {fold(one.name): one for one in compiled.program.variables}
    state = {("lamp", *name): f"{ms(f'2027-06-01T{due}')}" for name, due in timers.items()}
    return list(
        waiting(
            [Publisher(compiled.program, variables[topic], source)],
            Past(1, state),
            key,
            ms(f"2027-06-01T{at}"),
            lambda programs, sources: Cast(programs, place_of(House()), sources),
        )
    )


@pytest.mark.parametrize(
    ("timers", "topic", "key", "lines"),
    [
        ({}, "state", "hall", []),
        (
            {("late", "hall"): "20:05", ("late", "attic"): "20:01", ("hour", ""): "20:30"},
            "state",
            "hall",
            ["lamp.scc:10: ON late[place] waits for its timer, which runs out on 2027-06-01 20:05"],
        ),
        (
            {("late", "hall"): "19:55"},
            "state",
            "hall",
            [
                "lamp.scc:10: ON late[place] waits for its timer, "
                "which was due on 2027-06-01 19:55, and the hub has not come to it yet"
            ],
        ),
        (
            {("late", "hall"): "20:05", ("hour", ""): "20:30"},
            "count",
            "",
            ["lamp.scc:15: ON hour waits for its timer, which runs out on 2027-06-01 20:30"],
        ),
    ],
)
def test_of_the_timers_that_run_those_are_told_whose_rules_say_the_topic(
    timers: dict[tuple[str, str], str], topic: str, key: str, lines: list[str]
) -> None:
    assert told(RULES, topic, timers, key) == lines


def test_a_method_waits_for_its_timer_like_a_rule() -> None:
    assert told(PYTHON, "state", {("late", ""): "20:05"}) == [
        'lamp.py:12: @on("late") waits for its timer, which runs out on 2027-06-01 20:05'
    ]


def test_of_very_many_the_first_are_told() -> None:
    times = "".join(
        f"AT {hour:02}:{minute}\n  THEN state.on\n" for hour in range(10) for minute in (15, 30, 45)
    )
    lines = told(f"MODULE lamp\nPUBLIC state {{off, on}}\n{times}", "state", {})
    assert len(lines) == MOST + 1
    assert lines[-1] == "…"
