"""How fast state models are checked out and committed.

The decisions it informs:

- Whether a commit may wait for the disk, and validation be pydantic's: told by the rate against
  the same without a disk, and against the limit, SQLite alone that syncs each commit.
- Whether threads that commit at the same time share a sync: told by eight threads against one.
- How long the thread of a subscriber rests: told by the rate with one against that without.

The peer is myosin, whose idea it is, if it is installed (`pip install myosin`): with a cache file
and one subscriber, without the file, and without both. There is no running loop of asyncio, so that
it tells its subscriber before the commit returns; with one it would only make a task, and what that
costs would not be seen.

    python tools/bench/state.py [--rounds 3] [--seconds 1] [--folder DIR] [--json]

A round measures everything once, one after the other; the table shows medians over the rounds.
`--folder` says which disk. On a machine that does other things, too, many short rounds tell more
than few long ones: `--rounds 40 --seconds 0.1`.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import os
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from myocan.hub import State, StateModel, field

THREADS = 8


class Pump(StateModel):
    """What is committed: one number, another each time."""

    speed: int = field(default=0, ge=0)


def per_second(commit: Callable[[int], None], seconds: float) -> float:
    """Return how often `commit` can be called in a second."""
    end = time.perf_counter() + seconds
    began, count = time.perf_counter(), 0
    while time.perf_counter() < end:
        count += 1
        commit(count)
    return count / (time.perf_counter() - began)


def ours(path: Path | None, seconds: float, threads: int = 1, subscriber: bool = True) -> float:
    """Check out, set, commit; on the disk when that returns, if there is a path."""
    state = State(path)
    if subscriber:
        state.subscribe(Pump, lambda changed: None)

    def commit(number: int) -> None:
        with state(Pump) as held:
            pump = held.checkout(Pump)
            pump.speed = number
            held.commit(pump)

    def update(number: int) -> None:
        state.update(Pump, speed=number * THREADS)

    if threads == 1:
        rate = per_second(commit, seconds)
    else:
        rates: list[float] = []
        workers = [
            threading.Thread(target=lambda: rates.append(per_second(update, seconds)))
            for _ in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        rate = sum(rates)
    state.close()
    return rate


def bare(path: Path, seconds: float) -> float:
    """SQLite alone: a row inserted and synced."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE log (at INTEGER PRIMARY KEY, value TEXT)")

    def commit(number: int) -> None:
        db.execute("BEGIN IMMEDIATE")
        db.execute("INSERT INTO log VALUES (?, ?)", (number, str(number)))
        db.execute("COMMIT")

    rate = per_second(commit, seconds)
    db.close()
    return rate


def myosin(folder: Path | None, seconds: float, subscriber: bool = True) -> float:
    """The same with myosin; with a folder: cached there."""
    os.environ["MYOSIN_CACHE_BASE_PATH"] = str(folder or "")
    import myosin as library

    logging.getLogger("myosin").setLevel(logging.ERROR)

    class Peer(library.StateModel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__("pump")
            self.speed = 0

        def serialize(self) -> dict[str, Any]:
            return {"id": self.id, "speed": self.speed}

        def deserialize(self, **values: Any) -> None:
            self.speed = values.get("speed", 0)

    with library.State() as state:
        state.load(Peer())
    if subscriber:

        async def hear(_: Any) -> None: ...

        with library.State(Peer) as state:
            state.subscribe(Peer, hear)

    def commit(number: int) -> None:
        with library.State(Peer) as state:
            pump = state.checkout(Peer)
            pump.speed = number
            state.commit(pump, cache=folder is not None)

    return per_second(commit, seconds)


def measure(folder: Path, seconds: float) -> dict[str, float]:
    """One round: rate by who."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        rates = {
            "ours, file": ours(place / "one.sqlite", seconds),
            "ours, file, no subscriber": ours(place / "alone.sqlite", seconds, subscriber=False),
            "ours, file, 8 threads": ours(place / "many.sqlite", seconds, THREADS),
            "SQLite alone, file": bare(place / "bare.sqlite", seconds),
            "ours, memory": ours(None, seconds),
            "ours, memory, no subscriber": ours(None, seconds, subscriber=False),
        }
        if importlib.util.find_spec("myosin") is not None:
            rates["myosin, cached"] = myosin(place, seconds)
            rates["myosin, not cached"] = myosin(None, seconds)
            rates["myosin, not cached, no subscriber"] = myosin(None, seconds, subscriber=False)
        return rates


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    options = parser.parse_args()
    rounds, seconds = (1, 0.05) if options.quick else (options.rounds, options.seconds)
    found = [measure(options.folder, seconds) for _ in range(rounds)]
    rates = {who: statistics.median(one[who] for one in found) for who in found[0]}
    if options.json:
        print(json.dumps({"rounds": rounds, "seconds": seconds, "commits_per_second": rates}))
        return
    print(f"check-outs with commit, a second; medians of {rounds} rounds")
    for who, rate in rates.items():
        print(f"  {who:<34} {rate:>10,.0f}")
    if "myosin, cached" not in rates:
        print("  myosin is not installed, so there is no peer: pip install myosin")


if __name__ == "__main__":
    main()
