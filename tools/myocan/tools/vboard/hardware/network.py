"""The simulated `network` of a virtual board: a WiFi that is there as soon as it is asked for.

Sockets are the machine's own, so the board reaches the broker on loopback.
"""
# mypy: ignore-errors
# (MicroPython's own modules, which mypy does not know)

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1, 3

_hostname = "virtual"


class WLAN:
    """The station interface; `connect` needs no network of that name."""

    IF_STA, IF_AP = STA_IF, AP_IF
    PM_NONE = 0
    _active = _connected = False  # of the hardware, so that two objects see the same

    def __init__(self, interface: int = STA_IF) -> None:
        self.interface = interface

    def active(self, on=None):
        """Return whether the radio is on, or switch it."""
        if on is None:
            return WLAN._active
        WLAN._active = bool(on)
        if not on:
            WLAN._connected = False

    def connect(self, ssid=None, key=None, **more):
        """Join a network: at once, whatever it is called."""
        WLAN._connected = WLAN._active

    def disconnect(self) -> None:
        """Leave the network."""
        WLAN._connected = False

    def isconnected(self) -> bool:
        """Whether the board is in a network."""
        return WLAN._connected

    def status(self, what=None):
        """Return the state of the link, or with "rssi" its strength in dBm."""
        if what == "rssi":
            return -40
        return STAT_GOT_IP if WLAN._connected else STAT_IDLE

    def config(self, *what, **settings):
        """Accept settings; return 0 for anything asked."""
        return 0 if what else None

    def ifconfig(self, *settings):
        """Return (address, mask, gateway, name server)."""
        return ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")


def hostname(*name):
    """Return the name of the board in the network, or set it."""
    global _hostname
    if name:
        _hostname = name[0]
    return _hostname


def country(*code):
    """Accept a country code."""
    return "XX"
