"""What is done to a house in a chaos run, and when: drawn from a seed before anything happens.

The one idea: a strike is told by its name, and nothing of a plan depends on what the house makes
of it. So a run that failed can be done again from its seed alone, as far as real processes allow.
"""

from __future__ import annotations

import random
from typing import NamedTuple

__all__ = ["PAUSE_S", "Strike", "draw_kills", "draw_plan"]

PAUSE_S = 2.0
"""The mean time between the beginnings of two strikes, in seconds."""

_KINDS = (
    # what, whom, weight, how long at least and at most in seconds
    ("kill", "hub", 6, 0.0, 1.5),
    ("kill", "broker", 3, 0.0, 0.0),
    ("stop", "hub", 2, 0.1, 2.0),
    ("stop", "broker", 2, 0.1, 2.0),
    ("cut", "board", 4, 0.1, 3.0),
    ("freeze", "board", 3, 0.1, 6.0),
    ("unplug", "board", 1, 0.1, 1.0),
    ("fill", "disk", 2, 0.5, 3.0),
    ("slow", "disk", 2, 0.5, 3.0),
    ("set", "clock", 1, 0.0, 0.0),
)
_CLOCK_S = (-120.0, -1.0, 1.0, 600.0)


class Strike(NamedTuple):
    """Something that is done to a house.

    at_s: seconds since the start. what, whom: "kill" "hub". for_s: seconds until it is undone; for
    "set" "clock" by how many seconds the clock is moved. board: the place of the board, if it is
    one that is struck.
    """

    at_s: float
    what: str
    whom: str
    for_s: float
    board: int = -1

    def __str__(self) -> str:
        whom = f"board {self.board + 1}" if self.board >= 0 else self.whom
        if self.what == "set":
            return f"{self.at_s:8.3f} s  {self.what} {whom} by {self.for_s:+.0f} s"
        length = f" for {self.for_s:.3f} s" if self.for_s else ""
        return f"{self.at_s:8.3f} s  {self.what} {whom}{length}"


def draw_plan(seed: int, seconds: float, boards: int) -> list[Strike]:
    """Return the strikes of a run, in order; what is done last is undone within its time.

    seed: any number. seconds: how long the run takes. boards: how many there are, at least one.
    """
    chance = random.Random(seed)
    plan = []
    at_s = chance.uniform(0.3, 1.0)
    while at_s < seconds:
        kind = chance.choices(_KINDS, weights=[kind[2] for kind in _KINDS])[0]
        what, whom, _weight, least, most = kind
        for_s = min(chance.uniform(least, most), seconds - at_s)
        if what == "set":
            for_s = chance.choice(_CLOCK_S)
        board = chance.randrange(boards) if whom == "board" else -1
        plan.append(Strike(round(at_s, 3), what, whom, round(for_s, 3), board))
        at_s += chance.expovariate(1 / PAUSE_S)
    return plan


def draw_kills(seed: int, kills: int) -> list[Strike]:
    """Return so many kills of the hub; `at_s` counts from when the hub before was ready.

    One in eight comes at once, one in eight while the hub starts (`at_s` below 0: so long after
    its process was started).
    """
    chance = random.Random(seed)
    plan = []
    for _ in range(kills):
        way = chance.randrange(8)
        at_s = 0.0 if way == 0 else chance.uniform(0.0, 0.3)
        if way == 1:
            at_s = -chance.uniform(0.05, 0.6)
        plan.append(Strike(round(at_s, 3), "kill", "hub", 0.0))
    return plan
