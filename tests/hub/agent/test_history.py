"""What the log says of the past can be computed again, is found if it was changed, is explained."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.core import Program
from myocan.hub.history import (
    Replayed,
    Unanswerable,
    explain,
    find,
    instead,
    replay,
    why_not,
)
from myocan.hub.lang import compile_module
from myocan.hub.scenario import Cast
from myocan.hub.store import Reader
from support.board import Board
from support.clock import Clock, ms, shown

MOTION = """MODULE hall[where]
SUBSCRIBE door.open
SUBSCRIBE motion[where].seen
SUBSCRIBE born "nobody"
SUBSCRIBE gone "nobody"
PUBLIC light[where] {off, on}
PUBLIC total 0
TIMER wait[where] 10 minutes
ON born
  THEN create(born)
ON gone
  THEN drop(gone)
ON door.open
  THEN total++
ON motion[where].seen
  AND light[where]==off
  THEN light[where]=on
  THEN start(wait[where])
ON motion[where].seen
  THEN start(wait[where])
ON wait[where]
  THEN light[where]=off
AT 23:00
  THEN light[where]=off
  THEN log("night in", where)
"""
SECOND = MOTION.replace("total++", "total = total + 2")


def program(name: str, text: str) -> Program | None:
    return compile_module(text, name).program


@pytest.fixture(scope="module")
def stores() -> list[Path]:
    """The store of `lived`, once there is one."""
    return []


@pytest.fixture
def lived(stores: list[Path], request: pytest.FixtureRequest) -> Path:
    """The store of a house whose hub has lived through a day; the same for all, to be read only."""
    if not stores:
        used = ("modules", "hub", "broker", "house")
        stores.append(a_day(*map(request.getfixturevalue, used)))
    return stores[0]


def a_day(modules, hub, broker, house) -> Path:
    """Let a hub live through a day, with a restart and new rules; return its store."""
    clock = Clock("2027-06-01T21:00")
    modules(hall=MOTION)
    with Board(broker.url, "home", "porch") as board:
        with hub(now_ms=clock):
            for key in ("front", "back"):
                board.send("hall/born", key)
            board.send("door/open")
            board.send("motion/seen/front")
            board.await_acknowledged()
        clock.move(5 * 60_000)
        with hub(now_ms=clock):
            board.send("motion/seen/back")
            board.send("motion/seen/front")
            board.await_acknowledged()
        modules(hall=SECOND)
        clock.to("2027-06-01T22:55")
        with hub(now_ms=clock):
            board.send("motion/seen/back", ts=clock())
            board.send("door/open", ts=clock())
            board.send("hall/gone", "front", ts=clock())
            board.await_acknowledged()
        clock.to("2027-06-02T08:00")
        with hub(now_ms=clock):
            pass
    return house / ".myocan" / "store.sqlite"


def again(path: Path, **options: Any) -> Replayed:
    with Reader(path) as reader:
        return replay(reader.entries(), program, **options)


def test_a_day_is_computed_again_to_the_letter(lived: Path) -> None:
    found = again(lived)
    assert found.differences == []
    assert found.inputs >= 12
    assert found.rows > 20
    part = again(lived, start_ms=ms("2027-06-01T22:55"))
    assert part.differences == []
    assert 0 < part.inputs < found.inputs


DAMAGES: dict[str, str] = {
    "a value": "UPDATE log_1 SET value = '\"off\"' WHERE value = '\"on\"'",
    "a line": "UPDATE log_1 SET rule = rule + 1 WHERE rule IS NOT NULL",
    "a cause": "UPDATE log_1 SET cause = 1 WHERE cause IS NOT NULL",
    "what changed": "UPDATE log_1 SET changes = replace(changes, '\"on\"', '\"off\"')",
    "an input": "UPDATE log_1 SET value = '\"side\"' WHERE value = '\"back\"'",
    "a missing message": "DELETE FROM log_1 WHERE value = '\"on\"'",
    "rules": "UPDATE log_1 SET value = replace(value, 'total++', 'total--')",
    "rules that are none": "UPDATE log_1 SET value = replace(value, 'THEN', 'THAN')",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_log_that_was_changed_is_found(lived: Path, tmp_path: Path, damage: str) -> None:
    changed = tmp_path / "changed.sqlite"
    changed.write_bytes(lived.read_bytes())
    database = sqlite3.connect(changed)
    with database:
        assert database.execute(DAMAGES[damage]).rowcount > 0
    database.close()
    assert again(changed).differences


def test_differences_say_what_both_sides_have(lived: Path, tmp_path: Path) -> None:
    with Reader(lived) as reader:
        entries = list(reader.entries())
    (at,) = [
        place for place, one in enumerate(entries)
        if one.message.variable == "total" and one.message.value == "1"
    ]  # fmt: skip
    entries[at] = entries[at]._replace(message=entries[at].message._replace(value="7"))
    (found,) = replay(entries, program).differences
    assert (found.what, found.logged, found.computed) == ("hall.total", "7", "1")
    assert found.offset == entries[at].message.offset


def test_many_differences_are_counted_and_not_all_kept(lived: Path) -> None:
    with Reader(lived) as reader:
        entries = list(reader.entries())
    found = replay(entries * 40, program)
    assert len(found.differences) == 100
    assert found.more > 0


def chain(path: Path, name: tuple[str, str, str], before: str | None = None) -> list[str]:
    """Return why a topic was said last, a line for each message."""
    with Reader(path) as reader:
        up_to = None if before is None else reader.since("live", ms(before))
        entry = find(reader, "live", name, up_to)
        assert entry is not None
        return [
            f"{link.message.module}.{link.message.variable} {link.message.value}"
            + (f" | {link.action} | {link.opening}" if link.action else "")
            + (" | started by" if link.started else "")
            for link in explain(reader, "live", entry.message.offset)
        ]


def test_a_light_that_went_out_is_explained_back_to_the_motion(lived: Path) -> None:
    assert chain(lived, ("hall", "light", "back"), "2027-06-01T22:00") == [
        "hall.light \"off\" | THEN light[where]=off | (21, 'ON wait[where]')",
        "hall.wait null | started by",
        "motion.seen null",
    ]


def test_what_only_changed_inside_a_module_is_explained_too(lived: Path) -> None:
    assert chain(lived, ("hall", "wait", "front"), "2027-06-01T21:02")[-1] == "motion.seen null"


def test_a_birth_and_new_rules_are_explained(lived: Path) -> None:
    assert chain(lived, ("hall", "$instances", "back")) == [
        "hall.$instances true | THEN create(born) | (9, 'ON born')", 'hall.born "back"',
    ]  # fmt: skip
    (code,) = chain(lived, ("hall", "%%code%%", ""))
    assert code.startswith("hall.%%code%% ")


def test_the_rules_that_are_told_are_those_of_that_time(lived: Path) -> None:
    with Reader(lived) as reader:
        for moment, action in (
            ("2027-06-01T21:02", "THEN total++"),
            ("2027-06-02T00:00", "THEN total = total + 2"),
        ):
            entry = find(reader, "live", ("hall", "total", ""), reader.since("live", ms(moment)))
            assert entry is not None
            first = explain(reader, "live", entry.message.offset)[0]
            assert first.action == action
            code = reader.entry("live", first.since)
            assert code is not None
            assert code.message.variable == "%%code%%"


@pytest.fixture
def cast_of(house: Path) -> Callable[..., Cast]:
    from myocan.hub.calendar import place_of
    from myocan.hub.house import House

    return lambda programs, sources: Cast(programs, place_of(House.load(house)), sources)


def test_what_did_not_happen_is_explained_by_the_guard_that_did_not_hold(
    lived: Path, cast_of: Callable[..., Cast]
) -> None:
    with Reader(lived) as reader:
        up_to = reader.since("live", ms("2027-06-01T21:06"))
        name = ("hall", "light", "front")
        told = "\n".join(why_not(reader, "live", name, up_to, program, cast_of, 1))
    assert "motion[front].seen" in told
    assert "ON motion[where].seen: did not run, because line 16, AND light[where]==off" in told
    assert "light was on" in told
    assert "line 19, ON motion[where].seen: ran" in told


def test_what_was_heard_before_other_modules_changed_is_told(
    modules: Any, hub: Any, broker: Any, house: Path, cast_of: Callable[..., Cast]
) -> None:
    counts = "SUBSCRIBE door.open\nPUBLIC total 0\nON door.open\n  AND total==0\n  THEN total++\n"
    clock = Clock("2027-06-01T21:00")
    path = house / ".myocan" / "store.sqlite"

    def told() -> str:
        with Reader(path) as reader:
            args = (("counts", "total", ""), reader.newest(), program, cast_of)
            return "\n".join(why_not(reader, "live", *args))

    modules(counts=counts)
    with Board(broker.url, "home", "porch") as board, hub(now_ms=clock):
        board.send("door/open")
        board.send("door/open")
        board.await_acknowledged()
    before = told()
    assert "ON door.open: ran" in before
    for other in ("PUBLIC a 0\n", "PUBLIC a 1\n"):
        modules(counts=counts, other=other)
        clock.move(60_000)
        with hub(now_ms=clock):
            pass
        assert told() == before
    modules(counts=counts.replace("total==0", "total==1"), other=other)
    with hub(now_ms=clock):
        pass
    with pytest.raises(Unanswerable, match="heard nothing since its rules were changed"):
        told()


def test_what_waits_for_a_time_and_what_never_is_so_is_told(
    lived: Path, cast_of: Callable[..., Cast], tmp_path: Path
) -> None:
    def told(
        moment: str, name: tuple[str, str, str] = ("hall", "light", "back"), **more: Any
    ) -> str:
        with Reader(lived) as reader:
            up_to = reader.since("live", ms(moment))
            args = (name, up_to, program, cast_of)
            return "\n".join(why_not(reader, "live", *args, at_ms=ms(moment), **more))

    assert told("2027-06-01T22:00").splitlines()[-1] == (
        "hall.scc:23: AT 23:00 was never due yet, and is due next on 2027-06-01 23:00"
    )
    assert told("2027-06-02T00:00").splitlines()[-1] == (
        "hall.scc:23: AT 23:00 was due last on 2027-06-01 23:00, "
        "and is due next on 2027-06-02 23:00"
    )
    with pytest.raises(Unanswerable, match=r"light is never blue: hall\.scc:6 .* is off or on$"):
        told("2027-06-01T22:00", value="blue")
    with pytest.raises(Unanswerable, match=r"total is never 1\.5: hall\.scc:7 .* a whole number"):
        told("2027-06-01T22:00", ("hall", "total", ""), value="1.5")
    assert "AT" not in told("2027-06-01T22:00", ("hall", "total", ""), value="7")
    front = ("hall", "light", "front")
    waits = "hall.scc:21: ON wait[where] waits for its timer, which runs out on 2027-06-01 21:15"
    assert told("2027-06-01T21:06", front).splitlines()[-1].startswith(waits)
    assert "waits for" not in told("2027-06-01T21:20", front)  # it has run out


def test_what_is_not_kept_any_more_is_not_guessed(
    lived: Path, cast_of: Callable[..., Cast], tmp_path: Path
) -> None:
    shorter = tmp_path / "shorter.sqlite"
    shorter.write_bytes(lived.read_bytes())
    database = sqlite3.connect(shorter)
    (checkpoint,) = database.execute('SELECT max("offset") FROM checkpoint').fetchone()
    with database:
        database.execute('DELETE FROM log_1 WHERE "offset" <= ?', (checkpoint,))
        database.execute('DELETE FROM checkpoint WHERE "offset" < ?', (checkpoint,))
        database.execute("UPDATE mode SET trimmed = ?", (checkpoint,))
    database.close()
    with Reader(shorter) as reader:
        with pytest.raises(Unanswerable, match="not kept any more"):
            why_not(reader, "live", ("hall", "light", "back"), 5, program, cast_of)
        after, _state = reader.start("live", 1, oldest=True)
        assert after == checkpoint
        assert replay(reader.entries(after=after), program).equal
        newest = explain(reader, "live", reader.newest())
        assert all(link.message.offset > checkpoint for link in newest)


def other(house: Path, text: str) -> Cast:
    """The house with other rules for the hall."""
    from myocan.hub.calendar import Calendar, place_of
    from myocan.hub.house import House

    loaded = House.load(house)
    compiled = program("hall", text)
    assert compiled is not None
    place = place_of(loaded)
    return Cast({"hall": compiled}, place, {"hall": text}, (), frozenset(), Calendar(loaded, place))


def partings(path: Path, cast: Cast, start: str | None = None) -> list[tuple[str, ...]]:
    with Reader(path) as reader:
        found = instead(reader.entries(), program, cast, None if start is None else ms(start))
    return [
        (shown(one.time_ms), f"{one.name[1]}[{one.name[2]}]", *one.was, "->", *one.would_be)
        for one in found
    ]


def test_the_same_rules_would_have_said_the_same(lived: Path, house: Path) -> None:
    same = other(house, SECOND)
    assert partings(lived, same, "2027-06-01T22:55") == []


def test_other_rules_part_where_they_say_something_else(lived: Path, house: Path) -> None:
    longer = other(house, SECOND.replace("10 minutes", "12 minutes"))
    assert partings(lived, longer, "2027-06-01T22:00") == []  # at 23:00 all goes out anyhow
    shorter = other(house, SECOND.replace("10 minutes", "2 minutes"))
    assert partings(lived, shorter, "2027-06-01T22:55") == [
        ("06-01 22:57", "light[back]", "->", '"off"'),
        ("06-01 23:00", "light[back]", '"off"', "->"),
    ]  # fmt: skip


def test_what_cannot_be_answered_says_why(lived: Path, cast_of: Callable[..., Cast]) -> None:
    with Reader(lived) as reader:
        with pytest.raises(Unanswerable, match=r"publishes no\.thing"):
            why_not(reader, "live", ("no", "thing", ""), 10**9, program, cast_of)
        with pytest.raises(Unanswerable, match="heard nothing"):
            why_not(reader, "live", ("hall", "total", ""), 2, program, cast_of)
        with pytest.raises(Unanswerable, match=r"there was no hall\[front\] then"):
            why_not(reader, "live", ("hall", "light", "front"), 2, program, cast_of)
        assert explain(reader, "live", 10**9) == []
        assert find(reader, "live", ("no", "thing", "")) is None


def test_the_log_of_a_house_without_rules_replays_too(lived: Path) -> None:
    with Reader(lived) as reader:
        outside = [one for one in reader.entries() if one.message.cause is None]
    found = replay([one for one in outside if one.message.variable != "%%code%%"], program)
    assert found.equal
    assert found.inputs > 0
