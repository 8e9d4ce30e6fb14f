"""Cycles in memory: how many, and what modules cost that are only loaded.

The decisions it informs: whether the core stays flat tables of integers in C, with rules as data
(goal: 5 million cycles/s compiled, 150,000 pure), and how those tables lie in memory (goal: with
100,000 modules loaded the same traffic is at most 2 times slower than with 100).

    lamp          a press toggles a lamp
    thermostat    a temperature is compared with setpoint - 0.50 and + 0.50; the heater goes on and
                  off between them
    loaded, hit   modules in the core, and how many of them the messages go to, at random
    script        the same in plain Python, a dict for each variable, no log, no undo, no types

    python tools/bench/core.py [--rounds 9] [--messages 20000] [--json] [--quick]

Batches of 10,000 messages as the hub's; one message is one cycle. Each round measures every cell
once, so that a busy moment hits all of them; the medians count. Processor time, garbage collection
off.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
import time
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from myocan.hub.core import COMPILED, Core, Program
from myocan.hub.lang import compile_module

LAMP = """MODULE lamp
SUBSCRIBE button.press
PUBLIC state {off,on}
ON button.press
  THEN next(state)
"""
THERMOSTAT = """MODULE thermostat
SUBSCRIBE sensor.temperature 0.00
PUBLIC heater {off,on}
PRIVATE setpoint 21.50
ON sensor.temperature
  AND sensor.temperature < setpoint - 0.50
  AND heater==off
  THEN heater=on
ON sensor.temperature
  AND sensor.temperature > setpoint + 0.50
  AND heater==on
  THEN heater=off
ON sensor.temperature
  THEN ignore
"""
RULES = {"lamp": LAMP, "thermostat": THERMOSTAT}
BATCH = 10_000
NULL = -1

Columns = tuple["array[int]", "array[int]", "array[int]"]
Cell = tuple[str, int, int]
"""(rule, modules loaded, modules hit)"""


def house(rule: str, count: int) -> list[Program]:
    """Return `count` modules of this rule, each with topics of its own, compiled once."""
    compiled = compile_module(RULES[rule], rule).program
    assert compiled is not None

    def numbered(number: int) -> Program:
        variables = tuple(
            v
            if v.topic is None
            else replace(v, topic=(v.topic[0], f"{v.topic[1]}{number}", v.topic[2]))
            for v in compiled.variables
        )
        return replace(compiled, module=f"{rule}{number}", variables=variables)

    return [numbered(number) for number in range(count)]


def traffic(core: Core, rule: str, hit: int, messages: int) -> list[Columns]:
    """Return batches of messages for `hit` of the modules, the same ones at each call."""
    rng = random.Random(rule)
    programs = rng.sample(core.programs, hit)
    topics = [core.topic(p.variables[0].topic) for p in programs if p.variables[0].topic]
    batches = []
    for start in range(0, messages, BATCH):
        count = min(BATCH, messages - start)
        column = array("q", (rng.choice(topics) for _ in range(count)))
        if rule == "lamp":
            batches.append((column, array("q", [NULL] * count), array("q", [0] * count)))
        else:
            warmth = array("q", (rng.randrange(200, 230) for _ in range(count)))
            batches.append((column, array("q", [1] * count), warmth))
    return batches


def runner(core: Core) -> Callable[[Columns], object]:
    return lambda columns: core.run(*columns)


def toggled_by_script(loaded: int) -> Callable[[Columns], None]:
    """Return what a script does with presses."""
    lamps = dict.fromkeys(range(loaded), "off")

    def take(columns: Columns) -> None:
        out = []
        for topic in columns[0]:
            state = lamps[topic] = "off" if lamps[topic] == "on" else "on"
            out.append((topic, state))

    return take


def heated_by_script(loaded: int) -> Callable[[Columns], None]:
    """Return what a script does with temperatures."""
    heaters = dict.fromkeys(range(loaded), "off")
    setpoints = dict.fromkeys(range(loaded), 21.5)

    def take(columns: Columns) -> None:
        out = []
        for topic, tenths in zip(columns[0], columns[2], strict=True):
            setpoint, warmth = setpoints[topic], tenths / 10
            if warmth < setpoint - 0.5 and heaters[topic] == "off":
                heaters[topic] = "on"
                out.append((topic, "on"))
            elif warmth > setpoint + 0.5 and heaters[topic] == "on":
                heaters[topic] = "off"
                out.append((topic, "off"))

    return take


SCRIPTS = {"lamp": toggled_by_script, "thermostat": heated_by_script}


def measure(rounds: int, messages: int, most: int) -> dict[str, Any]:
    """Return `link_s` (modules -> seconds) and `rows`: a dict for each cell, ns a cycle."""
    cells: list[Cell] = []
    runs: dict[tuple[Cell, str], tuple[Callable[[Columns], object], list[Columns]]] = {}
    link_s: dict[str, float] = {}
    for rule in RULES:
        for loaded in (1, 100, most):
            core = Core()
            programs = house(rule, loaded)
            begun = time.process_time()
            core.link(programs)
            link_s[f"{rule} {loaded}"] = time.process_time() - begun
            for hit in sorted({min(loaded, 100), loaded}):
                cell = (rule, loaded, hit)
                cells.append(cell)
                batches = traffic(core, rule, hit, messages)
                runs[cell, "core"] = (runner(core), batches)
                known = {topic: place for place, topic in enumerate(sorted(set(batches[0][0])))}
                scripted = [
                    (array("q", (known.setdefault(t, len(known)) for t in topics)), tags, values)
                    for topics, tags, values in batches
                ]
                runs[cell, "script"] = (SCRIPTS[rule](max(loaded, len(known))), scripted)
    took: dict[tuple[Cell, str], list[float]] = {key: [] for key in runs}
    for turn in range(rounds + 1):
        for key, (run, batches) in runs.items():
            begun = time.process_time_ns()
            for batch in batches:
                run(batch)
            spent = (time.process_time_ns() - begun) / messages
            if turn:  # the first only warms up
                took[key].append(spent)
    rows = [
        {
            "rule": cell[0],
            "loaded": cell[1],
            "hit": cell[2],
            **{who: statistics.median(took[cell, who]) for who in ("core", "script")},
        }
        for cell in cells
    ]
    return {"link_s": link_s, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--messages", type=int, default=20_000, help="in each cell of each round")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    given = parser.parse_args()
    most = 100_000
    if given.quick:
        given.rounds, given.messages, most = 1, 200, 1000
    gc.disable()
    found = measure(given.rounds, given.messages, most)
    build = "compiled" if COMPILED else "pure"
    if given.json:
        print(json.dumps({"unit": "ns", "rounds": given.rounds, "core": build, **found}))
        return
    print(f"core: {build}; median of {given.rounds} rounds")
    print(f"{'rule':12}{'loaded':>8}{'hit':>8}{'ns/cycle':>10}{'cycles/s':>13}{'script ns':>11}")
    for row in found["rows"]:
        print(
            f"{row['rule']:12}{row['loaded']:8,}{row['hit']:8,}{row['core']:10.0f}"
            f"{1e9 / row['core']:13,.0f}{row['script']:11.0f}"
        )
    for what, seconds in found["link_s"].items():
        print(f"link {what}: {seconds:.3f} s")


if __name__ == "__main__":
    main()
