"""Timers and ATs in the core: what their messages do, and that what is due comes once.

The one idea: the core has no clock, so a test is one: it says what time it is at each message.
"""

from __future__ import annotations

import json
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.core import At, Core, Op, Program, Role, Tag, Type, Variable
from myocan.hub.core.program import AT_VARIABLE
from myocan.hub.core.scalars import scalar_json

WAIT, START, RESET, CANCEL, COUNT, FULL = range(6)
VARIABLES = (
    Variable("wait", Role.TIMER, Type.EVENT, ("", "m", "wait"), duration_ms=500, line=2),
    Variable("start", Role.SUBSCRIBE, Type.ANY, ("", "x", "start")),
    Variable("reset", Role.SUBSCRIBE, Type.ANY, ("", "x", "reset")),
    Variable("cancel", Role.SUBSCRIBE, Type.ANY, ("", "x", "cancel")),
    Variable("count", Role.PUBLIC, Type.DECIMAL, ("", "m", "count"), lower=0, upper=100),
    Variable("full", Role.PRIVATE, Type.DECIMAL, lower=0, upper=0),
)
START_IT = (Op.START, WAIT, 500, 0)
DONE = (Op.MATCHED, 0, 0, 0)


def program(
    runs_out: tuple[int, ...] = (), ats: tuple[At, ...] = (), more: tuple[int, ...] = ()
) -> Program:
    """A module whose messages start, reset and cancel; `runs_out` is added to the timer's ON."""
    code: list[int] = []
    entries = {}
    for variable, actions in (
        (START, START_IT),
        (RESET, (Op.RESET, WAIT, 500, 0)),
        (CANCEL, (Op.CANCEL, WAIT, 0, 0)),
        (WAIT, (Op.ADD_CONST, COUNT, 1, 0, *runs_out)),
    ):
        entries[variable] = len(code)
        code += (*map(int, actions), *map(int, DONE))
    code += map(int, more)
    return Program("m", VARIABLES, tuple(code), entries=entries, ats=ats)


def linked(one: Program) -> Core:
    core = Core()
    core.link([one])
    return core


def send(core: Core, name: str, now: int, text: str | None = None) -> list[tuple[str, str]]:
    """Send a message at a time; return what came of it: (variable, JSON text)."""
    module = "m" if name in ("wait", AT_VARIABLE) else "x"
    tag, value = (int(Tag.NULL), 0) if text is None else (int(Tag.TEXT), core.intern(text))
    columns = [array("q", (one,)) for one in (core.topic(("", module, name)), tag, value)]
    core.run(*columns, now)
    return [
        (core.topics[topic][2], scalar_json(tag, value, core.texts))
        for topic, tag, value, *_rest in core.rows()[1:]
    ]


def due(core: Core) -> str | None:
    return core.snapshot().get(("m", "wait", ""))


def test_a_started_timer_is_due_its_duration_later_and_this_is_a_change() -> None:
    core = linked(program())
    send(core, "start", 1000)
    assert due(core) == "1500"
    changed = [(core.name_of(slot), tag, value) for _row, slot, tag, value, _key in core.changes()]
    assert (("m", "wait"), 0, 1500) in changed


def test_start_begins_anew_reset_only_while_it_runs_and_cancel_stops() -> None:
    core = linked(program())
    send(core, "reset", 1000)
    assert due(core) in (None, "0")
    send(core, "start", 1000)
    send(core, "start", 1200)
    assert due(core) == "1700"
    send(core, "reset", 1300)
    assert due(core) == "1800"
    send(core, "cancel", 1400)
    assert due(core) == "0"
    send(core, "reset", 1450)
    assert due(core) == "0"


def test_its_message_runs_the_on_and_stops_it() -> None:
    core = linked(program())
    send(core, "start", 1000)
    assert send(core, "wait", 1500) == [("count", "1")]
    assert due(core) == "0"


def test_it_can_be_started_again_by_its_own_message() -> None:
    core = linked(program(START_IT))
    send(core, "start", 1000)
    send(core, "wait", 1500)
    assert due(core) == "2000"


@pytest.mark.parametrize(("now", "text"), [(1499, None), (1500, "now"), (0, None)])
def test_a_message_that_is_not_the_timers_own_is_rejected(now: int, text: str | None) -> None:
    core = linked(program())
    send(core, "start", 1000)
    ((record, words),) = send(core, "wait", now, text)
    assert record == "rejected"
    assert "m.scc:2" in words
    assert "not due" in words
    assert due(core) == "1500"


def test_a_message_that_comes_twice_counts_once() -> None:
    core = linked(program())
    send(core, "start", 1000)
    send(core, "wait", 1500)
    ((record, _words),) = send(core, "wait", 1500)
    assert record == "rejected"
    assert core.snapshot()["m", "count", ""] == "1"


def test_a_cycle_that_fails_is_undone_but_the_timer_has_run_out() -> None:
    core = linked(program((*START_IT, Op.ADD_CONST, FULL, 1, 0)))
    send(core, "start", 1000)
    ((record, _words),) = send(core, "wait", 1500)
    assert record == "failed"
    assert due(core) == "0"
    assert ("m", "count", "") not in core.snapshot()
    changed = [(core.name_of(slot), value) for _row, slot, _tag, value, _key in core.changes()]
    assert changed == [(("m", "wait"), 0)]


def test_a_running_timer_is_restored_exactly_and_survives_new_programs() -> None:
    core = linked(program())
    assert core.restore("m", "wait", 0, 1_800_000_000_123)
    assert due(core) == "1800000000123"
    core.link([program(START_IT)])
    assert due(core) == "1800000000123"
    assert not core.restore("m", "wait", 1, 15)
    assert not core.restore("m", "wait", int(Tag.NULL), 0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["start", "reset", "cancel", "wait"]), st.integers(1, 400)))
)
def test_a_timer_does_what_a_note_on_the_wall_would(steps: list[tuple[str, int]]) -> None:
    core, now, note, count = linked(program()), 0, 0, 0
    for word, later in steps:
        now += later
        send(core, word, now)
        if word == "start" or (word == "reset" and note):
            note = now + 500
        elif word == "cancel":
            note = 0
        elif word == "wait" and 0 < note <= now:
            note, count = 0, count + 1
        assert int(due(core) or 0) == note
        assert core.snapshot().get(("m", "count", ""), "0") == str(count)


# ---------------------------------------------------------------------- ATs

FIRST = 4 * 8  # behind the four ONs
AT_CODE = (
    # a: if full != 0, count + 10; b: count + 1; c: always fails
    Op.UNLESS_NE, FIRST + 12, FULL, 0, Op.ADD_CONST, COUNT, 10, 0, *DONE, Op.UNMATCHED, 0, 0, 0,
    Op.ADD_CONST, COUNT, 1, 0, *DONE,
    Op.ADD_CONST, FULL, 1, 0, *DONE,
)  # fmt: skip
ATS = (
    At("a.0", "[]", FIRST, 11),
    At("b.0", "[]", FIRST + 16, 12),
    At("c.0", "[]", FIRST + 24, 13),
)


def at(core: Core, *identities: str) -> list[tuple[str, str]]:
    return send(core, AT_VARIABLE, 1000, json.dumps(identities))


def with_ats() -> Core:
    return linked(program(ats=ATS, more=AT_CODE))


def test_of_the_ats_that_are_due_the_first_whose_guards_hold_runs() -> None:
    core = with_ats()
    assert at(core, "b.0") == [("count", "1")]
    assert at(core, "c.0", "a.0", "b.0") == [("count", "2")]


def test_an_at_whose_guards_do_not_hold_leaves_no_record() -> None:
    assert at(with_ats(), "a.0") == []


def test_an_at_that_is_gone_is_told_and_the_others_run() -> None:
    count, (record, words) = at(with_ats(), "z.0", "b.0")
    assert count == ("count", "1")
    assert record == "unhandled"
    assert "z.0" in words


@pytest.mark.parametrize("text", ["", "[", "{}", "3", "[3]", "[[]]", "[" * 5000])
def test_a_damaged_message_of_ats_is_a_record(text: str) -> None:
    ((record, _words),) = send(with_ats(), AT_VARIABLE, 1000, text)
    assert record == "unhandled"


def test_a_failing_at_is_undone_and_told_with_its_line() -> None:
    core = with_ats()
    ((record, words),) = at(core, "c.0")
    assert record == "failed"
    assert "AT of line 13" in words
    assert core.snapshot() == {}


def test_two_modules_with_the_same_code_hear_their_own_ats() -> None:
    core = Core()
    one = program(ats=ATS, more=AT_CODE)
    core.link([Program("n", one.variables, one.code, entries=one.entries, ats=ATS), one])
    at(core, "b.0")
    assert core.snapshot() == {("m", "count", ""): "1"}
