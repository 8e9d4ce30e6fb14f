"""What boards held while the hub was away, in its place among what came due meanwhile.

The one idea: a press of 23:50 comes before midnight's rule, though the hub hears of both at seven
in the morning. So a hub that has missed something first gives the boards that it knows a few
seconds to deliver what they hold. Then what they sent and what came due is processed in the order
in which it happened, each at its time as the log's time. Only who has missed nothing waits for
nobody.

A board sends no more than a window of messages before it is acknowledged. What it holds beyond that
comes behind what was due, as if it happened now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from myocan.hub.agent.batch import Batch
from myocan.hub.agent.intake import Intake

__all__ = ["Latecomers", "in_order", "single"]

WAIT_S = 3.0
"""How long boards have, from the start, and again from the connection to the broker."""

QUIET_S = 0.3
"""When all boards are there and have said nothing for so long, nobody waits any longer."""


class Latecomers:
    """The wait for boards at a start.

    Arguments:
        intake: knows the boards, and what they have sent.
        monotonic: a clock that only rises, in seconds.
    """

    def __init__(self, intake: Intake, monotonic: Callable[[], float]) -> None:
        self._intake = intake
        self._monotonic = monotonic
        self._awaited = set(intake.boards)
        self._ends = monotonic() + WAIT_S
        self._online = False
        self._count = 0
        self._quiet_since = monotonic()

    def wait_s(self, online: bool) -> float:
        """Return how many seconds to wait for boards yet, 0 if no longer.

        Arguments:
            online: whether there is a connection to the broker.
        """
        now = self._monotonic()
        if not self._awaited:
            return 0.0
        if online and not self._online:
            self._online = True
            self._ends = now + WAIT_S
        if len(self._intake.topics) != self._count:
            self._count = len(self._intake.topics)
            self._quiet_since = now
        ends = self._ends
        if self._online and all(map(self._is_there, self._awaited)):
            ends = min(ends, self._quiet_since + QUIET_S)
        return max(0.0, ends - now)

    def _is_there(self, name: str) -> bool:
        """Tell whether a board has opened its session, or the broker says that it is away."""
        board = self._intake.boards[name]
        return board.opened or board.status.get("online") is False


def in_order(batch: Batch, earliest_ms: int, latest_ms: int) -> list[tuple[int, int]]:
    """Return when each message of a batch happened, in that order, as (time, place in the batch).

    Of one producer they stay in order, whatever times they say. What says none happened with what
    came before it from there, or last of all.

    Arguments:
        batch: messages in the order in which they came.
        earliest_ms, latest_ms: none happened before or after, milliseconds since 1970 UTC.
    """
    reached: dict[str, int] = {}
    found = []
    for place, (producer, ts) in enumerate(batch.origins):
        before = reached.get(producer)
        if ts is None:
            at_ms = latest_ms if before is None else before
        else:
            at_ms = reached[producer] = min(max(ts, before or earliest_ms, earliest_ms), latest_ms)
        found.append((at_ms, place))
    return sorted(found)


def single(batch: Batch, places: Iterator[int]) -> Iterator[Batch]:
    """Return the messages of a batch at these places, each as a batch of its own."""
    for place in places:
        one = Batch()
        producer, ts = batch.origins[place]
        key = batch.keys.get(place, -1)
        one.add(batch.topics[place], batch.tags[place], batch.values[place], producer, ts, key)
        yield one
