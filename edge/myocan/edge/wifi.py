"""WiFi of a board: joins whichever of its networks is there, and never waits for it."""

import network  # type: ignore[import-not-found]

from myocan.edge.clock import Alarm, const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_JOIN_MS = const(15_000)
"""How long joining one network may take before the next one is tried."""
_USELESS_MS = const(60_000)
"""After so long without the broker the radio is started afresh."""


class Wifi:
    """The station interface.

    networks: (name, password) of each, the favourite first. hostname: what the router will show.
    """

    def __init__(self, networks: "list[list[str]]", hostname: str) -> None:
        self._networks = networks
        self._joining, self._useless = Alarm(), Alarm()
        self._next = 0
        try:  # noqa: SIM105 (a board has no contextlib)
            network.hostname(hostname)
        except (AttributeError, ValueError, OSError):
            pass  # an old version, or a name that is too long: the board has another one
        self._wlan: Any = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        try:  # noqa: SIM105 (a board has no contextlib)
            self._wlan.config(pm=self._wlan.PM_NONE)  # power saving costs 100 ms a message
        except (AttributeError, ValueError, OSError):
            pass  # there is no such setting here

    def step(self, now: int, useful: bool) -> bool:
        """Go on; return whether the board is in a network. useful: whether the broker is there."""
        wlan = self._wlan
        if useful:
            self._useless.off()
        elif self._useless.rings(now):
            self._renew()
        elif not self._useless.on:
            self._useless.set(now, _USELESS_MS)
        if wlan.isconnected():
            self._joining.off()
            return True
        self._joining.rings(now)
        if not self._joining.on:
            name, password = self._networks[self._next % len(self._networks)]
            self._next += 1
            self._joining.set(now, _JOIN_MS)
            try:
                wlan.disconnect()
                wlan.connect(name, password)
            except OSError:
                pass  # the radio is not ready; the next try comes when this one has run out
        return False

    def _renew(self) -> None:
        """Switch the radio off and on again, which helps some boards."""
        self._wlan.active(False)
        self._wlan.active(True)
        self._joining.off()
