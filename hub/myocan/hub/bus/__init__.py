"""MQTT in and out, and the brokers that the hub can run itself.

bus = Bus(url, "myocan-main", subscriptions=[("mc1/$board/home/#", 0)], will=(topic, payload))
bus.start()
while True:
    for topic, payload, retained in bus.receive(timeout):
        ...                             # topic may be CONNECTED, DISCONNECTED or REFUSED
    bus.publish([(topic, payload, 1, True, offset)])
"""

from myocan.hub.bus.address import Address, BusError, parse_url
from myocan.hub.bus.amqtt_broker import AmqttBroker
from myocan.hub.bus.broker import Account, Broker, OwnBroker
from myocan.hub.bus.bus import CONNECTED, DISCONNECTED, REFUSED, Bus, BusRefused
from myocan.hub.bus.certificates import Certificates
from myocan.hub.bus.child import BrokerError
from myocan.hub.bus.link import Frame, Outgoing
from myocan.hub.bus.mosquitto import MosquittoBroker
from myocan.hub.bus.pick import pick_broker

__all__ = [
    "CONNECTED",
    "DISCONNECTED",
    "REFUSED",
    "Account",
    "Address",
    "AmqttBroker",
    "Broker",
    "BrokerError",
    "Bus",
    "BusError",
    "BusRefused",
    "Certificates",
    "Frame",
    "MosquittoBroker",
    "Outgoing",
    "OwnBroker",
    "parse_url",
    "pick_broker",
]
