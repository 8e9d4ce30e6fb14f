"""What the syncer reports is synced, soon enough, and a failed sync is the end."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from myocan.hub.store import DiskFailed, LogRow, Store, StoreError, Syncer
from myocan.hub.store.store import WAL_KEPT

Message = Callable[..., LogRow]
DEADLINE = 60.0


class Disk:
    """An fdatasync that a test can hold up, watch, and make fail."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.open = threading.Event()
        self.open.set()
        self.syncs = 0
        self.now = 0.0
        self.takes = 0.0
        self.error: OSError | None = None

    def fdatasync(self, descriptor: int) -> None:
        self.syncs += 1
        self.entered.release()
        assert self.open.wait(DEADLINE)
        self.now += self.takes
        if self.error is not None:
            raise self.error
        os.fdatasync(descriptor)


class Reports:
    """What a syncer has said."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.errors: list[StoreError] = []
        self._changed = threading.Condition()

    def synced(self, number: int) -> None:
        with self._changed:
            self.numbers.append(number)
            self._changed.notify_all()

    def failed(self, error: StoreError) -> None:
        with self._changed:
            self.errors.append(error)
            self._changed.notify_all()

    def wait_for(self, condition: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE)


@pytest.fixture
def disk() -> Disk:
    """A disk that works."""
    return Disk()


@pytest.fixture
def reports() -> Reports:
    """Nothing said yet."""
    return Reports()


@pytest.fixture
def syncer(kept: Store, disk: Disk, reports: Reports) -> Iterator[Syncer]:
    """A running syncer of `kept`."""
    running = Syncer(
        kept, on_synced=reports.synced, on_error=reports.failed, fdatasync=disk.fdatasync
    )
    running.start()
    yield running
    disk.open.set()
    running.close()
    assert not running.is_alive()


def test_what_is_written_is_reported_without_being_asked(
    kept: Store, syncer: Syncer, reports: Reports, message: Message
) -> None:
    syncer.written(kept.append("live", [message(kept, 1)]))
    reports.wait_for(lambda: reports.numbers == [1])
    syncer.written(kept.append("live", [message(kept, 2)]))
    reports.wait_for(lambda: reports.numbers == [1, 2])


def test_what_is_written_during_a_sync_waits_for_the_next(
    kept: Store, syncer: Syncer, disk: Disk, reports: Reports
) -> None:
    disk.open.clear()
    syncer.written(1)
    assert disk.entered.acquire(timeout=DEADLINE)
    syncer.written(2)
    syncer.urgent()
    assert reports.numbers == []
    disk.open.set()
    reports.wait_for(lambda: reports.numbers == [1, 2])


def test_under_load_one_sync_serves_many_transactions(
    kept: Store, disk: Disk, reports: Reports
) -> None:
    syncer = Syncer(kept, on_synced=reports.synced, on_error=reports.failed, delay=3600.0,
                    fdatasync=disk.fdatasync, clock=lambda: disk.now)  # fmt: skip
    syncer.start()
    try:
        # On a disk that slow, the next sync is half an hour away unless somebody asks.
        disk.takes = 1000.0
        syncer.written(1)
        reports.wait_for(lambda: reports.numbers == [1])
        for number in range(2, 500):
            syncer.written(number)
        assert disk.syncs == 1
        syncer.urgent()
        reports.wait_for(lambda: reports.numbers[-1] == 499)
        assert disk.syncs == 2
    finally:
        syncer.close()


def test_what_comes_while_the_hub_is_idle_is_synced_at_once(
    kept: Store, disk: Disk, reports: Reports
) -> None:
    syncer = Syncer(kept, on_synced=reports.synced, on_error=reports.failed, delay=3600.0,
                    fdatasync=disk.fdatasync, clock=lambda: disk.now)  # fmt: skip
    syncer.start()
    try:
        disk.takes = 1000.0
        for number in range(1, 50):
            syncer.written(number)
            reports.wait_for(lambda number=number: reports.numbers[-1:] == [number])  # type: ignore[misc]
            disk.now += 2000.0
    finally:
        syncer.close()


def test_nothing_waits_longer_than_the_delay(kept: Store, disk: Disk, reports: Reports) -> None:
    syncer = Syncer(kept, on_synced=reports.synced, on_error=reports.failed, delay=0.0,
                    fdatasync=disk.fdatasync)  # fmt: skip
    syncer.start()
    try:
        for number in range(1, 50):
            syncer.written(number)
            reports.wait_for(lambda number=number: reports.numbers[-1:] == [number])  # type: ignore[misc]
    finally:
        syncer.close()


def test_closing_syncs_and_reports_what_is_left(
    store: Store, disk: Disk, reports: Reports, message: Message
) -> None:
    syncer = Syncer(store, on_synced=reports.synced, on_error=reports.failed, delay=3600.0,
                    fdatasync=disk.fdatasync)  # fmt: skip
    syncer.start()
    for offset in range(1, 20):
        syncer.written(store.append("live", [message(store, offset)]))
    syncer.close()
    assert reports.numbers[-1] == 19
    assert reports.numbers == sorted(reports.numbers)
    assert reports.errors == []
    assert not syncer.is_alive()


def test_a_syncer_that_was_never_started_can_be_closed(
    kept: Store, disk: Disk, reports: Reports
) -> None:
    Syncer(kept, on_synced=reports.synced, on_error=reports.failed).close()
    assert reports.numbers == []


def test_after_a_failed_sync_nothing_is_reported_any_more(
    kept: Store, syncer: Syncer, disk: Disk, reports: Reports, message: Message
) -> None:
    disk.error = OSError(5, "Input/output error")
    syncer.written(kept.append("live", [message(kept, 1)]))
    reports.wait_for(lambda: reports.errors)
    disk.error = None
    syncer.written(kept.append("live", [message(kept, 2)]))
    syncer.urgent()
    syncer.join(DEADLINE)
    assert not syncer.is_alive()
    assert reports.numbers == []
    (error,) = reports.errors
    assert isinstance(error, DiskFailed)
    assert "start the hub again" in str(error)


def test_a_callback_that_fails_ends_the_syncer_too(
    store: Store, reports: Reports, message: Message
) -> None:
    def fail(number: int) -> None:
        raise RuntimeError("no link")

    syncer = Syncer(store, on_synced=fail, on_error=reports.failed)
    syncer.start()
    syncer.written(1)
    reports.wait_for(lambda: reports.errors)
    syncer.close()
    assert "no link" in str(reports.errors[0])


def test_a_file_that_cannot_be_opened_is_told_at_once(kept: Store, reports: Reports) -> None:

    def refuse(path: Path, flags: int) -> int:
        raise OSError(24, "Too many open files")

    with pytest.raises(OSError, match="Too many"):
        Syncer(kept, on_synced=reports.synced, on_error=reports.failed, open_file=refuse)


def test_the_wal_stays_small_under_a_writer_that_never_pauses(
    kept: Store, syncer: Syncer, reports: Reports, message: Message
) -> None:
    assert kept.path is not None
    wal = kept.path.with_name(kept.path.name + "-wal")
    text = '"' + "x" * 4000 + '"'
    written = largest = 0
    while written < 20 * WAL_KEPT:
        first = kept.next_offset("live")
        number = kept.append("live", [message(kept, first + place, text) for place in range(100)])
        syncer.written(number)
        written += 100 * len(text)
        largest = max(largest, wal.stat().st_size)
        # As boards do, whose windows are full until the hub acknowledges.
        reports.wait_for(lambda least=number - 3: (reports.numbers or [0])[-1] >= least)  # type: ignore[misc]
    syncer.urgent()
    last = kept.append("live", [message(kept, kept.next_offset("live"))])
    syncer.written(last)
    reports.wait_for(lambda: reports.numbers[-1:] == [last])
    assert reports.errors == []
    assert largest < 8 * WAL_KEPT
    assert len(list(kept.rows("live"))) == kept.next_offset("live") - 1


def test_pages_move_to_the_main_file_while_the_hub_runs(
    kept: Store, syncer: Syncer, reports: Reports, message: Message
) -> None:
    assert kept.path is not None
    before = kept.path.stat().st_size
    number = 0
    while kept.path.stat().st_size == before:
        number = kept.append("live", [message(kept, kept.next_offset("live"), '"text"')])
        syncer.written(number)
        assert number < 50_000
        # as boards do, whose windows are full until the hub acknowledges
        reports.wait_for(lambda least=number - 500: (reports.numbers or [0])[-1] >= least)  # type: ignore[misc]
    syncer.urgent()
    reports.wait_for(lambda: reports.numbers[-1:] == [number])
    wal = kept.path.with_name(kept.path.name + "-wal")
    assert wal.stat().st_size < 2 * WAL_KEPT
