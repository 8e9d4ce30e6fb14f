"""The networks of a virtual board: what its WiFi finds in the air, and the cable in its socket.

The one idea to know: here is only whether the board *has* a network, and what it was told about
it. The bytes go over this machine's own sockets, which a test cuts by other means; a board that
loses its WiFi closes its connections by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

IDLE, CONNECTING, WRONG_PASSWORD, NO_NETWORK, FAILED, GOT_IP = 0, 1, -3, -2, -1, 3
"""Of `WLAN.status()`, with the numbers of MicroPython's ports for the RP2 and the mimxrt."""
LOOPBACK = ["127.0.0.1", "255.0.0.0", "127.0.0.1", "127.0.0.1"]
WIFI, CABLE = 254, 255
"""What `on_change` is told of, and how it is numbered on the way to the board."""


class Radio:
    """The network interfaces of one board.

    `networks`: name -> password of what is in the air; None lets any name and password do.
    `hidden`: names that a scan does not show. `cable`: whether a network cable is plugged in.
    """

    def __init__(self) -> None:
        self.on_change: Callable[[int, int], None] = lambda which, state: None
        """Called with WIFI and the number of the join that is lost, or with CABLE and whether it
        is plugged in, when the board should know."""
        self.networks: dict[str, str] | None = None
        self.hidden: set[str] = set()
        self.cable = True
        self.country = "XX"
        self.hostname = "virtual"
        self.joins: list[str] = []
        self._join = 0
        self.forget()

    def forget(self) -> None:
        """The board was reset, or has no power."""
        self.active = False
        self.ssid = ""
        self.status = IDLE
        self.address = list(LOOPBACK)
        self.settings: dict[str, Any] = {}

    def set(self, networks: Mapping[str, str] | None, hidden: list[str], cable: bool) -> None:
        """Change what is in the air and in the socket."""
        self.networks = None if networks is None else dict(networks)
        self.hidden = set(hidden)
        if self.ssid and networks is not None and self.ssid not in networks:
            self.ssid, self.status = "", CONNECTING
            self.on_change(WIFI, self._join)
        if cable != self.cable:
            self.cable = cable
            self.on_change(CABLE, int(cable))

    def told_again(self) -> bytes:
        """What to tell a board that was not told of changes."""
        lost = b"" if self.ssid else bytes((WIFI, self._join))
        return lost + bytes((CABLE, int(self.cable)))

    def describe(self) -> dict[str, Any]:
        """Return what the board has made of it."""
        return {
            "active": self.active,
            "ssid": self.ssid,
            "status": self.status,
            "address": self.address,
            "country": self.country,
            "hostname": self.hostname,
            "settings": self.settings,
            "joins": self.joins[-100:],
            "cable": self.cable,
        }

    def told(self, what: str, *more: Any) -> Any:
        """Do what the board's `network` module asks; returns the answer."""
        return getattr(self, "do_" + what)(*more)

    def do_active(self, on: bool) -> None:
        self.active = on
        if not on:
            self.do_leave()

    def do_join(self, ssid: str, password: str) -> tuple[int, int]:
        self.joins.append(ssid)
        self.ssid = ""
        if not self.active:
            self.status = FAILED
        elif self.networks is None or self.networks.get(ssid) == password:
            self.ssid, self.status = ssid, GOT_IP
            self._join = (self._join + 1) % 256
        else:
            self.status = WRONG_PASSWORD if ssid in self.networks else NO_NETWORK
        return self.status, self._join

    def do_leave(self) -> None:
        self.ssid, self.status = "", IDLE

    def do_scan(self) -> list[str]:
        return ["" if ssid in self.hidden else ssid for ssid in self.networks or {}]

    def do_address(self, address: list[str]) -> None:
        self.address = address

    def do_settings(self, settings: dict[str, Any]) -> None:
        self.settings.update(settings)

    def do_country(self, code: str) -> None:
        self.country = code

    def do_hostname(self, name: str) -> None:
        self.hostname = name

    def do_cable(self) -> bool:
        return self.cable
