"""What a scenario says, once its words are understood.

The one idea: a step is plain data. It names topics, variables and values and nothing of the
compiler or the core, so it can be sent to another process and be run there.
"""

from __future__ import annotations

from dataclasses import dataclass

from myocan.hub.core.linker import TopicName

Scalar = tuple[int, int | str]
"""A value that travels: a `Tag`, or the count of decimals of a number, and what it says; of a text
the text itself."""


@dataclass(frozen=True, slots=True)
class Step:
    """One statement below a SCENARIO: its line, from 1, and its words."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Send(Step):
    """A message arrives on a topic; `instance` is its key, "" for none."""

    topic: TopicName
    instance: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Set(Step):
    """A variable has a value from now on, without a cycle; its name in lower case."""

    module: str
    name: str
    instance: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Instance(Step):
    """An instance of a keyed module is created, or dropped."""

    module: str
    key: str
    created: bool


@dataclass(frozen=True, slots=True)
class Advance(Step):
    """The clock goes on to a time, milliseconds since 1970 UTC; what is due comes on the way."""

    to_ms: int


@dataclass(frozen=True, slots=True)
class Expect(Step):
    """Something is so; if `wanted` is false: something is not so."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class ExpectVariable(Expect):
    """A variable compares so with a value; `operator` is `==`, `!=`, `<`, `<=`, `>` or `>=`."""

    module: str
    name: str
    instance: str
    operator: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class ExpectTopic(Expect):
    """What was published last on a topic compares so with a value."""

    topic: TopicName
    instance: str
    operator: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class ExpectMessage(Expect):
    """The step before led to a message on a topic; of any key if `instance` is None."""

    topic: TopicName
    instance: str | None


@dataclass(frozen=True, slots=True)
class ExpectRecord(Expect):
    """The step before led to a record that contains a text; with `wanted` false: to none at all,
    in the whole scenario, but those that it expected."""

    part: str


@dataclass(frozen=True, slots=True)
class ExpectLog(Expect):
    """The step before led to a line of the log that contains a text."""

    part: str


@dataclass(frozen=True, slots=True)
class ExpectCall(Expect):
    """The step before led to a call of an EXTERNAL function; of any if `function` is "", with any
    arguments if `arguments` is None."""

    function: str
    arguments: tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class ExpectInstance(Expect):
    """An instance of a keyed module exists."""

    module: str
    key: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario without mistakes.

    Arguments:
        title: what it shows.
        file: as it was named to the reader.
        line: of its SCENARIO.
        modules: those that take part, by name.
        start_ms: what the clock shows at the start, milliseconds since 1970 UTC.
        steps: in order.
    """

    title: str
    file: str
    line: int
    modules: tuple[str, ...]
    start_ms: int
    steps: tuple[Step, ...]
