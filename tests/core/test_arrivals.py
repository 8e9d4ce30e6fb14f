"""What arrives is brought to the variable's type, or rejected with a record and no other trace."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.assemble import changes_of, held, linked, send
from core.reference import Assign, Module, Num, On, Scalar, Var, WhenDo
from core.reference import Compare as Is
from myocan.hub.core import Role, Type

IN = ("", "x", "in")
ENUMERATION = Var("in", Role.SUBSCRIBE, Type.ENUMERATION, IN, members=("Off", "ON", "straße"))
BOOLEAN = Var("in", Role.SUBSCRIBE, Type.BOOLEAN, IN, initial=False)
TEXT = Var("in", Role.SUBSCRIBE, Type.TEXT, IN, initial="")
TIME = Var("in", Role.SUBSCRIBE, Type.TIME, IN, initial="12:34")
ANY = Var("in", Role.SUBSCRIBE, Type.ANY, IN)


def decimal(decimals: int, lower: str | None = None, upper: str | None = None) -> Var:
    low, high = (None if bound is None else Decimal(bound) for bound in (lower, upper))
    return Var("in", Role.SUBSCRIBE, Type.DECIMAL, IN, decimals, low, high, initial=Decimal(0))


MOST, LEAST = 2**63 - 1, -(2**63)

ACCEPTED: list[tuple[Var, Scalar, str]] = [
    (ENUMERATION, "off", '"off"'),
    (ENUMERATION, "On", '"on"'),
    (ENUMERATION, "STRAßE", '"straße"'),
    (BOOLEAN, True, "true"),
    (BOOLEAN, False, "false"),
    (TEXT, "", '""'),
    (TEXT, "On", '"On"'),
    (TEXT, 'ä"\\\u2028', '"ä\\"\\\\\u2028"'),
    (TIME, "00:00", '"00:00"'),
    (TIME, "7:05", '"07:05"'),
    (TIME, "23:59", '"23:59"'),
    (TIME, "3:00pm", '"15:00"'),
    (TIME, "12:30AM", '"00:30"'),
    (ANY, None, "null"),
    (ANY, True, "true"),
    (ANY, Decimal("5.0"), "5.0"),
    (ANY, Decimal(LEAST), str(LEAST)),
    (ANY, "On", '"On"'),
    # a number is rounded half to even, as every store
    (decimal(0), Decimal("2.5"), "2"),
    (decimal(0), Decimal("3.5"), "4"),
    (decimal(0), Decimal("-2.5"), "-2"),
    (decimal(0), Decimal("-3.5"), "-4"),
    (decimal(0), Decimal("2.500000001"), "3"),
    (decimal(2), Decimal("0.005"), "0.00"),
    (decimal(2), Decimal("0.015"), "0.02"),
    (decimal(2), Decimal("-0.005"), "0.00"),
    (decimal(2), Decimal("7"), "7.00"),
    (decimal(9), Decimal("0.000000001"), "0.000000001"),
    # bounds, measured after rounding
    (decimal(1, "0.0", "1.0"), Decimal("1.05"), "1.0"),
    (decimal(1, "0.0", "1.0"), Decimal("-0.05"), "0.0"),
    (decimal(0, None, "-5"), Decimal("-5"), "-5"),
    # 64 bits
    (decimal(0), Decimal(MOST), str(MOST)),
    (decimal(0), Decimal(LEAST), str(LEAST)),
    (decimal(9), Decimal("9223372036.854775807"), "9223372036.854775807"),
    (decimal(9), Decimal("-9223372036"), "-9223372036.000000000"),
    (decimal(0), Decimal("9223372036.854775807"), "9223372037"),
]

REJECTED: list[tuple[Var, Scalar, str]] = [
    (ENUMERATION, "offf", "one of {Off, ON, straße}"),
    (ENUMERATION, "STRASSE", "one of {Off, ON, straße}"),  # ASCII folds, nothing else
    (ENUMERATION, "STRAẞE", "one of {Off, ON, straße}"),
    (ENUMERATION, "", "one of {Off, ON, straße}"),
    (ENUMERATION, True, "one of {Off, ON, straße}"),
    (ENUMERATION, Decimal(0), "one of {Off, ON, straße}"),
    (ENUMERATION, None, "one of {Off, ON, straße}"),
    (BOOLEAN, "true", "true or false"),
    (BOOLEAN, Decimal(1), "true or false"),
    (BOOLEAN, None, "true or false"),
    (TEXT, Decimal(1), "a text"),
    (TEXT, False, "a text"),
    (TEXT, None, "a text"),
    (TIME, "24:00", "a time of day, as 07:30"),
    (TIME, "13:00pm", "a time of day, as 07:30"),
    (TIME, "0:30am", "a time of day, as 07:30"),
    (TIME, "12:60", "a time of day, as 07:30"),
    (TIME, "12:5", "a time of day, as 07:30"),
    (TIME, "١٢:00", "a time of day, as 07:30"),
    (TIME, "12:00 ", "a time of day, as 07:30"),
    (TIME, "12:00\n", "a time of day, as 07:30"),
    (TIME, Decimal("12.00"), "a time of day, as 07:30"),
    (TIME, None, "a time of day, as 07:30"),
    (decimal(1, "0.0", "1.0"), Decimal("1.050000001"), "a number from 0.0 to 1.0"),
    (decimal(1, "0.0", "1.0"), Decimal("-0.051"), "a number from 0.0 to 1.0"),
    (decimal(1, "0.0", "1.0"), "0.5", "a number from 0.0 to 1.0"),
    (decimal(1, "0.0", "1.0"), True, "a number from 0.0 to 1.0"),
    (decimal(1, "0.0", "1.0"), None, "a number from 0.0 to 1.0"),
    (decimal(1), "much", "a number; nothing"),
    (decimal(0, "-40"), "much", "a number of at least -40;"),
    (decimal(1), Decimal(MOST), "a number"),
    (decimal(9), Decimal("9223372037"), "a number"),
    (decimal(9), Decimal(LEAST), "a number"),
]


def described(case: tuple[Var, Scalar, str]) -> str:
    var, sent, _expected = case
    return f"{var.type.name}{var.decimals or ''}-{sent!r}"


@pytest.mark.parametrize("case", ACCEPTED, ids=described)
def test_what_fits_is_stored_in_the_variables_own_form(case: tuple[Var, Scalar, str]) -> None:
    var, sent, expected = case
    core = linked(Module("x", (var,)))
    assert send(core, ("x.in", sent)) == []
    assert held(core, "x", "in") == expected
    assert changes_of(core) == [(0, "x", "in", expected)]
    assert core.snapshot() == {("x", "in", ""): expected}


@pytest.mark.parametrize("case", REJECTED, ids=described)
def test_what_does_not_fit_changes_nothing_and_says_so(case: tuple[Var, Scalar, str]) -> None:
    var, sent, expected = case
    rang = Var("rang", Role.PUBLIC, Type.BOOLEAN, ("", "x", "rang"), initial=False)
    ring = (Assign(rang, True, 5),)
    reactions: dict[str, tuple[object, ...]] = {"ons": (On(var, (), ring, 4),)}
    if var.type == Type.DECIMAL:
        reactions["whens"] = (WhenDo(Is("==", Num(var), Num(var)), ring, 6),)
    core = linked(Module("x", (var, rang), **reactions))  # type: ignore[arg-type]
    before = held(core, "x", "in")
    [(topic, text)] = send(core, ("x.in", sent))
    assert topic == "$log.rejected"
    assert text.startswith('"x.scc:0: in')
    assert f"expected {expected}" in text
    assert "nothing was changed" in text
    assert changes_of(core) == []
    assert held(core, "x", "in") == before
    assert core.snapshot() == {}


def test_a_rejected_value_is_quoted_but_not_without_end() -> None:
    core = linked(Module("x", (BOOLEAN,)))
    [(_topic, text)] = send(core, ("x.in", "long" * 100_000))
    assert len(text) < 500


def test_one_subscriber_may_take_what_another_rejects() -> None:
    core = linked(Module("a", (BOOLEAN,)), Module("b", (ANY,)))
    assert [name for name, _ in send(core, ("x.in", "true"))] == ["$log.rejected"]
    assert core.snapshot() == {("b", "in", ""): '"true"'}
