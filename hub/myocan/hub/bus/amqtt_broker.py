"""amqtt as the hub's own broker: pure Python, so there for a first try where Mosquitto is not.

The one idea to know: it is 50 times slower than Mosquitto and speaks only MQTT 3.1.1, but `pip` has
brought it along already.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from myocan.hub.bus.broker import OwnBroker
from myocan.hub.bus.child import Child

__all__ = ["READY", "AmqttBroker"]

READY = "accepts connections"
"""What the child writes when it does."""

_log = logging.getLogger(__name__)


class AmqttBroker(OwnBroker):
    """A private amqtt in a process of its own; see `OwnBroker` for the arguments.

    It does not even refuse MQTT 5: it takes it for something longer, and waits for the rest.
    """

    def __init__(
        self, directory: Path, listen: str = "127.0.0.1:18830", *, domain: str = "home"
    ) -> None:
        super().__init__(directory, listen, domain)

    def _accepts(self, child: Child) -> bool:
        return READY in child.said()

    def _spawn(self) -> Child:
        told = {
            "host": self.host,
            "port": self.port,
            "domain": self.domain,
            "password": self._password,
        }
        return Child(
            # -P: a file `amqtt.py` in the house shall not be taken for the library
            [sys.executable, "-P", "-W", "ignore", "-m", "myocan.hub.bus.amqtt_child"],
            self._marker,
            secret=json.dumps(told).encode(),
            on_line=lambda line: _log.debug("amqtt: %s", line),
        )
