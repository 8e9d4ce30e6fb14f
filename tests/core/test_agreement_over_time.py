"""A house that lives: messages, new programs, a new process, a compaction, in any order.

The one idea: whatever is done to a core between two batches, it goes on as the reference does,
which knows of programs and messages only. So it does however few instances it holds in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from core import houses
from core.agreement import Pair
from core.reference import Message, Module, TooLong
from myocan.hub.core import Core
from myocan.hub.core.variables import MAX_POOL


class LivingHouse(RuleBasedStateMachine):
    """Modules in both, and what may happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.modules: dict[str, Module] = {}
        self.now = houses.START_MS[1]
        self.compacted = False
        self.over = False  # a loop was longer than anyone wants to wait for

    @initialize(data=st.data(), short=st.booleans(), most=st.sampled_from((None, 1, 3)))
    def begins(self, data: Any, short: bool, most: int | None) -> None:
        found = data.draw(houses.drawn(houses.modules))
        self.modules = {module.name: module for module in found}
        self.pair = Pair(list(self.modules.values()), Core(), short, most)

    @precondition(lambda self: self.modules and not self.over)
    @rule(data=st.data(), later=st.sampled_from((0, 1, 1000, 2000)))
    def takes(self, data: Any, later: int) -> None:
        self.now += later
        modules = list(self.modules.values())
        self.is_given(data.draw(houses.drawn(houses.messages, modules)))

    @precondition(lambda self: self.modules and not self.over)
    @rule(data=st.data())
    def has_instances(self, data: Any) -> None:
        self.is_given(data.draw(houses.drawn(houses.births, list(self.modules.values()))))

    @precondition(lambda self: not self.over)
    @rule()
    def waits_for_its_timers(self) -> None:
        due = self.pair.house.timers()
        self.now = max([self.now, *(at for at, _ in due)])
        self.is_given([message for _, message in due])

    def is_given(self, messages: Sequence[Message]) -> None:
        try:
            self.pair.take(messages, self.now)
        except TooLong:
            self.over = True

    @precondition(lambda self: not self.over)
    @rule(data=st.data(), name=st.sampled_from(houses.NAMES))
    def is_given_another_program(self, data: Any, name: str) -> None:
        heard = data.draw(houses.drawn(houses.heard_of, list(self.modules.values())))
        self.modules[name] = data.draw(houses.drawn(houses.module, name, heard))
        self.pair.link(list(self.modules.values()))

    @precondition(lambda self: len(self.modules) > 1 and not self.over)
    @rule(data=st.data())
    def loses_a_program(self, data: Any) -> None:
        del self.modules[data.draw(st.sampled_from(sorted(self.modules)))]
        self.pair.link(list(self.modules.values()))

    @precondition(lambda self: not self.over)
    @rule()
    def goes_on_in_another_process(self) -> None:
        self.pair.move(Core())

    @precondition(lambda self: not self.compacted and not self.over)
    @rule()
    def forgets_texts(self) -> None:
        for number in range(MAX_POOL + 1000):  # more than keys, which do not count
            self.pair.core.intern(f"text {number}")
        assert self.pair.core.compact()
        self.compacted = True
        self.pair.check_state()


TestLivingHouse = LivingHouse.TestCase
TestLivingHouse.settings = settings(
    max_examples=25,
    stateful_step_count=10,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
