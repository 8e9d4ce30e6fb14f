"""A hub whose disk is full says so everywhere, waits, and goes on as if nothing had happened.

Once with a disk that is full as the test says, once with a file system of a few megabytes, where
this may mount one.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from myocan.hub.bus import Bus
from myocan.hub.control import ControlError, ask
from myocan.hub.house import House
from myocan.hub.store import DiskFull, Reader, Store
from support.board import Board
from support.clock import until

STATUS = "mc1/$hub/home/main/status"


class Disk(Protocol):
    """A disk that a test can fill."""

    path: Path
    options: dict[str, object]

    def fill(self) -> None: ...

    def empty(self) -> None: ...


class ToldDisk:
    """Full when the test says so, but for a few transactions in the room of the reserve."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = folder / "store.sqlite"
        self._full = False
        self._room = 0
        self._reserve = folder / "store.sqlite.reserve"
        self.options: dict[str, object] = {
            "open_store": lambda path: Store.open(path, faults=self._fault)
        }
        really = os.posix_fallocate

        def allocate(descriptor: int, start: int, size: int) -> None:
            if self._full:
                raise OSError(errno.ENOSPC, "no room")
            really(descriptor, start, size)

        monkeypatch.setattr(os, "posix_fallocate", allocate)

    def _fault(self, point: str) -> None:
        if not self._full or not point.endswith(" begun"):
            return
        if not self._reserve.exists() and self._room:
            self._room -= 1
        else:
            raise DiskFull("no room on the disk")

    def fill(self) -> None:
        self._room, self._full = 5, True

    def empty(self) -> None:
        self._full = False


class MountedDisk:
    """A file system in memory, of six megabytes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "store.sqlite"
        self.options: dict[str, object] = {}
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def empty(self) -> None:
        self._ballast.unlink()


@pytest.fixture(params=["told", "mounted"])
def disk(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Disk]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if request.param == "told":
        yield ToldDisk(folder, monkeypatch)
        return
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "myocan", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount here")
    if done.returncode:
        pytest.skip("may not mount here")
    yield MountedDisk(folder)
    subprocess.run(["umount", str(folder)], check=True)


class Watch:
    """What the hub says of itself at the broker."""

    def __init__(self, url: str) -> None:
        self._bus = Bus(url, "watch", subscriptions=[(STATUS, 1)])
        self._stopping = threading.Event()
        self.statuses: list[dict[str, object]] = []
        self._thread = threading.Thread(target=self._watch)

    @property
    def storage(self) -> object:
        """What the newest status says of the storage; None: nothing."""
        return self.statuses[-1].get("storage") if self.statuses else None

    def _watch(self) -> None:
        while not self._stopping.is_set():
            for topic, payload, _retained in self._bus.receive(0.1):
                if topic == STATUS:
                    self.statuses.append(json.loads(payload))

    def __enter__(self) -> Watch:
        self._bus.start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._bus.stop()


def press_until_full(board: Board, watch: Watch) -> int:
    """Press until the hub says that it is full; return how often."""
    for presses in range(1, 20_000):
        board.send("button1/press")
        if presses % 20 == 0:
            time.sleep(0.05)
        if watch.storage == "full":
            return presses
    raise AssertionError("the disk never filled up")


def test_a_full_disk_is_said_everywhere_and_loses_nothing(
    hub, house, broker, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"store_path": disk.path, **disk.options}
    reserve = Path(f"{disk.path}.reserve")
    with (
        hub(**options),
        Watch(broker.url) as watch,
        Board(broker.url, "home", "porch", hears=["mc1/live/home/lamp1/state"]) as board,
    ):
        board.send("button1/press")
        board.await_acknowledged()
        assert reserve.stat().st_size == 1 << 20
        assert watch.storage is None
        disk.fill()
        presses = 1 + press_until_full(board, watch)
        assert watch.statuses[-1]["online"] is True
        assert "the disk is full" in str(watch.statuses[-1]["reason"])
        assert not reserve.exists()
        with pytest.raises(ControlError, match="the disk is full: nothing is acted on"):
            ask(House.load(house), "mode create", name="trial")
        board.send("button1/press")
        presses += 1
        time.sleep(0.5)
        assert len(board.outbox) > 0
        disk.empty()
        board.await_acknowledged(60)
        until(lambda: watch.storage is None, "end of it")
        assert reserve.stat().st_size == 1 << 20
        assert ask(House.load(house), "mode create", name="trial") == {"created": "trial"}
    with Reader(disk.path) as reader:
        assert reader.value("live", "lamp1", "count") == str(presses)
        said = [message.value for message in reader.messages(module="$log")]
    assert sum("the disk is full" in text for text in said) == 1
    assert sum("there is room on the disk again" in text for text in said) == 1
    assert "nothing is acted on until there is room" in caplog.text


def test_a_hub_that_starts_on_a_full_disk_says_so_and_waits(hub, house, broker, disk: Disk) -> None:
    options = {"store_path": disk.path, **disk.options}
    with hub(**options), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
    disk.fill()
    with Watch(broker.url) as watch:

        def make_room() -> None:
            until(lambda: watch.storage == "full", "word that it is full")
            disk.empty()

        making = threading.Thread(target=make_room)
        making.start()
        with hub(**options), Board(broker.url, "home", "porch") as board:
            making.join()
            board.send("button1/press")
            board.await_acknowledged(60)
    with Reader(disk.path) as reader:
        assert reader.value("live", "lamp1", "count") == "2"
