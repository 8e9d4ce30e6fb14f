"""Many threads, tasks and crashes: no update lost, no half state, nothing that waits for ever."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from decimal import Decimal
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from myocan.hub import State, StateModel, field
from myocan.hub.models import CommitRejected, StaleCheckout
from myocan.hub.store import Reader


class Left(StateModel):
    count: int = 0
    total: int = 0


class Right(StateModel):
    count: int = 0
    total: int = 0


class Tank(StateModel):
    level: Decimal = field(default="0.0", ge=0, le=10)
    pump: bool = False

    def check(self) -> None:
        if self.pump and self.level > 9:
            raise ValueError("full")


THREADS, TASKS, TIMES = 6, 6, 25


def test_threads_and_tasks_lose_no_update_and_see_no_half(tmp_path: Path) -> None:
    halves: Counter[str] = Counter()
    with State(tmp_path / "state.sqlite") as state:

        def by_thread(number: int) -> None:
            for turn in range(TIMES):
                with state(*((Left, Right) if turn % 2 else (Right, Left))) as held:
                    left, right = held.checkout(Left), held.checkout(Right)
                    left.count += 1
                    left.total += number
                    right.count += 1
                    right.total -= number
                    held.commit(left, right)
                seen = state.checkout(Left)
                halves["count"] += seen.count == 0

        async def by_task(number: int) -> None:
            for _ in range(TIMES):
                async with state(Left, Right) as held:
                    left, right = held.checkout(Left), held.checkout(Right)
                    if left.total != -right.total or left.count != right.count:
                        halves["pair"] += 1
                    await asyncio.sleep(0)
                    left.count += 1
                    right.count += 1
                    await held.commit(left, right)

        async def all_tasks() -> None:
            await asyncio.gather(*(by_task(number) for number in range(TASKS)))

        threads = [threading.Thread(target=by_thread, args=(n,)) for n in range(1, THREADS + 1)]
        for thread in threads:
            thread.start()
        asyncio.run(all_tasks())
        for thread in threads:
            thread.join()
        left, right = state.checkout(Left), state.checkout(Right)
    assert not +halves
    assert left.count == right.count == (THREADS + TASKS) * TIMES
    assert left.total == -right.total == TIMES * sum(range(1, THREADS + 1))
    with State(tmp_path / "state.sqlite") as state:
        assert (state.checkout(Left), state.checkout(Right)) == (left, right)


KILLED = """
import os, sys, threading
from tests_model import Left, Right
from myocan.hub import State

def say(who, count):
    os.write(1, f"{who} {count}\\n".encode())

def alone(state, key):
    while True:
        count = state.checkout(Left, key).count + 1
        state.update(Left, key, count=count)
        say(key, count)

with State(sys.argv[1]) as state:
    for key in ("a", "b", "c"):
        threading.Thread(target=alone, args=(state, key), daemon=True).start()
    while True:
        with state(Left, Right) as held:
            left, right = held.checkout(Left), held.checkout(Right)
            left.count += 1
            right.count += 1
            held.commit(left, right)
        say("pair", left.count)
"""


def test_what_was_told_as_committed_outlives_a_kill(tmp_path: Path) -> None:
    (tmp_path / "tests_model.py").write_text(
        "from myocan.hub import StateModel\n"
        "class Left(StateModel):\n    count: int = 0\n"
        "class Right(StateModel):\n    count: int = 0\n"
    )
    (tmp_path / "killed.py").write_text(KILLED)
    path = tmp_path / "state.sqlite"
    last: dict[str, int] = {}
    for times in (5, 60):
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "killed.py"), str(path)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(tmp_path)])},
        )
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(times)]
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        told: dict[str, list[int]] = {}
        for line in said:
            who, count = line.split()
            told.setdefault(who, []).append(int(count))
        with Reader(path) as reader:
            values = {
                key or "pair": int(reader.value("live", "left", "count", key) or 0)
                for key in ("", "a", "b", "c")
            }
            assert values["pair"] == int(reader.value("live", "right", "count") or 0)
        for who, counts in told.items():
            first = last.get(who, 0) + 1
            assert counts == list(range(first, first + len(counts)))
            assert counts[-1] <= values[who] <= counts[-1] + 1
        last = values


class Lives(RuleBasedStateMachine):
    """A state through commits, refusals and restarts, against a dict."""

    folder: Path

    @initialize()
    def begin(self) -> None:
        self.state = State()
        self.truth = {"level": Decimal("0.0"), "pump": False}
        self.copies: list[tuple[Tank, dict[str, object], int]] = []
        self.changed_at = dict.fromkeys(self.truth, 0)
        self.version = 0
        self.told: list[Tank] = []
        self.state.subscribe(Tank, lambda changed: self.told.append(changed.new))

    @rule()
    def check_out(self) -> None:
        self.copies.append((self.state.checkout(Tank), dict(self.truth), self.version))

    @rule(level=st.decimals(0, 10, places=1), which=st.integers(0, 3))
    def set_level(self, level: Decimal, which: int) -> None:
        if self.copies:
            self.copies[which % len(self.copies)][0].level = level

    @rule(pump=st.booleans(), which=st.integers(0, 3))
    def set_pump(self, pump: bool, which: int) -> None:
        if self.copies:
            self.copies[which % len(self.copies)][0].pump = pump

    @rule(which=st.integers(0, 3), merge=st.booleans())
    def commit(self, which: int, merge: bool) -> None:
        if not self.copies:
            return
        copy, base, version = self.copies.pop(which % len(self.copies))
        wanted = {"level": copy.level, "pump": copy.pump}
        changed = [name for name in wanted if wanted[name] != base[name]]
        after = {**self.truth, **{name: wanted[name] for name in changed}}
        stale = version != self.version and bool(changed)
        overtaken = any(self.changed_at[name] > version for name in changed)
        differs = [name for name in after if after[name] != self.truth[name]]
        try:
            self.state.commit(copy, merge=merge)
        except StaleCheckout:
            assert stale
            assert overtaken or not merge
            return
        except CommitRejected:
            assert after["pump"]
            assert after["level"] > 9
            return
        assert not (stale and (overtaken or not merge))
        if differs:
            assert not (after["pump"] and after["level"] > 9)
            self.version += 1
            self.changed_at.update(dict.fromkeys(differs, self.version))
        self.truth = after

    @invariant()
    def holds(self) -> None:
        if hasattr(self, "truth"):
            now = self.state.checkout(Tank)
            assert {"level": now.level, "pump": now.pump} == self.truth

    def teardown(self) -> None:
        if hasattr(self, "state"):
            assert self.state.settle()
            assert len(self.told) == self.version
            self.state.close()


TestLives = Lives.TestCase
TestLives.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
