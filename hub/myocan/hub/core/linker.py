"""Programs side by side: what each module's numbers mean in the core's flat tables.

The one idea: a program speaks of its own variables, texts and pcs from zero; the layout moves them
to where they are among all the others. Modules with the same code share it (a hundred lamps are
one *shape*), so a module costs its variables and its subscriptions, nothing more.

Order is part of the meaning: modules are laid out by name, and a message visits its subscribers in
that order, whatever order they were deployed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter

from myocan.hub.core.program import (
    AT_VARIABLE,
    EXTERNAL_MODULE,
    INSTANCES_VARIABLE,
    Attribute,
    AttributeKind,
    Op,
    Program,
    Role,
    Type,
    Variable,
)

TopicName = tuple[str, str, str]
"""(domain, module, variable); the domain is "" for the house's own."""

LOG_MODULE = "$log"
LOG_TOPICS: tuple[TopicName, ...] = tuple(
    ("", LOG_MODULE, variable)
    for variable in ("info", "warn", "alert", "rejected", "failed", "unhandled", "lost", "stale")
)
"""The hub's own topics; they are the first of every layout, in this order."""

INFO, WARN, ALERT, REJECTED, FAILED, UNHANDLED, LOST, STALE = range(8)

COMMIT_TOPIC: TopicName = ("", "$state", "commit")
"""What several fields of state models are committed on together; see `commits`."""

COMMIT = len(LOG_TOPICS)
"""Its number in every layout."""

_TARGET_IN_A = frozenset(op for op in Op if op.name.startswith(("JUMP", "UNLESS_")))
_HEARING = frozenset((Role.SUBSCRIBE, Role.TIMER))
_TEXT_IN_A = frozenset((Op.PUSH_TEXT, Op.PIECE_TEXT, Op.ARGUMENT_TEXT))
_TEXT_IN_B = frozenset((Op.SET_TEXT, Op.SELECT))
_SELECTING = frozenset((Op.SELECT, Op.SELECT_BY))

KEYLESS, OWN_KEY, EVERY_INSTANCE, ANY_KEY = -1, -2, -3, -4
"""Which messages of a topic a subscription is for, unless it is those of one key (0 or more, the
number of its text): those without a key; those of a living instance, for that one; those without a
key, for every instance; all."""

MAX_MAP_VALUES = 1000
"""Values of maps that a cycle of a module in Python may assign."""

ATS, BIRTHS = -1, -2
"""What a subscription hears that is no variable: the ATs that are due, births and drops."""


@dataclass(slots=True)
class Shape:
    """A program's code and variable descriptions, shared by all modules that have the same.

    Arguments:
        meta, code: where its descriptions and its code start.
        entries, keyed_entries: as the program's, with pcs of the layout.
        first_when, first_keyed_when, last_when: where its WHENs start, the keyed ones among them,
            and where they end.
        keyed: the numbers of its keyed variables.
    """

    meta: int
    code: int
    entries: dict[int, int]
    keyed_entries: dict[int, int]
    first_when: int
    first_keyed_when: int
    last_when: int
    keyed: list[int]


@dataclass(slots=True)
class Subscription:
    """What a module hears on one topic, with all that a cycle needs to begin (integers).

    Arguments:
        topic: what it hears.
        key: which messages of that topic: a key's text number, or `KEYLESS` and its neighbours.
        module, variable: whose and which it is; variable may be `ATS` or `BIRTHS`.
        entry: pc of its ONs, -1 for none.
        base, meta: where the module's slots, and their descriptions, start.
        first_when, last_when: the WHENs to look at are first_when <= w < last_when.
    """

    topic: int
    key: int
    module: int
    variable: int
    entry: int
    base: int
    meta: int
    first_when: int
    last_when: int


@dataclass(slots=True)
class Layout:
    """Flat tables for the core; lists of integers unless said otherwise."""

    code: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)  # by pc // 4

    # By *meta*: one per variable of a shape.
    meta_variable: list[Variable] = field(default_factory=list)
    meta_type: list[int] = field(default_factory=list)
    meta_role: list[int] = field(default_factory=list)
    meta_decimals: list[int] = field(default_factory=list)
    meta_lower: list[int] = field(default_factory=list)
    meta_upper: list[int] = field(default_factory=list)
    meta_members: list[int] = field(default_factory=list)  # where its members start
    meta_count: list[int] = field(default_factory=list)  # how many it has; 1: a TEXT has a pattern
    members: list[int] = field(default_factory=list)  # pool numbers of the names
    meta_place: list[int] = field(default_factory=list)  # of a keyed one: its place among those
    meta_modified: list[int] = field(default_factory=list)  # number of its #modified, or -1
    meta_observed: list[int] = field(default_factory=list)  # 1 if an arrival fills attributes
    attributes: dict[int, list[Attribute]] = field(default_factory=dict)  # those, by meta

    # By slot: one per variable of a module, and one for the births and drops of a keyed module.
    slot_initial: list[int] = field(default_factory=list)
    slot_meta: list[int] = field(default_factory=list)
    slot_topic: list[int] = field(default_factory=list)  # what a PUBLIC one publishes, else -1
    slot_key: list[int] = field(default_factory=list)  # and for which key: as of a subscription

    # By WHEN of a shape.
    when_condition: list[int] = field(default_factory=list)
    when_actions: list[int] = field(default_factory=list)
    when_reads: list[int] = field(
        default_factory=list
    )  # where its reads start; one more at the end
    reads: list[int] = field(default_factory=list)  # a variable, or ~variable if it is a map

    # By module.
    modules: list[Program] = field(default_factory=list)
    module_base: list[int] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    births_topic: list[int] = field(default_factory=list)  # of a keyed module, else -1
    births_slot: list[int] = field(default_factory=list)

    # By subscription, in the order of topics.
    topics: list[TopicName] = field(default_factory=list)
    topic_first: list[int] = field(default_factory=list)  # one more at the end
    subscriptions: list[Subscription] = field(default_factory=list)

    most_variables: int = 0  # that a cycle can touch, values of maps included
    most_whens: int = 0


def lay_out(
    programs: Iterable[Program], intern: Callable[[str], int], topics: Iterable[TopicName] = ()
) -> Layout:
    """Return the tables for these programs.

    Arguments:
        programs: at most one for each module name.
        intern: gives a text its number in the core's pool.
        topics: topics that exist whether or not a program names them.
    """
    layout = Layout()
    numbers: dict[TopicName, int] = {}

    def topic(name: TopicName) -> int:
        number = numbers.setdefault(name, len(numbers))
        if number == len(layout.topics):
            layout.topics.append(name)
        return number

    for name in (*LOG_TOPICS, COMMIT_TOPIC, *sorted(topics)):
        topic(name)
    shapes: dict[tuple[object, ...], Shape] = {}
    for program in sorted(programs, key=lambda p: p.module):
        key = _shape_key(program)
        shape = shapes.get(key)
        if shape is None:
            shape = shapes[key] = _add_shape(layout, program, intern, topic)
        for definition in program.topics:
            topic(definition.topic)
        _add_module(layout, program, shape, intern, topic)
    layout.subscriptions.sort(key=attrgetter("topic"))  # and by module, as they came
    layout.topic_first = [0] * (len(layout.topics) + 1)
    for subscription in layout.subscriptions:
        layout.topic_first[subscription.topic + 1] += 1
    for number in range(len(layout.topics)):
        layout.topic_first[number + 1] += layout.topic_first[number]
    layout.when_reads.append(len(layout.reads))
    return layout


def _add_module(
    layout: Layout,
    program: Program,
    shape: Shape,
    intern: Callable[[str], int],
    topic: Callable[[TopicName], int],
) -> None:
    module = len(layout.modules)
    base = len(layout.slot_initial)
    layout.modules.append(program)
    layout.shapes.append(shape)
    layout.module_base.append(base)

    def hear(name: TopicName, key: int, variable: int) -> None:
        keyed = key in (OWN_KEY, EVERY_INSTANCE)
        entries = shape.keyed_entries if keyed else shape.entries
        layout.subscriptions.append(
            Subscription(
                topic=topic(name),
                key=key,
                module=module,
                variable=variable,
                entry=entries.get(variable, -1),
                base=base,
                meta=shape.meta,
                first_when=shape.first_keyed_when if keyed else shape.first_when,
                last_when=shape.last_when if keyed else shape.first_keyed_when,
            )
        )

    def add_slot(initial: int, meta: int, topic_number: int, key: int) -> None:
        layout.slot_initial.append(initial)
        layout.slot_meta.append(meta)
        layout.slot_topic.append(topic_number)
        layout.slot_key.append(key)

    has_keyed_whens = shape.first_keyed_when < shape.last_when
    for number, variable in enumerate(program.variables):
        initial = variable.initial
        key = OWN_KEY if variable.keyed else KEYLESS
        if variable.instance:
            key = intern(variable.instance)
        publishes = variable.role == Role.PUBLIC and variable.topic is not None
        add_slot(
            intern(initial) if isinstance(initial, str) else initial,
            shape.meta + number,
            topic(variable.topic) if publishes and variable.topic else -1,
            key,
        )
        if variable.role in _HEARING and variable.topic is not None:
            hear(variable.topic, key, number)
            broadcast = has_keyed_whens or number in shape.keyed_entries
            if broadcast and not variable.keyed:
                hear(variable.topic, EVERY_INSTANCE, number)
    if program.ats:
        ats = ("", program.module, AT_VARIABLE)
        hear(ats, KEYLESS, ATS)
        if has_keyed_whens or any(at.keyed for at in program.ats):
            hear(ats, EVERY_INSTANCE, ATS)
    births = -1
    if program.key:
        births = topic(("", program.module, INSTANCES_VARIABLE))
        hear(("", program.module, INSTANCES_VARIABLE), ANY_KEY, BIRTHS)
        add_slot(0, shape.meta + len(program.variables), -1, KEYLESS)
    layout.births_topic.append(births)
    layout.births_slot.append(base + len(program.variables))


def _shape_key(program: Program) -> tuple[object, ...]:
    described = tuple(
        (v.role, v.type, v.decimals, v.lower, v.upper, v.members, v.pattern, v.keyed, v.map)
        for v in program.variables
    )
    entries = tuple(sorted(program.entries.items()))
    keyed = (program.key, tuple(sorted(program.keyed_entries.items())), program.attributes)
    return (program.code, program.texts, entries, keyed, program.whens, program.lines, described)


def _add_shape(
    layout: Layout,
    program: Program,
    intern: Callable[[str], int],
    topic: Callable[[TopicName], int],
) -> Shape:
    start = len(layout.code)
    texts = [intern(text) for text in program.texts]
    for pc in range(0, len(program.code), 4):
        op, a, b, c = program.code[pc : pc + 4]
        if op in _TARGET_IN_A:
            a += start
        elif op in _TEXT_IN_A:
            a = texts[a]
        elif op in _TEXT_IN_B:
            b = texts[b]
        elif op == Op.CALL:
            a = topic(("", EXTERNAL_MODULE, program.texts[a]))
        layout.code += (op, a, b, c)
    layout.lines += _line_of_each_pc(program)
    whens = sorted(program.whens, key=attrgetter("keyed"))
    first_when = len(layout.when_condition)
    shape = Shape(
        meta=len(layout.meta_type),
        code=start,
        entries={variable: pc + start for variable, pc in program.entries.items()},
        keyed_entries={variable: pc + start for variable, pc in program.keyed_entries.items()},
        first_when=first_when,
        first_keyed_when=first_when + sum(not when.keyed for when in whens),
        last_when=first_when + len(whens),
        keyed=[number for number, variable in enumerate(program.variables) if variable.keyed],
    )
    for variable in program.variables:
        _describe(layout, variable, intern)
    for place, number in enumerate(shape.keyed):
        layout.meta_place[shape.meta + number] = place
    if program.key:
        _describe(layout, _BIRTHS, intern)
    for attribute in program.attributes:
        meta = shape.meta + attribute.of
        if attribute.kind == AttributeKind.MODIFIED:
            layout.meta_modified[meta] = attribute.variable
        if program.variables[attribute.of].role == Role.SUBSCRIBE:
            layout.meta_observed[meta] = 1
            layout.attributes.setdefault(meta, []).append(attribute)
    for when in whens:
        layout.when_condition.append(when.condition + start)
        layout.when_actions.append(when.actions + start)
        layout.when_reads.append(len(layout.reads))
        layout.reads += (~v if program.variables[v].map else v for v in when.reads)
    selects = sum(op in _SELECTING for op in program.code[::4])
    if program.python and any(variable.map for variable in program.variables):
        selects = MAX_MAP_VALUES  # nobody knows which keys a method will name
    layout.most_variables = max(layout.most_variables, len(program.variables) + selects)
    layout.most_whens = max(layout.most_whens, len(program.whens))
    return shape


_BIRTHS = Variable(INSTANCES_VARIABLE, Role.PRIVATE, Type.EVENT)


def _describe(layout: Layout, variable: Variable, intern: Callable[[str], int]) -> None:
    layout.meta_variable.append(variable)
    layout.meta_type.append(int(variable.type))
    layout.meta_role.append(int(variable.role))
    layout.meta_decimals.append(variable.decimals)
    layout.meta_lower.append(variable.lower)
    layout.meta_upper.append(variable.upper)
    layout.meta_members.append(len(layout.members))
    few = 2 if variable.type == Type.BOOLEAN else int(bool(variable.pattern))
    layout.meta_count.append(len(variable.members) or few)
    layout.members += (intern(fold(name)) for name in variable.members)
    layout.meta_place.append(-1)
    layout.meta_modified.append(-1)
    layout.meta_observed.append(0)


def _line_of_each_pc(program: Program) -> list[int]:
    marks = dict(program.lines)
    lines, line = [], 0
    for pc in range(0, len(program.code), 4):
        line = marks.get(pc, line)
        lines.append(line)
    return lines


def fold(text: str) -> str:
    """Return `text` with A-Z as a-z and nothing else changed, as names and members are compared."""
    return text.lower() if text.isascii() else text.translate(_FOLD)


_FOLD = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
