"""Buses and sensors of a Raspberry Pi, as Linux offers them: files, without any library.

The one idea to know: Linux has drivers for what needs exact timing, so what a board does bit by bit
is a file here. Which files there are is said in /boot/firmware/config.txt; each error names the
line that is missing. Source of the names: the kernel's documentation of i2c-dev, w1_therm, the IIO
driver dht11 and spidev, and Raspberry Pi's README of overlays.
"""

import fcntl
import os
import struct
from pathlib import Path

from myocan.edge.background import InBackground
from myocan.edge.errors import PinError

_I2C_SLAVE = 0x0703
_SPI_WRITE_MAX_SPEED_HZ = 0x40046B04
_SPI_HZ = 2_400_000
"""Three bits of SPI are one of a lamp: 1.25 microseconds."""
DEVICES = Path("/dev")
SYSFS = Path("/sys/bus")
_CONFIG = "/boot/firmware/config.txt"


class LinuxI2c:
    """The I2C bus of the header: SDA is GPIO2, SCL is GPIO3."""

    def __init__(self, sda: str, scl: str) -> None:
        if (sda, scl) != ("GPIO2", "GPIO3"):
            raise PinError(f"a Raspberry Pi has I2C at GPIO2 (SDA) and GPIO3 (SCL), not at {sda}")
        try:
            self._file = os.open(DEVICES / "i2c-1", os.O_RDWR)
        except OSError as error:
            raise PinError(
                f"I2C cannot be used ({error.strerror}): add dtparam=i2c_arm=on to {_CONFIG}, and "
                "your user to the group i2c"
            ) from error

    def write(self, address: int, content: bytes) -> None:
        fcntl.ioctl(self._file, _I2C_SLAVE, address)
        os.write(self._file, content)

    def read(self, address: int, register: int, count: int) -> bytes:
        self.write(address, bytes((register,)))
        content = os.read(self._file, count)
        if len(content) != count:
            raise OSError("the device sends less than it was asked for")
        return content

    def close(self) -> None:
        """Give the bus back."""
        os.close(self._file)


class LinuxOneWire:
    """Thermometers as w1_therm shows them. Reading one lets it measure, for 750 ms, in which a
    thread waits, so that the adapter need not."""

    def __init__(self, pin: str) -> None:
        if not (SYSFS / "w1" / "devices").is_dir():
            number = pin.removeprefix("GPIO")
            raise PinError(f"1-Wire is off: add dtoverlay=w1-gpio,gpiopin={number} to {_CONFIG}")
        self._running: dict[bytes | None, InBackground[bytes]] = {}

    def convert(self, rom: bytes | None) -> None:
        roms = self.devices() if rom is None else [rom]
        if not roms:
            raise OSError("no sensor answers")
        file = SYSFS / "w1" / "devices" / _device_of(roms[0]) / "w1_slave"
        before = self._running.get(rom)
        if before is None or before.is_done():
            self._running[rom] = InBackground(lambda: self._read(file))

    def _read(self, file: Path) -> bytes:
        text = file.read_text()  # "50 05 4b 46 7f ff 0c 10 1c : crc=1c YES", and another line
        return bytes.fromhex(text.partition(":")[0])

    def scratchpad(self, rom: bytes | None) -> bytes:
        running = self._running.get(rom)
        if running is None:
            raise OSError("it was not let to measure")
        return running.result(0.5)

    def devices(self) -> list[bytes]:
        from myocan.edge.ports.ds18b20 import rom_of

        found = sorted((SYSFS / "w1" / "devices").glob("28-*"))
        return [rom_of(each.name) for each in found]


class LinuxDht:
    """A DHT as the IIO driver dht11 shows it (DHT22, too): thousandths of a degree and percent."""

    def __init__(self, pin: str) -> None:
        self._files = _find_dht()
        if self._files is None:
            number = pin.removeprefix("GPIO")
            raise PinError(f"no DHT is known: add dtoverlay=dht11,gpiopin={number} to {_CONFIG}")

    def measure(self) -> tuple[int, int]:
        assert self._files is not None
        temperature, humidity = (int(file.read_text()) for file in self._files)
        return round(temperature / 100), round(humidity / 100)


def _find_dht() -> tuple[Path, Path] | None:
    for folder in sorted((SYSFS / "iio" / "devices").glob("iio:device*")):
        temperature, humidity = folder / "in_temp_input", folder / "in_humidityrelative_input"
        if temperature.exists() and humidity.exists():
            return temperature, humidity
    return None


class LinuxPixels:
    """A strip of lamps at GPIO10, the output of SPI0: a bit of theirs is three of SPI's, 100 for a
    0 and 110 for a 1."""

    def __init__(self, pin: str) -> None:
        if pin != "GPIO10":
            raise PinError(f"a Raspberry Pi can drive such lamps at GPIO10 (SPI), not at {pin}")
        try:
            self._file = os.open(DEVICES / "spidev0.0", os.O_WRONLY)
        except OSError as error:
            raise PinError(
                f"SPI cannot be used ({error.strerror}): add dtparam=spi=on to {_CONFIG}, and your "
                "user to the group spi"
            ) from error
        self._set_speed()

    def _set_speed(self) -> None:
        fcntl.ioctl(self._file, _SPI_WRITE_MAX_SPEED_HZ, struct.pack("I", _SPI_HZ))

    def show(self, colors: bytes | bytearray) -> None:
        os.write(self._file, spi_bits(colors))

    def close(self) -> None:
        """Give the output back."""
        os.close(self._file)


def spi_bits(colors: bytes | bytearray) -> bytes:
    """Return what to send by SPI so that lamps see `colors`; the zeros at the end are the pause
    after which they show them (Worldsemi, WS2812B data sheet: 280 microseconds)."""
    bits = "".join("110" if byte >> place & 1 else "100" for byte in colors for place in _PLACES)
    return int(bits, 2).to_bytes(len(colors) * 3, "big") + bytes(90)


_PLACES = range(7, -1, -1)


def _device_of(rom: bytes) -> str:
    from myocan.edge.ports.ds18b20 import device_of

    return device_of(rom)
