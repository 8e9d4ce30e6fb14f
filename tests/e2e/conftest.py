"""A virtual board that stands for a Pico W."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from myocan.tools.vboard import NoMicroPython, VirtualBoard


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    try:
        made = VirtualBoard("porch", tmp_path / "board", kind="pico-w")
    except NoMicroPython as error:
        pytest.skip(str(error))
    with made:
        yield made
