"""MQTT in and out, and the brokers that the hub can run itself."""

from myocan.hub.bus.address import Address, BusError, parse_url
from myocan.hub.bus.bus import CONNECTED, DISCONNECTED, REFUSED, Bus, BusRefused
from myocan.hub.bus.link import Frame, Outgoing

__all__ = [
    "CONNECTED",
    "DISCONNECTED",
    "REFUSED",
    "Address",
    "Bus",
    "BusError",
    "BusRefused",
    "Frame",
    "Outgoing",
    "parse_url",
]
