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

from myocan.hub.core.program import AT_VARIABLE, Op, Program, Role, Type, Variable

TopicName = tuple[str, str, str]
"""(domain, module, variable); the domain is "" for the house's own."""

LOG_MODULE = "$log"
LOG_TOPICS: tuple[TopicName, ...] = tuple(
    ("", LOG_MODULE, variable)
    for variable in ("info", "warn", "alert", "rejected", "failed", "unhandled", "lost", "stale")
)
"""The hub's own topics; they are the first of every layout, in this order."""

INFO, WARN, ALERT, REJECTED, FAILED, UNHANDLED, LOST, STALE = range(8)

_TARGET_IN_A = frozenset(op for op in Op if op.name.startswith(("JUMP", "UNLESS_")))
_HEARING = frozenset((Role.SUBSCRIBE, Role.TIMER))
_TEXT_IN_A = frozenset((Op.PUSH_TEXT, Op.PIECE_TEXT))


@dataclass(slots=True)
class Shape:
    """A program's code and variable descriptions, shared by all modules that have the same."""

    meta: int
    code: int
    entries: dict[int, int]
    first_when: int
    last_when: int


@dataclass(slots=True)
class Subscription:
    """What a module hears on one topic, with all that a cycle needs to begin (integers).

    Arguments:
        topic: what it hears.
        module, variable: whose and which it is; variable -1 is the module's ATs.
        entry: pc of its ONs, -1 for none.
        base, meta: where the module's slots, and their descriptions, start.
        first_when, last_when: the module's WHENs are first_when <= w < last_when.
    """

    topic: int
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
    meta_count: list[int] = field(default_factory=list)  # how many it has
    members: list[int] = field(default_factory=list)  # pool numbers of the names

    # By slot: one per variable of a module.
    slot_initial: list[int] = field(default_factory=list)
    slot_meta: list[int] = field(default_factory=list)
    slot_topic: list[int] = field(default_factory=list)  # what a PUBLIC one publishes, else -1

    # By WHEN of a shape.
    when_condition: list[int] = field(default_factory=list)
    when_actions: list[int] = field(default_factory=list)
    when_reads: list[int] = field(
        default_factory=list
    )  # where its reads start; one more at the end
    reads: list[int] = field(default_factory=list)

    # By module.
    modules: list[Program] = field(default_factory=list)
    module_base: list[int] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)

    # By subscription, in the order of topics.
    topics: list[TopicName] = field(default_factory=list)
    topic_first: list[int] = field(default_factory=list)  # one more at the end
    subscriptions: list[Subscription] = field(default_factory=list)

    most_variables: int = 0
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

    for name in (*LOG_TOPICS, *sorted(topics)):
        topic(name)
    shapes: dict[tuple[object, ...], Shape] = {}
    for program in sorted(programs, key=lambda p: p.module):
        key = _shape_key(program)
        shape = shapes.get(key)
        if shape is None:
            shape = shapes[key] = _add_shape(layout, program, intern)
        module = len(layout.modules)
        layout.modules.append(program)
        layout.shapes.append(shape)
        base = len(layout.slot_initial)
        layout.module_base.append(base)
        for number, variable in enumerate(program.variables):
            initial = variable.initial
            layout.slot_initial.append(intern(initial) if isinstance(initial, str) else initial)
            layout.slot_meta.append(shape.meta + number)
            publishes = variable.role == Role.PUBLIC and variable.topic is not None
            layout.slot_topic.append(topic(variable.topic) if publishes and variable.topic else -1)
            if variable.role in _HEARING and variable.topic is not None:
                layout.subscriptions.append(
                    _hear(topic(variable.topic), module, number, base, shape)
                )
        if program.ats:
            ats = topic(("", program.module, AT_VARIABLE))
            layout.subscriptions.append(_hear(ats, module, -1, base, shape))
    layout.subscriptions.sort(key=attrgetter("topic"))  # and by module, as they came
    layout.topic_first = [0] * (len(layout.topics) + 1)
    for subscription in layout.subscriptions:
        layout.topic_first[subscription.topic + 1] += 1
    for number in range(len(layout.topics)):
        layout.topic_first[number + 1] += layout.topic_first[number]
    layout.when_reads.append(len(layout.reads))
    return layout


def _hear(topic: int, module: int, variable: int, base: int, shape: Shape) -> Subscription:
    return Subscription(
        topic=topic,
        module=module,
        variable=variable,
        entry=shape.entries.get(variable, -1),
        base=base,
        meta=shape.meta,
        first_when=shape.first_when,
        last_when=shape.last_when,
    )


def _shape_key(program: Program) -> tuple[object, ...]:
    described = tuple(
        (v.role, v.type, v.decimals, v.lower, v.upper, v.members) for v in program.variables
    )
    entries = tuple(sorted(program.entries.items()))
    return (program.code, program.texts, entries, program.whens, program.lines, described)


def _add_shape(layout: Layout, program: Program, intern: Callable[[str], int]) -> Shape:
    start = len(layout.code)
    texts = [intern(text) for text in program.texts]
    for pc in range(0, len(program.code), 4):
        op, a, b, c = program.code[pc : pc + 4]
        if op in _TARGET_IN_A:
            a += start
        elif op in _TEXT_IN_A:
            a = texts[a]
        elif op == Op.SET_TEXT:
            b = texts[b]
        layout.code += (op, a, b, c)
    layout.lines += _line_of_each_pc(program)
    shape = Shape(
        meta=len(layout.meta_type),
        code=start,
        entries={variable: pc + start for variable, pc in program.entries.items()},
        first_when=len(layout.when_condition),
        last_when=len(layout.when_condition) + len(program.whens),
    )
    for variable in program.variables:
        layout.meta_variable.append(variable)
        layout.meta_type.append(int(variable.type))
        layout.meta_role.append(int(variable.role))
        layout.meta_decimals.append(variable.decimals)
        layout.meta_lower.append(variable.lower)
        layout.meta_upper.append(variable.upper)
        layout.meta_members.append(len(layout.members))
        layout.meta_count.append(2 if variable.type == Type.BOOLEAN else len(variable.members))
        layout.members += (intern(fold(name)) for name in variable.members)
    for when in program.whens:
        layout.when_condition.append(when.condition + start)
        layout.when_actions.append(when.actions + start)
        layout.when_reads.append(len(layout.reads))
        layout.reads += when.reads
    layout.most_variables = max(layout.most_variables, len(program.variables))
    layout.most_whens = max(layout.most_whens, len(program.whens))
    return shape


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
