"""The kinds of ports that an adapter file may name, and the keys of each: one table.

The one idea to know: `PORT_KINDS` at the end is all that the tools know about ports. The board's
half of a kind is the file of that name in the edge's `ports/`; a new kind is one there and one
here. Only keys that somebody wrote travel to the board, so what a key means when it is left out is
decided in one place, there. What is common to many kinds is in `port_keys.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, create_model

from myocan.hub.needs import text_of
from myocan.tools.adapters.port_keys import (
    ALSO,
    USUAL,
    Age,
    Fault,
    Graded,
    Input,
    Level,
    Measured,
    Milliseconds,
    Number,
    Output,
    Port,
    Seconds,
    Sensor,
    Tells,
    Text,
    Word,
    words_of,
)

__all__ = ["PORT_KINDS", "USUAL", "Age", "Port", "Seconds", "Tells", "Text"]


class Button(Input):
    """A push button. active: the level of its pin when it is pressed."""

    TELLS: ClassVar[Mapping[str, Tells]] = {
        "press": "event",
        "release": "event",
        "hold": "event",
        "double": "event",
    }

    active: Literal["low", "high"] | None = None
    debounce_ms: Milliseconds | None = None
    hold_ms: Milliseconds | None = None
    double_ms: Milliseconds | None = None


class Mapped(Input):
    """An input whose two levels have names. map: value -> level; keep: whether all count."""

    keep: Literal["last", "all"] | None = None
    map: dict[str, Level] | None = None

    def values(self, what: str) -> tuple[Word, ...] | None:
        return None if self.map is None else words_of(self.map)

    def compiled(self) -> dict[str, Any]:
        keys = super().compiled()
        if self.map is not None:
            pairs = zip(words_of(self.map), self.map.values(), strict=True)
            keys["map"] = [[word, level] for word, level in pairs]
            for level in (0, 1):
                if level not in self.map.values():
                    raise Fault("map", f"the map has no value for level {level}")
        return keys


class Contact(Mapped):
    """A contact that stays as it is put."""

    TELLS: ClassVar[Mapping[str, Tells]] = {"value": "value"}

    debounce_ms: Milliseconds | None = None


class Motion(Mapped):
    """A motion sensor. clear_s: how long nothing must move to be still. settle_s: how long after
    the start not to believe it."""

    TELLS: ClassVar[Mapping[str, Tells]] = {"motion": "event", "still": "event", "value": "value"}

    active: Literal["low", "high"] | None = None
    clear_s: Seconds | None = None
    settle_s: Seconds | None = None


class Switched(Output):
    """Something that a pin switches on and off.

    active: the level of the pin that switches it on. map: value -> 1 for on, 0 for off. safe: the
    value, or the level, that it takes at the start, after `hold_s` seconds without the hub, and at
    a crash.
    """

    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("out",)}
    USUAL_WORDS: ClassVar[tuple[Word, ...]] = ("on", "off", True, False)

    pin: Text
    active: Literal["low", "high"] | None = None
    map: dict[str, Level] | None = None

    def taken_words(self) -> tuple[Word, ...]:
        return self.USUAL_WORDS if self.map is None else words_of(self.map)

    def compiled(self) -> dict[str, Any]:
        keys = super().compiled()
        levels = (1, 0, 1, 0) if self.map is None else tuple(self.map.values())
        pairs = list(zip(self.taken_words(), levels, strict=True))
        if self.map is not None:
            keys["map"] = [list(pair) for pair in pairs]
            for level in (0, 1):
                if level not in levels:
                    raise Fault("map", f"the map has no value for level {level}")
        if self.safe is not None:
            keys["safe"] = self._safe_level(pairs)
        return keys

    def _safe_level(self, pairs: list[tuple[Word, int]]) -> int:
        safe = self.safe
        for word, level in pairs:
            if type(word) is type(safe) and word == safe:
                return level
        if type(safe) is int and safe in (0, 1):
            return safe
        raise self.not_safe([str(word) for word, _ in pairs if isinstance(word, str)])


class Pwm(Graded):
    """Something that can be on in part. hz: how often it is switched in a second."""

    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("pwm",)}
    USUAL_WORDS: ClassVar[tuple[Word, ...]] = ("on", "off", True, False)

    active: Literal["low", "high"] | None = None
    hz: Annotated[int, Field(strict=True, ge=1, le=40_000)] | None = None

    def frequency(self) -> int:
        return 1000 if self.hz is None else self.hz


class Servo(Graded):
    """A servo. degrees: how far it turns. min_us, max_us: the lengths of the pulses that mean 0 and
    all of it."""

    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("pwm",)}

    degrees: Annotated[int, Field(strict=True, ge=1, le=3600)] | None = None
    min_us: Annotated[int, Field(strict=True, ge=100, le=5000)] | None = None
    max_us: Annotated[int, Field(strict=True, ge=100, le=5000)] | None = None

    def most(self) -> int:
        return 180 if self.degrees is None else self.degrees

    def frequency(self) -> int:
        return 50

    def compiled(self) -> dict[str, Any]:
        if (self.min_us or 1000) >= (self.max_us or 2000):
            raise Fault("min_us", "min_us must be less than max_us (1000 and 2000 if left out)")
        return super().compiled()


class Analog(Measured):
    """A voltage. low, high: what none, and the highest that the board can measure, stand for.
    samples: how many measurements one number is the mean of."""

    TELLS: ClassVar[Mapping[str, Tells]] = {"value": "value"}
    NUMBERS = ("value",)
    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("adc",)}
    EXACT = (*Measured.EXACT, "low", "high")

    pin: Text
    low: Number | None = None
    high: Number | None = None
    samples: Annotated[int, Field(strict=True, ge=1, le=64)] | None = None

    def compiled(self) -> dict[str, Any]:
        if (self.low or 0) == (100 if self.high is None else self.high):
            raise Fault("high", "high must differ from low (0 and 100 if left out)")
        return super().compiled()


class Counter(Measured):
    """A meter that gives pulses. per_pulse: what one is worth. per: the time of its rate."""

    TELLS: ClassVar[Mapping[str, Tells]] = {"pulses": "value", "rate": "value"}
    NUMBERS = ("rate",)
    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("in",)}
    EXACT = (*Measured.EXACT, "per_pulse")

    pin: Text
    pull: Literal["up", "down"] | None = None
    active: Literal["low", "high"] | None = None
    debounce_ms: Milliseconds | None = None
    per_pulse: Annotated[float, Field(strict=True, gt=0, le=1_000_000)] | None = None
    per: Literal["s", "min", "h"] | None = None


class Ds18b20(Sensor):
    """A thermometer on a 1-Wire bus. device: which one, if several are on the pin."""

    TELLS: ClassVar[Mapping[str, Tells]] = {"temperature": "value", **ALSO}
    NUMBERS = ("temperature",)
    UNITS: ClassVar[Mapping[str, str]] = {"temperature": "°C"}
    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("one-wire",)}
    SHARES = "one-wire"

    pin: Text
    device: Text | None = None

    def which(self) -> str:
        return self.device or ""

    def compiled(self) -> dict[str, Any]:
        if self.device is not None:
            family, dash, serial = self.device.partition("-")
            whole = dash and len(serial) == 12 and not set(serial) - set("0123456789abcdef")
            if family != "28" or not whole:
                raise Fault(
                    "device",
                    f"device '{self.device}' is no number of a DS18B20: "
                    "write it like 28-0316a2795fff",
                )
        return super().compiled()


class Dht(Sensor):
    """A DHT11 or DHT22."""

    TELLS: ClassVar[Mapping[str, Tells]] = {"temperature": "value", "humidity": "value", **ALSO}
    NUMBERS = ("temperature", "humidity")
    UNITS: ClassVar[Mapping[str, str]] = {"temperature": "°C", "humidity": "%"}
    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("one-wire",)}

    pin: Text
    model: Literal["dht22", "dht11"] | None = None
    every_s: Annotated[float, Field(strict=True, ge=2, le=86_400)] | None = None


class Bme280(Sensor):
    """A BME280 or BMP280 on an I2C bus."""

    TELLS: ClassVar[Mapping[str, Tells]] = {
        "temperature": "value",
        "humidity": "value",
        "pressure": "value",
        **ALSO,
    }
    NUMBERS = ("temperature", "humidity", "pressure")
    UNITS: ClassVar[Mapping[str, str]] = {
        "temperature": "°C",
        "humidity": "%",
        "pressure": "hPa",
    }
    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"sda": ("i2c",), "scl": ("i2c",)}
    SHARES = "i2c"

    sda: Text
    scl: Text
    address: Annotated[int, Field(strict=True, ge=0x76, le=0x77)] | None = None

    def which(self) -> str:
        return f"0x{self.address or 0x76:02x}"


class Circuitpython(Sensor):
    """Any sensor that CircuitPython has a driver for. driver: "module.Class". It tells whatever
    properties of the driver are published."""

    TELLS: ClassVar[Mapping[str, Tells]] = {**ALSO}
    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"sda": ("i2c",), "scl": ("i2c",)}
    SHARES = "i2c"
    RUNTIMES = ("cpython",)

    sda: Text
    scl: Text
    driver: Text
    address: Annotated[int, Field(strict=True, ge=0x08, le=0x77)] | None = None

    @classmethod
    def made_for(cls, given: Mapping[str, Any]) -> type[Port]:
        publish = given.get("publish", {})
        if not isinstance(publish, dict):
            example = 'publish = { temperature = "cellar.temperature" }'
            raise Fault("publish", f"say which property of the driver it is: {example}")
        numbers = tuple(str(what) for what in publish if what != "fault")
        made: type[Circuitpython] = create_model("Circuitpython", __base__=cls)
        made.TELLS = {**dict.fromkeys(numbers, "value"), **ALSO}
        made.NUMBERS = numbers
        return made

    def which(self) -> str:
        return f"{self.driver} {self.address}"

    def compiled(self) -> dict[str, Any]:
        if (
            not all(name.isidentifier() for name in self.driver.split("."))
            or "." not in self.driver
        ):
            message = f"driver '{self.driver}' must be MODULE.CLASS, like adafruit_sht4x.SHT4x"
            raise Fault("driver", message)
        return super().compiled()


class Neopixel(Output):
    """A strip of lamps. count: how many. order: of their bytes. brightness: percent at most.
    map: value -> colours."""

    PINS: ClassVar[Mapping[str, tuple[str, ...]]] = {"pin": ("out",)}

    pin: Text
    count: Annotated[int, Field(strict=True, ge=1, le=1000)] | None = None
    order: Literal["GRB", "RGB", "BGR", "BRG", "GBR", "RBG", "GRBW", "RGBW"] | None = None
    brightness: Annotated[int, Field(strict=True, ge=1, le=100)] | None = None
    map: dict[str, Text] | None = None

    def taken_words(self) -> tuple[Word, ...]:
        from myocan.edge.ports.neopixel import COLORS

        return (*words_of(self.map or {}), *COLORS, True, False)

    def takes_text(self) -> bool:
        return True  # "#ff8000"

    def compiled(self) -> dict[str, Any]:
        keys = super().compiled()
        words = words_of(self.map or {})
        for color in (self.map or {}).values():
            self._check_colors("map", color)
        if self.map is not None:
            keys["map"] = [list(pair) for pair in zip(words, self.map.values(), strict=True)]
        if self.safe is not None and self.safe not in words:
            self._check_colors("safe", self.safe)
        return keys

    def _check_colors(self, key: str, text: Any) -> None:
        from myocan.edge.ports.neopixel import COLORS

        for word in text.split() if isinstance(text, str) and text.strip() else [text]:
            known = isinstance(word, str) and word.lower() in COLORS
            digits = word[1:].lower() if isinstance(word, str) and word[:1] == "#" else ""
            if not known and (len(digits) != 6 or set(digits) - set("0123456789abcdef")):
                raise Fault(
                    key, f"{text_of(word)} is no colour: write one like #ff8000", str(word), COLORS
                )


PORT_KINDS: Mapping[str, type[Port]] = {
    "analog": Analog,
    "bme280": Bme280,
    "button": Button,
    "circuitpython": Circuitpython,
    "contact": Contact,
    "counter": Counter,
    "dht": Dht,
    "ds18b20": Ds18b20,
    "led": Switched,
    "motion": Motion,
    "neopixel": Neopixel,
    "pwm": Pwm,
    "relay": Switched,
    "servo": Servo,
}
