"""A house with very many instances: what the hub takes to start, to go on, and in memory.

The decision it informs: whether instances that nobody speaks to may stay in the store, how many
are kept in memory, and what a message for one that is not costs. The goal: a million instances in
under 512 MB, and a start that does not load them.

Each row is a house with so many instances of one module (three keyed variables, and a timer that
runs in one of ten), as a hub leaves it that is stopped in good order. The hub is started with the
broker of an empty house, so it says all values again; then a board speaks to --touched of them,
chosen at random, one after the other and each acknowledged when it is on the disk.

    ready       from exec to the line that says so, in seconds
    start       resident memory then, in MB
    touched     resident memory when all those were spoken to
    ms          from a message to its acknowledgement, the median
    said        resident memory when all values were said to the broker
    busy        processor time of the hub up to there, in seconds

    python tools/bench/crowd.py [--instances 1000,100000,1000000] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lamp import a_broker
from load import Connection, _publish, _text, processor_s, resident_mb

from myocan.hub.bus import parse_url
from myocan.hub.core import COMPILED
from myocan.hub.store import LogRow, Store

MODE = "live"
MODULE = """MODULE room[location]
SUBSCRIBE event[location] {toggle}
SUBSCRIBE allOff
PUBLIC state[location] {off,on}
PRIVATE presses[location] 0
PRIVATE last[location] ""
TIMER off[location] 5 minutes
ON event.toggle
  THEN next(state[location])
  THEN presses[location]++
  THEN start(off[location])
ON off
  THEN state[location].off
"""
PIECE = 50_000
TIMED = 10
"""One instance of so many has a timer that runs."""
LATER_MS = 24 * 3_600_000
PATIENCE_S = 600.0
QUIET_S = 1.0


def make_house(folder: Path, url: str) -> Path:
    """Write a house with one keyed module that uses the broker."""
    (folder / "modules").mkdir(parents=True, exist_ok=True)
    (folder / "myocan.toml").write_text(
        f'domain = "home"\n[broker]\nurl = "{url}"\n[boards]\naccept_unknown = true\n'
    )
    (folder / "modules" / "room.scc").write_text(MODULE)
    return folder


def key_of(number: int) -> str:
    return f"room {number:07d}"


def grow(path: Path, count: int) -> None:
    """Let `count` instances be born and be toggled once, as the hub writes it."""
    with Store.open(path) as store:
        store.begin_incarnation(note="benchmark")
        now = time.time_ns() // 1_000_000
        board, module = store.producer_id("p00"), store.producer_id("room")
        offset = store.next_offset(MODE)
        for start in range(0, count, PIECE):
            rows: list[LogRow] = []
            changed: dict[int, str | None] = {}
            for number in range(start, min(count, start + PIECE)):
                key = key_of(number)
                born, event, state, presses, off = (
                    store.name_id("room", name, key)
                    for name in ("$instances", "event", "state", "presses", "off")
                )
                due = now + LATER_MS if number % TIMED == 0 else 0
                values = f'[{state},"on",{presses},1,{off},{due}]'
                rows += [
                    (offset, now, born, "true", board, None, None, now, f"[{born},true]"),
                    (offset + 1, now, event, '"toggle"', board, None, None, now, values),
                    (offset + 2, now, state, '"on"', module, offset + 1, 7, None, None),
                ]
                offset += 3
                changed |= {born: "true", state: '"on"', presses: "1", off: str(due)}
            store.append(MODE, rows, released=offset - 1)
            store.checkpoint(MODE, offset - 1, changed)


@contextmanager
def started(house: Path) -> Iterator[tuple[int, float]]:
    """Run the hub; give its process id and how long it took to be ready, in seconds."""
    command = [sys.executable, "-m", "myocan.tools.cli", "run", str(house), "--json"]
    said = house / "said"
    with said.open("wb") as errors:
        begun = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as hub:
            try:
                assert hub.stdout is not None
                if not hub.stdout.readline():
                    raise SystemExit(f"the hub does not start: {said.read_text()[-2000:]}")
                yield hub.pid, time.perf_counter() - begun
            finally:
                hub.terminate()


def touch(url: str, keys: list[str]) -> list[float]:
    """Speak to these instances one after the other; return the times in ms."""
    connection = Connection(parse_url(url), "bench-board")
    connection.subscribe(("mc1/$board/home/p00/ack", 0))
    connection.socket.settimeout(PATIENCE_S)
    boot = int.from_bytes(os.urandom(4), "big") >> 1
    base = _publish(_text("mc1/$board/home/p00/base"), b"[%d,1,0]" % boot, 0, 0)
    connection.socket.sendall(base)
    took = []
    for seq, key in enumerate(keys, 1):
        topic = _text(f"mc1/$board/home/p00/up/room/event/{key}")
        begun = time.perf_counter()
        stamp = time.time_ns() // 1_000_000
        payload = b'["toggle",%d,%d,%d]' % (seq, stamp, boot)
        connection.socket.sendall(_publish(topic, payload, 0, 0))
        expected = b"[%d,%d," % (boot, seq)
        rest = b""
        while expected not in rest:
            rest = rest[-200:] + connection.socket.recv(1 << 16)
        took.append((time.perf_counter() - begun) * 1e3)
    connection.close()
    return took


def wait_until_quiet(pid: int) -> float:
    """Wait until the hub has nothing to do; return the most memory that was seen, in MB."""
    most = resident_mb(pid)
    end = time.perf_counter() + PATIENCE_S
    while time.perf_counter() < end:
        before = processor_s(pid)
        time.sleep(QUIET_S)
        most = max(most, resident_mb(pid))
        if processor_s(pid) - before < 0.05 * QUIET_S:
            break
    return most


def measure(count: int, touched: int, directory: Path | None) -> dict[str, float]:
    """Return the row of the table for this many instances."""
    with tempfile.TemporaryDirectory(dir=directory) as name:
        folder = Path(name)
        house = make_house(folder / "house", "")
        with a_broker(folder) as url:
            make_house(house, url)
            with started(house):  # the log has the module's text now
                pass
        grow(house / ".myocan" / "store.sqlite", count)
        keys = [key_of(number) for number in random.Random(count).choices(range(count), k=touched)]
        with a_broker(folder) as url:  # a new one, that retains nothing
            make_house(house, url)
            with started(house) as (pid, ready):
                start = resident_mb(pid)
                took = touch(url, keys)
                after = resident_mb(pid)
                said = wait_until_quiet(pid)
                busy = processor_s(pid)
    return {
        "instances": count,
        "ready_s": ready,
        "start_mb": start,
        "touched_mb": after,
        "ms": statistics.median(took),
        "said_mb": said,
        "busy_s": busy,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--instances", default="1000,100000,1000000", help="how many, a row each")
    parser.add_argument("--touched", type=int, default=1000, help="instances that are spoken to")
    parser.add_argument("--directory", type=Path, help="where the store goes: a real disk")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    given = parser.parse_args()
    if given.quick:
        given.instances, given.touched = "50", 20
    counts = [int(count) for count in given.instances.split(",")]
    rows = [measure(count, given.touched, given.directory) for count in counts]
    core = "compiled" if COMPILED else "pure"
    if given.json:
        print(json.dumps({"core": core, "touched": given.touched, "rows": rows}))
        return
    print(f"core: {core}")
    print("".join(f"{name:>12}" for name in rows[0]))
    for row in rows:
        print("".join(f"{value:12,.2f}" for value in row.values()))


if __name__ == "__main__":
    main()
