"""Modules in Python: what a message to one takes, against a rule that does the same.

The decision it informs: whether the methods of such modules may run in the cycle itself, one after
the other, rather than in processes of their own (goal: below 100 µs, so that a thousand messages a
second leave nine tenths of a processor to everything else), and whether their loops may be counted
in the text (`steps`), rather than by a tracing interpreter.

    rule     a message whose rule counts it and turns a lamp over
    python   the same, by a method
    steps    a message whose method goes through a loop 1,000 times, for each round
    bare     such a loop in plain Python, not counted

    python tools/bench/python_modules.py [--json] [--quick]

Processor time, best of several rounds, in turns.
"""

from __future__ import annotations

import argparse
import json
import time
from array import array

from myocan.hub.core import COMPILED, Core, Tag
from myocan.hub.lang import compile_module

RULE = """MODULE lamp
  SUBSCRIBE button1.press
  PUBLIC state {off, on}
  PUBLIC presses 0
  ON button1.press
    THEN presses++
    THEN next(state)
"""
HEAD = """
from typing import Literal
from myocan.hub import Module, on

class Lamp(Module):
    state: Literal["off", "on"] = "off"
    presses: int = 0

    @on("button1.press")
    def pressed(self):
"""
METHOD = f"""{HEAD}
        self.presses += 1
        self.state = "off" if self.state == "on" else "on"
"""
LOOP = f"""{HEAD}
        total = 0
        for number in range(1000):
            total += number
"""


def core_of(text: str) -> Core:
    program = compile_module(text, "lamp").program
    assert program is not None
    core = Core()
    core.link([program])
    return core


def seconds(core: Core, count: int) -> float:
    """Return the processor time of a message."""
    topics = array("q", [core.topic(("", "button1", "press"))] * count)
    tags, values = array("q", [int(Tag.NULL)] * count), array("q", [0] * count)
    start = time.process_time()
    core.run(topics, tags, values)
    return (time.process_time() - start) / count


def bare(count: int) -> float:
    """Return the processor time of a plain loop of 1,000 rounds."""
    start = time.process_time()
    for _ in range(count):
        total = 0
        for number in range(1000):
            total += number
    return (time.process_time() - start) / count


def measured(count: int, rounds: int) -> dict[str, float]:
    """Return microseconds, by what they are of."""
    rule, method, loop = core_of(RULE), core_of(METHOD), core_of(LOOP)
    best = dict.fromkeys(("rule", "python", "steps", "bare"), 1e9)
    few = max(1, count // 20)
    for _ in range(rounds):
        for name, took in (
            ("rule", seconds(rule, count)),
            ("python", seconds(method, count)),
            ("steps", seconds(loop, few) / 1000),
            ("bare", bare(few) / 1000),
        ):
            best[name] = min(best[name], took * 1e6)
    return {name: round(took, 3) for name, took in best.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description="What modules in Python take.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    options = parser.parse_args()
    found = measured(50, 1) if options.quick else measured(5000, 7)
    if options.json:
        print(json.dumps({"compiled": COMPILED, **found}))
        return
    print(f"{'compiled' if COMPILED else 'pure'} core, µs of processor time")
    for name, took in found.items():
        print(f"  {name:<8}{took:10.3f}")


if __name__ == "__main__":
    main()
