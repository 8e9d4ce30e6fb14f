"""What one does with a board that is plugged in, besides flashing: listen, reset, wipe.

The one idea to know: before anything is done to a board it is asked who it is, so that a command
meant for one board does nothing to another that happens to be plugged in.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from myocan.tools.flash import onboard
from myocan.tools.flash.flashing import RESET_S, WRITE_S, look
from myocan.tools.flash.mpremote import BoardError, Mpremote, cannot_open

if TYPE_CHECKING:
    from myocan.tools.flash.flashing import Found

__all__ = ["console_lines", "reset_board", "wipe_board"]

SLICE_S = 0.2
"""How long the console is waited for at a time, so that Ctrl-C is heard."""

BAUD = 115200
"""What MicroPython's consoles behind a USB bridge run at; a board's own USB ignores it."""


def console_lines(port: str) -> Iterator[str]:
    """Yield what a board prints, line by line, for ever; "" when nothing came for a moment.

    Raises BoardError if the port cannot be opened, or is gone.
    """
    try:
        import serial  # type: ignore[import-untyped]
    except ImportError:
        raise BoardError("mpremote is missing: `pip install 'myocan[flash]'`") from None
    try:
        console = serial.Serial(
            os.path.realpath(port), BAUD, timeout=SLICE_S, exclusive=True, dsrdtr=False
        )
    except (OSError, ValueError) as error:
        there = os.path.exists(port) or "://" in port
        why = cannot_open(port) if there else f"cannot open {port}: is the board plugged in?"
        raise BoardError(why) from error
    with console:
        rest = b""
        while True:
            try:
                piece = console.read(console.in_waiting or 1)
            except OSError as error:
                raise BoardError(f"the board at {port} is gone: is it plugged in?") from error
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                yield line.decode(errors="replace").rstrip("\r")
            if not piece:
                yield ""


def reset_board(port: str, name: str) -> Found:
    """Let a board start again; what is on it stays.

    name: the board that it has to be. Returns what it was found to be; raises BoardError.
    """
    board = Mpremote(port)
    found = _found(board, name)
    board.run("resume", "reset", timeout=RESET_S)
    return found


def wipe_board(port: str, name: str) -> Found:
    """Remove all files from a board, its secrets and whatever else was put there, and start it
    again; MicroPython itself stays.

    name: the board that it has to be. Returns what it was found to be; raises BoardError.
    """
    board = Mpremote(port)
    found = _found(board, name)
    said = board.run("resume", "exec", onboard.wipe(), "+", "reset", timeout=WRITE_S)
    if onboard.answer(said) is not True:
        raise BoardError("the board did not remove all files: check the cable, and try again")
    return found


def _found(board: Mpremote, name: str) -> Found:
    """Return what is at a port, if it is this board; whatever runs there is stopped."""
    found = look(board)
    if found.name != name:
        it = f"the board {found.name}" if found.name else "a board that carries no adapter"
        board.run("resume", "reset", timeout=RESET_S)
        raise BoardError(f"at {board.port} is {it}, not {name}: name the other port, or board")
    return found
