"""Writes the state of a mode in slices, between the batches of the hub.

Nothing counts until the last slice, whose transaction also moves the pointer; see `state.py`.
"""

import sqlite3
from collections.abc import Mapping

from myocan.hub.store import past, state
from myocan.hub.store.errors import StoreError
from myocan.hub.store.positions import Positions
from myocan.hub.store.writer import Writer

__all__ = ["SLICE", "Checkpoint", "Mode"]

SLICE = 256
"""Variables written in one transaction: an append waits for one slice at most, about 1 ms."""


class Mode:
    """What is kept in memory of mode `name`, whose number is `number`."""

    __slots__ = ("checkpoint", "found", "name", "next", "number", "positions", "unfinished",
                 "unsaved")  # fmt: skip

    def __init__(self, db: sqlite3.Connection, number: int, name: str) -> None:
        self.number = number
        self.name = name
        self.checkpoint = state.last_checkpoint(db, number)
        """The offset that the state is complete for."""
        self.unfinished: int | None = None
        """The offset of the checkpoint that is being written."""
        newest = db.execute(f'SELECT ifnull(max("offset"), 0) FROM log_{number}').fetchone()[0]
        self.next: int = 1 + max(newest, self.checkpoint)
        self.found = self.next - 1
        """The last offset when the store was opened."""
        self.unsaved: dict[int, str | None] | None = None if newest > self.checkpoint else {}
        """What changed from the last checkpoint to there; None: not read yet."""
        self.positions = Positions(db, number, self.checkpoint)


class Checkpoint:
    """A checkpoint that is being written: `step` it until it is `finished`.

    `changed`: see `Store.start_checkpoint`, which makes these and says what is raised.
    """

    def __init__(
        self, writer: Writer, mode: Mode, offset: int, changed: Mapping[int, str | None]
    ) -> None:
        if mode.unfinished is not None:
            raise StoreError(
                f"the checkpoint of {mode.name} at {mode.unfinished} is not finished; step it"
                " until it is, then start the next"
            )
        if not mode.checkpoint <= offset < mode.next:
            raise ValueError(f"a checkpoint at {offset}: not {mode.checkpoint} to {mode.next - 1}")
        if offset == mode.checkpoint and changed:
            raise ValueError(f"state cannot have changed since the checkpoint at {offset}")
        if mode.unsaved is None:
            with writer.reading() as db:
                where = f"{writer.path}, mode {mode.name}"
                mode.unsaved = state.load(db, mode.number, where, mode.found).changed
        if mode.unsaved and mode.checkpoint < offset < mode.found:
            raise ValueError(f"a checkpoint at {offset}: the store was opened at {mode.found}")
        self._writer = writer
        self._mode = mode
        self._offset = offset
        # Sorted, so that a slice touches neighbouring pages; a copy, so that it stays as it is.
        self._items = sorted({**mode.unsaved, **changed}.items())
        self._place = 0
        self.finished = offset == mode.checkpoint
        """Whether it counts now."""
        if not self.finished:
            mode.unfinished = offset

    def step(self) -> bool:
        """Write the next slice, in a transaction; returns whether there is more to do.

        When it raises DiskFull nothing of the slice was written: step again later.
        """
        if self.finished:
            return False
        mode = self._mode
        start, end = self._place, self._place + SLICE
        last = end >= len(self._items)
        with self._writer.transaction("checkpoint") as db:
            state.write_slice(
                db, mode.number, self._offset, mode.checkpoint, self._items[start:end]
            )
            if last:
                state.complete(db, mode.number, self._offset)
                mode.positions.fold(db, self._offset)
            elif start == 0:
                state.announce(db, mode.number, self._offset)
            past.purge(db, mode.number, SLICE)
        self._place = end
        if last:
            mode.positions.folded()
            mode.checkpoint = self._offset
            mode.unsaved = {}
            mode.unfinished = None
            self.finished = True
        return not last
