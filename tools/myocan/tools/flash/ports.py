"""Where boards are plugged in: the serial ports whose USB numbers a kind of board has."""

from __future__ import annotations

from typing import NamedTuple

from myocan.tools.board_kinds import BoardKind
from myocan.tools.flash.mpremote import BoardError


class SerialPort(NamedTuple):
    """A serial port: device, "vendor:product" of its USB end ("" if none), and its own words."""

    device: str
    usb: str
    words: str


def serial_ports() -> list[SerialPort]:
    """Return the serial ports of this machine, with USB ones first."""
    try:
        from serial.tools.list_ports import comports  # type: ignore[import-untyped]
    except ImportError:
        raise BoardError("mpremote is missing: `pip install 'myocan[flash]'`") from None
    found = [
        SerialPort(
            port.device,
            f"{port.vid:04x}:{port.pid:04x}" if port.vid is not None else "",
            port.description or "",
        )
        for port in comports()
    ]
    return sorted(found, key=lambda port: (not port.usb, port.device))


def find_port(kind: BoardKind) -> str:
    """Return the one port at which there may be a board of this kind.

    Raises BoardError, with the ports that there are, for none and for several.
    """
    ports = [port for port in serial_ports() if port.usb]
    fitting = [port for port in ports if port.usb in kind.usb]
    if len(fitting) == 1:
        return fitting[0].device
    if not kind.usb:
        raise BoardError(f"a {kind.title} has no port of its own: name one with --port")
    names = ", ".join(f"{port.device} ({port.words})" for port in fitting or ports)
    if fitting:
        raise BoardError(f"several boards are plugged in: choose with --port among {names}")
    there = f"there are {names}" if names else "no USB port has one"
    raise BoardError(f"no {kind.title} is plugged in; {there}. Name its port with --port")
