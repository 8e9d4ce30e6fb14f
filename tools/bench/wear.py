"""How many bytes the disk takes for a press and its lamp, seldom and often. SD cards die of these.

The decisions it informs: whether positions and state stay out of the transaction of a message,
whether pages of 1 KiB stay, how often a checkpoint may be written.

    python tools/bench/wear.py [--seconds 30] [--folder DIR] [--json] [--quick]

The hub is its store, its syncer and its checkpoints, given what one press makes: two messages, two
changes, a board's position. The peer is what one writes without thinking of wear: SQLite as it
comes (pages of 4 KiB), each press one synced transaction that appends the two messages and brings
state and position up to date in tables of their own.

At 50 a second presses come in real time for `--seconds`, each in a batch of its own; the syncer
lets some share a sync. At 1 a second each is synced alone, whatever the time between, so they come
one after the other as soon as the last is synced, as many as at 50, with a checkpoint after each
30. Both begin when the WAL has the size that it keeps.

`written` is what this process hands to the operating system (`wchar` of /proc/self/io, which counts
exactly), `dirtied` what that made it owe the disk (`write_bytes`, whole pages of 4 KiB), `device`
what the whole disk has written meanwhile, the journal of the file system and everybody else's
writes included: only trust it on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from myocan.hub.agent.checkpoints import CHECKPOINT_S, Checkpoints
from myocan.hub.store import LogRow, Store, StoreError, Syncer

OFTEN = 50
"""Presses a second."""
WARM = 3000
"""Transactions after which the WAL has the size that it keeps."""
TS = 1_795_302_249_000
Row = dict[str, Any]


class Hub:
    """The store of a hub, its syncer and its checkpoints; `seconds` is their clock."""

    def __init__(self, folder: Path) -> None:
        self.store = Store.open(folder / "store.sqlite")
        self.store.begin_incarnation()
        self.names = [self.store.name_id("lamp1", name) for name in ("press", "state", "count")]
        self.producer = self.store.producer_id("porch")
        self.seconds = 0.0
        self.checkpoints = Checkpoints(self.store, "live", 0, lambda: self.seconds)
        self.offset = 1
        self.number = self.synced = 0
        self.arrived = threading.Condition()
        self.syncer = Syncer(self.store, on_synced=self._note, on_error=self._fail)
        self.syncer.start()

    def press(self) -> None:
        press, state, count = self.names
        offset, value = self.offset, '"on"' if self.offset % 4 == 1 else '"off"'
        now = TS + int(self.seconds * 1000)
        changes = f"[{state},{value},{count},{offset}]"
        rows: list[LogRow] = [
            (offset, now, press, "null", self.producer, None, None, now, changes),
            (offset + 1, now, state, value, self.producer, offset, 12, None, None),
        ]
        position = ("porch", 1_234_567_890, offset, now)
        self.number = self.store.append("live", rows, [position], offset - 1)
        self.syncer.written(self.number)
        self.offset += 2
        self.checkpoints.note({state: value, count: str(offset)})
        self.checkpoints.keep(self.offset - 1)

    def settle(self) -> None:
        with self.arrived:
            self.arrived.wait_for(lambda: self.synced >= self.number)

    def _note(self, number: int) -> None:
        with self.arrived:
            self.synced = number
            self.arrived.notify()

    def _fail(self, error: StoreError) -> None:
        raise SystemExit(str(error))

    def close(self) -> None:
        self.syncer.close()
        self.store.close()


class Plain:
    """SQLite as it comes, `synchronous=FULL`: log, state and position in one transaction."""

    seconds = 0.0

    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "plain.sqlite", isolation_level=None)
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = FULL")
        self.db.execute("CREATE TABLE log (o INTEGER PRIMARY KEY, t, name, value, producer, c, r)")
        self.db.execute("CREATE TABLE state (name TEXT PRIMARY KEY, value)")
        self.db.execute("CREATE TABLE position (board TEXT PRIMARY KEY, boot, last, seen)")
        self.offset = 1

    def press(self) -> None:
        offset, value = self.offset, '"on"' if self.offset % 4 == 1 else '"off"'
        now = TS + offset
        rows = [
            (offset, now, "lamp1.press", "null", "porch", None, None),
            (offset + 1, now, "lamp1.state", value, "lamp1", offset, 12),
        ]
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO log VALUES (?,?,?,?,?,?,?)", rows)
        self.db.executemany(
            "INSERT OR REPLACE INTO state VALUES (?, ?)",
            [("lamp1.state", value), ("lamp1.count", offset)],
        )
        self.db.execute("INSERT OR REPLACE INTO position VALUES ('porch', 7, ?, ?)", (offset, now))
        self.db.execute("COMMIT")
        self.offset += 2

    def settle(self) -> None:
        """What is committed is synced."""

    def close(self) -> None:
        self.db.close()


@contextmanager
def emptied(folder: Path) -> Iterator[Path]:
    """An empty folder below `folder`, removed afterwards."""
    place = Path(tempfile.mkdtemp(dir=folder))
    try:
        yield place
    finally:
        shutil.rmtree(place)


def warm(contestant: Hub | Plain, count: int) -> None:
    for _ in range(count):
        contestant.press()
    contestant.settle()
    if isinstance(contestant, Hub):
        contestant.checkpoints.finish(contestant.offset - 1)


def seldom(contestant: Hub | Plain, presses: int) -> None:
    """Presses a second apart, without the second."""
    for _ in range(presses):
        contestant.seconds += 1.0
        contestant.press()
        contestant.settle()


def often(contestant: Hub | Plain, presses: int) -> None:
    """50 presses a second."""
    began = due = time.perf_counter()
    for _ in range(presses):
        due += 1 / OFTEN
        time.sleep(max(0.0, due - time.perf_counter()))
        contestant.seconds += max(0.0, time.perf_counter() - began - contestant.seconds)
        contestant.press()
    contestant.settle()


def measure(
    place: Path, make: Callable[[Path], Hub | Plain], run: Callable[[Hub | Plain, int], None],
    presses: int, warming: int,
) -> Row:  # fmt: skip
    contestant = make(place)
    try:
        warm(contestant, warming)
        contestant.seconds = 0.0
        os.sync()
        before = counters(place)
        run(contestant, presses)
        os.sync()
        after = counters(place)
    finally:
        contestant.close()
    return {
        name: None if one is None or other is None else round((other - one) / presses)
        for (name, one), other in zip(before.items(), after.values(), strict=True)
    }


def counters(place: Path) -> dict[str, int | None]:
    """Bytes written until now, each way of counting."""
    found: dict[str, int | None] = {"written": None, "dirtied": None, "device": None}
    try:
        fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
        found["written"] = int(fields["wchar"])
        found["dirtied"] = int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])
        # https://docs.kernel.org/block/stat.html: the seventh is sectors written, of 512 bytes.
        device = place.stat().st_dev
        stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text()
        found["device"] = int(stat.split()[6]) * 512
    except OSError:
        pass
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="how long presses come")
    parser.add_argument("--folder", type=Path, help="where to write; default: temporary files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="only show that it works")
    arguments = parser.parse_args()
    seconds, warming = (1.0, 50) if arguments.quick else (arguments.seconds, WARM)
    presses = max(1, int(seconds * OFTEN))
    rows = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        for rate, run in ((1, seldom), (OFTEN, often)):
            for who, make in (("hub", Hub), ("plain SQLite", Plain)):
                with emptied(Path(name)) as place:
                    found = measure(place, make, run, presses, warming)
                rows.append({"presses/s": rate, "who": who, **found})
    if arguments.json:
        print(json.dumps({"presses": presses, "checkpoint_s": CHECKPOINT_S, "results": rows}))
        return
    print(f"bytes a press, of {presses:,} presses")
    for row in [dict(zip(rows[0], rows[0], strict=True)), *rows]:
        print("  ".join(f"{'-' if cell is None else cell!s:>12}" for cell in row.values()))


if __name__ == "__main__":
    main()
