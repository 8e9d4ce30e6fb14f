"""Instances of one keyed module: what each costs in memory, and what a message for one takes.

The decision it informs: whether instances stay in the core's memory as plain integers (a window of
slots that shows one at a time), and from how many on the hub must keep the cold ones elsewhere
(goal: a million under 512 MB).

    alive      instances there are
    bytes      memory of the process for each, key included, once it has been toggled
    birth      letting it be born
    cycle      a toggle of one of them, at random
    broadcast  one message for all, per instance
    script     the same toggle in plain Python: a dict of dicts, no log, no undo, no types

    python tools/bench/instances.py [--most 100000] [--json] [--quick]

Each count is measured in a process of its own, since memory that was freed would count as well.
Processor time, garbage collection off.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import time
from array import array
from collections.abc import Callable
from pathlib import Path

from myocan.hub.core import COMPILED, Core, Tag
from myocan.hub.lang import compile_module

LAMP = """MODULE lamp[location]
  SUBSCRIBE event[location] {toggle}
  SUBSCRIBE allOff
  PUBLIC state[location] {off,on}
  TIMER off[location] 5 minutes
  ON event.toggle
    THEN next(state[location])
  ON allOff
    THEN state[location].off
  ON off
    THEN state[location].off
"""
BATCH = 10_000
ROUNDS = 5
NOT_KEYED = array("q", (-1,))


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def timed(run: Callable[[], object], count: int) -> float:
    """Return nanoseconds of processor time for each of `count`."""
    begun = time.process_time_ns()
    run()
    return (time.process_time_ns() - begun) / count


def measure(alive: int) -> dict[str, float]:
    """Return a row of the table for this many instances."""
    gc.disable()
    compiled = compile_module(LAMP, "lamp").program
    assert compiled is not None
    core = Core()
    core.link([compiled])
    core.run(*(array("q", cells) for cells in ([0], [Tag.TEXT], [0])))
    before = resident_bytes()
    keys = [f"room {number:07d}" for number in range(alive)]
    birth_topic = core.topic(("", "lamp", "$instances"))
    numbers = array("q", map(core.intern, keys))

    def bear() -> None:
        for start in range(0, alive, BATCH):
            part = numbers[start : start + BATCH]
            topics = array("q", [birth_topic]) * len(part)
            yes = array("q", [Tag.BOOL]) * len(part), array("q", [1]) * len(part)
            core.run(topics, *yes, 1000, part)

    birth = timed(bear, alive)
    toggle = array("q", [core.topic(("", "lamp", "event"))]) * BATCH
    tags = array("q", [Tag.TEXT]) * BATCH
    values = array("q", [core.intern("toggle")]) * BATCH
    for start in range(0, alive, BATCH):
        part = numbers[start : start + BATCH]
        core.run(toggle[: len(part)], tags[: len(part)], values[: len(part)], 1000, part)
    size = (resident_bytes() - before) / alive
    rng = random.Random(alive)
    hit = array("q", (rng.choice(numbers) for _ in range(BATCH)))
    states = {number: {"state": "off"} for number in numbers}

    def script() -> None:
        out = []
        for number in hit:
            state = states[number]
            state["state"] = "off" if state["state"] == "on" else "on"
            out.append((number, state["state"]))

    cycles = [
        timed(lambda: core.run(toggle, tags, values, 1000, hit), BATCH) for _ in range(ROUNDS)
    ]
    scripts = [timed(script, BATCH) for _ in range(ROUNDS)]
    all_off = array("q", [core.topic(("", "lamp", "alloff"))])
    nothing = array("q", [Tag.NULL]), array("q", [0])
    everyone = timed(lambda: core.run(all_off, *nothing, 1000, NOT_KEYED), alive)
    return {
        "alive": alive,
        "bytes": size,
        "birth": birth,
        "cycle": sorted(cycles)[ROUNDS // 2],
        "broadcast": everyone,
        "script": sorted(scripts)[ROUNDS // 2],
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--most", type=int, default=100_000, help="instances of the largest count")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        print(json.dumps(measure(given.only)))
        return
    counts = [100] if given.quick else sorted({100, 10_000, given.most})
    rows = []
    for count in counts:
        command = [sys.executable, __file__, "--only", str(count)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout))
    build = "compiled" if COMPILED else "pure"
    if given.json:
        print(json.dumps({"unit": "ns", "core": build, "rows": rows}))
        return
    print(f"core: {build}; nanoseconds, but bytes")
    print("".join(f"{name:>11}" for name in rows[0]))
    for row in rows:
        print("".join(f"{value:11,.0f}" for value in row.values()))


if __name__ == "__main__":
    main()
