"""What is wrong with a store is told, never a traceback; and what is left can be saved."""

import io
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.hub.store import (
    LogRow,
    Reader,
    Store,
    StoreError,
    StoreTooNew,
    Verified,
    compact,
    export_store,
    import_store,
    summarize,
    verify,
)

Message = Callable[..., LogRow]
COUNT = 1200
CHECKPOINT = 800


@pytest.fixture(scope="module")
def original(quick: Path, message: Message) -> Path:
    """A store with messages, the state of some of them, a board and a test mode."""
    path = Path(tempfile.mkdtemp(dir=quick)) / "store.sqlite"
    with Store.open(path) as store:
        store.begin_incarnation(note="v1")
        for first in range(1, COUNT, 100):
            rows = [
                message(store, n, changes=f"[{n % 40 + 1},{n}]", variable=f"v{n % 40}")
                for n in range(first, first + 100)
            ]
            store.append("live", rows, [("porch", 7, first, first)], released=first)
            if first + 99 == CHECKPOINT:
                state = {n % 40 + 1: str(n) for n in range(1, CHECKPOINT + 1)}
                store.checkpoint("live", CHECKPOINT, state)
        store.append("test", [message(store, 1)])
    return path


@pytest.fixture
def made(original: Path, place: Path) -> Path:
    """A copy of it to spoil."""
    shutil.copyfile(original, place)
    return place


def spoil(path: Path, *statements: str) -> None:
    """Change the file behind the store's back."""
    db = sqlite3.connect(path)
    with db:
        for statement in statements:
            db.execute(statement)
    db.close()


def saved(path: Path) -> tuple[Verified, Path]:
    """What an export told, and the store that its import made."""
    out = io.BytesIO()
    found = export_store(path, out.write, "1.0")
    copy = path.with_name("saved.sqlite")
    out.seek(0)
    import_store(out, copy)
    return found, copy


def test_a_sound_store_is_found_sound(made: Path) -> None:
    found = verify(made)
    assert found.sound
    live, test = found.modes
    assert (live.messages, live.first, live.last, live.exact_after) == (COUNT, 1, COUNT, 0)
    assert (test.name, test.messages) == ("test", 1)


def test_it_is_looked_at_while_a_hub_writes(made: Path, message: Message) -> None:
    with Store.open(made) as store:
        store.append("live", [message(store, COUNT + 1)])
        assert verify(made).modes[0].messages == COUNT + 1
        store.append("live", [message(store, COUNT + 2)])


def test_a_person_who_waits_hears_how_far_it_is(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("myocan.hub.store.verification.EVERY", 500)
    seen: list[int] = []
    verify(made, seen.append)
    assert seen == [500, 1000]


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ('DELETE FROM log_1 WHERE "offset" = 7', "live: message 7 missing"),
        ('DELETE FROM log_1 WHERE "offset" < 100', "live: messages 1 to 99 missing"),
        ("UPDATE log_1 SET changes = '[1' WHERE \"offset\" = 9", "message 9 cannot be read"),
        ("UPDATE log_1 SET value = 'on' WHERE \"offset\" = 9", "message 9 cannot be read"),
        ("UPDATE log_1 SET value = x'ff' WHERE \"offset\" = 9", "message 9 cannot be read"),
        ("UPDATE log_1 SET positions = '[1]' WHERE \"offset\" = 9", "message 9 cannot be read"),
        ("UPDATE log_1 SET time = 'noon' WHERE \"offset\" = 9", "message 9 cannot be read"),
        ('UPDATE log_1 SET name = 4711 WHERE "offset" = 9', "the name 4711 is not known"),
        ('UPDATE log_1 SET producer = 99 WHERE "offset" = 9', "the producer 99 is not known"),
        ("UPDATE log_1 SET changes = '[999,1]' WHERE \"offset\" = 9", "the name 999 is not known"),
        (f"UPDATE state_1 SET value = 0 WHERE at = {CHECKPOINT} AND name = 3", "lamp1.v3"),
        (f"DELETE FROM state_1 WHERE at = {CHECKPOINT} AND name = 3", "not what the log comes to"),
        ("UPDATE state_1 SET value = 'x' WHERE name = 3", "the state of name 3 cannot be read"),
        ("DELETE FROM meta WHERE key = 'identity'", "identity is lost"),
        ("DELETE FROM meta WHERE key = 'schema'", "without its tables"),
        ("DELETE FROM mode", "the name of mode 1 is lost; called live"),
        ("UPDATE program SET compiled = NULL", "sound"),
        ("PRAGMA application_id = 7", "does not say any more that it is a store"),
    ],
)
def test_what_is_wrong_is_told_and_the_rest_saved(statement: str, words: str, made: Path) -> None:
    if words == "sound":
        spoil(made, statement)
        assert verify(made).sound
        return
    spoil(made, statement)
    found = verify(made)
    assert words in "\n".join(found.problems)
    exported, copy = saved(made)
    assert not exported.sound
    assert verify(copy).modes[0].last == COUNT
    with Store.open(copy) as store:
        assert store.recover("live").offset == COUNT


def test_state_behind_a_gap_is_exact_again_from_the_next_checkpoint_on(made: Path) -> None:
    with Store.open(made) as store:
        expected = store.recover("live").state
    spoil(made, 'DELETE FROM log_1 WHERE "offset" BETWEEN 100 AND 300')
    found, copy = saved(made)
    assert found.modes[0].exact_after == CHECKPOINT
    with Store.open(copy) as store:
        assert sorted(store.recover("live").state.values()) == sorted(expected.values())


def test_state_behind_a_gap_is_kept_as_far_as_it_is_known(made: Path) -> None:
    spoil(made, f'DELETE FROM log_1 WHERE "offset" = {COUNT - 10}')
    found, copy = saved(made)
    assert found.modes[0].exact_after is None
    with Store.open(copy) as store:
        recovered = store.recover("live")
        assert recovered.offset == recovered.checkpoint == COUNT
        assert len(recovered.state) == 40
        assert str(COUNT - 10) not in recovered.state.values()
        assert recovered.positions == [("porch", 7, COUNT - 99, COUNT - 99)]
    assert verify(copy).modes[0].exact_after == COUNT


def test_names_are_saved_from_their_index(made: Path) -> None:
    (root,) = ask(made, "SELECT rootpage FROM sqlite_master WHERE name = 'name'")
    overwrite(made, root, b"\x00" * 1024)
    found, copy = saved(made)
    assert "the table name is damaged" in "\n".join(found.problems)
    assert found.modes[0].messages == COUNT
    assert ask(copy, "SELECT count(*) FROM name WHERE module = 'lamp1'") == [41]


def test_messages_around_pages_that_cannot_be_read_are_saved(made: Path) -> None:
    pages = ask(made, "SELECT rootpage FROM sqlite_master WHERE name = 'log_1'")
    leaf = ask(made, "SELECT pageno FROM dbstat WHERE name = 'log_1' AND pagetype = 'leaf'")
    assert pages
    overwrite(made, leaf[3], b"\xff" * 1024)
    overwrite(made, leaf[-1], b"\xff" * 1024)
    found, copy = saved(made)
    (live, _) = found.modes
    assert len(live.gaps) in (1, 2)
    assert COUNT - 150 < live.messages < COUNT - 10
    assert live.gaps[0].first > 1
    with Store.open(copy) as store:
        store.append("live", [])
        assert store.recover("live").offset == live.last


def test_a_log_that_ends_before_the_checkpoint_is_told(made: Path) -> None:
    spoil(made, 'DELETE FROM log_1 WHERE "offset" > 700')
    found, copy = saved(made)
    assert "messages 701 to 800 missing" in "\n".join(found.problems)
    with Store.open(copy) as store:
        assert store.recover("live").offset == CHECKPOINT


def test_what_was_taken_out_on_purpose_is_no_damage(made: Path) -> None:
    taken_out = 'DELETE FROM log_1 WHERE "offset" <= 300 AND "offset" % 10'
    noted = "INSERT INTO gone VALUES (1, 0, 270)"
    spoil(made, taken_out, noted, "UPDATE mode SET trimmed = 299 WHERE id = 1")
    found, copy = saved(made)
    assert found.sound
    (live, _) = found.modes
    assert (live.messages, live.exact_after, live.trimmed) == (COUNT - 270, CHECKPOINT, 299)
    again = verify(copy)
    assert again.sound
    assert again.modes[0].trimmed == CHECKPOINT
    with Reader(copy) as reader:
        assert reader.start("live", 0, oldest=True)[0] == CHECKPOINT
    assert ask(copy, "SELECT messages FROM gone") == [270]
    assert ask(copy, 'SELECT "offset" FROM log_1') == ask(made, 'SELECT "offset" FROM log_1')
    spoil(made, 'DELETE FROM log_1 WHERE "offset" = 100')
    assert "missing" in "\n".join(verify(made).problems)


def test_messages_that_led_to_nothing_may_be_taken_out_anywhere(made: Path) -> None:
    spoil(
        made,
        f'UPDATE log_1 SET changes = NULL WHERE "offset" = {COUNT - 3}',
        "INSERT INTO gone VALUES (1, 1, 1)",
    )
    with Store.open(made) as store:
        expected = sorted(store.recover("live").state.values())
    spoil(made, f'DELETE FROM log_1 WHERE "offset" = {COUNT - 3}')
    found, copy = saved(made)
    assert found.sound
    assert found.modes[0].exact_after == 0
    assert verify(copy).sound
    with Store.open(copy) as store:
        assert sorted(store.recover("live").state.values()) == expected


def ask(path: Path, query: str) -> list[int]:
    """The first column of what the file answers."""
    db = sqlite3.connect(path)
    try:
        return [row[0] for row in db.execute(query)]
    finally:
        db.close()


def overwrite(path: Path, page: int, content: bytes) -> None:
    """Replace a page of the file."""
    with path.open("r+b") as file:
        file.seek((page - 1) * 1024)
        file.write(content)


def spoil_at_random(path: Path, dice: random.Random) -> None:
    """Flip bits, overwrite pieces, or cut the file off."""
    content = bytearray(path.read_bytes())
    for _ in range(dice.choice((1, 1, 3, 30))):
        place = dice.randrange(len(content)) if dice.random() < 0.7 else dice.randrange(300)
        if dice.random() < 0.6:
            content[place] ^= 1 << dice.randrange(8)
        else:
            length = min(dice.choice((2, 50, 1024, 5000)), len(content) - place)
            content[place : place + length] = dice.randbytes(length)
    if dice.random() < 0.2:
        del content[dice.randrange(len(content)) :]
    path.write_bytes(content)


def opened(path: Path) -> None:
    """Do what a hub and its readers do at their start."""
    copy = path.with_name("opened.sqlite")
    shutil.copyfile(path, copy)
    with Store.open(copy) as store:
        for mode in store.modes():
            store.recover(mode)
        store.begin_incarnation()
    with Reader(path) as reader:
        for mode in reader.modes():
            list(reader.entries(mode))
            reader.state(mode)


@pytest.mark.parametrize("seed", range(25))
def test_any_damage_is_a_diagnosis_and_never_a_traceback(seed: int, made: Path) -> None:
    spoil_at_random(made, random.Random(seed))
    told = []
    for look in (verify, summarize, saved, opened, compact):
        try:
            look(made)
        except StoreError as error:
            told.append(str(error))
    assert all(text and "Traceback" not in text for text in told)
    copy = made.with_name("saved.sqlite")
    if copy.exists():
        for problem in verify(copy).problems:
            assert "missing" in problem
        with Store.open(copy) as store:
            for mode in store.modes():
                store.recover(mode)


@pytest.mark.parametrize("seed", range(8))
def test_of_a_damaged_write_ahead_log_the_sound_beginning_counts(
    seed: int, place: Path, message: Message, leftovers: Callable[[Path, Path], Path]
) -> None:
    dice = random.Random(seed)
    Store.open(place).close()
    with Store.open(place) as store:
        for n in range(1, 60):
            store.append("live", [message(store, n, changes=f"[1,{n}]")])
        path = leftovers(place, place.parent / "left")
    spoil_at_random(path.with_name(path.name + "-wal"), dice)
    found = verify(path)
    assert found.sound
    (live,) = found.modes
    assert live.messages == live.last
    with Store.open(path) as store:
        assert store.recover("live").offset == live.last


def test_a_file_that_is_no_database_or_empty_is_told(place: Path) -> None:
    with pytest.raises(StoreError, match="no store yet"):
        verify(place)
    place.write_bytes(b"")
    with pytest.raises(StoreError, match="empty"):
        verify(place)
    place.write_bytes(b"dear diary, " * 1000)
    with pytest.raises(StoreError, match="nothing of it can be read"):
        verify(place)


def test_another_program_s_database_and_a_later_store_are_refused(made: Path, place: Path) -> None:
    other = place.with_name("other.sqlite")
    spoil(other, "CREATE TABLE notes (note TEXT)")
    with pytest.raises(StoreError, match="not a store of myocan"):
        verify(other)
    spoil(made, "UPDATE meta SET value = 99 WHERE key = 'schema'")
    with pytest.raises(StoreTooNew):
        verify(made)
