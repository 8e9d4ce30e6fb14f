"""What is no store, or a broken one, is refused with words that help, and left as it is."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.hub.store import (
    LogRow,
    Reader,
    Store,
    StoreDamaged,
    StoreError,
    StoreTooNew,
)

Message = Callable[..., LogRow]


@pytest.fixture
def made(place: Path, message: Message) -> Path:
    """The file of a store with some messages."""
    with Store.open(place) as store:
        for offset in range(1, 2000):
            store.append("live", [message(store, offset, changes=f"[1,{offset}]")])
    return place


def spoil(path: Path, statement: str) -> None:
    """Change the file behind the store's back."""
    db = sqlite3.connect(path)
    with db:
        db.execute(statement)
    db.close()


@pytest.mark.parametrize("opener", [Store.open, Reader])
@pytest.mark.parametrize(
    ("statement", "error", "words"),
    [
        ("UPDATE meta SET value = 99 WHERE key = 'schema'", StoreTooNew, "later myocan"),
        ("PRAGMA application_id = 7", StoreError, "not a store of myocan"),
        ("DROP TABLE meta", StoreDamaged, "restore a backup"),
        ("DELETE FROM meta", StoreDamaged, "restore a backup"),
    ],
)
def test_a_database_that_is_no_store_of_this_version_is_refused(
    opener: Callable[[Path], object],
    statement: str,
    error: type[StoreError],
    words: str,
    made: Path,
) -> None:
    spoil(made, statement)
    before = made.read_bytes()
    with pytest.raises(error, match=words):
        opener(made)
    assert made.read_bytes() == before


@pytest.mark.parametrize("opener", [Store.open, Reader])
def test_a_file_that_is_no_database_is_refused_and_left_alone(
    opener: Callable[[Path], object], place: Path
) -> None:
    place.write_bytes(b"dear diary, " * 1000)
    with pytest.raises(StoreDamaged, match="keep a copy"):
        opener(place)
    assert place.read_bytes() == b"dear diary, " * 1000


def test_a_file_that_was_cut_off_is_told(made: Path) -> None:
    made.write_bytes(made.read_bytes()[:20_000])
    with pytest.raises(StoreDamaged, match="keep a copy"), Store.open(made) as store:
        store.recover("live")


def test_a_page_of_rubbish_is_told(made: Path) -> None:
    content = bytearray(made.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    made.write_bytes(content)
    with pytest.raises(StoreDamaged, match="restore a backup"), Store.open(made) as store:
        store.recover("live")


def test_a_log_with_a_gap_is_told(made: Path) -> None:
    spoil(made, 'DELETE FROM log_1 WHERE "offset" = 1000')
    with Store.open(made) as store, pytest.raises(StoreDamaged, match="1998 messages where offset"):
        store.recover("live")


@pytest.mark.parametrize("changes", ["", "[1]", "{}", '["x",1]', "[1,", "null", "[1,2],[3,4]"])
def test_changes_that_are_none_are_told_with_their_offset(changes: str, made: Path) -> None:
    spoil(made, f"UPDATE log_1 SET changes = '{changes}' WHERE \"offset\" = 7")
    with Store.open(made) as store, pytest.raises(StoreDamaged, match="changes of message 7"):
        store.recover("live")


def test_a_path_that_is_a_folder_is_told(place: Path) -> None:
    place.mkdir()
    with pytest.raises(StoreError, match="is a folder, not a store"):
        Store.open(place)
