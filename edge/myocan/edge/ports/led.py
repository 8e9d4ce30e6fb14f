"""A light on a pin. It takes what a relay takes; that it is harmless is for people to know."""

from myocan.edge.ports.relay import Relay


class Led(Relay):
    """A light: level 1 is on; `active = "low"` is for one between the pin and the supply."""


PORT = Led
