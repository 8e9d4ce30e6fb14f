"""Runs an adapter on MicroPython for a test: simulated pins, driven through a control socket.

Arguments: the port on loopback where the test listens, and the path of the configuration.
"""
# mypy: ignore-errors
# (MicroPython's own modules, which mypy does not know)

import json
import socket
import sys

from myocan.edge.adapter import Adapter
from myocan.edge.link import Link
from myocan.edge.pins.simulated import SimulatedPins

with open(sys.argv[2]) as file:
    config = json.load(file)
control = socket.socket()
control.connect(socket.getaddrinfo("127.0.0.1", int(sys.argv[1]))[0][-1])
control.setsockopt(6, 1, 1)  # TCP_NODELAY
control.setblocking(False)
if config["broker"]["tls"]:

    class RTC:  # which this port of MicroPython lacks
        def datetime(self, setting):
            pass

    class machine:
        pass

    machine.RTC = RTC
    sys.modules["machine"] = machine
    from myocan.edge.tls import TlsLink as Link
link = Link(config["broker"], config["name"])
adapter = Adapter(config, link, SimulatedPins(control))
while True:
    link.wait(adapter.step())
