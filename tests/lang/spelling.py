"""From the reference's tree to the text of a module, as somebody might have written it.

The one idea: every statement stands in the line that the tree gives it, so that records name the
same lines whichever way a module came.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from core import reference as ref
from core.reference import Module, Of, OwnKey, Var, Words, declared
from myocan.hub.core import Role, Type
from myocan.hub.core.program import ClockPart

TIMES = ("00:01", "00:02")
"""When the ATs are due; only their order matters to a core, which is told."""

_PARTS = {part: f"system.clock#{part.name.lower()}" for part in ClockPart}
_LEVELS = ("info", "warn", "alert")


def spell(module: Module) -> str:
    """Return the text of a module."""
    key = f"[{module.key}]" if module.key else ""
    lines = {1: f"MODULE {module.name}{key}{' AUTO' * module.auto}"}
    for var in module.variables:
        if var.line and "#" not in var.name:
            lines[var.line] = "\t" + declaration(var, module)
    writer = Spelling(module)
    for on in module.ons:
        writer.reaction(lines, f"ON {writer.name(on.var)}", on)
    for number, at in enumerate(module.ats):
        writer.reaction(lines, f"AT {TIMES[number]}", at)
    for when in module.whens:
        writer.reaction(lines, f"WHEN {writer.condition(when.condition)}", when)
    last = max(lines)
    text = [lines.get(number, "") for number in range(1, last + 1)]
    if any(
        isinstance(part, ref.Call) for part in ref.parts_of((module.ons, module.ats, module.whens))
    ):
        text.append("EXTERNAL notify")
    return "\n".join(text) + "\n"


def declaration(var: Var, module: Module) -> str:
    if var.role == Role.TIMER:
        return f"TIMER {var.name}{'[room]' * var.keyed} {var.duration_ms // 1000} s"
    key = "[room]" * (var.keyed or var.map) + f'["{var.instance}"]' * bool(var.instance)
    if var.role == Role.PRIVATE:
        name, local = f"{var.name}{key}", ""
    else:
        assert var.topic is not None
        domain, owner, variable = var.topic
        if owner == module.name:
            name = f"{var.name}{key}"
        else:
            name = ".".join(filter(None, (domain, f"{owner}{key}", variable)))
        local = f" AS {var.name}" if owner != module.name or var.instance else ""
    return f"{var.role.name} {name} {constraint(var)}{local}"


def constraint(var: Var) -> str:
    match var.type:
        case Type.ENUMERATION:
            return "{" + ",".join(var.members) + "}"
        case Type.BOOLEAN:
            return "{false,true}" + " = true" * (var.initial is True)
        case Type.TEXT | Type.TIME:
            return constant(var, var.initial)
        case Type.DECIMAL if var.lower is None and var.upper is None:
            return number_text(Decimal(0).scaleb(-var.decimals))
        case Type.DECIMAL:
            low = "" if var.lower is None else number_text(var.lower)
            high = "" if var.upper is None else number_text(var.upper)
            return f"{{{low}-{high}}}"
    return ""


def number_text(value: Decimal) -> str:
    return format(value, "f")


def constant(var: Var, value: ref.Scalar) -> str:
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f'"{value}"' if var.type == Type.TEXT else str(value)


class Spelling:
    """Writes the rules of one module."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def reaction(self, lines: dict[int, str], opening: str, reaction: Any) -> None:
        lines[reaction.line] = opening
        for guard, number in () if isinstance(reaction, ref.WhenDo) else reaction.guarded():
            lines[number] = f"\tAND {self.condition(guard)}"
        for action in reaction.actions:
            lines[action.line] = f"\tTHEN {self.action(action)}"

    # ------------------------------------------------------------------ places and values

    def name(self, place: ref.Place) -> str:
        if isinstance(place, Of):
            return f"{place.var.name}[{self.words(place.key)}]"
        own = place.keyed and place.role in (Role.PUBLIC, Role.PRIVATE) and "#" not in place.name
        return f"{place.name}[{self.module.key}]" if own else place.name

    def words(self, node: Words) -> str:
        if isinstance(node.of, OwnKey):
            return self.module.key
        return f'"{node.of}"' if isinstance(node.of, str) else self.name(node.of)

    def clock(self, node: ref.Clock) -> str:
        if isinstance(node.at, ref.Moment):
            return _PARTS[node.at.part]
        return node.at if isinstance(node.at, str) else self.name(node.at)

    def number(self, node: Any) -> str:
        match node:
            case ref.Const(value):
                return number_text(value) if value >= 0 else f"({number_text(value)})"
            case ref.Num(place):
                return self.name(place)
            case ref.Moment(part, _):
                return _PARTS[part]
            case ref.Neg(operand):
                return f"-({self.number(operand)})"
            case ref.Abs(operand):
                return f"abs({self.number(operand)})"
            case ref.Round(operand, digits):
                return f"round({self.number(operand)}, {digits})"
            case ref.Arith("min" | "max" as op, left, right):
                return f"{op}({self.number(left)}, {self.number(right)})"
            case ref.Arith(op, left, right):
                return f"({self.number(left)}) {op} ({self.number(right)})"
        raise TypeError(node)

    def condition(self, node: Any) -> str:
        match node:
            case ref.Compare(op, left, right):
                sides = [
                    self.clock(one) if isinstance(one, ref.Clock) else self.number(one)
                    for one in (left, right)
                ]
                return f"{sides[0]} {op} {sides[1]}"
            case ref.SameText(left, right):
                return f"{self.words(left)} == {self.words(right)}"
            case ref.IsMember(place, member, equal):
                return f"{self.name(place)} {'==' if equal else '!='} {member}"
            case ref.IsTrue(place, value):
                return f"{self.name(place)} == {'true' if value else 'false'}"
            case ref.AnyIsNumber(var, value):
                return f"{self.name(var)} == {self.number(ref.Const(value))}"
            case ref.And(ref.IsNumber(), ref.Compare() as same):
                return self.condition(same)
            case ref.AnySame(var, other):
                return f"{self.name(var)} == {self.name(other)}"
            case ref.Not(operand):
                return f"NOT ({self.condition(operand)})"
            case ref.And(left, right):
                return f"({self.condition(left)}) AND ({self.condition(right)})"
            case ref.Or(left, right):
                return f"({self.condition(left)}) OR ({self.condition(right)})"
        raise TypeError(node)

    # ------------------------------------------------------------------ actions

    def action(self, action: ref.Action) -> str:
        match action:
            case ref.Assign(place, value):
                return f"{self.name(place)} = {self.value(declared(place), value)}"
            case ref.Step(place, amount):
                return f"{self.name(place)}{'++' if amount > 0 else '--'}"
            case ref.Next(place):
                return f"next({self.name(place)})"
            case ref.Activate(place):
                return f"activate({self.name(place)})"
            case ref.Start(var) | ref.Reset(var) | ref.Cancel(var):
                return f"{type(action).__name__.lower()}({self.name(var)})"
            case ref.Create(key) | ref.Drop(key):
                return f"{type(action).__name__.lower()}({self.words(key)})"
            case ref.Log(0, pieces):
                return f"log({', '.join(map(self.piece, pieces))})"
            case ref.Log(level, (piece,)):
                return f"system.log#{_LEVELS[level]} = {self.piece(piece)}"
            case ref.Call(function, arguments):
                return f"{function}({', '.join(map(self.piece, arguments))})"
        raise TypeError(action)

    def value(self, var: Var, value: Any) -> str:
        match value:
            case Var() | Of():
                return self.name(value)
            case ref.Clock():
                return self.clock(value)
            case Words(str() as text) if var.type == Type.ENUMERATION:
                return text
            case Words():
                return self.words(value)
            case None | bool() | Decimal() | str():
                return constant(var, value)
            case _ if isinstance(value, ref.Number):
                return self.number(value)
        return self.condition(value)

    def piece(self, piece: Any) -> str:
        match piece:
            case str():
                return f'"{piece}"'
            case OwnKey():
                return self.module.key
            case Var() | Of():
                return self.name(piece)
            case _ if isinstance(piece, ref.Number):
                return self.number(piece)
        return f"({self.condition(piece)})"
