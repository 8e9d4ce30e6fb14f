"""Programs change while variables live on: what link, compact and restore keep."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core import reference as ref
from core.assemble import assemble, held, linked, send, topic
from core.reference import Assign, Log, Module, Next, On, Scalar, Var
from myocan.hub.core import Core, Op, Role, Tag, Type, When
from myocan.hub.core.scalars import parse_scalar
from myocan.hub.core.variables import MAX_POOL

ZERO = Decimal(0)
PRESS = Var("button.press", Role.SUBSCRIBE, Type.ANY, topic("button.press"))


def hears(type: Type, **more: object) -> Var:
    """Return a variable `in` that hears `x.in`."""
    return Var("in", Role.SUBSCRIBE, type, topic("x.in"), **more)  # type: ignore[arg-type]


def number(decimals: int, low: int | None = None, high: int | None = None) -> Var:
    lower, upper = (None if bound is None else Decimal(bound) for bound in (low, high))
    initial = ZERO.scaleb(-decimals)
    return hears(Type.DECIMAL, decimals=decimals, lower=lower, upper=upper, initial=initial)


ON_OFF = hears(Type.ENUMERATION, members=("off", "on"))
MORE = hears(Type.ENUMERATION, members=("On", "auto", "Off"))
OTHERS = hears(Type.ENUMERATION, members=("a", "b"))
BOOLEAN = hears(Type.BOOLEAN, initial=True)
TEXT = hears(Type.TEXT, initial="none")
TIME = hears(Type.TIME, initial="12:00")
ANY = hears(Type.ANY)

KEPT: list[tuple[Var, Scalar, Var, str]] = [
    (ON_OFF, "on", ON_OFF, '"on"'),
    (ON_OFF, "on", MORE, '"on"'),
    (ON_OFF, "on", TEXT, '"on"'),
    (ON_OFF, "on", ANY, '"on"'),
    (TEXT, "AUTO", MORE, '"auto"'),
    (TEXT, "a text", TEXT, '"a text"'),
    (TEXT, "7:05", TIME, '"07:05"'),
    (TIME, "7:05", TEXT, '"07:05"'),
    (TIME, "7:05", TIME, '"07:05"'),
    (BOOLEAN, False, BOOLEAN, "false"),
    (BOOLEAN, False, ANY, "false"),
    (number(2), Decimal("21.55"), number(2), "21.55"),
    (number(2), Decimal("21.55"), number(3), "21.550"),
    (number(2), Decimal("21.55"), number(1), "21.6"),
    (number(2), Decimal("21.45"), number(1), "21.4"),
    (number(2), Decimal("21.55"), ANY, "21.55"),
    (ANY, Decimal("21.55"), number(1, 0, 30), "21.6"),
    (ANY, "on", ON_OFF, '"on"'),
    (ANY, "a text", ANY, '"a text"'),
    (ANY, Decimal("5.0"), ANY, "5.0"),
    (ANY, None, ANY, "null"),
]
DROPPED: list[tuple[Var, Scalar, Var, str]] = [
    (ON_OFF, "on", OTHERS, '"a"'),
    (ON_OFF, "on", BOOLEAN, "true"),
    (TEXT, "grey", ON_OFF, '"off"'),
    (TEXT, "24:00", TIME, '"12:00"'),
    (BOOLEAN, False, TEXT, '"none"'),
    (BOOLEAN, False, number(0), "0"),
    (number(0), Decimal(1), BOOLEAN, "true"),
    (number(0), Decimal(1), TEXT, '"none"'),
    (number(0), Decimal(9), number(0, -5, 5), "0"),
    (number(0), Decimal(2**62), number(1), "0.0"),
    (ANY, None, TEXT, '"none"'),
]


@pytest.mark.parametrize("case", KEPT, ids=lambda c: f"{c[0].type.name}-{c[1]}-{c[2].type.name}")
def test_a_variable_of_the_same_name_keeps_a_value_that_fits(
    case: tuple[Var, Scalar, Var, str],
) -> None:
    before, sent, after, expected = case
    core = linked(Module("m", (before,)))
    send(core, ("x.in", sent))
    core.intern("moves the numbers of texts")
    core.link([assemble(Module("m", (PRESS, after)))])
    assert held(core, "m", "in") == expected
    assert core.snapshot() == {("m", "in", ""): expected}


@pytest.mark.parametrize("case", DROPPED, ids=lambda c: f"{c[0].type.name}-{c[1]}-{c[2].type.name}")
def test_a_variable_starts_again_if_its_value_does_not_fit(
    case: tuple[Var, Scalar, Var, str],
) -> None:
    before, sent, after, expected = case
    core = linked(Module("m", (before,)))
    send(core, ("x.in", sent))
    core.link([assemble(Module("m", (after,)))])
    assert held(core, "m", "in") == expected
    assert core.snapshot() == {}


def test_names_are_the_same_whatever_their_case_and_removed_ones_are_forgotten() -> None:
    one, two = replace(TEXT, name="One"), replace(TEXT, name="Two", topic=topic("x.two"))
    core = linked(Module("m", (one, two)), Module("n", (one,)))
    send(core, ("x.in", "first"), ("x.two", "second"))
    core.link([assemble(Module("m", (replace(one, name="oNE"),)))])
    assert core.snapshot() == {("m", "one", ""): '"first"'}
    core.link([assemble(Module("m", (two, one))), assemble(Module("n", (one,)))])
    assert core.snapshot() == {("m", "one", ""): '"first"'}
    assert held(core, "m", "two") == '"none"'


def test_a_kept_variable_stays_published_and_an_unwritten_one_takes_the_new_initial_value() -> None:
    state = Var("state", Role.PUBLIC, Type.TEXT, topic("m.state"), initial="grey")
    off = On(PRESS, (), (Assign(state, "off", 1),), 1)
    module = Module("m", (PRESS, state), (off,))
    core = linked(module)
    other = replace(state, initial="black")
    core.link([assemble(Module("m", (PRESS, other), (off,)))])
    assert held(core, "m", "state") == '"black"'
    assert send(core, ("button.press", None)) == [("m.state", '"off"')]
    core.link([assemble(module)])
    assert send(core, ("button.press", None)) == []


def test_links_and_compactions_in_between_change_nothing() -> None:
    state = Var("state", Role.PUBLIC, Type.ENUMERATION, topic("m.state"), members=("a", "B", "c"))
    says = Log(0, ("now", state, ANY), 2)
    module = Module("m", (ANY, PRESS, state), (On(PRESS, (), (Next(state, 1), says), 1),))
    calm, moved = linked(module), linked(module)
    for number in range(4):
        messages = (("x.in", f"text {number}"), ("button.press", None))
        assert send(calm, *messages) == send(moved, *messages)
        moved.link(moved.programs)
    assert calm.snapshot() == moved.snapshot()


def test_compact_drops_the_texts_that_no_variable_holds() -> None:
    core = linked(Module("m", (ANY, replace(ANY, name="Other", topic=topic("x.other")))))
    send(core, ("x.in", "kept"))
    epoch, fixed = core.epoch, len(core.texts)
    assert not core.compact()
    for number in range(MAX_POOL):
        core.intern(f"text {number}")
    assert core.epoch == epoch
    assert core.compact()
    assert core.epoch == epoch + 1
    assert len(core.texts) <= fixed
    assert core.snapshot() == {("m", "in", ""): '"kept"'}
    assert not core.compact()
    assert send(core, ("x.in", "more")) == []
    assert held(core, "m", "in") == '"more"'


# ---------------------------------------------------------------------- restore, read, snapshot


def restore(core: Core, name: str, value: Scalar, module: str = "m") -> bool:
    return core.restore(module, name, *parse_scalar(ref.json_text(value), core.intern))


def test_a_snapshot_restored_elsewhere_is_the_same_snapshot() -> None:
    rang = Var("rang", Role.PUBLIC, Type.EVENT, topic("m.rang"))
    types = (ON_OFF, BOOLEAN, TEXT, TIME, ANY, number(2))
    variables = [replace(var, name=f"v{i}", topic=topic(f"x.v{i}")) for i, var in enumerate(types)]
    rings = On(variables[0], (), (ref.Activate(rang, 1),), 1)
    core = linked(Module("m", (*variables, rang), (rings,)))
    values = ("on", False, "ä", "7:05", None, Decimal("-0.01"))
    send(core, *((f"x.v{i}", value) for i, value in enumerate(values)))
    snapshot = core.snapshot()
    assert len(snapshot) == len(types)
    other = Core()
    other.link(core.programs)
    for (module, name, key), text in snapshot.items():
        assert other.restore(module, name, *parse_scalar(text, other.intern), key)
    assert other.snapshot() == snapshot


def test_restore_refuses_what_is_not_there_or_does_not_fit() -> None:
    core = linked(Module("m", (ON_OFF,)))
    assert not restore(core, "other", "on")
    assert not restore(core, "in", "on", module="n")
    assert not restore(core, "in", "grey")
    assert core.snapshot() == {}
    assert restore(core, "in", "ON")
    assert core.snapshot() == {("m", "in", ""): '"on"'}
    assert core.read("m", "in") == (Tag.TEXT, core.intern("on"))
    assert core.read("m", "other") is None
    assert core.read("n", "in") is None


def test_a_restored_variable_counts_as_published_and_starts_no_cycle() -> None:
    state = Var("state", Role.PUBLIC, Type.BOOLEAN, topic("m.state"), initial=False)
    off = On(PRESS, (), (Assign(state, False, 1),), 1)
    core = linked(Module("m", (PRESS, state), (off,)))
    assert restore(core, "state", False)
    assert core.rows() == []
    assert send(core, ("button.press", None)) == []


# ---------------------------------------------------------------------- the layout


def lamp(number: int, **more: object) -> Module:
    press = Var(f"button{number}.press", Role.SUBSCRIBE, Type.ANY, topic(f"button{number}.press"))
    state = Var(
        "state", Role.PUBLIC, Type.ENUMERATION, topic(f"lamp{number}.state"), members=("off", "on")
    )
    state = replace(state, **more)  # type: ignore[arg-type]
    return Module(f"lamp{number}", (press, state), (On(press, (), (Next(state, 2),), 1),))


def test_modules_that_differ_in_names_and_topics_share_their_code() -> None:
    alone, many = linked(lamp(0)), linked(*map(lamp, range(50)))
    assert len({id(shape) for shape in many.layout.shapes}) == 1
    assert many.layout.code == alone.layout.code
    assert len(many.layout.meta_type) == 2
    assert len(many.layout.slot_meta) == 100
    assert send(many, ("button7.press", None)) == [("lamp7.state", '"on"')]
    assert held(many, "lamp8", "state") == '"off"'


def test_modules_share_code_but_not_what_people_are_told() -> None:
    first, second = lamp(0), lamp(1)
    picky = [
        Module(
            m.name,
            tuple(replace(v, line=5 * i + 1) for v in m.variables),
            (On(m.variables[0], (ref.IsMember(m.variables[1], "on"),), (), 9),),
        )
        for i, m in enumerate((first, second))
    ]
    core = linked(*picky)
    assert len({id(shape) for shape in core.layout.shapes}) == 1
    for i in range(2):
        [(_, text)] = send(core, (f"button{i}.press", None))
        assert text.startswith(f'"lamp{i}.scc:{5 * i + 1}: button{i}.press: no ON')


@pytest.mark.parametrize(
    "more",
    [{"members": ("off", "On")}, {"members": ("on", "off")}, {"role": Role.PRIVATE}],
    ids=str,
)
def test_modules_of_different_declarations_share_no_code(more: dict[str, object]) -> None:
    core = linked(lamp(0), lamp(1, **more))
    assert len({id(shape) for shape in core.layout.shapes}) == 2


def test_modules_that_differ_in_a_text_share_no_code() -> None:
    says = [
        Module(name, (PRESS,), (On(PRESS, (), (Log(0, (f"this is {name}",), 1),), 1),))
        for name in ("m", "n")
    ]
    came = send(linked(*says), ("button.press", None))
    assert came == [("$log.info", '"this is m"'), ("$log.info", '"this is n"')]


def test_modules_that_differ_in_what_is_a_when_share_no_code() -> None:
    calm = replace(assemble(lamp(0)), entries={})
    code = (*calm.code, int(Op.MATCHED), 0, 0, 0)
    when = When(len(calm.code), 0, (0,), 2)
    core = Core()
    core.link([
        replace(calm, module="m", code=code),
        replace(calm, module="n", code=code, whens=(when,)),
    ])  # fmt: skip
    assert len({id(shape) for shape in core.layout.shapes}) == 2
    assert send(core, ("button0.press", Decimal(1))) == [("lamp0.state", '"on"')]
    assert core.snapshot()["n", "state", ""] == '"on"'


def test_topics_that_no_program_names_exist_if_asked_for() -> None:
    core = Core()
    core.link([assemble(lamp(0))], [topic("door.state")])
    assert core.topic(topic("door.state")) >= 0
    assert not core.heard(core.topic(topic("door.state")))
    assert core.topic(topic("window.state")) == -1
    assert not core.heard(-1)
    assert not core.heard(len(core.topics))
    assert send(core, ("door.state", "open")) == []
    for number in range(MAX_POOL):
        core.intern(f"text {number}")
    assert core.compact()
    assert core.topic(topic("door.state")) >= 0
