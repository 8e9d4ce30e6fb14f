"""What hypothesis draws modules from: variables, values that fit them, expressions and actions.

The one idea: everything that can stand in a rule is drawn by type, so that every rule is one the
compiler would accept; values lean towards what hurts (ties, the edges of 64 bits, other types).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from core import reference as ref
from core.reference import Of, OwnKey, Place, Scalar, Topic, Var, Words, declared
from myocan.hub.core import Role, Type
from myocan.hub.core.program import ClockPart

KEYS = ("hall", "Bath room", "ä", "on", "b")
MEMBERS = (("off", "on"), ("Off", "Auto", "ON"), ("toggle",), ("a", "b", "c", "on"))
LONG = "k" * 64
TEXTS = ("on", "ON", "Auto", "toggle", "off", "hello", "", "ä\u2028", "7:05", "23:59", "24:00", "b")
TEXTS_AS_KEYS = (*KEYS, *TEXTS, LONG, LONG + "k", "ä" * 33)
TIMES = ("00:00", "07:05", "12:00", "23:59")
PARTS = (ClockPart.NOW, ClockPart.HOUR, ClockPart.MINUTE, ClockPart.SECOND)
EDGE_UNITS = (0, 1, -1, 5, 15, 25, -5, -15, 50, 250, 10**9, 2**62, 2**63 - 1, -(2**63), 1 - 2**63)


def decimal(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals, ref.EXACT)


def one_of(draw: Any, *choices: Any) -> Any:
    return draw(st.sampled_from(choices))


numbers = st.builds(
    decimal,
    st.one_of(
        *[st.integers(-60, 60)] * 4,
        st.sampled_from(EDGE_UNITS),
        st.integers(-(2**63), 2**63 - 1),
    ),
    st.sampled_from((0, 0, 0, 1, 2, 3, 9)),
)
scalars: st.SearchStrategy[Scalar] = st.one_of(
    st.none(), st.booleans(), numbers, st.sampled_from(TEXTS)
)


# ---------------------------------------------------------------------- variables


def variable(draw: Any, name: str, role: Role, topic: Topic | None) -> Var:
    kinds = [Type.ENUMERATION, Type.BOOLEAN, Type.DECIMAL, Type.DECIMAL, Type.TEXT, Type.TIME]
    if role != Role.PRIVATE:
        kinds.append(Type.EVENT if role == Role.PUBLIC else Type.ANY)
    kind = one_of(draw, *kinds)
    var = Var(name, role, kind, topic)
    match kind:
        case Type.ENUMERATION:
            return replace(var, members=one_of(draw, *MEMBERS))
        case Type.BOOLEAN:
            return replace(var, initial=draw(st.booleans()))
        case Type.TEXT:
            return replace(var, initial=one_of(draw, "", "hello"))
        case Type.TIME:
            return replace(var, initial=one_of(draw, *TIMES))
        case Type.DECIMAL:
            decimals = one_of(draw, 0, 1, 2, 9)
            low, high = one_of(
                draw, (None, None), (None, None), (0, 1), (-40, None), (-3, 7), (5, 6)
            )
            lower = None if low is None else decimal(low * 10**decimals, decimals)
            upper = None if high is None else decimal(high * 10**decimals, decimals)
            initial = lower if low == 5 else decimal(0, decimals)
            return replace(var, decimals=decimals, lower=lower, upper=upper, initial=initial)
    return var


def fitting(draw: Any, var: Var) -> Scalar:
    """Return a value that the variable accepts as it is."""
    match var.type:
        case Type.ENUMERATION:
            return str(one_of(draw, *var.members))
        case Type.BOOLEAN:
            return bool(draw(st.booleans()))
        case Type.TIME:
            return str(one_of(draw, *TIMES))
        case Type.TEXT:
            return str(one_of(draw, *TEXTS))
        case Type.DECIMAL:
            low = -(2**63) if var.lower is None else int(var.lower.scaleb(var.decimals))
            high = 2**63 - 1 if var.upper is None else int(var.upper.scaleb(var.decimals))
            near = st.integers(max(low, -50), min(high, max(low, -50) + 100))
            return decimal(draw(st.one_of(near, near, st.sampled_from((low, high)))), var.decimals)
    return draw(scalars)  # type: ignore[no-any-return]


# ---------------------------------------------------------------------- expressions


class Writer:
    """Draws expressions and actions over what one kind of reaction of a module may name.

    Arguments:
        draw: hypothesis's.
        variables: what it may read.
        assignable: what it may assign, or start.
        has_instances: whether the module has a key, so that instances can be created.
        is_keyed: whether it is for reactions of an instance, which have a key of their own.
        offset: the variable with the clock's offset, if the module reads the clock.
        spelled: whether only such things are drawn as the language has a spelling for.
    """

    def __init__(
        self,
        draw: Any,
        variables: Sequence[Var],
        assignable: Sequence[Var],
        has_instances: bool = False,
        is_keyed: bool = False,
        offset: Var | None = None,
        spelled: bool = False,
    ) -> None:
        self.draw = draw
        self.all = [var for var in variables if var.type != Type.EVENT]
        self.assignable = [v for v in assignable if v.role != Role.TIMER]
        self.timers = [v for v in assignable if v.role == Role.TIMER]
        self.has_instances = has_instances
        self.is_keyed = is_keyed
        self.offset = offset
        self.spelled = spelled

    def one(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def rarely(self, one_in: int) -> bool:
        return bool(self.one(*range(one_in)) == one_in - 1)

    def of(self, *kinds: Type) -> list[Var]:
        return [var for var in self.all if var.type in kinds]

    def place(self, variables: Sequence[Var]) -> Place:
        """Return one of these variables, or what it has for some key."""
        var = self.one(*variables)
        return Of(var, self.map_key()) if var.map else var

    def map_key(self) -> Words:
        plain = [v for v in self.of(Type.TEXT, Type.ENUMERATION, Type.ANY) if not v.map]
        if self.spelled:
            plain = [v for v in plain if "#" not in v.name]
        if plain and self.rarely(3):
            return Words(self.one(*plain))
        return Words(self.one(*KEYS[:3]))

    # ------------------------------------------------------------------ numbers and texts

    def constant(self) -> ref.Const:
        return ref.Const(self.spellable(self.draw(numbers)))

    def fitting(self, var: Var) -> Any:
        value = fitting(self.draw, var)
        return self.spellable(value) if isinstance(value, Decimal) else value

    def spellable(self, value: Decimal) -> Decimal:
        """Return a number, or if it has too many digits to be written, one with fewer."""
        _, digits, exponent = value.as_tuple()
        if self.spelled and len(digits) > 17:
            return decimal(10**17 - 1, -exponent).copy_sign(value)  # type: ignore[operator]
        return value

    def number(self, depth: int) -> Any:
        if depth == 0 or self.rarely(3):
            return self.least_number()
        match self.one("arith", "arith", "arith", "arith", "neg", "abs", "round"):
            case "neg":
                return ref.Neg(self.number(depth - 1))
            case "abs":
                return ref.Abs(self.number(depth - 1))
            case "round":
                return ref.Round(self.number(depth - 1), self.one(0, 1, 2, 8, 9))
        op = self.one("+", "-", "*", "*", "/", "/", "min", "max")
        left, right = self.number(depth - 1), self.number(depth - 1)
        if self.spelled and op == "/" and not any(ref.places_in(right)):
            right = ref.Const(Decimal(self.one(1, -3, 7)))  # or it might be seen to be zero
        return ref.Arith(op, left, right)

    def least_number(self) -> Any:
        variables = self.of(Type.DECIMAL)
        if variables and not self.rarely(3):
            return ref.Num(self.place(variables))
        if self.of(Type.ANY) and self.rarely(3):
            number = ref.Num(self.one(*self.of(Type.ANY)))
            # An ANY alone beside == may be no number; within a calculation it must be one.
            return ref.Arith("+", number, ref.Const(Decimal(0))) if self.spelled else number
        if self.offset is not None and self.rarely(3):
            return ref.Moment(self.one(*PARTS), self.offset)
        return self.constant()

    def clock(self) -> ref.Clock:
        if self.offset is not None and self.rarely(4):
            return ref.Clock(ref.Moment(ClockPart.TIME, self.offset))
        variables = self.of(Type.TIME)
        if variables and self.one(True, False):
            return ref.Clock(self.place(variables))
        return ref.Clock(self.one(*TIMES))

    def words(self, *kinds: Type) -> Words:
        if self.is_keyed and self.rarely(4):
            return Words(OwnKey())
        variables = self.of(*(kinds or (Type.TEXT, Type.ENUMERATION, Type.ANY)))
        if variables and self.one(True, False):
            return Words(self.place(variables))
        return Words(self.one(*TEXTS))

    # ------------------------------------------------------------------ conditions

    def condition(self, depth: int) -> Any:
        choices = ["number"]
        if depth:
            choices += ["not", "and", "or"]
        choices += [kind.name for kind in Type if kind != Type.EVENT and self.of(kind)] * 2
        if self.is_keyed:
            choices.append("key")
        match self.one(*choices):
            case "not":
                return ref.Not(self.condition(depth - 1))
            case "and":
                return ref.And(self.condition(depth - 1), self.condition(depth - 1))
            case "or":
                return ref.Or(self.condition(depth - 1), self.condition(depth - 1))
            case "key":
                return ref.SameText(Words(OwnKey()), Words(self.one(*KEYS)))
            case "ENUMERATION":
                place = self.place(self.of(Type.ENUMERATION))
                return ref.IsMember(
                    place, self.one(*declared(place).members), self.one(True, False)
                )
            case "BOOLEAN":
                return ref.IsTrue(self.place(self.of(Type.BOOLEAN)), self.one(True, False))
            case "TIME":
                return ref.Compare(self.comparison(), self.clock(), self.clock())
            case "TEXT":
                return ref.SameText(Words(self.place(self.of(Type.TEXT))), self.words())
            case "ANY":
                return self.of_any()
            case "DECIMAL":
                place = self.place(self.of(Type.DECIMAL))
                value = ref.Const(self.fitting(declared(place)))
                return ref.Compare(self.comparison(), ref.Num(place), value)
        left, right = self.number(1), self.number(1)
        if self.spelled:  # a variable beside == has to be one that can be so
            left = ref.Arith("+", left, ref.Const(Decimal(0)))
        return ref.Compare(self.comparison(), left, right)

    def of_any(self) -> Any:
        var = self.one(*self.of(Type.ANY))
        kinds = ["number", "truth", "same", "text"]
        if not self.spelled or self.of(Type.DECIMAL):
            kinds.append("is number")
        match self.one(*kinds):
            case "number":
                return ref.AnyIsNumber(var, self.constant().value)
            case "is number":
                return ref.And(ref.IsNumber(var), self.of_number(var))
            case "truth":
                return ref.IsTrue(var, self.one(True, False))
            case "same":
                return ref.AnySame(var, self.one(*self.of(Type.ANY)))
        return ref.SameText(Words(var), Words(self.one(*TEXTS)))

    def of_number(self, var: Var) -> Any:
        """Return a condition for an ANY that is a number."""
        numbers = self.of(Type.DECIMAL)
        if self.spelled and numbers:
            return ref.Compare("==", ref.Num(var), ref.Num(self.place(numbers)))
        return self.condition(0)

    def comparison(self) -> str:
        return str(self.one("==", "!=", "<", "<=", ">", ">="))

    # ------------------------------------------------------------------ actions

    def actions(self) -> tuple[ref.Action, ...]:
        return tuple(self.action() for _ in range(self.one(1, 1, 2, 3)))

    def action(self) -> ref.Action:
        if self.timers and self.rarely(3):
            timer = self.one(*self.timers)
            return self.one(ref.Start, ref.Start, ref.Reset, ref.Cancel)(timer, 0)  # type: ignore[no-any-return]
        if self.has_instances and self.rarely(4):
            return self.one(ref.Create, ref.Drop)(self.instance_key(), 0)  # type: ignore[no-any-return]
        if not self.assignable or self.rarely(7):
            if self.rarely(3):
                return ref.Call("notify", self.arguments(), 0)
            level, pieces = self.one(0, 1, 2), self.pieces()
            if self.spelled:
                pieces = (self.piece(), *pieces) if level == 0 else ("said",)
            return ref.Log(level, pieces, 0)
        place = self.place(self.assignable)
        var = declared(place)
        if var.type == Type.EVENT:
            return ref.Activate(place, 0)
        match self.one("set", "expression", "expression", "next", "copy"):
            case "next" if var.type in (Type.ENUMERATION, Type.BOOLEAN):
                return ref.Next(place, 0)
            case "next" if var.type == Type.DECIMAL:
                whole = 10**var.decimals
                units = self.one(whole, -whole) if self.spelled else self.one(1, -1, whole, -whole)
                return ref.Step(place, decimal(units, var.decimals), 0)
            case "copy":
                return ref.Assign(place, self.copied(place), 0)
            case "expression":
                return ref.Assign(place, self.value(var), 0)
        return ref.Assign(place, self.fitting(var), 0)

    def copied(self, place: Place) -> Place:
        """Return what can be copied into a place; in and out of maps go equal types only."""
        same_kind = self.alike(declared(place), declared(place).type)
        if isinstance(place, Of) or self.spelled or not self.rarely(4):
            return self.place(same_kind)
        return self.place([var for var in self.all if not var.map or var in same_kind])

    def alike(self, var: Var, *kinds: Type) -> list[Var]:
        """Return variables of these types; if spelled, enumerations share a member with `var`."""
        folded = set(map(ref.fold, var.members))
        return [
            other
            for other in self.of(*kinds)
            if not (self.spelled and other.members and folded)
            or folded & set(map(ref.fold, other.members))
        ]

    def instance_key(self) -> Words:
        variables = self.of(Type.TEXT, Type.ENUMERATION, Type.ANY)
        if variables and self.rarely(3):
            return Words(self.place(variables))
        if not self.spelled and self.rarely(6):
            return Words(self.one(*TEXTS_AS_KEYS))
        return Words(self.one(*KEYS))

    def value(self, var: Var) -> Any:
        match var.type:
            case Type.DECIMAL:
                number = self.number(3)
                if self.spelled and not any(ref.places_in(number)):
                    return ref.Const(self.fitting(var))  # or it might be seen not to fit
                return number
            case Type.BOOLEAN:
                return self.condition(2)
            case Type.TIME:
                return self.clock()
            case Type.ENUMERATION:
                variables = self.alike(var, Type.TEXT, Type.ENUMERATION)
                if variables and self.one(True, False):
                    return Words(self.place(variables))
                return Words(self.one(*var.members))
        return self.words()

    def pieces(self) -> tuple[Any, ...]:
        return tuple(self.piece() for _ in range(self.one(0, 1, 2, 3)))

    def arguments(self) -> tuple[Any, ...]:
        return tuple(
            self.condition(1) if self.rarely(5) else self.piece() for _ in range(self.one(0, 1, 2))
        )

    def piece(self) -> Any:
        kinds = ["text", "number", *["variable"] * 2 * bool(self.all), *["key"] * self.is_keyed]
        match self.one(*kinds):
            case "number" if self.spelled:
                return ref.Arith("+", self.number(1), self.number(1))
            case "number":
                return self.number(2)
            case "variable":
                return self.place(self.all)
            case "key":
                return OwnKey()
        return "said"
