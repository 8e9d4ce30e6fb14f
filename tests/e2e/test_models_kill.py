"""Threads and tasks of two programs commit to two models of a hub that is killed again and again.

Each commit raises both counts by one, so an update that is lost, done twice or done by half shows.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from myocan.hub.history import replay
from myocan.hub.lang import compile_module
from myocan.hub.models import StaleCheckout, State, StateError, StateModel
from myocan.hub.store import Reader
from support.clock import until
from support.hub_process import HubProcess
from support.mosquitto import Mosquitto

KILLS = 1
MODELS = """
from myocan.hub import StateModel


class Left(StateModel):
    count: int = 0


class Right(StateModel):
    count: int = 0
    even: bool = True
"""
WATCH = """MODULE watch
SUBSCRIBE left.count 0 AS left
SUBSCRIBE right.count 0 AS right
SUBSCRIBE right.even {false, true} AS even
PRIVATE torn 0
ON left
  AND left != right
  THEN torn++
ON left
  THEN ignore
ON right
  AND left != right
  THEN torn++
ON right
  THEN ignore
ON even
  AND left != right
  THEN torn++
ON even
  THEN ignore
"""


class Left(StateModel):
    count: int = 0


class Right(StateModel):
    count: int = 0
    even: bool = True


class Tally:
    """What who commits knows of it: how often it was done, and how often nobody knows."""

    def __init__(self) -> None:
        self.done = self.unknown = 0
        self.lock = threading.Lock()
        self.enough = threading.Event()

    def attempts(self) -> Iterator[None]:
        while not self.enough.is_set():
            yield

    def count(self, *, done: bool) -> None:
        with self.lock:
            self.done += done
            self.unknown += not done


def raised(held: Any) -> tuple[Left, Right]:
    left, right = held.checkout(Left), held.checkout(Right)
    left.count += 1
    right.count += 1
    right.even = right.count % 2 == 0
    return left, right


def work(state: State, tally: Tally) -> None:
    for _ in tally.attempts():
        try:
            with state(Left, Right) as held:
                held.commit(*raised(held))
            tally.count(done=True)
        except StaleCheckout:
            continue
        except StateError:
            tally.count(done=False)
            tally.enough.wait(0.05)


async def work_async(state: State, tally: Tally) -> None:
    for _ in tally.attempts():
        try:
            async with state(Right, Left) as held:
                await held.commit(*raised(held))
            tally.count(done=True)
        except StaleCheckout:
            continue
        except StateError:
            tally.count(done=False)
            await asyncio.sleep(0.05)


def look(state: Any) -> tuple[int, int]:
    return state.checkout(Left).count, state.checkout(Right).count


def test_kill_9_amid_commits_loses_none_repeats_none_and_halves_none(tmp_path: Path) -> None:
    chance = random.Random(3)
    house = tmp_path / "house"
    (house / "modules").mkdir(parents=True)
    (house / "myocan.toml").write_text("")
    (house / "models.py").write_text(MODELS)
    (house / "modules" / "watch.scc").write_text(WATCH)
    tally = Tally()
    with Mosquitto(tmp_path / "broker", config="set_tcp_nodelay true") as broker:
        hub = HubProcess(house, "--broker", broker.url).start()
        programs = [State.connect(house), State.connect(house, producer="rest")]
        threads = [
            threading.Thread(target=work, args=(state, tally)) for state in (*programs, programs[0])
        ]

        async def tasks() -> None:
            await asyncio.gather(*(work_async(state, tally) for state in (*programs, *programs)))

        threads.append(threading.Thread(target=asyncio.run, args=(tasks(),)))
        for thread in threads:
            thread.start()
        for _ in range(KILLS):
            before = tally.done
            while tally.done < before + chance.randrange(5, 15):
                tally.enough.wait(0.01)
            hub.kill()
            hub.start()
        before = tally.done
        while tally.done < before + 10:
            tally.enough.wait(0.01)
        tally.enough.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive(), "a deadlock"
        until(lambda: len({look(one) for one in programs}) == 1, "word of the other's commits")
        seen = [look(one) for one in programs]
        for program in programs:
            program.close()
        assert hub.stop() == 0
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        count = int(reader.value("live", "left", "count") or 0)
        assert reader.value("live", "right", "count") == str(count)
        assert tally.done <= count <= tally.done + tally.unknown
        assert reader.value("live", "watch", "torn") in {None, "0"}
        commits = [
            json.loads(json.loads(one.value))["left.count"]
            for one in reader.messages("live", module="$state", variable="commit")
        ]
        assert commits == list(range(count + 1))
        found = replay(reader.entries(), lambda name, text: compile_module(text, name).program)
    assert found.differences == []
    assert seen == [(count, count)] * 2
