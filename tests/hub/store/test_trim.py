"""What retention takes out of the log, what it leaves, and that it can be told from damage."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.hub.retention import FOREVER, Keep, parse_keep
from myocan.hub.store import LogRow, Reader, Store, Trimmed, Trimmer, verify
from myocan.hub.store.schema import BLOCK

DAY = 86_400_000
KEEPS = {
    "press": parse_keep("30 days"),
    "image": parse_keep("2 KB"),
    "noise": parse_keep("1 day"),
    "state": FOREVER,
    "%%code%%": FOREVER,
}


def keep_of(_module: str, variable: str) -> Keep:
    return KEEPS[variable]


class House:
    """Writes the log of a lamp: presses that change it, images and noise that nobody hears."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.offset = store.next_offset("live")
        self.unsaved: dict[int, str | None] = {}
        self.time_ms = 0

    def append(
        self, module: str, variable: str, value: str, cause: int | None = None, changes: str = ""
    ) -> None:
        """Write one message; `changes`: "own" for its own value, a number for the lamp's count."""
        name = self.store.name_id(module, variable)
        changed = None
        if changes:
            number = name if changes == "own" else self.store.name_id("lamp1", "state")
            text = value if changes == "own" else changes
            changed = f"[{number},{text}]"
            self.unsaved[number] = text
        row: LogRow = (
            self.offset, self.time_ms, name, value, self.store.producer_id("porch"), cause, None,
            None, changed,
        )  # fmt: skip
        self.store.append("live", [row])
        self.offset += 1

    def day(self) -> None:
        """Let a day pass: a press and its lamp, an image of 300 bytes, noise; a checkpoint."""
        self.time_ms += DAY
        self.append("button1", "press", "null", None, str(self.offset))
        self.append("lamp1", "state", str(self.offset - 1), self.offset - 1)
        image = f'"{self.offset:0300}"'
        self.append("camera", "image", image, None, "own")
        self.append("hall", "noise", "1.5")
        self.checkpoint()

    def checkpoint(self) -> None:
        self.store.checkpoint("live", self.offset - 1, self.unsaved)
        self.unsaved = {}


def trim(trimmer: Trimmer, now_ms: int) -> int:
    """Make a whole pass; return how many messages went."""
    trimmer.begin(now_ms)
    while trimmer.step():
        pass
    return trimmer.removed


def numbers(path: Path, variable: str) -> list[int]:
    """The offsets of what is left of a topic."""
    with Reader(path) as reader:
        return [message.offset for message in reader.messages(variable=variable)]


def missing_is_accounted_for(store: Store) -> bool:
    """Whether every gap of the log is in the table `gone`, and the log adds up to checkpoints."""
    assert store.path is not None
    verified = verify(store.path)
    assert verified.problems == []
    db = store._live().db
    there = {offset for (offset,) in db.execute('SELECT "offset" FROM log_1')}
    gone = dict(db.execute("SELECT block, messages FROM gone WHERE mode = 1"))
    newest = store.next_offset("live")
    return all(
        len([offset for offset in range(block * BLOCK + 1, min(block * BLOCK + BLOCK + 1, newest))
             if offset not in there]) == gone.get(block, 0)
        for block in range(newest // BLOCK + 1)
    )  # fmt: skip


def test_each_topic_is_kept_as_long_as_it_is_to_be(place: Path) -> None:
    with Store.open(place) as store:
        house = House(store)
        for _ in range(100):
            house.day()
        trimmer = store.trimmer("live", keep_of)
        assert trim(trimmer, house.time_ms) > 0
        assert missing_is_accounted_for(store)
        assert trim(trimmer, house.time_ms) == 0
        state = store.recover("live")
        assert state.offset == 400
    presses, states = numbers(place, "press"), numbers(place, "state")
    assert len(states) == 100
    assert presses[-1] == 397
    assert 30 <= len(presses) <= 33
    assert len(numbers(place, "image")) == 2048 // (300 + 2 + 32 + 306)
    assert len(numbers(place, "noise")) <= 3


def test_what_is_kept_longer_goes_too_below_the_oldest_checkpoint(place: Path) -> None:
    """The shortest time decides which checkpoints are left, and not how long others are kept."""
    keeps = {"press": parse_keep("30 days"), "state": parse_keep("5 days")}
    with Store.open(place) as store:
        house = House(store)
        trimmer = store.trimmer("live", lambda _module, name: keeps.get(name, FOREVER))
        for _ in range(60):
            house.day()
            trim(trimmer, house.time_ms)
        assert missing_is_accounted_for(store)
    assert 30 <= len(numbers(place, "press")) <= 32
    assert 5 <= len(numbers(place, "state")) <= 7
    assert len(numbers(place, "image")) == 60


def test_the_newest_of_a_name_stays_and_goes_when_there_is_a_newer_one(place: Path) -> None:
    with Store.open(place) as store:
        house = House(store)
        house.append("hall", "noise", "1")
        house.append("cellar", "noise", "1")
        for _ in range(10):
            house.day()
        trimmer = store.trimmer("live", keep_of)
        trim(trimmer, house.time_ms)
        assert 2 in numbers(place, "noise")
        assert 1 not in numbers(place, "noise")
        house.append("cellar", "noise", "2")
        house.day()
        assert trim(trimmer, house.time_ms) > 0
        assert 2 not in numbers(place, "noise")
        assert missing_is_accounted_for(store)


def test_replay_starts_at_the_oldest_checkpoint_that_is_kept(place: Path) -> None:
    with Store.open(place) as store:
        house = House(store)
        for _ in range(100):
            house.day()
        trimmer = store.trimmer("live", keep_of)
        trim(trimmer, house.time_ms)
        whole = trimmer.whole
        state = {store.names()[name]: text for name, text in store.recover("live").state.items()}
    with Reader(place) as reader:
        assert reader.trimmed() == whole > 0
        assert reader.checkpoints()[0].offset == whole
        with pytest.raises(Trimmed, match="trimmed here"):
            reader.start("live", 1)
        place_of_start, found = reader.start("live", 1, oldest=True)
        assert place_of_start == whole
        for entry in reader.entries(after=whole):
            for name, value in entry.changes.items():
                assert value is not None
                found[name] = value
        assert found == state


def test_what_led_to_nothing_moves_no_start_of_replays(place: Path) -> None:
    with Store.open(place) as store:
        house = House(store)
        for _ in range(50):
            house.day()
        only = {"noise": parse_keep("1 day")}
        trimmer = store.trimmer("live", lambda _module, name: only.get(name, FOREVER))
        assert trim(trimmer, house.time_ms) > 40
        assert trimmer.whole == 0
    with Reader(place) as reader:
        assert reader.start("live", 1) == (0, {})


def test_nothing_goes_behind_the_last_checkpoint_or_within_ten_minutes(place: Path) -> None:
    with Store.open(place) as store:
        house = House(store)
        keep = store.trimmer("live", lambda _module, _name: Keep("nothing", size=0))
        for _ in range(20):
            house.append("camera", "image", '"x"', None, "own")
            house.time_ms += 1000
        assert trim(keep, house.time_ms + DAY) == 0
        house.checkpoint()
        assert trim(keep, house.time_ms) == 0
        assert trim(keep, house.time_ms + DAY) == 19
        assert store.next_offset("live") == 21


@pytest.mark.parametrize("was_a_module", [False, True])
def test_a_dropped_topic_is_gone_with_its_past(place: Path, was_a_module: bool) -> None:
    with Store.open(place) as store:
        house = House(store)
        if was_a_module:  # its values may be variables that rules looked at
            house.append("camera", "%%code%%", '"MODULE camera"')
        for _ in range(40):
            house.day()
        image = store.name_id("camera", "image")
        row: LogRow = (
            house.offset, house.time_ms, store.name_id("$admin", "topic"), '"dropped"',
            store.producer_id("command"), None, None, None, f"[-{image},null]",
        )  # fmt: skip
        store.append("live", [row])
        house.unsaved[image] = None
        store.checkpoint("live", house.offset, house.unsaved)
        trimmer = store.trimmer("live", lambda _module, _name: FOREVER)
        trimmer.begin_drop([image], house.offset)
        while trimmer.step():
            pass
        assert trimmer.removed == 40
        assert (trimmer.whole > 0) == was_a_module
        assert missing_is_accounted_for(store)
        values = store._live().db.execute(
            "SELECT count(*) FROM (SELECT name FROM past_1 UNION ALL SELECT name FROM state_1)"
            " WHERE name = ?",
            (image,),
        )
        assert values.fetchone() == (0,)
    assert numbers(place, "image") == []
    assert len(numbers(place, "press")) == 40


@pytest.mark.parametrize("point", ["trim begun", "trim filled", "trim committed"])
def test_killed_while_it_trims_the_store_is_whole(
    point: str,
    place: Path,
    killed: type[BaseException],
    leftovers: Callable[[Path, Path], Path],
    tmp_path: Path,
) -> None:
    left = random.Random(7).randrange(2, 6)

    def die(at: str) -> None:
        nonlocal left
        if at == point:
            left -= 1
            if left == 0:
                raise killed

    store = Store.open(place, faults=die)
    house = House(store)
    for _ in range(400):
        house.day()
    before = store.recover("live")
    trimmer = store.trimmer("live", keep_of)
    with pytest.raises(killed):
        trim(trimmer, house.time_ms)
    copy = leftovers(place, tmp_path / "copy")
    store.close()
    with Store.open(copy) as again:
        assert missing_is_accounted_for(again)
        recovered = again.recover("live")
        assert (recovered.offset, recovered.state) == (before.offset, before.state)
        trim(again.trimmer("live", keep_of), house.time_ms)
        assert missing_is_accounted_for(again)
    assert len(numbers(copy, "press")) <= 33


def test_nothing_is_trimmed_while_a_mode_is_copied(place: Path) -> None:
    with Store.open(place) as store:
        house = House(store)
        for _ in range(100):
            house.day()
        copy = store.start_copy("live", "test")
        trimmer = store.trimmer("live", keep_of)
        trimmer.begin(house.time_ms)
        for _ in range(20):
            assert trimmer.step()
        assert trimmer.removed == 0
        while copy.step():
            pass
        store.finish_copy(copy, "test")
        while trimmer.step():
            pass
        assert trimmer.removed > 0
        trim(store.trimmer("test", keep_of), house.time_ms)
    with Reader(place) as reader:
        left = [[one.offset for one in reader.messages(mode)] for mode in ("live", "test")]
    assert left[0] == left[1]
