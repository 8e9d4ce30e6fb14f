"""A Raspberry Pi's buses and sensors, as Linux shows them: on files that are made up."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gpiozero
import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from myocan.edge import PinError
from myocan.edge.pins import linux_parts
from myocan.edge.pins.gpiozero import GpiozeroPins
from myocan.edge.ports.port import open_port
from myocan.wire import Fixed

W1_SLAVE = "91 01 4b 46 7f ff 0f 10 25 : crc=25 YES\n91 01 4b 46 7f ff 0f 10 25 t=25062\n"
DEVICE = "28-0316a2795fff"


@pytest.fixture
def pins(monkeypatch: pytest.MonkeyPatch) -> Iterator[GpiozeroPins]:
    factory = MockFactory(pin_class=MockPWMPin)
    monkeypatch.setattr(gpiozero.Device, "pin_factory", factory)
    opened = GpiozeroPins()
    yield opened
    opened.close()
    factory.close()


@pytest.fixture
def sysfs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(linux_parts, "SYSFS", tmp_path)
    monkeypatch.setattr(linux_parts, "DEVICES", tmp_path)
    return tmp_path


def test_a_dimmed_output_is_gpiozeros(pins: GpiozeroPins) -> None:
    spec = {"name": "l", "kind": "pwm", "pin": "GP17", "safe": [25, 0], "hz": 200}
    port = open_port(spec, pins)
    pin = gpiozero.Device.pin_factory.pin("GPIO17")
    assert (pin.state, pin.frequency) == (pytest.approx(0.25, abs=0.001), 200)
    port.take(100)
    assert pin.state == 1


@pytest.mark.parametrize(("pull", "level"), [("up", 0), ("up", 1), ("down", 0), ("down", 1)])
def test_pulses_are_counted_by_gpiozeros_thread(pins: GpiozeroPins, pull: str, level: int) -> None:
    pulses = pins.part("pulses", "GPIO4", pull, level, 0)
    pin: Any = gpiozero.Device.pin_factory.pin("GPIO4")
    for _ in range(3):
        pin.drive_low()
        pin.drive_high()
    first = pull == "down" and level == 0  # there it is low before anything happens
    assert pulses.count() == (2 if first else 3)


def test_a_pulse_on_a_pi_may_chatter(pins: GpiozeroPins) -> None:
    pulses = pins.part("pulses", "GPIO4", "up", 0, 60_000)
    pin: Any = gpiozero.Device.pin_factory.pin("GPIO4")
    for _ in range(3):
        pin.drive_low()
        pin.drive_high()
    assert pulses.count() == 1


def test_an_analog_input_is_a_channel_of_an_mcp3008(
    pins: GpiozeroPins, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Chip:
        value = 0.5

        def __init__(self, channel: int) -> None:
            assert channel == 3

        def close(self) -> None:
            pass

    monkeypatch.setattr(gpiozero, "MCP3008", Chip)
    assert pins.part("analog", "A3").read() == 32768
    with pytest.raises(PinError, match="A0 to A7"):
        pins.part("analog", "GPIO4")


def test_a_thermometer_is_read_by_a_thread(pins: GpiozeroPins, sysfs: Path) -> None:
    folder = sysfs / "w1" / "devices" / DEVICE
    folder.mkdir(parents=True)
    (folder / "w1_slave").write_text(W1_SLAVE)
    for device in ({}, {"device": DEVICE}):
        told: list[tuple[str, Any]] = []
        spec = {"name": "t", "kind": "ds18b20", "pin": "GPIO4", "publish": {"temperature": "t"}}
        port: Any = open_port({**spec, **device}, pins)
        port.outlet = lambda variable, value, every, told=told: told.append((variable, value))
        port.step(0)
        for reading in pins.part("one_wire", "GPIO4")._running.values():
            reading.result(60)
        port.step(750)
        assert told == [("t", Fixed(251, 1))]


def test_a_sensor_that_is_not_there_fails_and_says_so(pins: GpiozeroPins, sysfs: Path) -> None:
    (sysfs / "w1" / "devices").mkdir(parents=True)
    remarks: list[str] = []
    spec = {"name": "t", "kind": "ds18b20", "pin": "GPIO4", "every_s": 1}
    port: Any = open_port({**spec, "publish": {"temperature": "t"}}, pins)
    port.remark = remarks.append
    for now in range(0, 5_000, 100):
        port.step(now)
    assert remarks[0].startswith("port 't': no sensor answers")


def test_a_dht_is_what_the_kernels_driver_shows(pins: GpiozeroPins, sysfs: Path) -> None:
    folder = sysfs / "iio" / "devices" / "iio:device0"
    folder.mkdir(parents=True)
    (folder / "in_temp_input").write_text("-1500\n")
    (folder / "in_humidityrelative_input").write_text("61200\n")
    assert pins.part("dht", "GPIO4", False).measure() == (-15, 612)


@pytest.mark.parametrize(
    ("kind", "what", "said"),
    [
        ("one_wire", ("GPIO4",), "add dtoverlay=w1-gpio,gpiopin=4 to"),
        ("dht", ("GP4", False), "add dtoverlay=dht11,gpiopin=4 to"),
        ("i2c", ("GPIO2", "GPIO3"), "add dtparam=i2c_arm=on to"),
        ("i2c", ("GPIO4", "GPIO5"), r"has I2C at GPIO2 \(SDA\) and GPIO3"),
        ("pixels", ("GPIO10",), "add dtparam=spi=on to"),
        ("pixels", ("GPIO18",), r"at GPIO10 \(SPI\), not at GPIO18"),
        ("lasers", ("GPIO18",), "has no part 'lasers'"),
    ],
)
def test_what_is_switched_off_is_told_with_what_to_write(
    pins: GpiozeroPins, sysfs: Path, kind: str, what: Any, said: str
) -> None:
    with pytest.raises(PinError, match=said):
        pins.part(kind, *what)


def test_i2c_goes_through_the_kernels_file(
    pins: GpiozeroPins, sysfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (sysfs / "i2c-1").write_bytes(b"")
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(
        linux_parts.fcntl, "ioctl", lambda file, what, address: asked.append((what, address))
    )
    bus = pins.part("i2c", "GPIO2", "GPIO3")
    assert pins.part("i2c", "GP2", "GP3") is bus, "ports share it"
    bus.write(0x76, b"\xf4\x25")
    assert (sysfs / "i2c-1").read_bytes() == b"\xf4\x25"
    assert asked == [(0x0703, 0x76)]
    os.lseek(bus._file, 0, os.SEEK_SET)
    with pytest.raises(OSError, match="sends less"):
        bus.read(0x76, 0xF7, 8)


def test_each_bit_of_a_lamp_is_three_of_spi(
    pins: GpiozeroPins, sysfs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bits = int("110100110100100110100110", 2)
    assert linux_parts.spi_bits(b"\xa5")[:3] == bits.to_bytes(3, "big")
    (sysfs / "spidev0.0").write_bytes(b"")
    speeds: list[bytes] = []
    monkeypatch.setattr(linux_parts.fcntl, "ioctl", lambda file, what, hz: speeds.append(hz))
    strip = pins.part("pixels", "GPIO10")
    strip.show(bytearray(b"\x00\xff"))
    sent = (sysfs / "spidev0.0").read_bytes()
    assert sent[:6] == bytes.fromhex("924924") + bytes.fromhex("db6db6")
    assert set(sent[6:]) == {0}
    assert len(sent) - 6 >= 280 * 2.4 / 8, "at 2.4 MHz a pause of 280 microseconds"
    assert speeds == [(2_400_000).to_bytes(4, "little")]


def test_what_takes_too_long_is_not_waited_for() -> None:
    from myocan.edge.background import InBackground

    measured = threading.Event()
    slow = InBackground(measured.wait)
    with pytest.raises(OSError, match="takes too long"):
        slow.result(0.01)
    measured.set()
    assert slow.result(60)
    with pytest.raises(OSError, match="invalid literal"):
        InBackground(lambda: int("x")).result(60)
