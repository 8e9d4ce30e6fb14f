"""Instructions for the expressions and actions of the reference's tree.

The one idea: a second, small compiler, independent of `myocan.hub.lang`, so that the core is tested
alone. Where the instruction set has two ways to say a thing, `short` chooses the shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core import reference as ref
from myocan.hub.core import Op, Type
from myocan.hub.core.program import DIGITS, INT64_MAX, INT64_MIN

_COMPARE = {"==": "EQ", "!=": "NE", "<": "LT", "<=": "LE", ">": "GT", ">=": "GE"}
_ARITH = {"+": Op.ADD, "-": Op.SUB, "*": Op.MUL, "/": Op.DIV, "min": Op.MIN, "max": Op.MAX}


class Assembler:
    """Collects instructions; `here` and `mark` join jumps to places."""

    def __init__(self, short: bool = True) -> None:
        self.short = short
        self.code: list[int] = []
        self.texts: list[str] = []
        self.lines: list[tuple[int, int]] = []
        self.numbers: dict[str, int] = {}
        self.places: list[int] = []

    def emit(self, op: Op, a: int = 0, b: int = 0, c: int = 0) -> int:
        """Append an instruction; return its pc."""
        self.code += (int(op), a, b, c)
        return len(self.code) - 4

    def line(self, line: int) -> None:
        """What follows stands at this line."""
        self.lines = [mark for mark in self.lines if mark[0] != len(self.code)]
        self.lines.append((len(self.code), line))

    def text(self, text: str) -> int:
        """Return the number of a text in `Program.texts`."""
        if text not in self.texts:
            self.texts.append(text)
        return self.texts.index(text)

    def place(self) -> int:
        """Return a name for a place that `mark` will set; jumps name it until `finish`."""
        self.places.append(-1)
        return len(self.places) - 1

    def mark(self, place: int) -> None:
        self.places[place] = len(self.code)

    def finish(self) -> tuple[int, ...]:
        """Return the code with every jump's place resolved."""
        for pc in range(0, len(self.code), 4):
            if Op(self.code[pc]).name.startswith(("JUMP", "UNLESS_")):
                self.code[pc + 1] = self.places[self.code[pc + 1]]
        return tuple(self.code)

    # ------------------------------------------------------------------ numbers

    def of(self, var: ref.Var) -> int:
        return self.numbers[var.name]

    def push(self, value: Decimal) -> None:
        units, decimals = scaled(value)
        self.emit(Op.PUSH, units, DIGITS - decimals)

    def select(self, place: ref.Place) -> int:
        """Let the variable of a place mean the place; return its number. `deselect` ends it."""
        var = ref.declared(place)
        if isinstance(place, ref.Of):
            key = place.key.of
            if isinstance(key, str) and self.short:
                self.emit(Op.SELECT, self.of(var), self.text(key))
            else:
                self.words(place.key)
                self.emit(Op.SELECT_BY, self.of(var))
        return self.of(var)

    def deselect(self, place: ref.Place) -> None:
        if isinstance(place, ref.Of):
            self.emit(Op.DESELECT)

    def on_place(self, op: Op, place: ref.Place, b: int = 0) -> None:
        """Append an instruction on a variable, or on the value that a map has for a key."""
        self.emit(op, self.select(place), b)
        self.deselect(place)

    def number(self, node: Any) -> None:
        match node:
            case ref.Const(value):
                self.push(value)
            case ref.Num(place) if ref.declared(place).type == Type.ANY:
                self.on_place(Op.LOAD_NUMBER, place)
            case ref.Num(place):
                self.on_place(Op.LOAD, place, DIGITS - ref.declared(place).decimals)
            case ref.Moment(part, offset):
                self.emit(Op.LOAD_CLOCK, int(part), self.of(offset))
            case ref.Neg(operand):
                self.number(operand)
                self.emit(Op.NEG)
            case ref.Abs(operand):
                self.number(operand)
                self.emit(Op.ABS)
            case ref.Round(operand, digits):
                self.number(operand)
                self.emit(Op.ROUND, digits)
            case ref.Arith(op, left, right):
                self.number(left)
                self.number(right)
                self.emit(_ARITH[op])
            case _:
                raise TypeError(node)

    def clock(self, node: ref.Clock) -> None:
        if isinstance(node.at, str):
            self.emit(Op.PUSH, minutes(node.at))
        elif isinstance(node.at, ref.Moment):
            self.number(node.at)
        else:
            self.on_place(Op.LOAD, node.at)

    def words(self, node: ref.Words) -> None:
        if isinstance(node.of, str):
            self.emit(Op.PUSH_TEXT, self.text(node.of))
        elif isinstance(node.of, ref.OwnKey):
            self.emit(Op.LOAD_KEY)
        else:
            self.on_place(Op.LOAD_TEXT, node.of)

    # ------------------------------------------------------------------ conditions

    def condition(self, node: Any) -> None:
        """Leave 0 or 1 on the stack."""
        match node:
            case ref.Compare(op, left, right):
                for side in (left, right):
                    self.clock(side) if isinstance(side, ref.Clock) else self.number(side)
                self.emit(Op[_COMPARE[op]])
            case ref.SameText(left, right):
                self.words(left)
                self.words(right)
                self.emit(Op.EQ)
            case ref.IsMember(place, member, equal):
                self.on_place(Op.LOAD_TEXT, place)
                self.emit(Op.PUSH_TEXT, self.text(ref.fold(member)))
                self.emit(Op.EQ if equal else Op.NE)
            case ref.IsTrue(place, value):
                any_kind = ref.declared(place).type == Type.ANY
                self.on_place(Op.LOAD_TRUTH if any_kind else Op.LOAD, place)
                self.emit(Op.PUSH, int(value))
                self.emit(Op.EQ)
            case ref.IsNumber(var):
                self.emit(Op.IS_NUMBER, self.of(var))
            case ref.AnyIsNumber(var, value):
                units, decimals = scaled(value)
                self.emit(Op.HAS_NUMBER, self.of(var), units, DIGITS - decimals)
            case ref.AnySame(var, other):
                self.emit(Op.ANY_EQUAL, self.of(var), self.of(other))
            case ref.Not(operand):
                self.condition(operand)
                self.emit(Op.NOT)
            case ref.And(left, right):
                self._either(left, right, Op.JUMP_UNLESS, 0)
            case ref.Or(left, right):
                self._either(left, right, Op.JUMP_IF, 1)
            case _:
                raise TypeError(node)

    def _either(self, left: Any, right: Any, jump: Op, known: int) -> None:
        decided, end = self.place(), self.place()
        self.condition(left)
        self.emit(jump, decided)
        self.condition(right)
        self.emit(Op.JUMP, end)
        self.mark(decided)
        self.emit(Op.PUSH, known)
        self.mark(end)

    def unless(self, node: Any, place: int) -> None:
        """Jump to `place` unless the condition holds."""
        if self.short:
            match node:
                case ref.And(left, right):
                    self.unless(left, place)
                    self.unless(right, place)
                    return
                case ref.IsMember(ref.Var() as var, member, equal):
                    members = [ref.fold(name) for name in var.members]
                    number = members.index(ref.fold(member))
                    op = Op.UNLESS_EQ if equal else Op.UNLESS_NE
                    self.emit(op, place, self.of(var), number)
                    return
                case ref.IsTrue(ref.Var() as var, value) if var.type == Type.BOOLEAN:
                    self.emit(Op.UNLESS_EQ, place, self.of(var), int(value))
                    return
                case ref.Compare(op, ref.Clock(ref.Var() as var), ref.Clock(str() as at)):
                    self.emit(Op["UNLESS_" + _COMPARE[op]], place, self.of(var), minutes(at))
                    return
                case ref.Compare(op, ref.Num(ref.Var() as var), ref.Const(value)) if (
                    var.type == Type.DECIMAL and -value.as_tuple().exponent <= var.decimals  # type: ignore[operator]
                ):
                    units = int(value.scaleb(var.decimals))
                    if INT64_MIN <= units <= INT64_MAX:
                        op_short = Op["UNLESS_" + _COMPARE[op]]
                        self.emit(op_short, place, self.of(var), units)
                        return
        self.condition(node)
        self.emit(Op.JUMP_UNLESS, place)

    # ------------------------------------------------------------------ actions

    def action(self, action: ref.Action) -> None:
        self.line(action.line)
        match action:
            case ref.Assign(ref.Var() as var, ref.Var() as other):
                self.emit(Op.COPY, self.of(var), self.of(other))
            case ref.Assign(place, (ref.Var() | ref.Of()) as other):
                self.copy(place, other)
            case ref.Assign(place, ref.Clock() as value):
                self.clock(value)
                self.on_place(Op.STORE_RAW, place)
            case ref.Assign(place, ref.Words() as value):
                self.words(value)
                self.on_place(Op.STORE_TEXT, place)
            case ref.Assign(place, str() as value) if ref.declared(place).type == Type.TEXT:
                self.on_place(Op.SET_TEXT, place, self.text(value))
            case ref.Assign(place, None | bool() | Decimal() | str() as value):
                self.on_place(Op.SET, place, slot_units(ref.declared(place), value))
            case ref.Assign(place, value) if ref.declared(place).type == Type.DECIMAL:
                self.number(value)
                self.on_place(Op.STORE, place)
            case ref.Assign(place, value):
                self.condition(value)
                self.on_place(Op.STORE_RAW, place)
            case ref.Step(place, amount):
                units = int(amount.scaleb(ref.declared(place).decimals))
                self.on_place(Op.ADD_CONST, place, units)
            case ref.Next(place):
                self.on_place(Op.NEXT, place)
            case ref.Activate(place):
                self.on_place(Op.ACTIVATE, place)
            case ref.Start(var):
                self.emit(Op.START, self.of(var), var.duration_ms)
            case ref.Reset(var):
                self.emit(Op.RESET, self.of(var), var.duration_ms)
            case ref.Cancel(var):
                self.emit(Op.CANCEL, self.of(var))
            case ref.Create(key) | ref.Drop(key):
                self.words(key)
                self.emit(Op.CREATE if isinstance(action, ref.Create) else Op.DROP)
            case ref.Log(level, pieces):
                for piece in pieces:
                    self.piece(piece)
                self.emit(Op.LOG, level)
            case ref.Call(function, arguments):
                for argument in arguments:
                    self.argument(argument)
                self.emit(Op.CALL, self.text(function))

    def copy(self, place: ref.Place, other: ref.Place) -> None:
        """Append `place = other` where one is of a map: over the stack, as COPY names two."""
        kind = ref.declared(place).type
        if kind == Type.DECIMAL:
            self.number(ref.Num(other))
            self.on_place(Op.STORE, place)
        elif kind in (Type.BOOLEAN, Type.TIME):
            self.on_place(Op.LOAD, other)
            self.on_place(Op.STORE_RAW, place)
        else:
            self.words(ref.Words(other))
            self.on_place(Op.STORE_TEXT, place)

    def piece(self, piece: Any) -> None:
        match piece:
            case str():
                self.emit(Op.PIECE_TEXT, self.text(piece))
            case ref.OwnKey():
                self.emit(Op.PIECE_KEY)
            case ref.Var() | ref.Of():
                self.on_place(Op.PIECE_VAR, piece)
            case _:
                self.number(piece)
                self.emit(Op.PIECE_NUMBER)

    def argument(self, argument: Any) -> None:
        match argument:
            case str():
                self.emit(Op.ARGUMENT_TEXT, self.text(argument))
            case ref.OwnKey():
                self.emit(Op.ARGUMENT_KEY)
            case ref.Var() | ref.Of():
                self.on_place(Op.ARGUMENT_VAR, argument)
            case _ if isinstance(argument, ref.Number):
                self.number(argument)
                self.emit(Op.ARGUMENT_NUMBER)
            case _:
                self.condition(argument)
                self.emit(Op.ARGUMENT_TRUTH)

    def candidate(self, places: Sequence[ref.Place], further: int) -> None:
        """Jump to `further` unless one of these places differs; needed where maps are read."""
        chosen = self.place()
        for place in places:
            self.on_place(Op.DIFFERS, place)
            self.emit(Op.JUMP_IF, chosen)
        self.emit(Op.JUMP, further)
        self.mark(chosen)


def scaled(value: Decimal) -> tuple[int, int]:
    """Return (units, decimals) of a number as it travels."""
    decimals = -value.as_tuple().exponent  # type: ignore[operator]
    return int(value.scaleb(decimals, ref.EXACT)), decimals


def minutes(at: str) -> int:
    return int(at[:2]) * 60 + int(at[3:])


def slot_units(var: ref.Var, value: ref.Scalar) -> int:
    """Return a constant in the units of a variable's slot."""
    match value:
        case Decimal():
            return int(value.scaleb(var.decimals, ref.EXACT))
        case str() if var.type == Type.ENUMERATION:
            return [ref.fold(name) for name in var.members].index(ref.fold(value))
        case str():
            return minutes(value)
    return int(value or 0)
