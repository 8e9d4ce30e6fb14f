"""Random houses for hypothesis: modules that feed each other, and messages for them.

The one idea: everything that can stand in a rule is drawn by type, so that every house is one the
compiler would accept; values lean towards what hurts (ties, the edges of 64 bits, other types).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from core import reference as ref
from core.reference import Module, Scalar, Topic, Var
from myocan.hub.core import Role, Type
from myocan.hub.core.program import AT_VARIABLE

NAMES = ("ant", "Bee", "cat", "dog")
OUTSIDE: tuple[Topic, ...] = (("", "switch", "press"), ("", "dial", "turn"), ("net.far", "a", "b"))
SHARED: Topic = ("", "shared", "x")
MEMBERS = (("off", "on"), ("Off", "Auto", "ON"), ("toggle",), ("a", "b", "c", "on"))
TEXTS = ("on", "ON", "Auto", "toggle", "off", "hello", "", "ä\u2028", "7:05", "23:59", "24:00", "b")
ATS = ("a.0", "b.0")
DUE = ('["a.0"]', '["b.0"]', '["b.0","a.0"]', '["c.0","b.0"]', "[]", "damaged")
TIMES = ("00:00", "07:05", "12:00", "23:59")
EDGE_UNITS = (0, 1, -1, 5, 15, 25, -5, -15, 50, 250, 10**9, 2**62, 2**63 - 1, -(2**63), 1 - 2**63)


def decimal(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals, ref.EXACT)


def _one(draw: Any, *choices: Any) -> Any:
    return draw(st.sampled_from(choices))


numbers = st.builds(
    decimal,
    st.one_of(st.integers(-60, 60), st.sampled_from(EDGE_UNITS), st.integers(-(2**63), 2**63 - 1)),
    st.sampled_from((0, 0, 1, 2, 3, 9)),
)
scalars: st.SearchStrategy[Scalar] = st.one_of(
    st.none(), st.booleans(), numbers, st.sampled_from(TEXTS)
)


@dataclass(frozen=True)
class Case:
    """A house and what happens in it."""

    modules: tuple[Module, ...]
    short: bool
    batches: tuple[tuple[tuple[Topic, Scalar], ...], ...]
    times: tuple[int, ...]  # by batch: the log's time, milliseconds
    relink: tuple[bool, ...]  # by batch: the same programs are linked again before it

    def __repr__(self) -> str:
        rest = (self.batches, self.times, self.relink)
        return "\n".join([*map(repr, self.modules), *map(repr, zip(*rest, strict=True))])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # or hypothesis spells out every field


# ---------------------------------------------------------------------- variables


def variable(draw: Any, name: str, role: Role, topic: Topic | None) -> Var:
    kinds = [Type.ENUMERATION, Type.BOOLEAN, Type.DECIMAL, Type.DECIMAL, Type.TEXT, Type.TIME]
    if role != Role.PRIVATE:
        kinds.append(Type.EVENT if role == Role.PUBLIC else Type.ANY)
    kind = _one(draw, *kinds)
    var = Var(name, role, kind, topic)
    match kind:
        case Type.ENUMERATION:
            return replace(var, members=_one(draw, *MEMBERS))
        case Type.BOOLEAN:
            return replace(var, initial=draw(st.booleans()))
        case Type.TEXT:
            return replace(var, initial=_one(draw, "", "hello"))
        case Type.TIME:
            return replace(var, initial=_one(draw, *TIMES))
        case Type.DECIMAL:
            decimals = _one(draw, 0, 1, 2, 9)
            low, high = _one(draw, (None, None), (None, None), (0, 1), (-40, None), (-3, 7), (5, 6))
            lower = None if low is None else decimal(low * 10**decimals, decimals)
            upper = None if high is None else decimal(high * 10**decimals, decimals)
            initial = lower if low == 5 else decimal(0, decimals)
            return replace(var, decimals=decimals, lower=lower, upper=upper, initial=initial)
    return var


def hearing(draw: Any, name: str, topic: Topic, publisher: Var | None) -> Var:
    """Return a variable that hears `topic`: mostly one that accepts what is published there."""
    if publisher is None or _one(draw, 0, 0, 0, 0, 1):
        return variable(draw, name, Role.SUBSCRIBE, topic)
    kind = Type.ANY if publisher.type == Type.EVENT else publisher.type
    return replace(publisher, name=name, role=Role.SUBSCRIBE, topic=topic, type=kind)


def fitting(draw: Any, var: Var) -> Scalar:
    """Return a value that the variable accepts as it is."""
    match var.type:
        case Type.ENUMERATION:
            return str(_one(draw, *var.members))
        case Type.BOOLEAN:
            return bool(draw(st.booleans()))
        case Type.TIME:
            return str(_one(draw, *TIMES))
        case Type.TEXT:
            return str(_one(draw, *TEXTS))
        case Type.DECIMAL:
            low = -(2**63) if var.lower is None else int(var.lower.scaleb(var.decimals))
            high = 2**63 - 1 if var.upper is None else int(var.upper.scaleb(var.decimals))
            near = st.integers(max(low, -50), min(high, max(low, -50) + 100))
            return decimal(draw(st.one_of(near, near, st.sampled_from((low, high)))), var.decimals)
    return draw(scalars)  # type: ignore[no-any-return]


# ---------------------------------------------------------------------- expressions


class Writer:
    """Draws expressions and actions over the variables of one module."""

    def __init__(self, draw: Any, variables: list[Var]) -> None:
        self.draw = draw
        self.all = [var for var in variables if var.type != Type.EVENT]
        self.assignable = [v for v in variables if v.role in (Role.PUBLIC, Role.PRIVATE)]
        self.timers = [v for v in variables if v.role == Role.TIMER]
        self.line = 100

    def one(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def of(self, *kinds: Type) -> list[Var]:
        return [var for var in self.all if var.type in kinds]

    def next_line(self) -> int:
        self.line += 1
        return self.line

    def number(self, depth: int) -> Any:
        variables = self.of(Type.DECIMAL)
        if depth == 0 or self.one(0, 0, 1):
            if variables and self.one(0, 1, 1):
                return ref.Num(self.one(*variables))
            if self.of(Type.ANY) and self.one(0, 0, 1):
                return ref.Num(self.one(*self.of(Type.ANY)))
            return ref.Const(self.draw(numbers))
        match self.one("arith", "arith", "arith", "arith", "neg", "abs", "round"):
            case "neg":
                return ref.Neg(self.number(depth - 1))
            case "abs":
                return ref.Abs(self.number(depth - 1))
            case "round":
                return ref.Round(self.number(depth - 1), self.one(0, 1, 2, 8, 9))
        op = self.one("+", "-", "*", "*", "/", "/", "min", "max")
        return ref.Arith(op, self.number(depth - 1), self.number(depth - 1))

    def condition(self, depth: int) -> Any:
        choices = ["number"]
        if depth:
            choices += ["not", "and", "or"]
        choices += [kind.name for kind in Type if kind != Type.EVENT and self.of(kind)] * 2
        match self.one(*choices):
            case "not":
                return ref.Not(self.condition(depth - 1))
            case "and":
                return ref.And(self.condition(depth - 1), self.condition(depth - 1))
            case "or":
                return ref.Or(self.condition(depth - 1), self.condition(depth - 1))
            case "ENUMERATION":
                var = self.one(*self.of(Type.ENUMERATION))
                return ref.IsMember(var, self.one(*var.members), self.one(True, False))
            case "BOOLEAN":
                return ref.IsTrue(self.one(*self.of(Type.BOOLEAN)), self.one(True, False))
            case "TIME":
                return ref.Compare(self.comparison(), self.clock(), self.clock())
            case "TEXT":
                return ref.SameText(ref.Words(self.one(*self.of(Type.TEXT))), self.words())
            case "ANY":
                return self.of_any()
            case "DECIMAL":
                var = self.one(*self.of(Type.DECIMAL))
                value = ref.Const(fitting(self.draw, var))  # type: ignore[arg-type]
                return ref.Compare(self.comparison(), ref.Num(var), value)
        return ref.Compare(self.comparison(), self.number(1), self.number(1))

    def of_any(self) -> Any:
        var = self.one(*self.of(Type.ANY))
        match self.one("number", "truth", "same", "text"):
            case "number":
                return ref.AnyIsNumber(var, self.draw(numbers))
            case "truth":
                return ref.IsTrue(var, self.one(True, False))
            case "same":
                return ref.AnySame(var, self.one(*self.of(Type.ANY)))
        return ref.SameText(ref.Words(var), ref.Words(self.one(*TEXTS)))

    def comparison(self) -> str:
        return str(self.one("==", "!=", "<", "<=", ">", ">="))

    def clock(self) -> ref.Clock:
        return ref.Clock(self.one(*self.of(Type.TIME), *TIMES))

    def words(self, *kinds: Type) -> ref.Words:
        kinds = kinds or (Type.TEXT, Type.ENUMERATION, Type.ANY)
        return ref.Words(self.one(*self.of(*kinds), *TEXTS))

    # ------------------------------------------------------------------ actions

    def actions(self) -> tuple[ref.Action, ...]:
        return tuple(self.action() for _ in range(self.one(1, 1, 2, 3)))

    def action(self) -> ref.Action:
        line = self.next_line()
        if self.timers and self.one(*range(3)) == 0:
            return self.one(ref.Start, ref.Start, ref.Reset, ref.Cancel)(self.timers[0], line)  # type: ignore[no-any-return]
        if not self.assignable or self.one(*range(8)) == 0:
            return ref.Log(self.one(0, 1, 2), self.pieces(), line)
        var = self.one(*self.assignable)
        if var.type == Type.EVENT:
            return ref.Activate(var, line)
        match self.one("set", "expression", "expression", "next", "copy"):
            case "next" if var.type in (Type.ENUMERATION, Type.BOOLEAN):
                return ref.Next(var, line)
            case "next" if var.type == Type.DECIMAL:
                whole = 10**var.decimals
                return ref.Step(var, decimal(self.one(1, -1, whole, -whole), var.decimals), line)
            case "copy":
                return ref.Assign(var, self.one(*self.all), line)
            case "expression":
                return ref.Assign(var, self.value(var), line)
        return ref.Assign(var, fitting(self.draw, var), line)

    def value(self, var: Var) -> Any:
        match var.type:
            case Type.DECIMAL:
                return self.number(3)
            case Type.BOOLEAN:
                return self.condition(2)
            case Type.TIME:
                return self.clock()
            case Type.ENUMERATION:
                return ref.Words(self.one(*self.of(Type.TEXT, Type.ENUMERATION), *var.members))
        return self.words()

    def pieces(self) -> tuple[Any, ...]:
        return tuple(
            self.one("said", self.number(2), *self.all) for _ in range(self.one(0, 1, 2, 3))
        )


# ---------------------------------------------------------------------- modules and houses


def module(draw: Any, name: str, heard: list[tuple[Topic, Var | None]]) -> Module:
    subscriptions = [
        hearing(draw, f"S{i}", *_one(draw, *heard)) for i in range(_one(draw, 1, 2, 2, 3))
    ]
    publics = [
        variable(draw, f"P{i}", Role.PUBLIC, ("", name, f"p{i}"))
        for i in range(_one(draw, 1, 2, 2, 3))
    ]
    if _one(draw, 0, 1):
        publics.append(variable(draw, "shared", Role.PUBLIC, SHARED))
    privates = [variable(draw, f"V{i}", Role.PRIVATE, None) for i in range(_one(draw, 0, 1, 2))]
    timers = [
        Var("Wait", Role.TIMER, Type.EVENT, ("", name, "wait"), duration_ms=_one(draw, 1, 500))
        for _ in range(_one(draw, 0, 1))
    ]
    declared = draw(st.permutations(subscriptions + publics + privates + timers))
    variables = [replace(var, line=line) for line, var in enumerate(declared, 1)]
    writer = Writer(draw, variables)

    def guards() -> tuple[ref.Condition, ...]:
        return tuple(writer.condition(1) for _ in range(_one(draw, 0, 0, 1, 2)))

    ons = []
    for var in variables:
        if var.role in (Role.SUBSCRIBE, Role.TIMER):
            for _ in range(_one(draw, 0, 1, 1, 2)):
                ons.append(ref.On(var, guards(), writer.actions(), writer.next_line()))
    whens = [
        ref.WhenDo(writer.condition(2), writer.actions(), writer.next_line())
        for _ in range(_one(draw, 0, 1, 2))
    ]
    ats = tuple(
        ref.AtDo(identity, guards(), writer.actions(), writer.next_line())
        for identity in ATS[: _one(draw, 0, 1, 2)]
    )
    return Module(name, tuple(variables), tuple(ons), tuple(whens), ats)


@st.composite
def cases(draw: Any) -> Case:
    """Draw a house of one to four modules and up to three batches of messages."""
    heard: list[tuple[Topic, Var | None]] = [
        (topic, variable(draw, "outside", Role.SUBSCRIBE, topic)) for topic in OUTSIDE
    ]
    names = draw(st.permutations(NAMES))[: _one(draw, 1, 2, 3, 4)]
    if _one(draw, 0, 1):  # whoever hears this may close a loop
        heard += [(SHARED, Var("outside", Role.SUBSCRIBE, Type.ANY, SHARED))] * 3
    modules = []
    for name in names:
        modules.append(module(draw, name, heard))
        for var in modules[-1].variables:
            if var.role == Role.PUBLIC and var.topic is not None and var.topic != SHARED:
                heard += [(var.topic, var)] * 3
    known = [v for m in modules for v in m.variables if v.role == Role.SUBSCRIBE and v.topic]

    timers = [v.topic for m in modules for v in m.variables if v.role == Role.TIMER and v.topic]
    ats: list[Topic] = [("", module.name, AT_VARIABLE) for module in modules if module.ats]

    def message() -> tuple[Topic, Scalar]:
        if timers and _one(draw, *range(4)) == 0:
            return _one(draw, *timers), _one(draw, None, None, None, "word")
        if ats and _one(draw, *range(6)) == 0:
            return _one(draw, *ats), _one(draw, *DUE)
        var = _one(draw, *known)
        return var.topic, fitting(draw, var) if _one(draw, 1, 1, 1, 1, 1, 0) else draw(scalars)

    batches = tuple(
        tuple(message() for _ in range(_one(draw, 1, 2, 4, 8))) for _ in range(_one(draw, 1, 2, 3))
    )
    times = tuple(1000 + 600 * number for number in range(len(batches)))
    relink = tuple(_one(draw, False, True) for _ in batches)
    declared = tuple(draw(st.permutations(modules)))
    return Case(declared, _one(draw, True, False), batches, times, relink)
