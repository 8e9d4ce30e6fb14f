"""The simulated `network` of a virtual board: WiFi as it comes and goes, and a cable.

As it is, every name and password joins at once; a test says which networks there are, and takes
them away. A WiFi that was lost is joined again only when the program asks for it. Sockets are the
machine's own, so the board reaches the broker on loopback.
"""
# mypy: ignore-errors
# (MicroPython's own modules, which mypy does not know)

import json

import machine

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 0, 1, 3
STAT_WRONG_PASSWORD, STAT_NO_AP_FOUND, STAT_CONNECT_FAIL = -3, -2, -1
PHY_LAN8720, PHY_LAN8710, PHY_IP101, PHY_RTL8201, PHY_DP83848 = 0, 0, 1, 2, 3

_LOOPBACK = ("127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1")
_hostname = "virtual"
_country = "XX"
_cable = True


def _tell(*what):
    return json.loads(machine._ask("w", json.dumps(what).encode()))


def _connect():
    """Called once, by the start script."""
    machine._news[254] = _wifi_changed
    machine._news[255] = _cable_changed


def _wifi_changed(join):
    if join == WLAN._join and WLAN._status == STAT_GOT_IP:
        WLAN._status = STAT_CONNECTING


def _cable_changed(state):
    global _cable
    _cable = bool(state)


class _Interface:
    _address = _LOOPBACK

    def ifconfig(self, *settings):
        """Return (address, mask, gateway, name server), or set them."""
        if not settings:
            return self._address
        self._address = _LOOPBACK if settings[0] == "dhcp" else tuple(settings[0])
        _tell("address", self._address)


class WLAN(_Interface):
    """The station interface; the radio is one, however many objects there are."""

    IF_STA, IF_AP = STA_IF, AP_IF
    PM_NONE = 0
    _active, _status = False, STAT_IDLE  # of the hardware, so that two objects see the same
    _join = 0  # number of the last one that worked, by which its loss is told

    def __init__(self, interface: int = STA_IF) -> None:
        self.interface = interface

    def active(self, on=None):
        """Return whether the radio is on, or switch it."""
        if on is None:
            return WLAN._active
        WLAN._active = bool(on)
        if not on:
            WLAN._status = STAT_IDLE
        _tell("active", WLAN._active)

    def deinit(self):
        """Switch the radio off and forget all that it was told."""
        self.active(False)

    def connect(self, ssid=None, key=None, **more):
        """Join a network: at once, if it is there."""
        if isinstance(ssid, bytes):
            ssid = ssid.decode()
        if isinstance(key, bytes):
            key = key.decode()
        WLAN._status, WLAN._join = _tell("join", ssid or "", key or "")

    def disconnect(self) -> None:
        """Leave the network."""
        WLAN._status = STAT_IDLE
        _tell("leave")

    def isconnected(self) -> bool:
        """Whether the board is in a network."""
        machine.take_in()
        return WLAN._status == STAT_GOT_IP

    def status(self, what=None):
        """Return the state of the link, or with "rssi" its strength in dBm."""
        if what == "rssi":
            return -40
        machine.take_in()
        return WLAN._status

    def scan(self):
        """Return (ssid, bssid, channel, rssi, security, hidden) of the networks there are."""
        found = []
        for number, ssid in enumerate(_tell("scan")):
            bssid = bytes((2, 0, 0, 0, 0, number))
            found.append((ssid.encode(), bssid, 6, -40, 3, int(not ssid)))
        return found

    def config(self, *what, **settings):
        """Accept settings; return 0 for anything asked."""
        if settings:
            _tell("settings", {name: str(value) for name, value in settings.items()})
        return 0 if what else None


class LAN(_Interface):
    """An Ethernet interface: up as long as the cable is plugged in."""

    def __init__(self, *where, **wired):
        self._active = False
        global _cable
        _cable = _tell("cable")

    def active(self, on=None):
        """Return whether it is on, or switch it."""
        if on is None:
            return self._active
        self._active = bool(on)

    def isconnected(self) -> bool:
        """Whether it is on and the cable plugged in."""
        machine.take_in()
        return self._active and _cable

    def status(self, what=None):
        """Return the state of the link."""
        return STAT_GOT_IP if self.isconnected() else STAT_IDLE

    def config(self, *what, **settings):
        """Accept settings; return six bytes for "mac" and 0 for anything else."""
        return (b"\x02\x00\x00\x00\x00\x01" if what[0] == "mac" else 0) if what else None


def hostname(*name):
    """Return the name of the board in the network, or set it."""
    global _hostname
    if name:
        if len(name[0]) > 32:
            raise ValueError("hostname too long")
        _hostname = name[0]
        _tell("hostname", _hostname)
    return _hostname


def country(*code):
    """Return the country code, or set it."""
    global _country
    if code:
        if len(code[0]) != 2:
            raise ValueError("country must be a 2-character code")
        _country = code[0]
        _tell("country", _country)
    return _country
