"""Computes a log again and compares.

The one idea: what came from outside is taken from the log, with its time; all that followed is
computed anew and must be what the log says, letter by letter. Timers and ATs that came due are
messages of the log like any other, so no schedule and no clock is looked at.

`Recorded` does both for thousands of messages at once, and says which inputs led to something else
than the log has; only these are looked at here, to say in words what it is.

Not compared is what no cycle decides: that an input was published as it came, which occurrence of
an AT it was, how far EXTERNAL functions were called. What a new module knew of the time before it
(HISTORY), and how timers moved when the wall clock was set, is taken from the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from myocan.hub.core import Core, Program, Tag
from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.recorded import Recorded
from myocan.hub.core.scalars import parse_scalar, scalar_json
from myocan.hub.history.listed import Listed
from myocan.hub.history.past import CODE, Name, Past
from myocan.hub.store import Entries, Entry, LogRow, Message, StoreDamaged

CORRECTED = ("$clock", "corrected")
"""The topic of corrections of the wall clock."""

MOST = 100
"""Differences that are kept; the others are counted."""

_FORGOTTEN = int(Tag.FORGOTTEN)

Compile = Callable[[str, str], Program | None]
"""Makes a program of a module's text, by the module's name and its text; None if it has errors."""

Kind = int
PLAIN, IN_FORCE, BEYOND, MOVED = range(4)
"""What a row is: a message of cycles; one that puts a text in force; one that no cycle has to do
with, for it says how far functions were called; one with which timers moved."""

Group = tuple[int, int, int, int]
"""As `Recorded.differing` has it."""


class Difference(NamedTuple):
    """Something that the log and the replay do not agree on.

    offset: of the message. what: a topic or variable, in words. logged, computed: JSON texts or a
    description, None where the one side has nothing. where: of what a module in Python did, the
    file and, if it is known, the line: then what it computes depends on more than its messages.
    """

    offset: int
    time_ms: int
    what: str
    logged: str | None
    computed: str | None
    where: str = ""


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

    @property
    def in_doubt(self) -> list[str]:
        """Where modules in Python came to something else than in the log, in words."""
        return [
            f"{where} is Python, and did not come to the same again: it depends on something that "
            "is not in the log, such as chance, a clock, the order of a set, or another Python"
            for where in dict.fromkeys(one.where for one in self.differences if one.where)
        ]


class _Computed(NamedTuple):
    """A message as the replay has it."""

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
        log: whose rows are taken, and whose numbers they have.
        past: what held before the first message that is to be compared; nothing, if not given.

    Attributes:
        newest: the offset of the last row that was taken.
    """

    def __init__(
        self, compile_module: Compile, log: Entries | Listed, past: Past | None = None
    ) -> None:
        past = past or Past()
        self.result = Replayed()
        self._compile = compile_module
        self._log = log
        self._core = Core()
        self._recorded = Recorded(
            self._core, log.name_of, log.producer_of, log.number_of, log.number_of_producer
        )
        self._sources = dict(past.sources)
        self._variables: set[tuple[str, str]] = set()
        self._python: dict[str, str] = {}
        self._compiled: dict[tuple[str, str], Program | None] = {}
        self._stale = bool(self._sources)
        self._learnt: dict[Name, str] = {}
        self._waiting: set[str] = set()
        self._rows: list[LogRow] = []
        self._plain: set[int] = set()
        self.newest = past.offset
        self._offset = past.offset
        self._time_ms = 0
        self._link()
        restore(self._core, past.state)

    def take(self, rows: list[LogRow]) -> None:
        """Run and compare these, the next of the log, and what was kept of those before.

        What the newest input led to waits for the rows behind it.
        """
        self.result.rows += len(rows)
        self.newest = rows[-1][0] if rows else self.newest
        done = 0
        for place in self._recorded.others(rows, self._plain):
            row = rows[place]
            kind = self._kind(row[2])
            if kind != PLAIN:
                self._rows += rows[done:place]
                done = place + 1
            if kind in (IN_FORCE, MOVED):
                self._run(self._rows)
                self._rows = []
            if kind == IN_FORCE:
                self._put_in_force(self._log.entry(row))
            elif kind == MOVED:
                self._move_timers(self._log.entry(row))
        self._rows += rows[done:]
        for place in range(len(self._rows) - 1, 0, -1):
            if self._rows[place][5] is None:
                whole, self._rows = self._rows[:place], self._rows[place:]
                self._run(whole)
                break

    def finish(self, state: Mapping[Name, str] | None = None) -> Replayed:
        """Compare what is left, and the state as the log has it, if given."""
        self._run(self._rows)
        self._rows = []
        self._link()
        if state is not None:
            computed = self._core.snapshot()
            known = {name: text for name, text in state.items() if self._is_variable(name)}
            for name in sorted(computed.keys() | known.keys()):
                if computed.get(name) != known.get(name):
                    what = f"{_words(name)} at the end"
                    self._differ(what, known.get(name), computed.get(name), name[0])
        return self.result

    def _kind(self, number: int) -> Kind:
        """Tell what rows of this name are."""
        module, variable, _instance = self._log.name_of(number)
        if variable == CODE:
            return IN_FORCE
        if module == EXTERNAL_MODULE and variable.startswith("$"):
            return BEYOND
        if (module, variable) == CORRECTED:
            return MOVED
        self._plain.add(number)
        return PLAIN

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
        self._at(message.offset, message.time_ms)
        self._learnt |= {name: text for name, text in entry.changes.items() if text is not None}

    def _link(self) -> None:
        """Run the texts in force; those that were put in force together are linked together."""
        if not self._stale:
            return
        self._stale = False
        self._waiting.clear()
        programs: dict[str, Program] = {}
        for module, source in self._sources.items():
            if (module, source) not in self._compiled:
                self._compiled[module, source] = self._compile(module, source)
            program = self._compiled[module, source]
            if program is None:
                self._differ(f"the rules of {module}", "in force", "do not compile any more")
            else:
                programs[module] = program
        self._core.link(programs.values())
        self._python = {name: one.file for name, one in programs.items() if one.python}
        restore(self._core, self._learnt)
        self._learnt = {}
        self._variables = {
            (program.module, fold(variable.name))
            for program in programs.values()
            for variable in program.variables
        } | {(module, INSTANCES_VARIABLE) for module in programs}

    def _move_timers(self, entry: Entry) -> None:
        self._link()
        moved = {name: text for name, text in entry.changes.items() if text is not None}
        restore(self._core, {name: moved[name] for name in moved if self._is_variable(name)})

    def _is_variable(self, name: Name) -> bool:
        return name[:2] in self._variables

    # ------------------------------------------------------------------ messages

    def _run(self, rows: list[LogRow]) -> None:
        """Run the inputs among these rows, and compare all that they led to."""
        if not rows:
            return
        self._link()
        inputs = self._recorded.inputs(rows)
        self.result.inputs += len(inputs)
        for row in rows[: inputs[0] if inputs else None]:
            self._extra(row)
        try:
            self._recorded.feed(rows, inputs)
            groups = self._recorded.differing(rows)
        except (TypeError, OverflowError) as error:
            first, last = rows[0][0], rows[-1][0]
            raise StoreDamaged(
                f"between #{first} and #{last} of the log stands something that no hub writes"
                f" ({error}); restore a backup of the store"
            ) from error
        if groups:
            self._tell(rows, groups)
        self._at(rows[-1][0], rows[-1][1])
        self._core.compact()

    def _tell(self, rows: list[LogRow], groups: Iterable[Group]) -> None:
        """Compare groups in words."""
        core = self._core
        changes: dict[int, dict[Name, str | None]] = {}
        for row, slot, slot_tag, slot_value, key in core.changes():
            name = (*core.name_of(slot), core.texts[key] if key >= 0 else "")
            forgotten = slot_tag == _FORGOTTEN
            text = None if forgotten else scalar_json(slot_tag, slot_value, core.texts)
            changes.setdefault(row, {})[name] = text
        computed = core.rows()
        for place, end, first, last in groups:
            entry = self._log.entry(rows[place])
            offset = entry.message.offset
            self._at(offset, entry.message.time_ms)
            self._compare_changes(entry, changes.get(first, {}) if last else {})
            expected = []
            for row in range(first + 1, last):
                number, tag, value, module, cause, pc, key = computed[row]
                topic, instance = core.topics[number], core.texts[key] if key >= 0 else ""
                expected.append(
                    _Computed(
                        (*_of_log(topic), instance),
                        scalar_json(tag, value, core.texts),
                        core.programs[module].module,
                        offset + cause - first,
                        core.line(pc) or None,
                        changes.get(row, {}),
                    )
                )
            self._compare_group(entry, rows[place + 1 : end], expected)

    def _compare_group(self, start: Entry, rows: list[LogRow], expected: list[_Computed]) -> None:
        for row, computed in zip(rows, expected, strict=False):
            self._compare(start, self._log.entry(row), computed)
        for row in rows[len(expected) :]:
            self._extra(row)
        for missing in expected[len(rows) :]:
            self._differ(_words(missing.name), None, missing.value, missing.producer, missing.rule)

    def _extra(self, row: LogRow) -> None:
        """Tell what the log says and the replay does not."""
        message = self._log.entry(row).message
        self._at(message.offset, message.time_ms)
        self._differ(_words(_name(message)), message.value, None, message.producer, message.rule)

    def _compare(self, start: Entry, entry: Entry, expected: _Computed) -> None:
        message = entry.message
        self._at(message.offset, message.time_ms)
        name = _name(message)
        by = message.producer, message.rule
        if name != expected.name:
            self._differ(_words(name), message.value, f"{_words(expected.name)} comes here", *by)
            return
        if message.value != expected.value:
            self._differ(_words(name), message.value, expected.value, *by)
        for what, logged, computed in (
            ("producer", message.producer, expected.producer),
            ("cause", message.cause, expected.cause),
            ("line", message.rule, expected.rule),
            ("time", message.time_ms, start.message.time_ms),
        ):
            if logged != computed:
                self._differ(f"{what} of {_words(name)}", str(logged), str(computed), *by)
        self._compare_changes(entry, expected.changes)

    def _compare_changes(self, entry: Entry, computed: dict[Name, str | None]) -> None:
        logged = entry.changes
        for name in sorted(logged.keys() | computed.keys()):
            if name not in computed and not self._is_variable(name):
                continue  # no cycle's, but what was published as it came
            if name not in logged or name not in computed or logged[name] != computed[name]:
                what = f"{_words(name)} after {_words(_name(entry.message))}"
                self._differ(what, _said(logged, name), _said(computed, name), name[0])

    def _at(self, offset: int, time_ms: int) -> None:
        self._offset, self._time_ms = offset, time_ms

    def _differ(
        self,
        what: str,
        logged: str | None,
        computed: str | None,
        module: str = "",
        line: int | None = None,
    ) -> None:
        """Note a difference; the module is the one that has said or changed it."""
        if len(self.result.differences) == MOST:
            self.result.more += 1
            return
        where = self._python.get(module, "")
        if where and line is not None:
            where = f"{where}:{line}"
        self.result.differences.append(
            Difference(self._offset, self._time_ms, what, logged, computed, where)
        )


def replay(
    entries: Entries | Iterable[Entry], compile_module: Compile, start_ms: int | None = None
) -> Replayed:
    """Run a log again; return what came of it.

    Arguments:
        entries: the messages, as a `Reader` has them; of others all from the first on.
        compile_module: makes programs of texts.
        start_ms: when the comparison starts, milliseconds since 1970 UTC; None: with the first.
    """
    log = entries if isinstance(entries, Entries) else Listed(entries)
    if start_ms is not None:
        log = log.starting(start_ms)
    past = Past(log.after, log.state_as_of(log.after))
    again = Replay(compile_module, log, past)
    for rows in log.rows():
        again.take(rows)
    return again.finish(log.state_as_of(again.newest))


def restore(core: Core, state: Mapping[Name, str]) -> None:
    """Give a core's variables what the log says that they held."""
    births = [name for name in state if name[1] == INSTANCES_VARIABLE]
    for name in (*births, *(name for name in state if name[1] != INSTANCES_VARIABLE)):
        if name[1] != CODE:
            module, variable, instance = name
            tag, value = parse_scalar(state[name], core.intern)
            core.restore(module, variable, tag, value, instance)


def run(core: Core, message: Message) -> None:
    """Give a core a message as it came."""
    row = (message.offset, message.time_ms, 0, message.value, 0, None, None, message.ts_ms, None)
    Recorded(
        core, lambda _: _name(message), lambda _: message.producer, lambda _: -1, lambda _: -1
    ).feed([row], [0])


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
