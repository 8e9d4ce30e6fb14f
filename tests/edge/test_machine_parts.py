"""What differs between boards' `machine`: old versions, chips that lack something, bad checksums.

The ordinary ways are tested on virtual boards; here `machine` is made up.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from myocan.edge import PinError
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ports.port import open_port

NAMES = ("pwm", "analog", "dht", "pulses")


class FakePin:
    IN, OUT, PULL_UP, IRQ_RISING, IRQ_FALLING = 0, 1, 1, 1, 2

    def __init__(self, name: Any, *mode: Any, **more: Any) -> None:
        self.name = name
        self.handler: Callable[[Any], None] | None = None
        self.level = 0

    def value(self) -> int:
        return self.level

    def irq(self, handler: Callable[[Any], None], trigger: int, **more: Any) -> None:
        if more:
            raise TypeError("extra keyword arguments given")
        self.handler, self.trigger = handler, trigger


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    fake: Any = ModuleType("machine")
    fake.Pin = FakePin
    monkeypatch.setitem(sys.modules, "machine", fake)
    modules = ["myocan.edge.pins.machine", *(f"myocan.edge.pins.machine_{name}" for name in NAMES)]
    yield fake
    for module in modules:
        sys.modules.pop(module, None)


def open_part(kind: str, *what: Any) -> Any:
    from myocan.edge.pins.machine import MachinePins
    from myocan.edge.pins.parts import part

    return part(MachinePins(), kind, *what)


def test_an_old_pwm_is_told_one_thing_after_the_other(machine: Any) -> None:
    class Old:
        def __init__(self, pin: FakePin) -> None:
            self.said: list[int] = []

        def freq(self, hz: int) -> None:
            self.said.append(hz)

        duty_u16 = freq

    machine.PWM = Old
    output = open_part("pwm", "GP1", 50, 1000)
    output.duty(2000)
    assert output._pwm.said == [50, 1000, 2000]


def test_a_pwm_that_a_chip_cannot_make_is_a_pin_error(machine: Any) -> None:
    def refuse(pin: FakePin, **more: Any) -> None:
        raise ValueError("freq too large")

    machine.PWM = refuse
    with pytest.raises(PinError, match="pin 'GP1' has no PWM of 50 Hz: freq too large"):
        open_part("pwm", "GP1", 50, 0)


def test_an_esp8266_has_one_analog_input_and_an_esp32_measures_all_of_its_range(
    machine: Any,
) -> None:
    class Adc:
        ATTN_11DB = 3

        def __init__(self, what: Any) -> None:
            self.what = what

        def atten(self, attenuation: int) -> None:
            self.attenuation = attenuation

        def read_u16(self) -> int:
            return 1234

    machine.ADC = Adc
    assert open_part("analog", "A0")._adc.what == 0
    dial = open_part("analog", "GPIO34")
    assert (dial._adc.what.name, dial._adc.attenuation, dial.read()) == ("GPIO34", 3, 1234)


@pytest.mark.parametrize(
    ("eleven", "frame", "measured"),
    [
        (False, "028c015fee", (351, 652)),  # Aosong, AM2302 manual, 7.2: 35.1 degrees, 65.2 %
        (False, "028c806573", (-101, 652)),  # likewise: -10.1 degrees
        (True, "3500180451", (244, 530)),  # ASAIR, DHT11 manual, 5.2: 24.4 degrees, 53 %
    ],
)
def test_a_dhts_five_bytes_are_read_as_its_manual_says(
    machine: Any, eleven: bool, frame: str, measured: tuple[int, int]
) -> None:
    raw = bytes.fromhex(frame)

    def read(pin: FakePin, into: bytearray) -> None:
        into[:] = raw

    machine.dht_readinto = read
    sensor = open_part("dht", "GP1", eleven)
    assert sensor.measure() == measured
    raw = raw[:4] + bytes((raw[4] ^ 1,))
    with pytest.raises(OSError, match="wrong checksum"):
        sensor.measure()


def test_a_micropython_that_cannot_read_a_dht_says_so(machine: Any) -> None:
    with pytest.raises(PinError, match="cannot read a DHT"):
        open_part("dht", "GP1", False)


def test_pulses_are_counted_where_interrupts_always_wait(machine: Any) -> None:
    for level, trigger in ((0, 2), (1, 1)):
        pulses = open_part("pulses", "GP1", "up", level, 0)
        pin = pulses._entry
        assert pin.trigger == trigger
        for _ in range(3):
            pin.handler(pin)
        assert pulses.count() == 3
    assert open_part("pulses", "GP1", "up", 0, 5)._entry.trigger == 3, "chatter needs both edges"


def test_a_pin_without_interrupts_is_looked_at(
    machine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FakePin, *what: Any, **more: Any) -> None:
        raise OSError("invalid pin")

    monkeypatch.setattr(FakePin, "irq", refuse)
    pulses = open_part("pulses", "GPIO16", None, 1, 0)
    for level in (1, 0, 1):
        pulses._entry.level = level
        pulses.count()
    assert pulses.count() == 2


def test_a_part_that_is_not_on_the_board_is_named(machine: Any) -> None:
    with pytest.raises(PinError, match="this board has no part 'lasers': flash it again"):
        open_part("lasers", "GP1")


@pytest.mark.parametrize("spoilt", [0, 4, 8])
def test_what_a_thermometer_says_is_held_against_its_checksum(spoilt: int) -> None:
    pins = SimulatedPins()
    spec = {"name": "t", "kind": "ds18b20", "pin": "GP1", "publish": {"temperature": "t"}}
    port: Any = open_port(spec, pins)
    told: list[str] = []
    port.outlet = lambda variable, value, every: told.append(variable)
    right = port._bus.scratchpad(None)
    wrong = bytearray(right)
    wrong[spoilt] ^= 0x10
    said = bytes(wrong)
    port._bus = SimpleNamespace(convert=lambda rom: None, scratchpad=lambda rom: said)
    for now in (0, 750):
        port.step(now)
    assert told == []
    said = right
    for now in (10_750, 11_500):
        port.step(now)
    assert told == ["t"]
    pins.close()
