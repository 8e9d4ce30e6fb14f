"""Older checkpoints stay as they were, whatever comes later, and become fewer with their age."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from myocan.hub.store import Kept, LogRow, Reader, Store
from myocan.hub.store.past import superfluous

Message = Callable[..., LogRow]
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


def row(store: Store, offset: int, time_ms: int, changed: dict[int, str | None]) -> LogRow:
    """A message that changes these variables."""
    pairs = ",".join(
        f"{-name},null" if value is None else f"{name},{value}" for name, value in changed.items()
    )
    name, producer = store.name_id("lamp1", "v1"), store.producer_id("porch")
    return (offset, time_ms, name, "null", producer, None, None, None, f"[{pairs}]")


def thinned(times: list[int]) -> list[int]:
    """The times of what is left of checkpoints that were made at `times`, one after the other."""
    kept: list[Kept] = []
    for offset, time_ms in enumerate(times, 1):
        kept.append(Kept(offset, time_ms))
        gone = set(superfluous(kept))
        kept = [one for one in kept if one.offset not in gone]
    return [one.time_ms for one in kept]


@pytest.mark.parametrize("seed", range(4))
def test_a_kept_checkpoint_is_what_it_was(seed: int, place: Path) -> None:
    chance = random.Random(seed)
    state: dict[int, str] = {}
    then: dict[int, dict[int, str]] = {}
    unsaved: dict[int, str | None] = {}
    time_ms = 0
    with Store.open(place) as store:
        names = [store.name_id("lamp1", f"v{number}") for number in range(1, 9)]
        for offset in range(1, 120):
            time_ms += chance.choice([1_000, 30_000, 5 * MINUTE, 3 * HOUR, DAY])
            changed: dict[int, str | None] = {
                name: chance.choice([None, "1", "2", f"{offset}"])
                for name in chance.sample(names, chance.randrange(1, 4))
            }
            store.append("live", [row(store, offset, time_ms, changed)])
            for name, value in changed.items():
                if value is None:
                    state.pop(name, None)
                else:
                    state[name] = value
            then[offset] = dict(state)
            unsaved |= changed
            if chance.random() < 0.7:
                store.checkpoint("live", offset, unsaved)
                unsaved = {}
        numbers = {key: number for number, key in store.names().items()}
        garbage = store._live().db.execute(
            "SELECT count(*) FROM past_1 AS o WHERE NOT EXISTS (SELECT 1 FROM checkpoint AS c"
            ' WHERE c."offset" >= o.at AND c."offset" < o.until)'
        )
        assert garbage.fetchone() == (0,)
    with Reader(place) as reader:
        kept = reader.checkpoints()
        assert len(kept) > 10
        for one in kept:
            found, values = reader.start("live", one.offset + 1)
            assert found == one.offset
            assert {numbers[name]: value for name, value in values.items()} == then[one.offset]
        assert reader.start("live", kept[0].offset) == (0, {})


def test_they_become_fewer_with_age_and_the_first_of_each_time_stays() -> None:
    made = list(range(0, 40 * DAY, 5 * MINUTE))
    left = thinned(made)
    newest = left[-1]
    assert newest == made[-1]
    ages = [newest - time_ms for time_ms in left[:-1]]
    assert sum(age <= HOUR for age in ages) <= 7
    assert sum(HOUR < age <= DAY for age in ages) <= 25
    assert sum(DAY < age <= 31 * DAY for age in ages) <= 32
    assert all(time_ms % (10 * MINUTE) == 0 for time_ms in left[:-1])
    assert left[0] == 0
    gaps = [after - before for before, after in pairwise(left)]
    assert max(gaps) <= 31 * DAY


def test_a_clock_that_stands_still_keeps_the_first_and_the_newest() -> None:
    assert superfluous([Kept(offset, 0) for offset in range(1, 6)]) == [2, 3, 4]
    assert superfluous([]) == superfluous([Kept(1, 5)]) == []


def test_the_newest_state_grows_no_larger_by_what_is_kept(place: Path) -> None:
    with Store.open(place) as store:
        name = store.name_id("lamp1", "v1")
        for offset in range(1, 30):
            store.append("live", [row(store, offset, offset * HOUR, {name: f"{offset}"})])
            store.checkpoint("live", offset, {name: f"{offset}"})
        count = store._live().db.execute("SELECT count(*) FROM state_1").fetchone()[0]
        past = store._live().db.execute("SELECT count(*) FROM past_1").fetchone()[0]
    assert count == 2
    assert past >= 20


def test_a_copy_of_a_mode_has_its_older_checkpoints(place: Path) -> None:
    with Store.open(place) as store:
        name = store.name_id("lamp1", "v1")
        for offset in range(1, 6):
            store.append("live", [row(store, offset, offset * HOUR, {name: f"{offset}"})])
            store.checkpoint("live", offset, {name: f"{offset}"})
        copy = store.start_copy("live", "test")
        while copy.step():
            pass
        store.finish_copy(copy, "test")
    with Reader(place) as reader:
        assert reader.checkpoints("test") == reader.checkpoints("live")
        for offset in range(1, 7):
            assert reader.start("test", offset) == reader.start("live", offset)
