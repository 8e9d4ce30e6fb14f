"""A board's day: does what it takes of memory grow, and how often must it be collected?

Decides: whether a board may run for years between resets, and whether buffers that are allocated
once are enough for its steady state, in which a collection (some milliseconds, in which no button
is looked at) should be due less than once a minute.

    python tools/bench/day.py [--hours 24] [--quick] [--json]

The board of board.py, with eight ports and a heap of 64 KiB of 32-bit words (twice that here), on a
simulated clock that goes round in its first hour. Every ten seconds buttons are pressed and lamps
switched, every half an hour the connection is cut, every minute memory is collected and what is
free is noted. `low_water` is the least of each hour, `minute` what one takes in which nothing
happens, with a look at the pins each millisecond, `free` what is free before the day: bytes, where
objects have 64 bits.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from board import ON_BOARD, bytecode, configuration

from myocan.tools.vboard.micropython import micropython_path

DAY_ON_BOARD = Path(__file__).with_name("day_on_board.py")
HEAP = "64wK"
START = (1 << 30) - 1_800_000
"""Ticks at the beginning: half an hour before they go round."""
MEASURE = """
day = Day({config!r}, {start})
minute = day.steady({minute}, {stride}) * 60000 // {minute}
gc.collect()
free = gc.mem_free()
print(json.dumps([minute, free, day.run({hours})]))
"""


def measure(hours: int, minute_ms: int, stride: int) -> dict[str, Any]:
    """Return what a minute takes, what is free, and the low-water of each hour, in bytes."""
    config = configuration()
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ON_BOARD, DAY_ON_BOARD))
    text += MEASURE.format(
        config=json.dumps(config), start=START, minute=minute_ms, stride=stride, hours=hours
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, source in bytecode(config).items():
            target = folder / "lib" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
        (folder / "script.py").write_text(text, encoding="utf-8")
        done = subprocess.run(
            [str(micropython_path()), "-X", f"heapsize={HEAP}", "script.py"],
            cwd=folder,
            env={**os.environ, "MICROPYPATH": f"{folder}/lib"},
            capture_output=True,
            text=True,
            timeout=3600,
        )
    if done.returncode != 0:
        raise SystemExit(f"the day failed: {done.stdout}{done.stderr}")
    minute, free, low = json.loads(done.stdout)
    return {"minute": minute, "free": free, "low_water": low}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="an hour; a minute in larger steps")
    given = parser.parse_args()
    found = measure(1, 60_000, 20) if given.quick else measure(given.hours, 60_000, 1)
    if given.json:
        print(json.dumps(found))
        return
    print(
        f"a minute in which nothing happens takes {found['minute']} of {found['free']} free bytes"
    )
    print("hour  free at least")
    for hour, low in enumerate(found["low_water"], 1):
        print(f"{hour:4}{low:15}")


if __name__ == "__main__":
    main()
