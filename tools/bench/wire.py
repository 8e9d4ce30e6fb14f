"""Codec of the wire format: what it costs to read and write one message on the hub's CPython.

Decides: may the hub use `myocan.wire` itself on its hot path, or must it decode with msgspec? The
package reads decimals from their text and refuses what a stranger may not send, in plain Python;
it is fast enough when a typical message from a board takes less than 4 microseconds, and when
the price over `json` (which does neither) is small. msgspec is the peer that the hub may take
instead; `json` is the floor of what everybody has.

    python tools/bench/wire.py [--rounds 15] [--number 5000] [--json]

Each round measures every cell once, so that a busy moment hits all of them; the medians count.
Processor time, garbage collection off.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from myocan.wire import Fixed, decode_data, decode_up, encode_data, encode_up

TS = 1_700_000_000_000
UP = {
    "up, event": (None, 17, TS, 1234567890),
    "up, text": ("on", 17, TS, 1234567890),
    "up, decimal": (Fixed(2150, 2), 17, TS, 1234567890),
}
DATA = {
    "data, text": ("on", 4711, TS, "lamp1", 17),
    "data, decimal": (Fixed(2150, 2), 4711, TS, "heater/kitchen", 17),
}


def cells() -> dict[tuple[str, str], dict[str, Callable[[], Any]]]:
    """(message, read or write) -> who does it -> one call."""
    table: dict[tuple[str, str], dict[str, Callable[[], Any]]] = {}
    peer = msgspec.json.Encoder()
    sides: list[tuple[Any, Any, Any, Any]] = [
        (UP, encode_up, decode_up, tuple[msgspec.Raw, int, int | None, int]),
        (DATA, encode_data, decode_data, tuple[msgspec.Raw, int, int | None, str, int]),
    ]
    for messages, encode, decode, shape in sides:
        decoder = msgspec.json.Decoder(shape)
        for name, message in messages.items():
            payload = encode(*message)
            raw = [msgspec.Raw(payload[1 : payload.index(b",")]), *message[1:]]
            table[name, "read"] = {
                "wire": partial(decode, payload),
                "msgspec": partial(decoder.decode, payload),
                "json": partial(json.loads, payload),
            }
            table[name, "write"] = {
                "wire": partial(encode, *message),
                "msgspec": partial(peer.encode, raw),
                "json": partial(json.dumps, json.loads(payload), separators=(",", ":")),
            }
    return table


def measure(rounds: int, number: int) -> list[dict[str, Any]]:
    """Microseconds of processor time a call, the median of the rounds."""
    table = cells()
    times: dict[tuple[str, str, str], list[float]] = {}
    for _ in range(rounds):
        for (name, direction), calls in table.items():
            for who, call in calls.items():
                start = time.process_time()
                for _ in range(number):
                    call()
                spent = (time.process_time() - start) / number * 1e6
                times.setdefault((name, direction, who), []).append(spent)
    return [
        {
            "message": name,
            "direction": direction,
            **{who: round(statistics.median(times[name, direction, who]), 3) for who in calls},
        }
        for (name, direction), calls in table.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--number", type=int, default=5000, help="calls in each round")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args()
    gc.disable()
    rows = measure(options.rounds, options.number)
    if options.json:
        print(json.dumps({"unit": "us", "rounds": options.rounds, "rows": rows}))
        return
    print(f"{'microseconds, median':<23}{'wire':>9}{'msgspec':>9}{'json':>9}")
    for row in rows:
        cost = "".join([f"{row[who]:>9.2f}" for who in ("wire", "msgspec", "json")])
        print(f"{row['message']:<16}{row['direction']:<7}{cost}")


if __name__ == "__main__":
    main()
