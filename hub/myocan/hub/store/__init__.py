"""The store: the log of all messages, the state that follows from it, how far boards were heard.

`Store` is the hub's, one thread's; `Syncer` makes what it wrote durable, in a thread of its own;
`Reader` looks on from elsewhere. See `store.py` for what is promised and why it holds.
"""

from myocan.hub.store.errors import (
    DiskFailed,
    DiskFull,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreTooNew,
)
from myocan.hub.store.rows import LogRow, Message, Position, Recovered
from myocan.hub.store.store import Checkpoint, Faults, Store

__all__ = [
    "Checkpoint",
    "DiskFailed",
    "DiskFull",
    "Faults",
    "LogRow",
    "Message",
    "Position",
    "Recovered",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreLocked",
    "StoreTooNew",
]
