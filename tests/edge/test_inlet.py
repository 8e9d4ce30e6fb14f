"""What a port takes, and when: the rules at the top of inlet.py, one by one and all together."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from myocan.edge.errors import Refused
from myocan.edge.inlet import Inlet
from myocan.edge.ports.port import Port


class Shelf(Port):
    """A port that keeps what it takes. It refuses "no"; its safe value is "safe"."""

    def __init__(self, hold_s: float | None) -> None:
        super().__init__({"name": "shelf", "hold_s": hold_s}, None)  # type: ignore[arg-type]
        self.taken: list[Any] = ["safe"]

    def take(self, value: Any) -> None:
        if value == "no":
            raise Refused("the shelf refuses no")
        self.taken.append(value)

    def make_safe(self) -> None:
        self.taken.append("safe")


def inlet(hold_s: float | None = None) -> tuple[Inlet, list[Any], list[str]]:
    """Return an inlet at the start of its board, what its port shows, and its remarks."""
    port = Shelf(hold_s)
    remarks: list[str] = []
    made = Inlet(port, remarks.append)
    made.hub_lost(0)
    return made, port.taken, remarks


def test_a_retained_value_is_taken_before_the_hub_is_heard() -> None:
    way, shown, _ = inlet()
    assert way.offer((1, 5), "on")
    assert shown[-1] == "on"


@pytest.mark.parametrize("mark", [(2, 9), (2, 10), (1, 11)], ids=str)
def test_what_is_not_newer_changes_nothing(mark: tuple[int, int]) -> None:
    way, shown, _ = inlet()
    way.offer((2, 10), "on")
    assert not way.offer(mark, "off")
    assert shown[-1] == "on"


@pytest.mark.parametrize("mark", [(2, 11), (3, 1)], ids=str)
def test_a_higher_offset_or_incarnation_is_newer(mark: tuple[int, int]) -> None:
    way, shown, _ = inlet()
    way.offer((2, 10), "on")
    assert way.offer(mark, "off")
    assert shown[-1] == "off"


def test_a_port_with_a_hold_time_falls_back_when_it_is_over_and_not_before() -> None:
    way, shown, _ = inlet(5)
    way.offer((1, 1), "on")
    way.hub_back()
    way.hub_lost(1000)
    assert not way.step(5999)
    assert shown[-1] == "on"
    assert way.step(6000)
    assert shown[-1] == "safe"
    assert not way.step(60_000)


def test_a_hub_that_is_back_in_time_saves_the_value() -> None:
    way, shown, _ = inlet(5)
    way.offer((1, 1), "on")
    way.hub_back()
    way.hub_lost(1000)
    way.hub_back()
    assert not way.step(100_000)
    assert shown[-1] == "on"


def test_a_fallen_port_takes_a_retained_value_only_when_the_hub_is_back() -> None:
    way, shown, _ = inlet(0)
    way.step(0)
    way.offer((1, 1), "on")
    assert shown[-1] == "safe"
    way.hub_back()
    assert shown[-1] == "on"


def test_a_fallen_port_takes_what_it_had_taken_before_if_it_is_sent_again() -> None:
    way, shown, _ = inlet(0)
    way.offer((1, 1), "on")
    way.hub_back()
    way.hub_lost(10)
    way.step(10)
    way.offer((1, 1), "on")
    way.hub_back()
    assert shown == ["safe", "on", "safe", "on"]


def test_a_fallen_port_does_not_go_back_to_a_value_of_another_connection() -> None:
    way, shown, _ = inlet(0)
    way.offer((1, 1), "on")
    way.hub_back()
    way.hub_lost(10)
    way.step(10)
    way.hub_back()
    assert shown[-1] == "safe", "the broker has no value any more, so nobody wants it on"


def test_a_refused_value_is_remarked_and_leaves_the_port_as_it_is() -> None:
    way, shown, remarks = inlet()
    way.offer((1, 1), "on")
    way.offer((1, 2), "no")
    assert shown[-1] == "on"
    assert remarks == ["the shelf refuses no"]


def test_after_forgetting_any_mark_is_new() -> None:
    way, shown, _ = inlet()
    way.offer((57, 1000), "on")
    way.forget()
    assert way.offer((1, 3), "off")
    assert shown[-1] == "off"


class Model(RuleBasedStateMachine):
    """Any order of messages, losses and time: the port shows what the rules say."""

    @initialize(hold_ms=st.sampled_from([None, 0, 50]))
    def start(self, hold_ms: int | None) -> None:
        self.hold_ms = hold_ms
        self.now = 0
        self.way, self.shown, _ = inlet(None if hold_ms is None else hold_ms / 1000)
        self.newest = (-1, -1)
        self.value: Any = "safe"
        self.wish: Any = None
        self.heard = self.fallen = False
        self.lost_at: int | None = 0

    @rule(offset=st.integers(0, 6), incarnation=st.integers(1, 2))
    def message(self, offset: int, incarnation: int) -> None:
        mark = (incarnation, offset)
        value = f"{incarnation}.{offset}"  # a mark means one message, for ever
        self.way.offer(mark, value)
        if mark >= self.newest:
            self.wish = value
            if (self.fallen and self.heard) or (not self.fallen and mark > self.newest):
                self.value, self.fallen = value, False
            self.newest = mark

    @rule()
    def hub_lost(self) -> None:
        self.way.hub_lost(self.now)
        self.heard, self.wish, self.lost_at = False, None, self.now

    @rule()
    def hub_back(self) -> None:
        self.way.hub_back()
        self.heard, self.lost_at = True, None
        if self.fallen and self.wish is not None:
            self.value, self.fallen = self.wish, False

    @rule(ms=st.integers(0, 60))
    def time_passes(self, ms: int) -> None:
        self.now += ms
        self.way.step(self.now)
        if (
            self.hold_ms is not None
            and self.lost_at is not None
            and not self.fallen
            and self.now - self.lost_at >= self.hold_ms
        ):
            self.value, self.fallen, self.lost_at = "safe", True, None

    @invariant()
    def it_shows_what_the_rules_say(self) -> None:
        assert self.shown[-1] == self.value


Model.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
test_in_any_order_a_port_shows_what_the_rules_say = Model.TestCase
