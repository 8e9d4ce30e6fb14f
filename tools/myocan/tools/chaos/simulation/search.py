"""Many simulations, and of one that fails the least that still makes it fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from myocan.tools.chaos.simulation.course import Course, Result, Strike, draw

__all__ = ["Search", "search", "shrunk"]

TRIES = 60
"""How often a failing simulation is run again, at most, to find what of it matters."""


@dataclass(slots=True)
class Search:
    """What many simulations came to; its fields are the keys of its JSON object, in this order.

    seeds: how many were run. seconds: how long that took. lives, kills, power_cuts: of hubs.
    events, messages, points: see `Result`. failed: the first one that did not balance, None: all
    did.
    """

    seeds: int = 0
    seconds: float = 0.0
    lives: int = 0
    kills: int = 0
    power_cuts: int = 0
    events: int = 0
    messages: int = 0
    points: int = 0
    failed: Result | None = None

    def add(self, result: Result) -> None:
        """Count one in."""
        self.seeds += 1
        self.lives += result.lives
        self.kills += result.kills
        self.power_cuts += result.power_cuts
        self.events += result.events
        self.messages += result.messages
        self.points += result.points


def search(
    seeds: Iterable[int],
    only: list[int] | None = None,
    tell: Callable[[Search], None] | None = None,
) -> Search:
    """Run seeds until one fails.

    Arguments:
        seeds: which.
        only: the places of the strikes that are done, of those that a seed draws; None: all.
        tell: called after every hundredth with what it came to so far.
    """
    done, began = Search(), time.monotonic()
    with Course() as course:
        for seed in seeds:
            strikes = draw(seed)
            if only is not None:
                strikes = [strikes[place] for place in only if place < len(strikes)]
            result = course.run(seed, strikes)
            done.add(result)
            done.seconds = round(time.monotonic() - began, 1)
            if result.faults:
                done.failed = shrunk(course, result)
                break
            if tell is not None and done.seeds % 100 == 0:
                tell(done)
    return done


def shrunk(course: Course, failed: Result) -> Result:
    """Return a result of the same seed that fails too, with as few strikes as were found."""
    least = failed
    place = tries = 0
    while place < len(least.strikes) and tries < TRIES:
        tries += 1
        fewer: list[Strike] = [*least.strikes[:place], *least.strikes[place + 1 :]]
        again = course.run(failed.seed, fewer)
        if again.faults:
            least = again
        else:
            place += 1
    return least
