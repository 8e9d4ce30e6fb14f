"""What importing the bus does not pay for."""

import subprocess
import sys


def test_importing_it_loads_neither_client_nor_broker() -> None:
    program = "import sys, myocan.hub.bus; print({'paho', 'amqtt', 'asyncio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"set()\n"
