"""A house in one process whose every course follows from a seed: clock, disk and network simulated.

The one idea to know: agent, store, core, outbox and adapter are the real ones. What they touch of
the world (time, files, the broker, pins) is given to them, so a crash can come between any two
writes, a power cut can take any sector that was not synced, and a seed that failed fails again.
"""

from myocan.tools.chaos.simulation.course import Course, Result, Strike, draw
from myocan.tools.chaos.simulation.search import Search, search, shrunk

__all__ = ["Course", "Result", "Search", "Strike", "draw", "search", "shrunk"]
