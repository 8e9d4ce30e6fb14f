"""Keys of ports that measure, dim, turn and light: what the board reads, and what is a mistake."""

# ruff: noqa: E501 (tables are easier to read with a line for each case)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.port import open_port
from myocan.hub.lang import compile_module
from myocan.tools.adapters import AdapterError, AdapterFile, parse_adapter
from myocan.tools.house_check import check_taken
from myocan.tools.topic_list import topics_between

RIGHT = {
    "analog": 'pin = "GP26"\npublish = "a.b"',
    "bme280": 'sda = "GP4"\nscl = "GP5"\npublish = "a.b"',
    "counter": 'pin = "GP10"\npublish = "a.b"',
    "dht": 'pin = "GP6"\npublish = "a.b"',
    "ds18b20": 'pin = "GP2"\npublish = "a.b"',
    "motion": 'pin = "GP11"\npublish = "a.b"',
    "neopixel": 'pin = "GP0"\nsubscribe = "a.b"',
    "pwm": 'pin = "GP15"\nsubscribe = "a.b"',
    "servo": 'pin = "GP12"\nsubscribe = "a.b"',
}


def read(text: str, board: str = "pico-w") -> AdapterFile:
    return parse_adapter(Path("porch.toml"), f'board = "{board}"\n{text}\n')


def port(kind: str, more: str = "", name: str = "it", right: str = "") -> str:
    return f'[ports.{name}]\nkind = "{kind}"\n{right or RIGHT[kind]}\n{more}\n'


def compiled(kind: str, more: str) -> dict[str, Any]:
    (config,) = read(port(kind, more)).config("mqtt://broker")["ports"]
    aside = ("name", "kind", "pin", "sda", "scl", "publish", "subscribe")
    return {key: value for key, value in config.items() if key not in aside}


def problems(text: str, board: str = "pico-w") -> list[str]:
    with pytest.raises(AdapterError) as caught:
        read(text, board)
    return [each.text("porch.toml") for each in caught.value.problems if each.severity == "error"]


@pytest.mark.parametrize("kind", RIGHT)
def test_what_is_left_out_does_not_travel(kind: str) -> None:
    assert compiled(kind, "") == {}


@pytest.mark.parametrize(
    ("kind", "more", "keys"),
    [
        ("analog", "low = -40.5\nhigh = 60", {"low": [-405, 1], "high": [60, 0]}),
        ("analog", "decimals = 2\nmin_change = 0.1", {"decimals": {"value": 2}, "min_change": {"value": [1, 1]}}),
        ("analog", "every_s = 0.5\nkeep = 'all'\nunit = 'bar'", {"every_s": 0.5, "keep": "all"}),
        ("dht", "offset = { temperature = -1e-1 }", {"offset": {"temperature": [-1, 1]}}),
        ("bme280", "decimals = 2", {"decimals": {"temperature": 2, "humidity": 2, "pressure": 2}}),
        ("bme280", "address = 0x77\nevery_s = 60", {"address": 0x77, "every_s": 60}),
        ("counter", "per_pulse = 0.25\nper = 'min'", {"per_pulse": [25, 2], "per": "min"}),
        ("motion", "map = { yes = 1, no = 0 }", {"map": [["yes", 1], ["no", 0]]}),
        ("pwm", "safe = 12.5\nhold_s = 0", {"safe": [125, 1], "hold_s": 0}),
        ("pwm", 'safe = "dim"\nmap = { dim = 0.5, true = 100 }', {"safe": "dim", "map": [["dim", [5, 1]], [True, [100, 0]]]}),
        ("pwm", 'safe = "off"\nhz = 200', {"safe": "off", "hz": 200}),
        ("servo", "degrees = 270\nsafe = 200", {"degrees": 270, "safe": [200, 0]}),
        ("neopixel", 'safe = "red"\nmap = { busy = "#ff0000" }', {"safe": "red", "map": [["busy", "#ff0000"]]}),
    ],
    ids=str,
)  # fmt: skip
def test_keys_become_what_the_board_reads(kind: str, more: str, keys: dict[str, Any]) -> None:
    assert compiled(kind, more) == keys


@pytest.mark.parametrize("kind", RIGHT)
def test_every_kind_opens_with_what_was_compiled(kind: str) -> None:
    keys = {
        "pwm": "safe = 5",
        "servo": "safe = 5",
        "neopixel": "count = 3",
        "motion": "clear_s = 1",
    }
    (config,) = read(port(kind, keys.get(kind, "min_change = 1"))).config("mqtt://x")["ports"]
    pins = SimulatedPins()
    told: list[str] = []
    opened = open_port(config, pins)
    opened.outlet = lambda variable, value, every: told.append(variable)
    for now in range(0, 12_000, 50):
        opened.step(now)
    assert told == ["a/b"] or config["kind"] in ("motion", "counter") or "subscribe" in config
    pins.close()


@pytest.mark.parametrize(
    ("kind", "more", "line", "said"),
    [
        ("analog", "low = 100", 3, "high must differ from low (0 and 100 if left out)"),
        ("analog", "every_s = 0", 6, "every_s must be 0.01 or more, not 0"),
        ("analog", "min_change = -1", 6, "min_change must be more than 0, not -1"),
        ("analog", 'decimals = "2"', 6, "decimals must be a whole number, not '2'"),
        ("analog", "offset = { temperature = 1 }", 6, "an analog tells no number 'temperature' (only value)"),
        ("analog", "low = nan", 6, None),
        ("analog", "high = 1e99", 6, "high must be 1000000000 or less, not 1e+99"),
        ("analog", "low = -99999999999999999999", 6, "low must be -1000000000 or more, not -99999999999999999999"),
        ("analog", 'unit = "a\\u001b"', 6, "unit: use only characters that can be seen"),
        ("analog", 'every_s = "\\u0000"', 6, 'every_s must be a number, not "\\u0000"'),
        ("pwm", "max = 101", 6, "max must be 0 to 100, as port it takes it"),
        ("servo", "min = 181", 6, "min must be 0 to 180, as port it takes it"),
        ("dht", "every_s = 1", 6, "every_s must be 2 or more, not 1"),
        ("dht", "decimals = { temprature = 1 }", 6, "a dht tells no number 'temprature' (only temperature, humidity); did you mean 'temperature'?"),
        ("ds18b20", 'device = "28-xyz"', 6, "device '28-xyz' is no number of a DS18B20: write it like 28-0316a2795fff"),
        ("bme280", "address = 0x40", 7, "address must be 118 or more, not 64"),
        ("counter", 'per = "hour"', 6, "per must be 's', 'min' or 'h', not 'hour'"),
        ("pwm", "safe = 101", 6, "safe must be a number from 0 to 100, or one of on, off, not 101"),
        ("pwm", 'safe = "of"', 6, "safe must be a number from 0 to 100, or one of on, off, not 'of'; did you mean 'off'?"),
        ("pwm", "map = { full = 200 }", 6, "map.full must be 100 or less, not 200"),
        ("pwm", "hz = 0", 6, "hz must be 1 or more, not 0"),
        ("servo", "min_us = 2000", 6, "min_us must be less than max_us (1000 and 2000 if left out)"),
        ("servo", 'safe = "off"', 6, "safe must be a number from 0 to 180, not 'off'"),
        ("neopixel", 'safe = "bleu"', 6, "'bleu' is no colour: write one like #ff8000; did you mean 'blue'?"),
        ("neopixel", 'map = { busy = "#ff00" }', 6, "'#ff00' is no colour: write one like #ff8000"),
        ("neopixel", "count = 0", 6, "count must be 1 or more, not 0"),
        ("motion", "map = { yes = 1 }", 6, "the map has no value for level 0"),
        ("motion", "debounce_ms = 3", 6, None),
    ],
    ids=str,
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(kind: str, more: str, line: int, said: str | None) -> None:
    (told,) = problems(port(kind, more))
    assert told.startswith(f"porch.toml:{line}: ") or line == 3
    if said is not None:
        assert told.partition(": ")[2] == said


@pytest.mark.parametrize(
    ("board", "kind", "right", "said"),
    [
        ("pico-w", "analog", 'pin = "GP15"\npublish = "a.b"', "it has no analog input; take one of GP26, GP27, GP28"),
        ("esp32-devkit", "analog", 'pin = "GPIO4"\npublish = "a.b"', "(ADC2) does not work while WiFi is on; take one of GPIO32"),
        ("esp32-devkit", "pwm", 'pin = "GPIO34"\nsubscribe = "a.b"', "it is an input only, and a pwm is switched"),
        ("esp32-devkit", "dht", 'pin = "GPIO34"\npublish = "a.b"', "it has no 1-Wire"),
        ("esp8266", "pwm", 'pin = "D1"\nhz = 2000\nsubscribe = "a.b"', "has PWM up to 1000 Hz"),
        ("raspberry-pi", "analog", 'pin = "GPIO17"\npublish = "a.b"', "it has no analog input; take one of A0, A1"),
        ("raspberry-pi", "bme280", 'sda = "GPIO3"\nscl = "GPIO2"\npublish = "a.b"', 'write sda = "GPIO2", scl = "GPIO3"'),
        ("pico-w", "bme280", 'sda = "GP4"\nscl = "GP4"\npublish = "a.b"', "pin GP4 is taken already"),
        ("pico-w", "bme280", 'sda = "GP4"\npublish = "a.b"', "port it needs a `scl`"),
        ("pico-w", "pwm", 'pin = "LED"\nsubscribe = "a.b"', "pin LED cannot do that: it has no PWM"),
    ],
    ids=str,
)  # fmt: skip
def test_a_pin_that_cannot_do_it_is_refused(board: str, kind: str, right: str, said: str) -> None:
    (told,) = problems(port(kind, right=right), board)
    assert said in told


AIR = 'sda = "GPIO2"\nscl = "GPIO3"\ndriver = "adafruit_sht4x.SHT4x"\n'


def test_a_driver_of_circuitpython_tells_what_is_published() -> None:
    names = "publish = { temperature = 'a.t', relative_humidity = 'a.h', fault = 'a.f' }"
    text = port("circuitpython", "decimals = { temperature = 2 }", right=AIR + names)
    adapter = read(text, "raspberry-pi")
    assert adapter.warnings == ()
    (config,) = adapter.config("mqtt://broker")["ports"]
    assert config["publish"] == {"temperature": "a/t", "relative_humidity": "a/h", "fault": "a/f"}
    assert config["decimals"] == {"temperature": 2}


@pytest.mark.parametrize(
    ("right", "board", "said"),
    [
        (AIR + 'publish = "a.t"', "raspberry-pi", "say which property of the driver it is"),
        (AIR.replace(".SHT4x", "") + "publish = { x = 'a.t' }", "raspberry-pi", "must be MODULE.CLASS"),
        (AIR.replace("GPIO", "GP") + "publish = { x = 'a.t' }", "pico-w", "a circuitpython is for computers, and a Raspberry Pi Pico W is none"),
    ],
)  # fmt: skip
def test_a_driver_that_cannot_be_is_told(right: str, board: str, said: str) -> None:
    assert said in problems(port("circuitpython", right=right), board)[0]


def test_sensors_share_a_bus_if_they_can_be_told_apart() -> None:
    def thermometers(*devices: str) -> str:
        return "".join(
            port("ds18b20", device and f'device = "{device}"', f"t{at}")
            for at, device in enumerate(devices)
        )

    assert len(read(thermometers("28-000000000001", "28-000000000002")).ports) == 2
    assert "both need `device`" in problems(thermometers("28-000000000001", ""))[0]
    same = problems(thermometers("28-000000000001", "28-000000000001"))
    assert same == ["porch.toml:7: port t1 is the same sensor as port t0"]
    two = port("bme280") + port("bme280", "address = 0x77", "other")
    assert len(read(two).ports) == 2
    assert "the same sensor" in problems(port("bme280") + port("bme280", name="other"))[0]
    mixed = port("bme280") + port("button", right='pin = "GP4"\npublish = "a.b"', name="b")
    assert "pin GP4 is taken already, by port it" in problems(mixed)[0]
    crossed = port("bme280") + port(
        "bme280", right='sda = "GP5"\nscl = "GP4"\naddress = 0x77\npublish = "a.b"', name="b"
    )
    assert "pin GP5 is taken already" in problems(crossed)[0]


def pwm(board: str, *outputs: tuple[str, str]) -> list[str]:
    text = "".join(
        port("pwm", right=f'pin = "{pin}"\nsubscribe = "a.b"\n{more}', name=f"p{at}")
        for at, (pin, more) in enumerate(outputs)
    )
    try:
        read(text, board)
    except AdapterError as error:
        return [each.message for each in error.problems if each.severity == "error"]
    return []


def test_outputs_of_one_chip_that_share_their_pwm_are_told() -> None:
    assert pwm("pico-w", ("GP0", ""), ("GP1", ""), ("GP2", "hz = 50")) == []
    (same,) = pwm("pico-w", ("GP0", ""), ("GP16", ""))
    assert same == "pin GP16 and that of port p0 share one PWM output: take another pin"
    (clock,) = pwm("pico-w", ("GP0", ""), ("GP1", "hz = 50"))
    assert "(1000 Hz) have one frequency for both, and this needs 50 Hz" in clock
    assert pwm("esp32-devkit", ("GPIO4", ""), ("GPIO18", "hz = 50")) == []
    assert "one frequency" in pwm("esp8266", ("D1", ""), ("D2", "hz = 50"))[0]
    c3 = [(f"GPIO{n}", "") for n in (0, 1, 3, 4, 5, 6, 7)]
    assert pwm("esp32-c3", *c3[:6]) == []
    assert "has 6 PWM outputs, and all are in use" in pwm("esp32-c3", *c3)[0]


def test_units_and_values_are_there_for_the_check_of_the_house() -> None:
    names = '{ temperature = "a.t", fault = "a.f" }'
    adapter = read(
        port("dht", right=f'pin = "GP6"\npublish = {names}')
        + port("analog", 'unit = "bar"', "pressure")
    )
    assert [(each.topic, each.values, each.unit) for each in adapter.publishes] == [
        ("a.t", None, "°C"),
        ("a.f", (True, False), ""),
        ("a.b", None, "bar"),
    ]


def test_the_list_of_topics_shows_what_they_carry() -> None:
    names = '{ temperature = "a.t", fault = "a.f" }'
    adapter = read(port("dht", right=f'pin = "GP6"\npublish = {names}'))
    topics = topics_between([], [adapter])
    assert [(each.name, each.carries) for each in topics] == [
        ("a.f", "{true, false}"),
        ("a.t", "number, °C"),
    ]


@pytest.mark.parametrize(
    ("kind", "declared", "said"),
    [
        ("pwm", "5", None),
        ("pwm", "{0-100}", None),
        ("pwm", "{0-255}", "a.b can be 255, but port it takes 0 to 100: give it these bounds"),
        ("pwm", "{0.0-100.5}", "a.b can be 100.5, but port it takes 0 to 100: give it these bounds"),
        ("pwm", "{off, on}", None),
        ("pwm", "{off, dim}", "a.b can be dim, for which port it has no level"),
        ("servo", "{0-180}", None),
        ("servo", "{shut, open}", "a.b can be shut, open, for which port it has no level"),
        ("neopixel", '"#000000"', None),
        ("neopixel", "{red, green}", None),
        ("neopixel", "{red, gren}", "a.b can be gren, for which port it has no level"),
        ("neopixel", "5", "port it takes words, but a.b is of type decimal"),
        ("relay", "5", "port it takes words, but a.b is of type decimal"),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_module_says_must_be_what_a_port_takes(
    kind: str, declared: str, said: str | None
) -> None:
    adapter = read(port(kind, right='pin = "GP15"\nsubscribe = "a.b"'))
    source = (
        f"MODULE a\n    PUBLIC b {declared}\n    SUBSCRIBE c.d\n    ON c.d\n        THEN b = b\n"
    )
    program = compile_module(source, "a").program
    assert program is not None
    found = [finding.message for finding in check_taken([adapter], [program])]
    if said is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith(said)
