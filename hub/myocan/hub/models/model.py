"""What a state model is: a class whose fields are typed, checked at assignment, and kept.

The one idea: a model is a topic and its fields are variables. So a field holds what a message can
carry: true or false, a whole number, an exact decimal, a text, one of some words, or nothing.

    class Heater(StateModel):
        \"\"\"What keeps the kettle at its temperature.\"\"\"

        setpoint: Decimal = field(default="20.0", ge=5, le=30, unit="°C")
        enabled: bool = False

Every field has a default: there is no moment at which a state is not known. A decimal has as many
digits behind its point as its default.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, ClassVar, ForwardRef, Literal, Self, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from myocan.hub.models.errors import ModelError
from myocan.hub.patterns import fault_of, whole
from myocan.wire.fixed import MAX_UNITS

__all__ = ["StateModel", "field", "from_json", "to_json"]

_Model = TypeVar("_Model", bound="StateModel")
_BOUNDS = ("ge", "gt", "le", "lt")
_PLAIN = (bool, int, Decimal, str)
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_LEVEL = re.compile(r"[A-Za-z0-9_.-]{1,64}")

_encode = json.JSONEncoder(ensure_ascii=False).encode

MAX_DECIMALS = 9
"""Digits behind the point that a message can carry."""

MAX_TEXT = 4096
"""Bytes of a text that a message can carry."""


def field(
    default: Any,
    *,
    ge: Decimal | float | None = None,
    gt: Decimal | float | None = None,
    le: Decimal | float | None = None,
    lt: Decimal | float | None = None,
    pattern: str | None = None,
    unit: str = "",
    doc: str = "",
    port: str = "",
) -> Any:
    """Describe a field of a model.

    Arguments:
        default: its value before anybody has committed one; of a decimal, write it as a text
            ("20.0"): it says how many digits there are behind the point.
        ge, gt, le, lt: bounds of a number: at least, above, at most, below.
        pattern: a regular expression that a text must match as a whole; of the kind that takes no
            longer than the text is long, so without (?=…) and \\1.
        unit: of a number, for people: `°C`, `s`.
        doc: what it is, for people.
        port: in a house, the port of a board that it goes to or comes from, "porch.lamp"; `myocan
            check` says if that port has another topic.

    Raises ModelError for a pattern that is none.
    """
    extra: dict[str, Any] = {name: text for name, text in (("unit", unit), ("port", port)) if text}
    if pattern is not None:
        fault = fault_of(pattern)
        if fault:
            raise ModelError(f"pattern {pattern!r} is no regular expression: {fault}")
    return Field(
        default=default,
        ge=ge,
        gt=gt,
        le=le,
        lt=lt,
        pattern=None if pattern is None else whole(pattern),
        description=doc or None,
        json_schema_extra=extra or None,
    )


_set_values, _set_given, _set_extra, _set_private = (
    BaseModel.__dict__[name].__set__
    for name in (
        "__dict__",
        "__pydantic_fields_set__",
        "__pydantic_extra__",
        "__pydantic_private__",
    )
)
"""Past pydantic, which validates what is assigned, and past the search for the attribute."""


class StateModel(BaseModel):
    """The base of all models.

    topic: the module's name under which the fields are variables; if not given, the name of the
        class with its first letter in lower case.
    key: of a model that there is one of for each room, say: what its keys are called, `"room"`.
    """

    model_config = ConfigDict(
        validate_assignment=True,
        validate_default=True,
        extra="forbid",
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,  # they are refused below, in words
    )

    __slots__ = ("__origin__",)
    """Where a copy was checked out; no field, and no part of what makes two equal."""

    topic: ClassVar[str] = ""
    key: ClassVar[str] = ""
    _decimals: ClassVar[dict[str, int]] = {}
    _kinds: ClassVar[dict[str, type]] = {}
    """The type of each field but those that are an Enum."""

    @classmethod
    def __pydantic_init_subclass__(cls, **options: Any) -> None:
        super().__pydantic_init_subclass__(**options)
        if "topic" not in cls.__dict__:
            cls.topic = cls.__name__[:1].lower() + cls.__name__[1:]
        if not _LEVEL.fullmatch(cls.topic) or "." in cls.topic:
            raise ModelError(f"{cls.__name__}: {cls.topic!r} cannot be a topic; give it one")
        cls._decimals, cls._kinds = {}, {}
        for name, info in cls.model_fields.items():
            where = f"{cls.__name__}.{name}"
            if not name.islower():
                raise ModelError(f"{where}: variables are written in lower case: {name.lower()}")
            if hasattr(StateModel, name):
                raise ModelError(f"{where}: every model has a {name} already; take another name")
            if isinstance(info.annotation, ForwardRef):
                raise ModelError(f"{where}: there is no type {info.annotation.__forward_arg__!r}")
            types = _types_of(info.annotation)
            if types is None:
                raise ModelError(
                    f"{where}: a field is bool, int, Decimal, str, a Literal or an Enum of texts, "
                    f"or one of these or None; {info.annotation!r} cannot travel in a message"
                )
            if info.default is PydanticUndefined:
                raise ModelError(f"{where} needs a default: what holds before the first commit?")
            bounded = any(hasattr(one, bound) for one in info.metadata for bound in _BOUNDS)
            if bounded and not {int, Decimal} & {*types}:
                raise ModelError(f"{where}: only a number has bounds")
            is_text = str in (info.annotation, *get_args(info.annotation))
            if pattern_of(info) is not None and not is_text:
                raise ModelError(f"{where}: only a text has a pattern")
            if Decimal in types and info.default is not None:
                cls._decimals[name] = _decimals_of(where, info.default)
            if not _is_enum(info.annotation):
                cls._kinds[name] = next(one for one in types if one is not NoneType)
        try:
            cls()
        except (ValidationError, TypeError) as error:
            raise ModelError(f"{cls.__name__}: a default does not fit: {reason(error)}") from error

    @field_validator("*", mode="before")
    @classmethod
    def _typed(cls, value: Any, info: Any) -> Any:
        """Refuse what would be made to fit: a yes that becomes true, a true that becomes 1."""
        kind = cls._kinds.get(info.field_name)
        if kind is None or kind is type(value) or value is None:
            return value
        if kind is bool or isinstance(value, bool):
            what = "true or false" if kind is bool else "a number" if kind is not str else "a text"
            raise ValueError(f"this is {what}, not {value!r}")
        if kind is str or isinstance(value, bytes) or (kind is int and isinstance(value, str)):
            what = "a text" if kind is str else "a number"
            raise ValueError(f"this is {what}, not {value!r}")
        return value

    @field_validator("*", mode="after")
    @classmethod
    def _carried(cls, value: Any, info: Any) -> Any:
        """Refuse what no message can carry; give a decimal the digits that its field has, if none
        is lost by it."""
        if isinstance(value, Decimal):
            digits = cls._decimals.get(info.field_name, -1)
            if digits < 0:  # its default is None, which says nothing of digits
                digits = max(0, -int(value.as_tuple().exponent))
                if digits > MAX_DECIMALS:
                    raise ValueError(
                        f"{value} has more than {MAX_DECIMALS} digits behind its point"
                    )
            size = value.adjusted() + digits
            if value and size >= 18 and (size > 18 or abs(value.scaleb(digits)) > MAX_UNITS):
                raise ValueError(f"{value:.3g} is too large: there is room for 18 digits")
            scaled = round(value, digits)
            if scaled != value:
                raise ValueError(f"{value} has more than {digits} digits behind its point")
            return scaled
        if isinstance(value, str):
            try:
                size = len(value.encode())
            except UnicodeEncodeError:
                raise ValueError("this text has half a character (a surrogate) in it") from None
            if size > MAX_TEXT:
                raise ValueError(f"a text has at most {MAX_TEXT} bytes")
        elif isinstance(value, int) and abs(value) > MAX_UNITS:
            raise ValueError("this number is too large: there is room for 18 digits")
        return value

    def check(self) -> None:
        """Raise ValueError, with the reason in words, if the fields do not go together.

        Asked at each commit that changes something; a model overrides it.
        """

    @classmethod
    def unit(cls, name: str) -> str:
        """The unit of a field, "" for none. Raises KeyError for no field."""
        return cls._extra(name, "unit")

    @classmethod
    def port(cls, name: str) -> str:
        """The port that a field is bound to, "" for none. Raises KeyError for no field."""
        return cls._extra(name, "port")

    @classmethod
    def _extra(cls, name: str, what: str) -> str:
        extra = cls.model_fields[name].json_schema_extra
        return str(extra.get(what, "")) if isinstance(extra, dict) else ""

    @classmethod
    def digits(cls, name: str) -> int:
        """How many digits a number has behind its point."""
        return cls._decimals.get(name, 0)

    @classmethod
    def words(cls, name: str) -> tuple[str, ...] | None:
        """The words that a field is one of, None for any text, or another type."""
        annotation = cls.model_fields[name].annotation
        if get_origin(annotation) is Literal:
            return tuple(map(str, get_args(annotation)))
        if isinstance(annotation, type) and issubclass(annotation, Enum):
            return tuple(str(one.value) for one in annotation)
        return None

    def copy_of(self, origin: object = None) -> Self:
        """Return a copy; its values cannot be changed in place, so it shares none with this.

        origin: where it was checked out.
        """
        kind = type(self)
        if kind.__private_attributes__:
            copy = self.__copy__()
        else:  # the same in a third of the time, which is a good part of a commit's
            copy = kind.__new__(kind)
            _set_values(copy, self.__dict__.copy())
            _set_given(copy, self.__pydantic_fields_set__.copy())
            _set_extra(copy, None)
            _set_private(copy, None)
        copied_from(copy, origin)
        return copy


copied_from = StateModel.__dict__["__origin__"].__set__
"""Set where a copy was checked out: takes the copy, and that."""


def pattern_of(info: FieldInfo) -> str | None:
    """Return the pattern of a field as it was given, None if it has none."""
    found = (getattr(one, "pattern", None) for one in info.metadata)
    pattern = next((one for one in found if isinstance(one, str)), None)
    return None if pattern is None else _bare(pattern)


def _bare(pattern: str) -> str:
    """Return a pattern as it was given, of one that only a whole text matches."""
    before, behind = whole("|").split("|")
    return pattern.removeprefix(before).removesuffix(behind)


def to_json(value: Any) -> str:
    """Return a field's value as a message carries it."""
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Enum):
        value = value.value
    return _encode(value)


def said(model: type[StateModel], name: str, value: Any) -> str:
    """Return the value of a field as a hub's messages say it: its JSON, words in lower case."""
    text = to_json(value)
    return text if model.words(name) is None else text.translate(_LOWER)


def heard(model: type[StateModel], name: str, text: str) -> str:
    """Return the JSON text of a value that a hub's message said: words as the model writes them."""
    words = model.words(name)
    if words is None:
        return text
    return next((to_json(one) for one in words if to_json(one).translate(_LOWER) == text), text)


def rounded(model: type[StateModel], name: str, text: str) -> str:
    """Return the JSON text of a value that a message said, a number with the digits of its field,
    as rules have it: half to the even one."""
    annotation = model.model_fields[name].annotation
    if annotation not in (int, Decimal):
        return text
    try:
        return format(round(Decimal(text), model.digits(name)), "f")
    except ArithmeticError:
        return text


def from_json(model: type[_Model], values: dict[str, str]) -> tuple[_Model, dict[str, str]]:
    """Return a model with these values, and what of them does not fit it any more, with the reason.

    Arguments:
        values: JSON texts by field; fields that are not there have their defaults.
    """
    made = model()
    misfits = {}
    for name, text in values.items():
        if name not in model.model_fields:
            misfits[name] = "the model has no such field"
            continue
        try:
            setattr(made, name, json.loads(text, parse_float=Decimal))
        except Exception as error:  # a validator of the class may raise anything
            misfits[name] = reason(error)
    return made, misfits


def reason(error: Exception) -> str:
    """Return in one line what a check has to say."""
    if isinstance(error, ValidationError):
        said = []
        for one in error.errors(include_url=False):
            if one["type"] == "string_pattern_mismatch":
                one["msg"] = f"this text does not match {_bare(one['ctx']['pattern'])}"
            text = one["msg"].removeprefix("Value error, ").replace("Input should", "it should")
            said.append(f"{'.'.join(map(str, one['loc']))}: {text}" if one["loc"] else text)
        return "; ".join(said)
    return str(error) if isinstance(error, ValueError) and str(error) else repr(error)


def _is_enum(annotation: Any) -> bool:
    """Whether a field holds members of an Enum, or one or None."""
    return any(
        isinstance(one, type) and issubclass(one, Enum)
        for one in (annotation, *get_args(annotation))
    )


def _types_of(annotation: Any) -> tuple[type, ...] | None:
    """Return the types that a field may hold, None if one of them cannot travel."""
    if annotation in _PLAIN or annotation is NoneType:
        return (annotation,)
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return (str,) if all(isinstance(one.value, str) for one in annotation) else None
    if get_origin(annotation) is Literal:
        return (str,) if all(isinstance(one, str) for one in get_args(annotation)) else None
    if get_origin(annotation) in (Union, UnionType):
        parts = [_types_of(part) for part in get_args(annotation)]
        kinds = [kind for part in parts if part is not None for kind in part]
        is_option = len(kinds) == 2 and NoneType in kinds
        return tuple(kinds) if is_option and None not in parts else None
    return None


def _decimals_of(where: str, default: Any) -> int:
    """Return how many digits a decimal's default has behind its point."""
    if isinstance(default, float):
        raise ModelError(f'{where}: write the default as a text, "{default}": it is exact')
    try:
        exponent = Decimal(default).as_tuple().exponent
    except (ArithmeticError, TypeError, ValueError):
        raise ModelError(f"{where}: {default!r} is no decimal") from None
    if not isinstance(exponent, int) or -exponent > MAX_DECIMALS:
        raise ModelError(
            f"{where}: {default!r} has more than {MAX_DECIMALS} digits behind its point"
        )
    return max(0, -exponent)
