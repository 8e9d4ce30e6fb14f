"""From the reference's tree to a Program, and from rows of the core to what people read.

The one idea: tests of the core say what they mean as a tree, and read back names and JSON texts.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

from core import reference as ref
from core.assembler import Assembler, slot_units
from myocan.hub.core import At, Core, Op, Program, Role, Tag, Type, Variable, When
from myocan.hub.core.program import INT64_MAX, INT64_MIN, Attribute
from myocan.hub.core.scalars import parse_scalar, scalar_json


def assemble(module: ref.Module, short: bool = True) -> Program:
    """Return the program that means the same as the tree."""
    out = Assembler(short)
    out.numbers = {var.name: number for number, var in enumerate(module.variables)}
    ats = []
    entries = chains(out, [on for on in module.ons if not ref.is_keyed(on)])
    keyed_entries = chains(out, [on for on in module.ons if ref.is_keyed(on)])
    for at in module.ats:
        ats.append(At(at.identity, "[]", len(out.code), at.line, ref.is_keyed(at)))
        reaction(out, at)
        out.emit(Op.UNMATCHED)
    whens = tuple(reaction_to_what_differs(out, when) for when in module.whens)
    return Program(
        module=module.name,
        variables=tuple(map(variable, module.variables)),
        code=out.finish(),
        texts=tuple(out.texts),
        entries=entries,
        whens=whens,
        lines=tuple(out.lines),
        ats=tuple(ats),
        key=module.key,
        auto=module.auto,
        keyed_entries=keyed_entries,
        attributes=tuple(
            Attribute(told.kind, out.of(told.of), out.of(told.var)) for told in module.attributes
        ),
    )


def chains(out: Assembler, ons: Sequence[ref.On]) -> dict[int, int]:
    """Append the ONs of each variable; return where they start."""
    entries: dict[int, int] = {}
    for name, number in out.numbers.items():
        chain = [on for on in ons if on.var.name == name]
        if chain:
            entries[number] = len(out.code)
            for on in chain:
                reaction(out, on)
            out.emit(Op.UNMATCHED)
    return entries


def reaction_to_what_differs(out: Assembler, when: ref.WhenDo) -> When:
    """Append a WHEN: its condition, then its actions."""
    out.line(when.line)
    condition, further = len(out.code), out.place()
    places = ref.plain_first(when.condition)
    if any(isinstance(place, ref.Of) for place in places):
        out.candidate(places, further)
    out.unless(when.condition, further)
    out.emit(Op.MATCHED)
    out.mark(further)
    out.emit(Op.UNMATCHED)
    actions = len(out.code)
    for action in when.actions:
        out.action(action)
    out.emit(Op.MATCHED)
    reads = sorted({out.of(ref.declared(place)) for place in places})
    return When(condition, actions, tuple(reads), when.line, ref.is_keyed(when))


def reaction(out: Assembler, on: ref.On | ref.AtDo) -> None:
    """Append guards and actions; what follows is where they jump that do not hold."""
    out.line(on.line)
    further = out.place()
    for guard, line in on.guarded():
        out.line(line)
        out.unless(guard, further)
    for action in on.actions:
        out.action(action)
    out.emit(Op.MATCHED)
    out.mark(further)


def variable(var: ref.Var) -> Variable:
    initial: int | str
    if var.type == Type.TEXT:
        initial = str(var.initial or "")
    else:
        first = ref.initial_of(var)
        initial = 0 if first is None else slot_units(var, first)
    return Variable(
        name=var.name,
        role=Role(var.role),
        type=Type(var.type),
        topic=var.topic,
        decimals=var.decimals,
        lower=INT64_MIN if var.lower is None else slot_units(var, var.lower),
        upper=INT64_MAX if var.upper is None else slot_units(var, var.upper),
        members=var.members,
        initial=initial,
        line=var.line,
        duration_ms=var.duration_ms,
        keyed=var.keyed,
        instance=var.instance,
        map=var.map,
    )


# ---------------------------------------------------------------------- to and from a core


Message = tuple[ref.Topic, ref.Scalar]
Columns = tuple["array[int]", "array[int]", "array[int]"]


def batch(core: Core, messages: Sequence[Message]) -> Columns:
    """Return (topics, tags, values) for `Core.run`; every topic must be known to the core."""
    topics, tags, values = array("q"), array("q"), array("q")
    for topic, scalar in messages:
        tag, value = parse_scalar(ref.json_text(scalar), core.intern)
        number = core.topic(topic)
        assert number >= 0, f"no module names {topic}"
        topics.append(number)
        tags.append(tag)
        values.append(value)
    return topics, tags, values


def topic(name: str) -> ref.Topic:
    """Return the topic that `module.variable` stands for in the house's own domain."""
    module, _, variable = name.rpartition(".")
    return "", module, variable


def send(core: Core, *messages: tuple[str, ref.Scalar]) -> list[tuple[str, str]]:
    """Run messages as one batch; return what they led to as (`module.variable`, JSON text)."""
    core.run(*batch(core, [(topic(name), scalar) for name, scalar in messages]))
    return [
        (f"{name[1]}.{name[2]}", text)
        for name, text, producer, _cause, _line in rows_of(core)
        if not isinstance(producer, int)
    ]


def deliver(core: Core, messages: Sequence[ref.Message], now_ms: int = 0, offset: int = 0) -> int:
    """Run messages as one batch, with all that can be known of them; return how many rows came."""
    pairs = [(message.topic, message.scalar) for message in messages]
    texts = [
        array("q", (core.intern(text) if text else -1 for text in of_all))
        for of_all in ([m.key for m in messages], [m.producer for m in messages])
    ]
    stamps = array("q", (message.stamp for message in messages))
    return core.run(*batch(core, pairs), now_ms, texts[0], offset, texts[1], stamps)


def rows_of(core: Core) -> list[tuple[ref.Topic, str, str | int, int, int]]:
    """Return the last run's rows as (topic, JSON text, producer, cause, line)."""
    return [
        (
            core.topics[number],
            scalar_json(tag, value, core.texts),
            core.programs[module].module if module >= 0 else module,
            cause,
            core.line(pc),
        )
        for number, tag, value, module, cause, pc, _key in core.rows()
    ]


def changes_of(core: Core) -> list[tuple[int, str, str, str]]:
    """Return the last run's changes as (row, module, variable, JSON text)."""
    return [
        (row, *core.name_of(slot), scalar_json(tag, value, core.texts))
        for row, slot, tag, value, _key in core.changes()
    ]


def keyed_rows_of(core: Core) -> list[tuple[ref.Topic, str, str | int, int, int, str]]:
    """Return the last run's rows as `rows_of`, each with its key."""
    keys = [row[-1] for row in core.rows()]
    return [(*row, key_text(core, key)) for row, key in zip(rows_of(core), keys, strict=True)]


def keyed_changes_of(core: Core) -> list[tuple[int, str, str, str, str | None]]:
    """Return the last run's changes as (row, module, variable, key, JSON text or None)."""
    return [
        (
            row,
            *core.name_of(slot),
            key_text(core, key),
            None if tag == Tag.FORGOTTEN else scalar_json(tag, value, core.texts),
        )
        for row, slot, tag, value, key in core.changes()
    ]


def key_text(core: Core, number: int) -> str:
    return core.texts[number] if number >= 0 else ""


def held(core: Core, module: str, variable: str, key: str = "") -> str:
    """Return the JSON text of what is in a variable."""
    scalar = core.read(module, variable, key)
    assert scalar is not None, f"{module} has no {variable} of {key!r}"
    return scalar_json(*scalar, core.texts)


def linked(*modules: ref.Module | Program) -> Core:
    """Return a core that runs these modules."""
    core = Core()
    core.link([assemble(m) if isinstance(m, ref.Module) else m for m in modules])
    return core
