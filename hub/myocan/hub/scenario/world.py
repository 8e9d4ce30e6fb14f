"""A house in memory, on a clock that a scenario moves.

The one idea: it is the agent without its surroundings. The same core, the same timetable, the same
messages for what comes due; time passes from one due thing to the next and costs nothing between.

Rules:

- After each step all is at rest: what a message leads to is over before the next.
- What is due at the time that the clock is advanced to comes; what is due at the very minute of
  CLOCK has come before.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from myocan.hub.calendar import Notices
from myocan.hub.core import Core, Role, Tag, Type, Variable
from myocan.hub.core.linker import (
    ALERT,
    COMMIT,
    FAILED,
    INFO,
    REJECTED,
    UNHANDLED,
    WARN,
    TopicName,
    fold,
)
from myocan.hub.core.program import EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.scalars import commit_json, parse_scalar, parse_time, scalar_json
from myocan.hub.declared import is_declared
from myocan.hub.errors import HubError
from myocan.hub.scenario.cast import Cast
from myocan.hub.scenario.steps import Scalar
from myocan.hub.scenario.trace import Trace
from myocan.hub.timetable import Due, Timetable

MAX_DUE = 1_000_000
"""Most timers and ATs that may come due in a scenario; bounds one whose timers start each other."""

MAX_KEPT = 10_000
"""Most records, lines, calls, and messages of one topic that are kept of a step; bounds what ten
years of them take."""

_RECORDS = (REJECTED, FAILED, UNHANDLED)
_LOGS = (INFO, WARN, ALERT)


class TooMuch(HubError):
    """A scenario in which more comes due than can be run."""


@dataclass(slots=True)
class Happened:
    """What a step led to.

    Attributes:
        messages: what modules published: topic and key -> the values, in order.
        records: texts of rejected, failed and unhandled records.
        logs: lines of the log.
        calls: of EXTERNAL functions: name and arguments.
    """

    messages: dict[tuple[TopicName, str], list[Scalar]] = field(default_factory=dict)
    records: list[str] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    calls: list[tuple[str, list[Any]]] = field(default_factory=list)


class World:
    """The modules of a scenario, running.

    Arguments:
        cast: the house.
        modules: those that take part.
        start_ms: what the clock shows, milliseconds since 1970 UTC.

    Attributes:
        happened: what came of the last step.
        last: the last value on each topic, by topic and key.
        now_ms: what the clock shows.
        rows: how many messages there were in all.
        inputs: how many of them came from the scenario, or were due.
        trace: writes down what happens, if anything does.
        traced_from: the first input that it writes down.
        listener: is told what modules publish: when, topic, key and JSON text.
    """

    def __init__(self, cast: Cast, modules: tuple[str, ...], start_ms: int) -> None:
        self._cast = cast
        programs = [cast.programs[name] for name in modules]
        self.core = Core()
        topics = {(topic.domain, topic.module, fold(topic.variable)) for topic in cast.topics}
        self.core.link(programs, topics)
        self.now_ms = self._start_ms = start_ms
        self.happened = Happened()
        self.last: dict[tuple[TopicName, str], Scalar] = {}
        self._timetable: Timetable | None = None
        self._timed: dict[tuple[str, str], Variable] = {}
        self.rows = 0
        self.inputs = 0
        self.traced_from = 0
        self.trace: Trace | None = None
        self.listener: Callable[[int, TopicName, str, str], None] | None = None
        self._due = 0
        self._notices: Notices | None = None
        if cast.calendar is not None:
            self._notices = Notices(cast.calendar, programs, self._known, start_ms)
            self._tell()

    def begin(self) -> None:
        """Forget what the last step led to; another one begins."""
        self.happened = Happened()

    def say_first_values(self) -> None:
        """Say what fields of state models begin with, as a hub does that has new ones."""
        fields = []
        for program in self.core.programs:
            if not program.key and is_declared(self._cast.sources.get(program.module, "")):
                for variable in program.variables:
                    name = fold(variable.name)
                    text = self._known(program.module, name)
                    if variable.type is not Type.ANY and text is not None:
                        fields.append((program.module, name, "", text))
        if fields:
            told = commit_json(fields)
            self._run(COMMIT, *parse_scalar(told, self.core.intern))
            self.begin()

    def send(self, topic: TopicName, instance: str, value: Scalar) -> None:
        """Let a message arrive; all that follows from it is over when this returns."""
        self._run(self.core.topic(topic), *self._interned(value), instance)

    def send_json(self, topic: TopicName, instance: str, text: str) -> None:
        """Let a message arrive as a log has it; where nobody knows the topic, nothing changes."""
        number = self.core.topic(topic)
        if number >= 0:
            self._run(number, *parse_scalar(text, self.core.intern), instance)

    def restore(self, name: tuple[str, str, str], text: str) -> bool:
        """Give a variable the value that a log has for it; before any time passes.

        Returns whether there is such a variable and the value fits it.
        """
        module, variable, instance = name
        tag, value = parse_scalar(text, self.core.intern)
        return self.core.restore(module, variable, tag, value, instance)

    def set(self, module: str, name: str, instance: str, value: Scalar) -> bool:
        """Give a variable a value; tell whether it takes it."""
        taken = self.core.restore(module, name, *self._interned(value), instance)
        if taken and self._timetable is not None and (module, name) in self._timed:
            self._timetable.note(module, name, 0, self.now_ms, instance)
        return taken

    def exists(self, module: str, key: str) -> bool:
        """Tell whether a module has an instance of this key."""
        return key in self.core.instances(module)

    def create(self, module: str, key: str, *, created: bool) -> None:
        """Create an instance of a module, or drop it."""
        value = (int(Tag.BOOL), 1) if created else (int(Tag.NULL), 0)
        self._run(self.core.topic(("", module, INSTANCES_VARIABLE)), *value, key)

    def read(self, module: str, name: str, instance: str) -> Scalar | None:
        """Return the value of a variable, None if there is no such variable or instance."""
        found = self.core.read(module, name, instance)
        return None if found is None else self._scalar(*found)

    def advance(self, to_ms: int) -> None:
        """Let time pass; what is due on the way comes in order.

        Raises:
            TooMuch: too much comes due.
        """
        timetable = self._timetable or self._plan()
        before = self._due
        while True:
            due_ms = timetable.next_due_ms()
            change_ms = None if self._notices is None else self._notices.next_ms()
            if change_ms is not None and change_ms <= min(due_ms or to_ms, to_ms):
                self.now_ms = change_ms
                self._tell()
                continue
            if due_ms is None or due_ms > to_ms:
                break
            due = timetable.take(due_ms)
            assert due is not None
            assert not isinstance(due, str), "nothing is missed here"
            self._due += 1
            if self._due > MAX_DUE:
                raise TooMuch(
                    f"more than {MAX_DUE:,} timers and ATs come due in this scenario; "
                    "advance less, or look for timers that start each other"
                )
            self.now_ms = max(self.now_ms, due_ms)
            if self.trace is not None:
                self.trace.due(self.now_ms, due, self._lines_of(due))
            topic = self.core.topic(("", due.module, due.variable))
            text = (int(Tag.NULL), 0) if due.text is None else (int(Tag.TEXT), due.text)
            self._run(topic, *self._interned(text), due.instance)
        self.now_ms = to_ms
        if self.trace is not None and self._due == before:
            self.trace.nothing_due()

    # ------------------------------------------------------------------ what is due

    def _plan(self) -> Timetable:
        """Return what is to come due from now on; asked for when time passes first."""
        timetable = Timetable(
            self.core.programs, lambda: self._cast.place, self._minutes, self._after
        )
        self._timetable = timetable
        for program in self.core.programs:
            for variable in program.variables:
                key = program.module, fold(variable.name)
                if key in timetable.variables:
                    self._timed[key] = variable
                    keys = self.core.instances(program.module) if variable.keyed else [""]
                    for instance in keys:
                        self._note(*key, variable, instance)
        return timetable

    def _lines_of(self, due: Due) -> list[int]:
        """Return the lines of the ATs that are due."""
        ats = self._cast.programs[due.module].ats
        return [at.line for at in ats if at.identity in due.identities]

    def _after(self, module: str, identity: str) -> int:
        return self._start_ms

    def _minutes(self, module: str, name: str) -> int | None:
        """Return what a time variable says."""
        found = self.core.read(module, name)
        if found is None or found[0] != Tag.TEXT:
            return None
        return parse_time(self.core.texts[found[1]])

    def _note(self, module: str, name: str, variable: Variable, instance: str) -> None:
        assert self._timetable is not None
        due_ms = 0
        if variable.role is Role.TIMER:
            found = self.core.read(module, name, instance)
            due_ms = found[1] if found is not None and found[0] == 0 else 0
        self._timetable.note(module, name, due_ms, self.now_ms, instance)

    # ------------------------------------------------------------------ what day it is

    def _tell(self) -> None:
        """Tell the modules what day it is, and where their house stands."""
        assert self._notices is not None
        told = self._notices.take(self.now_ms)
        if told and self.trace is not None:
            self.trace.heading(self.now_ms, "another day", matters=False)
        for topic, value in told:
            self._run(self.core.topic(topic), *parse_scalar(value, self.core.intern))

    def _known(self, module: str, name: str) -> str | None:
        """Return what a variable holds, as JSON."""
        found = self.core.read(module, name)
        return None if found is None else scalar_json(*found, self.core.texts)

    # ------------------------------------------------------------------ the core

    def _run(self, topic: int, tag: int, value: int, instance: str = "") -> None:
        """Process a message; all that follows from it is over when this returns."""
        core = self.core
        topics, tags, values = (array("q", (number,)) for number in (topic, tag, value))
        instances = array("q", (core.intern(instance),)) if instance else None
        self.inputs += 1
        trace = self.trace if self.inputs >= self.traced_from else None
        core.tracing = trace is not None
        if trace is not None:
            trace.before()
        self.rows += core.run(topics, tags, values, self.now_ms, instances, self.rows)
        if trace is not None:
            trace.after(self.now_ms)
        self._note_changes()
        self._collect()
        core.compact()

    def _note_changes(self) -> None:
        if self._timetable is None or not self._timed:
            return
        for _row, slot, _tag, _value, instance in self.core.changes():
            key = self.core.name_of(slot)
            variable = self._timed.get(key)
            if variable is not None:
                self._note(*key, variable, self.core.texts[instance] if instance >= 0 else "")

    def _collect(self) -> None:
        """Keep what this run led to, by name."""
        core, happened = self.core, self.happened
        for topic, tag, value, _module, cause, _pc, instance in core.rows():
            if cause < 0:
                continue
            if topic in _RECORDS or topic in _LOGS:
                texts = happened.records if topic in _RECORDS else happened.logs
                if len(texts) < MAX_KEPT:
                    texts.append(core.texts[value])
            else:
                name = core.topics[topic]
                scalar = self._scalar(tag, value)
                if name[1] == EXTERNAL_MODULE:
                    if len(happened.calls) < MAX_KEPT:
                        arguments = json.loads(str(scalar[1]), parse_float=Decimal)
                        happened.calls.append((name[2], arguments))
                    continue
                key = name, "" if instance < 0 else core.texts[instance]
                values = happened.messages.setdefault(key, [])
                if len(values) < MAX_KEPT:
                    values.append(scalar)
                if self.listener is not None:
                    text = scalar_json(tag, value, core.texts)
                    self.listener(self.now_ms, *key, text)
                self.last[key] = scalar

    def _interned(self, value: Scalar) -> tuple[int, int]:
        tag, units = value
        return tag, self.core.intern(units) if isinstance(units, str) else units

    def _scalar(self, tag: int, value: int) -> Scalar:
        return tag, self.core.texts[value] if tag == Tag.TEXT else value
