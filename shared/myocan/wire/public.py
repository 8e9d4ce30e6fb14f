"""All names of the package, as its users see them; boards do without the hub's and this list."""

from .errors import WireError
from .fixed import Fixed
from .hub_message import (
    decode_base,
    decode_log,
    decode_up,
    decode_value,
    encode_ack,
    encode_data,
    encode_up,
    envelope,
)
from .hub_topics import data_topic, hub_topic, parse_topic, sender_of, up_topic
from .inbox import Inbox
from .message import (
    WIRE_VERSION,
    decode_ack,
    decode_data,
    encode_base,
    encode_log,
    encode_status,
    encode_value,
)
from .objects import decode_status
from .outbox import WINDOW, Outbox
from .proposal import decode_propose, decode_verdict, encode_propose, encode_verdict
from .topics import board_topic

__all__ = [
    "WINDOW",
    "WIRE_VERSION",
    "Fixed",
    "Inbox",
    "Outbox",
    "WireError",
    "board_topic",
    "data_topic",
    "decode_ack",
    "decode_base",
    "decode_data",
    "decode_log",
    "decode_propose",
    "decode_status",
    "decode_up",
    "decode_value",
    "decode_verdict",
    "encode_ack",
    "encode_base",
    "encode_data",
    "encode_log",
    "encode_propose",
    "encode_status",
    "encode_up",
    "encode_value",
    "encode_verdict",
    "envelope",
    "hub_topic",
    "parse_topic",
    "sender_of",
    "up_topic",
]
