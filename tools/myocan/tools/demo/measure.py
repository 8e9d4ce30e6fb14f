"""What a run of presses came to: how many arrived, how often, how fast."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of the demo; its fields are the keys of its JSON object, in this order.

    presses: how often the button went down. switched: how often the lamp's pin changed after it.
    lost, duplicated: presses that the log holds not at all, or more than once.
    p50_ms, p99_ms: from the button's pin to the lamp's pin, on the board, in milliseconds; None
    where nothing switched. broker: which one. runtime: what ran the board. core: "compiled" or
    "pure".
    """

    presses: int
    switched: int
    lost: int
    duplicated: int
    p50_ms: float | None
    p99_ms: float | None
    broker: str
    runtime: str
    core: str

    @property
    def flawless(self) -> bool:
        """Whether every press switched the lamp, and counted once."""
        return self.switched == self.presses and not self.lost and not self.duplicated

    def plain(self) -> dict[str, object]:
        """Return the fields as plain values, for JSON."""
        return asdict(self)


def percentile(sorted_values: Sequence[float], share: float) -> float | None:
    """Return the smallest value that at least `share` (0 to 1) of the values do not exceed.

    The nearest-rank method: always a value that was measured. None if there are no values.
    """
    if not sorted_values:
        return None
    rank = max(1, math.ceil(share * len(sorted_values)))
    return sorted_values[rank - 1]


def summarize(
    presses: int,
    logged: int,
    latencies_ns: Sequence[int],
    changes: int,
    *,
    broker: str,
    runtime: str,
    core: str,
) -> Summary:
    """Put a summary together.

    presses: how often the button went down. logged: how many presses the log holds.
    latencies_ns: of each press that the lamp followed. changes: how often the lamp's pin changed
    in all; more than the presses were means that one of them counted twice.
    """
    times = sorted(ns / 1e6 for ns in latencies_ns)
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    return Summary(
        presses=presses,
        switched=len(times),
        lost=max(0, presses - logged),
        duplicated=max(0, logged - presses, changes - presses),
        p50_ms=None if p50 is None else round(p50, 3),
        p99_ms=None if p99 is None else round(p99, 3),
        broker=broker,
        runtime=runtime,
        core=core,
    )
