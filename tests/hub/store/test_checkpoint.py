"""A checkpoint is written while the hub goes on, and costs what changed, not what there is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.hub.store import LogRow, Store, StoreError
from myocan.hub.store.checkpoint import SLICE
from myocan.hub.store.state import load_checkpoint

Message = Callable[..., LogRow]


def fill(store: Store, message: Message, offset: int, values: dict[int, str | None]) -> None:
    """Append one message that brings `values` about."""
    pairs = ",".join(
        f"{-name},null" if value is None else f"{name},{value}" for name, value in values.items()
    )
    store.append("live", [message(store, offset, changes=f"[{pairs}]")])


def versions(store: Store) -> int:
    """How many rows the state of the first mode takes."""
    return int(store._live().db.execute("SELECT count(*) FROM state_1").fetchone()[0])


def test_messages_go_on_between_the_slices_of_a_checkpoint(store: Store, message: Message) -> None:
    first = dict.fromkeys(range(1, 3 * SLICE), "1")
    fill(store, message, 1, first)  # type: ignore[arg-type]
    checkpoint = store.start_checkpoint("live", 1, first)
    steps = 1
    while checkpoint.step():
        steps += 1
        fill(store, message, steps, {1: f"{steps}"})
        assert store.recover("live").checkpoint == 0
    assert steps == 3
    recovered = store.recover("live")
    assert recovered.checkpoint == 1
    assert recovered.state == {**first, 1: "3"}
    assert recovered.changed == {1: "3"}


def test_a_checkpoint_is_of_the_moment_when_it_began(store: Store, message: Message) -> None:
    changed = {1: "1", 2: "1"}
    fill(store, message, 1, changed)  # type: ignore[arg-type]
    checkpoint = store.start_checkpoint("live", 1, changed)
    changed[1] = "spoilt"
    checkpoint.step()
    assert store.recover("live").state == {1: "1", 2: "1"}


def test_a_variable_never_has_more_than_two_versions(store: Store, message: Message) -> None:
    for offset in range(1, 20):
        values = dict.fromkeys(range(1, 11), f"{offset}")
        fill(store, message, offset, values)  # type: ignore[arg-type]
        store.checkpoint("live", offset, values)
        assert versions(store) <= 20
    assert store.recover("live").state == values


def test_nothing_stays_of_what_was_forgotten(store: Store, message: Message) -> None:
    fill(store, message, 1, {1: "1", 2: "2"})
    store.checkpoint("live", 1, {1: "1", 2: "2"})
    fill(store, message, 2, {1: None, 2: "3"})
    store.checkpoint("live", 2, {1: None, 2: "3"})
    assert store.recover("live").state == {2: "3"}
    assert versions(store) == 2


def test_what_was_forgotten_can_come_back(store: Store, message: Message) -> None:
    for offset, value in enumerate(["1", None, "2", None, None, "3"], 1):
        fill(store, message, offset, {7: value})
        store.checkpoint("live", offset, {7: value})
        assert store.recover("live").state.get(7) == value


def test_a_checkpoint_writes_what_changed_and_not_what_there_is(
    tmp_path: Path, message: Message
) -> None:
    path = tmp_path / "store.sqlite"
    wal = tmp_path / "store.sqlite-wal"
    everything = dict.fromkeys(range(1, 20001), '"some value"')
    with Store.open(path) as store:
        fill(store, message, 1, everything)  # type: ignore[arg-type]
        store.checkpoint("live", 1, everything)
        before = wal.stat().st_size
        fill(store, message, 2, {5000: "1"})
        store.checkpoint("live", 2, {5000: "1"})
        assert wal.stat().st_size - before < 20_000


def test_a_checkpoint_shortens_what_the_next_start_reads(tmp_path: Path, message: Message) -> None:
    path = tmp_path / "store.sqlite"
    with Store.open(path) as store:
        fill(store, message, 1, {1: "1"})
        store.append("live", [message(store, 2)], [("porch", 1, 9, 5), ("hall", 1, 9, 5)], 1)
        store.append("live", [message(store, 3)], [("hall", 1, None, 6)])
        store.checkpoint("live", 3, {1: "1"})
    with Store.open(path) as store:
        recovered = store.recover("live")
        assert recovered == (3, {1: "1"}, {}, 3, [("porch", 1, 9, 5)], 1)


def test_only_one_checkpoint_of_a_mode_is_written_at_a_time(store: Store, message: Message) -> None:
    fill(store, message, 1, {1: "1"})
    first = store.start_checkpoint("live", 1, {1: "1"})
    with pytest.raises(StoreError, match="at 1 is not finished"):
        store.start_checkpoint("live", 1, {})
    assert first.step() is False
    assert first.finished
    assert first.step() is False
    store.checkpoint("live", 1, {})


@pytest.mark.parametrize(
    ("offset", "changed"), [(3, {}), (1, {}), (-1, {}), (2, {1: "state without a message"})]
)
def test_a_checkpoint_that_the_log_does_not_bear_out_is_refused(
    offset: int, changed: dict[int, str | None], store: Store, message: Message
) -> None:
    fill(store, message, 1, {1: "1"})
    fill(store, message, 2, {1: "2"})
    store.checkpoint("live", 2, {1: "2"})
    with pytest.raises(ValueError, match="checkpoint at"):
        store.start_checkpoint("live", offset, changed)
    fill(store, message, 3, {1: "3"})
    store.checkpoint("live", 3, {1: "3"})


@pytest.mark.parametrize("looks", [True, False])
def test_what_changed_before_a_restart_is_in_the_first_checkpoint_after_it(
    looks: bool, place: Path, message: Message
) -> None:
    with Store.open(place) as store:
        fill(store, message, 1, {1: "1", 2: "1"})
        fill(store, message, 2, {2: None, 3: "2"})
    with Store.open(place) as store:
        if looks:
            store.recover("live")
        with pytest.raises(ValueError, match="opened at 2"):
            store.checkpoint("live", 1, {})
        fill(store, message, 3, {3: "3"})
        fill(store, message, 4, {2: "4"})
        store.checkpoint("live", 3, {3: "3"})
        assert load_checkpoint(store._live().db, 1, 3) == {1: "1", 3: "3"}
        store.checkpoint("live", 4, {2: "4"})
        fill(store, message, 5, {1: "5"})
        store.checkpoint("live", 5, {1: "5"})
    with Store.open(place) as store:
        assert store.recover("live").state == {1: "5", 2: "4", 3: "3"}
