"""The store: the log of all messages, the state that follows from it, how far boards were heard.

`Store` is the hub's, one thread's; `Syncer` makes what it wrote durable, in a thread of its own;
`Reader` looks on from elsewhere. `summarize`, `verify`, `compact`, `export_store`, `import_store`
are for people who look after one. See `store.py` for what is promised and why it holds.
"""

from myocan.hub.store.checkpoint import Checkpoint
from myocan.hub.store.compaction import Compacted, compact
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
from myocan.hub.store.export import export_store
from myocan.hub.store.importing import Imported, ImportedMode, import_store
from myocan.hub.store.past import Kept
from myocan.hub.store.present import Present
from myocan.hub.store.reader import Reader
from myocan.hub.store.reserve import Reserve
from myocan.hub.store.rows import Entry, LogRow, Message, Position, Recovered
from myocan.hub.store.store import Store
from myocan.hub.store.summary import ModeSummary, Start, Summary, TopicSummary, summarize
from myocan.hub.store.syncer import Syncer
from myocan.hub.store.trim import Trimmer
from myocan.hub.store.verification import ModeVerified, Verified, verify
from myocan.hub.store.walk import Gap
from myocan.hub.store.writer import Faults

__all__ = [
    "Checkpoint",
    "Compacted",
    "DiskFailed",
    "DiskFull",
    "Entries",
    "Entry",
    "Faults",
    "Gap",
    "Imported",
    "ImportedMode",
    "Kept",
    "LogRow",
    "Message",
    "ModeCopy",
    "ModeSummary",
    "ModeVerified",
    "Position",
    "Present",
    "Reader",
    "Recovered",
    "Reserve",
    "Start",
    "Store",
    "StoreDamaged",
    "StoreError",
    "StoreLocked",
    "StoreTooNew",
    "StoreTooOld",
    "Summary",
    "Syncer",
    "TopicSummary",
    "Trimmed",
    "Trimmer",
    "Verified",
    "compact",
    "export_store",
    "import_store",
    "summarize",
    "verify",
]
