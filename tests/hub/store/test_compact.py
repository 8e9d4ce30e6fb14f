"""A store is made small in one step, and is whole at any moment of it."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.hub.store import LogRow, Store, StoreError, StoreLocked, compact, summarize, verify

Message = Callable[..., LogRow]


@pytest.fixture
def large(place: Path, message: Message) -> Path:
    """A store most of which was taken out again."""
    with Store.open(place) as store:
        store.append("live", [message(store, n, changes=f"[1,{n}]") for n in range(1, 3000)])
        store.append("test", [message(store, n) for n in range(1, 3000)])
        store.drop_mode("test")
    return place


def test_room_that_nothing_needs_is_given_back(large: Path) -> None:
    free = summarize(large).free_bytes
    before, after = compact(large)
    assert before - after >= free > 50_000
    assert summarize(large).free_bytes == 0
    found = verify(large)
    assert found.sound
    assert found.modes[0].messages == 2999
    assert compact(large) == (after, after)


def test_a_crash_at_any_moment_leaves_a_whole_store(
    large: Path, leftovers: Callable[[Path, Path], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myocan.hub.store.compaction.STEPS", 3000)
    taken: list[Path] = []

    def take() -> None:
        if len(taken) < 20:
            taken.append(leftovers(large, large.parent / f"moment{len(taken)}"))

    compact(large, take)
    assert len(taken) > 3
    for path in taken:
        assert verify(path).sound
        with Store.open(path) as store:
            assert store.recover("live").offset == 2999


def test_a_hub_that_runs_is_not_disturbed(large: Path) -> None:
    with Store.open(large), pytest.raises(StoreLocked, match="has this store open"):
        compact(large)


def test_a_program_that_reads_may_go_on(large: Path) -> None:
    reader = sqlite3.connect(f"file:{large}?mode=ro", uri=True, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM log_1").fetchone()
    try:
        compact(large)
        assert reader.execute("SELECT count(*) FROM log_1").fetchone() == (2999,)
    finally:
        reader.close()
    Store.open(large).close()
    assert summarize(large).free_bytes == 0


def test_there_must_be_a_store(place: Path) -> None:
    with pytest.raises(StoreError, match="no store yet"):
        compact(place)
    assert not place.exists()


def test_a_damaged_store_stays_as_it_is(large: Path) -> None:
    content = bytearray(large.read_bytes())
    content[len(content) // 4 : len(content) // 2] = b"\xff" * (
        len(content) // 2 - len(content) // 4
    )
    large.write_bytes(content)
    kept = large.with_name("kept.sqlite")
    shutil.copyfile(large, kept)
    with pytest.raises(StoreError):
        compact(large)
    assert large.read_bytes() == kept.read_bytes()
