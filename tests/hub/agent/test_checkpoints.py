"""When a checkpoint is written, and that a full disk only puts it off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from myocan.hub.agent.checkpoints import CHECKPOINT_MESSAGES, CHECKPOINT_S, DISK_FULL_S, Checkpoints
from myocan.hub.store import DiskFull, Store


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Disk:
    """Lets checkpoints through, or not, as a test says."""

    def __init__(self) -> None:
        self.full = False

    def __call__(self, point: str) -> None:
        if self.full and point.startswith("checkpoint"):
            raise DiskFull("no room")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def store(disk: Disk) -> Iterator[Store]:
    with Store.memory(faults=disk) as store:
        yield store


def append(store: Store, count: int = 1) -> int:
    """Append messages that set one variable; return the offset of the last."""
    first = store.next_offset("live")
    name, producer = store.name_id("lamp1", "state"), store.producer_id("lamp1")
    store.append(
        "live",
        [
            (offset, 0, name, '"on"', producer, None, None, None, f'[{name},"on"]')
            for offset in range(first, first + count)
        ],
    )
    return first + count - 1


def written(store: Store) -> int:
    return store.recover("live").checkpoint


def test_one_is_written_some_time_after_a_change_and_none_without(
    store: Store, clock: Clock
) -> None:
    checkpoints = Checkpoints(store, "live", 0, clock)
    offset = append(store)
    clock.now += 10 * CHECKPOINT_S
    checkpoints.keep(offset)
    assert checkpoints.due_s() is None
    assert written(store) == 0

    checkpoints = Checkpoints(store, "live", 0, clock)
    checkpoints.note({store.name_id("lamp1", "state"): '"on"'})
    assert checkpoints.due_s() == CHECKPOINT_S
    checkpoints.keep(offset)
    assert written(store) == 0
    clock.now += CHECKPOINT_S
    checkpoints.keep(offset)
    assert written(store) == offset
    assert checkpoints.due_s() is None


def test_one_is_written_after_many_messages_even_if_they_changed_nothing(
    store: Store, clock: Clock
) -> None:
    checkpoints = Checkpoints(store, "live", 0, clock)
    offset = append(store, CHECKPOINT_MESSAGES - 1)
    checkpoints.keep(offset)
    assert written(store) == 0
    offset = append(store)
    checkpoints.keep(offset)
    assert written(store) == offset


def test_a_full_disk_puts_it_off_and_loses_nothing(store: Store, clock: Clock, disk: Disk) -> None:
    checkpoints = Checkpoints(store, "live", 0, clock)
    offset = append(store)
    checkpoints.note({store.name_id("lamp1", "state"): '"on"'})
    clock.now += CHECKPOINT_S
    disk.full = True
    checkpoints.keep(offset)
    assert checkpoints.due_s() == DISK_FULL_S
    disk.full = False
    checkpoints.keep(offset)
    assert written(store) == 0
    clock.now += DISK_FULL_S
    checkpoints.keep(offset)
    assert written(store) == offset


def test_the_end_writes_what_there_is_and_survives_a_full_disk(
    store: Store, clock: Clock, disk: Disk
) -> None:
    checkpoints = Checkpoints(store, "live", 0, clock)
    offset = append(store)
    checkpoints.note({store.name_id("lamp1", "state"): '"on"'})
    disk.full = True
    checkpoints.finish(offset)
    assert written(store) == 0
    disk.full = False
    checkpoints.finish(offset)
    assert written(store) == offset
    assert list(store.recover("live").state.values()) == ['"on"']
