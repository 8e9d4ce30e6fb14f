"""Temperature, humidity and air pressure by I2C: BME280; or without humidity: BMP280.

Source of registers and formulas: Bosch Sensortec, BST-BME280-DS002, 4.2 "Compensation formula" and
5.3 "Memory map"; BST-BMP280-DS001, 3.11. The numbers are whole, as there, so nothing is rounded
twice; names are those of the data sheet.
"""

import struct

from myocan.edge.clock import const
from myocan.edge.pins.parts import part
from myocan.edge.ports.sensor import Sensor

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import I2cBus, Pins, Spec

_ID = const(0xD0)
_IS_BME280 = const(0x60)
_IS_BMP280 = (0x56, 0x57, 0x58)
_CALIBRATION = const(0x88)  # 24 bytes, of which one more, dig_H1, is at 0xA1
_HUMIDITY_CALIBRATION = const(0xE1)
_CONTROL_HUMIDITY = const(0xF2)
_CONTROL = const(0xF4)
_ONCE = const(0x25)  # measure each once (oversampling 1), then sleep
_MEASURED = const(0xF7)
_MEASURING_MS = const(12)  # 9.3 ms at most, 9.1 "Measurement time"


class Calibration:
    """What one chip's numbers mean. low: 26 bytes from 0x88 on. high: 7 from 0xE1 on, or none."""

    def __init__(self, low: bytes, high: bytes) -> None:
        self._t = struct.unpack("<Hhh", low[:6])
        self._p = struct.unpack("<Hhhhhhhhh", low[6:24])
        self._h: tuple[int, ...] = ()
        if high:
            h2, h3 = struct.unpack("<hB", high[:3])
            # two numbers of 12 bits share the byte in the middle
            h4 = struct.unpack("<b", high[3:4])[0] << 4 | high[4] & 0x0F
            h5 = struct.unpack("<b", high[5:6])[0] << 4 | high[4] >> 4
            self._h = (low[25], h2, h3, h4, h5, struct.unpack("<b", high[6:7])[0])

    def fine(self, adc: int) -> int:
        """Return `t_fine`, the temperature that the other formulas take, of what was measured."""
        t1, t2, t3 = self._t
        var1 = ((adc >> 3) - (t1 << 1)) * t2 >> 11
        var2 = ((((adc >> 4) - t1) * ((adc >> 4) - t1) >> 12) * t3) >> 14
        return int(var1 + var2)

    def temperature(self, fine: int) -> int:
        """Return hundredths of a degree Celsius."""
        return fine * 5 + 128 >> 8

    def pressure(self, adc: int, fine: int) -> int:
        """Return pascals in 256ths; 0 if the chip's numbers make no sense."""
        p1, p2, p3, p4, p5, p6, p7, p8, p9 = self._p
        var1 = fine - 128000
        var2 = var1 * var1 * p6 + (var1 * p5 << 17) + (p4 << 35)
        var1 = (var1 * var1 * p3 >> 8) + (var1 * p2 << 12)
        var1 = ((1 << 47) + var1) * p1 >> 33
        if not var1:
            return 0
        p = ((1048576 - adc << 31) - var2) * 3125 // var1
        var1 = p9 * (p >> 13) * (p >> 13) >> 25
        var2 = p8 * p >> 19
        return int((p + var1 + var2 >> 8) + (p7 << 4))

    def humidity(self, adc: int, fine: int) -> int:
        """Return percent in 1024ths; raises ValueError for a chip that measures none."""
        h1, h2, h3, h4, h5, h6 = self._h
        v = fine - 76800
        left = (adc << 14) - (h4 << 20) - h5 * v + 16384 >> 15
        right = ((v * h6 >> 10) * ((v * h3 >> 11) + 32768) >> 10) + 2097152
        v = left * (right * h2 + 8192 >> 14)
        v -= ((v >> 15) * (v >> 15) >> 7) * h1 >> 4
        return int(min(max(v, 0), 419430400) >> 12)


class Bme280(Sensor):
    """A BME280 or BMP280 at `sda` and `scl`, by `address` (default 0x76; many have 0x77)."""

    READINGS = (("temperature", 1, (2, 1)), ("humidity", 0, (1, 0)), ("pressure", 1, (3, 1)))

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self._address: int = spec.get("address", 0x76)
        self._bus: I2cBus = part(pins, "i2c", spec["sda"], spec["scl"])
        self._calibration: Calibration | None = None
        self._humid = False

    def begin(self) -> int:
        if self._calibration is None:
            self._calibration = self._calibrate()
        if self._humid:
            self._bus.write(self._address, bytes((_CONTROL_HUMIDITY, 1)))
        self._bus.write(self._address, bytes((_CONTROL, _ONCE)))
        return _MEASURING_MS

    def _calibrate(self) -> Calibration:
        identity = self._bus.read(self._address, _ID, 1)[0]
        self._humid = identity == _IS_BME280
        if not self._humid and identity not in _IS_BMP280:
            raise OSError(f"what has address 0x{self._address:02x} is no BME280")
        low = self._bus.read(self._address, _CALIBRATION, 26)
        high = self._bus.read(self._address, _HUMIDITY_CALIBRATION, 7) if self._humid else b""
        return Calibration(low, high)

    def finish(self, now: int) -> None:
        calibration = self._calibration
        assert calibration is not None
        raw = self._bus.read(self._address, _MEASURED, 8)
        if raw[0] == 0x80 and raw[3] == 0x80:  # what it has before it ever measured
            self._calibration = None
            raise OSError("the sensor has lost its power and did not measure")
        pressure = raw[0] << 12 | raw[1] << 4 | raw[2] >> 4
        fine = calibration.fine(raw[3] << 12 | raw[4] << 4 | raw[5] >> 4)
        self.readings["temperature"].offer(calibration.temperature(fine), 2, now)
        pascals = calibration.pressure(pressure, fine) * 100 >> 8  # hundredths, of 256ths
        self.readings["pressure"].offer(pascals, 4, now)
        if self._humid:
            humidity = calibration.humidity(raw[6] << 8 | raw[7], fine)
            self.readings["humidity"].offer(humidity * 1000 >> 10, 3, now)

    def explain(self, error: Exception) -> str:
        if error.args and isinstance(error.args[0], str):
            return f"{error}: look at its wires"
        return (
            f"no sensor answers at address 0x{self._address:02x}: look at its wires; "
            f"its address may be 0x{self._address ^ 1:02x}"
        )


PORT = Bme280
