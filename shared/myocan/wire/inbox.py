"""The hub's half of delivery: which message of a board is new, and what the board may forget.

The rules (the board's are at the top of `outbox.py`):

1. One `Inbox` for each board name; in it, for each boot of the board, the last number taken of
   those that came without a gap. Boots are kept apart, so that a late message of an earlier boot
   is not taken for a new one: 64 of them, for 30 days.
2. A boot becomes known only by its `base`, at base - 1. A message of an unknown boot is not taken:
   it may be the fifth, and the first four still be on their way.
3. Of a known boot the number after the last is taken, a lower one is a repeat, a higher one a
   gap. Nothing is held out of order, for the board still has it.
4. A `base` above that number means that the board gave up the messages between: the last moves to
   base - 1, and they are lost.
5. A position exists three times: in memory (taken), in a transaction (written), on the disk
   (synced). Only what is synced is ever acknowledged, for the board forgets by it. After a crash
   only what is on the disk counts, and the board sends the rest again.
6. Every base is answered at once. A gap or a repeat is answered with the synced position, at most
   every 100 ms; from that the board learns that it must send again. New positions are acknowledged
   when they make half a window, and otherwise at most every 50 ms.
7. A message further ahead of what is synced than a window is not taken yet, as if there were a
   gap. No board that keeps to the rules sends one; another cannot fill the hub's memory so.
8. Two boots of one name that take turns are two boards. The one that was known first is refused,
   until the other has been silent for ten minutes.

So every message that a board does not give up is taken exactly once on the timeline that survives:
it is taken in order (3, 4), its position is in the transaction that logs it (5), the board keeps it
until that is on the disk (5), and sends it until then (rule 5 of the outbox).

Nothing here does I/O or reads a clock, and nothing is safe to use from two threads at once. Time is
milliseconds since 1970 UTC; when it is set back a pause is cut short, never a position changed.
A board has no use for this module, and its firmware leaves it out.
"""

from .outbox import WINDOW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BOOTS = 64  # bounds what a board that restarts all the time makes the hub keep
KEEP_MS = 30 * 24 * 3600 * 1000
REFRESH_MS = 24 * 3600 * 1000  # a boot that only says base is stored again after this
ANSWER_MS = 100
ACK_MS = 50
SILENT_MS = 10 * 60 * 1000
TURNS = 3  # one base of an earlier boot may be late, so may two; a third is a second board

TAKE = "take"  # new: process it
REPEAT = "repeat"  # taken before
GAP = "gap"  # one before it is missing; the board will send both again
UNKNOWN = "unknown"  # no base of this boot was seen; the board's next resend brings it
REFUSED = "refused"  # of the older one of two live boards of one name
NEW = "new"
KNOWN = "known"
CLONED = "cloned"  # refused from now on: record it

FORGET = -1  # as a position: the stored one is to be removed

_NOTHING, _REPEAT, _GAP, _BASE = 0, 1, 2, 3  # what waits for an answer


class _Boot:
    """What is known of one boot."""

    __slots__ = (
        "acked",
        "answered_ms",
        "base",
        "last",
        "lost",
        "lost_written",
        "owed",
        "refused",
        "seen_ms",
        "stored_ms",
        "synced",
        "turns",
        "written",
    )

    def __init__(self, last: int, seen_ms: int) -> None:
        self.last = self.written = self.synced = self.acked = last
        self.base = last + 1  # as the board said last
        self.seen_ms = self.stored_ms = seen_ms
        # As the board counts; None until the first base after a restart of the hub.
        self.lost: int | None = None
        self.lost_written: int | None = None
        self.owed = _NOTHING
        self.answered_ms = -ANSWER_MS
        self.turns = 0
        self.refused = False


class Inbox:
    """The positions of one board's boots.

    A round of the hub: `on_base` and `on_message` for what came in; `changed()` into the
    transaction that logs it; `written(mark)` when that is committed, or `revert()` when it
    failed; `synced(mark)` when it is on the disk; `acks(now_ms)` then and when `due_ms` is over.
    """

    def __init__(self, positions: "Iterable[tuple[int, int, int]]" = ()) -> None:
        """Start from what is stored.

        positions: (boot, last, seen_ms) as `changed` gave them, all of them on the disk: after a
        crash sync the store before you load. The boot seen last gets an acknowledgement at once,
        so that a board that waits for this hub need not sit out its time-out.
        """
        self._boots: dict[int, _Boot] = {}
        self._touched: set[int] = set()  # boots that may differ from what is written
        self._owing: set[int] = set()  # boots that may have an acknowledgement due
        self._forgotten: dict[int, int] = {}  # boot -> seen_ms, to be removed from the store
        self._offered: list[tuple[int, int, int]] = []
        self._unsynced: list[tuple[int, int, int]] = []  # (mark, boot, last), marks rising
        self._turn = False  # has the newest boot said base since an older one did?
        for boot, last, seen_ms in positions:
            if last != FORGET:
                self._boots[boot] = _Boot(last, seen_ms)
        self._newest = self._seen_last()
        if self._boots:
            self._owe(self._newest, _BASE)

    def on_base(self, boot: int, base: int, lost: int, now_ms: int) -> "tuple[str, int]":
        """Take a `base` frame; the arguments as `decode_base` gives them.

        Returns (outcome, lost). outcome: NEW, KNOWN, REFUSED, or CLONED at the moment from which a
        boot is refused. lost: how many messages are lost that were not reported before; if it is
        not 0 it goes into the log with the transaction of the next `changed`.
        """
        known = self._boots.get(boot)
        if known is None:
            outcome = NEW
            self._make_room(now_ms)
            known = self._boots[boot] = _Boot(base - 1, now_ms)
            known.written = FORGET
            known.lost = 0
            self._newest = boot
            self._forgotten.pop(boot, None)
        else:
            outcome = self._take_turn(boot, known, now_ms)
            if known.refused:
                return outcome, 0
        if boot == self._newest:
            self._turn = True
        known.seen_ms = now_ms
        known.base = max(known.base, base)
        gone = max(0, base - 1 - known.last)
        known.last += gone
        if known.lost is not None:
            gone = max(gone, lost - known.lost)
        known.lost = max(lost, known.lost or 0)
        self._touched.add(boot)
        self._owe(boot, _BASE)
        return outcome, gone

    def on_message(self, boot: int, seq: int, now_ms: int) -> str:
        """Take the number of a message: TAKE, REPEAT, GAP, UNKNOWN or REFUSED.

        Only one that is to be taken may be processed, and must go into the log with the
        transaction of the next `changed`. A message whose value or topic is refused has a number
        as well (`envelope`, `sender_of`) and must be passed here, or it would come again for ever.
        """
        known = self._boots.get(boot)
        if known is None:
            return UNKNOWN
        if known.refused:
            return REFUSED
        known.seen_ms = now_ms
        if seq <= known.last:
            self._owe(boot, _REPEAT)
            return REPEAT
        if seq > known.last + 1 or seq > max(known.synced + 1, known.base) + WINDOW - 1:
            self._owe(boot, _GAP)
            return GAP
        known.last = seq
        if known.owed == _GAP:
            known.owed = _NOTHING
        self._touched.add(boot)
        return TAKE

    def changed(self) -> "list[tuple[int, int, int]]":
        """Positions to store with the next transaction, as (boot, last, seen_ms).

        A last of FORGET removes the stored one. Ask once for each transaction.
        """
        self._offered = [(boot, FORGET, seen) for boot, seen in self._forgotten.items()]
        for boot in self._touched:
            known = self._boots[boot]
            if known.last != known.written or known.seen_ms - known.stored_ms >= REFRESH_MS:
                self._offered.append((boot, known.last, known.seen_ms))
        return self._offered

    def written(self, mark: int) -> None:
        """The transaction with what `changed` gave last is committed.

        mark: a number that rises with every transaction, as the log's offset does. (A transaction
        without a log row may have the mark of the one before: a position without a row holds no
        message.)
        """
        for boot, last, seen_ms in self._offered:
            if last == FORGET:
                self._forgotten.pop(boot, None)
            elif boot in self._boots:
                known = self._boots[boot]
                known.written = last
                known.stored_ms = seen_ms
                self._unsynced.append((mark, boot, last))
        for boot in self._touched:
            self._boots[boot].lost_written = self._boots[boot].lost
        self._touched.clear()
        self._offered = []

    def revert(self) -> None:
        """The transaction failed: back to what is written, as if nothing had come since."""
        for boot in self._touched:
            known = self._boots[boot]
            known.last = known.written
            known.lost = known.lost_written
            if known.written == FORGET:
                del self._boots[boot]
        self._touched.clear()
        self._offered = []
        if self._newest not in self._boots:
            self._newest = self._seen_last()

    def synced(self, mark: int) -> None:
        """All transactions up to `mark` are on the disk."""
        count = 0
        for written, boot, last in self._unsynced:
            if written > mark:
                break
            count += 1
            known = self._boots.get(boot)
            if known is not None and last > known.synced:
                known.synced = last
                self._owing.add(boot)
        del self._unsynced[:count]

    def acks(self, now_ms: int) -> "list[tuple[int, int]]":
        """Acknowledgements to send now, as (boot, seq)."""
        due = []
        for boot in list(self._owing):
            known = self._boots.get(boot)
            wait = _wait(known, now_ms) if known else None
            if wait is None or known is None:
                self._owing.discard(boot)
            elif wait <= 0:
                # To a board progress is no sign of a gap: it needs the same position once more.
                if known.owed != _GAP or known.synced == known.acked:
                    known.owed = _NOTHING
                known.acked = known.synced
                known.answered_ms = now_ms
                due.append((boot, known.synced))
        return due

    def due_ms(self, now_ms: int) -> "int | None":
        """In how many milliseconds `acks` will have something, None if nothing is owed."""
        waits = [_wait(self._boots[boot], now_ms) for boot in self._owing if boot in self._boots]
        return min([max(0, wait) for wait in waits if wait is not None], default=None)

    def positions(self) -> "list[tuple[int, int, int, int]]":
        """All boots as (boot, last, synced, seen_ms), for people to look at."""
        return [(b, known.last, known.synced, known.seen_ms) for b, known in self._boots.items()]

    def _owe(self, boot: int, what: int) -> None:
        known = self._boots[boot]
        known.owed = max(known.owed, what)
        self._owing.add(boot)

    def _take_turn(self, boot: int, known: _Boot, now_ms: int) -> str:
        """An older boot that opens again and again, the newest in between, is another board."""
        if boot == self._newest:
            return KNOWN
        if known.refused:
            silent_ms = now_ms - self._boots[self._newest].seen_ms
            if silent_ms < SILENT_MS:
                return REFUSED
            known.refused = False
            known.turns = 0
        if self._turn:
            self._turn = False
            known.turns += 1
            known.refused = known.turns == TURNS
        return CLONED if known.refused else KNOWN

    def _make_room(self, now_ms: int) -> None:
        """Forget the boots that are too old, and the oldest if there are too many."""
        by_age = sorted([(known.seen_ms, boot) for boot, known in self._boots.items()])
        for i, (seen_ms, boot) in enumerate(by_age):
            if now_ms - seen_ms > KEEP_MS or len(by_age) - i >= MAX_BOOTS:
                del self._boots[boot]
                self._touched.discard(boot)
                self._forgotten[boot] = seen_ms

    def _seen_last(self) -> int:
        seen = [(known.seen_ms, boot) for boot, known in self._boots.items()]
        return max(seen)[1] if seen else -1


def _wait(known: _Boot, now_ms: int) -> "int | None":
    """In how many milliseconds an acknowledgement is due (0 or less: now), None if not at all."""
    fresh = known.synced - known.acked
    if known.refused or not (fresh or known.owed):
        return None
    since = now_ms - known.answered_ms
    if known.owed == _BASE or fresh >= WINDOW // 2 or since < 0:
        return 0
    return (ACK_MS if fresh else ANSWER_MS) - since
