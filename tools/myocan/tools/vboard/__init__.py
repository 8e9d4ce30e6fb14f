"""Virtual boards: real MicroPython behind a pseudo-terminal, with pins that a test can turn.

    with VirtualBoard("porch", directory, kind="pico-w") as board:
        flash(adapter, board.port, ...)          # or: mpremote connect BOARD.PORT ...
        pressed = board.press("GP14")
        lit = board.wait("GP15", 1, after=pressed)

`python -m myocan.tools.vboard NAME DIRECTORY` runs one by hand.
"""

from myocan.tools.vboard.client import (
    AttachedPart,
    PinState,
    VirtualBoard,
    VirtualBoardError,
)
from myocan.tools.vboard.micropython import NoMicroPython, micropython_path
from myocan.tools.vboard.pins import Change

__all__ = [
    "AttachedPart",
    "Change",
    "NoMicroPython",
    "PinState",
    "VirtualBoard",
    "VirtualBoardError",
    "micropython_path",
]
