"""The words of the records that the core writes when a message does not go as declared.

The one idea: a record is a sentence for the person who wrote the rule: where, what, why, and that
nothing else was touched.
"""

from __future__ import annotations

from myocan.hub.core.linker import FAILED, REJECTED, TopicName
from myocan.hub.core.program import Failure, Role, Type, Variable
from myocan.hub.core.scalars import decimal_text

_REASONS = {
    Failure.OVERFLOW: "a number became too large",
    Failure.DIVISION_BY_ZERO: "a division by zero",
    Failure.OUTSIDE: "a value outside its variable's constraint",
    Failure.NOT_A_NUMBER: "a calculation with something that is not a number",
    Failure.NO_KEY: "a key that is no text, is empty or has more than 64 bytes",
}

_LONGEST_VALUE = 200
"""Characters of a value that a record quotes; bounds the log against huge texts."""


def text(kind: int, module: str, line: int, variable: Variable, value: str, outcome: int) -> str:
    """Return the text of a rejected, failed or unhandled record.

    Arguments:
        kind: `REJECTED`, `FAILED` or `UNHANDLED` of the linker.
        module: the module whose cycle it was.
        line: of the variable's declaration, or of the statement that failed.
        variable: the one that the message was for.
        value: the message's value as JSON.
        outcome: the `Failure` of a failed cycle.
    """
    if len(value) > _LONGEST_VALUE:
        value = value[:_LONGEST_VALUE] + "…"
    message = variable.name if value == "null" else f"{variable.name} = {value}"
    where = f"{module}.scc:{line}: {message}"
    if kind == REJECTED and variable.role == Role.TIMER:
        return f"{where} is a timer that is not due; only the hub says when it is"
    if kind == REJECTED:
        return f"{where} does not fit: expected {expectation(variable)}; nothing was changed"
    if kind == FAILED:
        return f"{where} failed: {_REASONS[Failure(outcome)]}; the whole cycle was undone"
    return f"{where}: no ON of this module wants it; add one, or THEN ignore"


def at_failed(module: str, line: int, at: int, outcome: int) -> str:
    """Return the text of the record that the cycle of an AT failed.

    Arguments:
        module: whose it is.
        line: of the statement that failed.
        at: the line of the AT.
        outcome: the `Failure`.
    """
    return (
        f"{module}.scc:{line}: the AT of line {at} failed: {_REASONS[Failure(outcome)]}; "
        "the whole cycle was undone"
    )


def at_gone(module: str, identities: list[str]) -> str:
    """Return the text of the record that ATs came due which the module does not have."""
    named = ", ".join(identities)[:_LONGEST_VALUE] or "no AT"
    return f"{module}.scc has no such AT (any more): {named}; nothing was done"


def loop(topic: TopicName) -> str:
    """Return the text of the record that a chain of messages was cut."""
    return (
        f"{topic[1]}.{topic[2]} was not passed on: too many messages followed from one; "
        "look for modules that feed each other in a loop"
    )


def expectation(variable: Variable) -> str:
    """Return in words what a variable accepts: `one of {on, off}`, `a number from 0.00 to 1.00`."""
    if variable.type == Type.ENUMERATION:
        return f"one of {{{', '.join(variable.members)}}}"
    if variable.type == Type.DECIMAL:
        low = decimal_text(variable.lower, variable.decimals)
        high = decimal_text(variable.upper, variable.decimals)
        return f"a number from {low} to {high}"
    return {
        Type.BOOLEAN: "true or false",
        Type.TEXT: "a text",
        Type.TIME: "a time of day, as 07:30",
    }[variable.type]
