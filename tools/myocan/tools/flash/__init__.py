"""Putting an adapter onto a board.

    config = load_adapter(path).config(board_broker(house, "porch"))
    port = find_port(BoardKind.load(config["board"]))
    done = flash(config, port, progress=show, online=wait, admit=Admission(house, "porch"))

`flash` drives `mpremote`; it takes real boards and virtual ones alike.
"""

from myocan.tools.flash.admission import Admission, board_broker, password_in_url, tell_hub
from myocan.tools.flash.flashing import (
    Flashed,
    Found,
    Progress,
    check_board,
    check_networks,
    flash,
    look,
)
from myocan.tools.flash.mpremote import BoardError, Mpremote, NoAnswer
from myocan.tools.flash.online import BoardWatch, check_account
from myocan.tools.flash.ports import SerialPort, find_port, serial_ports
from myocan.tools.flash.secrets import (
    BoardSecrets,
    SecretsError,
    board_secrets,
    forget_secrets,
    known_secrets,
)
from myocan.tools.flash.staging import StageError, stage
from myocan.tools.flash.upkeep import console_lines, reset_board, wipe_board

__all__ = [
    "Admission",
    "BoardError",
    "BoardSecrets",
    "BoardWatch",
    "Flashed",
    "Found",
    "Mpremote",
    "NoAnswer",
    "Progress",
    "SecretsError",
    "SerialPort",
    "StageError",
    "board_broker",
    "board_secrets",
    "check_account",
    "check_board",
    "check_networks",
    "console_lines",
    "find_port",
    "flash",
    "forget_secrets",
    "known_secrets",
    "look",
    "password_in_url",
    "reset_board",
    "serial_ports",
    "stage",
    "tell_hub",
    "wipe_board",
]
