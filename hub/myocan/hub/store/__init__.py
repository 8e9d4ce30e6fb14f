"""The store: the log of all messages, the state that follows from it, how far boards were heard.

`Store` is the hub's, one thread's; `Syncer` makes what it wrote durable, in a thread of its own;
`Reader` looks on from elsewhere. See `store.py` for what is promised and why it holds.
"""

from myocan.hub.store.checkpoint import Checkpoint
from myocan.hub.store.copies import ModeCopy
from myocan.hub.store.entries import Entries
from myocan.hub.store.errors import (
    DiskFailed,
    DiskFull,
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreTooNew,
    StoreTooOld,
    Trimmed,
)
from myocan.hub.store.past import Kept
from myocan.hub.store.reader import Reader
from myocan.hub.store.rows import Entry, LogRow, Message, Position, Recovered
from myocan.hub.store.store import Store
from myocan.hub.store.syncer import Syncer
from myocan.hub.store.trim import Trimmer
from myocan.hub.store.writer import Faults

__all__ = [
    "Checkpoint",
    "DiskFailed",
    "DiskFull",
    "Entries",
    "Entry",
    "Faults",
    "Kept",
    "LogRow",
    "Message",
    "ModeCopy",
    "Position",
    "Reader",
    "Recovered",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreLocked",
    "StoreTooNew",
    "StoreTooOld",
    "Syncer",
    "Trimmed",
    "Trimmer",
]
