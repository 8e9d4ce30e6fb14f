"""How one module takes one message.

What a module holds is a dict of what was ever written, by (name, key): the key is "" for a plain
variable, an instance's for one that each instance has, and a map's for what a map has for it.
What is not there reads as its initial value.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne

from core.interpreter.tree import (
    Abs,
    Action,
    Activate,
    And,
    AnyIsNumber,
    AnySame,
    Arith,
    Assign,
    AtDo,
    Call,
    Cancel,
    Clock,
    Compare,
    Condition,
    Const,
    Create,
    Drop,
    IsMember,
    IsNumber,
    IsTrue,
    Log,
    Module,
    Moment,
    Neg,
    Next,
    Not,
    Num,
    Number,
    Of,
    On,
    Or,
    OwnKey,
    Place,
    Reset,
    Round,
    SameText,
    Start,
    Step,
    Var,
    WhenDo,
    Words,
    declared,
    is_keyed,
    places_in,
)
from core.interpreter.values import (
    EXACT,
    REFUSED,
    Failed,
    Scalar,
    Topic,
    converted,
    fold,
    initial_of,
    json_text,
    key_of,
    same,
    stored,
    wide,
)
from myocan.hub.core import Failure, Type
from myocan.hub.core.program import EXTERNAL_MODULE, ClockPart

Held = dict[tuple[str, str], Scalar]

LOG = [("", "$log", level) for level in ("info", "warn", "alert")]

_COMPARE = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


@dataclass
class Cycle:
    """One module, or one instance of it, taking one message."""

    module: Module
    held: Held
    before: Held = field(default_factory=dict)  # "differs" is measured against this
    now: int = 0
    instance: str = ""
    assigned: dict[Place, int] = field(default_factory=dict)  # -> line of the last assignment
    said: list[tuple[Topic, str, int]] = field(default_factory=list)  # log lines and calls
    births: list[tuple[str, bool, int]] = field(default_factory=list)  # key, or of a drop: False
    line: int = 0

    # ------------------------------------------------------------------ places

    def slot(self, place: Place) -> tuple[str, str]:
        """Return under which name and key a place is held."""
        if isinstance(place, Of):
            return fold(place.var.name), key_of(self.words(place.key))
        return fold(place.name), self.instance if place.keyed else ""

    def get(self, place: Place) -> Scalar:
        return self.held.get(self.slot(place), initial_of(declared(place)))

    def differs(self, place: Place) -> bool:
        earlier = self.before.get(self.slot(place), initial_of(declared(place)))
        return not same(earlier, self.get(place))

    def differs_somewhere(self, place: Place) -> bool:
        """Tell whether a variable differs, or any value of a map."""
        if isinstance(place, Var):
            return self.differs(place)
        return any(
            isinstance(p, Of) and p.var == place.var and self.differs(p) for p in self.assigned
        )

    def put(self, place: Place, value: Scalar) -> None:
        slot = self.slot(place)
        self.held[slot] = value
        fixed = Of(place.var, Words(slot[1])) if isinstance(place, Of) else place
        self.assigned[fixed] = self.line

    def put_fitting(self, place: Place, value: Scalar) -> None:
        fitting = converted(value, declared(place))
        if fitting is REFUSED:
            raise Failed(Failure.OUTSIDE)
        self.put(place, fitting)  # type: ignore[arg-type]

    def put_number(self, place: Place, number: Fraction) -> None:
        var = declared(place)
        value = stored(number, var)
        if value is None:
            wide_enough = -(2**63) <= round(number * 10**var.decimals) < 2**63
            raise Failed(Failure.OUTSIDE if wide_enough else Failure.OVERFLOW)
        self.put(place, value)

    # ------------------------------------------------------------------ expressions

    def number(self, node: object) -> Fraction:
        match node:
            case Const(value):
                return Fraction(value)
            case Num(place):
                held = self.get(place)
                if not isinstance(held, Decimal):
                    raise Failed(Failure.NOT_A_NUMBER)
                return Fraction(held)
            case Moment(part, offset):
                return self.moment(part, offset)
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

    def moment(self, part: ClockPart, offset: Var) -> Fraction:
        """Return a part of the log's time; of NOW in seconds, of TIME in minutes of the day."""
        if part == ClockPart.NOW:
            return Fraction(self.now, 1000)
        minutes = self.get(offset)
        assert isinstance(minutes, Decimal)
        local = self.now // 1000 + 60 * int(minutes)
        of_day = local // 60 % 1440
        return Fraction(
            {
                ClockPart.HOUR: of_day // 60,
                ClockPart.MINUTE: of_day % 60,
                ClockPart.SECOND: local % 60,
                ClockPart.TIME: of_day,
            }[part]
        )

    def words(self, node: Words) -> str | None:
        if isinstance(node.of, str):
            return node.of
        if isinstance(node.of, OwnKey):
            return self.instance
        held = self.get(node.of)
        return held if isinstance(held, str) else None

    def clock(self, node: Clock) -> str:
        if isinstance(node.at, str):
            return node.at
        if isinstance(node.at, Moment):
            minutes = int(self.moment(node.at.part, node.at.offset))
            return f"{minutes // 60:02d}:{minutes % 60:02d}"
        held = self.get(node.at)
        assert isinstance(held, str)
        return held

    def holds(self, node: object) -> bool:
        match node:
            case Compare(op, Clock() as left, Clock() as right):
                return bool(_COMPARE[op](self.clock(left), self.clock(right)))
            case Compare(op, left, right):
                return bool(_COMPARE[op](self.number(left), self.number(right)))
            case SameText(left, right):
                return self.words(left) == self.words(right)
            case IsMember(place, member, equal):
                return (self.get(place) == fold(member)) == equal
            case IsTrue(place, value):
                return self.get(place) is value
            case AnyIsNumber(var, value):
                return same(self.get(var), value)
            case IsNumber(var):
                return isinstance(self.get(var), Decimal)
            case AnySame(var, other):
                return same(self.get(var), self.get(other))
            case Not(operand):
                return not self.holds(operand)
            case And(left, right):
                return self.holds(left) and self.holds(right)
            case Or(left, right):
                return self.holds(left) or self.holds(right)
        raise TypeError(node)

    # ------------------------------------------------------------------ actions

    def act(self, action: Action) -> None:
        self.line = action.line
        match action:
            case Assign(place, (Var() | Of()) as other):
                self.put_fitting(place, self.get(other))
            case Assign(place, Clock() as value):
                self.put(place, self.clock(value))
            case Assign(place, Words() as value):
                self.put_fitting(place, self.words(value))
            case Assign(
                place, (Const() | Num() | Moment() | Arith() | Neg() | Abs() | Round()) as value
            ):
                self.put_number(place, self.number(value))
            case Assign(place, None | bool() | Decimal() | str() as value):
                self.put(place, fold(value) if declared(place).members else value)  # type: ignore[arg-type]
            case Assign(place, value):
                self.put(place, self.holds(value))
            case Step(place, amount):
                held = self.get(place)
                assert isinstance(held, Decimal)
                self.put_number(place, Fraction(held) + Fraction(amount))
            case Next(place):
                self.put(place, self.after(place))
            case Activate(place):
                self.put(place, None)
            case Start(var):
                self.put(var, Decimal(self.now + var.duration_ms))
            case Reset(var) | Cancel(var):
                if self.get(var):
                    due = self.now + var.duration_ms if isinstance(action, Reset) else 0
                    self.put(var, Decimal(due))
            case Create(key) | Drop(key):
                name = key_of(self.words(key))
                self.births.append((name, isinstance(action, Create), self.line))
            case Log(level, pieces):
                self.say(LOG[level], " ".join(map(self.piece, pieces)))
            case Call(function, arguments):
                told = "[" + ",".join(map(self.argument, arguments)) + "]"
                self.say(("", EXTERNAL_MODULE, function), told)

    def say(self, topic: Topic, text: str) -> None:
        self.said.append((topic, text, self.line))

    def after(self, place: Place) -> Scalar:
        """Return what follows the value of an ENUMERATION or BOOLEAN."""
        var, held = declared(place), self.get(place)
        if var.type == Type.BOOLEAN:
            return not held
        members = [fold(member) for member in var.members]
        return members[(members.index(held) + 1) % len(members)]  # type: ignore[arg-type]

    def piece(self, piece: str | OwnKey | Place | Number) -> str:
        if isinstance(piece, str):
            return piece
        if isinstance(piece, OwnKey):
            return self.instance
        if not isinstance(piece, (Var, Of)):
            return shown(self.number(piece))
        held = self.get(piece)
        for member in declared(piece).members:
            if fold(member) == held:
                return member
        return held if isinstance(held, str) else json_text(held)

    def argument(self, argument: object) -> str:
        """Return what an EXTERNAL function is given, as JSON."""
        match argument:
            case str():
                return json_text(argument)
            case OwnKey():
                return json_text(self.instance)
            case Var() | Of():
                return json_text(self.get(argument))
            case Const() | Num() | Moment() | Arith() | Neg() | Abs() | Round():
                return shown(self.number(argument))
        return json_text(self.holds(argument))

    # ------------------------------------------------------------------ reactions

    def first_that_holds(self, reactions: Sequence[On | AtDo]) -> bool:
        """Run the first of these whose guards hold; return whether there was one."""
        for reaction in reactions:
            if is_keyed(reaction) != bool(self.instance):
                continue
            if all(self.holds_in(guard, line) for guard, line in reaction.guarded()):
                for action in reaction.actions:
                    self.act(action)
                return True
        return False

    def holds_in(self, guard: Condition, line: int) -> bool:
        self.line = line
        return self.holds(guard)

    def run_whens(self) -> None:
        """Choose the WHENs that read what differs, and hold; then run them."""
        chosen = []
        for when in self.module.whens:
            if is_keyed(when) == bool(self.instance) and self.is_chosen(when):
                chosen.append(when)
        for when in chosen:
            for action in when.actions:
                self.act(action)

    def is_chosen(self, when: WhenDo) -> bool:
        """Tell whether a WHEN reads what differs, and holds.

        One that reads a map is looked at when any of its values differs; only then does its key
        have to be one.
        """
        self.line = when.line
        places = plain_first(when.condition)
        if not any(map(self.differs_somewhere, places)):
            return False
        return any(map(self.differs, places)) and self.holds(when.condition)


def plain_first(condition: Condition) -> list[Place]:
    """Return what a condition reads: variables, then values of maps, which need a key."""
    return sorted(dict.fromkeys(places_in(condition)), key=lambda place: isinstance(place, Of))


def shown(number: Fraction) -> str:
    """Return a number of an expression as people write it."""
    text = format(Decimal(round(number * 10**9)).scaleb(-9, EXACT), "f")
    text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def identities(scalar: Scalar) -> list[str]:
    """Return the ATs that a message names, none if it is damaged."""
    try:
        named = json.loads(scalar) if isinstance(scalar, str) else None
    except ValueError:
        return []
    return [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
