"""Computes a log again and compares.

The one idea: what came from outside is taken from the log, with its time; all that followed is
computed anew and must be what the log says, letter by letter. Timers and ATs that came due are
messages of the log like any other, so no schedule and no clock is looked at.

Not compared is what no cycle decides: that an input was published as it came, which occurrence of
an AT it was, how far EXTERNAL functions were called. What a new module knew of the time before it
(HISTORY) is taken from the log.
"""

from __future__ import annotations

import json
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from myocan.hub.core import Core, Program, Tag
from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.scalars import parse_scalar, scalar_json
from myocan.hub.history.past import CODE, Name, Past, is_code
from myocan.hub.store import Entry, Message

MOST = 100
"""Differences that are kept; the others are counted."""

_FORGOTTEN = int(Tag.FORGOTTEN)

Compile = Callable[[str, str], Program | None]
"""Makes a program of a module's text, by the module's name and its text; None if it has errors."""


class Difference(NamedTuple):
    """Something that the log and the replay do not agree on.

    offset: of the message. what: a topic or variable, in words. logged, computed: JSON texts or a
    description, None where the one side has nothing.
    """

    offset: int
    time_ms: int
    what: str
    logged: str | None
    computed: str | None


@dataclass(slots=True)
class Replayed:
    """What a replay came to.

    inputs, rows: how many messages from outside were run, how many of all were compared.
    differences: the first of them; more: how many others there were.
    """

    inputs: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    more: int = 0

    @property
    def equal(self) -> bool:
        return not self.differences


class _Expected(NamedTuple):
    """A message that is to come next in the log."""

    name: Name
    value: str
    producer: str
    cause: int
    rule: int | None
    changes: dict[Name, str | None]


class Replay:
    """Runs a log again, from where a `Past` ends.

    Arguments:
        compile_module: makes programs of texts.
        past: what held before the first message that is to be compared; nothing, if not given.
    """

    def __init__(self, compile_module: Compile, past: Past | None = None) -> None:
        past = past or Past()
        self.result = Replayed()
        self._compile = compile_module
        self._core = Core()
        self._sources = dict(past.sources)
        self._programs: dict[str, Program] = {}
        self._variables: set[tuple[str, str]] = set()
        self._compiled: dict[tuple[str, str], Program | None] = {}
        self._stale = bool(self._sources)
        self._expected: deque[_Expected] = deque()
        self._learnt: dict[Name, str] = {}
        self._waiting: set[str] = set()
        self._at = Message(past.offset, 0, "", "", "", "null", "", None, None, None)
        self._link()
        restore(self._core, past.state)

    def take(self, entry: Entry) -> None:
        """Run or compare the next message of the log."""
        message = self._at = entry.message
        self.result.rows += 1
        if is_code(message):
            self._end_of_input()
            self._put_in_force(entry)
        elif message.cause is None:
            self._end_of_input()
            self._run(entry)
        elif message.module == EXTERNAL_MODULE and message.variable.startswith("$"):
            return  # how far functions were called
        elif self._expected:
            self._compare(entry, self._expected.popleft())
        else:
            self._differ(_words(_name(message)), message.value, None)

    def finish(self, state: dict[Name, str] | None = None) -> Replayed:
        """Compare what is left, and the state as the log has it, if given."""
        self._end_of_input()
        self._link()
        if state is not None:
            computed = self._core.snapshot()
            known = {name: text for name, text in state.items() if self._is_variable(name)}
            for name in sorted(computed.keys() | known.keys()):
                if computed.get(name) != known.get(name):
                    what = f"{_words(name)} at the end"
                    self._differ(what, known.get(name), computed.get(name))
        return self.result

    # ------------------------------------------------------------------ programs

    def _put_in_force(self, entry: Entry) -> None:
        message = entry.message
        if message.module in self._waiting:
            self._link()  # else it would seem never to have gone
        self._waiting.add(message.module)
        source = json.loads(message.value)
        if source is None:
            self._sources.pop(message.module, None)
        else:
            self._sources[message.module] = source
        self._stale = True
        self._learnt |= {name: text for name, text in entry.changes.items() if text is not None}

    def _link(self) -> None:
        """Run the texts in force; those that were put in force together are linked together."""
        if not self._stale:
            return
        self._stale = False
        self._waiting.clear()
        self._programs = {}
        for module, source in self._sources.items():
            if (module, source) not in self._compiled:
                self._compiled[module, source] = self._compile(module, source)
            program = self._compiled[module, source]
            if program is None:
                self._differ(f"the rules of {module}", "in force", "do not compile any more")
            else:
                self._programs[module] = program
        self._core.link(self._programs.values())
        restore(self._core, self._learnt)
        self._learnt = {}
        self._variables = {
            (program.module, fold(variable.name))
            for program in self._programs.values()
            for variable in program.variables
        } | {(program.module, INSTANCES_VARIABLE) for program in self._programs.values()}

    def _is_variable(self, name: Name) -> bool:
        return name[:2] in self._variables

    # ------------------------------------------------------------------ messages

    def _run(self, entry: Entry) -> None:
        """Run a message from outside, and note what must follow it in the log."""
        self._link()
        self.result.inputs += 1
        message, core = entry.message, self._core
        if not run(core, message):
            return
        changed: dict[int, dict[Name, str | None]] = {}
        for row, slot, slot_tag, slot_value, key in core.changes():
            name = (*core.name_of(slot), core.texts[key] if key >= 0 else "")
            forgotten = slot_tag == _FORGOTTEN
            text = None if forgotten else scalar_json(slot_tag, slot_value, core.texts)
            changed.setdefault(row, {})[name] = text
        self._compare_changes(entry, changed.get(0, {}))
        for row, (number, row_tag, row_value, module, cause, pc, key) in enumerate(core.rows()):
            if row == 0:
                continue
            self._expected.append(
                _Expected(
                    (*_of_log(core.topics[number]), core.texts[key] if key >= 0 else ""),
                    scalar_json(row_tag, row_value, core.texts),
                    core.programs[module].module,
                    message.offset + cause,
                    core.line(pc) or None,
                    changed.get(row, {}),
                )
            )
        core.compact()

    def _end_of_input(self) -> None:
        """Tell what the replay says and the log does not."""
        for missing in self._expected:
            self._differ(_words(missing.name), None, missing.value)
        self._expected.clear()

    def _compare(self, entry: Entry, expected: _Expected) -> None:
        message = entry.message
        name = _name(message)
        if name != expected.name:
            self._differ(_words(name), message.value, f"{_words(expected.name)} comes here")
            return
        if message.value != expected.value:
            self._differ(_words(name), message.value, expected.value)
        for what, logged, computed in (
            ("producer", message.producer, expected.producer),
            ("cause", message.cause, expected.cause),
            ("line", message.rule, expected.rule),
        ):
            if logged != computed:
                self._differ(f"{what} of {_words(name)}", str(logged), str(computed))
        self._compare_changes(entry, expected.changes)

    def _compare_changes(self, entry: Entry, computed: dict[Name, str | None]) -> None:
        logged = entry.changes
        for name in sorted(logged.keys() | computed.keys()):
            if name not in computed and not self._is_variable(name):
                continue  # no cycle's, but what was published as it came
            if name not in logged or name not in computed or logged[name] != computed[name]:
                what = f"{_words(name)} after {_words(_name(entry.message))}"
                self._differ(what, _said(logged, name), _said(computed, name))

    def _differ(self, what: str, logged: str | None, computed: str | None) -> None:
        if len(self.result.differences) == MOST:
            self.result.more += 1
        else:
            self.result.differences.append(
                Difference(self._at.offset, self._at.time_ms, what, logged, computed)
            )


def replay(
    entries: Iterable[Entry],
    compile_module: Compile,
    start_ms: int | None = None,
    past: Past | None = None,
) -> Replayed:
    """Run a log again; return what came of it.

    Arguments:
        entries: all messages behind `past`.
        compile_module: makes programs of texts.
        start_ms: when the comparison starts, milliseconds since 1970 UTC; None: with the first.
        past: what held before them; None: they are all that there are. It is taken on to the end.
    """
    past = past or Past()
    waiting = iter(entries)
    first: list[Entry] = []
    for entry in waiting:
        starts = start_ms is None or entry.message.time_ms >= start_ms
        if starts and entry.message.cause is None:
            first.append(entry)
            break
        past.take(entry)
    again = Replay(compile_module, past)
    for entry in _chain(first, waiting):
        again.take(entry)
        past.take(entry)
    return again.finish(past.state)


def _chain(first: list[Entry], rest: Iterator[Entry]) -> Iterator[Entry]:
    yield from first
    yield from rest


def restore(core: Core, state: Mapping[Name, str]) -> None:
    """Give a core's variables what the log says that they held."""
    births = [name for name in state if name[1] == INSTANCES_VARIABLE]
    for name in (*births, *(name for name in state if name[1] != INSTANCES_VARIABLE)):
        if name[1] != CODE:
            module, variable, instance = name
            tag, value = parse_scalar(state[name], core.intern)
            core.restore(module, variable, tag, value, instance)


def run(core: Core, message: Message) -> bool:
    """Give a core a message as it came; return whether there is such a topic."""
    topic = core.topic(topic_of(message))
    if topic < 0:
        return False
    tag, value = parse_scalar(message.value, core.intern)
    instance = core.intern(message.instance) if message.instance else -1
    core.run(
        array("q", (topic,)),
        array("q", (tag,)),
        array("q", (value,)),
        message.time_ms,
        array("q", (instance,)),
        message.offset,
        array("q", (core.intern(message.producer),)),
        array("q", (message.ts_ms or 0,)),
    )
    return True


def topic_of(message: Message) -> TopicName:
    """Return the topic of a message as the core names it."""
    domain, _, module = message.module.rpartition(".")
    return domain, module, message.variable


def _of_log(topic: TopicName) -> tuple[str, str]:
    domain, module, variable = topic
    return (f"{domain}.{module}" if domain else module), variable


def _name(message: Message) -> Name:
    return message.module, message.variable, message.instance


def _words(name: Name) -> str:
    module, variable, instance = name
    return f"{module}[{instance}].{variable}" if instance else f"{module}.{variable}"


def _said(changes: dict[Name, str | None], name: Name) -> str | None:
    if name not in changes:
        return None
    return "forgotten" if changes[name] is None else changes[name]
