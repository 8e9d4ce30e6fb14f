"""A second interpreter of modules, written from the language's rules alone, to check the core by.

The one idea: this walks a tree and works on plain Python values (None, bool, Decimal, str), so it
shares no representation with the core: no slots, no pools, no instructions, no scaled integers. It
is slow and short; where it and the core disagree, read the rules of "One cycle" and fix the one
that is wrong.

A number that a variable holds or that travels is a `Decimal` whose exponent says how many digits
stand behind its point. A number inside an expression is a `Fraction`, a multiple of 10 ** -9.
Enumerations hold the folded name of their member, times of day are `HH:MM`, a timer when it is due
in milliseconds (0 while it does not run, None if it never did).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from myocan.hub.core import Failure, Role, Type
from myocan.hub.core.program import AT_VARIABLE

Scalar = None | bool | Decimal | str
Topic = tuple[str, str, str]

DEPTH = 64
EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)

# ---------------------------------------------------------------------- the tree


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

    def __repr__(self) -> str:
        return self.name

    def declaration(self) -> str:
        """Return all of it, for a failing example."""
        parts = [f"{self.line}: {self.role.name} {self.name}: {self.type.name}"]
        if self.type == Type.DECIMAL:
            parts.append(f".{self.decimals} {{{self.lower} - {self.upper}}}")
        if self.members:
            parts.append("{" + ",".join(self.members) + "}")
        return " ".join([*parts, f"= {self.initial}", f"@ {self.topic}"])


@dataclass(frozen=True)
class Const:
    value: Decimal


@dataclass(frozen=True)
class Num:
    """The number in a DECIMAL or in an ANY."""

    var: Var


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


Number = Const | Num | Arith | Neg | Abs | Round


@dataclass(frozen=True)
class Clock:
    """A time of day: of a TIME variable, or this constant."""

    at: Var | str


@dataclass(frozen=True)
class Words:
    """A text: of a TEXT, an ENUMERATION (its member) or an ANY, or this constant."""

    of: Var | str


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
    var: Var
    member: str
    equal: bool = True


@dataclass(frozen=True)
class IsTrue:
    """A BOOLEAN is true; an ANY is this boolean."""

    var: Var
    value: bool = True


@dataclass(frozen=True)
class AnyIsNumber:
    var: Var
    value: Decimal


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


Condition = Compare | SameText | IsMember | IsTrue | AnyIsNumber | AnySame | Not | And | Or


@dataclass(frozen=True)
class Assign:
    """`var = value`: a constant, another variable, or an expression of the variable's type."""

    var: Var
    value: Scalar | Var | Number | Clock | Words | Condition
    line: int


@dataclass(frozen=True)
class Step:
    """`x++`, `x--`, or a longer step."""

    var: Var
    amount: Decimal
    line: int


@dataclass(frozen=True)
class Next:
    var: Var
    line: int


@dataclass(frozen=True)
class Activate:
    var: Var
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
class Log:
    level: int
    pieces: tuple[str | Var | Number, ...]
    line: int


Action = Assign | Step | Next | Activate | Start | Reset | Cancel | Log


@dataclass(frozen=True)
class On:
    var: Var
    guards: tuple[Condition, ...]
    actions: tuple[Action, ...]
    line: int


@dataclass(frozen=True)
class AtDo:
    identity: str
    guards: tuple[Condition, ...]
    actions: tuple[Action, ...]
    line: int


@dataclass(frozen=True)
class WhenDo:
    condition: Condition
    actions: tuple[Action, ...]
    line: int


@dataclass(frozen=True)
class Module:
    name: str
    variables: tuple[Var, ...]
    ons: tuple[On, ...] = ()
    whens: tuple[WhenDo, ...] = ()
    ats: tuple[AtDo, ...] = ()

    def __repr__(self) -> str:
        declared = [var.declaration() for var in self.variables]
        reactions = map(repr, (*self.ons, *self.whens, *self.ats))
        return "\n  ".join([f"MODULE {self.name}", *declared, *reactions])


def variables_in(node: object) -> Iterator[Var]:
    """Yield every variable that a piece of the tree names."""
    if isinstance(node, Var):
        yield node
    elif is_dataclass(node):
        for part in fields(node):
            yield from variables_in(getattr(node, part.name))


# ---------------------------------------------------------------------- values


class Failed(Exception):
    """The cycle fails; carries the reason."""


def fold(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def json_text(value: Scalar) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)


def same(one: Scalar, other: Scalar) -> bool:
    """Whether two scalars are the same value: 5 and 5.0 are, 1 and true are not."""
    return isinstance(one, Decimal) == isinstance(other, Decimal) and (
        type(one) is type(other) and one == other
    )


def wide(number: Fraction) -> Fraction:
    """Round to nine digits, of two to the even one; 128 bits or the cycle fails."""
    units = round(number * 10**9)
    if abs(units) >= 2**127:
        raise Failed(Failure.OVERFLOW)
    return Fraction(units, 10**9)


def stored(number: Fraction, var: Var) -> Decimal | None:
    """Round to the variable's digits; None if that is outside its bounds, or 64 bits."""
    units = round(number * 10**var.decimals)
    value = Decimal(units).scaleb(-var.decimals, EXACT)
    if not -(2**63) <= units < 2**63:
        return None
    if var.lower is not None and value < var.lower:
        return None
    return None if var.upper is not None and value > var.upper else value


def initial_of(var: Var) -> Scalar:
    return fold(var.members[0]) if var.members and var.initial is None else var.initial


_REFUSED = object()


def converted(value: Scalar, var: Var) -> object:
    """Return what the variable would hold after this value arrived, or `_REFUSED`."""
    if var.type == Type.ANY:
        return value
    if var.type == Type.DECIMAL and isinstance(value, Decimal):
        number = stored(Fraction(value), var)
        return _REFUSED if number is None else number
    if var.type == Type.BOOLEAN and isinstance(value, bool):
        return value
    if isinstance(value, str):
        if var.type == Type.TEXT:
            return value
        if var.type == Type.ENUMERATION and fold(value) in map(fold, var.members):
            return fold(value)
        if var.type == Type.TIME and re.fullmatch(r"([0-9]|[01][0-9]|2[0-3]):[0-5][0-9]", value):
            return value.rjust(5, "0")
    return _REFUSED


# ---------------------------------------------------------------------- one cycle


@dataclass(frozen=True)
class Row:
    """A message, or a record (then `text` is None and `line` the one that it names)."""

    topic: Topic
    text: str | None
    producer: str | int
    cause: int
    line: int
    scalar: Scalar = None
    depth: int = 0


@dataclass
class Cycle:
    """One module taking one message."""

    module: Module
    state: dict[str, Scalar]
    now: int = 0
    assigned: dict[str, int] = field(default_factory=dict)  # name -> line of the last assignment
    log: list[tuple[int, str, int]] = field(default_factory=list)
    line: int = 0

    def number(self, node: object) -> Fraction:
        match node:
            case Const(value):
                return Fraction(value)
            case Num(var):
                held = self.state[var.name]
                if not isinstance(held, Decimal):
                    raise Failed(Failure.NOT_A_NUMBER)
                return Fraction(held)
            case Neg(operand):
                return -self.number(operand)
            case Abs(operand):
                return abs(self.number(operand))
            case Round(operand, digits):
                return wide(Fraction(round(self.number(operand) * 10**digits), 10**digits))
            case Arith(op, left, right):
                a, b = self.number(left), self.number(right)
                if op == "/" and b == 0:
                    raise Failed(Failure.DIVISION_BY_ZERO)
                match op:
                    case "+":
                        return wide(a + b)
                    case "-":
                        return wide(a - b)
                    case "*":
                        return wide(a * b)
                    case "/":
                        return wide(a / b)
                    case "min":
                        return min(a, b)
                    case "max":
                        return max(a, b)
        raise TypeError(node)

    def words(self, node: Words) -> str | None:
        if isinstance(node.of, str):
            return node.of
        held = self.state[node.of.name]
        return held if isinstance(held, str) else None

    def clock(self, node: Clock) -> str:
        if isinstance(node.at, str):
            return node.at
        held = self.state[node.at.name]
        assert isinstance(held, str)
        return held

    def holds(self, node: object) -> bool:
        match node:
            case Compare(op, Clock() as left, Clock() as right):
                return _compare(op, self.clock(left), self.clock(right))
            case Compare(op, left, right):
                return _compare(op, self.number(left), self.number(right))
            case SameText(left, right):
                return self.words(left) == self.words(right)
            case IsMember(var, member, equal):
                return (self.state[var.name] == fold(member)) == equal
            case IsTrue(var, value):
                return self.state[var.name] is value
            case AnyIsNumber(var, value):
                return same(self.state[var.name], value)
            case AnySame(var, other):
                return same(self.state[var.name], self.state[other.name])
            case Not(operand):
                return not self.holds(operand)
            case And(left, right):
                return self.holds(left) and self.holds(right)
            case Or(left, right):
                return self.holds(left) or self.holds(right)
        raise TypeError(node)

    def put(self, var: Var, value: Scalar) -> None:
        self.state[var.name] = value
        self.assigned[var.name] = self.line

    def put_fitting(self, var: Var, value: Scalar) -> None:
        fitting = converted(value, var)
        if fitting is _REFUSED:
            raise Failed(Failure.OUTSIDE)
        self.put(var, fitting)  # type: ignore[arg-type]

    def put_number(self, var: Var, number: Fraction) -> None:
        value = stored(number, var)
        if value is None:
            wide_enough = -(2**63) <= round(number * 10**var.decimals) < 2**63
            raise Failed(Failure.OUTSIDE if wide_enough else Failure.OVERFLOW)
        self.put(var, value)

    def act(self, action: Action) -> None:
        self.line = action.line
        match action:
            case Assign(var, Var() as other):
                self.put_fitting(var, self.state[other.name])
            case Assign(var, Clock() as value):
                self.put(var, self.clock(value))
            case Assign(var, Words() as value):
                self.put_fitting(var, self.words(value))
            case Assign(var, (Const() | Num() | Arith() | Neg() | Abs() | Round()) as value):
                self.put_number(var, self.number(value))
            case Assign(var, None | bool() | Decimal() | str() as value):
                self.put(var, fold(value) if var.members else value)  # type: ignore[arg-type]
            case Assign(var, value):
                self.put(var, self.holds(value))
            case Step(var, amount):
                held = self.state[var.name]
                assert isinstance(held, Decimal)
                self.put_number(var, Fraction(held) + Fraction(amount))
            case Next(var):
                if var.type == Type.BOOLEAN:
                    self.put(var, not self.state[var.name])
                else:
                    members = [fold(member) for member in var.members]
                    place = members.index(self.state[var.name])  # type: ignore[arg-type]
                    self.put(var, members[(place + 1) % len(members)])
            case Activate(var):
                self.put(var, None)
            case Start(var):
                self.put(var, Decimal(self.now + var.duration_ms))
            case Reset(var) | Cancel(var):
                if self.state[var.name]:
                    due = self.now + var.duration_ms if isinstance(action, Reset) else 0
                    self.put(var, Decimal(due))
            case Log(level, pieces):
                self.log.append((level, " ".join(map(self.piece, pieces)), self.line))

    def piece(self, piece: str | Var | Number) -> str:
        if isinstance(piece, str):
            return piece
        if not isinstance(piece, Var):
            whole = self.number(piece)
            text = format(Decimal(round(whole * 10**9)).scaleb(-9, EXACT), "f")
            text = text.rstrip("0").rstrip(".")
            return "0" if text == "-0" else text
        held = self.state[piece.name]
        for member in piece.members:
            if fold(member) == held:
                return member
        return held if isinstance(held, str) else json_text(held)

    def run(self, var: Var, value: Scalar) -> bool:
        """Take a message; return whether no ON wanted it."""
        before = dict(self.state)
        self.put(var, value)
        ons = [on for on in self.module.ons if on.var.name == var.name]
        wanted = self.first_that_holds(ons)
        self.whens(before)
        return bool(ons) and not wanted

    def run_ats(self, due: list[str]) -> None:
        """Take the message that these ATs are due."""
        before = dict(self.state)
        self.first_that_holds([at for at in self.module.ats if at.identity in due])
        self.whens(before)

    def first_that_holds(self, reactions: Sequence[On | AtDo]) -> bool:
        for reaction in reactions:
            self.line = reaction.line
            if all(self.holds(guard) for guard in reaction.guards):
                for action in reaction.actions:
                    self.act(action)
                return True
        return False

    def whens(self, before: dict[str, Scalar]) -> None:
        """Choose the WHENs by what differs from `before`, then run them."""
        chosen = []
        for when in self.module.whens:
            self.line = when.line
            reads = {v.name for v in variables_in(when.condition)}
            if any(not same(before[name], self.state[name]) for name in reads) and self.holds(
                when.condition
            ):
                chosen.append(when)
        for when in chosen:
            for action in when.actions:
                self.act(action)


def _compare(op: str, a: Any, b: Any) -> bool:
    return bool({"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}[op](a, b))


# ---------------------------------------------------------------------- a house


class TooLong(Exception):
    """More rows than a test wants to look at."""


class House:
    """Modules side by side, and what became of the messages that they were given."""

    def __init__(self, modules: Sequence[Module], most_rows: int = 2000) -> None:
        self.modules = sorted(modules, key=lambda module: module.name)
        self.most_rows = most_rows
        self.state = {m.name: {v.name: initial_of(v) for v in m.variables} for m in modules}
        self.written: dict[str, set[str]] = {m.name: set() for m in modules}
        self.rows: list[Row] = []
        self.changes: list[tuple[int, str, str, str]] = []

    def take(self, messages: Sequence[tuple[Topic, Scalar]], now: int = 0) -> None:
        """Process a batch; `rows` and `changes` are this batch's."""
        self.rows, self.changes = [], []
        self.now = now
        head = 0
        for number, (topic, scalar) in enumerate(messages):
            self.rows.append(Row(topic, json_text(scalar), -1 - number, -1, 0, scalar))
            while head < len(self.rows):
                if len(self.rows) > self.most_rows:
                    raise TooLong
                self._pass_on(head)
                head += 1

    def _pass_on(self, number: int) -> None:
        row = self.rows[number]
        hearing: list[tuple[Module, Var | None]] = [
            (module, var)
            for module in self.modules
            for var in module.variables
            if var.role in (Role.SUBSCRIBE, Role.TIMER) and var.topic == row.topic
        ]
        hearing += [
            (m, None) for m in self.modules if m.ats and row.topic == ("", m.name, AT_VARIABLE)
        ]
        if hearing and row.depth >= DEPTH:
            self._add("failed", None, row.producer, number, row.line)
            return
        for module, var in hearing:
            self._cycle(number, module, var)

    def _add(
        self, topic: Topic | str, scalar: Scalar, producer: str | int, cause: int, line: int
    ) -> None:
        depth = self.rows[cause].depth + 1
        if isinstance(topic, str):
            self.rows.append(Row(("", "$log", topic), None, producer, cause, line, None, depth))
        else:
            text = json_text(scalar)
            self.rows.append(Row(topic, text, producer, cause, line, scalar, depth))

    def _cycle(self, number: int, module: Module, var: Var | None) -> None:
        scalar = self.rows[number].scalar
        before = self.state[module.name]
        value = scalar if var is None else self._taken(scalar, var, before)
        if value is _REFUSED:
            assert var is not None
            self._add("rejected", None, module.name, number, var.line)
            return
        cycle = Cycle(module, dict(before), self.now)
        due = identities(scalar)
        unwanted = False
        try:
            if var is None:
                cycle.run_ats(due)
            else:
                unwanted = cycle.run(var, value)  # type: ignore[arg-type]
        except Failed:
            if var is not None and var.role == Role.TIMER:
                before[var.name] = Decimal(0)  # it has run out, whatever became of its cycle
                self.changes.append((number, module.name, var.name, "0"))
            self._add("failed", None, module.name, number, cycle.line)
            return
        self._publish(number, cycle)
        if unwanted and var is not None:
            self._add("unhandled", None, module.name, number, var.line)
        if var is None and (not due or set(due) - {at.identity for at in module.ats}):
            self._add("unhandled", None, module.name, number, 0)

    def _taken(self, scalar: Scalar, var: Var, state: dict[str, Scalar]) -> object:
        if var.role != Role.TIMER:
            return converted(scalar, var)
        due = state[var.name]
        runs_out = isinstance(due, Decimal) and 0 < due <= self.now and scalar is None
        return Decimal(0) if runs_out else _REFUSED

    def _publish(self, number: int, cycle: Cycle) -> None:
        module = cycle.module
        before, written = self.state[module.name], self.written[module.name]
        for declared in module.variables:
            name = declared.name
            if name not in cycle.assigned:
                continue
            after = cycle.state[name]
            event = declared.role == Role.PUBLIC and declared.type == Type.EVENT
            differs = name not in written or json_text(before[name]) != json_text(after)
            if differs and not event:
                self.changes.append((number, module.name, name, json_text(after)))
            if declared.role == Role.PUBLIC and (differs or event or len(declared.members) == 1):
                assert declared.topic is not None
                self._add(declared.topic, after, module.name, number, cycle.assigned[name])
            if not event:
                written.add(name)
        for level, text, line in cycle.log:
            topic = ("", "$log", ("info", "warn", "alert")[level])
            self._add(topic, text, module.name, number, line)
        self.state[module.name] = cycle.state


def identities(scalar: Scalar) -> list[str]:
    """Return the ATs that a message names, none if it is damaged."""
    try:
        named = json.loads(scalar) if isinstance(scalar, str) else None
    except ValueError:
        return []
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
