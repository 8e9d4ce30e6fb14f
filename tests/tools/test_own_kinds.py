"""A house's own kinds of ports: read from their text, checked, and put onto boards."""

# ruff: noqa: E501 (tables are easier to read with a line for each case)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from myocan.tools.adapters import AdapterError, AdapterFile, load_adapter, load_ports
from myocan.tools.errors import ToolsError
from myocan.tools.flash.staging import board_modules

RAIN = '''
from myocan.edge.ports.port import Port

class Rain(Port):
    """Tells when it begins to rain."""

    PINS = {"pin": ("in", "pull-up")}
    EVENTS = ("begin",)
    VALUES = ("state",)
    KEYS = {"dry_s": 60.0, "count": 3, "name_of_it": "x", "quick": False, "any": None}

PORT = Rain
'''

ADAPTER = """\
board = "pico-w"
[ports.roof]
kind = "rain"
pin = "GP4"
publish = "weather.begin"
"""


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(source: str, adapter: str = ADAPTER, kind: str = "rain") -> AdapterFile:
        for folder in ("ports", "adapters"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "ports" / f"{kind}.py").write_text(source)
        path = tmp_path / "adapters" / "garden.toml"
        path.write_text(adapter)
        return load_adapter(path)

    return read


def problem(read: Any, source: str, adapter: str = ADAPTER, kind: str = "rain") -> str:
    with pytest.raises(AdapterError) as caught:
        read(source, adapter, kind)
    (found,) = (each for each in caught.value.problems if each.severity == "error")
    return str(found.text("garden.toml"))


def test_a_kind_of_ones_own_is_known_by_its_file(read: Any) -> None:
    adapter = read(RAIN, ADAPTER + "dry_s = 5\nquick = true\nmax_age_s = 3\n")
    (port,) = adapter.config("mqtt://broker")["ports"]
    code = port.pop("code")
    assert port == {
        "name": "roof",
        "kind": "rain",
        "pin": "GP4",
        "publish": {"begin": "weather/begin"},
        "dry_s": 5,
        "quick": True,
    }
    assert [(each.topic, each.kind) for each in adapter.publishes] == [("weather.begin", "event")]
    other = read(RAIN + "# changed\n").config("mqtt://broker")["ports"][0]
    assert other["code"] != code, "so a board notices that its code is not this"


def test_its_file_goes_onto_the_board_under_our_name(read: Any) -> None:
    adapter = read(RAIN)
    own = adapter.own_modules
    assert list(own) == ["myocan.edge.ports.rain"]
    modules = board_modules(adapter.config("mqtt://broker"), own)
    assert modules["myocan.edge.ports.rain"].parent.name == "ports"
    assert "myocan.edge.ports.port" in modules
    dimmed = RAIN.replace("PORT = Rain", "def f(pins):\n    part(pins, 'pwm', 1)\n\nPORT = Rain")
    adapter = read(dimmed)
    modules = board_modules(adapter.config("mqtt://broker"), adapter.own_modules)
    assert "myocan.edge.pins.machine_pwm" in modules


def test_what_it_is_made_from_gives_it_keys(read: Any) -> None:
    blink = """
from myocan.edge.ports.relay import Relay

class Blink(Relay):
    KEYS = {"ms": 500}

PORT = Blink
"""
    text = 'board = "pico-w"\n[ports.a]\nkind = "blink"\npin = "GP4"\nsubscribe = "a.b"\n'
    adapter = read(blink, text + 'active = "low"\nms = 5\nsafe = "on"\n', "blink")
    (port,) = adapter.config("mqtt://broker")["ports"]
    assert (port["active"], port["ms"], port["safe"]) == ("low", 5, 1)
    assert adapter.subscribes[0].values == ("on", "off", True, False)


def test_a_sensor_of_ones_own_has_what_sensors_have(read: Any) -> None:
    level = """
from myocan.edge.ports.sensor import Sensor

class Level(Sensor):
    PINS = {"sda": "i2c", "scl": "i2c"}
    READINGS = (("litres", 1, (5, 1)),)

PORT = Level
"""
    text = 'board = "pico-w"\n[ports.a]\nkind = "level"\nsda = "GP4"\nscl = "GP5"\n'
    adapter = read(level, text + 'publish = "a.b"\ndecimals = 2\nevery_s = 60\n', "level")
    (port,) = adapter.config("mqtt://broker")["ports"]
    assert port["publish"] == {"litres": "a/b"}
    assert port["decimals"] == {"litres": 2}
    assert "tells no 'liters' (only litres, fault); did you mean 'litres'?" in problem(
        read, level, text + 'publish = { liters = "a.b" }\n', "level"
    )


@pytest.mark.parametrize(
    ("extra", "safe", "taken"),
    [
        ('WORDS = ("up", "down")', '"up"', (("up", "down"), None, False)),
        ("RANGE = (0, 10)", "3", ((), (0, 10), False)),
        ("pass", "7", ((), None, True)),
    ],
)
def test_what_it_takes_is_as_it_says(read: Any, extra: str, safe: str, taken: Any) -> None:
    source = (
        "from myocan.edge.ports.port import Port\n"
        f"class Out(Port):\n    {extra}\n    def take(self, value):\n        pass\nPORT = Out\n"
    )
    text = 'board = "pico-w"\n[ports.a]\nkind = "out"\npin = "GP4"\nsubscribe = "a.b"\n'
    adapter = read(source, text + f"safe = {safe}\nhold_s = 3\n", "out")
    (taker,) = adapter.subscribes
    assert (taker.values, taker.range, taker.anything) == taken
    if "WORDS" in extra:
        said = problem(read, source, text + 'safe = "dwn"\n', "out")
        assert said.endswith("safe must be a value of the map, not 'dwn'; did you mean 'down'?")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("PORT = Rain", "", "ports/rain.py: it has no PORT: write a class, and at the end PORT = its name"),
        ("class Rain", "class class", "ports/rain.py, line 4: this is no Python: invalid syntax"),
        ('("begin",)', '("begin")', 'ports/rain.py, line 4: EVENTS must be a tuple of names, like ("begin",); mind the comma'),
        ('("begin",)', "(begin,)", "ports/rain.py, line 8: EVENTS must be written out, without names or calculations"),
        ('("in", "pull-up")', '"input"', "ports/rain.py, line 4: PINS says 'input'; a pin can be one of in, out"),
        ('{"pin": ("in", "pull-up")}', '"in"', 'ports/rain.py, line 4: PINS must be a dict, like {"pin": "out"}'),
        ('"count"', '"publish"', "ports/rain.py, line 4: KEYS has 'publish', which every such port has already"),
    ],
)  # fmt: skip
def test_a_mistake_in_its_file_is_told_with_its_line(
    read: Any, right: str, wrong: str, said: str
) -> None:
    assert right in RAIN
    told = problem(read, RAIN.replace(right, wrong, 1))
    assert told.startswith(f"garden.toml:3: {said}")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('pin = "GP4"', "", "port roof needs a `pin`"),
        ("GP4", "LED", "it is an output only, and a rain is looked at"),
        ("weather.begin", "weather", "'weather' is no topic"),
        ('"rain"', '"rian"', "no kind of port 'rian'; did you mean 'rain'?"),
        ("publish", "dry = 3\npublish", "unknown key 'dry' of a rain; did you mean 'dry_s'?"),
        ("publish", 'count = "3"\npublish', "count must be a whole number, not '3'"),
    ],
)
def test_a_mistake_in_its_table_is_told(read: Any, right: str, wrong: str, said: str) -> None:
    assert said in problem(read, RAIN, ADAPTER.replace(right, wrong, 1))


def test_it_must_not_have_the_name_of_one_of_ours(read: Any) -> None:
    text = ADAPTER.replace('"rain"', '"relay"')
    assert "a kind of this name comes with myocan" in problem(read, RAIN, text, "relay")


def test_what_goes_wrong_when_it_is_run_here_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rain.py"
    for source, said in (
        ("\n\nimport machine\n", "line 3: there is no `machine` on this machine"),
        ("PORT = 3\n", "PORT must be a subclass of Port, not 3"),
    ):
        path.write_text(source)
        with pytest.raises(ToolsError, match=said):
            load_ports({"myocan.edge.ports.rain": path})
