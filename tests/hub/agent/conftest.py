"""A house on disk, a real Mosquitto, and the hub in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from myocan.hub.agent import Agent, latecomers
from myocan.hub.history import replay
from myocan.hub.house import House
from myocan.hub.lang import compile_module
from myocan.hub.store import Message, Reader
from myocan.tools.adapters import load_adapter
from support.edge_boards import CPythonBoard
from support.mosquitto import Mosquitto

READY_S = 90.0

LAMP = """
MODULE lamp1
    SUBSCRIBE button1.press
    SUBSCRIBE mode {auto, off, on}
    PUBLIC state {off, on}
    PRIVATE count 0
    ON button1.press
        THEN next(state)
        THEN count++
    ON mode.off
        THEN state.off
    ON mode.on
        THEN state.on
    ON mode.auto
        THEN ignore
"""


class Hub:
    """The hub of `house` in a thread; use it in a `with` block, as often as a test restarts it."""

    def __init__(self, house: Path, url: str, **options: Any) -> None:
        self._house = house
        self._url = url
        self._options = options
        self.failure: BaseException | None = None

    def __enter__(self) -> Self:
        ready = threading.Event()
        self.agent = Agent(House.load(self._house), broker_url=self._url, **self._options)

        def run() -> None:
            try:
                self.agent.run(lambda agent: ready.set())
            except BaseException as failure:
                self.failure = failure
            finally:
                ready.set()

        self._thread = threading.Thread(target=run, name="hub")
        self._thread.start()
        assert ready.wait(READY_S), "the hub was not ready in time"
        if self.failure is not None:
            self._thread.join()
            raise self.failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.agent.stop()
        self._thread.join(READY_S)
        assert not self._thread.is_alive(), "the hub did not stop"
        if self.failure is not None and error is None:
            raise self.failure


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no hub wait long for boards that are not there; a test of that sets its own times."""
    monkeypatch.setattr(latecomers, "WAIT_S", 0.2)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker", config="set_tcp_nodelay true") as broker:
        yield broker


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Path]:
    """A house with the lamp of the seed; a test writes more modules or adapters into it.

    Whatever the test did, its log must replay to the letter afterwards.
    """
    folder = tmp_path / "house"
    (folder / "modules").mkdir(parents=True)
    (folder / "adapters").mkdir()
    (folder / "myocan.toml").write_text('domain = "home"\n')
    (folder / "modules" / "lamp1.scc").write_text(LAMP)
    yield folder
    path = folder / ".myocan" / "store.sqlite"
    if path.exists():
        with Reader(path) as reader:
            after, _state = reader.start("live", 0, oldest=True)
            replayed = replay(
                reader.entries(after=after), lambda name, text: compile_module(text, name).program
            )
        assert replayed.differences == []


@pytest.fixture
def modules(house: Path) -> Callable[..., None]:
    """Writes the modules of the house: only these, a `MODULE` line before each that has none."""

    def write(**texts: str) -> None:
        for file in (house / "modules").iterdir():
            file.unlink()
        for name, text in texts.items():
            head = "" if text.lstrip().startswith("MODULE") else f"MODULE {name}\n"
            (house / "modules" / f"{name}.scc").write_text(head + text)

    return write


@pytest.fixture
def hub(house: Path, broker: Mosquitto) -> Callable[..., Hub]:
    """Makes the hub of the house, anew for each start; takes what `Agent` does."""
    return lambda **options: Hub(house, broker.url, **options)


@pytest.fixture
def adapter(house: Path, broker: Mosquitto) -> Iterator[Callable[[str], CPythonBoard]]:
    """Starts the board of a file of the house, by its name: the real adapter, simulated pins."""
    with ExitStack() as running:

        def start(name: str) -> CPythonBoard:
            config = load_adapter(house / "adapters" / f"{name}.toml").config(broker.url)
            return running.enter_context(CPythonBoard(config, house))

        yield start


@pytest.fixture
def log(house: Path) -> Callable[..., list[Message]]:
    """Reads the log: all messages, or those of one topic `module.variable`."""

    def read(topic: str | None = None) -> list[Message]:
        module, variable = topic.rsplit(".", 1) if topic else (None, None)
        with Reader(house / ".myocan" / "store.sqlite") as reader:
            return list(reader.messages("live", module=module, variable=variable))

    return read


@pytest.fixture
def of(house: Path) -> Callable[[str, str], list[str | None]]:
    """Reads the log of a mode: `of("test", "lamp1.state")` are its values, in order."""

    def read(mode: str, topic: str) -> list[str | None]:
        module, variable = topic.split(".", 1)
        with Reader(house / ".myocan" / "store.sqlite") as reader:
            return [one.value for one in reader.messages(mode, module=module, variable=variable)]

    return read


@pytest.fixture
def every_mode_replays(house: Path) -> Iterator[None]:
    """Whatever a test did in a test mode, its log must replay to the letter, too."""
    yield
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        for mode in reader.modes():
            replayed = replay(
                reader.entries(mode), lambda name, text: compile_module(text, name).program
            )
            assert replayed.differences == []


@pytest.fixture
def state(house: Path) -> Callable[..., str | None]:
    """Reads a variable's state from the store, as JSON text."""

    def read(module: str, variable: str, instance: str = "") -> str | None:
        with Reader(house / ".myocan" / "store.sqlite") as reader:
            return reader.value("live", module, variable, instance)

    return read
