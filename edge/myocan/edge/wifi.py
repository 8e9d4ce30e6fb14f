"""WiFi of a board: joins whichever of its networks is there, and never waits for it.

The one idea to know: networks are asked for by their names, one after the other. Nobody looks
around first, for looking around stops a board for seconds (ten, on a Pico W), and does not see a
network that hides its name; so a hidden one needs no setting.
"""

import network  # type: ignore[import-not-found]

from myocan.edge.clock import Alarm, const
from myocan.edge.network import Network

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_JOIN_MS = const(15_000)
"""How long joining one network may take before the next one is tried."""
_LOOK_MS = const(500)
"""How often to look whether the radio says that a network is not there, or refuses; sooner, that
may be of the try before."""

_NO = (
    ("STAT_NO_AP_FOUND", "is not there"),
    ("STAT_WRONG_PASSWORD", "refuses the password"),
    ("STAT_HANDSHAKE_TIMEOUT", "refuses the password"),
    ("STAT_ASSOC_FAIL", "cannot be joined"),
    ("STAT_CONNECT_FAIL", "cannot be joined"),
)
"""What `status()` says, by the names that it has in `network`: the numbers differ between boards,
and not every board has each."""


class Wifi(Network):
    """The station interface.

    networks: (name, password) of each, the favourite first; maybe followed by a fixed address as
        (address, mask, gateway, name server).
    hostname: what the router will show.
    country: two letters, says which channels may be used; None leaves it to the radio.
    """

    def __init__(
        self, networks: "list[list[Any]]", hostname: str, country: "str | None" = None
    ) -> None:
        if country is not None:
            network.country(country)  # before the radio is on
        super().__init__(network.WLAN(network.STA_IF), hostname)
        self._networks = networks
        self._joining, self._look = Alarm(), Alarm()
        self._next = 0
        self._name = ""
        self._fixed = False  # is the address of this interface one that was given to it?
        self._switch_on()

    def step(self, now: int) -> bool:
        """See Network."""
        nic = self._nic
        if nic.isconnected():
            self._joining.off()
            self.reason = ""
            return True
        if self._look.rings(now):
            self._look.set(now, _LOOK_MS)
            status = nic.status()
            for name, text in _NO:
                if getattr(network, name, None) == status:
                    self.reason = f"the WiFi '{self._name}' {text}"
                    self._joining.off()
                    break
        if self._joining.rings(now):
            self.reason = f"the WiFi '{self._name}' does not answer"
        if not self._joining.on:
            self._join(self._networks[self._next % len(self._networks)])
            self._next += 1
            self._joining.set(now, _JOIN_MS)
            self._look.set(now, _LOOK_MS)
        return False

    def restart(self) -> None:
        """Switch the radio off and on again.

        On a Pico W only `deinit` takes its power away; without, one that hangs goes on hanging.
        """
        try:
            self._nic.active(False)
            if hasattr(self._nic, "deinit"):
                self._nic.deinit()
        except OSError:
            pass  # it is switched on all the same
        self._fixed = False
        self._joining.off()
        self._switch_on()

    def _switch_on(self) -> None:
        nic = self._nic
        try:
            nic.active(True)
            nic.config(pm=nic.PM_NONE)  # power saving costs 100 ms a message
        except (AttributeError, ValueError, OSError):
            pass  # there is no such setting here
        try:  # noqa: SIM105 (a board has no contextlib)
            nic.config(reconnects=0)  # an ESP32 would try the same network for ever, and not say so
        except (AttributeError, TypeError, ValueError, OSError):
            pass  # others do not do that

    def _join(self, wanted: "list[Any]") -> None:
        self._name = wanted[0]
        fixed = len(wanted) > 2
        if self._fixed and not fixed:
            # back to an address from the router; asking for one (ifconfig "dhcp") can take seconds
            self.restart()
        try:
            self._nic.disconnect()
            if fixed:
                self._nic.ifconfig(tuple(wanted[2]))
                self._fixed = True
            self._nic.connect(wanted[0], wanted[1] or None)
        except OSError:
            pass  # the radio is not ready; the next try comes when this one has run out
