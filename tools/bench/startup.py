"""From the start of the hub to its first message: how long, and in how much memory.

The decision it informs: how often a checkpoint is due, what may be imported at the start, and
whether programs must be kept compiled. The goal: under 0.7 s with a million rows in the log.

Each row starts `myocan run` on a house of --lamps lamps: `new` without a store, so that all modules
are compiled; then with a log of so many rows (half of them presses, half lamps), as a hub leaves it
that is stopped in good order; `killed` is the longest of them as the worst kill leaves it: 50,000
messages, the most that the agent lets pass, after the last checkpoint. A board presses as soon as
the hub says that it is ready.

    ready       from exec to the line that says so
    first       from exec to the first lamp
    imports     what Python and the imports of the hub take of that, measured beside it
    resident    memory after the first message

    python tools/bench/startup.py [--rounds 3] [--rows 100000,1000000] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from lamp import a_broker, make_house
from load import LAMPS, Load, resident_mb

from myocan.hub.bus import parse_url
from myocan.hub.core import COMPILED
from myocan.hub.store import LogRow, Store

MODE = "live"
TAIL = 50_000
PIECE = 10_000
IMPORTS = (
    "import myocan.tools.cli, myocan.hub.agent, myocan.hub.lang, myocan.hub.house, paho.mqtt.client"
)


def log_rows(store: Store, first: int, lamps: int) -> Iterator[LogRow]:
    """Rows as the hub writes them for presses of one lamp after the other, without end."""
    now = time.time_ns() // 1_000_000
    board = store.producer_id("p00")
    names = [
        (
            store.name_id(f"b{lamp:02}", "press"),
            store.name_id(f"lamp{lamp:02}", "state"),
            store.producer_id(f"lamp{lamp:02}"),
        )
        for lamp in range(lamps)
    ]
    lit = [False] * lamps
    offset, turn = first, 0
    while True:
        lamp = turn % lamps
        press, state, module = names[lamp]
        lit[lamp] = not lit[lamp]
        value = '"on"' if lit[lamp] else '"off"'
        yield offset, now, press, "null", board, None, None, now, f"[{state},{value}]"
        yield offset + 1, now, state, value, module, offset, 5, None, None
        offset += 2
        turn += 1


def grow(path: Path, rows: int, lamps: int, checkpoint: bool) -> None:
    """Make a log longer by `rows` rows, and leave it with a checkpoint as of its end or without."""
    with Store.open(path) as store:
        store.begin_incarnation(note="benchmark")
        source = log_rows(store, store.next_offset(MODE), lamps)
        last: dict[int, str | None] = {}
        for start in range(0, rows, PIECE):
            piece = list(islice(source, min(PIECE, rows - start)))
            store.append(MODE, piece, released=piece[-1][0])
            last.update((row[2], row[3]) for row in piece if row[6] is not None)
        if checkpoint:
            store.checkpoint(MODE, store.next_offset(MODE) - 1, last)


def imports_s() -> float:
    """Return how long Python takes to start and to import the hub, in seconds."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", IMPORTS], check=True)
    return time.perf_counter() - begun


def start_once(house: Path, url: str, lamps: int, known: bool) -> dict[str, float]:
    """Start the hub, press until a lamp answers, end it; return one row of one round."""
    command = [sys.executable, "-m", "myocan.tools.cli", "run", str(house), "--json"]
    said = house / "said"
    with said.open("wb") as errors:
        begun = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as hub:
            try:
                assert hub.stdout is not None
                if not hub.stdout.readline():
                    raise SystemExit(f"the hub does not start: {said.read_text()[-2000:]}")
                ready = time.perf_counter()
                load = Load(parse_url(url), 0, 1, lamps)
                try:
                    first = load.first(known)
                finally:
                    load.close()
                resident = resident_mb(hub.pid)
            finally:
                hub.terminate()
    return {"ready_s": ready - begun, "first_s": first - begun, "resident_mb": resident}


def run(
    rounds: int, sizes: list[int], lamps: int, directory: Path | None
) -> dict[str, dict[str, float]]:
    """Measure all in turns, each round with a house of its own; return name -> medians."""
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=directory) as name:
            folder = Path(name)
            store = make_house(folder / "house", "", lamps) / ".myocan" / "store.sqlite"
            imports = imports_s()
            rows = 0
            for case in ["new", *sizes, "killed"]:
                if case == "killed":
                    grow(store, min(TAIL, rows // 2), lamps, checkpoint=False)
                elif isinstance(case, int):
                    grow(store, case - rows, lamps, checkpoint=True)
                    rows = case
                with a_broker(folder) as url:  # a new one, that retains nothing
                    make_house(folder / "house", url, lamps)
                    row = start_once(folder / "house", url, lamps, rows > 0)
                found.setdefault(str(case), []).append({**row, "imports_s": imports})
    return {
        case: {key: statistics.median(row[key] for row in rows) for key in rows[0]}
        for case, rows in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", default="100000,1000000", help="lengths of the log")
    parser.add_argument("--lamps", type=int, default=LAMPS, help="1 to 100, a module each")
    parser.add_argument("--directory", type=Path, help="where the log goes: a real disk")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.rows, given.lamps = 1, "1000", 5
    sizes = [int(rows) for rows in given.rows.split(",")]
    result = run(given.rounds, sizes, given.lamps, given.directory)
    if given.json:
        core = "compiled" if COMPILED else "pure"
        document: dict[str, Any] = {
            "rounds": given.rounds,
            "core": core,
            "lamps": given.lamps,
            "cases": result,
        }
        print(json.dumps(document))
        return
    print(f"{'log, rows':>15}{'ready s':>9}{'first s':>9}{'imports s':>11}{'MB':>7}")
    for case, row in result.items():
        print(
            f"{case:>15}{row['ready_s']:9.2f}{row['first_s']:9.2f}{row['imports_s']:11.2f}"
            f"{row['resident_mb']:7.1f}"
        )


if __name__ == "__main__":
    main()
