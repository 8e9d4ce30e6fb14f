"""Timers of instances: whatever is started, stopped, stored and found again, the next is next."""

from __future__ import annotations

import random

import pytest

from myocan.hub.keyed_timers import KeyedTimers, Soon

KEYS = [f"room {number}" for number in range(12)]


class House:
    """What knows which timers run, and what a store had of it at the start.

    Arguments:
        stale: what the store says of some, which is not true any more.
    """

    def __init__(self, piece: int, running: dict[str, int], stale: dict[str, int]) -> None:
        self.piece = piece
        self.running = dict(running)
        self.stored = sorted((due, KEYS.index(key)) for key, due in {**running, **stale}.items())
        self.asked = 0
        self.timers = KeyedTimers(self, lambda name: self.running.get(name[2], 0), self.soon)

    def number(self, name: tuple[str, str, str]) -> int:
        return KEYS.index(name[2])

    def __getitem__(self, number: int) -> tuple[str, str, str]:
        return "room", "off", KEYS[number]

    def soon(self, from_ms: int) -> Soon:
        self.asked += 1
        rest = [timer for timer in self.stored if timer[0] >= from_ms]
        if len(rest) <= self.piece:
            return Soon(rest, None)
        last = rest[self.piece - 1][0]
        return Soon([timer for timer in rest if timer[0] <= last], last + 1)

    def note(self, key: str, due_ms: int) -> None:
        if due_ms:
            self.running[key] = due_ms
        else:
            self.running.pop(key, None)
        self.timers.note(("room", "off", key), due_ms)

    def take(self, now_ms: int) -> list[tuple[int, str]]:
        taken = []
        while (due_ms := self.timers.next_ms()) is not None and due_ms <= now_ms:
            for name in self.timers.take(due_ms):
                if self.timers.is_due(name, due_ms):
                    taken.append((due_ms, name[2]))
                    del self.running[name[2]]
        return taken


@pytest.mark.parametrize("seed", range(20))
def test_each_timer_that_runs_comes_at_its_time_and_once(seed: int) -> None:
    rng = random.Random(seed)
    running = {key: rng.randint(1, 60) for key in rng.sample(KEYS, 8)}
    stale = {key: rng.randint(1, 60) for key in KEYS if key not in running and rng.random() < 0.5}
    house = House(rng.randint(1, 5), running, stale)
    alone = KeyedTimers()
    for key, due_ms in running.items():
        alone.note(("room", "off", key), due_ms)
    now = 0
    while now < 150:
        now += rng.randint(1, 9)
        expected = sorted((due, key) for key, due in house.running.items() if due <= now)
        kept = []
        while (due_ms := alone.next_ms()) is not None and due_ms <= now:
            for name in alone.take(due_ms):
                if alone.is_due(name, due_ms):
                    kept.append((due_ms, name[2]))
                    alone.note(name, 0)
        assert sorted(kept) == expected
        assert sorted(house.take(now)) == expected
        for key in rng.sample(KEYS, rng.randint(0, 3)) if now < 100 else ():
            due_ms = rng.choice((0, now + rng.randint(1, 40), house.running.get(key, 0)))
            house.note(key, due_ms)
            alone.note(("room", "off", key), due_ms)
    assert not house.running


def test_what_is_far_off_stays_in_the_store() -> None:
    house = House(2, {key: 100 + number for number, key in enumerate(KEYS)}, {})
    assert house.timers.next_ms() == 100
    assert house.asked == 1
    assert [key for _due, key in house.take(101)] == KEYS[:2]
    assert house.asked == 2
