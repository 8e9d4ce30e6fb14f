"""What is appended is there, in order, and comes back as it was; what does not fit is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.store import LogRow, Store, StoreError, StoreLocked

Message = Callable[..., LogRow]

NUMBERS = st.integers(-(2**63), 2**63 - 1)
ROWS = st.tuples(
    NUMBERS,
    st.sampled_from(["null", "true", "21.50", "-0.00", '"on"', '"süß \\u0000"', "1e400"]),
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.none() | NUMBERS,
    st.none() | st.just('[1,"on",2,21.50]'),
)


def test_what_was_appended_is_there_when_the_store_is_opened_again(
    tmp_path: Path, message: Message
) -> None:
    path = tmp_path / "house" / "store.sqlite"
    with Store.open(path) as store:
        rows = [message(store, 1, '"on"', '[1,"on"]'), message(store, 2, "21.50", "[1,21.50]")]
        store.append("live", rows, [("porch", 7, 2, 1000)], 1)
        identity = store.identity
    with Store.open(path) as store:
        assert list(store.rows("live")) == rows
        recovered = store.recover("live")
        assert recovered == (2, {1: "21.50"}, {1: "21.50"}, 0, [("porch", 7, 2, 1000)], 1)
        assert store.names()[1] == ("lamp1", "state", "")
        assert store.producer(1) == "porch"
        assert store.next_offset("live") == 3
        assert store.released("live") == 1
        assert store.identity == identity
        assert len(bytes.fromhex(identity)) == 8


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(ROWS, max_size=4), max_size=6))
def test_rows_come_back_letter_by_letter(batches: list[list[tuple[Any, ...]]]) -> None:
    with Store.memory() as store:
        name, producer = store.name_id("a", "b", "c/ü"), store.producer_id("p")
        written: list[LogRow] = []
        for batch in batches:
            rows: list[LogRow] = [
                (len(written) + place, time, name, value, producer, *rest)
                for place, (time, value, *rest) in enumerate(batch, 1)
            ]
            store.append("live", rows)
            written += rows
        assert list(store.rows("live")) == written


def test_rows_can_be_read_from_any_offset(store: Store, message: Message) -> None:
    store.append("live", [message(store, offset) for offset in range(1, 2501)])
    assert [row[0] for row in store.rows("live", after=999)] == list(range(1000, 2501))
    assert list(store.rows("live", after=2500)) == []


@pytest.mark.parametrize("offsets", [[2], [1, 3], [2, 1], [0, 1], [1, 1]])
def test_rows_that_do_not_continue_the_log_change_nothing(
    offsets: list[int], store: Store, message: Message
) -> None:
    with pytest.raises(ValueError, match="do not continue the log at 1"):
        store.append("live", [message(store, offset) for offset in offsets])
    assert store.next_offset("live") == 1
    store.append("live", [message(store, 1)])


def test_a_row_of_the_wrong_type_undoes_its_whole_batch(store: Store, message: Message) -> None:
    bad = (2, 0, 1, "null", 1, 2**70, None, None, None)
    with pytest.raises(OverflowError):
        store.append("live", [message(store, 1), bad, message(store, 3)], [("porch", 1, 1, 1)])
    assert list(store.rows("live")) == []
    assert store.recover("live").positions == []
    store.append("live", [message(store, 1)])
    assert store.names()[1] == ("lamp1", "state", "")


def test_transactions_are_numbered_upwards(store: Store, message: Message) -> None:
    first = store.append("live", [message(store, 1)])
    store.name_id("lamp1", "never logged")
    second = store.append("live", [], [("porch", 1, 0, 1)])
    assert second > first


def test_each_mode_has_a_log_of_its_own(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "store.sqlite"
    with Store.open(path) as store:
        store.append("live", [message(store, 1, changes="[1,1]")], [("porch", 1, 1, 1)], 1)
        store.append("it's a test", [message(store, 1, changes="[1,2]")])
        assert store.next_offset("never seen") == 1
        assert store.recover("never seen") == (0, {}, {}, 0, [], 0)
        assert list(store.rows("never seen")) == []
    with Store.open(path) as store:
        assert store.modes() == ["live", "it's a test"]
        assert store.recover("live").state == {1: "1"}
        assert store.recover("it's a test") == (1, {1: "2"}, {1: "2"}, 0, [], 0)


def test_the_released_offset_never_falls(store: Store, message: Message) -> None:
    store.append("live", [message(store, 1), message(store, 2)], released=1)
    store.append("live", [], released=2)
    store.append("live", [message(store, 3)], released=1)
    assert store.released("live") == 2
    assert store.recover("live").released == 2


def test_a_position_can_be_removed_with_and_without_a_message(
    store: Store, message: Message
) -> None:
    store.append("live", [message(store, 1)], [("porch", 1, 5, 1), ("porch", 2, 6, 2)])
    store.append("live", [message(store, 2)], [("porch", 1, None, 3)])
    assert store.recover("live").positions == [("porch", 2, 6, 2)]
    store.append("live", [], [("porch", 2, None, 3)])
    assert store.recover("live").positions == []


def test_incarnations_rise_and_each_knows_what_it_wrote(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "store.sqlite"
    with Store.open(path) as store:
        assert store.incarnation == 0
        assert store.begin_incarnation(note="0.1.0") == 1
        store.append("live", [message(store, 1), message(store, 2)])
    with Store.open(path) as store:
        assert store.begin_incarnation(at_least=41) == 42
        store.append("test", [message(store, 1)])
    with Store.open(path) as store:
        assert store.incarnation == 42
        assert store.begin_incarnation() == 43
        store.append("live", [message(store, 3)])
        store.append("test", [message(store, 2)])
        assert [store.incarnation_of("live", offset) for offset in (1, 2, 3)] == [1, 1, 43]
        assert [store.incarnation_of("test", offset) for offset in (1, 2)] == [42, 43]


def test_a_program_is_kept_with_the_next_append(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "store.sqlite"
    with Store.open(path) as store:
        store.keep_program("k1", "compiled 1")
        assert store.program("k1") == "compiled 1"
        store.append("live", [message(store, 1)])
        store.keep_program("k2", "lost: nothing was appended after it")
    with Store.open(path) as store:
        assert store.program("k1") == "compiled 1"
        assert store.program("k2") is None


def test_a_second_hub_is_told_which_process_has_the_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    (tmp_path / "link").symlink_to(path)
    with Store.open(path):
        for name in (path, tmp_path / "link"):
            with pytest.raises(
                StoreLocked, match=r"process \d+ has this store open, which is this one"
            ):
                Store.open(name)
    Store.open(path).close()


def test_a_closed_store_says_so(store: Store, message: Message) -> None:
    row = message(store, 1)
    store.close()
    store.close()
    for call in (
        lambda: store.append("live", [row]),
        lambda: store.recover("live"),
        lambda: store.name_id("lamp1", "new"),
        lambda: store.begin_incarnation(),
        lambda: store.checkpoint("live", 0, {}),
        lambda: store.program("k"),
    ):
        with pytest.raises(StoreError, match="closed"):
            call()


def test_a_store_in_memory_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, message: Message
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store.memory() as store:
        store.begin_incarnation()
        store.append("live", [message(store, 1, changes="[1,1]")])
        store.checkpoint("live", 1, {1: "1"})
        assert store.path is None
    assert list(tmp_path.iterdir()) == []
