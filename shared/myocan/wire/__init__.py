"""The wire format of myocan: topics, messages, and the two halves of delivery.

The same code runs on MicroPython and CPython. It does no I/O and reads no clock: bytes, numbers
and times come in as parameters. `docs/wire.md` is the format for people who write their own end.
"""

from .errors import WireError as WireError
from .fixed import Fixed as Fixed
from .message import WIRE_VERSION as WIRE_VERSION
from .message import decode_ack as decode_ack
from .message import decode_data as decode_data
from .message import encode_log as encode_log
from .message import encode_status as encode_status
from .outbox import Outbox as Outbox
from .topics import board_topic as board_topic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .message import Value as Value

try:
    from .public import *  # noqa: F403 (it names them all)
    from .public import __all__ as __all__
except ImportError:  # a board: what it imports above is all that it uses
    pass
