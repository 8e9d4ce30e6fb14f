"""Runs many scenarios, in several processes if that is quicker.

The one idea: most houses have so few that they are over before another process has started. So
they are run here, in order, and only what is left after a while is shared out. Outcomes come in
the order of the scenarios, whoever ran them.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

from myocan.hub.scenario.cast import Cast
from myocan.hub.scenario.runner import Outcome, run_scenario
from myocan.hub.scenario.steps import Scenario

ALONE_S = 1.0
"""How long they are run here before processes are started; about what starting these costs."""

_CHUNKS = 8
"""Parts that a process gets of what is left, so that none waits long for the slowest."""

Job = tuple[Scenario, Cast]
"""A scenario, and the house that it is about."""


def run_scenarios(
    jobs: Sequence[Job], workers: int | None = None, alone_s: float = ALONE_S
) -> Iterator[Outcome]:
    """Run scenarios; yield what came of each, in their order.

    Arguments:
        jobs: which.
        workers: most processes at once; as many as there are processors if not given, 1 for none
            but this one.
        alone_s: how long they are run here first, in seconds.
    """
    workers = workers or os.cpu_count() or 1
    until = time.monotonic() + alone_s
    for place, (scenario, cast) in enumerate(jobs):
        if workers > 1 and len(jobs) - place > 1 and time.monotonic() >= until:
            yield from _share(jobs[place:], workers)
            return
        yield run_scenario(scenario, cast)


def _share(jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Run scenarios in processes, which get each house once."""
    casts: list[Cast] = []
    numbers: dict[int, int] = {}
    work = []
    for scenario, cast in jobs:
        number = numbers.setdefault(id(cast), len(casts))
        if number == len(casts):
            casts.append(cast)
        work.append((number, scenario))
    workers = min(workers, len(work))
    size = max(1, len(work) // (workers * _CHUNKS))
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _begin, (casts,)) as pool:
        yield from pool.map(_run, work, chunksize=size)


_casts: list[Cast] = []
"""The houses, in a process that runs scenarios for another."""


def _begin(casts: list[Cast]) -> None:
    _casts[:] = casts


def _run(work: tuple[int, Scenario]) -> Outcome:
    number, scenario = work
    return run_scenario(scenario, _casts[number])
