"""Houses to use the command line in, and the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from myocan.tools.demo.hub_process import HubProcess
from support.command_line import Myocan, make_house, run_myocan, run_myocan_anew


@pytest.fixture
def myocan() -> Myocan:
    """The command line, as a function."""
    return run_myocan


@pytest.fixture
def anew() -> Myocan:
    """The command line as a function, which reads all of its modules each time."""
    return run_myocan_anew


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """The folder of a house that nobody runs."""
    return make_house(tmp_path / "house")


@pytest.fixture(scope="module")
def running_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a house whose hub runs."""
    folder = make_house(tmp_path_factory.mktemp("running") / "house")
    with HubProcess(folder):
        yield folder
