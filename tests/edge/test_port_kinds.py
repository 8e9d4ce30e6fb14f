"""What each kind of port makes of its pins, sensors and values; all on simulated pins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from myocan.edge import Refused
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.port import Port, open_port
from myocan.wire import Fixed


class Desk:
    """A port with somebody who notes what it tells, and a clock of its own."""

    def __init__(self, **spec: Any) -> None:
        self.pins = SimulatedPins()
        self.pins.ticks = lambda: self.now
        self.now = 0
        self.told: list[tuple[str, Any]] = []
        self.all_count: list[bool] = []
        self.remarks: list[str] = []
        self.shown: list[int] = []
        self.pins.on_change = lambda pin, level: self.shown.append(level)
        self.spec = {"name": "it", "pin": "GP1", **spec}
        self.port: Port | None = None

    def open(self) -> Port:
        port = self.port = open_port(self.spec, self.pins)
        port.outlet = self._note
        port.remark = self.remarks.append
        port.start()
        return port

    def _note(self, variable: str, value: Any, every: bool) -> None:
        self.told.append((variable, value))
        self.all_count.append(every)

    def after(self, ms: int, level: int | None = None, pin: str = "GP1") -> list[Any]:
        """Let time pass as the loop does, drive a pin, look once; return what was told by then."""
        port = self.port or self.open()
        end = self.now + ms
        while self.now < end:
            port.step(self.now)
            self.now += max(1, min(port.due(self.now), end - self.now))
        if level is not None:
            self.pins.drive(pin, level)
            self.pins.take_in()
        port.step(self.now)
        told, self.told = self.told, []
        return told


@pytest.fixture
def desks() -> Iterator[list[Desk]]:
    made: list[Desk] = []
    yield made
    for desk in made:
        desk.pins.close()


@pytest.fixture
def desk(desks: list[Desk]) -> Any:
    def make(**spec: Any) -> Desk:
        desks.append(Desk(**spec))
        return desks[-1]

    return make


# what is measured


def test_a_number_is_told_when_it_says_something_new(desk: Any) -> None:
    spec = {"kind": "analog", "publish": {"value": "v"}, "every_s": 1, "min_interval_s": 5}
    it = desk(**spec, min_change={"value": [3, 0]})
    assert it.after(500) == [("v", 0)]
    assert it.after(10_000, 65535 * 2 // 100) == []
    assert it.after(10_000, 65535 * 3 // 100 + 1) == [], "it is looked at once a second"
    assert it.after(1_000, 65535 * 50 // 100) == [("v", 3)]
    assert it.after(4_000) == [], "for five seconds nothing is told"
    assert it.after(1_000) == [("v", 50)], "but then what changed meanwhile"
    it.port.refresh()
    assert it.after(0) == [("v", 50)]
    assert it.all_count == [False] * 4


@pytest.mark.parametrize(
    ("keys", "levels", "told"),
    [
        ({}, [0, 32768, 65535], [0, 50, 100]),
        ({"decimals": {"value": 2}}, [0, 32768], [Fixed(0, 2), Fixed(5000, 2)]),
        ({"low": [-40, 0], "high": [60, 0]}, [0, 32768], [-40, 10]),
        ({"low": [1, 0], "high": [-5, 1]}, [0, 65535], [Fixed(10, 1), Fixed(-5, 1)]),
        ({"high": [25, 1]}, [0, 13107], [Fixed(0, 1), Fixed(5, 1)]),
        ({"offset": {"value": [-15, 1]}, "decimals": {"value": 1}}, [32768], [Fixed(485, 1)]),
    ],
    ids=str,
)  # fmt: skip
def test_a_voltage_becomes_a_number_of_its_range(
    desk: Any, keys: Any, levels: list[int], told: list[Any]
) -> None:
    it = desk(kind="analog", publish={"value": "v"}, min_interval_s=0, **keys)
    found = []
    for level in levels:
        it.pins.drive("GP1", level)
        it.pins.take_in()
        found += it.after(200)
    assert found == [("v", value) for value in told]


def test_the_ends_of_a_range_are_told_however_near(desk: Any) -> None:
    it = desk(
        kind="analog", publish={"value": "v"}, min_interval_s=0, min_change={"value": [20, 0]}
    )
    assert it.after(50) == [("v", 0)]
    assert it.after(200, 65535 * 9 // 100) == []
    assert it.after(200, 65535 * 30 // 100) == []
    assert it.after(200, 65535 * 15 // 100) == [("v", 30)]
    assert it.after(200, 0) == []
    assert it.after(200) == [("v", 0)]


def test_a_number_can_be_told_again_though_it_is_the_same(desk: Any) -> None:
    it = desk(kind="analog", publish={"value": "v"}, every_s=1, repeat_s=60, keep="all")
    assert it.after(179_000) == [("v", 0)] * 3
    assert it.all_count == [True] * 3


def test_a_thermometer_is_measured_and_told_in_degrees(desk: Any) -> None:
    it = desk(kind="ds18b20", publish={"temperature": "t"}, every_s=10)
    assert it.after(749) == []
    assert it.after(1) == [("t", Fixed(210, 1))]
    for sixteenths, told in ((-162, Fixed(-101, 1)), (401, Fixed(251, 1)), (8, Fixed(5, 1))):
        it.after(0, sixteenths)
        assert it.after(11_000) == [("t", told)]
    it.after(0, 10)
    assert it.after(60_000) == [], "an eighth of a degree is nothing new"


def test_a_sensor_that_fails_three_times_is_broken_and_everybody_is_told(desk: Any) -> None:
    it = desk(kind="ds18b20", publish={"temperature": "t", "fault": "broken"}, every_s=1)
    assert it.after(1_000) == [("t", Fixed(210, 1)), ("broken", False)]
    it.after(0, -1000)
    assert it.after(1_900) == []
    assert it.remarks == []
    assert it.after(2_000) == [("broken", True)]
    assert it.remarks == [
        "port 'it': no sensor answers: look at its wires, and at the resistor from the pin to the "
        "supply"
    ]
    assert it.after(60_000) == []
    it.after(0, 320)
    told = it.after(3_000)
    assert ("broken", False) in told
    assert ("t", Fixed(200, 1)) in told
    assert it.remarks[1:] == ["port 'it': the sensor answers again"]


def test_whoever_needs_a_sensor_learns_that_nobody_knows(desk: Any) -> None:
    it = desk(kind="ds18b20", publish={"temperature": "t"}, every_s=1)
    it.open().shown = {}
    it.after(1_000)
    assert it.port.shown == {"temperature": Fixed(210, 1), "fault": False}
    it.after(0, -1000)
    it.after(4_000)
    assert it.port.shown == {"fault": True}
    it.after(0, 336)
    it.after(3_000)
    assert it.port.shown == {"temperature": Fixed(210, 1), "fault": False}, "though it is the same"


def test_a_thermometer_that_only_just_got_its_power_is_not_believed(desk: Any) -> None:
    it = desk(kind="ds18b20", publish={"temperature": "t", "fault": "f"}, every_s=1)
    it.pins.drive("GP1", 0x0550)
    it.pins.take_in()
    assert it.after(10_000) == [("f", True)]
    assert "lost its power" in it.remarks[0]


def test_a_thermometer_is_chosen_by_its_number(desk: Any) -> None:
    it = desk(kind="ds18b20", publish={"temperature": "t"}, device="28-000000000001")
    assert it.after(800) == [("t", Fixed(210, 1))]
    it = desk(kind="ds18b20", publish={"temperature": "t"}, device="28-000000000002", every_s=1)
    assert it.after(9_000) == []
    assert "on the pin there is 28-000000000001" in it.remarks[0]


def test_a_dht_tells_both_of_its_values(desk: Any) -> None:
    it = desk(kind="dht", publish={"temperature": "t", "humidity": "h"}, every_s=1)
    assert it.after(0) == [("t", Fixed(210, 1)), ("h", 50)]
    it.after(0, -52)
    assert it.after(1_900) == [], "not more often than every two seconds"
    assert it.after(200) == [("t", Fixed(-52, 1))]
    it.after(0, 2000)
    it.after(7_000)
    assert "what the sensor says cannot be" in it.remarks[0]


def test_a_bme280_tells_what_the_example_of_its_data_sheet_says(desk: Any) -> None:
    it = desk(
        kind="bme280",
        sda="GP4",
        scl="GP5",
        publish={"temperature": "t", "pressure": "p", "humidity": "h"},
        decimals={"temperature": 2, "pressure": 2},
    )
    told = dict(it.after(20))
    # BST-BMP280-DS001, 3.12: 25.08 degrees, 100653.27 Pa
    assert told["t"] == Fixed(2508, 2)
    assert told["p"] == Fixed(100653, 2)
    assert told["h"] == 44


def test_a_bmp280_has_no_humidity_and_a_stranger_is_named(desk: Any) -> None:
    from myocan.edge.pins.simulated_parts import SimulatedBme280

    names = {"temperature": "t", "humidity": "h", "fault": "f"}
    it = desk(kind="bme280", sda="GP4", scl="GP5", address=0x77, every_s=1, publish=names)
    it.pins.devices[0x77] = SimulatedBme280(0x58)
    assert it.after(20) == [("t", Fixed(251, 1)), ("f", False)]
    it = desk(kind="bme280", sda="GP4", scl="GP5", address=0x77, every_s=1, publish=names)
    it.pins.devices[0x77] = SimulatedBme280(0x61)
    assert it.after(4_000) == [("f", True)]
    assert it.remarks == ["port 'it': what has address 0x77 is no BME280: look at its wires"]
    del it.pins.devices[0x77]
    it = desk(kind="bme280", sda="GP4", scl="GP5", address=0x77, every_s=1, publish=names)
    assert it.after(4_000) == [("f", True)]
    assert "its address may be 0x76" in it.remarks[0]


def _humidity(adc: int, fine: int, h: tuple[int, ...]) -> float:
    """The formula in floating point, BST-BME280-DS002, 8.1 "Compensation formulas in double"."""
    h1, h2, h3, h4, h5, h6 = h
    v = fine - 76800.0
    v = (adc - (h4 * 64.0 + h5 / 16384.0 * v)) * (
        h2 / 65536.0 * (1.0 + h6 / 67108864.0 * v * (1.0 + h3 / 67108864.0 * v))
    )
    v = v * (1.0 - h1 * v / 524288.0)
    return min(max(v, 0.0), 100.0)


@pytest.mark.parametrize("adc", [0, 20_000, 26_000, 29_000, 33_333, 40_000, 65_535])
@pytest.mark.parametrize("fine", [-50_000, 100_000, 128_422, 200_000])
def test_humidity_is_that_of_the_data_sheets_other_formula(adc: int, fine: int) -> None:
    from myocan.edge.pins.simulated_parts import SimulatedBme280
    from myocan.edge.ports.bme280 import Calibration

    chip = SimulatedBme280()
    calibration = Calibration(chip.read(0x88, 26), chip.read(0xE1, 7))
    assert calibration._h == (75, 362, 0, 20 << 4 | 8, 3 << 4 | 2, 30)
    assert calibration.humidity(adc, fine) / 1024 == pytest.approx(
        _humidity(adc, fine, calibration._h), abs=0.02
    )


# what is counted


def test_each_pulse_is_told_once_and_chatter_is_none(desk: Any) -> None:
    it = desk(kind="counter", pull="up", publish={"pulses": "n"}, every_s=1, debounce_ms=20)
    it.after(100)
    for level in (0, 1, 0, 1, 0):  # a contact closes
        it.after(2, level)
    for level in (1, 0, 1):  # and opens
        it.after(50 if level and it.now < 200 else 3, level)
    assert it.after(1_000) == [("n", 1)]
    for _ in range(5):
        it.after(40, 0)
        it.after(40, 1)
    told = it.after(2_000)
    assert sum(count for _, count in told) == 5
    assert it.all_count == [True] * len(it.all_count)
    assert it.after(60_000) == [], "no pulses, no message"


def test_a_rate_is_taken_from_the_time_between_pulses(desk: Any) -> None:
    # a thousand pulses are a kilowatt hour: one each 3.6 s is 1000 W
    it = desk(
        kind="counter", publish={"rate": "w"}, decimals={"rate": 0}, every_s=10, debounce_ms=0
    )
    assert it.after(1_000) == [("w", 0)]
    told = []
    for _ in range(10):
        told += it.after(1_800, 1)
        told += it.after(1_800, 0)
    assert told == [("w", 1000)]
    told = it.after(36_000)
    assert [name for name, _ in told] == ["w"] * len(told)
    values = [value for _, value in told]
    assert values == sorted(values, reverse=True), "it sinks while none comes"
    assert values[-1] in range(95, 125)


def test_what_a_pulse_is_worth_and_per_which_time(desk: Any) -> None:
    keys = {"per_pulse": [25, 2], "per": "min", "decimals": {"rate": 2}}
    it = desk(kind="counter", publish={"rate": "mm"}, every_s=60, debounce_ms=0, **keys)
    told = it.after(1)
    for _ in range(4):
        told += it.after(29_000, 1)
        told += it.after(1_000, 0)
    assert told == [("mm", Fixed(0, 2)), ("mm", Fixed(50, 2))]


def test_motion_and_stillness_are_events_and_a_value(desk: Any) -> None:
    names = {"motion": "seen", "still": "quiet", "value": "state"}
    pairs = [["moving", 1], ["still", 0]]
    it = desk(kind="motion", publish=names, clear_s=5, settle_s=30, map=pairs)
    it.after(1_000, 1)
    assert it.after(28_000, 0) == [], "until it has settled nothing is told"
    assert it.after(2_000) == [("state", "still")]
    assert it.after(1_000, 1) == [("seen", None), ("state", "moving")]
    assert it.after(60_000, 0) == []
    assert it.after(4_000, 1) == []
    assert it.after(1_000, 0) == []
    assert it.after(5_000) == [("quiet", None), ("state", "still")]
    assert it.all_count == [False, True, False, True, False]


@pytest.mark.parametrize(("kind", "keys"), [("contact", {"debounce_ms": 0}), ("motion", {})])
def test_every_value_of_an_input_can_count(desk: Any, kind: str, keys: Any) -> None:
    it = desk(kind=kind, publish={"value": "v"}, keep="all", **keys)
    it.after(10, 1)
    assert it.all_count == [True, True]


# what is set


def test_a_dimmed_output_takes_percent_and_words(desk: Any) -> None:
    it = desk(kind="pwm", safe=[5, 0])
    port = it.open()
    assert it.shown == [3276]
    assert port.applied == 5
    for value, duty in ((100, 65535), (0, 0), (Fixed(125, 1), 8191), ("on", 65535), (False, 0)):
        port.take(value)
        assert it.shown[-1] == duty
        assert port.applied == value
    port.make_safe()
    assert (it.shown[-1], port.applied) == (3276, 5)


def test_a_dimmed_output_can_be_the_other_way_round_and_have_words_of_its_own(desk: Any) -> None:
    it = desk(kind="pwm", active="low", safe="dim", map=[["dim", [2, 1]], ["full", [100, 0]]])
    port = it.open()
    assert it.shown == [65535 - 131]
    port.take("full")
    assert it.shown[-1] == 0
    assert port.applied == "full"
    with pytest.raises(Refused, match="no number for 'on'"):
        port.check("on")


@pytest.mark.parametrize("value", [-1, 101, Fixed(1001, 1), "blue", None, Fixed(-1, 3)], ids=repr)
def test_a_dimmed_output_refuses_what_is_no_percentage_and_stays(desk: Any, value: Any) -> None:
    it = desk(kind="pwm")
    port = it.open()
    port.take(50)
    for do in (port.check, port.take):
        with pytest.raises(Refused, match="port 'it'"):
            do(value)
    assert (it.shown[-1], port.applied) == (32767, 50)


def test_a_servo_gets_no_pulses_until_it_is_told_where_to_turn(desk: Any) -> None:
    it = desk(kind="servo")
    port = it.open()
    assert (it.shown, port.applied) == ([0], None)
    for degrees, us in ((0, 1000), (90, 1500), (180, 2000), (Fixed(455, 1), 1252.8)):
        port.take(degrees)
        assert it.shown[-1] == pytest.approx(us / 20_000 * 65535, abs=1)
    with pytest.raises(Refused, match="takes 0 to 180, not 181"):
        port.take(181)
    port.make_safe()
    assert (it.shown[-1], port.applied) == (0, None)


def test_a_servos_range_is_as_configured(desk: Any) -> None:
    keys = {"degrees": 270, "min_us": 500, "max_us": 2500, "safe": [270, 0]}
    it = desk(kind="servo", map=[["shut", [0, 0]]], **keys)
    port = it.open()
    assert it.shown == [2500 * 65535 // 20_000]
    port.take("shut")
    assert it.shown[-1] == 500 * 65535 // 20_000
    port.take(135)
    assert it.shown[-1] == 1500 * 65535 // 20_000


def test_a_strip_shows_colours_by_word_number_and_one_after_the_other(desk: Any) -> None:
    it = desk(kind="neopixel", count=3, map=[["alarm", "red black"]])
    port = it.open()
    assert (it.shown, port.applied) == ([0], "off")
    strip: list[bytes] = []
    port._strip.show = lambda colors: strip.append(bytes(colors))
    for value in ("#ff8001", "blue", "alarm", True, "off"):
        port.take(value)
        assert port.applied == value
    assert [each.hex() for each in strip] == [
        "80ff0180ff0180ff01",
        "0000ff0000ff0000ff",
        "00ff0000000000ff00",
        "ff" * 9,
        "00" * 9,
    ]


def test_a_strips_order_and_brightness_are_as_configured(desk: Any) -> None:
    it = desk(kind="neopixel", order="RGBW", brightness=50, safe="#102040")
    port = it.open()
    strip: list[bytes] = []
    port._strip.show = lambda colors: strip.append(bytes(colors))
    port.make_safe()
    port.take("white")
    assert [each.hex() for each in strip] == ["00081808", "0000007f"]


@pytest.mark.parametrize(
    "value", ["", " ", "blau", "#12345", "#0x1234", "#+12345", 7, None], ids=repr
)
def test_a_strip_refuses_what_is_no_colour(desk: Any, value: Any) -> None:
    port = desk(kind="neopixel").open()
    with pytest.raises(Refused, match=r"port 'it' (has no|knows no) colour"):
        port.check(value)


@pytest.mark.parametrize(
    ("keys", "one", "other", "alike"),
    [
        ({"kind": "pwm"}, "on", 100, True),
        ({"kind": "pwm"}, Fixed(100, 1), 10, True),
        ({"kind": "pwm"}, 10, 11, False),
        ({"kind": "servo"}, Fixed(900, 1), 90, True),
        ({"kind": "neopixel"}, "off", "#000000", True),
        ({"kind": "neopixel"}, "on", "red", False),
    ],
    ids=str,
)
def test_values_that_mean_the_same_are_known(
    desk: Any, keys: Any, one: Any, other: Any, alike: bool
) -> None:
    assert desk(**keys).open().alike(one, other) is alike
