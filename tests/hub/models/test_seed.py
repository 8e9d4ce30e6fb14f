"""What the text that state models come from says, claim by claim, and the test that holds it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent

CLAIMS = (
    # Why
    ("components communicate by models that all of them know", "several_models_become_true"),
    ("it is not a state machine: any value may follow any other", "a_copy_can_be_committed_again"),
    # Background
    ("several parts change one state, and all are told", "subscribers_are_told_in_order"),
    ("what a change was is told with it: old and new", "subscribers_are_told_in_order"),
    ("REST and cloud do not know each other", "the_kettle_remembers"),
    ("state is cached when a model is updated", "the_log_says_what_was_committed"),
    ("after a crash the cached state is loaded again", "what_was_told_as_committed_outlives"),
    ("and triggers the subscribers, to recover", "what_was_committed_is_there_again"),
    # Philosophy
    ("models are strictly typed, with checks on each field", "a_field_refuses_what_does_not"),
    ("state is reached from anywhere by an import", "the_state_of_the_process"),
    ("thread-safe", "threads_and_tasks_lose_no_update"),
    ("lightweight: nothing is loaded before it is used", "the_state_of_the_process"),
    # Core features
    ("singleton objects are stored", "services_are_one_of_a_kind"),
    ("changes are validated against preconditions of the model", "each_layer_says_no"),
    ("callbacks are triggered by state", "subscribers_are_told_in_order"),
    # Design
    ("the runtime layer holds what is true, the checkout layer copies", "a_copy_is_ones_own"),
    ("a copy does not affect the state, however it is changed", "a_copy_is_ones_own"),
    ("who reads meanwhile never sees a bad or half state", "threads_and_tasks_lose_no_update"),
    ("a copy that nobody commits is simply gone", "a_copy_is_ones_own"),
    ("setters check their preconditions", "a_field_refuses_what_does_not"),
    ("a commit asks the device first", "each_layer_says_no"),
    ("what the device refuses does not become true", "a_device_that_fails_has_refused"),
    ("a model without a device skips that", "a_commit_makes_a_copy_true"),
    ("what is accepted is true at once, then all subscribers are told", "a_subscriber_may_commit"),
    # The seed writes its cache last; here the log comes first, since what is acted on must survive.
    ("the cache is written with the new state", "what_was_told_as_committed_outlives"),
)
"""(claim, how the name of its test begins); a claim about firmware is about an attached device."""

TESTS = {
    name
    for file in HERE.glob("test_*.py")
    for name in re.findall(r"^def test_(\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE)
}


@pytest.mark.parametrize(("claim", "test"), CLAIMS, ids=[claim for claim, _ in CLAIMS])
def test_each_claim_has_a_test(claim: str, test: str) -> None:
    assert [name for name in TESTS if name.startswith(test)], claim


def test_no_claim_is_listed_twice() -> None:
    assert len({claim for claim, _ in CLAIMS}) == len(CLAIMS)
