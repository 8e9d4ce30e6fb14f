"""The words of the records that the core writes when a message does not go as declared.

The one idea: a record is a sentence for the person who wrote the rule: where, what, why, and that
nothing else was touched.
"""

from __future__ import annotations

from myocan.hub.core.linker import FAILED, REJECTED, TopicName
from myocan.hub.core.program import (
    INT64_MAX,
    INT64_MIN,
    MAX_KEY,
    Failure,
    Program,
    Role,
    Type,
    Variable,
)
from myocan.hub.core.scalars import decimal_text

_REASONS = {
    Failure.OVERFLOW: "a number became too large",
    Failure.DIVISION_BY_ZERO: "a division by zero",
    Failure.OUTSIDE: "a value outside its variable's constraint",
    Failure.NOT_A_NUMBER: "a calculation with something that is not a number",
    Failure.NO_KEY: f"a key that is no text, is empty or has more than {MAX_KEY} bytes",
}

_LONGEST_VALUE = 200
"""Characters of a value that a record quotes; bounds the log against huge texts."""


NO_COMMIT = "this is no commit: one is a JSON object of fields and their values"

KEY_NEEDED, NO_INSTANCE = 1, 2
"""Why a message for a keyed variable is unhandled, besides that no ON wants it."""


def text(
    kind: int,
    program: Program,
    line: int,
    variable: Variable,
    value: str,
    outcome: int,
    key: str = "",
    why: str = "",
) -> str:
    """Return the text of a rejected, failed or unhandled record.

    Arguments:
        kind: `REJECTED`, `FAILED` or `UNHANDLED` of the linker.
        program: the module whose cycle it was.
        line: of the variable's declaration, or of the statement that failed.
        variable: the one that the message was for.
        value: the message's value as JSON.
        outcome: the `Failure` of a failed cycle; `KEY_NEEDED`, `NO_INSTANCE` or 0 of an unhandled.
        key: of the instance whose cycle it was, "" for none.
        why: in the words of a module in Python.
    """
    if len(value) > _LONGEST_VALUE:
        value = value[:_LONGEST_VALUE] + "…"
    module = program.module
    name = _named(variable, key)
    message = name if value == "null" else f"{name} = {value}"
    where = f"{program.file}:{line}: {message}"
    if kind == REJECTED and variable.role == Role.TIMER:
        return f"{where} is a timer that is not due; only the hub says when it is"
    if kind == REJECTED:
        return f"{where} does not fit: expected {expectation(variable)}; nothing was changed"
    if kind == FAILED:
        said = where if variable.keyed or not key else f"{where} in {module}[{key}]"
        return f"{said} failed: {_reason(outcome, why)}; the whole cycle was undone"
    if outcome == KEY_NEEDED:
        return f"{where}: every {module} has its own, so this needs a key, as in {module}[…]"
    if outcome == NO_INSTANCE:
        return (
            f"{where}: there is no {module}[{key}]; create it with: myocan instance create "
            f"{module} {key}, with THEN create(…), or with AUTO behind MODULE "
            f"{module}[{program.key}]"
        )
    if program.python:
        return f"{where}: no @on of this module wants it; add one, or let a method take it"
    return f"{where}: no ON of this module wants it; add one, or THEN ignore"


def _reason(outcome: int, why: str) -> str:
    """Return why a cycle failed; modules in Python say it themselves."""
    return _REASONS.get(Failure(outcome)) or why


def _named(variable: Variable, key: str) -> str:
    """Return a variable's name with the key of its instance: `event[kitchen]`."""
    return f"{variable.name}[{key}]" if variable.keyed and key else variable.name


def at_failed(
    program: Program, line: int, at: int, outcome: int, key: str = "", why: str = ""
) -> str:
    """Return the text of the record that the cycle of an AT failed.

    Arguments:
        program: whose it is.
        line: of the statement that failed.
        at: the line of the AT.
        outcome: the `Failure`.
        key: of the instance whose cycle it was, "" for none.
        why: in the words of a module in Python.
    """
    where = f" in {program.module}[{key}]" if key else ""
    what = "@at" if program.python else "AT"
    return (
        f"{program.file}:{line}: the {what} of line {at}{where} failed: {_reason(outcome, why)}; "
        "the whole cycle was undone"
    )


def no_key(module: str) -> str:
    """Return the text of the record that an instance was to be created without a usable key."""
    return f"{module}: the key of an instance is a text of 1 to {MAX_KEY} bytes; nothing was done"


def no_birth(module: str) -> str:
    """Return the text of the record that a message about an instance says neither yes nor no."""
    return f"{module}: true creates an instance and null drops it; nothing was done"


def at_gone(program: Program, identities: list[str]) -> str:
    """Return the text of the record that ATs came due which the module does not have."""
    named = ", ".join(identities)[:_LONGEST_VALUE] or "no AT"
    return f"{program.file} has no such AT (any more): {named}; nothing was done"


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
        if variable.upper == INT64_MAX:
            return "a number" if variable.lower == INT64_MIN else f"a number of at least {low}"
        return f"a number from {low} to {high}"
    if variable.pattern:
        return f"a text that matches {variable.pattern}"
    return {
        Type.BOOLEAN: "true or false",
        Type.TEXT: "a text",
        Type.TIME: "a time of day, as 07:30",
    }[variable.type]


def no_field(name: str) -> str:
    """Return the record of a commit that names something which is no field of a state model."""
    shown = name if len(name) <= _LONGEST_VALUE else name[:_LONGEST_VALUE] + "…"
    return f"{shown} is no field that can be committed; the whole commit was refused"
