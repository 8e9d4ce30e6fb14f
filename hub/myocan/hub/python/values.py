"""What a variable of a module in Python can hold, and how Python and the core write it.

The one idea: an annotation says what a declaration of the rule language would: a `Literal` is an
enumeration, a `Decimal` has the digits of its default. The core keeps its integers; here each kind
of variable knows the Python value of what is in its slot, and the other way round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from enum import Enum
from fractions import Fraction
from typing import Any, Literal, get_args, get_origin

from myocan.hub.core.linker import fold
from myocan.hub.core.program import INT64_MAX, INT64_MIN, Tag, Type, Variable
from myocan.hub.core.records import expectation
from myocan.hub.core.scalars import parse_time, time_text
from myocan.hub.patterns import matches

MAX_DECIMALS = 9
MAX_TEXT = 4096
"""Digits behind the point of a number, and bytes of a text, that a message can carry."""

TAKES = "bool, int, Decimal, str, a Literal or an Enum of texts, or datetime.time"

CONTEXT = Context(prec=60, rounding=ROUND_HALF_EVEN)
"""In which numbers are brought to their digits: wider than any that fits."""


class DoesNotFit(ValueError):
    """A value or a declaration that a variable cannot have; the message says what it can."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a variable is: its `Type` and what belongs to it, and the Python type of its values.

    Arguments:
        type, decimals, members: as in `Variable`.
        python: what a value is in Python; of ANY and EVENT `object`.
    """

    type: Type
    decimals: int = 0
    members: tuple[str, ...] = ()
    python: Any = object


def kind_of(annotation: Any, default: Any) -> Kind:
    """Return what an annotation says.

    Arguments:
        annotation: the type; `object` or `Any` for whatever arrives.
        default: its first value, which says how many digits a Decimal has; None for none.

    Raises:
        DoesNotFit: nothing of the kind can travel in a message.
    """
    if annotation in (object, Any):
        return Kind(Type.ANY)
    if annotation is bool:
        return Kind(Type.BOOLEAN, python=bool)
    if annotation is int:
        return Kind(Type.DECIMAL, python=int)
    if annotation is Decimal:
        return Kind(Type.DECIMAL, _digits(default), python=Decimal)
    if annotation is str:
        return Kind(Type.TEXT, python=str)
    if annotation is time:
        return Kind(Type.TIME, python=time)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        words = [one.value for one in annotation]
        return Kind(Type.ENUMERATION, members=_members(words), python=annotation)
    if get_origin(annotation) is Literal:
        return Kind(Type.ENUMERATION, members=_members(get_args(annotation)), python=str)
    if annotation is dict or get_origin(annotation) is dict:
        raise DoesNotFit("a map is written with each: dict[str, bool] = each(False)")
    shown = getattr(annotation, "__name__", str(annotation))
    raise DoesNotFit(f"{shown} cannot travel in a message; it can be {TAKES}")


def _digits(default: Any) -> int:
    if isinstance(default, float):
        raise DoesNotFit(f'write the default as a text, "{default}", for a Decimal is exact')
    try:
        exponent = Decimal(default if default is not None else 0).as_tuple().exponent
    except (ArithmeticError, TypeError, ValueError):
        raise DoesNotFit(f"{default!r} is no number") from None
    if not isinstance(exponent, int) or -exponent > MAX_DECIMALS:
        raise DoesNotFit(f"{default!r} has more than {MAX_DECIMALS} digits behind its point")
    return max(0, -exponent)


def _members(words: Sequence[Any]) -> tuple[str, ...]:
    for word in words:
        if not isinstance(word, str) or not word or len(word.encode("utf-8", "replace")) > 64:
            raise DoesNotFit(f"{word!r} is no word; each has to be a text of 1 to 64 letters")
    if len({fold(word) for word in words}) != len(words):
        raise DoesNotFit("two of its words are the same but for capital letters")
    if not 0 < len(words) <= 256:
        raise DoesNotFit("it has no words, or more than 256")
    return tuple(words)


def first_value(variable: Variable, default: Any) -> int | str:
    """Return what a variable holds at first, in its slot's units; for TEXT the text itself."""
    if variable.type is Type.TEXT:
        return _text(default, variable)
    if variable.type is Type.DECIMAL:
        return units_of(variable, default)  # which may be written as a text, "20.0"
    return to_slot(variable, default, lambda text: 0)[1]


# ---------------------------------------------------------------------- out of a slot


def to_python(variable: Variable, kind: Any, tag: int, value: int, texts: Sequence[str]) -> Any:
    """Return the Python value of what is in a slot.

    Arguments:
        variable: whose.
        kind: the Python type, of `Kind.python`.
        tag, value: the slot.
        texts: the core's pool.
    """
    if variable.type is Type.ENUMERATION:
        word = variable.members[value]
        return word if kind is str else kind(word)
    if variable.type is Type.BOOLEAN:
        return bool(value)
    if variable.type is Type.DECIMAL:
        return value if kind is int else _number(value, variable.decimals)
    if variable.type is Type.TEXT:
        return texts[value]
    if variable.type is Type.TIME:
        return time(value // 60, value % 60)
    if variable.type is Type.EVENT or tag == Tag.NULL:
        return None
    if tag == Tag.BOOL:
        return bool(value)
    if tag == Tag.TEXT:
        return texts[value]
    return value if tag == 0 else _number(value, tag)


def _number(units: int, decimals: int) -> Decimal:
    return Decimal(units).scaleb(-decimals, CONTEXT)


# ---------------------------------------------------------------------- into a slot


def to_slot(variable: Variable, value: Any, intern: Callable[[str], int]) -> tuple[int, int]:
    """Return the tag and value that a slot has for a Python value.

    Arguments:
        variable: whose; not ANY.
        value: of its Python type, or what says the same: a number of another type, a word.
        intern: gives a text its number.

    Raises:
        DoesNotFit: it cannot be that.
    """
    if isinstance(value, Enum):
        value = value.value
    if variable.type is Type.DECIMAL and not isinstance(value, str):
        return Tag.NULL, units_of(variable, value)
    if variable.type is Type.BOOLEAN and isinstance(value, bool):
        return Tag.NULL, int(value)
    if variable.type is Type.ENUMERATION and isinstance(value, str):
        for number, member in enumerate(variable.members):
            if fold(member) == fold(value):
                return Tag.NULL, number
    if variable.type is Type.TEXT and isinstance(value, str):
        return Tag.NULL, intern(_text(value, variable))
    if variable.type is Type.TIME:
        minutes = _minutes(value)
        if minutes is not None:
            return Tag.NULL, minutes
    raise _misfit(variable, value)


def units_of(variable: Variable, value: Any) -> int:
    """Return a number in a DECIMAL's units, rounded half-even to its digits.

    Raises:
        DoesNotFit: it is none, or not within the bounds.
    """
    if isinstance(value, bool) or not isinstance(value, int | Decimal | float | Fraction | str):
        raise _misfit(variable, value)
    try:
        if isinstance(value, Fraction):
            number = CONTEXT.divide(Decimal(value.numerator), Decimal(value.denominator))
        else:
            number = Decimal(repr(value) if isinstance(value, float) else value)
        if not number.is_finite() or number.adjusted() > 19:
            raise _misfit(variable, value)
        digits = Decimal(1).scaleb(-variable.decimals)
        units = int(number.quantize(digits, context=CONTEXT).scaleb(variable.decimals, CONTEXT))
    except (InvalidOperation, ArithmeticError):
        raise _misfit(variable, value) from None
    if not max(variable.lower, INT64_MIN) <= units <= min(variable.upper, INT64_MAX):
        raise _misfit(variable, value)
    return units


def _text(value: Any, variable: Variable) -> str:
    if not isinstance(value, str):
        raise DoesNotFit(f"it is a text, not {_shown(value)}")
    if len(value.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise DoesNotFit(f"a text has at most {MAX_TEXT} bytes")
    if variable.pattern and not matches(variable.pattern, value):
        raise _misfit(variable, value)
    return whole(value)


def whole(text: str) -> str:
    """Return a text that can be written down. Raises DoesNotFit for one with half a letter."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DoesNotFit("a text with half a letter in it cannot travel") from None
    return text


def _minutes(value: Any) -> int | None:
    if isinstance(value, time) and not value.second and not value.microsecond:
        return value.hour * 60 + value.minute
    return parse_time(value) if isinstance(value, str) else None


def _misfit(variable: Variable, value: Any) -> DoesNotFit:
    if variable.type is Type.EVENT:
        return DoesNotFit(f"{variable.name} is an event; write self.{variable.name}()")
    return DoesNotFit(f"{variable.name} is {expectation(variable)}, not {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, time):
        return f"{value:%H:%M:%S}"
    text = str(value) if isinstance(value, int | float | Decimal | Fraction) else repr(value)
    return text if len(text) <= 60 else text[:60] + "…"


def constant(value: Any) -> Any:
    """Return a value of a message as it is compared: `on`, true, 5."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return fold(value)
    return time_text(value.hour * 60 + value.minute) if isinstance(value, time) else value


def argument(value: Any) -> Any:
    """Return a value as the argument of a call can carry it.

    Raises:
        DoesNotFit: nothing of the kind can travel.
    """
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, float):
        value = Decimal(repr(value))
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, time):
        return value.strftime("%H:%M")
    raise DoesNotFit(
        f"{_shown(value)} cannot travel in a message; texts, numbers, True, False and None can"
    )


Bounds = Mapping[str, Any]
"""`ge`, `gt`, `le`, `lt` of a number."""


def bounds_in_units(bounds: Bounds, decimals: int) -> tuple[int, int]:
    """Return the least and the most of a number, in units of 10 ** -decimals."""
    step = Decimal(1).scaleb(-decimals)

    def units(name: str, beyond: int) -> int:
        number = Decimal(str(bounds[name]))
        scaled = number.scaleb(decimals, CONTEXT)
        if scaled != scaled.to_integral_value():
            raise DoesNotFit(f"the bound {number} is finer than {step}, which is all it can be")
        return int(scaled) + beyond

    lower = max((units(name, name == "gt") for name in ("ge", "gt") if name in bounds),
                default=INT64_MIN)  # fmt: skip
    upper = min((units(name, -(name == "lt")) for name in ("le", "lt") if name in bounds),
                default=INT64_MAX)  # fmt: skip
    if lower > upper:
        raise DoesNotFit("no number is within its bounds")
    return lower, upper
