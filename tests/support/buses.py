"""What tests of the bus share: taking frames with a deadline, and frames to send."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from myocan.hub.bus import CONNECTED, Bus, Frame, Outgoing

DEADLINE_S = 60.0
SLICE_S = 0.02
"""What is waited for need not come as a frame, so it is looked at again this often."""

MakeBus = Callable[..., Bus]
Enough = Callable[[list[Frame]], object]


class Peer(NamedTuple):
    """A broker as one sees it who wants to connect: its URL, what to ask for, what it speaks."""

    url: str
    protocol: str
    speaks: str


def take(bus: Bus, enough: Enough) -> list[Frame]:
    """Receive until `enough` of what has come; fail if that takes too long."""
    deadline = time.monotonic() + DEADLINE_S
    frames: list[Frame] = []
    while not enough(frames):
        left = deadline - time.monotonic()
        assert left > 0, f"only {len(frames)} frames came, the last: {frames[-3:]}"
        frames += bus.receive(min(left, SLICE_S))
    return frames


def connected(frames: Sequence[Frame]) -> bool:
    """Whether a connection has begun."""
    return any(topic == CONNECTED for topic, _, _ in frames)


def at_least(count: int) -> Enough:
    """Whether so many frames have come, link events included."""
    return lambda frames: len(frames) >= count


def confirmed(bus: Bus, token: int) -> Enough:
    """Whether all up to `token` is with the broker."""
    return lambda _: bus.confirmed() == token


def numbered(first: int, last: int, topics: int = 3) -> list[Outgoing]:
    """Return QoS 1 frames with these tokens, spread over topics, the token being the payload."""
    return [(f"mc1/t{n % topics}", b"%d" % n, 1, False, n) for n in range(first, last + 1)]
