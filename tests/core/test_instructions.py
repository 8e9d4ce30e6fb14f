"""Every instruction alone: hand-written code in one module, what it is sent, what comes of it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.assemble import batch, send
from core.reference import Scalar
from myocan.hub.core import Core, Op, Program, Role, Type, Variable
from myocan.hub.core.program import INT64_MAX, INT64_MIN
from myocan.hub.core.scalars import scalar_json

IN, OTHER, STATE, FLAG, LEVEL, NAME, AT, RANG, GO, UNIT, WAIT, BELL, ROOM, OFFSET = range(14)
VARIABLES = (
    Variable("in", Role.SUBSCRIBE, Type.ANY, ("", "x", "in")),
    Variable("other", Role.SUBSCRIBE, Type.ANY, ("", "x", "other")),
    Variable("State", Role.PUBLIC, Type.ENUMERATION, ("", "x", "state"), members=("off", "On")),
    Variable("flag", Role.PUBLIC, Type.BOOLEAN, ("", "x", "flag")),
    Variable("level", Role.PUBLIC, Type.DECIMAL, ("", "x", "level"), decimals=2, initial=150),
    Variable("name", Role.PUBLIC, Type.TEXT, ("", "x", "name"), initial="ann"),
    Variable("at", Role.PUBLIC, Type.TIME, ("", "x", "at"), initial=425),
    Variable("rang", Role.PUBLIC, Type.EVENT, ("", "x", "rang")),
    Variable("go", Role.PUBLIC, Type.ENUMERATION, ("", "x", "go"), members=("go",)),
    Variable("unit", Role.PUBLIC, Type.DECIMAL, ("", "x", "unit"), 1, -10, 10),
    Variable("wait", Role.TIMER, Type.EVENT, ("", "x", "wait"), duration_ms=500),
    Variable("bell", Role.PUBLIC, Type.EVENT, ("", "x", "bell"), map=True),
    Variable(
        "room", Role.PUBLIC, Type.DECIMAL, ("", "x", "room"), 1, 0, 300, initial=200, map=True
    ),
    Variable("offset", Role.SUBSCRIBE, Type.DECIMAL, ("", "$clock", "offset"), initial=90),
)
TEXTS = ("ann", "bob", "on", "grey")
Instruction = tuple[int, ...]

RING: Instruction = (Op.ACTIVATE, RANG)
SAY: tuple[Instruction, ...] = ((Op.PIECE_NUMBER,), (Op.LOG, 0))  # the number on the stack
TELL: tuple[Instruction, ...] = ((Op.STORE_RAW, FLAG),)  # the condition on the stack
TRUE, FALSE, RANG_ONCE = [("x.flag", "true")], [("x.flag", "false")], [("x.rang", "null")]
FAIL = "failed"


def number(text: str) -> Instruction:
    """Push a number."""
    digits = Decimal(text).as_tuple()
    exponent = int(digits.exponent)
    return (Op.PUSH, int(Decimal(text).scaleb(-exponent)), 9 + exponent)


def said(text: str) -> list[tuple[str, str]]:
    return [("$log.info", f'"{text}"')]


def two(op: Op, a: str, b: str) -> tuple[Instruction, ...]:
    return (number(a), number(b), (op,))


def one(op: Op, a: str, digits: int = 0) -> tuple[Instruction, ...]:
    return (number(a), (op, digits))


def guard(op: Op, constant: int) -> tuple[Instruction, ...]:
    """Ring if level (1.50) compares so with a constant."""
    return ((op, 8, LEVEL, constant), RING)


Case = tuple[tuple[Instruction, ...], Scalar, list[tuple[str, str]] | str]

# fmt: off
CASES: list[Case] = [
    # ends and jumps; MATCHED follows every row
    (((Op.MATCHED,), RING), None, []),
    (((Op.UNMATCHED,), RING), None, [("$log.unhandled", "")]),
    (((Op.JUMP, 8), RING, (Op.MATCHED,)), None, []),
    ((number("1"), (Op.JUMP_IF, 12), RING), None, []),
    ((number("0"), (Op.JUMP_IF, 12), RING), None, RANG_ONCE),
    ((number("1"), (Op.JUMP_UNLESS, 12), RING), None, RANG_ONCE),
    ((number("0"), (Op.JUMP_UNLESS, 12), RING), None, []),
    # the short guards
    (guard(Op.UNLESS_EQ, 150), None, RANG_ONCE), (guard(Op.UNLESS_EQ, 151), None, []),
    (guard(Op.UNLESS_NE, 151), None, RANG_ONCE), (guard(Op.UNLESS_NE, 150), None, []),
    (guard(Op.UNLESS_LT, 151), None, RANG_ONCE), (guard(Op.UNLESS_LT, 150), None, []),
    (guard(Op.UNLESS_LE, 150), None, RANG_ONCE), (guard(Op.UNLESS_LE, 149), None, []),
    (guard(Op.UNLESS_GT, 149), None, RANG_ONCE), (guard(Op.UNLESS_GT, 150), None, []),
    (guard(Op.UNLESS_GE, 150), None, RANG_ONCE), (guard(Op.UNLESS_GE, 151), None, []),
    (guard(Op.UNLESS_LT, INT64_MAX), None, RANG_ONCE),
    (guard(Op.UNLESS_GT, INT64_MIN), None, RANG_ONCE),
    # onto the stack
    (((Op.PUSH, 215, 8), *SAY), None, said("21.5")),
    (((Op.PUSH, INT64_MIN, 9), *SAY), None, said("-9223372036854775808")),
    (((Op.PUSH, 1, 0), *SAY), None, said("0.000000001")),
    (((Op.PUSH_TEXT, 1), (Op.STORE_TEXT, NAME)), None, [("x.name", '"bob"')]),
    (((Op.LOAD, LEVEL, 7), *SAY), None, said("1.5")),
    (((Op.LOAD, AT), (Op.PUSH, 425), (Op.EQ,), *TELL), None, TRUE),
    (((Op.LOAD_TEXT, NAME), (Op.PUSH_TEXT, 0), (Op.EQ,), *TELL), None, TRUE),
    (((Op.SET, STATE, 1), (Op.LOAD_TEXT, STATE), (Op.PUSH_TEXT, 2), (Op.EQ,), *TELL), None,
        [("x.state", '"on"'), ("x.flag", "true")]),
    (((Op.LOAD_TEXT, IN), (Op.PUSH_TEXT, 0), (Op.EQ,), *TELL), "ann", TRUE),
    (((Op.LOAD_TEXT, IN), (Op.PUSH_TEXT, 0), (Op.EQ,), *TELL), "Ann", FALSE),
    (((Op.LOAD_TEXT, IN), (Op.PUSH_TEXT, 0), (Op.EQ,), *TELL), Decimal(0), FALSE),
    (((Op.LOAD_NUMBER, IN), *SAY), Decimal("-2.50"), said("-2.5")),
    (((Op.LOAD_NUMBER, IN), *SAY), "2", FAIL),
    (((Op.LOAD_NUMBER, IN), *SAY), None, FAIL),
    (((Op.LOAD_NUMBER, IN), *SAY), True, FAIL),
    (((Op.LOAD_TRUTH, IN), (Op.PUSH, 1), (Op.EQ,), *TELL), True, TRUE),
    (((Op.LOAD_TRUTH, IN), (Op.PUSH, 0), (Op.EQ,), *TELL), False, TRUE),
    (((Op.LOAD_TRUTH, IN), (Op.PUSH, -1), (Op.EQ,), *TELL), Decimal(1), TRUE),
    (((Op.LOAD_TRUTH, IN), (Op.PUSH, 0), (Op.EQ,), *TELL), None, FALSE),
    (((Op.ANY_EQUAL, IN, OTHER), *TELL), None, TRUE),
    (((Op.ANY_EQUAL, IN, OTHER), *TELL), False, FALSE),
    (((Op.HAS_NUMBER, IN, 5, 9), *TELL), Decimal("5.000"), TRUE),
    (((Op.HAS_NUMBER, IN, 5, 9), *TELL), Decimal("5.001"), FALSE),
    (((Op.HAS_NUMBER, IN, 1, 9), *TELL), True, FALSE),
    (((Op.HAS_NUMBER, IN, INT64_MAX, 9), *TELL), Decimal(INT64_MAX), TRUE),
    # a timer; that it runs shows in test_time
    (((Op.START, WAIT, 500), RING), None, RANG_ONCE),
    (((Op.RESET, WAIT, 500), RING), None, RANG_ONCE),
    (((Op.CANCEL, WAIT), RING), None, RANG_ONCE),
    # arithmetic, half to even at the ninth digit
    ((*two(Op.ADD, "0.1", "0.2"), *SAY), None, said("0.3")),
    ((*two(Op.SUB, "0.1", "0.2"), *SAY), None, said("-0.1")),
    ((*two(Op.MUL, "-1.5", "1.5"), *SAY), None, said("-2.25")),
    ((*two(Op.MUL, "0.000000005", "0.1"), *SAY), None, said("0")),
    ((*two(Op.MUL, "0.000000015", "0.1"), *SAY), None, said("0.000000002")),
    ((*two(Op.MUL, "-0.000000005", "0.1"), *SAY), None, said("0")),
    ((*two(Op.MUL, "-0.000000015", "0.1"), *SAY), None, said("-0.000000002")),
    ((*two(Op.DIV, "2", "3"), *SAY), None, said("0.666666667")),
    ((*two(Op.DIV, "-1", "3"), *SAY), None, said("-0.333333333")),
    ((*two(Op.DIV, "1", "-3"), *SAY), None, said("-0.333333333")),
    ((*two(Op.DIV, "0.000000001", "2"), *SAY), None, said("0")),
    ((*two(Op.DIV, "0.000000003", "-2"), *SAY), None, said("-0.000000002")),
    ((*two(Op.DIV, "1", "0"), *SAY), None, FAIL),
    ((*one(Op.NEG, "1.5"), *SAY), None, said("-1.5")),
    ((*one(Op.ABS, "-1.5"), *SAY), None, said("1.5")),
    ((*one(Op.ABS, "1.5"), *SAY), None, said("1.5")),
    ((*two(Op.MIN, "-1", "1"), *SAY), None, said("-1")),
    ((*two(Op.MAX, "-1", "1"), *SAY), None, said("1")),
    ((*one(Op.ROUND, "2.5", 0), *SAY), None, said("2")),
    ((*one(Op.ROUND, "3.5", 0), *SAY), None, said("4")),
    ((*one(Op.ROUND, "-2.5", 0), *SAY), None, said("-2")),
    ((*one(Op.ROUND, "-0.15", 1), *SAY), None, said("-0.2")),
    ((*one(Op.ROUND, "0.123456789", 9), *SAY), None, said("0.123456789")),
    # comparisons
    ((*two(Op.EQ, "1.0", "1"), *TELL), None, TRUE), ((*two(Op.EQ, "1", "2"), *TELL), None, FALSE),
    ((*two(Op.NE, "1", "2"), *TELL), None, TRUE), ((*two(Op.NE, "1", "1"), *TELL), None, FALSE),
    ((*two(Op.LT, "-1", "1"), *TELL), None, TRUE), ((*two(Op.LT, "1", "1"), *TELL), None, FALSE),
    ((*two(Op.LE, "1", "1"), *TELL), None, TRUE), ((*two(Op.LE, "2", "1"), *TELL), None, FALSE),
    ((*two(Op.GT, "1", "-1"), *TELL), None, TRUE), ((*two(Op.GT, "1", "1"), *TELL), None, FALSE),
    ((*two(Op.GE, "1", "1"), *TELL), None, TRUE), ((*two(Op.GE, "1", "2"), *TELL), None, FALSE),
    (((Op.PUSH, 0), (Op.NOT,), *TELL), None, TRUE), (((Op.PUSH, 1), (Op.NOT,), *TELL), None, FALSE),
    # into a variable
    (((Op.SET, LEVEL, INT64_MIN),), None, [("x.level", "-92233720368547758.08")]),
    (((Op.SET_TEXT, NAME, 3),), None, [("x.name", '"grey"')]),
    ((number("2.675"), (Op.STORE, LEVEL)), None, [("x.level", "2.68")]),
    ((number("2.665"), (Op.STORE, LEVEL)), None, [("x.level", "2.66")]),
    ((number("1.05"), (Op.STORE, UNIT)), None, [("x.unit", "1.0")]),
    ((number("1.051"), (Op.STORE, UNIT)), None, FAIL),
    (((Op.PUSH, 1439), (Op.STORE_RAW, AT)), None, [("x.at", '"23:59"')]),
    (((Op.LOAD_TEXT, IN), (Op.STORE_TEXT, NAME)), "zoe", [("x.name", '"zoe"')]),
    (((Op.LOAD_TEXT, IN), (Op.STORE_TEXT, NAME)), Decimal(1), FAIL),
    (((Op.LOAD_TEXT, IN), (Op.STORE_TEXT, STATE)), "ON", [("x.state", '"on"')]),
    (((Op.LOAD_TEXT, IN), (Op.STORE_TEXT, STATE)), "grey", FAIL),
    (((Op.COPY, LEVEL, IN),), Decimal("1.005"), [("x.level", "1.00")]),
    (((Op.COPY, LEVEL, IN),), "1", FAIL),
    (((Op.COPY, UNIT, LEVEL),), None, FAIL),
    (((Op.COPY, NAME, STATE),), None, [("x.name", '"off"')]),
    (((Op.COPY, AT, IN),), "7:06", [("x.at", '"07:06"')]),
    (((Op.COPY, NAME, AT),), None, [("x.name", '"07:05"')]),
    (((Op.ADD_CONST, LEVEL, -100),), None, [("x.level", "0.50")]),
    (((Op.ADD_CONST, UNIT, 11),), None, FAIL),
    (((Op.SET, LEVEL, INT64_MAX), (Op.ADD_CONST, LEVEL, 1)), None, FAIL),
    (((Op.NEXT, STATE),), None, [("x.state", '"on"')]),
    (((Op.NEXT, STATE), (Op.NEXT, STATE)), None, [("x.state", '"off"')]),
    (((Op.NEXT, FLAG),), None, TRUE), (((Op.NEXT, FLAG), (Op.NEXT, FLAG)), None, FALSE),
    (((Op.NEXT, GO),), None, [("x.go", '"go"')]),
    ((RING, RING), None, RANG_ONCE),
    # log lines
    (((Op.LOG, 0),), None, [("$log.info", '""')]),
    (((Op.PIECE_TEXT, 0), (Op.PIECE_VAR, LEVEL), (Op.LOG, 1)), None,
        [("$log.warn", '"ann 1.50"')]),
    (((Op.PIECE_VAR, NAME), (Op.PIECE_VAR, AT), (Op.LOG, 2)), None,
        [("$log.alert", '"ann 07:05"')]),
    (((Op.NEXT, STATE), (Op.PIECE_VAR, STATE), (Op.LOG, 0)), None,
        [("x.state", '"on"'), *said("On")]),
    (((Op.PIECE_VAR, FLAG), (Op.PIECE_VAR, IN), (Op.LOG, 0)), None, said("false null")),
    (((Op.PIECE_VAR, IN), *SAY[1:], number("0"), *SAY), Decimal("1.50"),
        [*said("1.50"), *said("0")]),
    # unconstrained variables
    (((Op.IS_NUMBER, IN), *TELL), Decimal("0.5"), TRUE), (((Op.IS_NUMBER, IN), *TELL), "0", FALSE),
    (((Op.IS_NUMBER, IN), *TELL), None, FALSE),
    # maps: ann and bob are texts 0 and 1
    (((Op.SELECT, ROOM, 0), (Op.SET, ROOM, 5), (Op.DESELECT,)), None, [("x[ann].room", "0.5")]),
    (((Op.SELECT, ROOM, 1), (Op.ADD_CONST, ROOM, 5), (Op.DESELECT,), (Op.SELECT, ROOM, 0),
        (Op.ADD_CONST, ROOM, 6), (Op.DESELECT,), (Op.NEXT, STATE)), None,
        [("x.state", '"on"'), ("x[ann].room", "20.6"), ("x[bob].room", "20.5")]),
    (((Op.LOAD_TEXT, IN), (Op.SELECT_BY, ROOM), (Op.SET, ROOM, 5), (Op.DESELECT,)), "hall",
        [("x[hall].room", "0.5")]),
    (((Op.LOAD_TEXT, IN), (Op.SELECT_BY, ROOM), (Op.SET, ROOM, 5), (Op.DESELECT,)), "", FAIL),
    (((Op.LOAD_TEXT, IN), (Op.SELECT_BY, ROOM), (Op.SET, ROOM, 5), (Op.DESELECT,)), None, FAIL),
    (((Op.SELECT, ROOM, 0), (Op.LOAD, ROOM, 8), (Op.DESELECT,), *SAY), None, said("20")),
    (((Op.SELECT, BELL, 0), (Op.ACTIVATE, BELL), (Op.DESELECT,)), None, [("x[ann].bell", "null")]),
    (((Op.SELECT, ROOM, 0), (Op.SET, ROOM, 301), (Op.DIFFERS, ROOM), (Op.DESELECT,), *TELL), None,
        [("x.flag", "true"), ("x[ann].room", "30.1")]),
    (((Op.SELECT, ROOM, 0), (Op.SET, ROOM, 5), (Op.DESELECT,), (Op.SELECT, ROOM, 1),
        (Op.DIFFERS, ROOM), (Op.DESELECT,), *TELL), None, [*FALSE, ("x[ann].room", "0.5")]),
    (((Op.DIFFERS, IN), *TELL), "x", TRUE), (((Op.DIFFERS, IN), *TELL), None, FALSE),
    # the clock: 1970-01-02 23:59:59.250, ninety minutes east
    (((Op.LOAD_CLOCK, 0, OFFSET), *SAY), None, said("172799.25")),
    (((Op.LOAD_CLOCK, 1, OFFSET), *SAY), None, said("1")),
    (((Op.LOAD_CLOCK, 2, OFFSET), *SAY), None, said("29")),
    (((Op.LOAD_CLOCK, 3, OFFSET), *SAY), None, said("59")),
    (((Op.LOAD_CLOCK, 4, OFFSET), (Op.STORE_RAW, AT)), None, [("x.at", '"01:29"')]),
    # calls
    (((Op.CALL, 0),), None, [("$external.ann", '"[]"')]),
    (((Op.ARGUMENT_TEXT, 3), (Op.ARGUMENT_VAR, LEVEL), (Op.ARGUMENT_VAR, IN), number("2.50"),
        (Op.ARGUMENT_NUMBER,), (Op.PUSH, 1, 0), (Op.ARGUMENT_TRUTH,), (Op.CALL, 1)), None,
        [("$external.bob", '"[\\"grey\\",1.50,null,2.5,true]"')]),
    (((Op.CALL, 0), number("0"), number("0"), (Op.DIV,), *SAY), None, FAIL),
]
# fmt: on


def program(instructions: tuple[Instruction, ...]) -> Program:
    code: list[int] = []
    for op, *operands in (*instructions, (Op.MATCHED,)):
        code += (int(op), *operands, *[0] * (3 - len(operands)))
    return Program("x", VARIABLES, tuple(code), TEXTS, {IN: 0}, lines=((0, 7),))


def described(case: Case) -> str:
    code, sent, _expected = case
    return "-".join([*(Op(op).name for op, *_ in code), str(sent)])


def sends(core: Core, scalar: Scalar) -> list[tuple[str, str]]:
    """Send it to `x.in`; return what came of it, with keys."""
    core.run(*batch(core, [(("", "x", "in"), scalar)]), 2 * 86_400_000 - 750)
    came = []
    for topic, tag, value, _module, _cause, _pc, key in core.rows()[1:]:
        _domain, module, variable = core.topics[topic]
        where = f"{module}[{core.texts[key]}]" if key >= 0 else module
        came.append((f"{where}.{variable}", scalar_json(tag, value, core.texts)))
    return came


@pytest.mark.parametrize("case", CASES, ids=described)
def test_an_instruction_does_what_its_description_says(case: Case) -> None:
    code, sent, expected = case
    core = Core()
    core.link([program(code)])
    came = sends(core, sent)
    if expected == FAIL:
        assert [name for name, _text in came] == ["$log.failed"]
        assert core.snapshot() == {}
    elif expected == [("$log.unhandled", "")]:
        assert [name for name, _text in came] == ["$log.unhandled"]
    else:
        assert came == expected


def test_the_table_has_every_instruction() -> None:
    named = {op for code, _sent, _expected in CASES for op, *_ in code}
    of_instances = {Op.LOAD_KEY, Op.PIECE_KEY, Op.ARGUMENT_KEY, Op.CREATE, Op.DROP}
    of_python = {Op.RUN, Op.ASK}
    # Those run in `test_instances`, and in tests/python.
    assert named == set(Op) - of_instances - of_python


def test_a_variable_without_on_wants_no_record() -> None:
    core = Core()
    core.link([program((RING,))])
    assert send(core, ("x.other", Decimal(1))) == []


@pytest.mark.parametrize("op", [len(Op), -1, 2**31])
def test_an_unknown_instruction_is_told_as_a_damaged_program(op: int) -> None:
    core = Core()
    core.link([program(((op,),))])
    with pytest.raises(AssertionError, match="damaged"):
        send(core, ("x.in", None))
