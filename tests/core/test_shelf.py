"""Instances that are not in memory: nobody can tell, and they cost nothing."""

from __future__ import annotations

import random
from array import array

import pytest

from core.shelves import Changes
from core.test_instances import lamp
from myocan.hub.core import Core
from myocan.hub.core.scalars import parse_scalar, scalar_json

Message = tuple[str, str, str]
KEYS = ("ä", "attic", "bath", "hall", "kitchen", "zoo")


class Living:
    """A core with one lamp module, of which few instances are in memory (None: all)."""

    def __init__(self, most: int | None) -> None:
        self.core = Core()
        self.core.link([lamp(auto=True)])
        self.shelf = Changes(self.core, most) if most is not None else None
        self.now = 1000

    def take(self, *messages: Message) -> tuple[list[str], list[str]]:
        """Take a batch of (variable, JSON, key); return all rows and changes in words."""
        core = self.core
        topics, tags, values, keys = (array("q") for _ in range(4))
        for variable, text, key in messages:
            tag, value = parse_scalar(text, core.intern)
            topics.append(core.topic(("", "lamp", variable)))
            tags.append(tag)
            values.append(value)
            keys.append(core.intern(key) if key else -1)
        core.run(topics, tags, values, self.now, keys)
        self.now += 3000
        rows = [
            f"{core.topics[topic]} {self.text(tag, value)} {self.key(key)} {module} {cause} {pc}"
            for topic, tag, value, module, cause, pc, key in core.rows()
        ]
        changes = [
            f"{row} {core.name_of(slot)} {self.text(tag, value)} {self.key(key)}"
            for row, slot, tag, value, key in core.changes()
        ]
        if self.shelf is not None:
            self.shelf.note()
        return rows, changes

    def text(self, tag: int, value: int) -> str:
        return "forgotten" if tag == -4 else scalar_json(tag, value, self.core.texts)

    def key(self, number: int) -> str:
        return self.core.texts[number] if number >= 0 else ""


def drawn(rng: random.Random) -> Message:
    key = rng.choice(KEYS)
    return rng.choice(
        [
            ("event", '"toggle"', key),
            ("event", '"toggle"', key),
            ("off", "null", key),
            ("alloff", "null", ""),
            ("master", rng.choice(('"on"', '"off"')), ""),
            ("$instances", "true", key),
            ("$instances", "null", key),
            ("new", f'"{key}"', ""),
            ("gone", f'"{key}"', ""),
            ("%%at%%", '"[\\"night.0\\"]"', ""),
        ]
    )


@pytest.mark.parametrize("seed", range(8))
def test_however_few_are_in_memory_a_life_is_the_same(seed: int) -> None:
    rng = random.Random(seed)
    all_of_them, three, one = Living(None), Living(3), Living(1)
    for _ in range(40):
        messages = [drawn(rng) for _ in range(rng.randint(1, 6))]
        expected = all_of_them.take(*messages)
        assert three.take(*messages) == expected
        assert one.take(*messages) == expected
        alive = all_of_them.core.instances("lamp")
        assert three.core.instances("lamp") == one.core.instances("lamp") == alive
        state = all_of_them.core.snapshot()
        assert three.core.snapshot() == one.core.snapshot() == state
        for key in KEYS:
            values = [
                None if found is None else living.text(*found)
                for living in (all_of_them, three, one)
                for found in (living.core.read("lamp", "state", key),)
            ]
            assert len({*values}) == 1


def crowd(most: int, count: int) -> tuple[Living, Changes]:
    living = Living(most)
    for number in range(count):
        living.take(("$instances", "true", f"room {number:03}"))
    assert living.shelf is not None
    living.shelf.fetched = living.shelf.given = 0
    return living, living.shelf


def test_one_that_is_spoken_to_comes_from_the_shelf_once() -> None:
    living, shelf = crowd(10, 100)
    for _ in range(5):
        rows, _changes = living.take(("event", '"toggle"', "room 007"))
        assert len(rows) == 2
    assert shelf.fetched == 1
    assert living.core.read("lamp", "state", "room 007") == living.core.read(
        "lamp", "state", "room 007"
    )


def test_those_that_nobody_spoke_to_for_longest_leave_first() -> None:
    living, shelf = crowd(8, 100)
    for number in range(40):
        living.take(("event", '"toggle"', f"room {number:03}"), ("event", '"toggle"', "room 099"))
    assert shelf.fetched == 40  # the last of all was there from the start


def test_a_message_to_all_leaves_no_trace_of_those_that_it_does_not_change() -> None:
    living, shelf = crowd(10, 300)
    living.take(("alloff", "null", ""))
    texts, given = len(living.core.texts), shelf.given
    rows, changes = living.take(("alloff", "null", ""))
    assert (len(rows), len(changes)) == (1, 0)
    assert shelf.given - given >= 290
    assert shelf.fetched == 0
    assert len(living.core.texts) == texts


def test_a_message_to_all_reaches_each_in_the_order_of_keys() -> None:
    living, _shelf = crowd(4, 30)
    rows, changes = living.take(("master", '"on"', ""))
    said = [row.split()[4:6] for row in rows if "'state'" in row]
    assert said == [["room", f"{number:03}"] for number in range(30)]
    assert len(changes) == 31


def test_one_that_was_dropped_does_not_come_back_in_the_same_batch() -> None:
    living, _shelf = crowd(1, 3)
    rows, _changes = living.take(
        ("event", '"toggle"', "room 001"),
        ("$instances", "null", "room 001"),
        ("$instances", "true", "room 001"),
        ("event", '"toggle"', "room 001"),
        ("$instances", "null", "room 000"),
        ("alloff", "null", ""),
    )
    said = [row.split(" ", 3)[3].split()[0] for row in rows if "'state'" in row]
    assert said == ['"on"', '"on"', '"off"', '"off"']
    assert living.core.instances("lamp") == ["room 001", "room 002"]


def test_new_programs_find_on_the_shelf_what_fits_them() -> None:
    living, shelf = crowd(1, 3)
    living.take(("event", '"toggle"', "room 000"))
    living.core.link([lamp(auto=False)])
    assert living.core.instances("lamp") == [f"room {number:03}" for number in range(3)]
    found = living.core.read("lamp", "state", "room 000")
    assert found is not None
    assert living.text(*found) == '"on"'
    shelf.state["lamp", "state", "room 001"] = "42"
    found = living.core.read("lamp", "state", "room 001")
    assert found is not None
    assert living.text(*found) == '"off"'
