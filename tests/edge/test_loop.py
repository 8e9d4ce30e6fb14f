"""The loop of a board: when its watchdog is fed, and when it starts again by itself."""

from __future__ import annotations

from collections.abc import Callable

RunOnBoard = Callable[..., str]

LOOP = """
import sys

class WDT:
    fed = 0
    def __init__(self, timeout):
        print("a watchdog of", timeout)
    def feed(self):
        WDT.fed += 1

class machine:
    pass

machine.WDT = WDT
machine.Pin = object
sys.modules["machine"] = machine
from myocan.edge import board
from myocan.edge.inlet import NOTHING_YET

class Clock:
    now = 5
board.ticks_ms = lambda: Clock.now

class Link:
    ready = False
    def wait(self, ms):
        Clock.now += 1000

class Outbox:
    held = 0
    def events(self):
        return self.held

class Inlet:
    mark, fallen = NOTHING_YET, False

class Network:
    told = set()
    def tell(self, now, useful):
        self.told.add(useful)

class Enough(Exception):
    pass

class Adapter:
    free = None
    heard = False
    def __init__(self):
        self.link, self.outbox, self.inlets, self.steps = Link(), Outbox(), [Inlet()], 0
        self.program = {}
    def step(self):
        self.steps += 1
        if self.steps in self.program:
            self.program[self.steps]()
        if self.steps > 4000:
            raise Enough
        return 1

def minutes(adapter):
    "After how many minutes the board starts again; None if it goes on for more than an hour."
    began = Clock.now
    try:
        board._loop(adapter, Network(), None)
    except Enough:
        return None
    return (Clock.now - began) // 60000
"""


def test_a_board_without_a_broker_starts_again_unless_that_loses_something(
    run_on_board: RunOnBoard,
) -> None:
    said = run_on_board(
        LOOP
        + """
adapter = Adapter()
print(minutes(adapter))
adapter.outbox.held = 1
print(minutes(adapter))
adapter = Adapter()
adapter.inlets[0].mark = (1, 1)
print(minutes(adapter))
adapter = Adapter()
adapter.inlets[0].mark = (1, 1)
adapter.inlets[0].fallen = True
print(minutes(adapter))
adapter = Adapter()
adapter.link.ready = True
print(minutes(adapter))
"""
    )
    lines = [line for line in said.splitlines() if "watchdog" not in line]
    assert lines == ["15", "None", "None", "15", "None"], (
        "nothing, an event, a value that is held, one that fell back, a broker"
    )


def test_every_turn_of_the_loop_feeds_the_watchdog_and_a_step_that_hangs_does_not(
    run_on_board: RunOnBoard,
) -> None:
    said = run_on_board(
        LOOP
        + """
adapter = Adapter()
def hang():
    before = WDT.fed
    for _ in range(1000):
        Clock.now += 1000
    print("fed while it hung:", WDT.fed - before)
adapter.program[100] = hang
adapter.link.ready = True
minutes(adapter)
print(WDT.fed, adapter.steps, Network.told, adapter.free > 0)
"""
    )
    assert said.splitlines() == [
        "a watchdog of 8000",
        "fed while it hung: 0",
        "4000 4001 {False} True",
    ]
