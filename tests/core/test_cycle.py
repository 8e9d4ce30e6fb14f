"""One cycle, rule by rule, and the order in which messages and modules take turns."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core import reference as ref
from core.assemble import batch, changes_of, held, linked, rows_of, send, topic
from core.reference import (
    Activate,
    AnySame,
    Arith,
    Assign,
    Compare,
    Const,
    IsMember,
    IsTrue,
    Log,
    Module,
    Next,
    Num,
    On,
    Var,
    WhenDo,
)
from myocan.hub.core import Core, Role, Type

ONE, TWO, ZERO = Decimal(1), Decimal(2), Decimal(0)


def heard(name: str, type: Type = Type.ANY, **more: object) -> Var:
    """Return a variable that hears the topic of its name, `module.variable`."""
    return Var(name, Role.SUBSCRIBE, type, topic(name), **more)  # type: ignore[arg-type]


def public(name: str, type: Type = Type.EVENT, **more: object) -> Var:
    return Var(name.rpartition(".")[2], Role.PUBLIC, type, topic(name), **more)  # type: ignore[arg-type]


def count_of(name: str) -> Var:
    return public(name, Type.DECIMAL, initial=ZERO)


def plus(var: Var, amount: int, line: int = 0) -> Assign:
    return Assign(var, Arith("+", Num(var), Const(Decimal(amount))), line)


def log(*pieces: str | Var, line: int = 0) -> Log:
    return Log(0, pieces, line)


def logged(core: Core, *messages: tuple[str, ref.Scalar]) -> list[str]:
    return [text.strip('"') for name, text in send(core, *messages) if name == "$log.info"]


PRESS = heard("button.press")
STATE = public("lamp.state", Type.ENUMERATION, members=("off", "on"))
COUNT = count_of("lamp.count")

# ---------------------------------------------------------------------- 2: ON


def test_the_first_on_that_holds_is_the_only_one_that_runs() -> None:
    is_off = IsMember(STATE, "off")
    lamp = Module(
        "lamp",
        (PRESS, STATE),
        (
            On(PRESS, (IsMember(STATE, "on"),), (log("was on"),), 1),
            On(PRESS, (is_off,), (Assign(STATE, "on", 2), log("first")), 2),
            On(PRESS, (is_off,), (log("never"),), 3),
            On(PRESS, (), (log("always"),), 4),
        ),
    )
    core = linked(lamp)
    assert logged(core, ("button.press", None)) == ["first"]
    assert logged(core, ("button.press", None)) == ["was on"]


def test_every_guard_of_an_on_must_hold() -> None:
    guards = (IsMember(STATE, "off"), Compare("==", Num(COUNT), Const(ONE)))
    core = linked(Module("lamp", (PRESS, STATE, COUNT), (On(PRESS, guards, (log("no"),), 1),)))
    assert [name for name, _ in send(core, ("button.press", None))] == ["$log.unhandled"]


def test_an_equal_value_arrives_again() -> None:
    core = linked(Module("lamp", (PRESS, STATE), (On(PRESS, (), (Next(STATE, 1),), 1),)))
    assert send(core, ("button.press", ONE)) == [("lamp.state", '"on"')]
    assert send(core, ("button.press", ONE)) == [("lamp.state", '"off"')]


def test_each_action_sees_what_the_last_one_wrote() -> None:
    double = Assign(COUNT, Arith("*", Num(COUNT), Const(TWO)), 1)
    core = linked(
        Module("lamp", (PRESS, COUNT), (On(PRESS, (), (plus(COUNT, 1), double, double), 1),))
    )
    assert send(core, ("button.press", None)) == [("lamp.count", "4")]


def test_a_message_that_no_on_wants_is_stored_judged_by_whens_and_then_told() -> None:
    dial = heard("dial.turn", Type.DECIMAL, initial=ZERO, line=3)
    lamp = Module(
        "lamp",
        (dial, STATE),
        (On(dial, (Compare(">", Num(dial), Const(TWO)),), (log("on"),), 5),),
        (WhenDo(Compare("==", Num(dial), Const(ONE)), (Next(STATE, 7),), 7),),
    )
    core = linked(lamp)
    (state, record) = send(core, ("dial.turn", ONE))
    assert state == ("lamp.state", '"on"')
    assert record[0] == "$log.unhandled"
    assert record[1].startswith('"lamp.scc:3: dial.turn = 1: no ON')
    assert held(core, "lamp", "dial.turn") == "1"


def test_a_variable_that_only_whens_read_needs_no_on() -> None:
    core = linked(Module("lamp", (PRESS,)))
    assert send(core, ("button.press", None)) == []


# ---------------------------------------------------------------------- 3: WHEN

DIAL = heard("dial.turn", Type.DECIMAL, initial=ZERO)
BACK = Var("back", Role.PRIVATE, Type.DECIMAL, initial=ZERO)


def test_a_when_is_for_what_differs_from_the_start_of_the_cycle() -> None:
    lamp = Module(
        "lamp",
        (DIAL, BACK),
        (On(DIAL, (), (plus(BACK, 1), plus(BACK, -1)), 1),),
        (
            WhenDo(Compare(">=", Num(BACK), Const(ZERO)), (log("back differs"),), 2),
            WhenDo(Compare(">=", Num(DIAL), Const(ZERO)), (log("dial differs"),), 3),
        ),
    )
    core = linked(lamp)
    assert logged(core, ("dial.turn", ZERO)) == []
    assert logged(core, ("dial.turn", ONE)) == ["dial differs"]
    assert logged(core, ("dial.turn", ONE)) == []


def test_whens_are_chosen_before_any_of_them_runs() -> None:
    flag = Var("flag", Role.PRIVATE, Type.BOOLEAN, initial=False)
    lamp = Module(
        "lamp",
        (DIAL, flag),
        (),
        (
            WhenDo(Compare("==", Num(DIAL), Num(DIAL)), (Assign(flag, True, 1), log("one")), 1),
            WhenDo(IsTrue(flag), (log("flag, which the first one wrote"),), 2),
            WhenDo(Compare("<", Num(DIAL), Const(TWO)), (log("three"),), 3),
        ),
    )
    core = linked(lamp)
    assert logged(core, ("dial.turn", ONE)) == ["one", "three"]


def test_a_chosen_when_runs_though_an_earlier_one_made_it_false() -> None:
    low = Compare("<", Num(BACK), Const(TWO))
    lamp = Module(
        "lamp",
        (DIAL, BACK),
        (On(DIAL, (), (plus(BACK, 1),), 1),),
        (WhenDo(low, (plus(BACK, 9),), 2), WhenDo(low, (log(BACK),), 3)),
    )
    assert logged(linked(lamp), ("dial.turn", ONE)) == ["10"]


def test_a_when_runs_once_however_many_of_its_variables_differ() -> None:
    either = ref.Or(Compare(">", Num(DIAL), Const(ZERO)), Compare(">", Num(BACK), Const(ZERO)))
    lamp = Module(
        "lamp",
        (DIAL, BACK, COUNT),
        (On(DIAL, (), (plus(BACK, 1),), 1),),
        (WhenDo(either, (plus(COUNT, 1),), 2), WhenDo(either, (log("other"),), 3)),
    )
    core = linked(lamp)
    assert send(core, ("dial.turn", ONE)) == [("lamp.count", "1"), ("$log.info", '"other"')]


def test_a_number_written_with_more_digits_is_no_other_value() -> None:
    reading = heard("sensor.reading")
    changed = WhenDo(AnySame(reading, reading), (log("changed"),), 1)
    core = linked(Module("lamp", (reading,), (), (changed,)))
    assert logged(core, ("sensor.reading", Decimal("5"))) == ["changed"]
    assert logged(core, ("sensor.reading", Decimal("5.0"))) == []
    assert held(core, "lamp", "sensor.reading") == "5.0"
    assert changes_of(core) == [(0, "lamp", "sensor.reading", "5.0")]
    for other in (Decimal("5.1"), True, Decimal(1), "1", None, False, ZERO):
        assert logged(core, ("sensor.reading", other)) == ["changed"]


# ---------------------------------------------------------------------- 4: publishing


def test_a_first_assignment_is_published_whatever_the_value_and_an_equal_one_is_not() -> None:
    off = On(PRESS, (), (Assign(STATE, "off", 1),), 1)
    core = linked(Module("lamp", (PRESS, STATE), (off,)))
    assert send(core, ("button.press", None)) == [("lamp.state", '"off"')]
    assert send(core, ("button.press", None)) == []
    assert changes_of(core) == []


def test_a_value_that_comes_back_within_the_cycle_is_no_change() -> None:
    twice = On(PRESS, (), (Next(STATE, 1), Next(STATE, 2)), 1)
    core = linked(Module("lamp", (PRESS, STATE), (twice,)))
    assert send(core, ("button.press", None)) == [("lamp.state", '"off"')]
    assert send(core, ("button.press", None)) == []


def test_one_member_is_published_at_every_assignment_once_a_cycle() -> None:
    go = public("lamp.go", Type.ENUMERATION, members=("Go",))
    core = linked(
        Module("lamp", (PRESS, go), (On(PRESS, (), (Assign(go, "Go", 1), Next(go, 2)), 1),))
    )
    for _ in range(3):
        assert send(core, ("button.press", None)) == [("lamp.go", '"go"')]


def test_publications_are_in_declaration_order_then_log_lines() -> None:
    first, second, third = (count_of(f"lamp.{name}") for name in ("c", "a", "b"))
    rang = public("lamp.rang")
    actions = (
        log("said", line=10),
        plus(third, 1, 11),
        Activate(rang, 12),
        plus(first, 1, 13),
        plus(second, 1, 14),
        Activate(rang, 15),
        plus(first, 1, 16),
    )
    core = linked(Module("lamp", (first, PRESS, second, rang, third), (On(PRESS, (), actions, 1),)))
    send(core, ("button.press", None))
    assert [row[1:] for row in rows_of(core)] == [
        ("null", -1, -1, 0),
        ("2", "lamp", 0, 16),
        ("1", "lamp", 0, 14),
        ("null", "lamp", 0, 15),
        ("1", "lamp", 0, 11),
        ('"said"', "lamp", 0, 10),
    ]
    assert changes_of(core) == [
        (0, "lamp", "c", "2"),
        (0, "lamp", "button.press", "null"),
        (0, "lamp", "a", "1"),
        (0, "lamp", "b", "1"),
    ]


def test_private_variables_change_but_are_not_published() -> None:
    core = linked(Module("lamp", (PRESS, BACK), (On(PRESS, (), (plus(BACK, 1),), 1),)))
    assert send(core, ("button.press", None)) == []
    assert (0, "lamp", "back", "1") in changes_of(core)


# ---------------------------------------------------------------------- 5: failure

UNIT = public("lamp.unit", Type.DECIMAL, lower=ZERO, upper=ONE, initial=ZERO)
ANYTHING = heard("any.thing")
HUGE = Const(Decimal(2**63 - 1))
FAILING = {
    "a number became too large": Assign(COUNT, Arith("+", HUGE, Const(ONE)), 30),
    "a division by zero": Assign(COUNT, Arith("/", Num(COUNT), Const(ZERO)), 30),
    "a value outside its variable's constraint": plus(UNIT, 2, 30),
    "a calculation with something that is not a number": Assign(COUNT, Num(ANYTHING), 30),
}


@pytest.mark.parametrize("in_when", [False, True], ids=["on", "when"])
@pytest.mark.parametrize("reason", FAILING)
def test_a_failure_undoes_values_marks_and_log_lines_and_names_the_line(
    reason: str, in_when: bool
) -> None:
    before = (Assign(STATE, "on", 28), plus(UNIT, 1, 29), log("never"), Activate(RANG, 29))
    fails = (*before, FAILING[reason])
    ons = (On(PRESS, (), before if in_when else fails, 27),)
    whens = (WhenDo(IsMember(STATE, "on"), (FAILING[reason],), 26),) if in_when else ()
    core = linked(Module("lamp", (PRESS, ANYTHING, STATE, UNIT, COUNT, RANG), ons, whens))
    send(core, ("any.thing", "text"))
    before_the_failure = core.snapshot()
    [(name, text)] = send(core, ("button.press", ONE))
    assert name == "$log.failed"
    assert text.startswith(f'"lamp.scc:30: button.press = 1 failed: {reason};')
    assert changes_of(core) == []
    assert core.snapshot() == before_the_failure
    assert held(core, "lamp", "button.press") == "null"
    assert send(core, ("any.thing", None)) == []


RANG = public("lamp.rang")


def test_what_a_failure_undid_is_published_as_a_first_assignment_later() -> None:
    fail = On(PRESS, (IsTrue(PRESS),), (Assign(STATE, "off", 1), FAILING["a division by zero"]), 1)
    keep = On(PRESS, (), (Assign(STATE, "off", 2),), 2)
    core = linked(Module("lamp", (PRESS, STATE, COUNT), (fail, keep)))
    assert [name for name, _ in send(core, ("button.press", True))] == ["$log.failed"]
    assert send(core, ("button.press", None)) == [("lamp.state", '"off"')]
    assert send(core, ("button.press", None)) == []


def test_a_failure_brings_back_an_unconstrained_variable_with_its_kind() -> None:
    fail = On(ANYTHING, (Compare(">", Num(ANYTHING), Const(ONE)),), (), 1)
    core = linked(Module("lamp", (ANYTHING, PRESS), (fail,)))
    send(core, ("any.thing", Decimal("2.50")))
    assert [name for name, _ in send(core, ("any.thing", "text"))] == ["$log.failed"]
    assert held(core, "lamp", "any.thing") == "2.50"


def test_one_modules_failure_is_not_anothers() -> None:
    fail = On(PRESS, (), (FAILING["a division by zero"],), 1)
    good = On(PRESS, (), (Next(STATE, 2),), 2)
    core = linked(Module("a", (PRESS, COUNT), (fail,)), Module("b", (PRESS, STATE), (good,)))
    assert [name for name, _ in send(core, ("button.press", None))] == ["$log.failed", "lamp.state"]


# ---------------------------------------------------------------------- order


def echo(module: str, hears: str, says: str) -> Module:
    """Return a module that tells on one topic what comes on another."""
    source, target = heard(hears), public(says, Type.TEXT, initial="")
    return Module(module, (source, target), (On(source, (), (Assign(target, source, 1),), 1),))


def test_subscribers_take_turns_in_the_order_of_their_names_however_they_were_linked() -> None:
    modules = [echo(name, "in.x", f"{name}.out") for name in ("b", "a", "ab", "B", "é", "a2")]
    for order in (modules, modules[::-1]):
        came = send(linked(*order), ("in.x", "hello"))
        assert [name for name, _ in came] == [
            "B.out",
            "a.out",
            "a2.out",
            "ab.out",
            "b.out",
            "é.out",
        ]


def test_consequences_are_first_in_first_out_and_all_before_the_next_input() -> None:
    tree = (("a", "in.x", "a.out"), ("b", "in.x", "b.out"), ("c", "a.out", "c.out"))
    more = (("d", "b.out", "d.out"), ("e", "c.out", "e.out"))
    core = linked(*(echo(*names) for names in (*more, *tree)))
    core.run(*batch(core, [(topic("in.x"), "1"), (topic("in.x"), "2")]))
    seen = [(name[1], producer, cause) for name, _, producer, cause, _ in rows_of(core)]
    assert seen == [
        ("in", -1, -1),
        ("a", "a", 0),
        ("b", "b", 0),
        ("c", "c", 1),
        ("d", "d", 2),
        ("e", "e", 3),
        ("in", -2, -1),
        ("a", "a", 6),
        ("b", "b", 6),
        ("c", "c", 7),
        ("d", "d", 8),
        ("e", "e", 9),
    ]


def test_a_topic_that_nobody_hears_is_a_row_and_no_more() -> None:
    core = linked(echo("a", "in.x", "a.out"))
    number = core.topic(topic("a.out"))
    assert not core.heard(number)
    assert core.heard(core.topic(topic("in.x")))
    assert send(core, ("a.out", "hello")) == []


def test_an_empty_batch_has_no_rows() -> None:
    core = linked(echo("a", "in.x", "a.out"))
    send(core, ("in.x", "hello"))
    assert core.run(*batch(core, [])) == 0
    assert core.rows() == []
    assert core.changes() == []
