"""How fast one board may send, so that one that goes mad does not drown the others.

The one idea: a board has an allowance that fills up again with time. One that overdraws it gets its
acknowledgements later; and since a board sends no more than a window without them, it is slowed
down to its rate and loses nothing. One that does not wait for acknowledgements goes on overdrawing:
what it sends then is dropped, before anybody takes the trouble to read it.

An allowance is counted in tenths of a message, for what is a repeat, or no message at all, costs
something, too.
"""

from __future__ import annotations

from myocan.wire import WINDOW

__all__ = ["FRAME", "MESSAGE", "Pace"]

FRAME = 1
"""What any frame costs."""

MESSAGE = 9
"""What it costs besides if it is a new message."""

BURST_S = 2
"""How many seconds' worth a board may send at once when it was quiet before."""

WITHHELD_MS = 5000
"""The longest that an acknowledgement is withheld: a board may think that the hub is gone."""

_TENTHS = FRAME + MESSAGE
_WINDOWS = 4
"""How many windows a board may overdraw, for what it sends again until it is acknowledged."""


class Pace:
    """The allowance of one board.

    Arguments:
        rate: messages a second that it may send for long.
        now_ms: a clock in milliseconds; it may be set back.

    `left` may be spent directly, as long as it is not negative then; else ask `may_go_on`.
    `dropped` counts what was dropped since the board kept to its rate last.
    """

    __slots__ = ("_burst", "_filled_ms", "_least", "_rate", "_withheld_ms", "dropped", "left")

    def __init__(self, rate: int, now_ms: int) -> None:
        self._rate = rate * _TENTHS
        self._burst = max(BURST_S * self._rate, _WINDOWS * WINDOW * _TENTHS)
        self._least = -_WINDOWS * WINDOW * _TENTHS
        self._filled_ms = now_ms
        self._withheld_ms: int | None = None
        self.left = self._burst
        self.dropped = 0

    def may_go_on(self, now_ms: int) -> bool:
        """Fill up the allowance; tell whether a frame is still taken rather than dropped."""
        self._fill(now_ms)
        if self.left > self._least:
            return True
        self.left = self._least
        self.dropped += 1
        return False

    def withholds_ms(self, now_ms: int) -> int:
        """Return for how many milliseconds acknowledgements are withheld, 0 for not at all."""
        if self.left >= 0:
            self._withheld_ms = None
            return 0
        self._fill(now_ms)
        if self.left >= 0:
            self._withheld_ms = None
            return 0
        if self._withheld_ms is None or now_ms < self._withheld_ms:
            self._withheld_ms = now_ms
        patience = self._withheld_ms + WITHHELD_MS - now_ms
        if patience <= 0:
            self._withheld_ms = None
            return 0
        return min(patience, 1 - self.left * 1000 // self._rate)

    def settles_ms(self, now_ms: int) -> int:
        """Return in how many milliseconds it is over that frames are dropped, 0: it is."""
        self._fill(now_ms)
        return max(0, (self._burst // 2 - self.left) * 1000 // self._rate)

    def _fill(self, now_ms: int) -> None:
        passed = now_ms - self._filled_ms
        more = passed * self._rate // 1000
        if passed < 0 or more > 0:
            self._filled_ms = now_ms
            self.left = min(self._burst, self.left + max(0, more))
