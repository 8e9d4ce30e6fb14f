"""G4: what the syncer has reported is on disk, whatever a power cut does to the rest.

A disk that loses power keeps what was synced before; of what was written since, it keeps any part:
any sector of 512 bytes may be new or as it was at the last sync, the file as long as then or
longer. These tests make such disks from real files and open them. The one order among unsynced
writes that they keep is SQLite's own: it syncs the header of a WAL that starts over before it
writes a frame behind it, so a new frame is never found under an old header.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from myocan.hub.store import LogRow, Store

Message = Callable[..., LogRow]
SECTOR = 512
PLAIN = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


class Recorded:
    """A store that has run for a while, and what was on its disk at each sync."""

    def __init__(self, path: Path, message: Message, starts_over: bool) -> None:
        self.before: list[tuple[int, bytes]] = []
        """(last offset that this sync covered, the WAL then)."""
        self.states: dict[int, dict[int, str]] = {0: {}}
        """The state after each transaction, by its last offset."""
        wal = path.with_name(path.name + "-wal")
        with Store.open(path) as store:
            store.begin_incarnation()
            first = 1
            if starts_over:
                for size in (3, 1, 20, 4, 1, 1):
                    first = self._append(store, message, first, size)
                    if size == 20:
                        state = self.states[first - 1]
                        store.checkpoint("live", first - 1, state)
                # A second connection, as the syncer's: moves all pages, so that the WAL starts
                # over with the next frame.
                mover = sqlite3.connect(path, isolation_level=None)
                busy, frames, moved = mover.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                assert (busy, moved) == (0, frames)
                mover.close()
                # What the move left behind is synced by SQLite.
                self.before.append((first - 1, wal.read_bytes()))
            for size, synced in ((1, True), (2, False), (1, True), (40, False), (1, False),
                                 (5, True), (1, False), (9, False), (2, False)):  # fmt: skip
                first = self._append(store, message, first, size)
                if synced:
                    self.before.append((first - 1, wal.read_bytes()))
            self.wal = wal.read_bytes()
            self.main = path.read_bytes()
            self.newest = first - 1

    def _append(self, store: Store, message: Message, first: int, size: int) -> int:
        rows = [
            message(store, offset, f"{offset}.50", f"[1,{offset}.50,2,{first}]")
            for offset in range(first, first + size)
        ]
        store.append("live", rows, [("porch", 7, first, 1000)], first - 1)
        last = first + size - 1
        self.states[last] = {1: f"{last}.50", 2: f"{first}"}
        return last + 1

    def survivors(self, folder: Path, wal: bytes) -> int:
        """Open a disk with `wal`; its last offset. Fails if it is not what some commit left."""
        folder.mkdir(exist_ok=True)
        path = folder / "store.sqlite"
        path.write_bytes(self.main)
        path.with_name("store.sqlite-wal").write_bytes(wal)
        path.with_name("store.sqlite-shm").unlink(missing_ok=True)
        with Store.open(path) as store:
            recovered = store.recover("live")
            assert recovered.offset in self.states
            assert recovered.state == self.states[recovered.offset]
            assert [row[0] for row in store.rows("live")] == list(range(1, recovered.offset + 1))
            if recovered.offset:
                assert recovered.positions == [
                    ("porch", 7, int(self.states[recovered.offset][2]), 1000)
                ]
        return recovered.offset


@pytest.fixture(scope="module", params=[False, True], ids=["first WAL", "WAL started over"])
def recorded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, message: Message
) -> Recorded:
    """A recorded run, with the WAL written once or starting over."""
    return Recorded(tmp_path_factory.mktemp("run") / "store.sqlite", message, request.param)


def torn(old: bytes, new: bytes, length: int, sectors: set[int]) -> bytes:
    """A WAL of `length` bytes whose `sectors` are new and whose others are as they were."""
    parts = []
    for place in range(0, length, SECTOR):
        # The header is in the first sector; see the module's docstring.
        source = new if place == 0 or place // SECTOR in sectors else old
        parts.append(source[place : place + SECTOR].ljust(SECTOR, b"\0"))
    return b"".join(parts)[:length]


@PLAIN
@given(choice=st.data())
def test_a_cut_at_any_byte_keeps_all_that_was_synced(
    choice: st.DataObject, recorded: Recorded, quick: Path
) -> None:
    acknowledged, old = choice.draw(st.sampled_from(recorded.before))
    if len(old) == len(recorded.wal):
        return
    length = choice.draw(st.integers(len(old), len(recorded.wal)))
    kept = recorded.wal[:length]
    assert recorded.survivors(quick / "cut", kept) >= acknowledged


@PLAIN
@given(choice=st.data())
def test_a_cut_that_keeps_any_mixture_of_sectors_keeps_all_that_was_synced(
    choice: st.DataObject, recorded: Recorded, quick: Path
) -> None:
    acknowledged, old = choice.draw(st.sampled_from(recorded.before))
    new = recorded.wal
    length = choice.draw(st.integers(len(old), max(len(old), len(new))))
    unsynced = [
        place // SECTOR
        for place in range(0, length, SECTOR)
        if old[place : place + SECTOR] != new[place : place + SECTOR]
    ]
    sectors = set(choice.draw(st.lists(st.sampled_from(unsynced)))) if unsynced else set()
    if choice.draw(st.booleans()):
        sectors = set(unsynced) - sectors
    assert recorded.survivors(quick / "cut", torn(old, new, length, sectors)) >= acknowledged


def test_nothing_lost_is_nothing_lost(recorded: Recorded, quick: Path) -> None:
    assert recorded.survivors(quick / "cut", recorded.wal) == recorded.newest


def test_what_was_not_synced_can_be_lost(recorded: Recorded, quick: Path) -> None:
    # So the tests above do test something: this disk forgot the end.
    acknowledged, old = recorded.before[-1]
    new = recorded.wal
    lost = torn(old, new, len(old), set())
    assert acknowledged <= recorded.survivors(quick / "cut", lost) < recorded.newest


def test_a_new_incarnation_is_synced_when_begin_incarnation_returns(
    tmp_path: Path, message: Message
) -> None:
    # SQLite calls fsync itself here, unseen from Python, so the connection tells: a commit with
    # synchronous = FULL syncs the WAL before it returns.
    seen: list[tuple[str, int]] = []

    def look(point: str) -> None:
        if opened:
            synchronous = opened[0]._live().db.execute("PRAGMA synchronous").fetchone()[0]
            seen.append((point, synchronous))

    opened: list[Store] = []
    with Store.open(tmp_path / "store.sqlite", faults=look) as store:
        opened.append(store)
        store.begin_incarnation()
        store.append("live", [message(store, 1)])
    full, normal = 2, 1
    assert ("incarnation filled", full) in seen
    assert ("append filled", normal) in seen


def test_the_names_of_new_files_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    path = tmp_path / "house" / "store.sqlite"
    with Store.open(path):
        assert path.with_name("store.sqlite-wal").exists()
        assert {path.parent.stat().st_ino, tmp_path.stat().st_ino} <= set(synced)
