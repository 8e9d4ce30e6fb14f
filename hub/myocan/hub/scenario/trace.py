"""What went before a failure, told to somebody who does not program.

The one idea: the core says which instructions each cycle ran, the module's text says which line
each belongs to; so a rule was looked at if one of its lines was, it ran if one of its THENs did,
and if it did not, the last line that was looked at is the one that did not hold.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from myocan.hub.core import Core, Op, Program, Role, Tag
from myocan.hub.core.linker import (
    FAILED,
    LOG_TOPICS,
    LOST,
    REJECTED,
    STALE,
    UNHANDLED,
    TopicName,
    fold,
)
from myocan.hub.core.program import AT_VARIABLE, EXTERNAL_MODULE, INSTANCES_VARIABLE
from myocan.hub.core.scalars import scalar_json
from myocan.hub.scenario.cast import Cast
from myocan.hub.scenario.reader import shown_time
from myocan.hub.scenario.rules import Rule, rules_of
from myocan.hub.scenario.seen import Sight, State, shown
from myocan.hub.scenario.values import call_text, message_text
from myocan.hub.timetable import Due

KEPT = 12
"""How many steps and due things are told, the last ones."""

MAX_LINES = 80
"""Most lines that are told."""

MAX_CYCLES = 100
"""Most cycles that follow from one message and are told, the last ones."""

_INDENT = "    "
_RECORDS = frozenset((REJECTED, FAILED, UNHANDLED, LOST, STALE))


@dataclass(slots=True)
class Story:
    """A step, or what came due on the way, and what followed from it.

    `matters` if it is told even where nothing followed.
    """

    heading: str
    matters: bool = True
    lines: list[str] = field(default_factory=list)


class Trace:
    """Writes down what the core does.

    Arguments:
        cast: the house.
        core: is asked what it did; it has to be `tracing`.
    """

    def __init__(self, cast: Cast, core: Core) -> None:
        self._cast = cast
        self._core = core
        self._stories: deque[Story] = deque(maxlen=KEPT)
        self._rules = {
            program.module: rules_of(cast.sources.get(program.module, ""))
            for program in core.programs
        }
        self._state: State = {}
        self._take_rows()

    def lines(self) -> list[str]:
        """Return what was written down, the newest last."""
        told = []
        for story in self._stories:
            if story.matters or story.lines:
                told += [story.heading, *(_INDENT + line for line in story.lines)]
        if len(told) > MAX_LINES:
            told = ["…", *told[-MAX_LINES:]]
        return told

    def heading(self, now_ms: int, text: str, *, matters: bool = True) -> None:
        """Begin with a step, or with what came due.

        Arguments:
            matters: whether it is told even where nothing follows.
        """
        self._stories.append(Story(f"{shown_time(now_ms, self._cast.place)}  {text}", matters))

    def due(self, now_ms: int, due: Due, lines: list[int]) -> None:
        """Begin with a timer or the ATs of a module, which have come due.

        Arguments:
            lines: of the ATs.
        """
        module = due.module
        if due.variable != AT_VARIABLE:
            names = {fold(one.name): one.name for one in self._cast.programs[module].variables}
            name = module + (f"[{due.instance}]" if due.instance else "")
            self.heading(now_ms, f"TIMER {names[due.variable]} of {name} runs out")
            return
        texts = [f"{self._text(module, line)} (line {line})" for line in lines]
        self.heading(now_ms, f"{', '.join(texts)} of {module} is due")

    def nothing_due(self) -> None:
        """Write down that time went by, and that was all."""
        for story in reversed(self._stories):
            if story.matters:
                story.lines.append("no timer runs out, no AT is due")
                return

    def before(self) -> None:
        """Take note of all values; a message comes."""
        self._state = dict(self._core.snapshot())

    def after(self, now_ms: int) -> None:
        """Write down what the last run of the core did."""
        if not self._stories:
            return
        core, story = self._core, self._stories[-1]
        self._take_rows()
        cycles = core.trail()
        first = max(0, len(cycles) - MAX_CYCLES)
        if first:
            story.lines.append("…")
        last = {one[:2]: number for number, one in enumerate(cycles)}
        for number, (row, module, key_number, pcs) in enumerate(cycles):
            key = core.texts[key_number] if key_number >= 0 else ""
            program = core.programs[module]
            is_last = last[row, module] == number
            changed = self._changes_of(row, program, key, births=is_last)
            if number >= first:
                story.lines += self._cycle(now_ms, row, program, key, pcs, changed, is_last)
            self._state.update(changed)
        heard = {one[0] for one in cycles}
        for row, (topic, _tag, _value, _module, cause, _pc, _key) in enumerate(self._rows):
            if row not in heard and cause < 0:
                records = list(self._records(row, None))
                story.lines += records or ([] if topic <= STALE else ["nobody listens to it"])

    def _take_rows(self) -> None:
        """Keep what the core has of its last run, by what led to it."""
        self._rows = self._core.rows()
        self._led_to: dict[int, list[int]] = {}
        for number, row in enumerate(self._rows):
            self._led_to.setdefault(row[4], []).append(number)
        self._changes: dict[int, list[tuple[int, int, int, int]]] = {}
        for changed_row, *change in self._core.changes():
            slot, tag, value, key_number = change
            self._changes.setdefault(changed_row, []).append((slot, tag, value, key_number))
        self._told: set[int] = set()

    # ------------------------------------------------------------------ one cycle

    def _cycle(
        self,
        now_ms: int,
        row: int,
        program: Program,
        key: str,
        pcs: list[int],
        changed: State,
        is_last: bool,
    ) -> Iterator[str]:
        """Yield what a cycle did.

        Arguments:
            row: that it took.
            key: of its instance, "" for the class.
            pcs: that it ran.
            changed: what it changed.
            is_last: whether it is the last of its module that takes this message.
        """
        sight = Sight(self._cast, program, key, self._state, changed, now_ms)
        told = list(self._rules_of_cycle(program, pcs, sight, row))
        told += list(self._results(program, key, changed))
        told += list(self._said(row, program, key, pcs))
        if is_last:
            told += list(self._records(row, program.module))
        if not told and (not is_last or not self._stories[-1].matters):
            return  # the class has nothing to say, but its instances may
        name = program.module + (f"[{key}]" if key else "")
        yield f"{name} hears {self._message(row, program)}:"
        for line in told or ["no rule of it is about that"]:
            yield _INDENT + line

    def _rules_of_cycle(
        self, program: Program, pcs: list[int], sight: Sight, row: int
    ) -> Iterator[str]:
        """Yield what became of each rule that was looked at, in order."""
        core = self._core
        rules = self._rules[program.module]
        topic, tag, value, *_ = self._rows[row]
        sight.message(core.topics[topic], scalar_json(tag, value, core.texts))
        looked_at: dict[int, Rule] = {}
        last: dict[int, int] = {}
        for pc in pcs:
            line = core.line(pc)
            rule = rules.get(line)
            if rule is None or core.layout.code[pc] == Op.UNMATCHED:
                continue
            looked_at[rule.line] = rule
            last[rule.line] = line
        ran = [rule for line, rule in looked_at.items() if last[line] in rule.actions]
        sight.ran(ran)
        for start, rule in looked_at.items():
            words = f"line {start}, {self._text(program.module, start)}"
            if rule in ran:
                done = [self._text(program.module, action) for action in rule.actions]
                if rule.method:
                    done = [rule.method]
                yield f"{words}: ran, {', '.join(done)}"
                continue
            line = last[start]
            asked = "it" if line == start else f"line {line}, {self._text(program.module, line)},"
            seen = sight.seen(rule, line)
            because = f" ({seen})" if seen else ""
            yield f"{words}: did not run, because {asked} did not hold{because}"

    def _results(self, program: Program, key: str, changed: State) -> Iterator[str]:
        """Yield what a cycle changed."""
        for name, value in changed.items():
            module, variable_name, instance = name
            of_key = f"[{instance}]" if instance and not key else ""
            if variable_name == INSTANCES_VARIABLE:
                yield f"{module}[{instance}] is {'dropped' if value == 'null' else 'created'}"
                continue
            variable = next(
                (one for one in program.variables if fold(one.name) == variable_name), None
            )
            if variable is None or "#" in variable_name:
                continue
            if variable.role is Role.TIMER:
                yield f"{variable.name}{of_key} {'is stopped' if value == '0' else 'is started'}"
                continue
            before, after = shown(variable, self._state.get(name)), shown(variable, value)
            if before != after:
                yield f"{variable.name}{of_key} was {before}, is {after} now"

    def _said(self, row: int, program: Program, key: str, pcs: list[int]) -> Iterator[str]:
        """Yield what a cycle published, called and wrote to the log."""
        core, ran = self._core, set(pcs)
        for result in self._led_to.get(row, ()):
            topic, tag, value, number, _cause, pc, instance = self._rows[result]
            if number < 0 or core.programs[number] is not program:
                continue
            of_key = core.texts[instance] if instance >= 0 else ""
            published = core.topics[topic]
            if published in LOG_TOPICS or published[1] == EXTERNAL_MODULE:
                # These have no key: the first cycle that ran the line is the one that said so.
                if topic not in _RECORDS and result not in self._told and pc in ran:
                    ran.discard(pc)
                    self._told.add(result)
                    yield self._told_outside(published, core.texts[value])
            elif published[2] != INSTANCES_VARIABLE and (
                of_key == key or not (key or self._is_keyed(program, published))
            ):
                scalar = tag, core.texts[value] if tag == Tag.TEXT else value
                yield f"publishes {message_text(published, of_key, scalar, program.variables)}"

    def _told_outside(self, topic: TopicName, text: str) -> str:
        if topic[1] != EXTERNAL_MODULE:
            return f"writes to the log: {text}"
        return f"calls {call_text(topic[2], json.loads(text, parse_float=Decimal))}"

    def _is_keyed(self, program: Program, topic: TopicName) -> bool:
        return any(one.keyed and one.topic == topic for one in program.variables)

    def _records(self, row: int, module: str | None) -> Iterator[str]:
        """Yield the records that a row led to, in a module or in all."""
        core = self._core
        for result in self._led_to.get(row, ()):
            topic, _tag, value, number, *_ = self._rows[result]
            if topic in _RECORDS and (
                module is None or (number >= 0 and core.programs[number].module == module)
            ):
                yield f"{LOG_TOPICS[topic][2]}: {core.texts[value]}"

    # ------------------------------------------------------------------ words

    def _changes_of(self, row: int, program: Program, key: str, *, births: bool) -> State:
        """Return what a cycle changed: name -> JSON.

        Arguments:
            births: whether those that were born or dropped are told with it.
        """
        core = self._core
        found: State = {}
        for slot, tag, value, number in self._changes.get(row, ()):
            module, name = core.name_of(slot)
            instance = core.texts[number] if number >= 0 else ""
            if module != program.module:
                continue
            if births if name == INSTANCES_VARIABLE else instance == key or not program.key:
                text = "null" if tag < Tag.TEXT else scalar_json(tag, value, core.texts)
                found[module, name, instance] = text
        return found

    def _message(self, row: int, program: Program) -> str:
        core = self._core
        topic, tag, value, _module, _cause, _pc, instance = self._rows[row]
        name = core.topics[topic]
        timers = (one.topic for one in program.variables if one.role is Role.TIMER)
        if name[2] in (AT_VARIABLE, INSTANCES_VARIABLE) or name in timers:
            return "of it"
        scalar = tag, core.texts[value] if tag == Tag.TEXT else value
        key = core.texts[instance] if instance >= 0 else ""
        return message_text(name, key, scalar, program.variables)

    def _text(self, module: str, line: int) -> str:
        """Return the words of a line of a module."""
        rule = self._rules[module].get(line)
        return rule.texts.get(line, "") if rule is not None else ""
