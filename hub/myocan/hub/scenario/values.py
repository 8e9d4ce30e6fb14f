"""The values of a scenario: as they travel, and how two of them compare.

The one idea: whether a word fits a variable is the compiler's to say, in the compiler's words; here
its answer only becomes a value that can be sent, set and compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import Tag, Type, Variable
from myocan.hub.core.scalars import plain_text, time_text
from myocan.hub.lang import tree
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Diagnostic, Report, Span
from myocan.hub.scenario.cast import topic_text
from myocan.hub.scenario.line import Wrong
from myocan.hub.scenario.steps import Scalar

NULL: Scalar = (int(Tag.NULL), 0)

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "==": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


def plain(literal: tree.Expression) -> Scalar:
    """Return a literal as it travels where nothing says what it should be."""
    match literal:
        case tree.NumberLiteral(units=units, decimals=decimals):
            return decimals, units
        case tree.TextLiteral(value=text):
            return int(Tag.TEXT), text
        case tree.ClockLiteral(minutes=minutes):
            return int(Tag.TEXT), time_text(minutes)
        case tree.Name(parts=(part,)):
            truth = {"false": 0, "true": 1}.get(fold(part.text))
            return (int(Tag.TEXT), part.text) if truth is None else (int(Tag.BOOL), truth)
    raise AssertionError(f"{literal} is no literal")


def fit(variable: Variable, literal: tree.Expression) -> tuple[Scalar, list[Diagnostic]]:
    """Return a literal as a value of a variable, and what the compiler warns of.

    Raises:
        Wrong: it is none.
    """
    if variable.type is Type.ANY:
        return plain(literal), []
    if variable.type is Type.EVENT:
        raise Wrong(literal.span, f"'{variable.name}' is an event, it has no value; leave out = …")
    report = Report("")
    constant = Declarer("", report).constant(variable, literal)
    found = report.sorted()
    if constant is None:
        first = found[0]
        span = Span(first.line, first.column, first.end_column)
        raise Wrong(span, first.message, first.suggestion)
    return _scalar(variable, constant), found


def _scalar(variable: Variable, constant: int | str) -> Scalar:
    """Return a value in a variable's own units as it travels."""
    match variable.type, constant:
        case Type.ENUMERATION, int():
            return int(Tag.TEXT), fold(variable.members[constant])
        case Type.BOOLEAN, int():
            return int(Tag.BOOL), constant
        case Type.TIME, int():
            return int(Tag.TEXT), time_text(constant)
        case Type.DECIMAL, int():
            return variable.decimals, constant
    return int(Tag.TEXT), constant


def holds(seen: Scalar, operator: str, wanted: Scalar) -> bool:
    """Tell whether two values compare so; those of different kinds are different, and no more."""
    one, other = _comparable(seen), _comparable(wanted)
    if type(one) is not type(other):
        return operator == "!="
    if one is None:
        return _OPERATORS[operator](0, 0)
    return _OPERATORS[operator](one, other)


def _comparable(scalar: Scalar) -> bool | int | str | None:
    tag, value = scalar
    if tag == Tag.NULL:
        return None
    if tag == Tag.BOOL:
        return bool(value)
    if isinstance(value, str):
        return value
    return int(value * 10 ** (9 - tag))


def written(scalar: Scalar, variable: Variable | None = None) -> str:
    """Return a value as a scenario writes it: a text in quotes, a member in its own spelling."""
    tag, value = scalar
    if not isinstance(value, str):
        return "nothing" if tag == Tag.NULL else plain_text(tag, value, ())
    if variable is not None and variable.type is Type.ENUMERATION:
        return next((name for name in variable.members if fold(name) == value), value)
    if variable is not None and variable.type is Type.TIME:
        return value
    return f'"{value}"'


def call_text(function: str, arguments: Iterable[Any]) -> str:
    """Return a call as a scenario writes it: `notify("door open", 3)`."""
    shown = (
        json.dumps(one, ensure_ascii=False) if isinstance(one, str | bool | None) else str(one)
        for one in arguments
    )
    return f"{function}({', '.join(shown)})"


def message_text(
    topic: TopicName, instance: str, value: Scalar, variables: Iterable[Variable]
) -> str:
    """Return a message as a scenario writes it: `lamp1.state = on`, `button1.press`.

    Arguments:
        variables: among which the first of this topic says how the value is written.
    """
    if value[0] == Tag.NULL:
        return topic_text(topic, instance)
    variable = next((one for one in variables if one.topic == topic), None)
    return f"{topic_text(topic, instance)} = {written(value, variable)}"
