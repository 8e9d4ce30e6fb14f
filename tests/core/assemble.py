"""From the reference's tree to a Program, and from rows of the core to what people read.

The one idea: a second, small compiler, independent of `myocan.hub.lang`, so that the core is tested
alone. Where the instruction set has two ways to say a thing, `short` chooses the shorter one.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from core import reference as ref
from myocan.hub.core import At, Core, Op, Program, Role, Type, Variable, When
from myocan.hub.core.program import DIGITS, INT64_MAX, INT64_MIN
from myocan.hub.core.scalars import parse_scalar, scalar_json

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

    def number(self, node: Any) -> None:
        match node:
            case ref.Const(value):
                self.push(value)
            case ref.Num(var) if var.type == Type.ANY:
                self.emit(Op.LOAD_NUMBER, self.of(var))
            case ref.Num(var):
                self.emit(Op.LOAD, self.of(var), DIGITS - var.decimals)
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
        else:
            self.emit(Op.LOAD, self.of(node.at))

    def words(self, node: ref.Words) -> None:
        if isinstance(node.of, str):
            self.emit(Op.PUSH_TEXT, self.text(node.of))
        else:
            self.emit(Op.LOAD_TEXT, self.of(node.of))

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
            case ref.IsMember(var, member, equal):
                self.emit(Op.LOAD_TEXT, self.of(var))
                self.emit(Op.PUSH_TEXT, self.text(ref.fold(member)))
                self.emit(Op.EQ if equal else Op.NE)
            case ref.IsTrue(var, value):
                self.emit(Op.LOAD_TRUTH if var.type == Type.ANY else Op.LOAD, self.of(var))
                self.emit(Op.PUSH, int(value))
                self.emit(Op.EQ)
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
                case ref.IsMember(var, member, equal):
                    members = [ref.fold(name) for name in var.members]
                    number = members.index(ref.fold(member))
                    op = Op.UNLESS_EQ if equal else Op.UNLESS_NE
                    self.emit(op, place, self.of(var), number)
                    return
                case ref.IsTrue(var, value) if var.type == Type.BOOLEAN:
                    self.emit(Op.UNLESS_EQ, place, self.of(var), int(value))
                    return
                case ref.Compare(op, ref.Clock(ref.Var() as var), ref.Clock(str() as at)):
                    self.emit(Op["UNLESS_" + _COMPARE[op]], place, self.of(var), minutes(at))
                    return
                case ref.Compare(op, ref.Num(var), ref.Const(value)) if (
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
            case ref.Assign(var, ref.Var() as other):
                self.emit(Op.COPY, self.of(var), self.of(other))
            case ref.Assign(var, ref.Clock() as value):
                self.clock(value)
                self.emit(Op.STORE_RAW, self.of(var))
            case ref.Assign(var, ref.Words() as value):
                self.words(value)
                self.emit(Op.STORE_TEXT, self.of(var))
            case ref.Assign(var, str() as value) if var.type == Type.TEXT:
                self.emit(Op.SET_TEXT, self.of(var), self.text(value))
            case ref.Assign(var, None | bool() | Decimal() | str() as value):
                self.emit(Op.SET, self.of(var), slot_units(var, value))
            case ref.Assign(var, value) if var.type == Type.DECIMAL:
                self.number(value)
                self.emit(Op.STORE, self.of(var))
            case ref.Assign(var, value):
                self.condition(value)
                self.emit(Op.STORE_RAW, self.of(var))
            case ref.Step(var, amount):
                self.emit(Op.ADD_CONST, self.of(var), int(amount.scaleb(var.decimals)))
            case ref.Next(var):
                self.emit(Op.NEXT, self.of(var))
            case ref.Activate(var):
                self.emit(Op.ACTIVATE, self.of(var))
            case ref.Start(var):
                self.emit(Op.START, self.of(var), var.duration_ms)
            case ref.Reset(var):
                self.emit(Op.RESET, self.of(var), var.duration_ms)
            case ref.Cancel(var):
                self.emit(Op.CANCEL, self.of(var))
            case ref.Log(level, pieces):
                for piece in pieces:
                    if isinstance(piece, str):
                        self.emit(Op.PIECE_TEXT, self.text(piece))
                    elif isinstance(piece, ref.Var):
                        self.emit(Op.PIECE_VAR, self.of(piece))
                    else:
                        self.number(piece)
                        self.emit(Op.PIECE_NUMBER)
                self.emit(Op.LOG, level)


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


def assemble(module: ref.Module, short: bool = True) -> Program:
    """Return the program that means the same as the tree."""
    out = Assembler(short)
    out.numbers = {var.name: number for number, var in enumerate(module.variables)}
    entries: dict[int, int] = {}
    for var in module.variables:
        ons = [on for on in module.ons if on.var.name == var.name]
        if ons:
            entries[out.of(var)] = len(out.code)
        for on in ons:
            reaction(out, on)
        if ons:
            out.emit(Op.UNMATCHED)
    ats = []
    for at in module.ats:
        ats.append(At(at.identity, "[]", len(out.code), at.line))
        reaction(out, at)
        out.emit(Op.UNMATCHED)
    whens = []
    for when in module.whens:
        out.line(when.line)
        condition, further = len(out.code), out.place()
        out.unless(when.condition, further)
        out.emit(Op.MATCHED)
        out.mark(further)
        out.emit(Op.UNMATCHED)
        actions = len(out.code)
        for action in when.actions:
            out.action(action)
        out.emit(Op.MATCHED)
        reads = sorted({out.of(var) for var in ref.variables_in(when.condition)})
        whens.append(When(condition, actions, tuple(reads), when.line))
    return Program(
        module=module.name,
        variables=tuple(map(variable, module.variables)),
        code=out.finish(),
        texts=tuple(out.texts),
        entries=entries,
        whens=tuple(whens),
        lines=tuple(out.lines),
        ats=tuple(ats),
    )


def reaction(out: Assembler, on: ref.On | ref.AtDo) -> None:
    """Append guards and actions; what follows is where they jump that do not hold."""
    out.line(on.line)
    further = out.place()
    for guard in on.guards:
        out.unless(guard, further)
    for action in on.actions:
        out.action(action)
    out.emit(Op.MATCHED)
    out.mark(further)


def variable(var: ref.Var) -> Variable:
    initial: int | str
    if var.type == Type.TEXT:
        initial = str(var.initial or "")
    else:
        first = ref.initial_of(var)
        initial = 0 if first is None else slot_units(var, first)
    return Variable(
        name=var.name,
        role=Role(var.role),
        type=Type(var.type),
        topic=var.topic,
        decimals=var.decimals,
        lower=INT64_MIN if var.lower is None else slot_units(var, var.lower),
        upper=INT64_MAX if var.upper is None else slot_units(var, var.upper),
        members=var.members,
        initial=initial,
        line=var.line,
        duration_ms=var.duration_ms,
    )


# ---------------------------------------------------------------------- to and from a core


Message = tuple[ref.Topic, ref.Scalar]
Columns = tuple["array[int]", "array[int]", "array[int]"]


def batch(core: Core, messages: Sequence[Message]) -> Columns:
    """Return (topics, tags, values) for `Core.run`; every topic must be known to the core."""
    topics, tags, values = array("q"), array("q"), array("q")
    for topic, scalar in messages:
        tag, value = parse_scalar(ref.json_text(scalar), core.intern)
        number = core.topic(topic)
        assert number >= 0, f"no module names {topic}"
        topics.append(number)
        tags.append(tag)
        values.append(value)
    return topics, tags, values


def topic(name: str) -> ref.Topic:
    """Return the topic that `module.variable` stands for in the house's own domain."""
    module, _, variable = name.rpartition(".")
    return "", module, variable


def send(core: Core, *messages: tuple[str, ref.Scalar]) -> list[tuple[str, str]]:
    """Run messages as one batch; return what they led to as (`module.variable`, JSON text)."""
    core.run(*batch(core, [(topic(name), scalar) for name, scalar in messages]))
    return [
        (f"{name[1]}.{name[2]}", text)
        for name, text, producer, _cause, _line in rows_of(core)
        if not isinstance(producer, int)
    ]


def rows_of(core: Core) -> list[tuple[ref.Topic, str, str | int, int, int]]:
    """Return the last run's rows as (topic, JSON text, producer, cause, line)."""
    return [
        (
            core.topics[number],
            scalar_json(tag, value, core.texts),
            core.programs[module].module if module >= 0 else module,
            cause,
            core.line(pc),
        )
        for number, tag, value, module, cause, pc, _key in core.rows()
    ]


def changes_of(core: Core) -> list[tuple[int, str, str, str]]:
    """Return the last run's changes as (row, module, variable, JSON text)."""
    return [
        (row, *core.name_of(slot), scalar_json(tag, value, core.texts))
        for row, slot, tag, value, _key in core.changes()
    ]


def held(core: Core, module: str, variable: str) -> str:
    """Return the JSON text of what is in a variable."""
    scalar = core.read(module, variable)
    assert scalar is not None, f"{module} has no {variable}"
    return scalar_json(*scalar, core.texts)


def linked(*modules: ref.Module | Program) -> Core:
    """Return a core that runs these modules."""
    core = Core()
    core.link([assemble(m) if isinstance(m, ref.Module) else m for m in modules])
    return core
