"""hub.state: models in the hub, committed from any thread, changed by rules and boards, too."""

from __future__ import annotations

import asyncio
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest

from myocan.hub.control import ControlError, ask
from myocan.hub.house import House
from myocan.hub.models import CommitRejected, StaleCheckout, State, StateError, StateModel
from myocan.hub.models import state as process
from myocan.wire import Fixed
from support.board import Board
from support.clock import until


class Unknown(StateModel):
    seen: bool = False


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
    for _ in range(6000):
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
    first, commit = log("$state.commit")
    assert commit.producer == "models"
    assert [one.cause for one in log("heater.setpoint")] == [first.offset, commit.offset]
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


def test_a_module_with_instances_is_seen_one_by_one(models, modules, hub) -> None:
    modules(
        lamp="MODULE lamp[hall] AUTO\nSUBSCRIBE room[hall].warm {false, true} AS warm\n"
        "PUBLIC light[hall] {off, on}\nPRIVATE all 3\nWHEN warm == true\nTHEN light.on\n"
    )
    with hub() as running:
        own, held = state_of(running)
        assert held.update(own.Room, "hall", warm=True)
        lamp = held("lamp")
        assert (lamp.all, lamp.instances(), lamp["hall"].light) == (3, ["hall"], "on")
        assert lamp["hall"].as_dict() == {"warm": True, "light": "on"}
        with pytest.raises(KeyError):
            lamp["kitchen"]
        told: list[Any] = []
        held.subscribe(own.Room, told.append, key="hall")
        ask(House.load(held_house(running)), "instance drop", module="room", key="hall")
        until(lambda: not held.checkout(own.Room, "hall").warm)


def held_house(running: Any) -> Any:
    return running.agent.house.root


def test_a_function_that_rules_call_commits(models, modules, house, hub) -> None:
    modules(
        control="EXTERNAL warm\nSUBSCRIBE heater.enabled {false, true} AS enabled\n"
        "WHEN enabled == true\nTHEN warm(30)\n"
    )
    (house / "externals.py").write_text(
        "from models import Heater, found\nfrom myocan.hub import external\n\n"
        "@external\ndef warm(degrees):\n"
        "    found['hub'].state.update(Heater, setpoint=degrees)\n"
    )
    with hub() as running:
        own, held = state_of(running)
        assert held.update(own.Heater, enabled=True)
        until(lambda: held.checkout(own.Heater).setpoint == 30)


def test_a_model_that_breaks_does_not_break_the_hub(models, broker, hub, log) -> None:
    broken = """
    @field_validator("way")
    @classmethod
    def known(cls, value):
        return {"In": "In"}[value]

    def check(self):
        return 1 / (self.setpoint - 30)
"""
    text = MODELS.replace("from typing", "from pydantic import field_validator\nfrom typing")
    models(text.replace('= "In"\n', f'= "In"\n{broken}', 1))
    with hub() as running, Board(broker.url, "home", "porch", hears=[HEARD]) as board:
        own, held = state_of(running)
        heater = held.checkout(own.Heater)
        heater.setpoint = 30
        with pytest.raises(ArithmeticError):
            held.commit(heater)
        board.send("heater/way", "out")
        board.send("heater/setpoint", Fixed(300, 1))
        board.await_acknowledged()
        assert held.update(own.Pump, speed=20)
        assert held.checkout(own.Heater).way == "In"
        assert held.checkout(own.Heater).setpoint == 30
    assert [
        "was not taken by its model: KeyError" in one.value for one in log("$log.rejected")
    ] == [True]


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


def test_the_state_of_the_process_is_that_of_its_hub(models, hub) -> None:
    process.update(Unknown, seen=True)  # one of its own, as long as there is no hub
    models(
        MODELS.replace("StateModel, field", "StateModel, field, state")
        + "    state.update(Pump, speed=30)\n"
    )
    with hub() as running:
        own, held = state_of(running)
        until(lambda: held.checkout(own.Pump).speed == 30)
        with pytest.raises(StateError, match="Unknown is no model of this house"):
            process.checkout(Unknown)
    assert process.checkout(Unknown).seen


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


BOARD = """
board = "unix"
[ports.heater]
kind = "relay"
pin = "GP2"
subscribe = "heater.enabled"
needs = { pump = "on" }
[ports.pump]
kind = "relay"
pin = "GP3"
subscribe = "pump.running"
"""
BOUND = """
from myocan.hub import StateModel, field
from typing import Literal


class Heater(StateModel):
    enabled: bool = field(default=False, port="porch.heater")
    note: str = ""


class Pump(StateModel):
    running: Literal["off", "on"] = "off"


found = {}


def setup(hub):
    found["hub"] = hub
"""


def test_a_board_has_its_say_and_what_it_refuses_never_was(
    models, modules, house, hub, adapter, log
) -> None:
    modules(control="SUBSCRIBE heater.enabled {false, true}\nON heater.enabled\nTHEN ignore\n")
    models(BOUND)
    (house / "adapters" / "porch.toml").write_text(BOARD)
    heard: list[Any] = []
    with hub() as running:
        own, held = state_of(running)
        heater = held.checkout(own.Heater)
        heater.enabled = True
        with pytest.raises(CommitRejected, match="never heard of") as refused:
            held.commit(heater, require_device=True)
        assert (refused.value.by, refused.value.model) == ("device", "heater")
        assert held.update(own.Pump, running="on")  # the board takes it when it comes
        assert held.unconfirmed(own.Pump) == {"running": "board porch is away"}
        board = adapter("porch")
        until(lambda: held.unconfirmed(own.Pump) == {})
        assert held.update(own.Pump, running="off")
        until(lambda: not board.level("GP3"))
        held.subscribe(own.Heater, heard.append)
        before = len(log())
        with pytest.raises(CommitRejected, match=r"board porch: port 'heater' .*pump"):
            held.commit(heater)
        assert held.settle()
        assert len(log()) == before
        assert len(heard) == 1  # as it was recovered
        assert not held.checkout(own.Heater).enabled
        pump = held.checkout(own.Pump)
        pump.running = "on"
        assert held.commit(heater, pump)  # both together it would take
        until(lambda: board.level("GP2") == 1)
        until(lambda: held.unconfirmed(own.Heater) == {})


def test_another_process_commits_hears_and_outlives_the_hub(models, house, hub, log) -> None:
    heard: list[Any] = []
    with hub() as running:
        own, held = state_of(running)
        remote = State.connect(house, producer="rest")
        remote.subscribe(own.Pump, heard.append)
        remote.subscribe(own.Room, heard.append)
        assert remote.checkout(own.Heater).setpoint == Decimal("20.0")
        assert remote.update(own.Heater, setpoint="30.5", enabled=True)
        assert held.checkout(own.Heater).setpoint == Decimal("30.5")
        assert held.update(own.Pump, speed=20)
        until(lambda: remote.checkout(own.Pump).speed == 20)
        assert remote.settle()
        assert [one.new.speed for one in heard] == [0, 20]
        assert remote("control").setpoint == Decimal("30.5")
        pump = remote.checkout(own.Pump)
        pump.speed = 5
        with pytest.raises(CommitRejected, match="below 10 %"):
            remote.commit(pump)
        pump.speed = 50
        assert held.update(own.Pump, speed=60)
        with pytest.raises(StaleCheckout):
            remote.commit(pump)

        def work(state: Any) -> None:
            for _ in range(20):
                with state(own.Heater) as context:
                    while True:  # the locks of two processes are two
                        heater = context.checkout(own.Heater)
                        heater.setpoint += Decimal("0.1")
                        try:
                            context.commit(heater)
                            break
                        except StaleCheckout:
                            continue

        threads = [threading.Thread(target=work, args=(one,)) for one in (remote, remote, held)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert held.checkout(own.Heater).setpoint == Decimal("36.5")
        old = remote.checkout(own.Heater)
        assert remote.update(own.Pump, speed=61)
    with pytest.raises(StateError, match=r"has gone|no hub runs"):
        remote.update(own.Pump, speed=70)
    with hub() as running:
        again, held = state_of(running)
        until(lambda: not remote.lost)
        old.setpoint = 50
        with pytest.raises(StaleCheckout, match="setpoint"):
            remote.commit(old)
        assert held.update(again.Heater, setpoint=40)
        until(lambda: remote.checkout(own.Heater).setpoint == 40)
        old.setpoint = 50
        with pytest.raises(StaleCheckout):
            remote.commit(old)
        assert remote.update(own.Room, "hall", warm=True)
        assert held.checkout(again.Room, "hall").warm
        remote.settle()
        assert heard[-1].key == "hall"
        remote.close()
    assert log("$state.commit")[-1].producer == "rest"


def test_the_module_that_says_a_field_is_named_to_who_may_not(models, broker, hub, log) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[]) as board:
        board.send("pump/speed", 5)
        board.await_acknowledged()
    (record,) = log("$log.rejected")
    assert "pump.speed is what module control says (its line 6); send what control" in record.value


def test_a_copy_of_the_house_has_a_state_of_its_own_until_it_is_dropped(
    models, house, hub, monkeypatch
) -> None:
    with hub() as running:
        own, held = state_of(running)
        assert held.update(own.Heater, setpoint=30)
        opened = House.load(house)
        ask(opened, "mode copy", source="live", name="trial")
        with State.connect(house, mode="trial") as trial:
            assert trial.checkout(own.Heater).setpoint == 30
            assert trial.update(own.Heater, setpoint=91, enabled=True)
            until(lambda: trial.checkout(own.Pump).speed == 100)
            assert trial("control").setpoint == 91
            with pytest.raises(CommitRejected, match="below 10 %"):
                trial.update(own.Pump, speed=5)
            assert trial.unconfirmed(own.Heater) == {}
        assert held.checkout(own.Heater).setpoint == 30
        assert held.checkout(own.Pump).speed == 0
        with pytest.raises(StateError, match="no mode tryal runs here; did you mean trial"):
            State.connect(house, mode="tryal")

        hears, away = State.connect(house, mode="trial"), State.connect(house, mode="trial")
        copy = hears.checkout(own.Heater)
        door, shut = away._open, threading.Event()
        shut.set()

        def opens() -> Any:
            if shut.is_set():
                raise StateError("nobody is there")
            return door()

        monkeypatch.setattr(away, "_open", opens)
        away._feed.close()
        ask(opened, "mode drop", name="trial")
        until(lambda: hears.ended)
        shut.clear()
        until(lambda: away.ended)
        ask(opened, "mode copy", source="live", name="trial")  # of the same name, and another
        copy.setpoint = 30
        with pytest.raises(StateError, match="mode trial was dropped, and what it held is gone"):
            hears.commit(copy)
        with pytest.raises(StateError, match="mode trial was dropped"):
            hears.checkout(own.Heater)
        with pytest.raises(StateError, match="no mode trial runs here"):
            away.checkout(own.Heater)
        hears.close()
        away.close()


def test_who_has_no_token_is_told_nothing(models, house, hub) -> None:
    with hub():
        opened = House.load(house)
        with pytest.raises(ControlError, match="the token is wrong"):
            ask(opened, "state read", module="control")
        token = opened.private_path / "state.token"
        assert token.stat().st_mode & 0o777 == 0o600
        answer = ask(opened, "state read", module="control", token=token.read_text())
        assert answer["variables"]["turned"] == "0"
        wrong: list[dict[str, Any]] = [
            {},
            {"models": [{"topic": "heater"}]},
            {"models": [{"topic": "heater", "key": "", "version": "x", "fields": {}}]},
            {"models": [{"topic": "heater", "key": "", "version": 9, "fields": {"x": "1"}}]},
            {
                "models": [
                    {"topic": "heater", "key": "a", "version": 9, "fields": {"enabled": "true"}}
                ]
            },
            {"models": [{"topic": "nobody", "key": "", "version": 9, "fields": {}}]},
        ]
        for content in wrong:
            with pytest.raises(ControlError):
                ask(opened, "state commit", token=token.read_text(), **content)
        one = {"topic": "heater", "key": "", "version": 99, "fields": {"enabled": "{"}}
        answer = ask(opened, "state commit", token=token.read_text(), models=[one])
        assert answer["refused"]["by"] == "field"
        one = {**one, "version": 0, "fields": {"enabled": "true"}}  # from before the hub began
        answer = ask(opened, "state commit", token=token.read_text(), models=[one])
        assert "check out anew" in answer["stale"]
        with pytest.raises(ControlError, match="there is no model nobody"):
            ask(opened, "state unconfirmed", token=token.read_text(), topic="nobody")
