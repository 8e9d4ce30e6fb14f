"""Putting an adapter onto a board.

    config = load_adapter(path).config(broker=url)
    port = find_port(BoardKind.load(config["board"]))
    done = flash(config, port, progress=show, online=wait)

`flash` drives `mpremote`; it takes real boards and virtual ones alike.
"""

from myocan.tools.flash.flashing import Flashed, Found, Progress, check_board, flash, look
from myocan.tools.flash.mpremote import BoardError, Mpremote, NoAnswer
from myocan.tools.flash.online import BoardWatch
from myocan.tools.flash.ports import SerialPort, find_port, serial_ports
from myocan.tools.flash.staging import StageError, stage

__all__ = [
    "BoardError",
    "BoardWatch",
    "Flashed",
    "Found",
    "Mpremote",
    "NoAnswer",
    "Progress",
    "SerialPort",
    "StageError",
    "check_board",
    "find_port",
    "flash",
    "look",
    "serial_ports",
    "stage",
]
