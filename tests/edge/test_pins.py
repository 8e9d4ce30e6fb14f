"""Where pins come from: gpiozero (with its own mock pins), and levels in memory."""

from __future__ import annotations

import selectors
import subprocess
import sys
import threading
from collections.abc import Iterator

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory

from myocan.edge import ConfigError, PinError
from myocan.edge.clock import NEVER
from myocan.edge.pins.gpiozero import GpiozeroPins, gpio_name
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.run import open_pins


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFactory]:
    """gpiozero's mock pins, as GPIOZERO_PIN_FACTORY=mock gives them."""
    mock = MockFactory()
    monkeypatch.setattr(gpiozero.Device, "pin_factory", mock)
    yield mock
    mock.close()


@pytest.fixture
def pins(factory: MockFactory) -> Iterator[GpiozeroPins]:
    opened = GpiozeroPins()
    yield opened
    opened.close()


def woken(pins: GpiozeroPins | SimulatedPins) -> bool:
    """Return whether a loop that waits for these pins would wake up now."""
    with selectors.DefaultSelector() as selector:
        for stream in pins.streams():
            selector.register(stream, selectors.EVENT_READ)
        return bool(selector.select(0))


@pytest.mark.parametrize(("pull", "idle"), [("up", 1), ("down", 0), (None, 0)])
def test_a_gpiozero_input_shows_the_level_of_its_pin(
    pins: GpiozeroPins, factory: MockFactory, pull: str | None, idle: int
) -> None:
    if pull is None:
        factory.pin("GPIO17").drive_low()
    entry = pins.digital_in("GP17", pull)
    assert entry.value() == idle
    pin = factory.pin("GPIO17")
    for level in (1 - idle, idle):
        pin.drive_high() if level else pin.drive_low()
        assert woken(pins)
        pins.take_in()
        assert not woken(pins)
        assert entry.value() == level


@pytest.mark.parametrize("level", [0, 1])
def test_a_gpiozero_output_starts_at_its_level_and_follows(
    pins: GpiozeroPins, factory: MockFactory, level: int
) -> None:
    exit_ = pins.digital_out("GPIO4", level)
    pin = factory.pin("GPIO4")
    assert pin.state == level
    assert [bool(state) for _, state in pin.states][-1] == bool(level)
    for value in (1 - level, level):
        exit_.value(value)
        assert pin.state == value


@pytest.mark.parametrize(
    ("name", "known"), [("GP17", "GPIO17"), ("GPIO17", "GPIO17"), ("BOARD11", "BOARD11")]
)
def test_names_printed_on_boards_are_understood(name: str, known: str) -> None:
    assert gpio_name(name) == known


@pytest.mark.parametrize("name", ["GP99", "nonsense", ""])
def test_a_pin_that_a_pi_does_not_have_is_named(pins: GpiozeroPins, name: str) -> None:
    with pytest.raises(PinError, match=f"pin '{name}'"):
        pins.digital_in(name, "up")
    with pytest.raises(PinError, match=f"pin '{name}'"):
        pins.digital_out(name, 0)


def test_pins_that_are_given_back_can_be_opened_again(factory: MockFactory) -> None:
    for _ in range(2):
        opened = GpiozeroPins()
        opened.digital_in("GP17", "up")
        opened.digital_out("GP4", 1)
        opened.close()


def test_a_simulated_pin_is_where_its_pull_holds_it_until_it_is_driven() -> None:
    pins = SimulatedPins()
    assert [
        pins.digital_in(*each).value() for each in (("a", "up"), ("b", "down"), ("c", None))
    ] == [
        1,
        0,
        0,
    ]
    pins.drive("d", 1)
    assert pins.digital_in("d", "down").value() == 1, "also if it was driven before it was opened"
    pins.close()


def test_every_level_that_a_simulated_pin_is_driven_to_can_be_seen() -> None:
    pins = SimulatedPins()
    first, second = pins.digital_in("a", "up"), pins.digital_in("b", "up")
    for pin, level in (("a", 0), ("b", 0), ("a", 1), ("a", 0)):
        pins.drive(pin, level)
    seen = []
    for _ in range(4):
        pins.take_in()
        seen.append((first.value(), second.value(), pins.look_ms))
    assert seen == [(0, 1, 0), (0, 0, 0), (1, 0, 0), (0, 0, NEVER)]
    pins.close()


def test_driving_a_simulated_pin_from_another_thread_wakes_the_loop() -> None:
    pins = SimulatedPins()
    entry = pins.digital_in("GP1", "up")
    thread = threading.Thread(target=pins.drive, args=("GP1", 0))
    thread.start()
    with selectors.DefaultSelector() as selector:
        selector.register(pins.streams()[0], selectors.EVENT_READ)
        assert selector.select(5)
    thread.join()
    pins.take_in()
    assert entry.value() == 0
    pins.close()


def test_changes_of_a_simulated_output_are_told_once_each() -> None:
    pins = SimulatedPins()
    seen: list[tuple[str, int]] = []
    pins.on_change = lambda pin, level: seen.append((pin, level))
    output = pins.digital_out("GP2", 0)
    for level in (0, 1, 1, 0):
        output.value(level)
    assert seen == [("GP2", 0), ("GP2", 1), ("GP2", 0)]
    with pytest.raises(PinError, match="'GP3': no port uses it"):
        pins.level("GP3")
    pins.close()


def test_a_backend_is_opened_by_its_name(factory: MockFactory) -> None:
    for name, kind in (("gpiozero", GpiozeroPins), ("simulated", SimulatedPins)):
        pins = open_pins(name)
        assert isinstance(pins, kind)
        pins.close()
    with pytest.raises(ConfigError, match="there is no such library"):
        open_pins("machine")


def test_a_missing_gpiozero_is_told_with_what_to_install() -> None:
    code = (
        "import sys; sys.modules['gpiozero'] = None\n"
        "from myocan.edge import ConfigError\n"
        "from myocan.edge.run import open_pins\n"
        "try:\n    open_pins()\nexcept ConfigError as error:\n    print(error)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=300
    ).stdout
    assert "pip install 'myocan[gpio]'" in said
