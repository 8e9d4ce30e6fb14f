"""The wire format of myocan: topics, messages, and the two halves of delivery.

The same code runs on MicroPython and CPython. It does no I/O and reads no clock: bytes, numbers
and times come in as parameters. `docs/wire.md` is the format for people who write their own end.
"""

from .errors import WireError
from .fixed import Fixed
from .message import (
    WIRE_VERSION,
    decode_ack,
    decode_data,
    decode_status,
    encode_base,
    encode_log,
    encode_status,
    encode_value,
)
from .outbox import WINDOW, Outbox
from .topics import board_topic, up_topic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .message import Value as Value

try:
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
    from .hub_topics import data_topic, hub_topic, parse_topic, sender_of
    from .inbox import Inbox
    from .proposal import decode_propose, decode_verdict, encode_propose, encode_verdict
except ImportError:  # a board: its firmware carries neither what is the hub's, nor proposals
    pass

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
