"""A damaged store, or export of one: it can be read, or that is said as a StoreError."""

from __future__ import annotations

import io
import json
import random
import sqlite3
from pathlib import Path
from typing import Any

from fuzz.target import Target, told
from myocan.hub.store import (
    Reader,
    Store,
    StoreError,
    export_store,
    import_store,
    summarize,
    verify,
)

COLUMNS = (
    *(("log_1", c) for c in ("offset", "time", "name", "value", "producer", "cause", "rule", "ts")),
    *(("log_1", c) for c in ("changes", "released", "positions")),
    *(("state_1", c) for c in ("name", "at", "value")),
    *(("name", c) for c in ("id", "module", "variable", "instance")),
    *(("producer", c) for c in ("id", "producer")),
    *(("meta", c) for c in ("key", "value")),
    *(("mode", c) for c in ("id", "name", "released")),
    *(("start", c) for c in ("mode", "incarnation", "first", "note")),
    *(("checkpoint", c) for c in ("mode", "offset", "complete")),
    *(("position", c) for c in ("mode", "board", "boot", "last", "seen", "at")),
    *(("program", c) for c in ("key", "compiled")),
)
"""What a line `set` of an input may change, by number."""


class Stores(Target):
    """Lines of an input do something to the file of a good store, one after the other:

    byte PLACE VALUE     zero PLACE LENGTH     cut PLACE     set COLUMN ROW TEXT
    """

    name = "store"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        path = folder / "good.sqlite"
        with Store.open(path, draw=lambda count: bytes(count)) as store:
            store.begin_incarnation(note="a start")
            lamp = store.name_id("lamp1", "state")
            count = store.name_id("lamp1", "count", "hall")
            porch = store.producer_id("porch")
            store.keep_program("key", "{}")
            for n in range(1, 31):
                changes = f'[{lamp},"on",{count},{n}]' if n % 3 else f"[-{count},null]"
                row = (n, 1000 + n, lamp, '"on"', porch, None, None, None, changes)
                store.append("live", [row], [("porch", 7, n, 1000 + n)], released=n - 1)
                if n == 10:
                    store.checkpoint("live", 10, {lamp: '"on"', count: "10"})
        self._good = path.read_bytes()

    def take(self, data: bytes, chance: random.Random) -> str:
        path = self.folder / "store.sqlite"
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(self._good)
        raw = bytearray(self._good)
        for line in data.decode(errors="replace").splitlines()[:50]:
            words = line.split(" ", 3)
            numbers = [int(word) for word in words[1:3] if word.isdecimal() and len(word) < 10]
            if words[0] == "set" and len(numbers) == 2 and len(words) == 4:
                self._set(path, numbers[0], numbers[1], words[3])
                raw = bytearray(path.read_bytes())
            elif numbers and raw:
                place = numbers[0] % len(raw)
                if words[0] == "cut":
                    del raw[place:]
                elif len(numbers) == 2 and words[0] == "zero":
                    raw[place : place + numbers[1]] = bytes(min(numbers[1], len(raw) - place))
                elif len(numbers) == 2 and words[0] == "byte":
                    raw[place] = numbers[1] & 255
                path.write_bytes(raw)
        read = self._read(path)
        self._saved(path)
        return f"{read} and {self._opened(path)}"

    def _set(self, path: Path, column: int, row: int, text: str) -> None:
        table, name = COLUMNS[column % len(COLUMNS)]
        value = None if text == "NULL" else int(text) if text.isdecimal() else text
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = OFF")
            key = next(iter(db.execute(f"SELECT * FROM {table} LIMIT 1 OFFSET ?", (row % 40,))), ())
            first = db.execute(f"SELECT * FROM {table} LIMIT 0").description[0][0]
            if key:
                db.execute(f'UPDATE {table} SET "{name}" = ? WHERE "{first}" IS ?', (value, key[0]))
        except (sqlite3.Error, OverflowError, UnicodeEncodeError):
            pass  # not possible in this file
        finally:
            db.close()

    def _read(self, path: Path) -> str:
        try:
            with Reader(path) as reader:
                reader.modes()
                reader.newest()
                list(reader.messages())
                list(reader.entries())
                reader.state()
                reader.last("live", "lamp1", "state")
                reader.last_change("live", ("lamp1", "count", "hall"))
                reader.since("live", 1010)
        except StoreError as refusal:
            told(refusal)
            return "not read"
        return "read"

    def _saved(self, path: Path) -> None:
        """What can be read of it goes out, and comes in again."""
        lines = io.BytesIO()
        try:
            verify(path)
            summarize(path)
            export_store(path, lines.write, "0")
        except StoreError as refusal:
            told(refusal)
            return
        lines.seek(0)
        _imported(lines, self.folder / "again.sqlite")

    def _opened(self, path: Path) -> str:
        try:
            with Store.open(path) as store:
                store.begin_incarnation()
                store.recover("live")
                list(store.rows("live"))
                store.program("key")
                name, porch = store.name_id("lamp1", "state"), store.producer_id("porch")
                offset = store.next_offset("live")
                row = (offset, 2000, name, '"off"', porch, None, None, None, f'[{name},"off"]')
                store.append("live", [row], [("porch", 7, 31, 2000)])
                store.checkpoint("live", offset, {name: '"off"'})
        except StoreError as refusal:
            told(refusal)
            return "not opened"
        return "opened"


class Imports(Target):
    """Lines of an export: a store, or a StoreError and no store."""

    name = "import"

    def worse(self, entries: list[bytes], chance: random.Random) -> bytes:
        """Mostly lines that are such, with a value exchanged for another."""
        if chance.random() < 0.3:
            return super().worse(entries, chance)
        lines = chance.choice(entries).split(b"\n")
        for _ in range(chance.choice((1, 1, 2))):
            place = chance.randrange(len(lines))
            try:
                plain: Any = json.loads(lines[place])
            except ValueError:
                continue
            inner = plain
            while isinstance(inner, list | dict) and inner:
                key = chance.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
                if not isinstance(inner[key], list | dict) or not inner[key]:
                    inner[key] = chance.choice(ODD)
                    break
                inner = inner[key]
            lines[place] = json.dumps(plain).encode()
        if chance.random() < 0.2:
            lines.insert(chance.randrange(len(lines)), chance.choice(lines))
        return b"\n".join(lines)

    def take(self, data: bytes, chance: random.Random) -> str:
        return _imported(io.BytesIO(data), self.folder / "store.sqlite")


ODD = (None, True, 0, -1, 1, 7, 2**31, 2**63, -(2**63), 1.5, "", "x", "live", "[1,2]", [], {}, [[]])


def _imported(lines: io.BytesIO, path: Path) -> str:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    try:
        import_store(lines, path)
    except StoreError as refusal:
        told(refusal)
        assert not path.exists()
        return "refused"
    with Store.open(path) as store:
        for mode in store.modes():
            store.recover(mode)
    return "imported"
