"""The text of a module as a tree: what is written, not yet what it means.

The one idea: every node knows its place in the text and nothing else; names are not looked up here.
`depth` is the height of an expression, kept while it is built so that no walk over it can run out
of stack.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from myocan.hub.lang.diagnostics import Span
from myocan.hub.lang.lexer import Token


@dataclass(frozen=True, slots=True)
class Key:
    """What stands in brackets behind a word of a name: `[location]`, `["bath room"]`.

    `span` is without the brackets; `literal` says that it is a text in quotes or a number.
    """

    span: Span
    text: str
    literal: bool


@dataclass(frozen=True, slots=True)
class Part:
    """One word of a dotted name, with the key in brackets behind it, if any."""

    span: Span
    text: str
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """What has a value or holds."""

    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class NumberLiteral(Expression):
    """A number: `units` of 10 ** -`decimals`, decimals as written."""

    units: int
    decimals: int


@dataclass(frozen=True, slots=True)
class TextLiteral(Expression):
    """A text in quotes."""

    value: str


@dataclass(frozen=True, slots=True)
class ClockLiteral(Expression):
    """A time of day in minutes since midnight."""

    minutes: int


@dataclass(frozen=True, slots=True)
class Name(Expression):
    """A dotted name, which may end with a member, or an attribute of it (`x#timestamp`).

    `member` is what stands behind an attribute (`system.clock#weekday.monday`).
    """

    parts: tuple[Part, ...]
    attribute: str | None = None
    member: Part | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """The words without their keys."""
        return tuple(part.text for part in self.parts)

    @property
    def text(self) -> str:
        """The name as one would say it."""
        return ".".join(self.words)

    @property
    def special(self) -> bool:
        """Whether it has a key or an attribute."""
        return self.attribute is not None or any(part.key is not None for part in self.parts)

    @property
    def bare(self) -> str | None:
        """The word, if the name is a single one."""
        if len(self.parts) == 1 and self.parts[0].key is None and self.attribute is None:
            return self.parts[0].text
        return None


@dataclass(frozen=True, slots=True)
class Unary(Expression):
    """`-x` or `NOT x`; the operator is `MINUS` or `NOT`."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary(Expression):
    """`a + b`, `a == b`; the operator is the terminal's name, its place is kept for messages."""

    operator: str
    place: Span
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Chain(Expression):
    """Terms joined by the same of `AND` or `OR`; two at least."""

    operator: str
    places: tuple[Span, ...]
    terms: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Call(Expression):
    """A function with its arguments."""

    function: Name
    arguments: tuple[Expression, ...]


# Behind a declared name.


@dataclass(frozen=True, slots=True)
class Braces:
    """`{a, b}`: what stands between the commas."""

    span: Span
    items: tuple[Name | NumberLiteral | TextLiteral, ...]


@dataclass(frozen=True, slots=True)
class Bounds:
    """`{0.00-1.00}`; no `upper` in `{-40-}`."""

    span: Span
    lower: NumberLiteral
    upper: NumberLiteral | None


@dataclass(frozen=True, slots=True)
class Duration:
    """`1 hour 30 minutes`: numbers and the words behind them."""

    span: Span
    terms: tuple[tuple[NumberLiteral, Part], ...]


Literal = NumberLiteral | TextLiteral | ClockLiteral | Name
Kind = Braces | Bounds | Duration | Literal


# Statements, one a line.


@dataclass(frozen=True, slots=True)
class Statement:
    """A line; `span` is that of its first word."""

    span: Span


@dataclass(frozen=True, slots=True)
class Option:
    """A word behind a module's name, `AUTO` or `AGENT pi-porch`; `value` is the agent's name."""

    span: Span
    word: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Module(Statement):
    """`MODULE lamp[location] AUTO`."""

    name: Name
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True)
class Declaration(Statement):
    """`SUBSCRIBE`, `PUBLIC`, `PRIVATE` or `TIMER`: `word` is one of these, however it was written.

    `kind` is a `Duration` behind TIMER, and only there.
    """

    word: str
    name: Name
    kind: Kind | None = None
    initial: Literal | None = None
    local: Part | None = None


@dataclass(frozen=True, slots=True)
class Keep:
    """`KEEP 30 days`, or without a number `KEEP forever`."""

    span: Span
    number: NumberLiteral | None
    unit: str


@dataclass(frozen=True, slots=True)
class Topic(Statement):
    """`TOPIC bedtime.activate`, with what its messages carry and how long they are kept."""

    name: Name
    kind: Kind | None = None
    keep: Keep | None = None


@dataclass(frozen=True, slots=True)
class External(Statement):
    """`EXTERNAL notify`."""

    name: Part


@dataclass(frozen=True, slots=True)
class Opening(Statement):
    """`ON event`, `WHEN condition` or `IF condition`."""

    word: str
    condition: Expression


@dataclass(frozen=True, slots=True)
class At(Statement):
    """`AT` and the words behind it, which are read when the time variables are known."""

    word: str
    words: tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Guard(Statement):
    """`AND condition`, `WITH condition`, or a WHEN that does not open a statement."""

    word: str
    condition: Expression


@dataclass(frozen=True, slots=True)
class Action(Statement):
    """Behind THEN: `target = value`, `target++`, or `target` alone (`state.on`, `log("x")`).

    `operator` is `ASSIGN`, `INCREMENT`, `DECREMENT` or "".
    """

    target: Expression
    operator: str = ""
    value: Expression | None = None


@dataclass(frozen=True, slots=True)
class Broken(Statement):
    """A line that was reported already: `word` opened it, `name` is what it declares, if any."""

    word: str
    name: str | None = None


@dataclass(slots=True)
class Reaction:
    """An opening with the guards and actions below it; `opening` may be `Broken`."""

    opening: Opening | At | Broken
    guards: list[Guard] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)
    complete: bool = True
    """Whether all lines of it were read; one that was not has no warnings of its own."""


@dataclass(slots=True)
class Source:
    """A module's text."""

    module: Module | Broken | None = None
    declarations: list[Declaration] = field(default_factory=list)
    topics: list[Topic] = field(default_factory=list)
    externals: list[External] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)

    @property
    def begun(self) -> bool:
        """Whether anything but the MODULE line was read."""
        return any((self.declarations, self.topics, self.externals, self.broken, self.reactions))
