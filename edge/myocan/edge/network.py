"""A board's way into the network: what WiFi (`wifi.py`) and Ethernet (`lan.py`) have in common.

The one idea to know: being in a network is worth nothing by itself. What counts is that the hub is
heard through it; where it is not for long, the interface is switched off and on again, however
healthy it calls itself, for that is what some radios need.
"""

import network  # type: ignore[import-not-found]

from myocan.edge.clock import Alarm, const

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_USELESS_MS = const(60_000)
"""After so long without the hub the interface starts afresh; while that does not help, the time
doubles, up to _LONG_USELESS_MS."""
_LONG_USELESS_MS = const(960_000)


class Network:
    """An interface.

    nic: one of MicroPython's `network`. hostname: what the router will show.
    """

    def __init__(self, nic: "Any", hostname: str) -> None:
        self.reason = ""
        """Why the board is in no network; "" if it is, or was not in one yet."""
        self._nic = nic
        self._useless = Alarm()
        self._useless_ms = _USELESS_MS
        self._lookup: Any = None
        try:  # noqa: SIM105 (a board has no contextlib)
            network.hostname(hostname)
        except (AttributeError, ValueError, OSError):
            pass  # an old version, or a name that is too long: the board has another one

    def step(self, now: int) -> bool:
        """Go on; return whether the board is in a network."""
        raise NotImplementedError

    def restart(self) -> None:
        """Switch the interface off and on again."""
        raise NotImplementedError

    def tell(self, now: int, useful: bool) -> None:
        """Hear, all the time, whether the hub is heard through this network."""
        if useful:
            self._useless_ms = _USELESS_MS
            self._useless.off()
        elif self._useless.rings(now):
            self._useless_ms = min(2 * self._useless_ms, _LONG_USELESS_MS)
            self.restart()
        elif not self._useless.on:
            self._useless.set(now, self._useless_ms)

    def find(self, host: str, now: int) -> "str | None":
        """Return the address of a machine, itself if it is one; None while it is looked up.

        Raises OSError if nobody knows the name.
        """
        if host == "localhost":
            return "127.0.0.1"  # of a virtual board, whose network is this machine's
        if not host.strip("0123456789.") or ":" in host:
            return host
        if self._lookup is None:
            from myocan.edge.names import Lookup

            self._lookup = Lookup(host, self._nic.ifconfig()[3])
        try:
            address: str | None = self._lookup.step(now)
        except OSError:
            self._lookup = None
            raise
        if address is not None:
            self._lookup = None
        return address
