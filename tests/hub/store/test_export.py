"""What goes out comes in: an export says all that a store holds, and an import makes it again."""

import io
import json
import random
import re
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.store import (
    LogRow,
    Store,
    StoreError,
    StoreLocked,
    StoreTooNew,
    export_store,
    import_store,
    verify,
)
from support.stores import STEPS, make, said

Message = Callable[..., LogRow]


def exported(path: Path) -> bytes:
    """The lines of the store at `path`."""
    out = io.BytesIO()
    export_store(path, out.write, "1.0")
    return out.getvalue()


def new_place(folder: Path) -> Path:
    """Where a further store can be made."""
    return Path(tempfile.mkdtemp(dir=folder)) / "store.sqlite"


@pytest.fixture
def full(place: Path, message: Message) -> Path:
    """A store with a few of everything."""
    with Store.open(place) as store:
        store.begin_incarnation(note="first")
        rows = [message(store, offset, changes=f"[1,{offset}]") for offset in range(1, 8)]
        store.append("live", rows[:4], [("porch", 7, 4, 99)], released=3)
        store.checkpoint("live", 4, {1: "4"})
        store.append("live", rows[4:])
        store.append("test", [message(store, 1)])
        store.keep_program("key", "compiled")
        store.append("live", [], [("porch", 7, 5, 100)])
    return place


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_an_imported_store_says_what_the_exported_one_does(
    quick: Path, steps: list[tuple[Any, ...]]
) -> None:
    original, copy = make(new_place(quick), steps), new_place(quick)
    lines = exported(original)
    import_store(io.BytesIO(lines), copy)
    assert said(copy) == said(original)
    assert exported(copy).splitlines()[1:] == lines.splitlines()[1:]
    assert verify(copy).sound


@settings(max_examples=25, deadline=None)
@given(steps=STEPS)
def test_a_store_that_nothing_happened_to_is_sound(
    quick: Path, steps: list[tuple[Any, ...]]
) -> None:
    assert verify(make(new_place(quick), steps)).problems == []


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 2**32))
def test_an_export_in_which_anything_was_changed_is_refused_or_makes_a_sound_store(
    quick: Path, steps: list[tuple[Any, ...]], seed: int
) -> None:
    dice = random.Random(seed)
    lines = exported(make(new_place(quick), steps)).splitlines()
    for _ in range(dice.choice((1, 1, 2))):
        place = dice.randrange(len(lines))
        line = bytearray(lines[place])
        kind = dice.randrange(5)
        if kind == 0 and line:
            line[dice.randrange(len(line))] = dice.randrange(256)
        elif kind == 1 and line:
            line[dice.randrange(len(line))] ^= 1 << dice.randrange(8)
        elif kind == 2:
            line = bytearray(
                re.sub(rb"\d+", dice.choice((b"0", b"99", b"-1", b"1e9")), line, count=3)
            )
        elif kind == 3:
            line += b"\n" + lines[dice.randrange(len(lines))]
        else:
            line.clear()
        lines[place] = bytes(line)
    copy = new_place(quick)
    try:
        import_store(io.BytesIO(b"\n".join(lines)), copy)
    except StoreError:
        assert not copy.exists()
    else:
        assert verify(copy).problems == []
        with Store.open(copy) as store:
            store.begin_incarnation()


def test_every_table_is_carried_or_follows_from_what_is(full: Path) -> None:
    db = sqlite3.connect(full)
    try:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        keys = db.execute("SELECT key FROM meta").fetchall()
    finally:
        db.close()
    carried = {"log", "name", "producer", "mode", "position", "start", "program", "meta", "gone"}
    carried |= {"checkpoint", "state"}
    follows = {"past"}
    assert {name.rstrip("_0123456789") for (name,) in names} == carried | follows
    assert sorted(key for (key,) in keys) == ["identity", "incarnation", "schema"]


def test_every_line_is_json_and_says_what_it_is(full: Path) -> None:
    kinds = [json.loads(line)["is"] for line in exported(full).splitlines()]
    assert kinds[0] == "store"
    assert kinds[-1] == "end"
    assert kinds.count("message") == 8
    assert set(kinds) == {"store", "program", "mode", "start", "position", "message", "end"}


def test_a_store_can_be_exported_while_a_hub_writes(full: Path, message: Message) -> None:
    with Store.open(full) as store:
        lines = exported(full)
        store.append("live", [message(store, 8)])
        assert len(exported(full)) > len(lines)


def test_the_hub_goes_on_behind_the_last_message(full: Path, place: Path, message: Message) -> None:
    copy = place.with_name("copy.sqlite")
    done = import_store(io.BytesIO(exported(full)), copy)
    with Store.open(full) as original, Store.open(copy) as store:
        assert store.identity != original.identity
        assert (done.origin, done.incarnation) == (original.identity, 1)
        assert store.incarnation_of("live", 3) == original.incarnation_of("live", 3) == 1
        assert store.begin_incarnation() == 2
        store.append("live", [message(store, 8)])
        store.checkpoint("live", 8, {})
        assert store.recover("live").state == {1: "7"}
    assert verify(copy).sound


def test_an_import_replaces_nothing(full: Path) -> None:
    before = full.read_bytes()
    with pytest.raises(StoreError, match="replaces nothing"):
        import_store(io.BytesIO(exported(full)), full)
    assert full.read_bytes() == before


def test_an_import_does_not_trust_a_log_that_was_left_behind(full: Path) -> None:
    lines = exported(full)
    full.rename(full.with_name("away.sqlite"))
    left = full.with_name(full.name + "-wal")
    left.write_bytes(b"left")
    with pytest.raises(StoreError, match="is there already"):
        import_store(io.BytesIO(lines), full)


def test_an_import_keeps_out_of_a_hub_s_way(full: Path) -> None:
    with Store.open(full), pytest.raises(StoreLocked):
        import_store(io.BytesIO(b""), full)


LINES = (
    '{"is":"store","format":1,"schema":1,"version":"1","identity":"ab","incarnation":1}',
    '{"is":"mode","name":"live","after":0,"last":2,"released":0}',
    '{"is":"start","incarnation":1,"first":1}',
    '{"is":"message","offset":1,"time":1,"module":"m","variable":"v","value":1,"producer":"p"}',
    '{"is":"message","offset":2,"time":1,"module":"m","variable":"v","value":1,"producer":"p"}',
    '{"is":"end","lines":5}',
)


@pytest.mark.parametrize(
    ("number", "line", "words"),
    [
        (1, "", "not an export"),
        (1, "dear diary", "line 1: this is not an export"),
        (1, '{"is":"mode","name":"live","after":0,"last":2,"released":0}', "first line is missing"),
        (2, '{"is":"mode","name":"a/b","after":0,"last":2,"released":0}', "no name of a mode"),
        (2, '{"is":"mode","name":"live","after":3,"last":2,"released":0}', "exact after 3"),
        (2, '{"is":"mode","name":"live","after":0,"last":3,"released":0}', "ends at 2, not at 3"),
        (2, '{"is":"meta","key":"identity","value":"x"}', "not for an export to say"),
        (3, '{"is":"start","incarnation":9,"first":1}', "incarnation 9 was never"),
        (3, '{"is":"start","incarnation":1,"first":99999999999999999999}', "line 3"),
        (4, "{", "line 4: cannot be read"),
        (4, '{"is":"other"}', "line 4: cannot be read"),
        (4, LINES[4], "missing before 2"),
        (4, '{"is":"gone","first":2,"last":2}', "messages 2 to 2 are out of order"),
        (4, '{"is":"gone","first":1,"last":9}', "messages 1 to 9 are out of order"),
        (5, LINES[3], "message 1 is out of order"),
        (5, LINES[4].replace(":2,", ":3,"), "message 3 is out of order"),
        (5, LINES[4].replace('"value":1', '"value":"\\xff"'), "line 5"),
        (5, LINES[4].replace("}", ',"changes":[["m"]]}'), "a change is a module"),
        (5, LINES[4].replace("}", ',"changes":[["m",1,"",1]]}'), "line 5"),
        (5, '{"is":"value","module":"m","variable":"v","value":1}', "a value behind messages"),
        (5, LINES[0], "two exports in one"),
        (6, LINES[1], "comes twice"),
        (6, "", "ends with line 5, before its end"),
        (6, LINES[5] + "\n" + LINES[5], "behind the end"),
    ],
)
def test_lines_that_are_no_export_are_told_with_their_number(
    number: int, line: str, words: str, place: Path
) -> None:
    lines = list(LINES)
    lines[number - 1] = line
    text = "\n".join(part for part in lines if part).encode("latin-1")
    if number == 1 and not line:
        text = b""
        words = "ends with line 0"
    with pytest.raises(StoreError, match=words):
        import_store(io.BytesIO(text), place)
    assert [file.name for file in place.parent.iterdir()] == ["store.sqlite.lock"]


def test_the_lines_of_that_table_are_an_export(place: Path) -> None:
    done = import_store(io.BytesIO("\n".join(LINES).encode()), place)
    assert done.modes == [("live", 2, 2)]


def test_a_later_format_is_refused(place: Path) -> None:
    line = LINES[0].replace('"format":1', '"format":99')
    with pytest.raises(StoreTooNew, match="later myocan"):
        import_store(io.BytesIO(line.encode()), place)


def test_what_a_crashed_import_left_is_of_no_harm(full: Path, place: Path) -> None:
    copy = place.with_name("copy.sqlite")
    copy.with_name(copy.name + ".importing").write_bytes(b"half")
    import_store(io.BytesIO(exported(full)), copy)
    assert verify(copy).sound
    assert not copy.with_name(copy.name + ".importing").exists()
