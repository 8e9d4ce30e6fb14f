"""Computing a log again: how many messages a second, and how soon a question about it is answered.

The decision it informs: whether `myocan replay` may go message by message through the reader and
the core, or needs a way of its own (goal: a million messages a second, a question about a million
rows under a second).

    scan     reading the rows with SQLite, nothing else: the limit
    entries  reading them as messages with what they changed
    replay   that, running what came from outside again, and comparing
    why      explaining the newest action, in milliseconds

Half of the messages are presses, half what their lamps say; --rows of them, --lamps lamps.

    python tools/bench/replay.py [--rows 200000] [--lamps 100] [--rounds 3] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from myocan.hub.core import COMPILED, Program
from myocan.hub.history import explain, replay
from myocan.hub.lang import compile_module
from myocan.hub.store import LogRow, Reader, Store

LAMP = """MODULE {name}
SUBSCRIBE {button}.press
PUBLIC state {{off,on}}
ON {button}.press
  THEN next(state)
"""
PIECE = 10_000
START_MS = 1_800_000_000_000


@cache
def program(name: str, text: str) -> Program | None:
    return compile_module(text, name).program


def log_rows(store: Store, lamps: int) -> Iterator[LogRow]:
    """Yield rows as the hub writes them: the rules, then presses of one lamp after the other."""
    board = store.producer_id("porch")
    deploy = store.producer_id("deploy")
    names = []
    for lamp in range(lamps):
        name, button = f"lamp{lamp}", f"b{lamp}"
        text = json.dumps(LAMP.format(name=name, button=button))
        code = store.name_id(name, "%%code%%")
        changes = f"[{code},{text}]"
        yield lamp + 1, START_MS, code, text, deploy, None, None, None, changes
        names.append(
            (
                store.name_id(button, "press"),
                store.name_id(name, f"{button}.press"),
                store.name_id(name, "state"),
                store.producer_id(name),
            )
        )
    offset, now, turn = lamps + 1, START_MS, 0
    pressed: set[int] = set()
    while True:
        for lamp, (press, heard, state, producer) in enumerate(names):
            value = '"off"' if turn % 2 else '"on"'
            first = lamp not in pressed
            pressed.add(lamp)
            changed = [f"{heard},null"] if first else []
            changed.append(f"{state},{value}")
            yield offset, now, press, "null", board, None, None, now, f"[{','.join(changed)}]"
            yield offset + 1, now, state, value, producer, offset, 5, None, None
            offset += 2
            now += 20
        turn += 1


def timed(run: Callable[[], object]) -> float:
    begun = time.perf_counter()
    run()
    return time.perf_counter() - begun


def scan(path: Path) -> int:
    database = sqlite3.connect(path)
    rows = database.execute('SELECT * FROM log_1 ORDER BY "offset"')
    count = sum(1 for _ in rows)
    database.close()
    return count


def measure(path: Path, rows: int, lamps: int, rounds: int) -> dict[str, Any]:
    with Store.open(path) as store:
        store.begin_incarnation(note="bench")
        made = islice(log_rows(store, lamps), rows)
        while piece := list(islice(made, PIECE)):
            store.append("live", piece)
    found: dict[str, list[float]] = {"scan": [], "entries": [], "replay": [], "why": []}
    with Reader(path) as reader:
        newest = reader.newest()

        def again() -> None:
            result = replay(reader.entries(), program)
            assert result.equal, result.differences[:3]

        for turn in range(rounds + 1):
            took = {
                "scan": timed(lambda: scan(path)),
                "entries": timed(lambda: sum(1 for _ in reader.entries())),
                "replay": timed(again),
                "why": timed(lambda: explain(reader, "live", newest)),
            }
            for name, seconds in took.items() if turn else ():
                found[name].append(seconds)
    median = {name: statistics.median(values) for name, values in found.items()}
    rates = {f"{name}_per_s": rows / median[name] for name in ("scan", "entries", "replay")}
    return {"rows": rows, **rates, "why_ms": median["why"] * 1000}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000, help="messages in the log")
    parser.add_argument("--lamps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    given = parser.parse_args()
    if given.quick:
        given.rows, given.lamps, given.rounds = 1000, 10, 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.sqlite"
        found = measure(path, given.rows, given.lamps, given.rounds)
    build = "compiled" if COMPILED else "pure"
    if given.json:
        print(json.dumps({"core": build, "rounds": given.rounds, **found}))
        return
    print(f"core: {build}; {found['rows']:,} messages, median of {given.rounds} rounds")
    for name in ("scan", "entries", "replay"):
        print(f"{name:8}{found[f'{name}_per_s']:13,.0f} messages/s")
    print(f"{'why':8}{found['why_ms']:13,.1f} ms")


if __name__ == "__main__":
    main()
