"""What others may rely on, and what they do not pay for."""

import subprocess
import sys

from myocan.hub import bus


def test_the_api_is_these_names() -> None:
    assert bus.__all__ == [
        "CONNECTED",
        "DISCONNECTED",
        "REFUSED",
        "Address",
        "AmqttBroker",
        "Broker",
        "BrokerError",
        "Bus",
        "BusError",
        "BusRefused",
        "Frame",
        "MosquittoBroker",
        "Outgoing",
        "OwnBroker",
        "parse_url",
        "pick_broker",
    ]
    assert all(hasattr(bus, name) for name in bus.__all__)


def test_importing_it_loads_neither_client_nor_broker() -> None:
    program = "import sys, myocan.hub.bus; print({'paho', 'amqtt', 'asyncio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"set()\n"
