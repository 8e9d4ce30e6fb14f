"""Numbers on the stack: exact, half to even at the ninth digit, and never a silent wrap.

The one idea: a log line shows all 128 bits of a number, so whatever the build, what a program says
can be held against the same calculation in unbounded integers. In the compiled build this holds
native.pxd to the rule; in the pure one, the pure core.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core import reference as ref
from core.assemble import linked, send, topic
from core.reference import Abs, Arith, Assign, Compare, Const, Log, Module, Neg, On, Round, Var
from myocan.hub.core import Core, Role, Type
from myocan.hub.core.scalars import decimal_text, number_text, parse_scalar, scalar_json, time_text
from myocan.hub.core.wide import LIMIT, OVER, divide_half_even, rescale, to_units, wide_divide

GO = Var("x.go", Role.SUBSCRIBE, Type.ANY, topic("x.go"))
EDGES = [
    edge + near
    for edge in (0, 10**9, 5 * 10**8, 2**31, 2**62, 2**63, -(2**62), -(2**63))
    for near in (-1, 0, 1)
    if -(2**63) <= edge + near < 2**63
]
units = st.one_of(st.sampled_from(EDGES), st.integers(-(2**63), 2**63 - 1), st.integers(-99, 99))
constants = st.builds(
    lambda unit, decimals: Const(Decimal(unit).scaleb(-decimals, ref.EXACT)),
    units,
    st.sampled_from((0, 0, 1, 8, 9, 9)),
)
numbers: st.SearchStrategy[Any] = st.recursive(
    constants,
    lambda inner: st.one_of(
        st.builds(Arith, st.sampled_from(["+", "-", "*", "*", "/", "min", "max"]), inner, inner),
        st.builds(Neg, inner),
        st.builds(Abs, inner),
        st.builds(Round, inner, st.integers(0, 9)),
    ),
    max_leaves=8,
)


def said_by(core: Core) -> str:
    [(name, text)] = send(core, ("x.go", None))
    return text.strip('"') if name == "$log.info" else name


def expected(node: Any) -> str:
    module = Module("m", (GO,))
    try:
        number = ref.Cycle(module, {}).number(node)
    except ref.Failed:
        return "$log.failed"
    return number_text(int(number * 10**9))


def power_of_two(exponent: int) -> Any:
    """Return an expression for 2 ** exponent units, which no constant can be."""
    if exponent < 62:
        return Const(Decimal(2**exponent).scaleb(-9, ref.EXACT))
    return Arith("*", power_of_two(exponent - 20), Const(Decimal(2**20)))


def near_the_limit() -> list[Any]:
    unit = Const(Decimal(1).scaleb(-9, ref.EXACT))
    half = power_of_two(126)
    most = Arith("+", half, Arith("-", half, unit))  # 2 ** 127 - 1 units, the largest number
    least = Neg(most)
    return [
        most,
        least,
        Arith("+", most, unit),
        Arith("-", least, unit),
        Arith("+", half, half),
        Arith("-", Neg(half), half),
        Arith("-", most, least),
        Arith("+", least, most),
        Arith("*", most, Const(Decimal(1))),
        Arith("*", least, Const(Decimal("1.000000001"))),
        Arith("*", most, unit),
        Arith("/", most, unit),
        Arith("/", most, most),
        Arith("/", most, least),
        Arith("/", unit, most),
        Arith("/", least, Const(Decimal(2))),
        Arith("/", least, Const(Decimal("-0.999999999"))),
        Arith("max", least, most),
        Arith("min", least, most),
        *(Round(extreme, digits) for extreme in (most, least) for digits in range(10)),
        Abs(least),
        *(
            Arith(op, sign, Const(Decimal(edge).scaleb(-9, ref.EXACT)))
            for op in ("*", "/", "+", "-")
            for sign in (power_of_two(62), power_of_two(63), Neg(power_of_two(63)))
            for edge in (2**62, 2**62 - 1, 2**63 - 1, -(2**63), 10**9, 1, -1)
        ),
    ]


def says(node: Any) -> Core:
    return linked(Module("m", (GO,), (On(GO, (), (Log(0, (node,), 1),), 1),)))


@pytest.mark.parametrize("node", near_the_limit(), ids=lambda _: "")
def test_calculations_at_the_edges_of_64_and_128_bits_are_exact_or_fail(node: Any) -> None:
    assert said_by(says(node)) == expected(node)


@settings(max_examples=300, deadline=None)
@given(numbers)
def test_calculations_are_those_of_unbounded_integers(node: Any) -> None:
    assert said_by(says(node)) == expected(node)


@settings(max_examples=200, deadline=None)
@given(numbers, numbers, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]))
def test_comparisons_are_those_of_unbounded_integers(left: Any, right: Any, op: str) -> None:
    node = Compare(op, left, right)
    try:
        outcome = "yes" if ref.Cycle(Module("m", (GO,)), {}).holds(node) else "no"
    except ref.Failed:
        outcome = "$log.failed"
    ons = (On(GO, (node,), (Log(0, ("yes",), 1),), 1), On(GO, (), (Log(0, ("no",), 2),), 2))
    assert said_by(linked(Module("m", (GO,), ons))) == outcome


decimals = st.integers(0, 9)


@settings(max_examples=150, deadline=None)
@given(numbers, decimals, units, units, units)
def test_a_store_rounds_once_and_keeps_the_bounds(
    node: Any, digits: int, held: int, low: int, high: int
) -> None:
    lower, upper = (Decimal(b).scaleb(-digits, ref.EXACT) for b in sorted((low, high)))
    var = Var("v", Role.PUBLIC, Type.DECIMAL, topic("m.v"), digits, lower, upper, initial=lower)
    module = Module("m", (GO, var), (On(GO, (), (Assign(var, node, 1),), 1),))
    house = ref.House([module])
    house.take([ref.Message(topic("x.go"), None)])
    core = linked(module)
    [(name, text)] = send(core, ("x.go", None))
    assert name.rpartition(".")[2] == house.rows[1].topic[2]
    assert text == house.rows[1].text or house.rows[1].text is None
    if house.rows[1].text is None:
        reason = "too large" if overflows(node, digits) else "outside"
        assert reason in text or "division by zero" in text


def overflows(node: Any, digits: int) -> bool:
    try:
        number = ref.Cycle(Module("m", (GO,)), {}).number(node)
    except ref.Failed as failed:
        return "OVERFLOW" in repr(failed)
    return not -(2**63) <= round(number * 10**digits) < 2**63


@settings(max_examples=150, deadline=None)
@given(units, decimals, decimals)
@example(2**63 - 1, 0, 9)
@example(-(2**63), 0, 9)
@example(-(2**63), 9, 0)
def test_an_arrival_is_brought_to_scale_half_to_even(unit: int, sent: int, digits: int) -> None:
    var = Var("v", Role.SUBSCRIBE, Type.DECIMAL, topic("x.v"), digits, initial=Decimal(0))
    core = linked(Module("m", (var,)))
    value = Decimal(unit).scaleb(-sent, ref.EXACT)
    rejected = [name for name, _ in send(core, ("x.v", value))]
    units_now = round(Fraction(value) * 10**digits)
    if -(2**63) <= units_now < 2**63:
        assert rejected == []
        assert core.read("m", "v") == (digits, units_now)
    else:
        assert rejected == ["$log.rejected"]


@settings(max_examples=100, deadline=None)
@given(units, decimals, units, decimals)
@example(2**63 - 1, 0, 2**63 - 1, 9)
@example(10, 1, 1, 0)
def test_two_unconstrained_numbers_are_equal_whatever_their_scale(
    one: int, one_scale: int, other: int, other_scale: int
) -> None:
    a, b = (Var(name, Role.SUBSCRIBE, Type.ANY, topic(f"x.{name}")) for name in "ab")
    ons = (On(b, (ref.AnySame(a, b),), (Log(0, ("same",), 1),), 1),)
    core = linked(Module("m", (a, b), ons))
    left, right = (
        Decimal(u).scaleb(-s, ref.EXACT) for u, s in ((one, one_scale), (other, other_scale))
    )
    came = send(core, ("x.a", left), ("x.b", right))
    assert (came[0][0] == "$log.info") == (Fraction(left) == Fraction(right))


# ---------------------------------------------------------------------- the functions alone

integers = st.integers(-(2**130), 2**130)


@given(integers, integers.filter(bool))
def test_division_is_to_the_nearest_and_of_two_to_the_even_one(a: int, b: int) -> None:
    assert divide_half_even(a, b) == round(Fraction(a, b))


@given(st.integers(1 - LIMIT, LIMIT - 1), decimals)
def test_scales_are_changed_as_division_rounds(a: int, digits: int) -> None:
    assert to_units(a, digits) == round(Fraction(a, 10 ** (9 - digits)))
    assert rescale(a, 9, digits) == to_units(a, digits)
    assert rescale(a, digits, 9) == a * 10 ** (9 - digits)


def test_what_leaves_128_bits_is_over() -> None:
    assert wide_divide(LIMIT - 1, 1) == OVER
    assert OVER == -LIMIT


@given(integers, decimals)
def test_a_decimal_is_written_with_all_its_digits(unit: int, digits: int) -> None:
    assert decimal_text(unit, digits) == format(Decimal(unit).scaleb(-digits, ref.EXACT), "f")


@given(integers)
def test_a_number_is_written_without_needless_zeros(number: int) -> None:
    text = number_text(number)
    assert Fraction(text) == Fraction(number, 10**9)
    assert not ("." in text and text.endswith(("0", ".")))
    assert text != "-0"


@given(st.one_of(st.none(), st.booleans(), st.text(), st.builds(str, integers), units), decimals)
def test_a_scalar_is_read_back_from_its_json(value: ref.Scalar | int, digits: int) -> None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = Decimal(value).scaleb(-digits, ref.EXACT)
    texts: list[str] = []

    def intern(text: str) -> int:
        texts.append(text)
        return len(texts) - 1

    text = ref.json_text(value)
    assert scalar_json(*parse_scalar(text, intern), texts) == text


@pytest.mark.parametrize(
    "text",
    ["", "nul", "True", "01", "1.", ".5", "+1", "1e3", "1.0000000001", "[]",
     '"a', '"a" "b"', "\uff11", "9223372036854775808",
     "-9223372036854775809", "1\n", " 1", '"a"\n1', "--1", "NaN"],
)  # fmt: skip
def test_what_is_no_scalar_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  every reason has other words
        parse_scalar(text, lambda _: 0)


def test_every_minute_of_the_day_is_read_back() -> None:
    var = Var("v", Role.SUBSCRIBE, Type.TIME, topic("x.v"), initial="00:00")
    core = linked(Module("m", (var,)))
    for minutes in range(1440):
        assert send(core, ("x.v", time_text(minutes))) == []
        assert core.snapshot()["m", "v", ""] == f'"{time_text(minutes)}"'
