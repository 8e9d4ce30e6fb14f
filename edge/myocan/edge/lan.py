"""Ethernet of a board: a cable, and nothing to wait for."""

import network  # type: ignore[import-not-found]
from machine import Pin  # type: ignore[import-not-found]

from myocan.edge.clock import const
from myocan.edge.network import Network

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Spec

_NONE = "0.0.0.0"


class Lan(Network):
    """The Ethernet interface.

    spec: how the board is built: mdc, mdio (numbers of pins), phy_type (its name in `network`),
        phy_addr, and maybe power, ref_clk (pins), ref_clk_mode ("in", "out"); nothing of it on a
        board whose firmware knows. And maybe a fixed `address`: (address, mask, gateway, name
        server).
    hostname: what the router will show.
    """

    def __init__(self, spec: "Spec", hostname: str) -> None:
        built = dict(spec)
        self._fixed = built.pop("address", None)
        for name in ("mdc", "mdio", "power", "ref_clk"):
            if name in built:
                built[name] = Pin(built[name])
        if "phy_type" in built:
            built["phy_type"] = getattr(network, built["phy_type"])
        if "ref_clk_mode" in built:
            built["ref_clk_mode"] = Pin.OUT if built["ref_clk_mode"] == "out" else Pin.IN
        super().__init__(network.LAN(**built), hostname)
        self._up = False
        self._switch_on()

    def step(self, now: int) -> bool:
        """See Network."""
        nic = self._nic
        if not nic.isconnected():
            self._up = False
            self.reason = "no network at the cable"
        elif not self._up:  # a cable is not yet an address
            self._up = nic.ifconfig()[0] != _NONE
            self.reason = "" if self._up else "no address from the router"
        return self._up

    def restart(self) -> None:
        """Switch the interface off and on again."""
        self._up = False
        try:  # noqa: SIM105 (a board has no contextlib)
            self._nic.active(False)
        except OSError:
            pass  # it is switched on all the same
        self._switch_on()

    def _switch_on(self) -> None:
        try:
            self._nic.active(True)
            if self._fixed is not None:
                self._nic.ifconfig(tuple(self._fixed))
        except OSError:
            pass  # tried again when the hub was not heard for long
