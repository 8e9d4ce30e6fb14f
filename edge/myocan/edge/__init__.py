"""What runs where the pins are: adapters, on MicroPython boards and on CPython.

from myocan.edge.run import run_adapter      # CPython: until it is stopped
from myocan.edge.board import run            # a board's main.py: for ever
from myocan.edge.ports import Port           # to write a port of one's own
"""

import sys

from myocan.edge.errors import ConfigError, EdgeError, PinError, Refused

__all__ = ["ConfigError", "EdgeError", "PinError", "Refused"]


def forget(*names: str) -> None:
    """Give back the memory of modules of this package that are of no more use on a board."""
    here = sys.modules[__name__]
    for name in names:
        sys.modules.pop(f"{__name__}.{name}", None)
        if hasattr(here, name):
            delattr(here, name)
