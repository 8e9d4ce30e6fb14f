"""A light on a pin. It takes what a relay takes; that it is harmless is for people to know.

Level 1 is on; `active = "low"` is for a light between the pin and the supply.
"""

from myocan.edge.ports.relay import Relay

PORT = Relay
