"""How far each board was heard, and up to where the broker has confirmed: the fold of the log.

Both change with nearly every batch. So they are written in columns of the batch's last row, and put
into tables of their own (folded) only by a checkpoint, or when there is no row to carry them. An
entry of the table says for which offset of the log it is good (`at`): what rows up to there carry
is older. An entry with `last` NULL in the table says that the board's entry is gone.
"""

import sqlite3
from collections.abc import Sequence

import msgspec

from myocan.hub.store.rows import Position

__all__ = ["Positions"]

_UPSERT = "INSERT OR REPLACE INTO position (mode, board, boot, last, seen, at) VALUES (?,?,?,?,?,?)"
_LIST = msgspec.json.Decoder(list[tuple[str, int, int | None, int]])


class Positions:
    """Positions and released offset of mode number `mode`; its log is read after `checkpoint`."""

    def __init__(self, db: sqlite3.Connection, mode: int, checkpoint: int) -> None:
        self._mode = mode
        self._entries: dict[tuple[str, int], tuple[int | None, int, int]] = {}
        self._unfolded: set[tuple[str, int]] = set()
        self.released: int = db.execute(
            "SELECT released FROM mode WHERE id = ?", (mode,)
        ).fetchone()[0]
        query = "SELECT board, boot, last, seen, at FROM position WHERE mode = ?"
        for board, boot, last, seen, at in db.execute(query, (mode,)):
            self._entries[board, boot] = last, seen, at
        query = (
            f'SELECT "offset", released, positions FROM log_{mode} WHERE "offset" > ?'
            ' AND (released IS NOT NULL OR positions IS NOT NULL) ORDER BY "offset"'
        )
        for offset, released, text in db.execute(query, (checkpoint,)):
            self.release(released)
            if text is not None:
                self.take(_LIST.decode(text), offset)

    def release(self, offset: int | None) -> None:
        """Note that the broker has confirmed outputs up to `offset`."""
        if offset is not None and offset > self.released:
            self.released = offset

    def take(self, positions: Sequence[Position], at: int) -> None:
        """Note what row `at` of the log carries."""
        for board, boot, last, seen in positions:
            known = self._entries.get((board, boot))
            if known is None or known[2] < at:
                self._entries[board, boot] = last, seen, at
                self._unfolded.add((board, boot))

    def current(self) -> list[Position]:
        """All positions as they are now."""
        return [
            (board, boot, last, seen)
            for (board, boot), (last, seen, _) in self._entries.items()
            if last is not None
        ]

    @staticmethod
    def text(positions: Sequence[Position]) -> str | None:
        """What a row of the log carries for `positions`."""
        return msgspec.json.encode(positions).decode() if positions else None

    def write(
        self, db: sqlite3.Connection, positions: Sequence[Position], released: int | None, at: int
    ) -> None:
        """Put into the tables what no row carries, good for offset `at`, in a transaction."""
        self._write_released(db, released)
        db.executemany(_UPSERT, [(self._mode, *entry, at) for entry in positions])

    def written(self, positions: Sequence[Position], at: int) -> None:
        """That transaction was committed."""
        for board, boot, last, seen in positions:
            self._entries[board, boot] = last, seen, at
            self._unfolded.discard((board, boot))

    def fold(self, db: sqlite3.Connection, checkpoint: int) -> None:
        """Put into the tables what rows carry, so that starts may read the log after `checkpoint`
        only; in a transaction."""
        self._write_released(db, self.released)
        db.executemany(
            _UPSERT,
            [(self._mode, *key, *self._entries[key]) for key in sorted(self._unfolded)],
        )
        db.execute(
            "DELETE FROM position WHERE mode = ? AND last IS NULL AND at <= ?",
            (self._mode, checkpoint),
        )

    def folded(self) -> None:
        """That transaction was committed."""
        self._unfolded.clear()
        gone = [key for key, (last, _, _) in self._entries.items() if last is None]
        for key in gone:
            del self._entries[key]

    def _write_released(self, db: sqlite3.Connection, released: int | None) -> None:
        if released is not None:
            db.execute("UPDATE mode SET released = ? WHERE id = ?", (released, self._mode))
