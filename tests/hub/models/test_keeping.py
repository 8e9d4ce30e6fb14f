"""On its way to the disk: what is written together, what is seen meanwhile, what is left of it when
the disk does not take it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from myocan.hub import State, StateModel, field
from myocan.hub.models import Changed
from myocan.hub.models.keeper import FileKeeper
from myocan.hub.models.locks import PATIENCE_S, Turnstile
from myocan.hub.store import DiskFull, Reader, Store
from myocan.hub.store.wal import Wal
from support.clock import until

ENOUGH_S = 30.0


class Pump(StateModel):
    speed: int = 0


class Heater(StateModel):
    setpoint: int = field(default=20)
    enabled: bool = False

    def check(self) -> None:
        if self.enabled and self.setpoint > 28:
            raise ValueError("above 28 °C it must be off")


class Disk:
    """A disk that takes its time, and can be full.

    syncs, transactions: how often it was asked for one. in_line: commits that were accepted.
    meanwhile: called once while it finds that it is full.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.free, self.busy = threading.Event(), threading.Event()
        self.free.set()
        self.full = False
        self.interrupts: list[BaseException] = []
        self.meanwhile: Callable[[], None] = lambda: None
        self.syncs = self.transactions = self.in_line = 0
        sync, append, put = Wal.sync, Store.append, FileKeeper.put

        def slow_sync(wal: Wal) -> None:
            self.busy.set()
            assert self.free.wait(ENOUGH_S)
            self.syncs += 1
            if self.interrupts:
                raise self.interrupts.pop()
            sync(wal)

        def full_append(store: Store, mode: str, rows: Any) -> int:
            if self.full:
                meanwhile, self.meanwhile = self.meanwhile, lambda: None
                meanwhile()
                raise DiskFull("no room to write")
            self.transactions += 1
            return append(store, mode, rows)

        def counted_put(keeper: FileKeeper, commit: Any) -> None:
            put(keeper, commit)
            self.in_line += 1

        patch.setattr(Wal, "sync", slow_sync)
        patch.setattr(Store, "append", full_append)
        patch.setattr(FileKeeper, "put", counted_put)

    def stop(self) -> None:
        self.busy.clear()
        self.free.clear()


class Doing(threading.Thread):
    """Something that a thread does, and what it comes to."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.result: object = None
        self.start()

    def run(self) -> None:
        try:
            self.result = self._work()
        except BaseException as error:
            self.result = error

    def end(self) -> object:
        self.join(ENOUGH_S)
        assert not self.is_alive(), "it waits for ever"
        return self.result


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def state(disk: Disk, tmp_path: Path) -> Iterator[State]:
    with State(tmp_path / "state.sqlite") as state:
        yield state
        disk.full = False
        disk.free.set()


def log(path: Path) -> list[tuple[str, str]]:
    with Reader(path / "state.sqlite") as reader:
        return [(one.module, one.value) for one in reader.messages()]


def one_under_way(state: State, disk: Disk) -> Doing:
    """Begin a commit that the disk is busy with."""
    disk.stop()
    first = Doing(lambda: state.update(Pump, "first", speed=1))
    assert disk.busy.wait(ENOUGH_S)
    return first


def test_a_commit_returns_when_it_is_on_the_disk_and_all_in_line_go_there_together(
    state: State, disk: Disk, tmp_path: Path
) -> None:
    first = one_under_way(state, disk)
    others = [Doing(lambda n=n: state.update(Pump, speed=n)) for n in range(20, 28)]
    until(lambda: disk.in_line == 9)
    assert all(doing.is_alive() for doing in (first, *others))
    disk.free.set()
    assert [doing.end() for doing in (first, *others)] == [True] * 9
    assert (disk.syncs, disk.transactions) == (2, 2)
    assert log(tmp_path)[-1] == ("pump", str(state.checkout(Pump).speed))


def test_what_is_read_or_told_is_on_the_disk(state: State, disk: Disk) -> None:
    told: list[int] = []
    state.subscribe(Pump, lambda changed: told.append(changed.new.speed))
    first = one_under_way(state, disk)
    assert state.checkout(Pump, "first").speed == 0

    def held() -> int:
        with state(Pump) as models:
            return int(models.checkout(Pump, "first").speed)

    reading = Doing(held)
    again = Doing(lambda: state.update(Pump, "first", speed=1))  # nothing differs, once that holds
    until(lambda: state.measures()["pump"].contexts == 2)
    assert reading.is_alive()
    assert again.is_alive()
    assert told == []
    disk.free.set()
    assert (first.end(), reading.end(), again.end()) == (True, 1, False)
    assert state.settle(ENOUGH_S)
    assert told == [1]


def test_nobody_is_refused_for_what_the_disk_does_not_take(state: State, disk: Disk) -> None:
    first = one_under_way(state, disk)
    hot = Doing(lambda: state.update(Heater, setpoint=29))
    until(lambda: disk.in_line == 2)
    on = Doing(lambda: state.update(Heater, enabled=True))  # refused, if it were hot
    until(lambda: state.measures()["heater"].contexts == 1)
    assert on.is_alive()
    disk.full = True
    disk.free.set()
    assert first.end() is True
    assert isinstance(hot.end(), DiskFull)
    disk.full = False
    assert on.end() is True or isinstance(on.result, DiskFull)
    assert state.update(Heater, enabled=True) is not (on.result is True)
    assert state.checkout(Heater) == Heater(enabled=True)
    assert state.measures()["heater"].measures.rejected["model"] == 0


def test_a_full_disk_leaves_all_as_it_was_for_all_who_wait(
    state: State, disk: Disk, tmp_path: Path
) -> None:
    told: list[Changed] = []
    state.subscribe(Heater, told.append)
    assert state.update(Heater, setpoint=21)
    copy = state.checkout(Heater)
    first = one_under_way(state, disk)
    others = [Doing(lambda n=n: state.update(Heater, setpoint=n)) for n in (22, 23, 24)]
    until(lambda: disk.in_line == 5)

    def one_more() -> None:
        others.append(Doing(lambda: state.update(Heater, setpoint=25)))
        until(lambda: disk.in_line == 6)

    disk.meanwhile = one_more
    disk.full = True
    disk.free.set()
    assert first.end() is True
    refused = [others[place].end() for place in range(4)]
    assert [type(error) for error in refused] == [DiskFull] * 4
    assert len({id(error) for error in refused}) == 4
    assert state.checkout(Heater).setpoint == 21
    copy.enabled = True
    with pytest.raises(DiskFull):
        state.commit(copy)
    disk.full = False
    assert state.commit(copy), "it is as good as it was"
    copy.setpoint = 25
    assert state.commit(copy)
    assert state.settle(ENOUGH_S)
    assert [(one.new.setpoint, one.new.enabled) for one in told] == [  # type: ignore[attr-defined]
        (21, False), (21, True), (25, True)]  # fmt: skip
    assert log(tmp_path) == [
        ("heater", "21"), ("pump", "1"), ("heater", "true"), ("heater", "25")]  # fmt: skip


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, MemoryError])
def test_who_is_interrupted_leaves_the_rest_to_the_next(
    state: State, disk: Disk, tmp_path: Path, interruption: type[BaseException]
) -> None:
    told: list[int] = []
    state.subscribe(Pump, lambda changed: told.append(changed.new.speed))
    disk.interrupts.append(interruption())
    with pytest.raises(interruption):
        state.update(Pump, speed=1)
    assert state.checkout(Pump).speed == 0
    assert state.update(Pump, speed=2)
    assert state.settle(ENOUGH_S)
    assert told == [1, 2]
    assert log(tmp_path) == [("pump", "1"), ("pump", "2")]


def test_subscribers_are_told_in_the_order_of_the_log(state: State, tmp_path: Path) -> None:
    told: list[Changed] = []
    state.subscribe(Pump, told.append)

    def work(first: int) -> None:
        for speed in range(first, first + 20):
            state.update(Pump, speed=speed)

    threads = [Doing(lambda n=n: work(n * 100)) for n in range(1, 5)]
    assert [thread.end() for thread in threads] == [None] * 4
    assert state.settle(ENOUGH_S)
    assert [one.new.speed for one in told] == [int(value) for _, value in log(tmp_path)]  # type: ignore[attr-defined]
    assert [one.old for one in told[1:]] == [one.new for one in told[:-1]]


def test_a_full_disk_keeps_no_checkpoint_from_being_written_later(
    tmp_path: Path, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myocan.hub.models.keeper.CHECKPOINT_ROWS", 10)
    monkeypatch.setattr("myocan.hub.models.keeper.TIDY_AFTER", 1)
    full = [True]
    checkpoint = Store.start_checkpoint

    def start(store: Store, mode: str, offset: int, changed: Any) -> Any:
        made = checkpoint(store, mode, offset, changed)
        step = made.step

        def try_step() -> bool:
            if full[0]:
                raise DiskFull("no room to write")
            return step()

        monkeypatch.setattr(made, "step", try_step)
        return made

    monkeypatch.setattr(Store, "start_checkpoint", start)
    with State(tmp_path / "state.sqlite") as state:
        for speed in range(1, 16):
            assert state.update(Pump, speed=speed)
        full[0] = False
        assert state.update(Pump, speed=16)
    with Store.open(tmp_path / "state.sqlite") as store:
        assert store.recover("live").checkpoint == 16
    with State(tmp_path / "state.sqlite") as state:
        assert state.checkout(Pump).speed == 16


def test_who_has_waited_long_enough_is_before_who_comes_later() -> None:
    lock, order = Turnstile(), []
    lock.acquire()

    def wait() -> None:
        lock.acquire()
        order.append("who waited")
        lock.release()

    waiting = Doing(wait)
    until(lambda: lock.contenders == 2)
    time.sleep(2 * PATIENCE_S)
    lock.release()
    lock.acquire()
    order.append("who comes again")
    lock.release()
    waiting.end()
    assert order == ["who waited", "who comes again"]
    assert lock.contenders == 0
