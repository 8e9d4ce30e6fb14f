"""Each kind of port, from its configuration to its pins and back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from myocan.edge import ConfigError, Refused
from myocan.edge.clock import NEVER
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.levels import level_of
from myocan.edge.ports.port import Port, open_port
from myocan.wire import Fixed

EVENTS = {event: f"button1/{event}" for event in ("press", "release", "hold", "double")}


@pytest.fixture
def pins() -> Iterator[SimulatedPins]:
    simulated = SimulatedPins()
    yield simulated
    simulated.close()


class Desk:
    """A port with somebody who notes what it tells."""

    def __init__(self, pins: SimulatedPins, **spec: Any) -> None:
        self.pins = pins
        self.told: list[tuple[str, Any, bool]] = []
        self.port: Port = open_port({"name": "it", "pin": "GP1", **spec}, pins)
        self.port.outlet = lambda variable, value, every: self.told.append((variable, value, every))
        self.port.start()
        self.now = 0

    def after(self, ms: int, level: int | None = None) -> list[tuple[str, Any, bool]]:
        """Let so much time pass in steps of a millisecond, then put the pin to a level; return
        what was told by then."""
        for _ in range(ms):
            self.port.step(self.now)
            self.now += 1
        if level is not None:
            self.pins.drive("GP1", level)
            self.pins.take_in()
        self.port.step(self.now)
        told, self.told = self.told, []
        return told


@pytest.mark.parametrize(
    ("keys", "pressed"),
    [
        ({"pull": "up"}, 0),
        ({"pull": "down"}, 1),
        ({}, 1),
        ({"pull": "up", "active": "high"}, 1),
        ({"active": "low"}, 0),
    ],
    ids=str,
)
def test_a_button_is_pressed_where_its_pull_does_not_hold_it(
    pins: SimulatedPins, keys: dict[str, str], pressed: int
) -> None:
    pins.drive("GP1", 1 - pressed)
    desk = Desk(pins, kind="button", publish={"press": "button1/press"}, **keys)
    assert desk.after(30) == []
    assert desk.after(0, pressed) == [("button1/press", None, True)]
    assert desk.after(30, 1 - pressed) == []


def test_a_button_tells_only_what_its_configuration_wants_to_know(pins: SimulatedPins) -> None:
    desk = Desk(pins, kind="button", publish={"release": "button1/let_go"})
    assert desk.after(30, 1) == []
    assert desk.after(900, 0) == [("button1/let_go", None, True)]


def test_a_buttons_times_are_as_configured(pins: SimulatedPins) -> None:
    desk = Desk(pins, kind="button", publish=EVENTS, hold_ms=100, double_ms=50, debounce_ms=5)
    names = [name for name, _, _ in desk.after(10, 1) + desk.after(100)]
    assert names == ["button1/press", "button1/hold"]
    names = [name for name, _, _ in desk.after(10, 0) + desk.after(20, 1) + desk.after(20, 0)]
    assert names == ["button1/release", "button1/press", "button1/release"]
    assert [name for name, _, _ in desk.after(50, 1)] == ["button1/press", "button1/double"]


def test_a_button_that_is_down_at_the_start_tells_nothing_until_it_was_let_go(
    pins: SimulatedPins,
) -> None:
    pins.drive("GP1", 1)
    desk = Desk(pins, kind="button", publish=EVENTS, debounce_ms=5)
    assert desk.after(2000, 0) == []
    assert desk.after(30, 1) == [("button1/press", None, True)]


def test_a_button_says_when_it_must_be_looked_at(pins: SimulatedPins) -> None:
    desk = Desk(pins, kind="button", publish=EVENTS, debounce_ms=20, hold_ms=800)
    desk.after(0)
    assert desk.port.due(desk.now) == NEVER
    desk.after(10, 1)
    assert desk.port.due(desk.now) == 20
    desk.after(20)
    assert desk.port.due(desk.now) == 780


def test_a_contact_tells_its_value_at_the_start_at_each_change_and_when_asked(
    pins: SimulatedPins,
) -> None:
    pairs = [["open", 1], ["shut", 0]]
    desk = Desk(pins, kind="contact", pull="up", publish={"value": "door/state"}, map=pairs)
    assert desk.after(30) == [("door/state", "open", False)]
    assert desk.after(0, 0) == [("door/state", "shut", False)]
    assert desk.after(100, 0) == []
    desk.port.refresh()
    assert desk.after(0) == [("door/state", "shut", False)]


def test_a_contact_without_a_map_is_on_when_its_pin_is_high(pins: SimulatedPins) -> None:
    desk = Desk(pins, kind="contact", publish={"value": "a/b"})
    assert desk.after(30, 1) == [("a/b", "off", False), ("a/b", "on", False)]


@pytest.mark.parametrize("kind", ["relay", "led"])
@pytest.mark.parametrize("active", ["high", "low"])
@pytest.mark.parametrize("safe", [0, 1])
def test_an_output_is_safe_first_then_as_it_is_told_and_safe_again(
    pins: SimulatedPins, kind: str, active: str, safe: int
) -> None:
    history: list[int] = []
    pins.on_change = lambda pin, level: history.append(level)
    desk = Desk(pins, kind=kind, active=active, safe=safe)
    on = 1 if active == "high" else 0
    level = {1: on, 0: 1 - on}
    assert history == [level[safe]]
    assert desk.port.applied == ("on" if safe else "off")
    for value, wanted in (("on", 1), ("off", 0), (True, 1), (False, 0)):
        desk.port.take(value)
        assert pins.level("GP1") == level[wanted]
        assert desk.port.applied is value or desk.port.applied == value
    desk.port.make_safe()
    assert pins.level("GP1") == level[safe]
    assert desk.port.applied == ("on" if safe else "off")


@pytest.mark.parametrize("value", ["blue", None, 2, "ON", Fixed(10, 1), ""], ids=repr)
def test_an_output_refuses_what_its_map_does_not_know_and_stays(
    pins: SimulatedPins, value: Any
) -> None:
    desk = Desk(pins, kind="relay")
    desk.port.take("on")
    with pytest.raises(Refused, match="'it' has no level for"):
        desk.port.take(value)
    assert (pins.level("GP1"), desk.port.applied) == (1, "on")


def test_a_map_tells_numbers_from_booleans_from_text() -> None:
    pairs = ((True, 1), (0, 0), ("1", 0))
    assert level_of(True, pairs, "it") == 1
    assert level_of(0, pairs, "it") == 0
    assert level_of("1", pairs, "it") == 0
    for stranger in (1, False, "True", "0"):
        with pytest.raises(Refused):
            level_of(stranger, pairs, "it")


def test_a_kind_that_a_board_has_no_file_for_is_named(pins: SimulatedPins) -> None:
    with pytest.raises(ConfigError, match="no ports of kind 'toaster': flash it again"):
        open_port({"name": "it", "kind": "toaster", "pin": "GP1"}, pins)


def test_a_port_that_takes_nothing_says_so(pins: SimulatedPins) -> None:
    with pytest.raises(Refused, match="takes no values"):
        Desk(pins, kind="button").port.take("on")
