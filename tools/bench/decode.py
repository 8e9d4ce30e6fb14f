"""What a board sent, read by the hub: the quick way, the wire package, and what anyone has.

The decision it informs: whether the hub may read messages with msgspec and remembered values
(`hub/agent/scalars.py`), which is one more reader to hold to the format, or the wire package's own
is quick enough. Goals: the hub under 1.5 µs a message, the wire package under 4 µs.

    hub        `Scalars.decode_up`: the core's numbers, values remembered
               (`new decimal`: each value seen for the first time)
    wire       `myocan.wire.decode_up`: checks all, knows decimals
    json       `json.loads`: neither of it, a binary float; the floor
    msgspec    `msgspec.json.decode` into an untyped list: the limit

    python tools/bench/decode.py [--rounds 15] [--number 5000] [--json] [--quick]

Each round measures every cell once, so that a busy moment hits all of them; the medians count.
Processor time, garbage collection off. All messages differ in their numbers, as real ones do.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec

from myocan.hub.agent.scalars import Scalars
from myocan.hub.core import COMPILED, Core
from myocan.wire import Fixed, decode_up, encode_up

TS, BOOT = 1_795_302_249_000, 1_234_567_890
VALUES: dict[str, Callable[[int], bool | int | Fixed | str | None]] = {
    "event": lambda _: None,
    "text": lambda number: ("on", "off")[number & 1],
    "whole": lambda number: number % 100,
    "decimal": lambda number: Fixed(2000 + number % 300, 2),
}


def messages(value: Callable[[int], Any], number: int) -> list[bytes]:
    return [encode_up(value(i), i + 1, TS + i, BOOT) for i in range(number)]


def measure(rounds: int, number: int) -> list[dict[str, Any]]:
    """Return rows: `message`, and who -> median µs a message."""
    read = Scalars(Core()).decode_up
    readers: dict[str, Callable[[bytes], Any]] = {
        "hub": read,
        "wire": decode_up,
        "json": json.loads,
        "msgspec": msgspec.json.Decoder().decode,
    }
    took: dict[tuple[str, str], list[float]] = {}
    for turn in range(rounds + 1):
        for name, value in VALUES.items():
            payloads = messages(value, number)
            for who, reader in readers.items():
                spent = time_of(reader, payloads)
                if turn:  # the first only warms up
                    took.setdefault((name, who), []).append(spent)
        fresh = messages(lambda i, turn=turn: Fixed(turn * number + i, 3), number)  # type: ignore[misc]
        for who, reader in readers.items():
            spent = time_of(reader, fresh)
            if turn:
                took.setdefault(("new decimal", who), []).append(spent)
    return [
        {"message": name, **{who: statistics.median(took[name, who]) for who in readers}}
        for name in [*VALUES, "new decimal"]
    ]


def time_of(reader: Callable[[bytes], Any], payloads: list[bytes]) -> float:
    """Return processor time a message, in µs."""
    begun = time.process_time_ns()
    for payload in payloads:
        reader(payload)
    return (time.process_time_ns() - begun) / len(payloads) / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--number", type=int, default=5000, help="messages in each round")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.number = 1, 100
    gc.disable()
    rows = measure(given.rounds, given.number)
    if given.json:
        core = "compiled" if COMPILED else "pure"
        print(json.dumps({"unit": "us", "rounds": given.rounds, "core": core, "rows": rows}))
        return
    print(f"{'µs a message':14}{'hub':>8}{'wire':>8}{'json':>8}{'msgspec':>9}")
    for row in rows:
        print(
            f"{row['message']:14}{row['hub']:8.2f}{row['wire']:8.2f}{row['json']:8.2f}"
            f"{row['msgspec']:9.2f}"
        )


if __name__ == "__main__":
    main()
