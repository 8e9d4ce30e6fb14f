"""How fast, how soon and how costly a message gets onto the disk.

The decisions it informs:

- Who syncs: a thread beside the writer (`Syncer`), or the writer itself with `synchronous=FULL`, as
  everybody does? Told by the latency at 50 messages/s and by the rate of small batches.
- Pages of 1 KiB or of SQLite's usual 4 KiB, and a WAL that keeps its size or one that is cut down
  when it starts over? Told by the bytes a message costs. SD cards die of these.
- Where the time of a large batch goes: the limit is SQLite alone, the same rows, never synced.

    python tools/bench/store.py [--rounds 2] [--seconds 0.25] [--folder DIR] [--json]

A round measures everything once, one after the other; the tables show medians over the rounds.
`--folder` says which disk; a folder in memory makes syncs free and the comparison void.
`dirtied` is what this process hands to the disk (/proc/self/io),
`device` what the whole disk has written meanwhile, the file system's journal and everybody else's
writes included: only trust it on a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from myocan.hub.store import LogRow, Store, StoreError, Syncer
from myocan.hub.store import schema as settings

BATCHES = (1, 10, 100, 1000)
PACE_S = 0.02
TS = 1_795_302_249_000
COMMITS = 300
"""Commits of one message, each synced, for the bytes that one costs."""
WARM = 3000
"""Commits after which the WAL has reached the size that it keeps, and starts over."""
Row = dict[str, Any]


def rows_from(first: int, count: int) -> list[LogRow]:
    """Rows as a lamp makes them: a press that changes the lamp, the lamp's new state."""
    return [
        (offset, TS + offset, 1, "null", 1, None, None, TS + offset, '[2,"on",3,21.50]')
        if offset % 2
        else (offset, TS + offset, 2, '"on"', 2, offset - 1, 12, None, None)
        for offset in range(first, first + count)
    ]


class Contestant:
    """A store with or without a syncer; `put` appends a batch and returns its transaction."""

    def __init__(self, folder: Path, synced_by: str) -> None:
        self.store = Store.open(folder / "store.sqlite")
        self.store.begin_incarnation()
        for variable in ("press", "state"):
            self.store.name_id("lamp1", variable)
            self.store.producer_id(variable)
        self.synced = 0
        self.arrived = threading.Condition()
        self.syncer: Syncer | None = None
        if synced_by == "syncer":
            self.syncer = Syncer(self.store, on_synced=self._note, on_error=self._fail)
            self.syncer.start()
        elif synced_by == "writer":
            self.store._live().db.execute("PRAGMA synchronous = FULL")
        self.next = 1

    def _note(self, number: int) -> None:
        with self.arrived:
            self.synced = number
            self.arrived.notify()

    def _fail(self, error: StoreError) -> None:
        raise SystemExit(str(error))

    def put(self, count: int) -> int:
        rows = rows_from(self.next, count)
        self.next += count
        position = ("porch", 1_234_567_890, self.next, TS)
        number = self.store.append("live", rows, [position], self.next - count)
        if self.syncer is not None:
            self.syncer.written(number)
        return number

    def wait(self, number: int) -> None:
        if self.syncer is not None:
            with self.arrived:
                self.arrived.wait_for(lambda: self.synced >= number)

    def close(self) -> None:
        if self.syncer is not None:
            self.syncer.close()
        self.store.close()


class Bare:
    """The limit: SQLite alone, one table, the same rows, never synced."""

    def __init__(self, folder: Path) -> None:
        self.db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        self.db.execute(f"PRAGMA page_size = {settings.PAGE_SIZE}")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute("CREATE TABLE log (o INTEGER PRIMARY KEY, t, n, v, p, c, r, s, h)")
        self.next = 1

    def put(self, count: int) -> None:
        rows = rows_from(self.next, count)
        self.next += count
        self.db.execute("BEGIN IMMEDIATE")
        self.db.executemany("INSERT INTO log VALUES (?,?,?,?,?,?,?,?,?)", rows)
        self.db.execute("COMMIT")

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


def rate(put: Callable[[int], object], batch: int, seconds: float) -> float:
    """Rows a second, making them included (about 0.3 us each)."""
    put(batch)
    count, began = 0, time.perf_counter()
    while (passed := time.perf_counter() - began) < seconds:
        put(batch)
        count += batch
    return count / passed


def rates(folder: Path, seconds: float) -> Iterator[Row]:
    for batch in BATCHES:
        for who in ("syncer", "writer", "SQLite alone"):
            with emptied(folder) as place:
                runner = Bare(place) if who == "SQLite alone" else Contestant(place, who)
                found = rate(runner.put, batch, seconds)
                runner.close()
            yield {"table": "rate", "batch": batch, "who": who, "rows/s": found}


def paced(folder: Path, seconds: float) -> Iterator[Row]:
    """A message every 20 ms: when is it written (the lamp may go), when synced (the board)?"""
    for who in ("syncer", "writer"):
        written, synced = [], []
        with emptied(folder) as place:
            contestant = Contestant(place, who)
            due = time.perf_counter()
            for _ in range(max(10, int(seconds / PACE_S))):
                due += PACE_S
                time.sleep(max(0.0, due - time.perf_counter()))
                began = time.perf_counter()
                number = contestant.put(1)
                written.append(time.perf_counter() - began)
                contestant.wait(number)
                synced.append(time.perf_counter() - began)
            contestant.close()
        yield {
            "table": "latency",
            "who": who,
            "written p50 us": quantile(written, 0.5) * 1e6,
            "written p99 us": quantile(written, 0.99) * 1e6,
            "synced p50 us": quantile(synced, 0.5) * 1e6,
            "synced p99 us": quantile(synced, 0.99) * 1e6,
        }


def costs(folder: Path) -> Iterator[Row]:
    """Bytes of a message that is committed and synced alone, and how long its sync takes."""
    usual = settings.PAGE_SIZE
    for page in (1024, 4096):
        for kept in (True, False):
            settings.PAGE_SIZE = page
            try:
                with emptied(folder) as place:
                    yield cost(place, page, kept)
            finally:
                settings.PAGE_SIZE = usual


def cost(place: Path, page: int, kept: bool) -> Row:
    contestant = Contestant(place, "nobody")
    wal = os.open(place / "store.sqlite-wal", os.O_RDONLY)
    if kept:
        for _ in range(WARM):
            contestant.put(1)
        contestant.store._live().db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
    os.sync()
    dirtied, device = bytes_dirtied(), bytes_on_device(place)
    took = []
    for _ in range(COMMITS):
        contestant.put(1)
        began = time.perf_counter()
        os.fdatasync(wal)
        took.append(time.perf_counter() - began)
    row = {
        "table": "cost",
        "page": page,
        "wal file": "kept" if kept else "growing",
        "dirtied": difference(bytes_dirtied(), dirtied),
        "device": difference(bytes_on_device(place), device),
        "sync p50 us": quantile(took, 0.5) * 1e6,
    }
    os.close(wal)
    contestant.close()
    return row


def difference(after: int | None, before: int | None) -> float | None:
    return None if after is None or before is None else (after - before) / COMMITS


def bytes_dirtied() -> int | None:
    try:
        fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    except OSError:
        return None
    return int(fields["write_bytes"])


def bytes_on_device(place: Path) -> int | None:
    # https://docs.kernel.org/block/stat.html: the seventh is sectors written, of 512 bytes.
    device = place.stat().st_dev
    try:
        stat = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text()
    except OSError:
        return None
    return int(stat.split()[6]) * 512


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def medians(rows: list[Row]) -> list[Row]:
    """One row for those that differ in their numbers only."""
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in rows:
        key = tuple(value for value in row.values() if not isinstance(value, (float, type(None))))
        groups.setdefault(key, []).append(row)
    merged = []
    for group in groups.values():
        first = dict(group[0])
        for column, value in first.items():
            if isinstance(value, float):
                first[column] = round(statistics.median(row[column] for row in group), 1)
        merged.append(first)
    return merged


def show(rows: list[Row]) -> None:
    titles = {
        "rate": "rows/s, appended and (syncer, writer) made durable on the way",
        "latency": "a message every 20 ms, in a batch of its own, microseconds",
        "cost": "one message, one commit, one sync: bytes",
    }
    for table, title in titles.items():
        chosen = [row for row in rows if row["table"] == table]
        columns = [column for column in chosen[0] if column != "table"]
        print(f"\n{title}")
        print("  ".join(f"{column:>14}" for column in columns))
        for row in chosen:
            print("  ".join(f"{text(row[column]):>14}" for column in columns))


def text(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:,.0f}" if isinstance(cell, float) else str(cell)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2, help="how often everything is measured")
    parser.add_argument("--seconds", type=float, default=0.25, help="for each rate")
    parser.add_argument("--folder", type=Path, help="where to write; default: temporary files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        for _ in range(arguments.rounds):
            rows += rates(folder, arguments.seconds)
            rows += paced(folder, 6 * arguments.seconds)
            rows += costs(folder)
    found = medians(rows)
    if arguments.json:
        print(json.dumps({"sqlite": sqlite3.sqlite_version, "results": found}))
    else:
        show(found)


if __name__ == "__main__":
    main()
