"""The demo: the whole way from a button's pin to a lamp's pin, with nothing left out.

The one idea to know: it is the real thing, in small. The hub is `myocan run` in a process of its
own with its own broker, the board is flashed like any other and runs the adapter file of the
example house, and what is counted and timed is read from the board's pins and the hub's log.
"""

from myocan.tools.demo.measure import Summary
from myocan.tools.demo.show import show

__all__ = ["Summary", "show"]
