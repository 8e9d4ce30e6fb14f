"""The wiring drawings are what their script makes, and show what the boards' files say."""

from __future__ import annotations

import importlib.util
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from myocan.tools.board_kinds import BoardKind

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "wiring"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wiring", ROOT / "tools/wiring/generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["wiring"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_drawings_are_what_the_script_makes(script: ModuleType, tmp_path: Path) -> None:
    made = {file.name: file.read_text() for file in script.make(tmp_path)}
    there = {file.name: file.read_text() for file in FOLDER.glob("*.svg")}
    assert there == made, "run: python tools/wiring/generate.py"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.svg")), ids=lambda file: file.stem)
def test_a_drawing_is_whole_and_says_what_it_shows(file: Path) -> None:
    root = ET.fromstring(file.read_text())
    svg = "{http://www.w3.org/2000/svg}"
    width, height = (int(root.attrib[name]) for name in ("width", "height"))
    assert root.findtext(svg + "title")
    assert " to " in str(root.findtext(svg + "desc"))
    for line in root.iter(svg + "polyline"):
        for point in line.attrib["points"].split():
            x, y = map(int, point.split(","))
            assert 0 < x < width
            assert 0 < y < height


def test_each_wire_ends_at_its_pin(script: ModuleType) -> None:
    for drawing in script.DRAWINGS:
        sheet = script.Sheet(drawing)
        svg = sheet.draw()
        pinout = BoardKind.load(drawing.board).pinout
        assert pinout is not None
        for part in drawing.parts:
            for _, pin, _ in part.ends:
                places = [
                    sheet._at(side, row)
                    for side, names in (("left", pinout.left), ("right", pinout.right))
                    for row, name in enumerate(names)
                    if name == pin
                ]
                ends = re.findall(r' (\d+),(\d+)" fill="none"', svg)
                assert any((str(x), str(y)) in ends for x, y in places), (drawing.name, pin)


@pytest.mark.parametrize("pin", ["GP77", "GP23"])
def test_a_pin_that_cannot_be_used_is_not_drawn(script: ModuleType, pin: str) -> None:
    part = script.Part("lamp", "left", (("IN", pin, ""),))
    with pytest.raises(ValueError, match=pin):
        script.Sheet(script.Drawing("x", "x", "pico-w", (part,))).draw()
