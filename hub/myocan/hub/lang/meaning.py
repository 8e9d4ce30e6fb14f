"""What a module means: names replaced by variables, words by members, every type settled.

The one idea: nodes here know no text and no place, so two that mean the same are equal. The checker
makes them, the compiler writes code for them, and the warnings compare them.

Numbers are in units of 10 ** -9 (`SCALE`), as on the core's stack; constants of a variable are in
its slot's own units.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from myocan.hub.core.program import DIGITS, Attribute, ClockPart, Program, Variable
from myocan.hub.lang.diagnostics import Diagnostic, Span

SCALE = 10**DIGITS
"""Units of a number in one."""


class Kind(Enum):
    """What a value is."""

    NUMBER = auto()
    TEXT = auto()
    TRUTH = auto()
    CLOCK = auto()


class Comparison(Enum):
    """How two values compare."""

    EQ = "=="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="

    @property
    def negated(self) -> Comparison:
        """The comparison that holds when this one does not."""
        return _NEGATED[self]

    @property
    def mirrored(self) -> Comparison:
        """The comparison with its sides exchanged."""
        return _MIRRORED.get(self, self)

    @property
    def ordered(self) -> bool:
        """Whether it asks for an order."""
        return self not in (Comparison.EQ, Comparison.NE)


_NEGATED = {
    Comparison.EQ: Comparison.NE,
    Comparison.NE: Comparison.EQ,
    Comparison.LT: Comparison.GE,
    Comparison.GE: Comparison.LT,
    Comparison.GT: Comparison.LE,
    Comparison.LE: Comparison.GT,
}
_MIRRORED = {
    Comparison.LT: Comparison.GT,
    Comparison.GT: Comparison.LT,
    Comparison.LE: Comparison.GE,
    Comparison.GE: Comparison.LE,
}


# Values.


@dataclass(frozen=True, slots=True)
class Number:
    """A constant number."""

    scaled: int


@dataclass(frozen=True, slots=True)
class Text:
    """A constant text."""

    value: str


@dataclass(frozen=True, slots=True)
class Truth:
    """A constant boolean; also a condition."""

    value: bool


@dataclass(frozen=True, slots=True)
class Clock:
    """A constant time of day."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Load:
    """A variable's value, read as `kind` (an ANY can be read as number, text or truth)."""

    variable: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Key:
    """One's own key, a text."""


@dataclass(frozen=True, slots=True)
class ClockRead:
    """A part of the log's time; `offset` is the variable with the minutes east of UTC."""

    part: ClockPart
    offset: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """`+ - * /`, `min`, `max` of two numbers; the operator is the instruction's name."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class Function:
    """`NEG`, `ABS`, or `ROUND` to `digits` behind the point, of a number."""

    operator: str
    operand: Value
    digits: int = 0


# Conditions; each is also a value of kind TRUTH.


@dataclass(frozen=True, slots=True)
class Test:
    """A variable's slot compared with a constant in its units."""

    variable: int
    comparison: Comparison
    constant: int


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one kind."""

    comparison: Comparison
    left: Value
    right: Value


@dataclass(frozen=True, slots=True)
class IsNumber:
    """An ANY that holds this very number."""

    variable: int
    scaled: int


@dataclass(frozen=True, slots=True)
class HoldsNumber:
    """An ANY that holds some number."""

    variable: int


@dataclass(frozen=True, slots=True)
class Same:
    """Two ANYs that hold the same."""

    left: int
    right: int


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class Every:
    """All conditions hold."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of the conditions holds at least."""

    conditions: tuple[Condition, ...]


Condition = Truth | Test | Compare | IsNumber | HoldsNumber | Same | Not | Every | Some
Value = Number | Text | Clock | Load | Key | ClockRead | Arithmetic | Function | Condition


# Actions.


@dataclass(frozen=True, slots=True)
class Set:
    """A constant into a variable: in the slot's units, or the text itself."""

    variable: int
    constant: int | str


@dataclass(frozen=True, slots=True)
class Store:
    """A computed value into a variable of its kind."""

    variable: int
    value: Value


@dataclass(frozen=True, slots=True)
class Copy:
    """A variable into another one, converted as an arrival would be."""

    variable: int
    source: int


@dataclass(frozen=True, slots=True)
class Add:
    """A constant, in the slot's units, added to a variable."""

    variable: int
    constant: int


@dataclass(frozen=True, slots=True)
class Next:
    """The next member."""

    variable: int


@dataclass(frozen=True, slots=True)
class Activate:
    """An event is published."""

    variable: int


@dataclass(frozen=True, slots=True)
class Timer:
    """`START`, `RESET` or `CANCEL` of a timer."""

    variable: int
    operator: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A variable as part of a log line, written as people write it."""

    variable: int


@dataclass(frozen=True, slots=True)
class Log:
    """A line for the log, of these pieces."""

    level: int
    pieces: tuple[Piece | Value, ...]


@dataclass(frozen=True, slots=True)
class Instance:
    """`CREATE` or `DROP` of the instance of a key."""

    operator: str
    key: Value


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an EXTERNAL function with these arguments."""

    function: str
    arguments: tuple[Piece | Value, ...]


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing: the message is accepted."""


Action = Set | Store | Copy | Add | Next | Activate | Timer | Log | Instance | Call | Ignore


# Reactions.


@dataclass(frozen=True, slots=True)
class Arrival:
    """An alternative of an ON: a message for `variable`, with what its value must be, or None."""

    variable: int
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What a line means, with its number."""

    line: int
    does: Action | Condition


@dataclass(frozen=True, slots=True)
class On:
    """An ON with its guards and actions; `keyed` says that it runs in an instance."""

    line: int
    arrivals: tuple[Arrival, ...]
    guards: tuple[Line, ...]
    actions: tuple[Line, ...]
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class When:
    """A WHEN or IF that opens a statement; its guards are part of the condition."""

    line: int
    conditions: tuple[Line, ...]
    actions: tuple[Line, ...]
    reads: frozenset[int]
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class At:
    """An AT: when it is due, as `Schedule.to_json` writes it, and what `Schedule.identity` says."""

    line: int
    identity: str
    schedule: str
    guards: tuple[Line, ...]
    actions: tuple[Line, ...]
    keyed: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """A topic that TOPIC defines: a variable of it that would take all, and KEEP's words or ""."""

    heard: Variable
    keep: str


@dataclass(frozen=True, slots=True)
class Selection:
    """One value of a map: that of `key`, a constant text or the value of a variable."""

    variable: int
    key: Value


@dataclass(frozen=True, slots=True)
class Meaning:
    """A whole module.

    Arguments:
        module: its name.
        variables: what it declares, and behind these what the core and the agent fill.
        ons, whens, ats: in the order of the text.
        selections: values of maps. Wherever a node names a variable, -1 stands for the first of
            these, -2 for the second, and so on.
        attributes: which of the variables tell of others.
        topics: that it defines: its names, what its messages carry, and how long they are kept.
        key, auto, agent, history: as in `Program`.
    """

    module: str
    variables: tuple[Variable, ...]
    ons: tuple[On, ...]
    whens: tuple[When, ...]
    ats: tuple[At, ...] = ()
    selections: tuple[Selection, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    topics: tuple[Definition, ...] = ()
    key: str = ""
    auto: bool = False
    history: bool = False
    agent: str = ""

    def declared(self, number: int) -> int:
        """Return the variable that a node's number means: of a value of a map, the map."""
        return number if number >= 0 else self.selections[-1 - number].variable


@dataclass(frozen=True, slots=True)
class Checked:
    """What the checker says of a text.

    Arguments:
        meaning: what it means, or None if there is an error.
        diagnostics: errors and warnings, by position.
        places: where each variable's name stands.
        definitions: where the name of each topic that it defines stands.
        program: of a module in Python, which needs no compiler; None for rules.
    """

    meaning: Meaning | None
    diagnostics: list[Diagnostic]
    places: tuple[Span, ...] = ()
    definitions: tuple[Span, ...] = ()
    program: Program | None = None
