"""Copies of modes: whole or not at all, and nothing of one is the other's."""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.hub.store import Reader, Store, StoreError, copies
from myocan.hub.store.rows import LogRow


def row(store: Store, offset: int, value: int, mode: str = "live") -> LogRow:
    name = store.name_id("lamp1", "count")
    producer = store.producer_id("porch")
    return (offset, 1000 * offset, name, str(value), producer, None, None, None,
            f"[{name},{value}]")  # fmt: skip


def fill(store: Store, count: int, mode: str = "live") -> None:
    first = store.next_offset(mode)
    for offset in range(first, first + count):
        store.append(mode, [row(store, offset, offset)], [("porch", 7, offset, 0)], offset - 1)


def copied(store: Store, source: str, name: str) -> None:
    copy = store.start_copy(source, name)
    while copy.step():
        pass
    store.finish_copy(copy, name)


def shown(path: Path, mode: str) -> tuple[list[tuple[int, str]], dict[tuple[str, str, str], str]]:
    with Reader(path) as reader:
        return [(one.offset, one.value) for one in reader.messages(mode)], reader.state(mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.mark.parametrize("checkpoint", [0, 3, 5])
def test_a_copy_has_log_and_state_of_its_original(path: Path, checkpoint: int) -> None:
    with Store.open(path) as store:
        store.begin_incarnation()
        fill(store, 5)
        if checkpoint:
            name = store.name_id("lamp1", "count")
            store.checkpoint("live", checkpoint, {name: str(checkpoint)})
        copied(store, "live", "test")
        assert store.modes() == ["live", "test"]
        assert store.next_offset("test") == 6
        assert store.recover("test").state == store.recover("live").state
        assert store.incarnation_of("test", 5) == store.incarnation
    assert shown(path, "test") == shown(path, "live")


def test_boards_and_the_broker_belong_to_the_original(path: Path) -> None:
    with Store.open(path) as store:
        fill(store, 3)
        copied(store, "live", "test")
    with Store.open(path) as store:
        assert store.recover("test").positions == []
        assert store.released("test") == 0
        assert store.recover("live").positions == [("porch", 7, 3, 0)]


def test_each_goes_on_by_itself(path: Path) -> None:
    with Store.open(path) as store:
        fill(store, 2)
        copied(store, "live", "test")
        store.append("test", [row(store, 3, 99)])
        fill(store, 2)
    assert shown(path, "live")[0] == [(1, "1"), (2, "2"), (3, "3"), (4, "4")]
    assert shown(path, "test")[0] == [(1, "1"), (2, "2"), (3, "99")]
    with Store.open(path) as store:
        assert [*store.recover("test").state.values()] == ["99"]


def test_the_original_goes_on_while_it_is_copied(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "SLICE", 2)
    with Store.open(path) as store:
        fill(store, 5)
        copy = store.start_copy("live", "test")
        name = store.name_id("lamp1", "count")
        unfinished = store.start_checkpoint("live", 5, {name: "5"})
        steps = 1
        while copy.step():
            fill(store, 1)
            steps += 1
        store.finish_copy(copy, "test")
        assert steps > 3
        while unfinished.step():
            pass
    assert shown(path, "test") == shown(path, "live")
    with Store.open(path) as store:
        assert store.recover("test").state == store.recover("live").state


def test_a_copy_that_was_cut_short_is_gone_at_the_next_start(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "SLICE", 2)
    with Store.open(path) as store:
        fill(store, 9)
        copy = store.start_copy("live", "test")
        copy.step()
    assert shown(path, "test") == ([], {})
    with Store.open(path) as store:
        assert store.modes() == ["live"]
        copied(store, "live", "test")
    assert shown(path, "test") == shown(path, "live")


def test_an_abandoned_copy_leaves_nothing(path: Path) -> None:
    with Store.open(path) as store:
        fill(store, 1)
        store.start_copy("live", "test").abandon()
        copied(store, "live", "test")
        assert store.modes() == ["live", "test"]


def test_a_dropped_mode_leaves_nothing(path: Path) -> None:
    with Store.open(path) as store:
        fill(store, 3)
        copied(store, "live", "one")
        copied(store, "one", "two")
        store.checkpoint("one", 3, {})
        store.drop_mode("one")
        assert store.modes() == ["live", "two"]
    assert shown(path, "one") == ([], {})
    assert shown(path, "two") == shown(path, "live")
    with Store.open(path) as store:
        store.make_mode("one")
        assert store.next_offset("one") == 1
        assert store.recover("one").state == {}


def test_what_cannot_be(path: Path) -> None:
    with Store.open(path) as store:
        store.make_mode("test")
        with pytest.raises(ValueError, match="already"):
            store.start_copy("live", "test")
        with pytest.raises(ValueError, match="no mode nothing"):
            store.start_copy("nothing", "other")
        with pytest.raises(ValueError, match="no mode live to drop"):
            store.drop_mode("live")
        store.start_copy("live", "other")
        with pytest.raises(StoreError, match="being copied"):
            store.start_copy("live", "third")
        with pytest.raises(StoreError, match="being copied"):
            store.make_mode("third")
