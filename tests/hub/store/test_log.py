"""What is appended is there, in order, and comes back as it was."""

from pathlib import Path

import pytest

from myocan.hub.store import LogRow, Store, StoreError, StoreLocked


def row(store: Store, offset: int, value: str, changes: str | None = None) -> LogRow:
    """A message of lamp1.state, by button1."""
    name = store.name_id("lamp1", "state")
    producer = store.producer_id("button1")
    return (offset, 1000 + offset, name, value, producer, None, None, None, changes)


def test_what_was_appended_is_there_when_the_store_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "house" / "store.sqlite"
    with Store.open(path) as store:
        first = row(store, 1, '"on"', '[1,"on"]')
        second = row(store, 2, "21.50", "[1,21.50]")
        store.append("live", [first, second], [("porch", 7, 2, 1000)], 1)
        identity = store.identity
    with Store.open(path) as store:
        assert list(store.rows("live")) == [first, second]
        recovered = store.recover("live")
        assert recovered.state == {1: "21.50"}
        assert recovered.positions == [("porch", 7, 2, 1000)]
        assert recovered.released == 1
        assert store.names()[1] == ("lamp1", "state", "")
        assert store.next_offset("live") == 3
        assert store.identity == identity


def test_a_second_hub_is_told_which_process_has_the_store(tmp_path: Path) -> None:
    with (
        Store.open(tmp_path / "store.sqlite"),
        pytest.raises(StoreLocked, match=r"process \d+ has this store open"),
    ):
        Store.open(tmp_path / "store.sqlite")


def test_rows_that_leave_a_gap_are_refused() -> None:
    with Store.memory() as store:
        with pytest.raises(ValueError, match="do not continue the log at 1"):
            store.append("live", [row(store, 2, "null")])
        assert store.next_offset("live") == 1


def test_a_closed_store_says_so() -> None:
    store = Store.memory()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.append("live", [row(store, 1, "null")])
