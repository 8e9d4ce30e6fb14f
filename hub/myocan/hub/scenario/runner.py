"""Runs a scenario, and says what came of it.

The one idea: the first expectation that is not met ends the scenario; then it is played once more,
up to there, with the core telling which rules it looks at. So a scenario that passes pays nothing
for the trace of one that fails.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from myocan.hub.core import Tag, Variable
from myocan.hub.core.linker import fold
from myocan.hub.scenario.cast import Cast, topic_text
from myocan.hub.scenario.steps import (
    Advance,
    Expect,
    ExpectCall,
    ExpectInstance,
    ExpectLog,
    ExpectMessage,
    ExpectRecord,
    ExpectTopic,
    ExpectVariable,
    Instance,
    Scalar,
    Scenario,
    Send,
    Set,
    Step,
)
from myocan.hub.scenario.trace import Trace
from myocan.hub.scenario.values import call_text, holds, message_text, written
from myocan.hub.scenario.world import TooMuch, World

_TRACED = 500
"""Most messages that are written down for the trace; what is told of them is cut once more."""

_MOST = 5
"""Most messages, records or calls that are told as what was seen instead."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a scenario failed.

    Arguments:
        line: of the step, from 1.
        step: its words.
        expected, seen: in words.
        trace: what went before, line by line, the newest last.
    """

    line: int
    step: str
    expected: str
    seen: str
    trace: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """What went wrong, in a line."""
        return f"{self.step}: expected {self.expected}, seen {self.seen}"

    def told(self, file: str) -> list[str]:
        """Return all of it, line by line.

        Arguments:
            file: that the step is in, as people know it.
        """
        lines = [
            f"{file}:{self.line}: {self.step}",
            f"    expected: {self.expected}",
            f"    seen:     {self.seen}",
        ]
        if self.trace:
            lines += ["", "What went before, the newest last:"]
        return [*lines, *(f"    {line}" for line in self.trace)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a scenario.

    Arguments:
        file, line, title: which it is.
        seconds: how long it took.
        failure: None if it passed.
    """

    file: str
    line: int
    title: str
    seconds: float
    failure: Failure | None = None

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return self.failure is None

    def plain(self) -> dict[str, Any]:
        """Return the fields as plain values, for JSON."""
        return {**asdict(self), "passed": self.passed, "seconds": round(self.seconds, 6)}


def run_scenario(scenario: Scenario, cast: Cast) -> Outcome:
    """Run a scenario of a house."""
    begin = time.perf_counter()
    play = _Play(scenario, cast)
    failure = play.play()
    if failure is not None and not play.endless:
        failure = replace(failure, trace=_trace(scenario, cast, play.world.inputs))
    spent = time.perf_counter() - begin
    return Outcome(scenario.file, scenario.line, scenario.title, spent, failure)


def _trace(scenario: Scenario, cast: Cast, inputs: int) -> tuple[str, ...]:
    """Play a scenario again, to where it fails, and return what is told of it.

    Arguments:
        inputs: how many messages it takes to get there; only the last are written down.
    """
    play = _Play(scenario, cast)
    world = play.world
    world.traced_from = inputs - _TRACED
    world.trace = Trace(cast, world.core)
    play.play()
    return tuple(world.trace.lines())


class _Play:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario, cast: Cast) -> None:
        self.scenario = scenario
        self.cast = cast
        self.world = World(cast, scenario.modules, scenario.start_ms)
        self.world.say_first_values()
        self.endless = False
        self.unexpected: list[str] = []
        """Records that no EXPECT RECORD has named."""

    def play(self) -> Failure | None:
        for step in self.scenario.steps:
            problem = self._meet(step) if isinstance(step, Expect) else self._do(step)
            if problem is not None:
                return Failure(step.line, step.text, *problem)
        return None

    def _do(self, step: Step) -> tuple[str, str] | None:
        """Do a step; return what was expected and seen if it cannot be done."""
        world = self.world
        world.begin()
        if world.trace is not None:
            world.trace.heading(world.now_ms, step.text)
        match step:
            case Send():
                world.send(step.topic, step.instance, step.value)
            case Set():
                if not world.set(step.module, step.name, step.instance, step.value):
                    return "a variable that takes this value", "none: CREATE its instance first"
            case Instance():
                world.create(step.module, step.key, created=step.created)
            case Advance():
                try:
                    world.advance(step.to_ms)
                except TooMuch as error:
                    self.endless = True
                    return "an end", str(error)
        self.unexpected += world.happened.records
        return None

    def _variables(self, module: str) -> tuple[Variable, ...]:
        return self.cast.programs[module].variables

    # Expectations: each returns what was expected and seen, or None if it is met.

    def _meet(self, step: Expect) -> tuple[str, str] | None:
        match step:
            case ExpectVariable():
                return self._variable(step)
            case ExpectTopic():
                return self._topic(step)
            case ExpectMessage():
                return self._message(step)
            case ExpectRecord():
                return self._record(step)
            case ExpectLog():
                return _part("line of the log", step, self.world.happened.logs)
            case ExpectCall():
                return self._call(step)
            case ExpectInstance():
                if self.world.exists(step.module, step.key) == step.wanted:
                    return None
                name = f"{step.module}[{step.key}]"
                none = f"no {name}"
                return (name, none) if step.wanted else (none, name)
        raise AssertionError(f"{step} is no expectation")

    def _variable(self, step: ExpectVariable) -> tuple[str, str] | None:
        seen = self.world.read(step.module, step.name, step.instance)
        if seen is not None and holds(seen, step.operator, step.value):
            return None
        named = (one for one in self._variables(step.module) if fold(one.name) == step.name)
        variable = next(named, None)
        missing = f"nothing: there is no {step.module}[{step.instance}]"
        shown = missing if seen is None else written(seen, variable)
        return _wanted(step.operator, step.value, variable), shown

    def _topic(self, step: ExpectTopic) -> tuple[str, str] | None:
        seen = self.world.last.get((step.topic, step.instance))
        if seen is not None and holds(seen, step.operator, step.value):
            return None
        variables = (one for name in self.scenario.modules for one in self._variables(name))
        variable = next((one for one in variables if one.topic == step.topic), None)
        shown = "nothing was published there" if seen is None else written(seen, variable)
        return _wanted(step.operator, step.value, variable), shown

    def _message(self, step: ExpectMessage) -> tuple[str, str] | None:
        messages = self.world.happened.messages
        came = any(
            topic == step.topic and step.instance in (None, instance)
            for topic, instance in messages
        )
        if came == step.wanted:
            return None
        name = topic_text(step.topic, step.instance or "")
        if not step.wanted:
            return f"no {name}", "it was published"
        variables = [
            variable for module in self.scenario.modules for variable in self._variables(module)
        ]
        said = [
            message_text(*name, value, variables)
            for name, values in messages.items()
            for value in values
        ]
        return f"{name} is published", _listed(said, "nothing was published")

    def _record(self, step: ExpectRecord) -> tuple[str, str] | None:
        records = self.world.happened.records
        if step.wanted:
            for record in records:
                if step.part in record and record in self.unexpected:
                    self.unexpected.remove(record)
        elif not step.part:
            if not self.unexpected:
                return None
            return "no records", _listed(self.unexpected, "")
        return _part("record", step, records)

    def _call(self, step: ExpectCall) -> tuple[str, str] | None:
        calls = self.world.happened.calls
        came = any(
            step.function in ("", function)
            and (step.arguments is None or _same(arguments, step.arguments))
            for function, arguments in calls
        )
        if came == step.wanted:
            return None
        said = [call_text(name, arguments) for name, arguments in calls]
        return step.text.partition(" ")[2], _listed(said, "nothing was called")


def _wanted(operator: str, value: Scalar, variable: Variable | None = None) -> str:
    shown = written(value, variable)
    return shown if operator == "==" else f"{operator} {shown}"


def _part(what: str, step: ExpectRecord | ExpectLog, texts: list[str]) -> tuple[str, str] | None:
    if any(step.part in text for text in texts) == step.wanted:
        return None
    named = f'{what} with "{step.part}"' if step.part else what
    return f"{'a' if step.wanted else 'no'} {named}", _listed(texts, f"no {what}")


def _listed(said: list[str], none: str) -> str:
    texts = list(dict.fromkeys(said))  # the same again is the same news
    more = [f"and {len(texts) - _MOST} more"] if len(texts) > _MOST else []
    return "; ".join([*texts[:_MOST], *more]) or none


def _same(seen: list[Any], wanted: tuple[Scalar, ...]) -> bool:
    """Tell whether the arguments of a call are these; numbers are the same if they are equal."""
    return len(seen) == len(wanted) and all(
        _argument(one, other) for one, other in zip(seen, wanted, strict=True)
    )


def _argument(seen: Any, wanted: Scalar) -> bool:
    tag, value = wanted
    if tag == Tag.BOOL:
        return seen is bool(value)
    if isinstance(value, str):
        return bool(seen == value)
    return not isinstance(seen, bool | str) and seen * 10**tag == value
