"""hub.state: models in the hub, committed from any thread, changed by rules and boards, too."""

from __future__ import annotations

import asyncio
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest

from myocan.hub.models import CommitRejected, StaleCheckout, StateError
from myocan.wire import Fixed
from support.board import Board

MODELS = """
from decimal import Decimal
from typing import Literal

from myocan.hub import StateModel, field


class Heater(StateModel):
    setpoint: Decimal = field(default="20.0", ge=5, le=95, unit="°C")
    enabled: bool = False
    way: Literal["In", "out"] = "In"


class Pump(StateModel):
    speed: int = field(default=0, ge=0, le=100, unit="%")

    def check(self):
        if 0 < self.speed < 10:
            raise ValueError("below 10 % it does not turn")


class Room(StateModel):
    key = "room"
    warm: bool = False


found = {}


def setup(hub):
    found["hub"] = hub
"""
CONTROL = """
SUBSCRIBE heater.setpoint {5.0-95.0} AS setpoint
SUBSCRIBE heater.enabled {false, true} AS enabled
SUBSCRIBE knob.turned
PUBLIC pump.speed {0-100}
PUBLIC seen ""
PRIVATE turned 0
ON knob.turned
    THEN pump.speed = 40
    THEN turned++
WHEN setpoint > 60 AND enabled == true
    THEN log("hot", setpoint, enabled)
WHEN setpoint > 90
    THEN pump.speed = 100
"""
HEARD = "mc1/live/home/+/+"


@pytest.fixture
def models(house, modules):
    """Writes the models.py of the house; returns the module that the hub made of it."""

    def write(text: str) -> None:
        (house / "models.py").write_text(text)

    write(MODELS)
    modules(control=CONTROL)
    return write


def state_of(hub) -> Any:
    """Return the module models, and the hub's state."""
    module = sys.modules["models"]
    ready = threading.Event()
    for _ in range(1000):
        if module.found:
            break
        ready.wait(0.01)
    return module, module.found["hub"].state


def test_a_commit_is_checked_logged_published_and_heard_by_rules(
    models, broker, hub, log, state
) -> None:
    heard: list[Any] = []
    with hub() as running, Board(broker.url, "home", "porch", hears=[HEARD]) as board:
        own, models_state = state_of(running)
        models_state.subscribe(own.Heater, heard.append)
        with models_state(own.Heater, own.Pump) as held:
            heater, pump = held.checkout(own.Heater), held.checkout(own.Pump)
            heater.setpoint, heater.enabled, heater.way, pump.speed = "65.5", True, "out", 30
            assert held.commit(heater, pump)
            assert not held.commit(heater, pump)
            heater.enabled = False
            assert held.commit(heater)
        board.await_that(lambda: board.values("heater.enabled")[-1:] == [False], "the commit")
        assert board.values("heater.setpoint") == [Fixed(200, 1), Fixed(655, 1)]
        board.send("knob/turned", None)
        board.await_that(lambda: board.values("pump.speed")[-1:] == [40], "what the rule says")
        board.await_acknowledged()
        assert models_state.checkout(own.Pump).speed == 40
        pump.speed = 50
        with pytest.raises(StaleCheckout, match="speed"):
            models_state.commit(pump)
        assert models_state("control").turned == 1
        assert models_state("control").setpoint == Decimal("65.5")
        assert models_state.settle()
        with pytest.raises(AttributeError, match="no variable lamp"):
            getattr(models_state("control"), "lamp")  # noqa: B009
        with pytest.raises(StateError, match=r"control\.seen is what the module says"):
            models_state("control").seen = "x"
        with pytest.raises(StateError, match="no module lamp1 runs here"):
            models_state("lamp1")
    assert [one.new.setpoint for one in heard] == [
        Decimal("20.0"),
        Decimal("65.5"),
        Decimal("65.5"),
    ]
    assert [one.fields for one in heard[1:]] == [("setpoint", "enabled", "way"), ("enabled",)]
    assert [one.value for one in log("$log.info")] == 2 * ['"hot 65.5 true"']
    (commit,) = log("$state.commit")
    assert commit.producer == "models"
    assert [one.cause for one in log("heater.setpoint")][1:] == [commit.offset]
    assert state("pump", "speed") == "40"
    with hub() as running:
        own, models_state = state_of(running)
        heater = models_state.checkout(own.Heater)
        assert (heater.setpoint, heater.enabled, heater.way) == (Decimal("65.5"), False, "out")
        assert models_state.checkout(own.Pump).speed == 40


def test_what_is_refused_leaves_nothing_behind(models, hub, log) -> None:
    with hub() as running:
        own, held = state_of(running)
        before = len(log())
        pump, heater = held.checkout(own.Pump), held.checkout(own.Heater)
        pump.speed, heater.setpoint = 5, 50
        with pytest.raises(CommitRejected, match="below 10 %") as refused:
            held.commit(heater, pump)
        assert (refused.value.by, refused.value.model) == ("model", "pump")
        heater.__dict__["setpoint"] = Decimal("96.0")
        with pytest.raises(CommitRejected, match="less than or equal to 95"):
            held.commit(heater)
        assert len(log()) == before
        with pytest.raises(StateError, match="say which room of Room is meant"):
            held.checkout(own.Room)
        with pytest.raises(StateError, match="there is one Pump in this house"):
            held.checkout(own.Pump, "kitchen")
        assert held.update(own.Room, "kitchen", warm=True)
        assert held.instances(own.Room) == ["kitchen"]


def test_threads_and_tasks_lose_no_update(models, hub, log, state) -> None:
    count = 25
    with hub() as running:
        own, held = state_of(running)

        def work() -> None:
            for _ in range(count):
                with held(own.Heater) as context:
                    heater = context.checkout(own.Heater)
                    heater.setpoint += Decimal("0.1")
                    context.commit(heater)

        async def task() -> None:
            for _ in range(count):
                async with held(own.Heater, own.Pump) as context:
                    heater = context.checkout(own.Heater)
                    heater.setpoint += Decimal("0.1")
                    await context.commit(heater)

        async def tasks() -> None:
            await asyncio.gather(task(), task())

        threads = [threading.Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        asyncio.run(tasks())
        for thread in threads:
            thread.join()
        assert held.checkout(own.Heater).setpoint == Decimal("20.0") + 5 * count * Decimal("0.1")
    assert len(log("heater.setpoint")) == 1 + 5 * count


def test_a_rule_may_change_what_was_just_committed(models, hub) -> None:
    with hub() as running:
        own, held = state_of(running)
        pump, heater = held.checkout(own.Pump), held.checkout(own.Heater)
        heater.setpoint, pump.speed = 91, 20
        assert held.commit(heater, pump)
        assert held.checkout(own.Pump).speed == 100
        pump.speed = 30
        with pytest.raises(StaleCheckout):
            held.commit(pump)
        heater.enabled = True
        assert held.commit(heater)


def test_setup_that_fails_is_told_with_its_line(models, hub, log) -> None:
    models(MODELS.replace('    found["hub"] = hub', '    found["hub"] = hub\n    1 / 0'))
    with hub() as running:
        own, held = state_of(running)
        assert held.update(own.Pump, speed=20)
        running.agent.wake()
        held.update(own.Pump, speed=21)
    (alert,) = log("$log.alert")
    assert "setup of models.py failed in line 32: ZeroDivisionError" in alert.value


def test_services_live_as_long_as_the_hub(models, hub) -> None:
    text = """
    class Clock:
        def start(self): events.append("start")
        def stop(self): events.append("stop")
    hub.state.services.add(Clock())
"""
    models(MODELS + text + "\n\nevents = []\n")
    with hub() as running:
        own, held = state_of(running)
        while not own.events:
            threading.Event().wait(0.01)
    assert own.events == ["start", "stop"]
    with pytest.raises(StateError, match="the hub was stopped"):
        held.update(own.Pump, speed=20)
