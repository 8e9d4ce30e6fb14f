"""Which broker joins the house: the user's, else Mosquitto, else amqtt."""

from __future__ import annotations

from pathlib import Path

from myocan.hub.bus.amqtt_broker import AmqttBroker
from myocan.hub.bus.broker import OwnBroker
from myocan.hub.bus.certificates import Certificates
from myocan.hub.bus.child import BrokerError
from myocan.hub.bus.mosquitto import MosquittoBroker, find_mosquitto

__all__ = ["pick_broker"]


def pick_broker(
    url: str | None,
    directory: Path,
    listen: str = "127.0.0.1:18830",
    *,
    domain: str = "home",
    address: str | None = None,
    certificates: Certificates | None = None,
    plain: str | None = None,
) -> OwnBroker | None:
    """Return the broker that the hub has to start, or None if `url` names the user's own.

    directory: where the files of the hub's own go. listen: where it listens, `host:port`. domain:
    the house's. address: under which boards find it. certificates, plain: see `OwnBroker`. Raises
    BrokerError for a `listen` that cannot be, and where it shall encrypt and there is no Mosquitto.
    """
    if url is not None:
        return None
    if find_mosquitto() is not None:
        return MosquittoBroker(
            directory,
            listen,
            domain=domain,
            address=address,
            certificates=certificates,
            plain=plain,
        )
    if certificates is not None:
        raise BrokerError(
            "[broker] tls = true is for boards on the network: install Mosquitto (apt install "
            "mosquitto); the broker that came along serves this machine alone"
        )
    return AmqttBroker(directory, listen, domain=domain, address=address)
