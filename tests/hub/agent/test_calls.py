"""Calls of EXTERNAL functions: in order, once they are on the disk, again after a crash."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from myocan.hub.agent.calls import MAX_HANGING, MAX_WAITING, Calls
from myocan.hub.store import LogRow, Store
from support.clock import until


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class World:
    """A log in which calls stand, and functions that note how they were called."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = Clock()
        self.woken = threading.Event()
        self.made: list[tuple[Any, ...]] = []
        self.release = threading.Event()
        self.asked = 0

    def notify(self, *arguments: object, key: object) -> None:
        self.made.append((*arguments, key))

    def plain(self, *arguments: object) -> None:
        self.made.append(arguments)

    def broken(self, what: str) -> None:
        self.made.append(("broken", what))
        raise ValueError(f"no {what}")

    def hang(self) -> None:
        self.made.append(("hang",))
        self.release.wait(60)

    def leave(self) -> None:
        raise SystemExit(3)

    def calls(self, done: int = 0, timeout_s: float = 5.0) -> Calls:
        names = ("notify", "plain", "broken", "hang", "leave")
        return Calls(
            {name: getattr(self, name) for name in names},
            self.store,
            "live",
            asked=self.asked,
            done=done,
            timeout_s=timeout_s,
            monotonic=self.clock,
            wake=self.woken.set,
            file_of="{}.scc".format,
        )

    def ask(self, name: str, *arguments: object) -> LogRow:
        """Append a call to the log; return its row."""
        offset = self.store.next_offset("live")
        value = json.dumps(json.dumps(arguments))
        number = self.store.name_id("$external", name)
        row = (offset, 0, number, value, self.store.producer_id("lamp"), 1, 7, None, None)
        self.store.append("live", [row])
        self.asked = offset
        return row

    def settle(self, calls: Calls, synced: int = 99) -> list[str]:
        """Keep until all is made; return the problems."""
        problems: list[str] = []
        ends = time.monotonic() + 60
        while True:
            self.woken.clear()
            problems += calls.keep(synced)
            if calls.done >= self.asked:
                return problems
            assert time.monotonic() < ends, "no end of calls"
            self.woken.wait(0.1)


@pytest.fixture
def world() -> Iterator[World]:
    with Store.memory() as store:
        store.begin_incarnation()
        world = World(store)
        yield world
        world.release.set()


def test_calls_are_made_in_order_with_their_arguments_and_keys(world: World) -> None:
    calls = world.calls()
    calls.ask([world.ask("notify", "door open", 3, True, None)], 1)
    calls.ask([world.ask("Plain"), world.ask("notify", 0.5)], 2)
    assert world.settle(calls) == []
    assert world.made == [
        ("door open", 3, True, None, ("live", 1, 1, 0)), (), (Decimal("0.5"), ("live", 1, 3, 0)),
    ]  # fmt: skip
    assert calls.to_tell() == 3
    assert calls.to_tell() is None
    assert calls.close() is None


def test_a_call_waits_until_its_message_is_on_the_disk(world: World) -> None:
    calls = world.calls()
    calls.ask([world.ask("plain", 1)], 5)
    calls.ask([world.ask("plain", 2)], 6)
    assert calls.keep(4) == []
    threading.Event().wait(0.05)
    assert world.made == []
    calls.keep(5)
    until(lambda: calls.keep(5) == [] and calls.done == 1, "first call")
    assert world.made == [(1,)]
    world.settle(calls, 6)
    assert world.made == [(1,), (2,)]
    calls.close()


def test_what_fails_is_told_and_the_next_is_made(world: World) -> None:
    calls = world.calls()
    calls.ask([world.ask("broken", "phone"), world.ask("leave"), world.ask("nothing", 1)], 1)
    calls.ask([world.ask("plain"), world.ask("notify")], 1)
    problems = world.settle(calls)
    assert problems == [
        "EXTERNAL broken, called by lamp.scc:7 in message 1, failed: ValueError: no phone",
        "EXTERNAL leave, called by lamp.scc:7 in message 2, failed: SystemExit: 3",
        "EXTERNAL nothing, called by lamp.scc:7 in message 3, failed: this house has no such "
        "function in its externals.py",
    ]
    assert world.made[1:] == [(), (("live", 1, 5, 0),)]
    calls.close()


def test_a_function_that_hangs_holds_up_nothing_for_long(world: World) -> None:
    calls = world.calls(timeout_s=5.0)
    for _ in range(MAX_HANGING + 1):
        calls.ask([world.ask("hang")], 1)
    calls.ask([world.ask("plain", "after")], 1)
    problems: list[str] = []
    for number in range(MAX_HANGING):
        problems += calls.keep(9)
        until(lambda n=number: len(world.made) == n + 1, "call")
        calls.to_tell()
        due = calls.due_s()
        assert due is not None
        assert 0 < due <= 5.0
        world.clock.now += 5.0
    problems += world.settle(calls)
    assert ["took longer than 5 seconds" in problem for problem in problems] == [True] * 3 + [False]
    assert "not called: 3 calls of it hang" in problems[3]
    assert world.made[-1] == ("after",)
    world.release.set()  # they come back after all; that changes nothing, and frees their threads
    until(lambda: calls.keep(9) == [] and not calls._hanging, "end of the hanging ones")
    calls.ask([world.ask("hang")], 1)
    assert world.settle(calls) == []
    calls.close()


def test_how_far_they_were_made_is_told_now_and_then(world: World) -> None:
    calls = world.calls()
    calls.ask([world.ask("plain", number) for number in range(3)], 1)
    calls.ask([world.ask("hang")], 1)
    until(lambda: calls.keep(9) == [] and calls.done == 3, "first three")
    assert calls.to_tell() is None  # one more is under way, and the last word is not a second old
    assert 0 < (calls.due_s() or 0) <= 1.0
    world.clock.now += 1.0
    assert calls.to_tell() == 3
    world.release.set()
    world.settle(calls)
    assert calls.to_tell() == 4  # nothing is left to wait for
    calls.close()


def test_the_end_waits_a_little_and_says_what_was_made(world: World) -> None:
    calls = world.calls()
    calls.ask([world.ask("plain", 1), world.ask("plain", 2)], 1)
    calls.keep(9)
    assert calls.close() == 1
    assert world.made == [(1,)]


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_what_an_earlier_life_left_is_made_again_under_the_same_key(
    world: World, done: int
) -> None:
    for number in range(3):
        world.ask("notify", number)
    world.store.begin_incarnation()
    calls = world.calls(done)
    calls.ask([world.ask("notify", "new")], 1)
    world.settle(calls)
    keys = [("live", 1, offset, 0) for offset in (1, 2, 3)]
    assert world.made == [
        *((number, key) for number, key in list(enumerate(keys))[done:]),
        ("new", ("live", 2, 4, 0)),
    ]
    calls.close()


def test_very_many_calls_wait_in_the_log(world: World) -> None:
    calls = world.calls()
    calls.ask([world.ask("hang")], 1)
    for number in range(MAX_WAITING + 500):
        calls.ask([world.ask("plain", number)], 1)
    assert len(calls._waiting) <= MAX_WAITING
    world.release.set()
    world.settle(calls)
    assert world.made == [("hang",), *((number,) for number in range(MAX_WAITING + 500))]
    calls.close()
