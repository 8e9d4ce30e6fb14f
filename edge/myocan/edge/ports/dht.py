"""A cheap sensor for temperature and humidity: DHT22 (AM2302) or DHT11."""

from myocan.edge.clock import const
from myocan.edge.pins.parts import part
from myocan.edge.ports.sensor import Sensor

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import DhtIn, Pins, Spec

_LEAST_MS = const(2_000)


class Dht(Sensor):
    """A DHT between `pin`, supply and ground, with 10 kOhm from `pin` to the supply.

    `model` is "dht22" (default) or "dht11". It must not be measured more often than every two
    seconds, which `every_s` is held to.
    """

    READINGS = (("temperature", 1, (2, 1)), ("humidity", 0, (1, 0)))

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self.every_ms = max(self.every_ms, _LEAST_MS)
        self._sensor: DhtIn = part(pins, "dht", spec["pin"], spec.get("model") == "dht11")

    def finish(self, now: int) -> None:
        temperature, humidity = self._sensor.measure()
        if not -400 <= temperature <= 1250 or not 0 <= humidity <= 1000:
            raise OSError("what the sensor says cannot be")
        self.readings["temperature"].offer(temperature, 1, now)
        self.readings["humidity"].offer(humidity, 1, now)

    def explain(self, error: Exception) -> str:
        return f"{error}: look at its wires, and at the resistor from the pin to the supply"


PORT = Dht
