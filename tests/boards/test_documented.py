"""What docs/boards.md shows of virtual boards, and of tests of one's own adapters, works."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.tools.hil import BenchBoard
from myocan.tools.vboard import NoMicroPython, micropython_path

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "boards.md").read_text()
SHOWN = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TESTS: dict[str, Callable[[BenchBoard], None]] = {}
exec(next(text for text in SHOWN if text.startswith("# tests/test_porch.py")), TESTS)
ADAPTER = re.search(r"^```toml\n# adapters/porch.toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

FOLLOWS = """
from machine import PWM, Pin
button = Pin("GP14", Pin.IN, Pin.PULL_UP)
dimmed = PWM(Pin("GP16"), freq=1000, duty_u16=32768)
while True:
    if not button():
        Pin("GP15", Pin.OUT, value=1)
"""


@pytest.mark.parametrize("name", [name for name in TESTS if name.startswith("test_")])
def test_a_test_that_is_shown(
    name: str, board: BenchBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ADAPTER is not None
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "porch.toml").write_text(ADAPTER[1])
    monkeypatch.chdir(tmp_path)
    TESTS[name](board)


def test_a_virtual_board_that_is_shown(tmp_path: Path) -> None:
    try:
        micropython_path()
    except NoMicroPython as error:
        pytest.skip(str(error))
    files = tmp_path / "files"
    files.mkdir()
    (files / "main.py").write_text(FOLLOWS)
    [shown] = [text for text in SHOWN if "VirtualBoard(" in text]
    exec(shown.replace("/tmp/porch", str(tmp_path)), {})
    shutil.rmtree(tmp_path)
