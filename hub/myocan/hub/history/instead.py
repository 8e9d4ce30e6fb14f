"""What would have happened with other rules.

The one idea: what came from outside is taken from the log, at its time; all the rest is the other
rules': what they publish, which timers run out, which ATs are due. So the other rules run in a
`World` of scenarios, whose clock goes from message to message.

Left out of the log are what its own rules said, its timers and ATs, and what it told of the day:
the world does that itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from myocan.hub.core import Role
from myocan.hub.core.linker import LOG_MODULE, TopicName, fold
from myocan.hub.core.program import ADMIN_MODULE, AT_VARIABLE, EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.recorded import topic_of
from myocan.hub.history.past import CODE, Name, Past
from myocan.hub.history.replay import Compile
from myocan.hub.scenario import Cast, World
from myocan.hub.store import Entry, Message

_CLOCK_MODULES = ("$clock", "$config")


class Parting(NamedTuple):
    """A moment at which the two differ.

    time_ms: when. name: the topic. was: what the log says was published then, as JSON texts in
    order; would_be: what the other rules publish.
    """

    time_ms: int
    name: Name
    was: tuple[str, ...]
    would_be: tuple[str, ...]


Timeline = dict[tuple[int, Name], list[str]]


def instead(
    entries: Iterable[Entry],
    compile_module: Compile,
    cast: Cast,
    start_ms: int | None = None,
    past: Past | None = None,
) -> list[Parting]:
    """Run other rules on the messages of a log; return where they say something else, by time.

    Arguments:
        entries: all messages of the log behind `past`.
        compile_module: makes programs of the texts in the log, to know their timers.
        cast: the house with the other rules.
        start_ms: when these come into force, milliseconds since 1970 UTC; None: with the first
            message. They take over the values of variables of the same name, as a deployment does.
        past: what held before the messages; None: they are all that there are.
    """
    past = past or Past()
    was: Timeline = defaultdict(list)
    would_be: Timeline = defaultdict(list)
    world: World | None = None
    last_ms = 0
    own = _Own(compile_module, past)
    for entry in entries:
        message = entry.message
        starts = start_ms is None or message.time_ms >= start_ms
        of_cycles = message.variable != CODE and message.module != ADMIN_MODULE
        if world is None and starts and message.cause is None and of_cycles:
            start = message.time_ms if start_ms is None else start_ms
            world = _begin(cast, past, start, would_be)
        past.take(entry)
        own.take(past, message)
        if world is None:
            continue
        if own.said(message):
            if not message.module.startswith("$"):
                was[message.time_ms, _name(message)].append(message.value)
        elif not own.due(message):
            _send(world, message)
        last_ms = message.time_ms
    if world is not None:
        world.advance(max(last_ms, world.now_ms))
    return _partings(was, would_be)


class _Own:
    """What of a log its own rules have said."""

    def __init__(self, compile_module: Compile, past: Past) -> None:
        self._compile = compile_module
        self._timers: dict[str, set[str]] = {}
        for module in past.sources:
            self._know(past, module)

    def take(self, past: Past, message: Message) -> None:
        """Take note of the timers of a module whose text comes into force."""
        if message.variable == CODE:
            self._know(past, message.module)

    def _know(self, past: Past, module: str) -> None:
        source = past.sources.get(module)
        program = None if source is None else self._compile(module, source)
        self._timers[module] = {
            fold(one.name)
            for one in (() if program is None else program.variables)
            if one.role is Role.TIMER
        }

    def said(self, message: Message) -> bool:
        """Tell whether a rule said it."""
        return message.cause is not None and message.module != EXTERNAL_MODULE

    def due(self, message: Message) -> bool:
        """Tell whether it came by itself: a timer, an AT, what day it is, new rules."""
        return (
            message.variable in (CODE, AT_VARIABLE)
            or message.module in (LOG_MODULE, EXTERNAL_MODULE, *_CLOCK_MODULES)
            or message.variable in self._timers.get(message.module, ())
        )


def _begin(cast: Cast, past: Past, start_ms: int, would_be: Timeline) -> World:
    world = World(cast, tuple(sorted(cast.programs)), start_ms)

    def note(now_ms: int, topic: TopicName, instance: str, text: str) -> None:
        domain, module, variable = topic
        if not module.startswith("$"):
            name = (f"{domain}.{module}" if domain else module, variable, instance)
            would_be[now_ms, name].append(text)

    for name in sorted(past.state, key=lambda name: name[1] != INSTANCES_VARIABLE):
        if name[1] != CODE:
            world.restore(name, past.state[name])
    world.listener = note
    return world


def _send(world: World, message: Message) -> None:
    world.begin()
    world.advance(max(message.time_ms, world.now_ms))
    world.send_json(topic_of(message.module, message.variable), message.instance, message.value)


def _partings(was: Mapping[tuple[int, Name], list[str]], would_be: Timeline) -> list[Parting]:
    """Return where two timelines differ."""
    moments = sorted(was.keys() | would_be.keys())
    return [
        Parting(moment[0], moment[1], tuple(was.get(moment, ())), tuple(would_be.get(moment, ())))
        for moment in moments
        if was.get(moment) != would_be.get(moment)
    ]


def _name(message: Message) -> Name:
    return message.module, message.variable, message.instance
