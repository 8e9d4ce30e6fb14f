"""What a module is made of: declarations, expressions, actions and reactions, as a tree.

A *place* is where a value can be: a variable, or what a map has for a key. Enumerations are spoken
of by the names of their members, times of day are `HH:MM`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from itertools import repeat
from typing import Any

from core.interpreter.values import Scalar, Topic
from myocan.hub.core import Role, Type
from myocan.hub.core.program import AttributeKind, ClockPart


@dataclass(frozen=True)
class Var:
    """A declared name. Bounds and the initial value are as `Scalar`; None for no bound."""

    name: str
    role: Role
    type: Type
    topic: Topic | None = None
    decimals: int = 0
    lower: Decimal | None = None
    upper: Decimal | None = None
    members: tuple[str, ...] = ()
    initial: Scalar = None
    line: int = 0
    duration_ms: int = 0
    keyed: bool = False  # each instance has its own
    instance: str = ""  # the one key that it hears, or publishes for
    map: bool = False  # a value for each key

    def __repr__(self) -> str:
        return self.name

    def declaration(self) -> str:
        """Return all of it, for a failing example."""
        key = (
            "[map]" * self.map
            + "[own]" * self.keyed
            + f"[{self.instance!r}]" * (self.instance != "")
        )
        parts = [f"{self.line}: {self.role.name} {self.name}{key}: {self.type.name}"]
        if self.type == Type.DECIMAL:
            parts.append(f".{self.decimals} {{{self.lower} - {self.upper}}}")
        if self.members:
            parts.append("{" + ",".join(self.members) + "}")
        if self.role == Role.TIMER:
            parts.append(f"{self.duration_ms} ms")
        return " ".join([*parts, f"= {self.initial}", f"@ {self.topic}"])


@dataclass(frozen=True)
class OwnKey:
    """The key of the instance whose cycle it is."""


@dataclass(frozen=True)
class Words:
    """A text: of a TEXT, an ENUMERATION (its member) or an ANY, or this constant, or one's key."""

    of: Place | OwnKey | str


@dataclass(frozen=True)
class Of:
    """What a map has for a key."""

    var: Var
    key: Words


Place = Var | Of


def declared(place: Place) -> Var:
    """Return the declaration that says what a place holds."""
    return place.var if isinstance(place, Of) else place


@dataclass(frozen=True)
class Const:
    value: Decimal


@dataclass(frozen=True)
class Num:
    """The number in a DECIMAL or in an ANY."""

    var: Place


@dataclass(frozen=True)
class Moment:
    """A part of the log's time; `offset` is how many minutes the house's clock is before UTC."""

    part: ClockPart
    offset: Var


@dataclass(frozen=True)
class Arith:
    op: str  # + - * / min max
    left: Number
    right: Number


@dataclass(frozen=True)
class Neg:
    operand: Number


@dataclass(frozen=True)
class Abs:
    operand: Number


@dataclass(frozen=True)
class Round:
    operand: Number
    digits: int


Number = Const | Num | Moment | Arith | Neg | Abs | Round


@dataclass(frozen=True)
class Clock:
    """A time of day: of a TIME variable, or this constant, or now."""

    at: Place | Moment | str


@dataclass(frozen=True)
class Compare:
    op: str  # == != < <= > >=
    left: Number | Clock
    right: Number | Clock


@dataclass(frozen=True)
class SameText:
    left: Words
    right: Words


@dataclass(frozen=True)
class IsMember:
    var: Place
    member: str
    equal: bool = True


@dataclass(frozen=True)
class IsTrue:
    """A BOOLEAN is true; an ANY is this boolean."""

    var: Place
    value: bool = True


@dataclass(frozen=True)
class AnyIsNumber:
    """An ANY is this number."""

    var: Var
    value: Decimal


@dataclass(frozen=True)
class IsNumber:
    """An ANY is a number, whichever."""

    var: Var


@dataclass(frozen=True)
class AnySame:
    var: Var
    other: Var


@dataclass(frozen=True)
class Not:
    operand: Condition


@dataclass(frozen=True)
class And:
    left: Condition
    right: Condition


@dataclass(frozen=True)
class Or:
    left: Condition
    right: Condition


Condition = (
    Compare | SameText | IsMember | IsTrue | AnyIsNumber | IsNumber | AnySame | Not | And | Or
)


@dataclass(frozen=True)
class Assign:
    """`var = value`: a constant, another variable, or an expression of the variable's type."""

    var: Place
    value: Scalar | Place | Number | Clock | Words | Condition
    line: int


@dataclass(frozen=True)
class Step:
    """`x++`, `x--`, or a longer step."""

    var: Place
    amount: Decimal
    line: int


@dataclass(frozen=True)
class Next:
    var: Place
    line: int


@dataclass(frozen=True)
class Activate:
    var: Place
    line: int


@dataclass(frozen=True)
class Start:
    var: Var
    line: int


@dataclass(frozen=True)
class Reset:
    var: Var
    line: int


@dataclass(frozen=True)
class Cancel:
    var: Var
    line: int


@dataclass(frozen=True)
class Create:
    key: Words
    line: int


@dataclass(frozen=True)
class Drop:
    key: Words
    line: int


@dataclass(frozen=True)
class Log:
    level: int
    pieces: tuple[str | OwnKey | Place | Number, ...]
    line: int


@dataclass(frozen=True)
class Call:
    """Of an EXTERNAL function."""

    function: str
    arguments: tuple[str | OwnKey | Place | Number | Condition, ...]
    line: int


Action = Assign | Step | Next | Activate | Start | Reset | Cancel | Create | Drop | Log | Call


@dataclass(frozen=True)
class On:
    var: Var
    guards: tuple[Condition, ...]
    actions: tuple[Action, ...]
    line: int
    guard_lines: tuple[int, ...] = ()  # or all stand in `line`

    def guarded(self) -> Iterator[tuple[Condition, int]]:
        """Yield its guards, each with its line."""
        return zip(self.guards, self.guard_lines or repeat(self.line), strict=False)


@dataclass(frozen=True)
class AtDo:
    identity: str
    guards: tuple[Condition, ...]
    actions: tuple[Action, ...]
    line: int
    guard_lines: tuple[int, ...] = ()

    def guarded(self) -> Iterator[tuple[Condition, int]]:
        """Yield its guards, each with its line."""
        return zip(self.guards, self.guard_lines or repeat(self.line), strict=False)


@dataclass(frozen=True)
class WhenDo:
    condition: Condition
    actions: tuple[Action, ...]
    line: int


@dataclass(frozen=True)
class Attribute:
    """`of#timestamp` and the like: what the house writes down about a variable."""

    kind: AttributeKind
    of: Var
    var: Var


@dataclass(frozen=True)
class Module:
    name: str
    variables: tuple[Var, ...]
    ons: tuple[On, ...] = ()
    whens: tuple[WhenDo, ...] = ()
    ats: tuple[AtDo, ...] = ()
    key: str = ""
    auto: bool = False
    attributes: tuple[Attribute, ...] = ()

    def __repr__(self) -> str:
        title = f"MODULE {self.name}" + f"[{self.key}]" * bool(self.key) + " AUTO" * self.auto
        declarations = [var.declaration() for var in self.variables]
        reactions = map(repr, (*self.ons, *self.whens, *self.ats))
        return "\n  ".join([title, *declarations, *reactions])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # or hypothesis spells out every field


def parts_of(node: object) -> Iterator[object]:
    """Yield a piece of the tree and all that is in it, but of variables only themselves."""
    yield node
    if isinstance(node, tuple):
        for part in node:
            yield from parts_of(part)
    elif is_dataclass(node) and not isinstance(node, Var):
        for field in fields(node):
            yield from parts_of(getattr(node, field.name))


def places_in(node: object) -> Iterator[Place]:
    """Yield every place whose value a piece of the tree reads; a key before what it leads to."""
    if isinstance(node, Var):
        yield node
    elif isinstance(node, Of):
        yield from places_in(node.key)
        yield node
    elif is_dataclass(node) and not isinstance(node, Moment):  # no WHEN waits for the clock
        for field in fields(node):
            yield from places_in(getattr(node, field.name))


def is_keyed(reaction: On | AtDo | WhenDo) -> bool:
    """Tell whether a reaction names anything that each instance has for itself."""
    return any(
        isinstance(part, OwnKey) or (isinstance(part, Var) and part.keyed)
        for part in parts_of(reaction)
    )
