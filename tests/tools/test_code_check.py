"""What an adapter's own code says of itself is checked, and what it calls itself, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.tools.adapters import AdapterError, AdapterFile, load_adapter

Read = Callable[..., AdapterFile]

TOML = """\
board = "pico-w"

[ports.lamp]
kind = "relay"
pin = "GP15"
subscribe = "lamp1.state"

[code]
events = { knocks = "door.knocks" }
values = { level = "tank.level" }
subscribe = { alarm = "door.alarm" }
pins = { sensor = "gp13" }
settings = { within_ms = 2000 }
hold_s = 5
"""
CODE = """\
from myocan.edge.custom import CustomAdapter

class Porch(CustomAdapter):
    def start(self):
        self.sensor = self.pins.digital_in(self.pin("sensor"), None)
        self.tell("knocks")
        self.tell("level", 5)

ADAPTER = Porch
"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(toml: str = TOML, code: str | None = CODE) -> AdapterFile:
        (tmp_path / "porch.toml").write_text(toml)
        if code is not None:
            (tmp_path / "porch.py").write_text(code)
        return load_adapter(tmp_path / "porch.toml")

    return read


def test_what_the_code_does_to_others_is_known(read: Read) -> None:
    found = read()
    config = found.config("mqtt://hub")["code"]
    del config["hash"]
    assert config == {
        "events": {"knocks": "door/knocks"},
        "values": {"level": "tank/level"},
        "subscribe": {"alarm": "mc1/live/home/door/alarm"},
        "pins": {"sensor": "GP13"},
        "settings": {"within_ms": 2000},
        "hold_s": 5,
    }
    assert [(each.topic, each.kind) for each in found.publishes] == [
        ("door.knocks", "event"),
        ("tank.level", "value"),
    ]
    assert [(each.topic, each.port) for each in found.subscribes][-1] == ("door.alarm", "alarm")


def test_a_file_without_code_is_as_before(read: Read) -> None:
    found = read(TOML.partition("[code]")[0], None)
    assert found.code is None
    assert "code" not in found.config("mqtt://hub")


def test_code_that_says_nothing_of_itself_is_taken_along(read: Read) -> None:
    toml = TOML.partition("[code]")[0]
    found = read(toml, "from x import y\nADAPTER = y\n")
    assert list(found.own_modules) == ["myocan.house.adapter"]
    assert list(found.config("mqtt://hub")["code"]) == ["hash"]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("events", "event", "9: unknown key 'event' of [code]; did you mean 'events'?"),
        ("hold_s = 5", "hold_s = -5", "14: hold_s must be 0 or more, not -5"),
        ('"door.knocks"', '"knocks"', "9: 'knocks' is no topic: write MODULE.VARIABLE"),
        ('"gp13"', '"GP15"', "12: pin GP15 is taken already, by port lamp in line 5"),
        ('"gp13"', '"GP99"', "12: a Raspberry Pi Pico W has no pin 'GP99'"),
        ('"gp13"', '"GP23"', "12: pin GP23 is not free"),
        ("level = ", "knocks = ", "10: 'knocks' is either an event or a value"),
        ("alarm = ", "lamp = ", "11: 'lamp' is a port already: find another name"),
        ("within_ms = 2000", "at = 2027-01-01", "13: settings cannot hold dates"),
        ("{ within_ms = 2000 }", "5", "13: settings must be a table, not 5"),
    ],
)
def test_a_mistake_in_the_table_is_told_with_its_line(
    read: Read, before: str, after: str, said: str
) -> None:
    assert before in TOML
    with pytest.raises(AdapterError) as caught:
        read(TOML.replace(before, after))
    assert f"porch.toml:{said}" in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('tell("knocks")', 'tell("knoks")', "line 6: 'knoks' does not stand under [code] events"),
        ('pin("sensor")', 'pin("door")', "line 5: 'door' does not stand under [code] pins"),
        ("ADAPTER = Porch", "", "it has no ADAPTER: write a subclass of CustomAdapter"),
        ("def start(self)", "def start(self", "line 4: this is no Python"),
        ("class", "\0", "this is no Python"),
    ],
)
def test_a_mistake_in_the_code_is_told_with_its_line(
    read: Read, before: str, after: str, said: str
) -> None:
    with pytest.raises(AdapterError) as caught:
        read(code=CODE.replace(before, after))
    assert "porch.py, line" in str(caught.value)
    assert said in str(caught.value)


def test_a_table_without_code_is_told(read: Read) -> None:
    with pytest.raises(AdapterError, match=r"porch\.toml:8: there is no porch\.py beside"):
        read(code=None)
