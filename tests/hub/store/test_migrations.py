"""A store of any earlier schema is brought up to date, whole or not at all, and loses nothing.

`schemas/N.sql` is a store that the version with schema N wrote, as SQL; `schemas/write.py` writes
the one of today's schema, and nobody changes the others.
"""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.hub.store import (
    Reader,
    Store,
    StoreDamaged,
    StoreError,
    StoreTooNew,
    StoreTooOld,
    migrations,
    schema,
)
from myocan.hub.store.migrations import Step

SCHEMAS = Path(__file__).parent / "schemas"
NUMBERS = range(1, schema.VERSION + 1)
FORMS = "SELECT m.name, p.* FROM sqlite_master AS m, pragma_table_info(m.name) AS p ORDER BY 1, 2"
INDEXES = "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' ORDER BY 1"


def made_by(number: int, path: Path) -> Path:
    """A store at `path` as the version with schema `number` left it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA page_size = 1024")
    db.execute("PRAGMA journal_mode = WAL")
    db.executescript((SCHEMAS / f"{number}.sql").read_text())
    db.close()
    return path


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    """What the file answers."""
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def add_a_column(db: sqlite3.Connection) -> None:
    for number in migrations.modes(db):
        db.execute(f"ALTER TABLE log_{number} ADD COLUMN mood TEXT")


def add_a_table(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE moods (mood TEXT)")
    db.execute("INSERT INTO moods SELECT DISTINCT value FROM log_1")


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of the hub that has gone two schemas on."""
    further = (Step("moods in the log", add_a_column), Step("a table of moods", add_a_table))
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, *further))
    monkeypatch.setattr(schema, "VERSION", schema.VERSION + 2)


def test_there_is_a_step_from_every_schema_to_the_next() -> None:
    assert len(migrations.STEPS) == schema.VERSION - 1


@pytest.mark.parametrize("number", NUMBERS)
def test_a_store_of_every_schema_keeps_what_it_holds(number: int, place: Path) -> None:
    with Store.open(made_by(number, place)) as store:
        recovered = store.recover("live")
        names = store.names()
        state = {names[name]: value for name, value in recovered.state.items()}
        assert state == {("lamp1", "state", ""): '"off"'}
        assert (recovered.offset, recovered.checkpoint, recovered.released) == (4, 2, 4)
        assert recovered.positions == [("porch", 5, 2, 2_000)]
        assert [row[0] for row in store.rows("live")] == [1, 2, 3, 4]
        assert store.modes() == ["live", "test"]
        assert (store.program("key"), store.incarnation) == ("compiled", 1)
        assert store.begin_incarnation() == 2
    with Reader(place) as reader:
        assert [message.value for message in reader.messages("test")] == ['"dim"']
    assert len(ask(place, "SELECT * FROM messages")) == 5


@pytest.mark.parametrize("number", NUMBERS)
def test_a_store_of_every_schema_gets_the_tables_of_a_new_one(number: int, place: Path) -> None:
    with Store.open(made_by(number, place)) as store:
        store.append("other", [])
    fresh = place.with_name("fresh.sqlite")
    with Store.open(fresh) as store:
        store.append("test", [])
        store.append("other", [])
    hint = "new tables need a step in migrations.py; today's, schemas/write.py"
    assert ask(place, FORMS) == ask(fresh, FORMS), hint
    assert ask(place, INDEXES) == ask(fresh, INDEXES), hint


@pytest.mark.usefixtures("later")
def test_all_steps_run_in_order_and_people_are_told(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made_by(schema.VERSION - 2, place)
    with caplog.at_level(logging.WARNING), Store.open(place) as store:
        assert store.recover("live").offset == 4
    assert "moods in the log, a table of moods" in caplog.text
    assert "earlier versions of myocan cannot open it any more" in caplog.text
    assert ask(place, "SELECT mood FROM log_2") == [(None,)]
    assert len(ask(place, "SELECT mood FROM moods")) == 3
    assert ask(place, "SELECT value FROM meta WHERE key = 'schema'") == [(schema.VERSION,)]
    caplog.clear()
    Store.open(place).close()
    assert caplog.text == ""


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("point", ["migrate begun", "migrate filled", "migrate committed"])
def test_a_crash_leaves_the_earlier_store_or_the_new_one(
    point: str,
    place: Path,
    leftovers: Callable[[Path, Path], Path],
    killed: type[BaseException],
) -> None:
    made_by(schema.VERSION - 2, place)
    taken = place.parent / "taken"

    def kill(where: str) -> None:
        if where == point:
            leftovers(place, taken)
            raise killed

    with pytest.raises(killed):
        Store.open(place, faults=kill)
    path = taken / place.name
    done = point == "migrate committed"
    (found,) = ask(path, "SELECT value FROM meta WHERE key = 'schema'")[0]
    assert found == schema.VERSION - (0 if done else 2)
    with Store.open(path) as store:
        assert store.recover("live").offset == 4
    assert len(ask(path, "SELECT * FROM moods")) == 3


@pytest.mark.usefixtures("later")
def test_who_only_reads_an_earlier_store_is_told_what_to_do(place: Path) -> None:
    made_by(schema.VERSION - 2, place)
    before = place.read_bytes()
    with pytest.raises(StoreTooOld, match="start the hub once"):
        Reader(place)
    assert place.read_bytes() == before


@pytest.mark.usefixtures("later")
def test_a_step_that_fails_leaves_the_store_as_it_was(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE mode (id)")

    steps = (*migrations.STEPS[:-1], Step("a table that is there", fail))
    made_by(schema.VERSION - 2, place)
    monkeypatch.setattr(migrations, "STEPS", steps)
    with pytest.raises(StoreError, match="already exists"):
        Store.open(place)
    assert ask(place, "SELECT value FROM meta WHERE key = 'schema'") == [(schema.VERSION - 2,)]
    assert "mood" not in str(ask(place, "SELECT sql FROM sqlite_master"))


@pytest.mark.parametrize("opener", [Store.open, Reader])
@pytest.mark.parametrize(
    ("number", "error"),
    [("NULL", StoreDamaged), ("'one'", StoreDamaged), ("0", StoreDamaged), ("99", StoreTooNew)],
)
def test_a_schema_that_is_no_number_or_a_later_one_is_refused(
    opener: Callable[[Path], object], number: str, error: type[Exception], place: Path
) -> None:
    Store.open(place).close()
    db = sqlite3.connect(place)
    with db:
        db.execute(f"UPDATE meta SET value = {number} WHERE key = 'schema'")
    db.close()
    with pytest.raises(error):
        opener(place)


@pytest.mark.usefixtures("later")
def test_the_new_schema_is_synced_before_the_hub_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = []

    def look(db: sqlite3.Connection) -> None:
        levels.append(db.execute("PRAGMA synchronous").fetchone()[0])

    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS[:-1], Step("a look", look)))
    with Store.open(made_by(schema.VERSION - 2, place)) as store:
        levels.append(store._live().db.execute("PRAGMA synchronous").fetchone()[0])
    full, normal = 2, 1
    assert levels == [full, normal]
