"""Check out, configure, commit: what becomes true, what does not, and who is told."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from myocan.hub import State, StateModel, field
from myocan.hub.models import (
    Changed,
    CommitRejected,
    LockOrder,
    ModelError,
    StaleCheckout,
    StateError,
)
from myocan.hub.models.failures import Failures
from myocan.hub.store import DiskFailed, Reader, Store, StoreError, StoreLocked
from myocan.hub.store.wal import Wal


class Heater(StateModel):
    setpoint: Decimal = field(default="20.0", ge=5, le=30)
    enabled: bool = False

    def check(self) -> None:
        if self.enabled and self.setpoint > 28:
            raise ValueError("above 28 °C it must be off")


class Pump(StateModel):
    speed: int = field(default=0, ge=0, le=100)


@pytest.fixture(params=["memory", "file"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[State]:
    with State(None if request.param == "memory" else tmp_path / "state.sqlite") as state:
        yield state


def test_a_commit_makes_a_copy_true(state: State) -> None:
    with state(Heater) as held:
        heater = held.checkout(Heater)
        heater.setpoint = 21.5  # type: ignore[assignment]
        assert state.checkout(Heater).setpoint == Decimal("20.0")
        assert held.commit(heater) is True
    assert state.checkout(Heater).setpoint == Decimal("21.5")


def test_a_copy_is_ones_own_to_spoil(state: State) -> None:
    heater = state.checkout(Heater)
    heater.setpoint = Decimal("6.0")
    heater.__dict__["enabled"] = "perhaps"
    del heater
    assert state.checkout(Heater) == Heater()
    told: list[Changed] = []
    state.subscribe(Heater, told.append)
    state.update(Heater, enabled=True)
    assert state.settle()
    told[0].new.__dict__["enabled"] = "spoilt, too"
    assert state.checkout(Heater).enabled is True


def test_a_commit_that_changes_nothing_does_nothing(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        told: list[Changed] = []
        state.subscribe(Heater, told.append)
        assert state.commit(state.checkout(Heater)) is False
        heater = state.checkout(Heater)
        heater.enabled = True
        heater.enabled = False
        assert state.commit(heater) is False
        assert state.update(Heater, setpoint="20.0") is False
        assert state.settle()
        assert told == []
    with Reader(tmp_path / "state.sqlite") as reader:
        assert reader.newest() == 0


def test_each_layer_says_no_and_nothing_has_changed(state: State) -> None:
    told: list[Changed] = []
    state.subscribe(Heater, told.append)
    spoilt = state.checkout(Heater)
    spoilt.__dict__["setpoint"] = Decimal(99)
    with pytest.raises(CommitRejected, match=r"refused by its field: setpoint: .*30") as by_field:
        state.commit(spoilt)
    lost = state.checkout(Heater)
    del lost.__dict__["setpoint"]
    lost.enabled = True
    state.commit(lost)  # what is gone has its default, as in any model
    state.update(Heater, enabled=False)
    with pytest.raises(CommitRejected, match="refused by its model: above 28") as by_model:
        state.update(Heater, setpoint=29, enabled=True)
    state.attach(Heater, lambda old, new: "the fuse is out" if new.enabled else None)
    with pytest.raises(CommitRejected, match="refused by its device: the fuse is out") as by_device:
        state.update(Heater, enabled=True)
    said = [(one.value.by, one.value.model) for one in (by_field, by_model, by_device)]
    assert said == [("field", "heater"), ("model", "heater"), ("device", "heater")]
    assert state.checkout(Heater) == Heater()
    assert state.settle()
    assert [one.new.enabled for one in told] == [True, False]  # type: ignore[attr-defined]


def test_a_device_that_fails_has_refused(state: State) -> None:
    def device(old: Heater, new: Heater) -> None:
        new.setpoint = Decimal(5)  # its own copy
        raise OSError("no answer")

    state.attach(Heater, device)
    with pytest.raises(CommitRejected, match="no answer"):
        state.update(Heater, setpoint=22)
    assert state.checkout(Heater) == Heater()


def test_a_stale_copy_is_refused_or_merged(state: State) -> None:
    mine, theirs = state.checkout(Heater), state.checkout(Heater)
    theirs.enabled = True
    state.commit(theirs)
    mine.setpoint = Decimal(22)
    with pytest.raises(StaleCheckout, match=r"enabled.*merge=True"):
        state.commit(mine)
    state.commit(mine, merge=True)
    assert state.checkout(Heater) == Heater(setpoint=Decimal(22), enabled=True)
    other = state.checkout(Heater)
    state.update(Heater, setpoint=23)
    other.setpoint = Decimal(24)
    with pytest.raises(StaleCheckout, match="setpoint"):
        state.commit(other, merge=True)
    state.update(Heater, enabled=False, setpoint=20)
    late = state.checkout(Heater)
    late.enabled = True
    state.update(Heater, setpoint=29)
    with pytest.raises(CommitRejected, match="above 28"):
        state.commit(late, merge=True)


def test_a_copy_can_be_committed_again_and_again(state: State) -> None:
    with state(Pump) as held:
        pump = held.checkout(Pump)
        for speed in range(1, 5):
            pump.speed = speed
            assert held.commit(pump)
    pump.speed = 50
    state.commit(pump)
    assert state.checkout(Pump).speed == 50


def test_several_models_become_true_together_or_not_at_all(state: State) -> None:
    with state(Pump, Heater) as held:
        heater, pump = held.checkout(Heater), held.checkout(Pump)
        heater.setpoint, heater.enabled, pump.speed = Decimal(29), True, 30
        with pytest.raises(CommitRejected):
            held.commit(pump, heater)
        assert state.checkout(Pump).speed == 0
        heater.setpoint = Decimal(25)
        assert held.commit(pump, heater)
    assert (state.checkout(Pump).speed, state.checkout(Heater).enabled) == (30, True)


def test_instances_have_a_state_each(state: State) -> None:
    state.update(Heater, "kitchen", setpoint=18)
    state.update(Heater, "hall", setpoint=16)
    assert state.checkout(Heater).setpoint == 20
    assert state.checkout(Heater, "kitchen").setpoint == 18
    assert state.instances(Heater) == ["hall", "kitchen"]


def test_what_is_not_held_or_not_from_here_is_refused(state: State) -> None:
    with state(Pump) as held:
        with pytest.raises(StateError, match="name it in the `with`"):
            held.checkout(Heater)
        with pytest.raises(StateError, match="heater is not held here"):
            held.commit(state.checkout(Heater))
        with pytest.raises(StateError, match="was not checked out here"):
            held.commit(Pump(speed=3))
        one, other = held.checkout(Pump), held.checkout(Pump)
        one.speed = other.speed = 3
        with pytest.raises(StateError, match="two copies of pump"):
            held.commit(one, other)
        with pytest.raises(StateError, match="held already"), held:
            pass
    with pytest.raises(StateError, match="name it"):
        held.checkout(Pump)
    with pytest.raises(StateError, match="which models"):
        state()
    with State() as elsewhere, pytest.raises(StateError, match="was not checked out here"):
        elsewhere.commit(one)

    class Pump2(StateModel):
        topic = "pump"

    with pytest.raises(ModelError, match="have one topic"):
        state.load(Pump2)


def test_an_order_that_could_wait_for_ever_is_refused(state: State) -> None:
    with state(Heater), state(Pump):
        pass
    with state(Pump):
        with pytest.raises(LockOrder, match="heater, pump"), state(Heater):
            pass
        with pytest.raises(LockOrder, match="held already"), state(Pump):
            pass
        with pytest.raises(LockOrder):
            state.update(Pump, speed=1)
    with state(Pump, Heater):
        pass


def test_only_the_model_that_is_held_keeps_others_out(state: State) -> None:
    done: list[str] = []
    with state(Heater):
        threads = [
            threading.Thread(target=lambda: (state.update(Pump, speed=7), done.append("pump"))),
            threading.Thread(target=lambda: (state.update(Heater, setpoint=7), done.append("h"))),
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        threads[0].join()
        assert done == ["pump"]
        assert state.checkout(Heater).setpoint == 20
    threads[1].join()
    assert done == ["pump", "h"]


# ---------------------------------------------------------------------- subscribers


def test_subscribers_are_told_in_order_with_old_and_new(state: State) -> None:
    told: list[Changed] = []
    speeds: list[int] = []
    kitchen: list[str] = []
    state.subscribe(Pump, told.append)
    state.subscribe(Heater, lambda one: speeds.append(one.new.setpoint), field="setpoint")
    state.subscribe(Heater, lambda one: kitchen.append(one.key), key="kitchen")
    for speed in range(1, 200):
        state.update(Pump, speed=speed % 100)
    state.update(Heater, enabled=True)
    state.update(Heater, "kitchen", setpoint=10)
    assert state.settle()
    assert [one.new.speed for one in told] == [speed % 100 for speed in range(1, 200)]  # type: ignore[attr-defined]
    assert [one.old.speed for one in told[1:]] == [one.new.speed for one in told[:-1]]  # type: ignore[union-attr,attr-defined]
    assert speeds == [10]
    assert kitchen == ["kitchen"]


def test_a_subscriber_that_fails_or_hangs_stops_no_other(
    state: State, caplog: pytest.LogCaptureFixture
) -> None:
    going = threading.Event()
    told: list[int] = []

    def fails(changed: Changed) -> None:
        changed.new.__dict__.clear()
        raise RuntimeError("no")

    failing = state.subscribe(Pump, fails)
    hanging = state.subscribe(Pump, lambda changed: going.wait())
    state.subscribe(Pump, lambda changed: told.append(changed.new.speed))
    for speed in (1, 2, 3):
        state.update(Pump, speed=speed)
    assert not state.settle(0.05)
    going.set()
    assert state.settle()
    assert (failing.told, failing.failed) == (3, 3)
    assert (hanging.told, hanging.failed) == (3, 0)
    assert told == [1, 2, 3]
    assert caplog.text.count("RuntimeError: no") == 1
    failing.close()
    assert "was closed; it had failed 2 more times" in caplog.text


def test_the_log_has_one_failure_a_minute_and_how_many_there_were(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seconds = 100.0
    failures = Failures("cloud", lambda: seconds)

    def fail() -> None:
        try:
            raise OSError("away")
        except OSError:
            failures.note("pump")

    for _ in range(3):
        fail()
    failures.note_success()
    assert [one.getMessage() for one in caplog.records] == ["cloud failed when it was told of pump"]
    seconds += 61
    fail()
    fail()
    seconds += 61
    failures.note_success()
    assert [one.getMessage() for one in caplog.records[1:]] == [
        "cloud failed when it was told of pump, 2 more times since the last such line",
        "cloud works again; it had failed 1 more times since it was told",
    ]
    assert caplog.text.count("OSError: away") == 2


def test_a_subscriber_that_is_too_slow_misses_the_oldest(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myocan.hub.models.subscriptions.MAX_WAITING", 3)
    going = threading.Event()
    told: list[int] = []

    def slow(changed: Changed) -> None:
        going.wait()
        told.append(changed.new.speed)  # type: ignore[attr-defined]

    subscription = state.subscribe(Pump, slow)
    state.update(Pump, speed=1)
    while not subscription.told:
        pass
    for speed in range(2, 11):
        state.update(Pump, speed=speed)
    going.set()
    assert state.settle()
    assert told == [1, 8, 9, 10]
    assert subscription.dropped == 6


def test_a_subscriber_may_commit(state: State) -> None:
    state.subscribe(Heater, lambda one: state.update(Pump, speed=int(one.new.setpoint)))
    with state(Heater, Pump) as held:
        heater = held.checkout(Heater)
        heater.setpoint = Decimal(25)
        held.commit(heater)
        assert state.checkout(Pump).speed == 0
    assert state.settle()
    assert state.checkout(Pump).speed == 25


def test_one_who_has_closed_its_subscription_is_told_nothing_more(state: State) -> None:
    told: list[Changed] = []
    subscription = state.subscribe(Pump, told.append)
    subscription.close()
    state.update(Pump, speed=1)
    assert state.settle()
    assert told == []


def test_what_cannot_be_subscribed_is_told(state: State) -> None:
    async def later(changed: Changed) -> None: ...

    with pytest.raises(StateError, match="no field colour"):
        state.subscribe(Pump, print, field="colour")
    with pytest.raises(StateError, match="where its loop runs"):
        state.subscribe(Pump, later)


# ---------------------------------------------------------------------- asyncio


def test_tasks_and_threads_wait_in_one_line(state: State) -> None:
    async def add(times: int) -> None:
        for _ in range(times):
            async with state(Pump) as held:
                pump = held.checkout(Pump)
                await asyncio.sleep(0)
                pump.speed = (pump.speed + 1) % 101
                await held.commit(pump)

    async def main() -> None:
        told: list[int] = []

        async def note(changed: Changed) -> None:
            await asyncio.sleep(0)
            told.append(changed.new.speed)  # type: ignore[attr-defined]

        subscription = state.subscribe(Pump, note)
        await asyncio.gather(*(add(5) for _ in range(4)))
        while len(told) < 20:
            await asyncio.sleep(0.001)
        subscription.close()
        assert told == list(range(1, 21))

    def add_in_thread() -> None:
        for _ in range(5):
            with state(Heater) as held:
                heater = held.checkout(Heater)
                heater.setpoint += Decimal("0.1")
                held.commit(heater)

    threads = [threading.Thread(target=add_in_thread) for _ in range(4)]
    for thread in threads:
        thread.start()
    asyncio.run(main())
    for thread in threads:
        thread.join()
    assert state.checkout(Pump).speed == 20
    assert state.checkout(Heater).setpoint == Decimal("22.0")


def test_a_task_that_is_cancelled_while_it_waits_does_not_hold(state: State) -> None:
    async def main() -> None:
        async with state(Pump):
            waiting = [asyncio.create_task(hold()) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[0].cancel()
            await asyncio.sleep(0)
        waiting[1].cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        async with state(Pump):
            pass

    async def hold() -> None:
        async with state(Pump):
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(main(), 20))
    with state(Pump):
        pass


# ---------------------------------------------------------------------- recovery


class Tidy(StateModel):
    aim: Decimal | None = None
    low: int = 0
    high: int = 0

    def check(self) -> None:
        self.high = max(self.low, self.high)


def test_what_a_check_sets_is_kept_and_told_with_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    with State(path) as state:
        told: list[tuple[str, ...]] = []
        state.subscribe(Tidy, lambda changed: told.append(changed.fields))
        assert state.update(Tidy, low=5, aim="2.75")
        assert not state.update(Tidy, high=3)  # it stays as it was
        assert state.settle()
        assert told == [("aim", "low", "high")]
        now = state.checkout(Tidy)
    with State(path) as state:
        assert state.checkout(Tidy) == now == Tidy(aim=Decimal("2.75"), low=5, high=5)
        with pytest.raises(ValueError, match="more than 9 digits"):
            state.update(Tidy, aim="0.1234567891")


def test_what_is_no_model_and_no_device_is_told(state: State) -> None:
    async def asked(old: StateModel, new: StateModel) -> str | None:
        return None

    with pytest.raises(StateError, match="a device is a plain function"):
        state.attach(Heater, asked)  # type: ignore[arg-type]
    for wrong in (int, Heater(), "heater"):
        with pytest.raises(StateError, match="is no model; name the class"):
            state.checkout(wrong)  # type: ignore[call-overload]
        with pytest.raises(StateError, match="is no model; name the class"):
            state(wrong)  # type: ignore[arg-type]
    state.attach(Heater, lambda old, new: True)  # type: ignore[arg-type,return-value]
    with pytest.raises(CommitRejected, match="it answered True; a device returns why not"):
        state.update(Heater, enabled=True)


def test_a_place_where_no_file_can_be_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no store can be kept there"):
        State("/proc/state.sqlite")
    path = tmp_path / "state.sqlite"
    with State(path), pytest.raises(StoreLocked, match="has this store open, which is this one"):
        State(path)


def test_a_process_that_was_forked_has_no_part_in_it(tmp_path: Path) -> None:
    path = tmp_path / "state.sqlite"
    program = f"""
import os, sys
from myocan.hub import State, StateModel
from myocan.hub.models import StateError
class Pump(StateModel):
    speed: int = 0
with State({str(path)!r}) as state:
    state.update(Pump, speed=1)
    child = os.fork()
    if not child:
        try:
            state.update(Pump, speed=2)
        except StateError as error:
            print(error, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
    state.update(Pump, speed=3)
with State({str(path)!r}) as state:
    print(state.checkout(Pump).speed)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    refused, speed = done.stdout.splitlines()
    assert "this process was forked from the one that has this state" in refused
    assert speed == "3"


def test_a_loop_is_told_what_waits_when_its_state_closes() -> None:
    told: list[int] = []

    async def tell(changed: Changed) -> None:
        await asyncio.sleep(0)
        told.append(changed.new.speed)

    async def main() -> None:
        async with State() as state:
            state.subscribe(Pump, tell)
            for speed in (10, 20, 30):
                state.update(Pump, speed=speed)

    asyncio.run(main())
    assert told == [10, 20, 30]


def test_a_subscriber_that_would_end_the_program_fails(state: State) -> None:
    told: list[int] = []

    def leave(changed: Changed) -> None:
        told.append(changed.new.speed)
        sys.exit(3)

    state.subscribe(Pump, leave)
    assert state.update(Pump, speed=10)
    assert state.update(Pump, speed=20)
    assert state.settle()
    assert told == [10, 20]


def test_a_loop_that_would_wait_for_itself_is_told(state: State) -> None:
    async def holds(asked: asyncio.Event, done: asyncio.Event) -> None:
        async with state(Heater):
            asked.set()
            await done.wait()

    async def main() -> None:
        asked, done = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(holds(asked, done))
        await asked.wait()
        for ask in (lambda: state.update(Heater, enabled=True), lambda: state(Heater).__enter__()):
            with pytest.raises(LockOrder, match="another task of this loop has this model"):
                ask()
        second = asyncio.create_task(asyncio.to_thread(state.update, Heater, enabled=True))
        done.set()
        await asyncio.wait_for(asyncio.gather(first, second), 20)

    asyncio.run(main())
    assert state.checkout(Heater).enabled


def test_what_is_begun_within_a_block_may_hold_when_that_has_ended(state: State) -> None:
    async def later(ended: asyncio.Event) -> None:
        copy = state.checkout(Heater)
        copy.enabled = True
        with pytest.raises(LockOrder):
            await state(Heater).__aenter__()
        await ended.wait()
        with pytest.raises(StateError, match="is not held here"):
            state._plan(copy, False)
        async with state(Heater) as held:
            await held.commit(copy)

    async def main() -> None:
        ended = asyncio.Event()
        async with state(Heater):
            task = asyncio.create_task(later(ended))
            await asyncio.sleep(0)
        context = state(Pump)
        await asyncio.create_task(context.__aenter__())  # as a fixture of a test is
        await context.__aexit__(None, None, None)
        ended.set()
        await asyncio.wait_for(task, 20)

    asyncio.run(main())
    assert state.checkout(Heater).enabled
    assert state.update(Pump, speed=20)


def test_who_is_interrupted_while_it_waits_leaves_the_line(state: State) -> None:
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with state(Pump):
            held.set()
            done.wait(60)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(20)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(KeyboardInterrupt), state(Heater, Pump):
            pass
    finally:
        signal.signal(signal.SIGALRM, before)
        done.set()
        thread.join()
    assert state.update(Heater, enabled=True)
    assert state.update(Pump, speed=20)


def test_each_state_holds_its_own(state: State) -> None:
    with State() as other:
        with state(Heater), other(Heater) as held:
            copy = held.checkout(Heater)
            copy.enabled = True
            assert held.commit(copy)
        with other(Heater), pytest.raises(LockOrder, match="the one that was made first"):
            state.update(Pump, speed=20)
        assert not state.checkout(Heater).enabled


def test_what_was_committed_is_there_again_and_subscribers_are_told(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite") as state:
        state.update(Heater, setpoint="21.5")
        state.update(Heater, "kitchen", enabled=True)
    told: list[Changed] = []
    with State(tmp_path / "state.sqlite") as state:
        state.subscribe(Heater, told.append)
        state.subscribe(Pump, told.append)
        state.update(Heater, setpoint="22")
        assert state.settle()
        assert state.checkout(Heater).setpoint == Decimal("22.0")
        assert state.instances(Heater) == ["kitchen"]
    assert [(one.key, one.recovered, one.old is None) for one in told] == [
        ("", True, True), ("kitchen", True, True), ("", False, False)]  # fmt: skip
    assert str(told[0].new.setpoint) == "21.5"  # type: ignore[attr-defined]


def test_a_model_that_has_changed_keeps_what_fits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with State(tmp_path / "state.sqlite") as state:
        state.update(Heater, setpoint="21.5", enabled=True)

    class Warmer(StateModel):
        topic = "heater"
        setpoint: Decimal = field(default="10.00", le=15)
        enabled: bool = False

    with State(tmp_path / "state.sqlite") as state:
        assert state.checkout(Warmer) == Warmer(enabled=True)
    assert "heater.setpoint was 21.5" in caplog.text


def test_the_log_says_what_was_committed(tmp_path: Path) -> None:
    with State(tmp_path / "state.sqlite", producer="brewery") as state:
        state.update(Heater, setpoint=21, enabled=True)
    with Reader(tmp_path / "state.sqlite") as reader:
        rows = [(one.module, one.variable, one.value, one.producer) for one in reader.messages()]
    assert rows == [
        ("heater", "setpoint", "21.0", "brewery"),
        ("heater", "enabled", "true", "brewery"),
    ]


def test_a_long_life_reads_only_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myocan.hub.models.keeper.CHECKPOINT_ROWS", 10)
    state = State(tmp_path / "state.sqlite")
    for speed in range(1, 36):
        state.update(Pump, speed=speed)
    shutil.copytree(tmp_path, tmp_path / "killed")  # as it would be found after a kill
    state.close()
    with State(tmp_path / "killed" / "state.sqlite") as state:
        assert state.checkout(Pump).speed == 35
    with Store.open(tmp_path / "killed" / "state.sqlite") as store:
        assert store.recover("live").checkpoint >= 20


def test_the_state_of_the_process_is_in_memory_until_it_is_opened(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "import myocan.hub\n"
        "assert 'pydantic' not in sys.modules\n"
        "from myocan.hub import StateModel, state\n"
        "class Door(StateModel):\n    open: bool = False\n"
        "state.open(sys.argv[1])\n"
        "print(state.checkout(Door).open)\n"
        "state.update(Door, open=True)\n"
        "try:\n    state.open('elsewhere')\nexcept Exception as error:\n    print(error)\n"
        "state.close()\n"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "door.sqlite")],
            capture_output=True, text=True, check=True, env={**os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path)},
        ).stdout.splitlines()
        for _ in range(2)
    ]  # fmt: skip
    assert [one[0] for one in said] == ["False", "True"]
    assert "door is in use already" in said[0][1]


# ---------------------------------------------------------------------- services


def test_services_are_one_of_a_kind_and_stop_in_reverse() -> None:
    said: list[str] = []

    class Clock:
        def start(self) -> None:
            said.append("clock starts")

        def stop(self) -> None:
            said.append("clock stops")

    class Cloud:
        def stop(self) -> None:
            said.append("cloud stops")
            raise OSError("cloud is gone")

    state = State()
    clock = Clock()
    state.services.add(clock)
    state.services.add(Cloud(), kind=object)
    assert state.services.fetch(Clock) is clock
    assert Clock in state.services
    with pytest.raises(StateError, match="Clock already"):
        state.services.add(Clock())
    with pytest.raises(StateError, match="add one first"):
        state.services.fetch(Cloud)
    with pytest.raises(ExceptionGroup, match="did not stop"):
        state.close()
    assert said == ["clock starts", "cloud stops", "clock stops"]


def test_nothing_is_left_running(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with State(tmp_path / "state.sqlite") as state:
        state.subscribe(Pump, lambda changed: None)
        state.update(Pump, speed=3)
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive(), thread.name
    gc.collect()


def test_a_state_that_was_closed_takes_no_commit() -> None:
    asked: list[Pump] = []
    state = State()
    state.attach(Pump, lambda old, new: asked.append(new))
    state.close()
    with pytest.raises(StateError, match="this state was closed"):
        state.update(Pump, speed=20)
    assert not asked


def test_after_the_disk_has_failed_nothing_is_committed_and_nobody_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(wal: Wal) -> None:
        raise DiskFailed("the disk did not take it")

    state = State(tmp_path / "state.sqlite")
    state.update(Pump, speed=10)
    monkeypatch.setattr(Wal, "sync", fail)
    for speed in (20, 30):
        with pytest.raises(StateError, match="the disk did not take it"):
            state.update(Pump, speed=speed)
    state.close()
