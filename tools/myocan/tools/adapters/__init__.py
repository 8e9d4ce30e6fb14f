"""Adapter files: what a board is and what is wired to it, read, checked, compiled for the board.

adapter = load_adapter(house / "adapters" / "porch.toml", domain="home")
config = adapter.config(broker="mqtt://user:password@host:1883")
"""

from myocan.tools.adapters.adapter_file import (
    AdapterFile,
    Publication,
    Subscription,
    config_hash,
    load_adapter,
    parse_adapter,
)
from myocan.tools.adapters.load_code import load_code, load_ports
from myocan.tools.adapters.networks import Ethernet, Wifi
from myocan.tools.adapters.port_kinds import PORT_KINDS
from myocan.tools.adapters.problems import AdapterError, Problem

__all__ = [
    "PORT_KINDS",
    "AdapterError",
    "AdapterFile",
    "Ethernet",
    "Problem",
    "Publication",
    "Subscription",
    "Wifi",
    "config_hash",
    "load_adapter",
    "load_code",
    "load_ports",
    "parse_adapter",
]
