"""A hub in miniature: an Inbox, a log that exists in memory, in transactions and on a disk.

The one idea: it keeps its own account of what was taken, so that every promise of the Inbox can be
checked against it at the moment it is made; nothing here relies on the Inbox being right.
"""

from __future__ import annotations

from collections.abc import Iterator

from myocan.wire import Inbox, decode_ack, decode_base, decode_up, encode_ack
from myocan.wire.inbox import FORGET, NEW, REFUSED, TAKE

START_MS = 1_700_000_000_000

Entry = tuple[int, int, int]
"""A message in the log: boot, seq, value."""


class Hub:
    """Takes frames, logs, syncs, acknowledges, fails, and breaks down; `now_ms` is its clock."""

    def __init__(self) -> None:
        self.now_ms = START_MS
        self.mark = 0
        self.batch: list[Entry] = []  # taken, not written
        self.unsynced: list[tuple[int, list[Entry], dict[int, tuple[int, int]]]] = []
        self.log: list[Entry] = []  # on the disk
        self.positions: dict[int, tuple[int, int]] = {}  # on the disk: boot -> (last, seen_ms)
        self.lost = 0  # as reported, on this timeline or another
        self.outcomes: set[str] = set()
        self.inbox = Inbox()

    def entries(self) -> Iterator[Entry]:
        """All that was taken and not undone, in order."""
        yield from self.log
        for _, entries, _ in self.unsynced:
            yield from entries
        yield from self.batch

    def receive(self, leaf: str, payload: bytes) -> str:
        """Take a frame of the board; returns what the Inbox made of it."""
        if leaf == "base":
            boot, base, lost = decode_base(payload)
            outcome, more = self.inbox.on_base(boot, base, lost, self.now_ms)
            self.lost += more
            assert more == 0 or outcome != REFUSED
        else:
            value, seq, _, boot = decode_up(payload)
            outcome = self.inbox.on_message(boot, seq, self.now_ms)
            if outcome == TAKE:
                assert isinstance(value, int)
                self.batch.append((boot, seq, value))
        self.outcomes.add(outcome)
        return outcome

    def commit(self) -> None:
        """Write what was taken, and the positions with it, in one transaction."""
        changed = {boot: (last, seen_ms) for boot, last, seen_ms in self.inbox.changed()}
        if changed or self.batch:
            self.mark += 1
            self.unsynced.append((self.mark, self.batch, changed))
            self.batch = []
            self.inbox.written(self.mark)

    def fail_to_commit(self) -> None:
        """The transaction fails: nothing of it is in the store."""
        self.inbox.changed()
        self.batch = []
        self.inbox.revert()

    def sync(self, count: int | None = None) -> None:
        """Make the oldest `count` transactions durable, all by default."""
        for mark, entries, changed in self.unsynced[:count]:
            self.log += entries
            for boot, (last, seen_ms) in changed.items():
                if last == FORGET:
                    self.positions.pop(boot, None)
                else:
                    self.positions[boot] = (last, seen_ms)
            self.inbox.synced(mark)
        del self.unsynced[:count]

    def acks(self) -> list[bytes]:
        """Acknowledgements that are due. Each is checked: what it covers must be on the disk."""
        frames = []
        for boot, seq in self.inbox.acks(self.now_ms):
            taken = {entry for entry in self.entries() if entry[0] == boot and entry[1] <= seq}
            assert taken <= set(self.log), f"acknowledged {boot} up to {seq}, not on the disk"
            frames.append(encode_ack(boot, seq, self.now_ms, "store"))
            assert decode_ack(frames[-1])[:2] == (boot, seq)
        return frames

    def be_killed(self) -> None:
        """`kill -9`: what is written survives; the next start syncs it before it reads."""
        self.sync()
        self.lose_power()

    def lose_power(self) -> None:
        """Back to what is on the disk."""
        self.batch = []
        self.unsynced = []
        self.inbox = Inbox([(boot, *position) for boot, position in self.positions.items()])


__all__ = ["NEW", "START_MS", "Hub"]
