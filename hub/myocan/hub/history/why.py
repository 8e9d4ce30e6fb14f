"""Why something happened: from an action back to the message that started it all.

The one idea: every message of the log names the message that led to it and the line that did it, so
a reason is a walk along that chain. A timer's message has no cause in the log, for it came by
itself; its reason is the message that started the timer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from myocan.hub.core import Core, Program, Role
from myocan.hub.core.linker import fold
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE
from myocan.hub.history.past import CODE, Name, Past
from myocan.hub.history.replay import Compile, restore, run
from myocan.hub.scenario import Cast, Trace, rules_of
from myocan.hub.store import Entry, Message, Reader

MOST = 200
"""Most links of a chain; the core cuts loops long before, a timer that starts itself does not."""

CLOCK = "clock"
"""The producer of what comes due."""


@dataclass(frozen=True, slots=True)
class Link:
    """One message of a chain.

    Attributes:
        message: what was said.
        action: the words of the line that said it, "" if no rule did.
        opening: the line and the words of the rule that it belongs to.
        since: the offset that put the module's text in force, 0 if it is not known.
        started: whether the next link is what started this timer, and not its cause.
        changes: what the message changed, by name.
    """

    message: Message
    action: str = ""
    opening: tuple[int, str] | None = None
    since: int = 0
    started: bool = False
    changes: Mapping[Name, str | None] = field(default_factory=dict)


def find(reader: Reader, mode: str, name: Name, up_to: int | None = None) -> Entry | None:
    """Return the newest message on a topic or, if there was none, that changed the variable.

    Arguments:
        reader: of the store.
        mode: whose log.
        name: (module, variable in lower case, instance).
        up_to: the last offset to look at; None: the newest.
    """
    said = reader.last(mode, *name, up_to=up_to)
    if name[2]:
        born = reader.last(mode, name[0], INSTANCES_VARIABLE, name[2], up_to=up_to)
        if born is not None and born.value != "true" and said and born.offset > said.offset:
            said = born  # it is gone, and so is what it said
    if said is not None:
        return reader.entry(mode, said.offset)
    return reader.last_change(mode, name, up_to=up_to)


def explain(reader: Reader, mode: str, offset: int) -> list[Link]:
    """Return why a message was said: it, what led to it, and so on to what came from outside.

    Arguments:
        reader: of the store.
        mode: whose log.
        offset: of the message.
    """
    links: list[Link] = []
    waiting: int | None = offset
    while waiting is not None and len(links) < MOST:
        entry = reader.entry(mode, waiting)
        if entry is None:
            break
        message = entry.message
        waiting = message.cause
        started = False
        if waiting is None and _may_be_timer(message):
            waiting = _start_of(reader, mode, message)
            started = waiting is not None
        links.append(_link(reader, mode, entry, started))
    return links


def _may_be_timer(message: Message) -> bool:
    return message.producer == CLOCK and message.variable != AT_VARIABLE and message.value == "null"


def _start_of(reader: Reader, mode: str, message: Message) -> int | None:
    """Return the message that started a timer which ran out."""
    name = (message.module, message.variable, message.instance)
    entry = reader.last_change(mode, name, up_to=message.offset - 1)
    return None if entry is None else entry.message.offset


def _link(reader: Reader, mode: str, entry: Entry, started: bool) -> Link:
    message = entry.message
    if message.rule is None:
        return Link(message, started=started, changes=entry.changes)
    code = reader.last(mode, message.producer, CODE, up_to=message.offset)
    if code is None:
        return Link(message, started=started, changes=entry.changes)
    rule = rules_of(json.loads(code.value) or "").get(message.rule)
    if rule is None:
        return Link(message, since=code.offset, started=started, changes=entry.changes)
    opening = (rule.line, rule.texts[rule.line])
    action = rule.texts.get(message.rule, "")
    return Link(message, action, opening, code.offset, started, entry.changes)


class Unanswerable(Exception):
    """A question about what did not happen that the log cannot answer; the message says why."""


def why_not(
    reader: Reader,
    mode: str,
    name: Name,
    up_to: int,
    compile_module: Compile,
    cast_of: Callable[[Mapping[str, Program], Mapping[str, str]], Cast],
    count: int = 3,
) -> list[str]:
    """Return, in lines, what the rules that publish a topic made of the last messages.

    Arguments:
        reader: of the store.
        mode: whose log.
        name: the topic, as of `find`.
        up_to: the offset at which it is asked.
        compile_module: makes programs of texts.
        cast_of: makes a cast of programs and their texts, for the words.
        count: how many messages are told.

    Raises:
        Unanswerable: no rule publishes the topic, or its module has heard nothing yet.
    """
    past = Past(*reader.start(mode, 0, oldest=True))
    offsets: list[int] = []
    hears = _heard_by_publishers(past.sources, compile_module, name)
    for entry in reader.entries(mode, after=past.offset, up_to=up_to):
        past.take(entry)
        if entry.message.variable == CODE:
            hears = _heard_by_publishers(past.sources, compile_module, name)
            offsets = []
        elif (entry.message.module, entry.message.variable) in hears and (
            not name[2] or entry.message.instance in ("", name[2])
        ):
            offsets.append(entry.message.offset)
    shown = ".".join(name[:2])
    if not hears:
        raise Unanswerable(f"no rule that was in force then publishes {shown}")
    if name[2] and _is_keyed(past, name, compile_module):
        module = name[0]
        if (module, INSTANCES_VARIABLE, name[2]) not in past.state:
            raise Unanswerable(f"there was no {module}[{name[2]}] then")
    if not offsets:
        raise Unanswerable(f"what publishes {shown} had heard nothing since its rules were changed")
    return list(_tell(reader, mode, offsets[-count:], compile_module, cast_of))


def _heard_by_publishers(
    sources: Mapping[str, str], compile_module: Compile, name: Name
) -> dict[tuple[str, str], None]:
    """Return the topics that modules hear which publish this one."""
    heard: dict[tuple[str, str], None] = {}
    for module, source in sources.items():
        program = compile_module(module, source)
        if program is None or not _publishes(program, name):
            continue
        heard[module, AT_VARIABLE] = None
        for variable in program.variables:
            if variable.topic is not None and variable.role in (Role.SUBSCRIBE, Role.TIMER):
                domain, of, topic = variable.topic
                if not of.startswith("$"):
                    heard[f"{domain}.{of}" if domain else of, topic] = None
    return heard


def _is_keyed(past: Past, name: Name, compile_module: Compile) -> bool:
    source = past.sources.get(name[0])
    program = None if source is None else compile_module(name[0], source)
    return program is not None and bool(program.key)


def _publishes(program: Program, name: Name) -> bool:
    domain, _, module = name[0].rpartition(".")
    topic = (domain, module, fold(name[1]))
    return any(one.role is Role.PUBLIC and one.topic == topic for one in program.variables)


def _tell(
    reader: Reader,
    mode: str,
    offsets: list[int],
    compile_module: Compile,
    cast_of: Callable[[Mapping[str, Program], Mapping[str, str]], Cast],
) -> Iterator[str]:
    """Run these messages again, each from the state that it met; yield what the rules did."""
    past = Past(*reader.start(mode, offsets[0]))
    for entry in reader.entries(mode, after=past.offset, up_to=offsets[-1]):
        message = entry.message
        if message.offset in offsets:
            found = {module: compile_module(module, text) for module, text in past.sources.items()}
            programs = {module: one for module, one in found.items() if one is not None}
            core = Core()
            core.link(programs.values())
            restore(core, past.state)
            core.tracing = True
            trace = Trace(cast_of(programs, past.sources), core)
            trace.heading(message.time_ms, f"#{message.offset} {_said(message)}")
            trace.before()
            run(core, message)
            trace.after(message.time_ms)
            yield from trace.lines()
        past.take(entry)


def _said(message: Message) -> str:
    key = f"[{message.instance}]" if message.instance else ""
    if message.variable == AT_VARIABLE:
        return f"{message.module}: an AT is due"
    value = "" if message.value == "null" else f" = {message.value}"
    return f"{message.module}{key}.{message.variable}{value}"
