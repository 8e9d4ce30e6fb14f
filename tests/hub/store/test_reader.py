"""A reader sees what is committed, while a hub writes and when none runs, and disturbs nobody."""

import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.store import LogRow, Reader, Store, StoreError
from myocan.hub.store.reader import PIECE

Message = Callable[..., LogRow]
DEADLINE = 60.0
NOBODY = 65534


@pytest.fixture
def reader(kept: Store) -> Iterator[Reader]:
    """A reader beside the hub that has `kept`."""
    assert kept.path is not None
    with Reader(kept.path) as opened:
        yield opened


@pytest.fixture
def stranger(place: Path) -> Iterator[None]:
    """This process as one that may read the store's folder and not write there."""
    place.parent.chmod(0o555)
    folder = place.parent.parent
    before = stat.S_IMODE(folder.stat().st_mode)
    if os.geteuid() == 0:
        folder.chmod(0o755)
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)
    else:
        yield
    folder.chmod(before)
    place.parent.chmod(0o755)


def test_a_reader_sees_each_transaction_once_it_is_written(
    kept: Store, reader: Reader, message: Message
) -> None:
    assert reader.newest() == 0
    assert list(reader.messages()) == []
    assert reader.state() == {}
    kept.append("live", [message(kept, 1, "21.50", "[1,21.50]", cause=None)])
    kept.append("test", [message(kept, 1, "true", '[1,"on"]')])
    assert reader.identity == kept.identity
    assert reader.modes() == ["live", "test"]
    assert list(reader.messages()) == [
        (1, 1_000_001, "lamp1", "state", "", "21.50", "porch", None, None, None)
    ]
    assert reader.state() == {("lamp1", "state", ""): "21.50"}
    assert reader.value("test", "lamp1", "state") == '"on"'
    assert reader.value("test", "lamp1", "nothing") is None
    assert reader.state("no such mode") == {}
    assert list(reader.messages("no such mode")) == []


def test_state_is_the_checkpoint_and_what_came_after(
    kept: Store, reader: Reader, message: Message
) -> None:
    name = kept.name_id("lamp1", "state")
    other = kept.name_id("heater", "setpoint", "kitchen")
    kept.append("live", [message(kept, 1, changes=f"[{name},1,{other},2]")])
    kept.checkpoint("live", 1, {name: "1", other: "2"})
    kept.append("live", [message(kept, 2, changes=f"[{name},3]")])
    assert reader.state() == {
        ("lamp1", "state", ""): "3",
        ("heater", "setpoint", "kitchen"): "2",
    }
    assert reader.state("live", "heater") == {("heater", "setpoint", "kitchen"): "2"}
    assert reader.value("live", "heater", "setpoint", "kitchen") == "2"


def test_messages_can_be_filtered(kept: Store, reader: Reader) -> None:
    topics = [("lamp1", "state", ""), ("lamp1", "state", "hall"), ("lamp2", "state", ""),
              ("lamp2", "mode", "")]  # fmt: skip
    producer = kept.producer_id("porch")
    count = 3 * PIECE
    kept.append("live", [
        (offset, offset, kept.name_id(*topics[offset % 4]), "1", producer, None, None, None, None)
        for offset in range(1, count + 1)
    ])  # fmt: skip

    def offsets(**filters: str) -> list[int]:
        return [message.offset for message in reader.messages(**filters)]  # type: ignore[arg-type]

    everything = range(1, count + 1)
    assert offsets() == list(everything)
    assert offsets(module="lamp2") == [offset for offset in everything if offset % 4 >= 2]
    assert offsets(module="lamp1", instance="") == [o for o in everything if o % 4 == 0]
    assert offsets(variable="mode") == [offset for offset in everything if offset % 4 == 3]
    assert offsets(module="lamp3") == []
    assert [message.offset for message in reader.messages(after=count - 2)] == [count - 1, count]


def test_the_last_message_of_a_topic_is_found(
    kept: Store, reader: Reader, message: Message
) -> None:
    kept.append("live", [message(kept, 1), message(kept, 2), message(kept, 3, variable="mode")])
    last = reader.last("live", "lamp1", "state")
    assert last is not None
    assert last.offset == 2
    assert reader.last("live", "lamp1", "state", "hall") is None
    assert reader.last("test", "lamp1", "state") is None


@settings(max_examples=50, deadline=None)
@given(times=st.lists(st.integers(0, 30), max_size=30), since=st.integers(-1, 31))
def test_messages_since_a_time_are_those_from_there_on(
    times: list[int], since: int, quick: Path
) -> None:
    path = quick / "since.sqlite"
    times.sort()
    with Store.open(path) as store:
        name, producer = store.name_id("lamp1", "state"), store.producer_id("porch")
        first = store.next_offset("live")
        mode = f"mode {first}"
        store.append(mode, [
            (offset, time, name, "1", producer, None, None, None, None)
            for offset, time in enumerate(times, 1)
        ])  # fmt: skip
        with Reader(path) as reader:
            found = [message.time_ms for message in reader.messages(mode, since_ms=since)]
    for suffix in ("", ".lock"):
        Path(f"{path}{suffix}").unlink()
    assert found == [time for time in times if time >= since]


def collect(
    reader: Reader, count: int, stop: threading.Event, into: list[int], first: threading.Event
) -> threading.Thread:
    """A thread that follows until it has `count` messages."""

    def run() -> None:
        for message in reader.follow(after=0, stop=stop, poll_s=0.002):
            into.append(message.offset)
            first.set()
            if len(into) == count:
                return

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_follower_sees_every_message_once_and_in_order_also_over_a_restart(
    place: Path, message: Message
) -> None:
    seen: list[int] = []
    stop, first = threading.Event(), threading.Event()
    store = Store.open(place)
    with Reader(place) as reader:
        thread = collect(reader, 600, stop, seen, first)
        offset = 0
        for life in range(3):
            for _ in range(100):
                rows = [message(store, offset + 1), message(store, offset + 2)]
                offset += 2
                store.append("live", rows)
            assert first.wait(DEADLINE)
            store.close()
            if life < 2:
                store = Store.open(place)
        thread.join(DEADLINE)
        stop.set()
        thread.join(DEADLINE)
    assert seen == list(range(1, 601))


def test_a_follower_ends_when_told(kept: Store, reader: Reader) -> None:
    stop = threading.Event()
    stop.set()
    assert list(reader.follow(stop=stop)) == []


def test_a_reader_that_has_stopped_halfway_keeps_no_page_of_the_wal(
    kept: Store, reader: Reader, message: Message
) -> None:
    kept.append("live", [message(kept, offset) for offset in range(1, 2 * PIECE)])
    going = reader.messages()
    next(going)
    follower = reader.follow(after=0)
    next(follower)
    kept.append("live", [message(kept, 2 * PIECE)])
    busy, frames, moved = kept._live().db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
    assert (busy, moved) == (0, frames)


def test_what_no_hub_has_open_can_be_read(place: Path, message: Message) -> None:
    with Store.open(place) as store:
        store.append("live", [message(store, 1, changes="[1,1]")])
    with Reader(place) as reader:
        assert reader.newest() == 1
        assert reader.value("live", "lamp1", "state") == "1"
    with Store.open(place) as store:
        assert store.recover("live").offset == 1


def test_who_may_not_write_can_read_what_no_hub_has_open_and_what_one_then_writes(
    place: Path, message: Message, stranger: None
) -> None:
    def as_hub(call: Callable[[], object]) -> None:
        if os.getuid() == 0:
            os.seteuid(0)
        place.parent.chmod(0o755)
        call()
        place.parent.chmod(0o555)
        if os.getuid() == 0:
            os.seteuid(NOBODY)

    stores: list[Store] = []

    def begin() -> None:
        stores.append(Store.open(place))
        offset = stores[-1].next_offset("live")
        stores[-1].append("live", [message(stores[-1], offset)])

    as_hub(begin)
    as_hub(stores[0].close)
    with Reader(place) as reader:
        assert reader._frozen
        assert reader.newest() == 1
        as_hub(begin)
        assert reader.newest() == 2
        assert not reader._frozen
    as_hub(stores[1].close)


def test_a_reader_changes_no_byte_of_the_store(place: Path, message: Message) -> None:
    with Store.open(place) as store:
        store.append("live", [message(store, 1, changes="[1,1]")])
    before = place.read_bytes()
    with Reader(place) as reader:
        list(reader.messages())
        reader.state()
    assert place.read_bytes() == before


def test_where_there_is_no_store_the_reader_says_how_one_comes_about(place: Path) -> None:
    with pytest.raises(StoreError, match="myocan run"):
        Reader(place)
    assert not place.exists()
