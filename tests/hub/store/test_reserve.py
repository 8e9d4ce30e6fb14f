"""Room that is set aside, given up when there is none, and set aside again."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from myocan.hub.store import Reserve

SIZE = 64 * 1024


class Disk:
    """Gives room, or refuses it with an error."""

    def __init__(self) -> None:
        self.error = 0
        self.asked: list[int] = []

    def __call__(self, descriptor: int, size: int) -> None:
        self.asked.append(size)
        if self.error:
            raise OSError(self.error, os.strerror(self.error))
        os.pwrite(descriptor, b"\0" * size, 0)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def reserve(tmp_path: Path, disk: Disk) -> Reserve:
    return Reserve(tmp_path / "store.sqlite", SIZE, disk)


def test_it_takes_its_room_once(tmp_path: Path, reserve: Reserve, disk: Disk) -> None:
    assert reserve.fill()
    assert reserve.fill()
    assert disk.asked == [2 * SIZE]
    assert (tmp_path / "store.sqlite.reserve").stat().st_size == SIZE


def test_it_gives_it_up_once_and_takes_it_again(tmp_path: Path, reserve: Reserve) -> None:
    assert not reserve.give_up()
    assert reserve.fill()
    assert reserve.give_up()
    assert list(tmp_path.iterdir()) == []
    assert not reserve.give_up()
    assert reserve.fill()


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_leaves_nothing_half_taken(
    tmp_path: Path, reserve: Reserve, disk: Disk, error: int
) -> None:
    disk.error = error
    assert not reserve.fill()
    assert list(tmp_path.iterdir()) == []
    disk.error = 0
    assert reserve.fill()


def test_a_disk_that_sets_nothing_aside_is_no_full_one(
    tmp_path: Path, reserve: Reserve, disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    disk.error = errno.EOPNOTSUPP
    assert reserve.fill()
    assert reserve.fill()
    assert caplog.text.count("no room can be set aside") == 1
    assert not reserve.give_up()
    assert Reserve(tmp_path / "no folder" / "store.sqlite", SIZE).fill()


def test_none_is_none(tmp_path: Path) -> None:
    for reserve in (Reserve(None, SIZE), Reserve(tmp_path / "store.sqlite", 0)):
        assert reserve.fill()
        assert not reserve.give_up()
    assert list(tmp_path.iterdir()) == []
