"""`myocan check` and the other commands in a house with state models."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from myocan.hub.house import House
from myocan.tools.house_check import check_house
from support.command_line import make_house

if TYPE_CHECKING:
    from support.command_line import Myocan

MODELS = """from typing import Literal

from myocan.hub import StateModel, field


class Heater(StateModel):
    setpoint: int = field(default=20, ge=5, le=95, unit="°C")
    enabled: bool = field(default=False, port="porch.lamp")
    way: Literal["in", "out"] = "in"
"""
CONTROL = """MODULE control
    SUBSCRIBE heater.setpoint {5-95} AS setpoint
    PUBLIC heater.enabled {false, true}
    WHEN setpoint > 30
        THEN heater.enabled.true
"""
PORCH = """board = "pico-w"
[ports.lamp]
kind = "relay"
pin = "GP15"
subscribe = "heater.enabled"
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for folder in ("modules", "adapters"):
        (tmp_path / folder).mkdir()
    (tmp_path / "myocan.toml").write_text('domain = "home"\n')
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "modules" / "control.scc").write_text(CONTROL)
    (tmp_path / "adapters" / "porch.toml").write_text(PORCH)
    return tmp_path


def found(house: Path) -> list[tuple[str, int | None, str]]:
    findings = check_house(House.load(house))
    return [(Path(one.file).name, one.line, one.message) for one in findings]


def test_a_house_with_models_is_found_right(house: Path) -> None:
    assert found(house) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "line", "told"),
    [
        ("models.py", "le=95", "le=96", "control.scc", 2, "goes beyond"),
        ("models.py", '"out"', '"IN"', "models.py", None, "cannot be told apart"),
        ("models.py", "int = field", "float = field", "models.py", 6, "cannot travel"),
        ("models.py", "bool", "boole", "models.py", 6, "there is no type 'boole'"),
        ("models.py", "False, port", "False port", "models.py", 8, "SyntaxError"),
        ("models.py", "porch.lamp", "porch.lamb", "models.py", 8, "port porch.lamb, which there"),
        ("adapters/porch.toml", "heater.e", "heater.d", "models.py", 8, "which has another topic"),
        ("adapters/porch.toml", "enabled", "setpoint", "porch.toml", 5, "words"),
        ("adapters/porch.toml", "enabled", "way", "porch.toml", 5, "can be in, out"),
        (
            "modules/control.scc",
            "{false, true}",
            "{off, on}",
            "models.py",
            8,
            "'control' publishes",
        ),
        ("modules/control.scc", "r.enabled", "r.on", "control.scc", 3, "only what it hears with"),
        ("modules/control.scc", "heater.setpoint", "heater.setpont", "control.scc", 2, "nobody"),
    ],
)
def test_what_is_wrong_about_models_is_told_where_it_stands(
    house: Path, file: str, old: str, new: str, where: str, line: int | None, told: str
) -> None:
    path = house / file
    text = path.read_text().replace(old, new)
    path.write_text(text.replace("enabled.true", "enabled.on") if new == "{off, on}" else text)
    messages = found(house)
    assert any((name, at) == (where, line) and told in message for name, at, message in messages), (
        messages
    )


def test_the_house_that_is_told_of_is_right(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "house-models.md").read_text()
    port, models, rules = (
        re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)[0]
        for kind in ("toml", "python", "scc")
    )
    house = make_house(tmp_path / "house")
    with (house / "adapters" / "porch.toml").open("a") as adapter:
        adapter.write("\n" + port)
    (house / "models.py").write_text(models)
    assert found(house) == []
    (house / "modules" / "control.scc").write_text(rules)
    assert found(house) == []


def test_a_module_of_the_same_name_is_told(house: Path) -> None:
    (house / "modules" / "heater.scc").write_text("MODULE heater\nPUBLIC on 0\n")
    assert ("models.py", 6, "modules/heater.scc is a module of this name") in [
        (name, line, message.replace(f"{house}/", "")) for name, line, message in found(house)
    ]


def test_models_are_among_topics_scenarios_and_deployments(myocan: Myocan, house: Path) -> None:
    (house / "modules" / "any.scc").write_text(
        "MODULE any\nSUBSCRIBE heater.setpoint 0\nON heater.setpoint\nTHEN ignore\n"
    )
    topics: list[dict[str, Any]] = json.loads(myocan("topic", "list", "--json", cwd=house).stdout)
    by_name = {one["topic"]: one for one in topics}
    assert by_name["heater.setpoint"]["publishers"] == ["heater"]
    assert by_name["heater.setpoint"]["carries"] == "{5-95}"
    assert "heater" in by_name["heater.enabled"]["publishers"]
    (house / "modules" / "control.scenario").write_text(
        "SCENARIO hot\nEXPECT control.setpoint = 20\nEXPECT heater.enabled = false\n"
        "SEND heater.setpoint = 40\nEXPECT heater.enabled = true\n"
    )
    told = myocan("test", cwd=house)
    assert told.returncode == 0, told.stdout + told.stderr
    diff = myocan("deploy", "diff", cwd=house)
    assert "+    SUBSCRIBE setpoint {5-95} = 20  // °C" in diff.stdout


def test_a_number_without_bounds_is_not_said_to_a_field_that_has_some(house: Path) -> None:
    rules = CONTROL.replace("PUBLIC heater.enabled {false, true}", "PUBLIC heater.setpoint 0")
    rules = rules.replace(
        "SUBSCRIBE heater.setpoint {5-95} AS setpoint", "SUBSCRIBE a.b AS setpoint"
    )
    rules = rules.replace("heater.enabled.true", "heater.setpoint = 30")
    (house / "modules" / "control.scc").write_text(rules)
    assert any(
        (name, line) == ("control.scc", 3) and "takes {5-95}; declare it so" in message
        for name, line, message in found(house)
    )
