"""What is counted and timed of models, and how Prometheus gets it."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from myocan.hub import State, StateModel, field
from myocan.hub.errors import HubError
from myocan.hub.metrics import MetricsServer, StateCollector
from myocan.hub.models import CommitRejected, StaleCheckout

DASHBOARD = Path(__file__).parents[3] / "tools" / "grafana" / "state-models.json"


class Boiler(StateModel):
    """Something with all the ways to say no."""

    setpoint: int = field(default=20, le=95)
    enabled: bool = False

    def check(self) -> None:
        if self.enabled and self.setpoint < 5:
            raise ValueError("it would freeze")


@pytest.fixture
def state() -> Iterator[State]:
    with State() as state:
        yield state


@pytest.fixture
def seen(state: State) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(StateCollector(state))
    return registry


def figure(seen: CollectorRegistry, name: str, **labels: str) -> float | None:
    return seen.get_sample_value(f"myocan_state_{name}", {"model": "boiler", **labels})


def reached(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)
    return condition()


def test_each_commit_is_counted_and_timed_in_its_parts(
    state: State, seen: CollectorRegistry
) -> None:
    state.update(Boiler, setpoint=30)
    state.update(Boiler, setpoint=31)
    state.update(Boiler, setpoint=31)  # changes nothing, so it is none

    assert figure(seen, "commit_seconds_count") == 2
    assert figure(seen, "store_seconds_count") == 2
    assert figure(seen, "checkout_seconds_count") == 3
    assert figure(seen, "device_seconds_count") == 0
    assert figure(seen, "commit_seconds_bucket", le="+Inf") == 2
    total, store = figure(seen, "commit_seconds_sum"), figure(seen, "store_seconds_sum")
    assert total is not None
    assert store is not None
    assert 0 < store <= total


def test_a_device_is_timed_whether_it_agrees_or_not(state: State, seen: CollectorRegistry) -> None:
    state.attach(Boiler, lambda old, new: "too hot" if new.setpoint > 60 else None)

    state.update(Boiler, setpoint=30)
    with pytest.raises(CommitRejected):
        state.update(Boiler, setpoint=61)

    assert figure(seen, "device_seconds_count") == 2
    assert figure(seen, "commit_seconds_count") == 1
    assert figure(seen, "rejections_total", phase="device") == 1


def test_refusals_are_counted_by_phase(state: State, seen: CollectorRegistry) -> None:
    spoiled = state.checkout(Boiler)
    spoiled.__dict__["setpoint"] = "hot"
    late = state.checkout(Boiler)
    late.setpoint = 40
    state.update(Boiler, setpoint=30)
    frozen = state.checkout(Boiler)
    frozen.setpoint, frozen.enabled = 3, True

    for copy, error in ((spoiled, CommitRejected), (late, StaleCheckout), (frozen, CommitRejected)):
        with pytest.raises(error):
            state.commit(copy)

    assert [
        figure(seen, "rejections_total", phase=phase)
        for phase in ("field", "model", "device", "stale")
    ] == [1, 1, 0, 1]


def test_contexts_are_those_that_hold_or_wait(state: State, seen: CollectorRegistry) -> None:
    waiting = threading.Thread(target=lambda: state.update(Boiler, setpoint=50))
    with state(Boiler):
        assert figure(seen, "contexts") == 1
        waiting.start()
        assert reached(lambda: figure(seen, "contexts") == 2)
    waiting.join()
    assert figure(seen, "contexts") == 0


def test_a_task_that_gives_up_waiting_is_no_context(state: State, seen: CollectorRegistry) -> None:
    async def wait_in_vain() -> None:
        async with state(Boiler):
            raise AssertionError("it is held by another")

    async def give_up() -> None:
        task = asyncio.create_task(wait_in_vain())
        for _ in range(3):  # until it stands in the line
            await asyncio.sleep(0)
        assert figure(seen, "contexts") == 2
        task.cancel()
        await asyncio.wait([task])
        assert figure(seen, "contexts") == 1

    with state(Boiler):
        other = threading.Thread(target=lambda: asyncio.run(give_up()))
        other.start()
        other.join()
    assert figure(seen, "contexts") == 0


def test_subscribers_are_counted_with_their_errors(
    state: State, seen: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(changed: object) -> None:
        raise RuntimeError("no")

    state.subscribe(Boiler, fail)
    state.subscribe(Boiler, lambda changed: None)
    state.update(Boiler, setpoint=30)
    assert state.settle()

    assert figure(seen, "subscriber_calls_total") == 2
    assert figure(seen, "subscriber_errors_total") == 1
    assert figure(seen, "subscriber_waiting") == 0


def test_prometheus_can_read_it(state: State) -> None:
    state.update(Boiler, setpoint=30)
    with MetricsServer([StateCollector(state)], port=0) as server:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics") as answer:
            text = answer.read().decode()
        families = {family.name for family in text_string_to_metric_families(text)}
        assert "myocan_state_commit_seconds" in families
        with pytest.raises(HubError, match=f"nothing can listen at 127.0.0.1:{server.port}"):
            MetricsServer([], port=server.port)


def test_the_dashboard_asks_for_figures_that_there_are(state: State) -> None:
    state.load(Boiler)
    there = {
        sample.name for family in StateCollector(state).collect() for sample in family.samples
    } | {"myocan_state_rejections_total"}
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {
        name
        for panel in panels
        for target in panel.get("targets", ())
        for name in re.findall(r"myocan_\w+", target["expr"])
    }
    assert asked - there == set()
    assert {name.rpartition("_bucket")[0] or name for name in asked} >= {
        "myocan_state_commit_seconds",
        "myocan_state_device_seconds",
        "myocan_state_rejections_total",
        "myocan_state_subscriber_errors_total",
    }
