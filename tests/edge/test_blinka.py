"""Pins by adafruit-blinka, and CircuitPython's own drivers, on a bus that is made up.

Blinka's board for tests (BLINKA_OS_AGNOSTIC) has pins but no I2C that reads; see `FakeBus`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

os.environ.setdefault("BLINKA_OS_AGNOSTIC", "1")

from myocan.edge import ConfigError, PinError
from myocan.edge.pins import blinka
from myocan.edge.pins.blinka import BlinkaI2c, BlinkaPins
from myocan.edge.pins.simulated_parts import SimulatedBme280
from myocan.edge.ports.port import open_port
from myocan.edge.run import open_pins
from myocan.wire import Fixed

INPUTS = {"high": "Dx_INPUT_TRUE", "low": "Dx_INPUT_FALSE", "toggle": "Dx_INPUT_TOGGLE"}


class FakeBus:
    """A CircuitPython bus with an SHT4x at 0x44 and a BME280 at 0x76."""

    def __init__(self) -> None:
        self.chip = SimulatedBme280()
        self.locked = False
        self.spoilt = False
        self.words = (0x6666, 0x8000)  # 25.0 degrees, 56.5 percent

    def try_lock(self) -> bool:
        self.locked = not self.locked
        return self.locked

    def unlock(self) -> None:
        self.locked = False

    def writeto(self, address: int, buffer: Any, *, start: int = 0, end: int | None = None) -> None:
        assert self.locked
        if address == 0x76:
            self.chip.write(bytes(buffer))
        elif address != 0x44:
            raise OSError(121)  # EREMOTEIO

    def readfrom_into(
        self, address: int, buffer: Any, *, start: int = 0, end: int | None = None
    ) -> None:
        from adafruit_sht4x import SHT4x  # type: ignore[import-untyped]

        assert self.locked
        content = b""
        for word in self.words:
            two = word.to_bytes(2, "big")
            content += two + bytes((SHT4x._crc8(two) ^ self.spoilt,))
        buffer[start : end or len(buffer)] = content[: (end or len(buffer)) - start]

    def writeto_then_readfrom(self, address: int, written: bytes, buffer: Any) -> None:
        assert self.locked
        if address != 0x76:
            raise OSError(121)
        buffer[:] = self.chip.read(written[0], len(buffer))

    def deinit(self) -> None:
        pass


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> FakeBus:
    made = FakeBus()
    monkeypatch.setattr(blinka, "open_busio", lambda sda, scl: made)
    return made


@pytest.fixture
def pins() -> Iterator[BlinkaPins]:
    opened = open_pins("blinka")
    assert isinstance(opened, BlinkaPins)
    yield opened
    opened.close()


def test_levels_are_read_and_set(pins: BlinkaPins) -> None:
    assert pins.digital_in(INPUTS["high"], None).value() == 1
    assert pins.digital_in(INPUTS["low"], None).value() == 0
    output = pins.digital_out("Dx_OUTPUT", 1)
    assert output._device._pin.current_value == 1
    output.value(0)
    assert output._device._pin.current_value == 0
    assert (pins.streams(), pins.look_ms) == ([], 2)


def test_a_button_works_on_pins_that_must_be_looked_at(pins: BlinkaPins) -> None:
    spec = {"name": "b", "kind": "button", "pin": INPUTS["toggle"], "debounce_ms": 0}
    port = open_port({**spec, "publish": {"press": "b/press"}}, pins)
    told: list[str] = []
    port.outlet = lambda variable, value, every: told.append(variable)
    for now in range(20):
        port.step(now)
    assert len(told) >= 5


def test_duty_and_voltage(pins: BlinkaPins) -> None:
    spec = {"name": "l", "kind": "pwm", "pin": "Dx_OUTPUT", "safe": [50, 0], "hz": 500}
    port: Any = open_port(spec, pins)
    assert port._output._device.duty_cycle == 32767
    port.take(100)
    assert port._output._device.duty_cycle == 65535
    assert pins.part("analog", "Ax_INPUT_FIXED_INT_PI").read() == 31415


def test_a_strip_is_written(pins: BlinkaPins, monkeypatch: pytest.MonkeyPatch) -> None:
    import neopixel_write  # type: ignore[import-untyped]

    sent: list[bytes] = []
    monkeypatch.setattr(
        neopixel_write, "neopixel_write", lambda pin, colors: sent.append(bytes(colors))
    )
    open_port({"name": "s", "kind": "neopixel", "pin": "NEOPIXEL"}, pins).take("red")
    assert [each.hex() for each in sent] == ["000000", "00ff00"]


@pytest.mark.parametrize("pin", ["D99", "GPIO99", "no pin", "__doc__x", ""])
def test_a_pin_that_is_not_there_is_named(pins: BlinkaPins, pin: str) -> None:
    with pytest.raises(PinError, match=f"no pin '{pin}'"):
        pins.digital_in(pin, "up")


@pytest.mark.parametrize("kind", ["one_wire", "dht"])
def test_what_blinka_cannot_do_is_said(pins: BlinkaPins, kind: str) -> None:
    with pytest.raises(PinError, match="take gpiozero's pins"):
        pins.part(kind, "D4")


def test_our_own_drivers_work_on_its_bus(pins: BlinkaPins, bus: FakeBus) -> None:
    told = run_port(pins, kind="bme280", publish={"temperature": "t"})
    assert told == [("t", Fixed(251, 1))]
    assert isinstance(pins.part("i2c", "SDA", "SCL"), BlinkaI2c)


def run_port(pins: BlinkaPins, rounds: int = 2, **spec: Any) -> list[tuple[str, Any]]:
    """Let a sensor measure; its thread is waited for in real time, all else is not."""
    spec = {"name": "air", "sda": "SDA", "scl": "SCL", "every_s": 1, **spec}
    port: Any = open_port(spec, pins)
    told: list[tuple[str, Any]] = []
    remarks: list[str] = []
    port.outlet = lambda variable, value, every: told.append((variable, value))
    port.remark = remarks.append
    for turn in range(rounds):
        port.step(turn * 1_200)
        deadline = time.monotonic() + 60
        while getattr(port, "_work", None) and not port._work.is_done():
            assert time.monotonic() < deadline
            time.sleep(0.002)
        port.step(turn * 1_200 + 200)
    return told + [("remark", remark) for remark in remarks]


SHT4X = {
    "kind": "circuitpython",
    "driver": "adafruit_sht4x.SHT4x",
    "publish": {"temperature": "t", "relative_humidity": "h", "fault": "f"},
}


def test_a_driver_of_circuitpython_is_a_sensor(pins: BlinkaPins, bus: FakeBus) -> None:
    told = run_port(pins, **SHT4X, decimals={"temperature": 2})
    assert told == [("t", Fixed(2500, 2)), ("h", Fixed(565, 1)), ("f", False)]


def test_a_driver_that_fails_is_a_broken_sensor(pins: BlinkaPins, bus: FakeBus) -> None:
    bus.spoilt = True
    told = run_port(pins, rounds=4, **SHT4X)
    assert told[0] == ("f", True)
    assert "Invalid CRC" in told[1][1]


@pytest.mark.parametrize(
    ("driver", "said"),
    [
        ("adafruit_scd99.SCD99", "pip install adafruit-circuitpython-scd99"),
        ("adafruit_sht4x.SHT5x", "the driver 'adafruit_sht4x' has no 'SHT5x'"),
    ],
)
def test_a_driver_that_is_not_there_is_named(
    pins: BlinkaPins, bus: FakeBus, driver: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        run_port(pins, **{**SHT4X, "driver": driver})
