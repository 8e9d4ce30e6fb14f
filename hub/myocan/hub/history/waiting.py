"""What rules wait for beside messages: the ATs and timers that can give a topic a value.

The one idea: what will be is known as well as what was. When an AT is due next follows from its
words, and when a timer runs out stands in the state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from myocan.hub.core import At, Op, Program, Role, Type, Variable
from myocan.hub.core.linker import fold
from myocan.hub.core.program import AT_VARIABLE
from myocan.hub.core.scalars import parse_time
from myocan.hub.history.past import Past
from myocan.hub.scenario import Cast, Rule, rules_of
from myocan.hub.scenario.reader import shown_time

if TYPE_CHECKING:
    from myocan.hub.lang.schedules import Place

MOST = 20
"""ATs and timers that are told, the first ones."""

CastOf = Callable[[Mapping[str, Program], Mapping[str, str]], Cast]
"""Makes a cast of programs and their texts."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Publisher(NamedTuple):
    """A module that says a topic, the variable by which it does, and its text."""

    program: Program
    variable: Variable
    source: str


def waiting(
    publishers: Iterable[Publisher], past: Past, instance: str, at_ms: int, cast_of: CastOf
) -> Iterator[str]:
    """Tell, in lines, what may still give a topic a value without any message from outside.

    Arguments:
        publishers: the modules that say the topic.
        past: what held when it is asked.
        instance: whose topic it is, "" for none.
        at_ms: the time for which it is asked, milliseconds since 1970 UTC.
        cast_of: makes a cast of programs and their texts.
    """
    told = (
        line
        for publisher in publishers
        for line in _of_module(publisher, past, instance, at_ms, cast_of)
    )
    yield from islice(told, MOST)
    if next(told, None) is not None:
        yield "…"


def _of_module(
    publisher: Publisher, past: Past, instance: str, at_ms: int, cast_of: CastOf
) -> Iterator[str]:
    program, variable, source = publisher
    timers = list(_running(program, past, instance))
    if not program.ats and not timers:
        return
    rules = rules_of(source)
    place = cast_of({program.module: program}, {program.module: source}).place
    for at in program.ats:
        rule = rules.get(at.line)
        if rule is not None and _gives(rule, variable):
            taken = past.state.get((program.module, AT_VARIABLE, at.identity))
            last = "was never due yet"
            if taken is not None:
                last = f"was due last on {shown_time(int(taken), place)}"
            due_ms = _next_due_ms(at, program, past, place, at_ms)
            due = "never is again"
            if due_ms is not None:
                due = f"is due next on {shown_time(due_ms, place)}"
            yield f"{program.file}:{at.line}: {rule.texts[at.line]} {last}, and {due}"
    for timer, due_ms in timers:
        shown = shown_time(due_ms, place)
        when = f"runs out on {shown}"
        if due_ms <= at_ms:
            when = f"was due on {shown}, and the hub has not come to it yet"
        for rule in _rules_on(timer, program, rules):
            if _gives(rule, variable):
                words = rule.texts[rule.line]
                yield f"{program.file}:{rule.line}: {words} waits for its timer, which {when}"


def _gives(rule: Rule, variable: Variable) -> bool:
    """Tell whether one of the lines that say what a rule does names a variable."""
    return any(fold(variable.name) in fold(rule.texts[line]) for line in rule.actions)


def _running(program: Program, past: Past, instance: str) -> Iterator[tuple[int, int]]:
    """Yield the timers of a module and of an instance that run, with when they are due."""
    for number, variable in enumerate(program.variables):
        if variable.role is Role.TIMER and (instance or not variable.keyed):
            key = instance if variable.keyed else ""
            due_ms = int(past.state.get((program.module, fold(variable.name), key), 0))
            if due_ms:
                yield number, due_ms


def _rules_on(timer: int, program: Program, rules: Mapping[int, Rule]) -> list[Rule]:
    """Return the rules that a timer runs when it is due, in order."""
    lines = dict(program.lines)
    found: dict[int, Rule] = {}
    for entries in (program.entries, program.keyed_entries):
        pc = entries.get(timer)
        while pc is not None and program.code[pc] != Op.UNMATCHED:
            rule = rules.get(lines.get(pc, 0))
            if rule is not None:
                found[rule.line] = rule
            pc += 4
    return list(found.values())


def _next_due_ms(at: At, program: Program, past: Past, place: Place, after_ms: int) -> int | None:
    """Return when an AT is due first after a time; None for never."""
    from myocan.hub.lang.schedules import Schedule, next_due

    schedule = Schedule.from_json(at.schedule)
    minutes = {}
    for variable in program.variables:
        name = fold(variable.name)
        if variable.type is Type.TIME and name in schedule.variables:
            said = past.state.get((program.module, name, ""))
            known = None if said is None else parse_time(said.strip('"'))
            minutes[name] = int(variable.initial) if known is None else known
    after = _EPOCH + timedelta(milliseconds=after_ms)
    found = next_due(schedule, after, place, minutes)
    return None if found is None else (found - _EPOCH) // timedelta(milliseconds=1)
