"""Random houses for hypothesis: modules that feed each other, and messages for them.

The one idea: a module without a key has maps, one with a key has instances, and both hear single
keys; whoever hears a topic mostly accepts what its publisher says.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st

from core import reference as ref
from core.drawing import KEYS, TEXTS_AS_KEYS, Writer, decimal, fitting, one_of, scalars, variable
from core.reference import Attribute, Message, Module, Topic, Var
from myocan.hub.core import Role, Type
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE, AttributeKind

T = TypeVar("T")

NAMES = ("ant", "Bee", "cat", "dog")
OUTSIDE: tuple[Topic, ...] = (("", "switch", "press"), ("", "dial", "turn"), ("net.far", "a", "b"))
SHARED: Topic = ("", "shared", "x")
OFFSET: Topic = ("", "$clock", "offset")
ATS = ("a.0", "b.0")
START_MS = (1000, 1_800_000_059_123)
STEP_MS = 1200


@dataclass(frozen=True)
class Case:
    """A house and what happens in it."""

    modules: tuple[Module, ...]
    short: bool
    batches: tuple[tuple[Message, ...], ...]
    times: tuple[int, ...]  # by batch: the log's time, milliseconds
    relink: tuple[bool, ...]  # by batch: the same programs are linked again before it

    def __repr__(self) -> str:
        rest = (self.batches, self.times, self.relink)
        return "\n".join([*map(repr, self.modules), *map(repr, zip(*rest, strict=True))])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # or hypothesis spells out every field


# ---------------------------------------------------------------------- declarations


Heard = list[tuple[Topic, Var | None]]


def hearing(draw: Any, name: str, heard: Heard, key: str) -> Var:
    """Return a variable that hears a topic: mostly one that accepts what is published there."""
    topic, publisher = one_of(draw, *heard)
    if publisher is None or one_of(draw, 0, 0, 0, 0, 1):
        var = variable(draw, name, Role.SUBSCRIBE, topic)
    else:
        kind = Type.ANY if publisher.type == Type.EVENT else publisher.type
        var = replace(
            publisher, name=name, role=Role.SUBSCRIBE, topic=topic, type=kind, keyed=False,
            map=False, instance="",
        )  # fmt: skip
    by_key = publisher is not None and (publisher.keyed or publisher.map or publisher.instance)
    kinds = ["own", "own", "class"] if key else ["class", "class"]
    kinds += ["one", *["own"] * 2 * bool(key)] if by_key else ["class"]
    if one_of(draw, *range(4)) == 0:
        kinds.append("one")
    return of_kind(draw, var, one_of(draw, *kinds))


def of_kind(draw: Any, var: Var, kind: str) -> Var:
    match kind:
        case "own":
            return replace(var, keyed=True)
        case "map":
            return replace(var, map=True)
        case "one":
            return replace(var, instance=one_of(draw, *KEYS[:3]))
    return var


def published(draw: Any, name: str, topic: Topic, key: str) -> Var:
    kinds = ["class", "class", "class", *["own"] * 4] if key else ["class"] * 3 + ["map"] * 4
    var = variable(draw, name, Role.PUBLIC, topic)
    return of_kind(draw, var, one_of(draw, *kinds, "one"))


def declarations(draw: Any, name: str, key: str, heard: Heard, spelled: bool) -> list[Var]:
    own = ("own", "class") if key else ("class",)
    found = [hearing(draw, f"S{i}", heard, key) for i in range(one_of(draw, 1, 2, 2, 3))]
    if spelled:  # one name for one topic
        found = list({(var.topic, var.instance): var for var in found}.values())
    for i in range(one_of(draw, 1, 2, 2, 3)):
        found.append(published(draw, f"P{i}", ("", name, f"p{i}"), key))
    if one_of(draw, 0, 1):
        found.append(published(draw, "shared", SHARED, key))
    for i in range(one_of(draw, 0, 1, 2)):
        var = variable(draw, f"V{i}", Role.PRIVATE, None)
        found.append(of_kind(draw, var, one_of(draw, *own)))
    for i in range(one_of(draw, 0, 1, 1) + bool(key)):
        seconds = one_of(draw, 1, 2)
        var = Var(f"T{i}", Role.TIMER, Type.EVENT, ("", name, f"t{i}"), duration_ms=1000 * seconds)
        found.append(of_kind(draw, var, one_of(draw, *own)))
    found = draw(st.permutations(found))
    return [replace(var, line=line) for line, var in enumerate(found, 2)]


def told_of(draw: Any, variables: Sequence[Var], spelled: bool) -> list[Attribute]:
    """Return some attributes of these variables."""
    found = {}
    if spelled:
        variables = [var for var in variables if var.role != Role.TIMER]
    for _ in range(one_of(draw, 0, 0, 1, 2, 4)):
        var = one_of(draw, *variables)
        kinds = list(AttributeKind) if var.role == Role.SUBSCRIBE else [AttributeKind.MODIFIED]
        if var.map or (var.role == Role.PUBLIC and var.type == Type.EVENT):
            continue
        kind = one_of(draw, *kinds)
        name = f"{var.name}#{kind.name.lower()}"
        is_text = kind in (AttributeKind.PRODUCER, AttributeKind.TOPIC)
        decimals = 0 if kind == AttributeKind.OFFSET else 3
        hidden = Var(
            name,
            Role.PRIVATE,
            Type.TEXT if is_text else Type.DECIMAL,
            decimals=0 if is_text else decimals,
            initial="" if is_text else decimal(0, decimals),
            keyed=var.keyed,
        )
        found[name] = Attribute(kind, var, hidden)
    return list(found.values())


def clock_offset() -> Var:
    """Return the variable through which a module learns the house's distance from UTC."""
    day = Decimal(1440)
    return Var(
        "system.clock#offset", Role.SUBSCRIBE, Type.DECIMAL, OFFSET,
        lower=-day, upper=day, initial=Decimal(0),
    )  # fmt: skip


# ---------------------------------------------------------------------- modules


def module(draw: Any, name: str, heard: Heard, spelled: bool = False) -> Module:
    """Draw a module; if it is to be `spelled`, one that the language has words for."""
    key = one_of(draw, "", "room")
    variables = declarations(draw, name, key, heard, spelled)
    attributes = told_of(draw, variables, spelled)
    offset = clock_offset() if one_of(draw, *range(3)) == 0 else None
    hidden = [told.var for told in attributes] + [offset] * (offset is not None)  # type: ignore[list-item]
    readable = variables + [var for var in hidden if not spelled or var != offset]
    assignable = [v for v in variables if v.role != Role.SUBSCRIBE]
    of_class = Writer(
        draw,
        [v for v in readable if not v.keyed],
        [v for v in assignable if not v.keyed],
        has_instances=bool(key),
        offset=offset,
        spelled=spelled,
    )
    of_instance = Writer(
        draw, readable, [v for v in assignable if v.keyed],
        has_instances=True, is_keyed=True, offset=offset, spelled=spelled,
    )  # fmt: skip

    def writer() -> Writer:
        return of_instance if key and one_of(draw, 0, 1) else of_class

    def guards(writer: Writer) -> tuple[ref.Condition, ...]:
        return tuple(writer.condition(1) for _ in range(one_of(draw, 0, 0, 1, 2)))

    ons = []
    for var in variables:
        if var.role in (Role.SUBSCRIBE, Role.TIMER):
            for _ in range(one_of(draw, 0, 1, 1, 2)):
                by = of_instance if var.keyed else writer()
                ons.append(ref.On(var, guards(by), by.actions(), 0))
    whens = []
    for _ in range(one_of(draw, 0, 1, 2)):
        by = writer()
        condition = by.condition(2)
        if not spelled or set(ref.places_in(condition)) - {offset}:
            whens.append(ref.WhenDo(condition, by.actions(), 0))
    ats = []
    for identity in ATS[: one_of(draw, 0, 1, 2)]:
        by = writer()
        ats.append(ref.AtDo(identity, guards(by), by.actions(), 0))
    ons.sort(key=ref.is_keyed)  # the class comes first
    return numbered(
        Module(
            name,
            (*variables, *hidden),
            tuple(ons),
            tuple(whens),
            tuple(ats),
            key,
            bool(key) and one_of(draw, True, False),
            tuple(attributes),
        )
    )


def numbered(module: Module) -> Module:
    """Return a module whose reactions have the lines that they would have in its text."""
    line = 1 + len(module.variables)

    def next_line() -> int:
        nonlocal line
        line += 1
        return line

    def lines_of(reaction: Any) -> Any:
        opening = next_line()
        if not isinstance(reaction, ref.WhenDo):
            lines = tuple(next_line() for _ in reaction.guards)
            reaction = replace(reaction, guard_lines=lines)
        actions = tuple(replace(action, line=next_line()) for action in reaction.actions)
        return replace(reaction, actions=actions, line=opening)

    return replace(
        module,
        ons=tuple(map(lines_of, module.ons)),
        ats=tuple(map(lines_of, module.ats)),
        whens=tuple(map(lines_of, module.whens)),
    )


def modules(draw: Any, spelled: bool = False) -> tuple[Module, ...]:
    """Draw one to four modules that hear the world and each other."""
    heard = heard_of(draw, ())
    names = draw(st.permutations(NAMES))[: one_of(draw, 1, 2, 3, 4)]
    found = []
    for name in names:
        found.append(module(draw, name, heard, spelled))
        heard += published_by(found[-1])
    return tuple(draw(st.permutations(found)))


def heard_of(draw: Any, modules: Sequence[Module]) -> Heard:
    """Return what a new module can hear: the world and these."""
    heard: Heard = [(topic, variable(draw, "outside", Role.SUBSCRIBE, topic)) for topic in OUTSIDE]
    if one_of(draw, 0, 1):  # whoever hears this may close a loop
        heard += [(SHARED, Var("outside", Role.SUBSCRIBE, Type.ANY, SHARED))] * 3
    return heard + [one for module in modules for one in published_by(module)]


def published_by(module: Module) -> Heard:
    publics = [var for var in module.variables if var.role == Role.PUBLIC]
    return [(v.topic, v) for v in publics if v.topic is not None and v.topic != SHARED] * 3


# ---------------------------------------------------------------------- messages


def messages(draw: Any, modules: Sequence[Module]) -> tuple[Message, ...]:
    """Draw one to eight messages for these modules."""
    return tuple(message(draw, modules) for _ in range(one_of(draw, 1, 2, 4, 8)))


def message(draw: Any, modules: Sequence[Module]) -> Message:
    of_role = {
        role: [v for m in modules for v in m.variables if v.role == role and v.topic]
        for role in (Role.SUBSCRIBE, Role.TIMER)
    }
    keyed = [m.name for m in modules if m.key]
    if keyed and one_of(draw, *range(6)) == 0:
        births = ("", one_of(draw, *keyed), INSTANCES_VARIABLE)
        value = one_of(draw, True, True, True, True, None, None, False, "yes", Decimal(1))
        return Message(births, value, one_of(draw, *KEYS, *KEYS, *KEYS, *TEXTS_AS_KEYS))
    if of_role[Role.TIMER] and one_of(draw, *range(6)) == 0:
        timer = one_of(draw, *of_role[Role.TIMER])
        return Message(timer.topic, one_of(draw, None, None, None, "word"), some_key(draw, timer))
    with_ats = [m for m in modules if m.ats]
    if with_ats and one_of(draw, *range(5)) == 0:
        return come_due(draw, one_of(draw, *with_ats))
    var = one_of(draw, *of_role[Role.SUBSCRIBE])
    scalar = draw(scalars) if one_of(draw, *range(10)) == 0 else fitting(draw, var)
    producer, stamp = one_of(draw, ("", 0), ("board-1", 7), ("Käthe", 1_799_999_999_999))
    return Message(var.topic, scalar, some_key(draw, var), producer, stamp)


def births(draw: Any, modules: Sequence[Module]) -> tuple[Message, ...]:
    """Return messages that let instances be born, or be born again, for most houses."""
    return tuple(
        Message(("", module.name, INSTANCES_VARIABLE), value, key)
        for module in modules
        if module.key and one_of(draw, True, True, True, False)
        for key in one_of(draw, KEYS[:2], KEYS[1::-1], KEYS[:1])
        for value in one_of(draw, (True,), (True,), (None, True))
    )


def come_due(draw: Any, module: Module) -> Message:
    """Return the message that some ATs of a module are due, and perhaps one that is gone."""
    known = [at.identity for at in module.ats]
    chosen = one_of(draw, known[:1], known[-1:], known[::-1], ["gone.0", *known[-1:]], [])
    told = one_of(draw, *[json.dumps(chosen)] * 9, "damaged")
    return Message(("", module.name, AT_VARIABLE), told)


def some_key(draw: Any, var: Var) -> str:
    """Return a key that a message for this variable might have."""
    if one_of(draw, *range(12)) == 0:
        return str(one_of(draw, "", *TEXTS_AS_KEYS))
    return str(one_of(draw, *KEYS[:2] * 4, *KEYS)) if var.keyed else var.instance


@st.composite
def drawn(draw: Any, what: Callable[..., T], *given: Any) -> T:
    """Draw what one of the functions of this module draws."""
    return what(draw, *given)


@st.composite
def cases(draw: Any) -> Case:
    """Draw a house and up to four batches of messages."""
    return lived(draw, modules(draw))


def lived(draw: Any, found: tuple[Module, ...]) -> Case:
    """Draw what happens to these modules."""
    batches = [messages(draw, found) for _ in range(one_of(draw, 1, 2, 3, 4))]
    batches[0] = births(draw, found) + batches[0]
    start = one_of(draw, *START_MS)
    times = tuple(start + STEP_MS * number for number in range(len(batches)))
    relink = tuple(one_of(draw, False, True) for _ in batches)
    return Case(found, one_of(draw, True, False), tuple(batches), times, relink)
