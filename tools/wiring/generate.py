"""Draws how parts are wired to boards: the SVG files of docs/wiring.

The one idea: where a pin is, the board's own file says (boards/*.toml); a drawing here names a
board, parts, and pins, and nothing else. So a drawing cannot show a pin where there is none.

    python tools/wiring/generate.py [FOLDER]

Writes the drawings, by default into docs/wiring. A test holds the files there to what this makes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final, Literal

from myocan.tools.board_kinds import SUPPLY, BoardKind

ROOT: Final = Path(__file__).resolve().parents[2]

Side = Literal["left", "right"]

STEP: Final = 18
"""Pixels between pins that are neighbours."""
LANE: Final = 9
BOARD: Final = 150
PART: Final = 150
TOP: Final = 100
LABEL: Final = 58

RED, BLACK, BLUE, GREEN, ORANGE = "#c62828", "#37474f", "#1565c0", "#2e7d32", "#ef6c00"
POWER: Final = frozenset(("3V3", "5V", "VBUS", "VSYS", "VIN"))


@dataclass(frozen=True)
class Part:
    """A part beside the board.

    side: where it stands. ends: (what is printed at its terminal, the board's pin, colour of the
    wire; "" picks red for power, black for ground). symbol: what is drawn in it. between: two of
    its terminals that a resistor joins, and what is written at it.
    """

    title: str
    side: Side
    ends: tuple[tuple[str, str, str], ...]
    symbol: Literal["", "button", "resistor"] = ""
    between: tuple[int, int, str] | None = None


@dataclass(frozen=True)
class Drawing:
    """A board and what is wired to it. loops: pins that a wire joins directly."""

    name: str
    title: str
    board: str
    parts: tuple[Part, ...] = ()
    loops: tuple[tuple[str, str], ...] = ()


DRAWINGS: Final = (
    Drawing(
        "pico-w-porch",
        "A button and a relay on a Pico W",
        "pico-w",
        (
            Part("push button", "left", (("", "GP14", GREEN), ("", "GND", "")), "button"),
            Part(
                "relay module",
                "left",
                (("IN", "GP15", BLUE), ("GND", "GND", ""), ("VCC", "VBUS", "")),
            ),
        ),
    ),
    Drawing(
        "esp32-devkit-porch",
        "A button and a relay on an ESP32 DevKitC",
        "esp32-devkit",
        (
            Part("push button", "left", (("", "GPIO27", GREEN), ("", "GND", "")), "button"),
            Part(
                "relay module",
                "left",
                (("IN", "GPIO26", BLUE), ("GND", "GND", ""), ("VCC", "5V", "")),
            ),
        ),
    ),
    Drawing(
        "pico-w-sensors",
        "A BME280 on I2C and a DS18B20 on 1-Wire, on a Pico W",
        "pico-w",
        (
            Part(
                "BME280",
                "right",
                (
                    ("VIN", "3V3", ""),
                    ("GND", "GND", ""),
                    ("SCL", "GP21", ORANGE),
                    ("SDA", "GP20", BLUE),
                ),
            ),
            Part(
                "DS18B20",
                "right",
                (("VDD", "3V3", ""), ("DATA", "GP16", GREEN), ("GND", "GND", "")),
                between=(0, 1, "4.7 kΩ"),
            ),
        ),
    ),
    Drawing(
        "pico-w-loop",
        "The wire that myocan hil wants, on a Pico W",
        "pico-w",
        loops=(("GP15", "GP14"),),
    ),
)


class Canvas:
    """Collects what is drawn."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, fill: str, edge: str = BLACK) -> None:
        self.lines.append(
            f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="4" fill="{fill}" '
            f'stroke="{edge}"/>'
        )

    def text(self, x: int, y: int, text: str, anchor: str = "start", size: int = 11) -> None:
        self.lines.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
        )

    def dot(self, x: int, y: int, colour: str) -> None:
        self.lines.append(f'<circle cx="{x}" cy="{y}" r="3" fill="{colour}"/>')

    def wire(self, points: Sequence[tuple[int, int]], colour: str) -> None:
        path = " ".join(f"{x},{y}" for x, y in points)
        self.lines.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        )


class Sheet:
    """One drawing on its way: where pins are, and which lanes are taken."""

    def __init__(self, drawing: Drawing) -> None:
        self.drawing = drawing
        self.kind = BoardKind.load(drawing.board)
        assert self.kind.pinout is not None, f"{drawing.board} has no pinout to draw"
        self.pinout = self.kind.pinout
        self.canvas = Canvas()
        wires = sum(len(part.ends) for part in drawing.parts) + len(drawing.loops)
        self.gap = LABEL + (wires + 2) * LANE
        has = {side: any(part.side == side for part in drawing.parts) for side in ("left", "right")}
        self.left = 20 + (PART + self.gap if has["left"] else LABEL + 30)
        self.right = self.left + BOARD
        self.width = self.right + 20 + (PART + self.gap if has["right"] else LABEL)
        self.height = TOP + STEP * len(self.pinout.left) + 30
        self.lanes = {"left": 0, "right": 0}
        self.over = 0
        self.taken: set[tuple[Side, int]] = set()

    def draw(self) -> str:
        """Return the SVG."""
        self._board()
        for side in ("left", "right"):
            parts = [part for part in self.drawing.parts if part.side == side]
            rooms = [(len(part.ends) + 2) * STEP for part in parts]
            y = TOP + max(0, STEP * len(self.pinout.left) - sum(rooms) - 20)
            for part, room in zip(parts, rooms, strict=True):
                self._part(part, y)
                y += room + 20
        for one, other in self.drawing.loops:
            self._loop(one, other)
        drawing = self.drawing
        wired = "; ".join(
            [
                f"{part.title}: "
                + ", ".join(
                    f"{label + ' to ' if label else ''}{pin}" for label, pin, _ in part.ends
                )
                for part in drawing.parts
            ]
            + [f"{one} to {other}" for one, other in drawing.loops]
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" font-family="sans-serif" role="img" '
            f'aria-labelledby="t d">'
        )
        return "\n".join(
            [
                head,
                f'<title id="t">{escape(drawing.title)}</title>',
                f'<desc id="d">{escape(wired)}</desc>',
                f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>',
                *self.canvas.lines,
                "</svg>\n",
            ]
        )

    def _board(self) -> None:
        canvas, numbers = self.canvas, self.pinout.numbers()
        canvas.text(20, 24, self.drawing.title, size=15)
        height = STEP * len(self.pinout.left) + 8
        canvas.box(self.left, TOP - 4, BOARD, height, "#e8f5e9")
        middle = (self.left + self.right) // 2
        canvas.box(middle - 34, TOP - 16, 68, 20, "#cfd8dc")
        canvas.text(middle, TOP - 2, self.pinout.top, "middle")
        canvas.text(
            middle, TOP + height // 2, self.kind.title.removeprefix("Raspberry Pi "), "middle"
        )
        for side, names in (("left", self.pinout.left), ("right", self.pinout.right)):
            for row, name in enumerate(names):
                x, y = self._at(side, row)
                canvas.dot(x, y, "#9e9e9e")
                inside, anchor = (x + 8, "start") if side == "left" else (x - 8, "end")
                canvas.text(inside, y + 4, name, anchor, 10)
                number = numbers[side == "right"][row]
                outside, anchor = (x - 6, "end") if side == "left" else (x + 6, "start")
                canvas.text(outside, y + 13, number, anchor, 7)

    def _at(self, side: str, row: int) -> tuple[int, int]:
        return (self.left if side == "left" else self.right, TOP + 10 + row * STEP)

    def _find(self, pin: str, side: Side, y: int) -> tuple[Side, int]:
        """Return side and row of a pin; of several of a name, the nearest that is free."""
        places: list[tuple[Side, int]] = [
            *(("left", row) for row, name in enumerate(self.pinout.left) if name == pin),
            *(("right", row) for row, name in enumerate(self.pinout.right) if name == pin),
        ]
        if not places:
            raise ValueError(f"{self.drawing.name}: a {self.kind.title} shows no pin {pin}")
        if pin not in SUPPLY and pin not in self.kind.pin_names():
            raise ValueError(f"{self.drawing.name}: {pin} must not be used")
        free = [place for place in places if place not in self.taken or pin in POWER] or places
        found = min(free, key=lambda each: (each[0] != side, abs(self._at(*each)[1] - y)))
        self.taken.add(found)
        return found

    def _part(self, part: Part, y: int) -> None:
        canvas = self.canvas
        x = 20 if part.side == "left" else self.width - 20 - PART
        canvas.box(x, y, PART, (len(part.ends) + 2) * STEP - 6, "#eceff1")
        canvas.text(x + PART // 2, y + 16, part.title, "middle", 12)
        edge = x + PART if part.side == "left" else x
        inward = -1 if part.side == "left" else 1
        rows = [y + 34 + row * STEP for row in range(len(part.ends))]
        for (label, pin, colour), at in zip(part.ends, rows, strict=True):
            colour = colour or (RED if pin in POWER else BLACK)
            canvas.dot(edge, at, colour)
            anchor = "end" if part.side == "left" else "start"
            canvas.text(edge + inward * 8, at + 4, label, anchor)
            self._wire(part.side, edge, at, pin, colour)
        if part.symbol == "button":
            middle = edge + inward * 60
            for at in rows:
                canvas.wire([(edge, at), (middle, at)], BLACK)
            canvas.wire([(middle, rows[0]), (middle + 10 * inward, rows[1] - 2)], BLACK)
        if part.between is not None:
            one, other, text = part.between
            at = edge + inward * 70
            for row in (rows[one], rows[other]):
                canvas.wire([(edge + inward * 42, row), (at, row)], BLACK)
            canvas.wire([(at, rows[one]), (at, rows[other])], BLACK)
            canvas.box(at - 4, rows[one] + 3, 8, rows[other] - rows[one] - 6, "#ffe0b2")
            anchor = "end" if part.side == "left" else "start"
            canvas.text(at + inward * 10, (rows[one] + rows[other]) // 2 + 4, text, anchor)

    def _wire(self, side: Side, x: int, y: int, pin: str, colour: str) -> None:
        there, row = self._find(pin, side, y)
        to_x, to_y = self._at(there, row)
        out = -1 if side == "left" else 1
        lane = (self.left if side == "left" else self.right) + out * self._lane(side)
        points = [(x, y), (lane, y)]
        if there != side:
            over = TOP - 28 - self.over * LANE
            self.over += 1
            beyond = (self.left if there == "left" else self.right) - out * self._lane(there)
            points += [(lane, over), (beyond, over), (beyond, to_y)]
        else:
            points.append((lane, to_y))
        self.canvas.wire([*points, (to_x, to_y)], colour)
        self.canvas.dot(to_x, to_y, colour)

    def _lane(self, side: str) -> int:
        self.lanes[side] += 1
        return 18 + self.lanes[side] * LANE

    def _loop(self, one: str, other: str) -> None:
        (side, row), (other_side, other_row) = (self._find(pin, "left", 0) for pin in (one, other))
        assert side == other_side, f"{one} and {other} are not on one side"
        out = self._lane(side) * (-1 if side == "left" else 1)
        (x, y), (_, to_y) = self._at(side, row), self._at(side, other_row)
        self.canvas.wire([(x, y), (x + out, y), (x + out, to_y), (x, to_y)], BLUE)
        for at in (y, to_y):
            self.canvas.dot(x, at, BLUE)


def make(folder: Path) -> list[Path]:
    """Write all drawings into a folder; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for drawing in DRAWINGS:
        file = folder / f"{drawing.name}.svg"
        file.write_text(Sheet(drawing).draw(), encoding="utf-8")
        made.append(file)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "wiring")
    for file in make(parser.parse_args().folder):
        print(file)


if __name__ == "__main__":
    main()
