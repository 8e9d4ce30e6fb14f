"""A strip of lamps of any colour with a chip in each: WS2812, SK6812, "NeoPixel"."""

from myocan.edge.clock import const
from myocan.edge.errors import Refused
from myocan.edge.pins.parts import part
from myocan.edge.ports.port import Port

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Pins, PixelsOut, Spec
    from myocan.wire.message import Value

COLORS = {
    "black": 0x000000,
    "off": 0x000000,
    "white": 0xFFFFFF,
    "on": 0xFFFFFF,
    "red": 0xFF0000,
    "orange": 0xFF8000,
    "yellow": 0xFFFF00,
    "green": 0x00FF00,
    "cyan": 0x00FFFF,
    "blue": 0x0000FF,
    "purple": 0x8000FF,
    "pink": 0xFF4080,
}
"""Words for colours; any other is written "#rrggbb"."""
_HEX = "0123456789abcdef"


class Neopixel(Port):
    """A strip of `count` lamps (default 1) that takes a colour: a word, or "#ff8000". Several with
    spaces between are for one lamp after the other, and again from the first.

    `map` says which colour a word means. `order` is in which order a lamp wants its bytes (default
    "GRB"; with a W it has a white lamp besides, which lights for what the three have in common).
    `brightness` is how much of the light there is at most, in percent (default 100). Its safe value
    is "off" if none is given.
    """

    def __init__(self, spec: "Spec", pins: "Pins") -> None:
        super().__init__(spec, pins)
        self._count: int = spec.get("count", 1)
        self._order: str = spec.get("order", "GRB")
        self._percent: int = spec.get("brightness", 100)
        self._words: list[tuple[Value, str]] = spec.get("map") or []
        self._safe: Value = spec.get("safe", "off")
        self._bytes = bytearray(self._count * len(self._order))
        self._strip: PixelsOut = part(pins, "pixels", spec["pin"])
        self.make_safe()

    def check(self, value: "Value") -> None:
        super().check(value)
        self._colors(value)

    def alike(self, one: "Value", other: "Value") -> bool:
        return self._colors(one) == self._colors(other)

    def take(self, value: "Value") -> None:
        self.check(value)
        self._fill(self._colors(value))
        self._strip.show(self._bytes)
        self.applied = value

    def make_safe(self) -> None:
        self._fill(self._colors(self._safe))
        self._strip.show(self._bytes)
        self.applied = self._safe

    def _colors(self, value: "Value") -> "list[int]":
        """Return the colours that a value means; raises Refused if it means none."""
        text = value
        for word, color in self._words:
            if word == value and type(word) is type(value):
                text = color
        if isinstance(text, bool):
            text = "on" if text else "off"
        if not isinstance(text, str) or not text.split():
            raise Refused(f"port '{self.name}' has no colour for {value!r}: add it to its map")
        return [self._color(word) for word in text.split()]

    def _color(self, word: str) -> int:
        color = COLORS.get(word.lower())
        digits = word[1:].lower()
        if word[0] == "#" and len(digits) == 6 and all(each in _HEX for each in digits):
            color = int(digits, 16)
        if color is None:
            raise Refused(f"port '{self.name}' knows no colour '{word}': write it as #ff8000")
        return color

    def _fill(self, colors: "list[int]") -> None:
        at = 0
        for lamp in range(self._count):
            color = colors[lamp % len(colors)]
            red, green, blue = color >> 16, color >> 8 & 0xFF, color & 0xFF
            white = min(red, green, blue) if "W" in self._order else 0
            for letter in self._order:
                level = red if letter == "R" else green if letter == "G" else blue
                level = white if letter == "W" else level - white
                self._bytes[at] = level * self._percent // 100
                at += 1


PORT = Neopixel
