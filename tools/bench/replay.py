"""Computing a log again: how many messages a second, and how soon a question about it is answered.

The decision it informs: whether replay needs another way to the rows than Python's sqlite3, and
whether questions need an index that every message would have to pay for (goal: a million messages a
second, a question about a million rows under a second).

    scan     reading the rows with SQLite, nothing else: the limit
    entries  reading them as messages with what they changed
    replay   running what came from outside again, and comparing all of it
    why      explaining the newest action, in milliseconds
    old      explaining what happened only once, when the log began
    not      telling what a lamp's rules made of the last three presses
    then     the same question, about the middle of the log

Half of the messages are presses, half what their lamps say; --rows of them, --lamps lamps. The
state is written down every 50,000 messages, as the hub does. Each question opens the store anew.

    python tools/bench/replay.py [--rows 1000000] [--lamps 100] [--rounds 3] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from myocan.hub.core import COMPILED, Program
from myocan.hub.history import explain, find, replay, why_not
from myocan.hub.history.past import Name
from myocan.hub.lang import compile_module
from myocan.hub.lang.schedules import Place
from myocan.hub.scenario import Cast
from myocan.hub.store import LogRow, Reader, Store
from myocan.hub.store.rows import apply

LAMP = """MODULE {name}
SUBSCRIBE {button}.press
PUBLIC state {{off,on}}
ON {button}.press
  THEN next(state)
"""
PIECE = 10_000
CHECKPOINT = 50_000
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


def fill(path: Path, rows: int, lamps: int) -> None:
    """Make a log of this many messages, with checkpoints."""
    with Store.open(path) as store:
        store.begin_incarnation(note="bench")
        made = islice(log_rows(store, lamps), rows)
        changed: dict[int, Any] = {}
        for count, row in enumerate(iter(lambda: list(islice(made, PIECE)), []), 1):
            store.append("live", row)
            for one in row:
                if one[-1] is not None:
                    apply(one[-1], changed)
            if not count * PIECE % CHECKPOINT:
                state = {name: bytes(value).decode() for name, value in changed.items()}
                store.checkpoint("live", row[-1][0], state)
                changed.clear()


def questions(path: Path, lamps: int) -> dict[str, Callable[[], object]]:
    """Return what is asked, each with a reader of its own."""
    lamp = f"lamp{lamps // 2}"
    state = (lamp, "state", "")

    def cast(programs: Mapping[str, Program], sources: Mapping[str, str]) -> Cast:
        return Cast(programs, Place(ZoneInfo("Europe/Vienna"), 48.2, 16.4), sources)

    def asked(question: Callable[[Reader, int], object]) -> Callable[[], object]:
        def ask() -> None:
            with Reader(path) as reader:
                assert question(reader, reader.newest())

        return ask

    def why(reader: Reader, name: Name) -> object:
        found = find(reader, "live", name)
        assert found is not None
        return explain(reader, "live", found.message.offset)

    return {
        "why": asked(lambda reader, newest: why(reader, state)),
        "old": asked(lambda reader, newest: why(reader, (lamp, f"b{lamps // 2}.press", ""))),
        "not": asked(lambda reader, newest: why_not(reader, "live", state, newest, program, cast)),
        "then": asked(
            lambda reader, newest: why_not(reader, "live", state, newest // 2, program, cast)
        ),
    }


def measure(path: Path, rows: int, lamps: int, rounds: int) -> dict[str, Any]:
    fill(path, rows, lamps)
    asked = questions(path, lamps)
    found: dict[str, list[float]] = defaultdict(list)
    with Reader(path) as reader:

        def again() -> None:
            result = replay(reader.entries(), program)
            assert result.equal, result.differences[:3]

        for turn in range(rounds + 1):
            took = {
                "scan": timed(lambda: scan(path)),
                "entries": timed(lambda: sum(1 for _ in reader.entries())),
                "replay": timed(again),
                **{name: timed(question) for name, question in asked.items()},
            }
            for name, seconds in took.items() if turn else ():
                found[name].append(seconds)
    median = {name: statistics.median(values) for name, values in found.items()}
    rates = {f"{name}_per_s": rows / median[name] for name in ("scan", "entries", "replay")}
    return {"rows": rows, **rates, **{f"{name}_ms": median[name] * 1000 for name in asked}}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="messages in the log")
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
    for name in ("why", "old", "not", "then"):
        print(f"{name:8}{found[f'{name}_ms']:13,.1f} ms")


if __name__ == "__main__":
    main()
