"""Limits and interlocks of ports: what is taken, what is not, and what happens later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from myocan.edge import ConfigError, Refused
from myocan.edge.guard import Need, guard_ports, is_less, same
from myocan.edge.inlet import Inlet
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.port import Port, open_port
from myocan.edge.ports.reading import Reading
from myocan.wire import Fixed

PUMP = {"name": "pump", "kind": "relay", "pin": "GP2"}
HEATER = {"name": "heater", "kind": "relay", "pin": "GP3"}
NEEDS_PUMP = {"needs": [["pump", "", ["on"], None, None]]}
AT_MOST_80 = {"needs": [["boiler", "value", None, None, [80, 0]]]}


class Dial(Port):
    """A port that shows numbers."""

    def __init__(self, spec: Any, pins: Any) -> None:
        super().__init__(spec, pins)
        self.applied = 0

    def take(self, value: Any) -> None:
        self.check(value)
        self.applied = value

    def make_safe(self) -> None:
        self.applied = 0


@pytest.fixture
def pins() -> Iterator[SimulatedPins]:
    simulated = SimulatedPins()
    yield simulated
    simulated.close()


@pytest.fixture
def dial(pins: SimulatedPins, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Port]:
    """Opens a port of numbers with this guard."""
    monkeypatch.setattr("myocan.edge.ports.relay.PORT", Dial)
    return lambda **guard: open_port({"name": "dial", "kind": "relay", "guard": guard}, pins)


@pytest.mark.parametrize(
    ("guard", "taken", "refused", "text"),
    [
        ({"min": [5, 0], "max": [305, 1]}, [5, 30, Fixed(305, 1)], [4, 31], "takes 5 to 30.5, not"),
        ({"min": [-5, 1]}, [Fixed(-5, 1), 10**9], [-1], "takes -0.5 or more, not -1"),
        ({"max": [5, 0]}, [-7, Fixed(500, 2)], [6, Fixed(501, 2)], "takes 5 or less, not"),
        ({"max": [5, 0]}, [], ["5", True, None], "takes 5 or less, not"),
    ],
)
def test_a_port_takes_what_is_within_its_limits(
    dial: Callable[..., Port], guard: Any, taken: list[Any], refused: list[Any], text: str
) -> None:
    port = dial(**guard)
    for value in taken:
        before = port.applied
        port.check(value)
        assert port.applied is before, "a check acts on nothing"
        port.take(value)
        assert port.applied == value
    port.make_safe()
    for value in refused:
        with pytest.raises(Refused, match=text):
            port.check(value)
        with pytest.raises(Refused, match="port 'dial'"):
            port.take(value)
        assert port.applied == 0


def test_the_safe_value_is_taken_whatever_the_limits_say(dial: Callable[..., Port]) -> None:
    port = dial(min=[5, 0])
    port.take(6)
    port.take(Fixed(0, 2))
    assert port.applied == Fixed(0, 2)


def test_limits_hold_a_word_by_its_number(pins: SimulatedPins) -> None:
    words = [["low", [5, 0]], ["full", [100, 0]], ["off", [0, 0]]]
    guard = {"min": [5, 0], "max": [80, 0]}
    port = open_port({**PUMP, "kind": "pwm", "map": words, "guard": guard}, pins)
    for value in ("low", Fixed(800, 1), "off", 0):
        port.take(value)
        assert port.applied == value
    with pytest.raises(Refused, match="port 'pump' takes 5 to 80, not 'full'"):
        port.check("full")
    need = Need("pump", "", None, [50, 0], [80, 0])
    need.bind({"pump": port})
    port.take("low")
    assert not need.met()
    port.take(60)
    assert need.met()


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (5, Fixed(50, 1), True),
        (Fixed(50, 1), Fixed(500, 2), True),
        (5, Fixed(51, 1), False),
        (1, True, False),
        (True, True, True),
        ("1", 1, False),
        (None, None, True),
        (None, 0, False),
    ],
)
def test_values_are_compared_by_what_they_are_worth(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal
    assert same(other, one) is equal


def test_large_numbers_are_compared_exactly() -> None:
    assert is_less([2**62, 0], [2**62 + 1, 0])
    assert not is_less([2**62 + 1, 0], [2**62, 0])


class House:
    """Ports of one board with their inlets; time passes in steps."""

    def __init__(self, pins: SimulatedPins, *specs: dict[str, Any]) -> None:
        self.remarks: list[str] = []
        self.ports = {spec["name"]: open_port(spec, pins) for spec in specs}
        subscribing = [port for port in self.ports.values() if port.applied is not None]
        self.inlets = [Inlet(port, self.remarks.append) for port in subscribing]
        guard_ports(list(self.ports.values()), self.inlets, self.remarks.append)
        self.now = 0
        self._offset = 0
        for inlet in self.inlets:
            inlet.hub_lost(0)
        for port in self.ports.values():
            port.start()

    def lose_hub(self) -> None:
        for inlet in self.inlets:
            inlet.hub_lost(self.now)

    def find_hub(self) -> None:
        for inlet in self.inlets:
            inlet.hub_back()

    def send(self, name: str, value: Any) -> None:
        self._offset += 1
        inlet = next(inlet for inlet in self.inlets if inlet.port.name == name)
        inlet.offer((1, self._offset), value)

    def after(self, ms: int = 1) -> dict[str, Any]:
        """Let so much time pass; return what the outputs show."""
        for _ in range(ms):
            self.now += 1
            for port in self.ports.values():
                port.step(self.now)
            while any(inlet.step(self.now) for inlet in self.inlets):
                pass  # as the adapter does: something changed, so all is looked at again
        return {name: port.applied for name, port in self.ports.items()}


@pytest.fixture
def house(pins: SimulatedPins) -> House:
    """A heater that needs a pump; the hub is there."""
    made = House(pins, {**HEATER, "guard": NEEDS_PUMP}, PUMP)
    made.find_hub()
    return made


def test_an_interlock_keeps_a_value_back_until_it_allows_it(house: House) -> None:
    house.send("heater", "on")
    assert house.after(5) == {"heater": "off", "pump": "off"}
    with pytest.raises(Refused, match="'heater' cannot take 'on': it needs port 'pump' at 'on', w"):
        house.ports["heater"].take("on")
    house.send("pump", "on")
    assert house.after() == {"heater": "on", "pump": "on"}
    assert house.remarks == [], "the values of a board come in any order"


def test_a_value_that_is_kept_back_for_long_is_told_of_once(house: House) -> None:
    house.send("heater", "on")
    house.after(3000)
    assert house.remarks == [
        "port 'heater' waits: it needs port 'pump' at 'on', which is at 'off'",
    ]


def test_a_port_goes_to_its_safe_value_when_an_interlock_does_not_allow_another(
    house: House,
) -> None:
    house.send("pump", "on")
    house.send("heater", "on")
    assert house.after() == {"heater": "on", "pump": "on"}
    house.send("pump", "off")
    assert house.after() == {"heater": "off", "pump": "off"}
    assert house.remarks == [
        "port 'heater' goes to its safe value: it needs port 'pump' at 'on', which is at 'off'"
    ]
    house.send("pump", "on")
    assert house.after() == {"heater": "on", "pump": "on"}, "its wish is what it was"


def test_what_was_sent_meanwhile_is_what_counts(house: House) -> None:
    house.send("pump", "on")
    house.send("heater", "on")
    house.after()
    house.send("pump", "off")
    house.after()
    house.send("heater", False)
    house.send("pump", True)
    assert house.after() == {"heater": False, "pump": True}
    house.send("heater", True)
    assert house.after()["heater"] is True, "true is as good as on, here as there"


def test_an_interlock_holds_while_the_hub_is_away(pins: SimulatedPins) -> None:
    house = House(pins, {**HEATER, "guard": NEEDS_PUMP}, {**PUMP, "hold_s": 0.5})
    house.find_hub()
    house.send("pump", "on")
    house.send("heater", "on")
    house.after()
    house.lose_hub()
    assert house.after(400) == {"heater": "on", "pump": "on"}
    assert house.after(200) == {"heater": "off", "pump": "off"}
    house.send("pump", "on")  # retained at the broker; the hub is not back
    assert house.after(10) == {"heater": "off", "pump": "off"}
    house.find_hub()
    assert house.after() == {"heater": "on", "pump": "on"}


def test_a_port_that_fell_back_is_not_switched_on_by_an_interlock(pins: SimulatedPins) -> None:
    house = House(pins, {**HEATER, "hold_s": 0.1, "guard": NEEDS_PUMP}, PUMP)
    house.find_hub()
    house.send("pump", "on")
    house.send("heater", "on")
    house.after()
    house.lose_hub()
    house.after(200)
    house.ports["pump"].take("off")
    house.after()
    house.ports["pump"].take("on")
    assert house.after(10)["heater"] == "off"


def test_what_was_kept_back_is_forgotten_with_the_hub(pins: SimulatedPins) -> None:
    house = House(pins, {**HEATER, "hold_s": 0.1, "guard": NEEDS_PUMP}, PUMP)
    house.find_hub()
    house.send("heater", "on")
    house.after()
    house.lose_hub()
    house.after(200)
    house.ports["pump"].take("on")
    assert house.after(10)["heater"] == "off", "the hub may think otherwise by now"
    house.send("heater", "on")
    house.find_hub()
    assert house.after()["heater"] == "on"


def test_an_interlock_can_hang_on_an_input(pins: SimulatedPins) -> None:
    door = {"name": "door", "kind": "contact", "pin": "GP1", "map": [["open", 1], ["shut", 0]]}
    heater = {**HEATER, "guard": {"needs": [["door", "value", ["shut"], None, None]]}}
    pins.drive("GP1", 1)
    house = House(pins, heater, door)
    house.find_hub()
    house.send("heater", "on")
    assert house.after(5)["heater"] == "off"
    pins.drive("GP1", 0)
    pins.take_in()
    assert house.after(50)["heater"] == "on", "whether or not the port publishes what it sees"


def test_a_reading_that_nobody_knows_allows_nothing(pins: SimulatedPins) -> None:
    boiler = {"name": "boiler", "kind": "contact", "pin": "GP1"}
    house = House(pins, {**HEATER, "guard": AT_MOST_80}, boiler)
    house.find_hub()
    sensor = house.ports["boiler"]
    house.send("heater", "on")
    for reading, heater in (
        (Fixed(799, 1), "on"),
        (80, "on"),
        (Fixed(801, 1), "off"),
        (20, "on"),
        (None, "off"),
    ):
        if reading is None:
            sensor.cannot_tell()
        else:
            sensor.tell("value", reading)
        assert house.after()["heater"] == heater
    assert house.remarks[-1].endswith("needs port 'boiler' at 80 or less, which has not told yet")


def test_an_interlock_sees_every_measurement_also_those_that_are_not_told(
    pins: SimulatedPins,
) -> None:
    spec = {**PUMP, "min_interval_s": 60, "min_change": {"degrees": (5, 0)}}
    port = open_port(spec, pins)
    told: list[Any] = []
    port.publish = {"degrees": "boiler/degrees"}
    port.outlet = lambda variable, value, every: told.append(value)
    port.shown = {}
    port.spec = spec
    reading = Reading(port, "degrees", 1, (1, 1))
    for at, measured in enumerate((200, 810, 812, 300)):
        reading.offer(measured, 1, at)
        assert port.shown == {"degrees": Fixed(measured, 1)}
    reading.refresh()
    assert port.shown == {"degrees": Fixed(300, 1)}
    port.cannot_tell()
    reading.offer(300, 1, 9)
    assert port.shown == {"degrees": Fixed(300, 1)}
    assert told == [Fixed(200, 1)] * 2


def test_a_port_that_is_needed_and_not_there_is_a_wrong_configuration(pins: SimulatedPins) -> None:
    with pytest.raises(ConfigError, match="no port 'pump', which another needs"):
        House(pins, {**HEATER, "guard": NEEDS_PUMP})


def test_a_need_that_knows_no_port_yet_is_not_met() -> None:
    assert not Need("pump", "", ["on"]).met()
