"""State models of a house: their fields are variables like any module's."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest

from myocan.hub import StateModel, field
from myocan.hub.agent.deployment import DeploymentRefused, ModuleFiles, fingerprint
from myocan.hub.control import ControlError, ask
from myocan.hub.declared import ModelsError, declaration, load_models, program_of, with_models
from myocan.hub.history import deployments, sources_as_of
from myocan.hub.house import House
from myocan.hub.models.errors import ModelError
from myocan.hub.store import Reader
from myocan.wire import Fixed
from support.board import Board

MODELS = """
from decimal import Decimal
from typing import Literal

from myocan.hub import StateModel, field


class Heater(StateModel):
    setpoint: Decimal = field(default="20.0", ge=5, le=95, unit="°C")
    enabled: bool = False
    note: str = 'says "hello"'
    until: int | None = None


class Pump(StateModel):
    speed: int = field(default=0, ge=0, le=100, unit="%")
    way: Literal["in", "Out"] = "Out"


class Room(StateModel):
    key = "room"
    warm: bool = False
"""
CONTROL = """
SUBSCRIBE heater.setpoint {5.0-95.0} AS setpoint
SUBSCRIBE knob.turned
PUBLIC pump.speed {0-100} = 0
PUBLIC hot {no, yes}
ON knob.turned
    THEN pump.speed = 40
WHEN setpoint > 60
    THEN hot.yes
"""
HEARD = "mc1/live/home/+/+"


@pytest.fixture
def models(house):
    """Writes the models.py of the house."""

    def write(text: str) -> None:
        (house / "models.py").write_text(text)

    write(MODELS)
    return write


def test_fields_are_variables_that_boards_set_rules_hear_and_restarts_keep(
    models, modules, broker, hub, log, state
) -> None:
    modules(control=CONTROL)
    with hub(), Board(broker.url, "home", "porch", hears=[HEARD, HEARD + "/+"]) as board:
        board.await_that(lambda: board.values("pump.way") == ["out"], "what it begins with")
        assert board.values("heater.setpoint") == [Fixed(200, 1)]
        assert board.values("heater.note") == ['says "hello"']
        board.send("heater/setpoint", Fixed(655, 1))
        board.send("heater/setpoint", Fixed(955, 1))
        board.send("heater/setpoint", Fixed(6549, 2))
        board.send("knob/turned", None)
        board.send("room/warm/kitchen", True)
        board.await_acknowledged()
        board.await_that(lambda: board.values("pump.speed")[-1:] == [40], "what the rule says")
        board.await_that(
            lambda: board.values("control.hot") == ["yes"], "what the rule makes of it"
        )
        board.await_that(
            lambda: board.values("heater.setpoint")[-1:] == [Fixed(655, 1)], "the field"
        )
        assert board.values("heater.setpoint") == [Fixed(200, 1), Fixed(655, 1)]
    assert [one.value for one in log("$log.rejected")] == [
        '"porch: heater.setpoint was not taken by its model: setpoint: '
        'it should be less than or equal to 95"'
    ]
    assert state("heater", "setpoint") == "65.5"
    assert state("heater", "until") is None
    count = len(log())
    with hub(), Board(broker.url, "home", "hall", hears=[HEARD]) as board:
        board.await_that(lambda: board.values("heater.setpoint") == [Fixed(655, 1)], "recovered")
        board.await_that(lambda: board.values("pump.speed") == [40], "recovered")
    assert len(log()) == count


def test_a_pattern_is_written_down_with_the_field() -> None:
    class Gate(StateModel):
        plate: str = field(default="A-1", pattern=r"[A-Z]+-\d+")
        word: str = field(default="ab", pattern="ab")
        said: str = field(default='"', pattern='["\n]*')
        free: str | None = field(default=None, pattern="[a-z]")

    assert declaration(Gate).splitlines()[2:] == [
        r'    SUBSCRIBE plate {"[A-Z]+-\d+"} = "A-1"',
        '    SUBSCRIBE word {"(?:ab)"} = "ab"',
        r'    SUBSCRIBE said {"[\x{22}\x{a}]*"}',
        "    SUBSCRIBE free",
    ]
    patterns = [one.pattern for one in program_of(Gate).variables]
    assert patterns == [r"[A-Z]+-\d+", "(?:ab)", r"[\x{22}\x{a}]*", ""]
    with pytest.raises(ModelError, match="only a text has a pattern"):

        class Wrong(StateModel):
            way: Literal["in", "out"] = field(default="in", pattern="in")


def test_what_changes_in_models_is_deployed_by_a_restart(models, modules, hub, log, state) -> None:
    modules(control=CONTROL)
    with hub():
        pass
    models(
        MODELS.replace("le=95", "le=90") + "\n\nclass Valve(StateModel):\n    open: bool = True\n"
    )
    with hub():
        pass
    assert state("valve", "open") == "true"
    assert state("heater", "setpoint") == "20.0"


def test_models_that_cannot_be_modules_are_refused(models, modules, hub) -> None:
    modules(heater="SUBSCRIBE a.b\nON a.b\nTHEN ignore\n")
    with pytest.raises(DeploymentRefused, match="a model of this name"), hub():
        pass
    modules(control=CONTROL)
    models("from myocan.hub import StateModel\n\nclass A(StateModel):\n    x: float = 1.5\n")
    with pytest.raises(ModelsError, match=r"models.py:3: .*cannot travel"), hub():
        pass
    models(MODELS.replace("le=95", "le=96"))
    with pytest.raises(DeploymentRefused, match=r"goes beyond \{5.0-95.0\}"), hub():
        pass


def outcome(house: Path, begun: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"done": False}
    while not answer["done"]:
        answer = ask(House.load(house), "deploy outcome", deployment=begun["deployment"])
    return answer


def test_changed_models_are_not_deployed_into_a_hub_that_runs(models, modules, hub, house) -> None:
    modules(control=CONTROL)
    with hub():
        models(MODELS.replace("le=95", "le=90"))
        opened = House.load(house)
        declared = load_models(opened.models_path).texts()
        sources = ModuleFiles(opened.modules(), opened.agent.name, declared).sources()
        begun = ask(opened, "deploy", hash=fingerprint(sources), who="anna")
        with pytest.raises(ControlError, match=r"models\.py has changed since the hub was started"):
            outcome(house, begun)


def test_a_rollback_leaves_models_as_they_are(models, modules, hub, house, state) -> None:
    modules(control=CONTROL)
    with hub():
        pass
    models(MODELS.replace("le=95", "le=90"))
    modules(control=CONTROL.replace("5.0-95.0", "5.0-90.0").replace("> 60", "> 70"))
    with hub():
        with Reader(house / ".myocan" / "store.sqlite") as reader:
            first = deployments(reader)[0]
            before = sources_as_of(reader, "live", first.end)
            now = sources_as_of(reader, "live", reader.newest())
        sources = with_models(before, now)
        assert "5.0-90.0" in sources["heater"]
        assert "> 60" in sources["control"]
        wish = {"hash": fingerprint(sources), "who": "anna", "back_to": first.offset}
        begun = ask(House.load(house), "deploy", **wish)
        assert outcome(house, begun)["modules"] == {"control": "changed"}
