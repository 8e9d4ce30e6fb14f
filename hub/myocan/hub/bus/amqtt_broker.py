"""amqtt as the hub's own broker: pure Python, so there for a first try where Mosquitto is not.

The one idea to know: it is 50 times slower than Mosquitto and speaks only MQTT 3.1.1, but `pip` has
brought it along already. It knows the same accounts; but it lets whoever comes under a board's
name cut off that board before it asks for the password, so it stays on loopback.
"""

from __future__ import annotations

import json
import logging
import sys
from ipaddress import ip_address
from pathlib import Path

from myocan.hub.bus.broker import HUB_USER, LOCAL_USER, OwnBroker
from myocan.hub.bus.child import BrokerError, Child, write_private

__all__ = ["READY", "AmqttBroker"]

ACCOUNTS = "accounts.json"
"""The boards' accounts, name -> password and what it may read; the child reads it, and again at
SIGHUP."""

READY = "accepts connections"
"""What the child writes when it does."""

_log = logging.getLogger(__name__)


class AmqttBroker(OwnBroker):
    """A private amqtt in a process of its own; see `OwnBroker` for the arguments.

    It does not even refuse MQTT 5: it takes it for something longer, and waits for the rest.
    """

    def __init__(
        self,
        directory: Path,
        listen: str = "127.0.0.1:18830",
        *,
        domain: str = "home",
        address: str | None = None,
    ) -> None:
        super().__init__(directory, listen, domain, address)
        if self.host != "localhost" and not ip_address(self.host).is_loopback:
            raise BrokerError(
                f"[broker] listen = '{listen}': for boards on the network install Mosquitto "
                "(apt install mosquitto); the broker that came along serves this machine alone"
            )

    def _choose_local_port(self) -> int:
        return self.port  # it asks by user name what others ask by door

    def _write_accounts(self) -> None:
        boards = {each.name: [each.password, each.reads] for each in self.accounts}
        write_private(self.directory / ACCOUNTS, json.dumps(boards))

    def _accepts(self, child: Child) -> bool:
        return READY in child.said()

    def _spawn(self) -> Child:
        told = {
            "host": self.host,
            "port": self.port,
            "domain": self.domain,
            "passwords": {HUB_USER: self._password, LOCAL_USER: self._local_password},
            "accounts": str(self.directory.resolve() / ACCOUNTS),
        }
        self._write_accounts()
        return Child(
            # -P: a file `amqtt.py` in the house shall not be taken for the library
            [sys.executable, "-P", "-W", "ignore", "-m", "myocan.hub.bus.amqtt_child"],
            self._marker,
            secret=json.dumps(told).encode(),
            on_line=lambda line: _log.debug("amqtt: %s", line),
        )
