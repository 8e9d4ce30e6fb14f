"""What the tests of the store share: rows without much typing, and a way to kill a store."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from myocan.hub.store import LogRow, Store


class Killed(BaseException):
    """What a fault point raises; no code catches it, as none survives `kill -9`."""


@pytest.fixture(scope="session")
def killed() -> type[Killed]:
    """The exception to raise at a fault point."""
    return Killed


@pytest.fixture(scope="session")
def message() -> Callable[..., LogRow]:
    """Makes the row of a message: `message(store, offset, value, changes)`."""

    def make(
        store: Store,
        offset: int,
        value: str = '"on"',
        changes: str | None = None,
        variable: str = "state",
        cause: int | None = None,
    ) -> LogRow:
        name = store.name_id("lamp1", variable)
        producer = store.producer_id("porch")
        return (offset, 1_000_000 + offset, name, value, producer, cause, None, None, changes)

    return make


@pytest.fixture(scope="session")
def leftovers() -> Callable[[Path, Path], Path]:
    """Copies what a process that dies now leaves of a store: `leftovers(path, folder)`.

    Closing the store instead would tidy up. The copy opens and closes the files, which drops the
    locks of the original's connection: only close it after this.
    """

    def copy(path: Path, folder: Path) -> Path:
        folder.mkdir(parents=True)
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if source.exists():
                shutil.copyfile(source, folder / source.name)
        return folder / path.name

    return copy


@pytest.fixture(scope="session")
def quick() -> Iterator[Path]:
    """A folder whose syncs cost nothing, for tests that make hundreds of stores."""
    memory = "/dev/shm"
    folder = tempfile.mkdtemp(prefix="myocan-", dir=memory if os.path.isdir(memory) else None)
    yield Path(folder)
    shutil.rmtree(folder)


@pytest.fixture
def place(quick: Path) -> Path:
    """Where a store of its own can be made for one test, in such a folder."""
    return Path(tempfile.mkdtemp(dir=quick)) / "store.sqlite"


@pytest.fixture
def kept(place: Path) -> Iterator[Store]:
    """An empty store in a file."""
    with Store.open(place) as opened:
        yield opened


@pytest.fixture(params=["in a file", "in memory"])
def store(request: pytest.FixtureRequest, place: Path) -> Iterator[Store]:
    """An empty store of either kind."""
    with Store.memory() if request.param == "in memory" else Store.open(place) as opened:
        yield opened
