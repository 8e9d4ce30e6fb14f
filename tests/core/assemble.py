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
from myocan.hub.core import At, Core, Op, Program, Role, Tag, Type, Variable, When
from myocan.hub.core.program import DIGITS, INT64_MAX, INT64_MIN, Attribute
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


def assemble(module: ref.Module, short: bool = True) -> Program:
    """Return the program that means the same as the tree."""
    out = Assembler(short)
    out.numbers = {var.name: number for number, var in enumerate(module.variables)}
    ats = []
    entries = chains(out, [on for on in module.ons if not ref.is_keyed(on)])
    keyed_entries = chains(out, [on for on in module.ons if ref.is_keyed(on)])
    for at in module.ats:
        ats.append(At(at.identity, "[]", len(out.code), at.line, ref.is_keyed(at)))
        reaction(out, at)
        out.emit(Op.UNMATCHED)
    whens = tuple(reaction_to_what_differs(out, when) for when in module.whens)
    return Program(
        module=module.name,
        variables=tuple(map(variable, module.variables)),
        code=out.finish(),
        texts=tuple(out.texts),
        entries=entries,
        whens=whens,
        lines=tuple(out.lines),
        ats=tuple(ats),
        key=module.key,
        auto=module.auto,
        keyed_entries=keyed_entries,
        attributes=tuple(
            Attribute(told.kind, out.of(told.of), out.of(told.var)) for told in module.attributes
        ),
    )


def chains(out: Assembler, ons: Sequence[ref.On]) -> dict[int, int]:
    """Append the ONs of each variable; return where they start."""
    entries: dict[int, int] = {}
    for name, number in out.numbers.items():
        chain = [on for on in ons if on.var.name == name]
        if chain:
            entries[number] = len(out.code)
            for on in chain:
                reaction(out, on)
            out.emit(Op.UNMATCHED)
    return entries


def reaction_to_what_differs(out: Assembler, when: ref.WhenDo) -> When:
    """Append a WHEN: its condition, then its actions."""
    out.line(when.line)
    condition, further = len(out.code), out.place()
    places = list(dict.fromkeys(ref.places_in(when.condition)))
    if any(isinstance(place, ref.Of) for place in places):
        out.candidate(places, further)
    out.unless(when.condition, further)
    out.emit(Op.MATCHED)
    out.mark(further)
    out.emit(Op.UNMATCHED)
    actions = len(out.code)
    for action in when.actions:
        out.action(action)
    out.emit(Op.MATCHED)
    reads = sorted({out.of(ref.declared(place)) for place in places})
    return When(condition, actions, tuple(reads), when.line, ref.is_keyed(when))


def reaction(out: Assembler, on: ref.On | ref.AtDo) -> None:
    """Append guards and actions; what follows is where they jump that do not hold."""
    out.line(on.line)
    further = out.place()
    for guard, line in on.guarded():
        out.line(line)
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
        keyed=var.keyed,
        instance=var.instance,
        map=var.map,
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


def deliver(core: Core, messages: Sequence[ref.Message], now_ms: int = 0, offset: int = 0) -> int:
    """Run messages as one batch, with all that can be known of them; return how many rows came."""
    pairs = [(message.topic, message.scalar) for message in messages]
    texts = [
        array("q", (core.intern(text) if text else -1 for text in of_all))
        for of_all in ([m.key for m in messages], [m.producer for m in messages])
    ]
    stamps = array("q", (message.stamp for message in messages))
    return core.run(*batch(core, pairs), now_ms, texts[0], offset, texts[1], stamps)


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


def keyed_rows_of(core: Core) -> list[tuple[ref.Topic, str, str | int, int, int, str]]:
    """Return the last run's rows as `rows_of`, each with its key."""
    keys = [row[-1] for row in core.rows()]
    return [(*row, key_text(core, key)) for row, key in zip(rows_of(core), keys, strict=True)]


def keyed_changes_of(core: Core) -> list[tuple[int, str, str, str, str | None]]:
    """Return the last run's changes as (row, module, variable, key, JSON text or None)."""
    return [
        (
            row,
            *core.name_of(slot),
            key_text(core, key),
            None if tag == Tag.FORGOTTEN else scalar_json(tag, value, core.texts),
        )
        for row, slot, tag, value, key in core.changes()
    ]


def key_text(core: Core, number: int) -> str:
    return core.texts[number] if number >= 0 else ""


def held(core: Core, module: str, variable: str, key: str = "") -> str:
    """Return the JSON text of what is in a variable."""
    scalar = core.read(module, variable, key)
    assert scalar is not None, f"{module} has no {variable} of {key!r}"
    return scalar_json(*scalar, core.texts)


def linked(*modules: ref.Module | Program) -> Core:
    """Return a core that runs these modules."""
    core = Core()
    core.link([assemble(m) if isinstance(m, ref.Module) else m for m in modules])
    return core
