"""How people write topics and values: `lamp.state[kitchen]`, `on`, `21.5`, `"12"`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from myocan.wire.message import Value

_LEVEL = r"[A-Za-z0-9_$-]+"
_TOPIC = re.compile(
    rf"(?:(?P<domain>{_LEVEL}(?:\.{_LEVEL})*)\.)?"
    rf"(?P<module>{_LEVEL})(?:\[(?P<key>[^\]]+)\])?\.(?P<variable>{_LEVEL})"
    r"(?:\[(?P<instance>.+)\])?"
)
_NUMBER = re.compile(r"-?[0-9]+(?:\.(?P<decimals>[0-9]{1,9}))?")


class Topic(NamedTuple):
    """A variable of a module, as people name it. `instance` is "" where there is none."""

    module: str
    variable: str
    instance: str = ""

    def __str__(self) -> str:
        return f"{self.module}.{self.variable}" + (f"[{self.instance}]" if self.instance else "")


def parse_topic(text: str, domain: str) -> Topic:
    """Return the topic that `text` names: MODULE.VARIABLE, maybe with [INSTANCE] behind either.

    domain: the house's; it may stand in front. Raises typer.BadParameter.
    """
    match = _TOPIC.fullmatch(text.strip())
    if not match:
        raise typer.BadParameter(
            f"{text!r} is no topic; write MODULE.VARIABLE, like lamp1.state or lamp.state[kitchen]"
        )
    if match["domain"] not in (None, domain):
        raise typer.BadParameter(
            f"{text!r} is in domain {match['domain']!r}, but this house is {domain!r}"
        )
    if match["key"] and match["instance"]:
        raise typer.BadParameter(f"{text!r} has two keys; write one of them")
    key = match["key"] or match["instance"] or ""
    return Topic(match["module"], match["variable"].lower(), key)


def parse_filter(text: str) -> tuple[str, str | None]:
    """Return (module, variable or None) for MODULE or MODULE.VARIABLE.

    Raises typer.BadParameter.
    """
    module, dot, variable = text.strip().partition(".")
    if not re.fullmatch(_LEVEL, module) or (dot and not re.fullmatch(_LEVEL, variable)):
        raise typer.BadParameter(f"{text!r} is no filter; write MODULE or MODULE.VARIABLE")
    return module, variable.lower() or None


def parse_value(text: str) -> Value:
    """Return the value that `text` stands for.

    `true` and `false` are booleans, `21` and `21.50` exact numbers, everything else is text; so
    is what stands in quotes, like `"12"`. Raises typer.BadParameter: quotes that do not close.
    """
    from myocan.wire import Fixed, WireError

    if text in ("true", "false"):
        return text == "true"
    try:
        if match := _NUMBER.fullmatch(text):
            decimals = len(match["decimals"] or "")
            number = Fixed(int(text.replace(".", "")), decimals)
            return number if decimals else number.units
        if text.startswith('"'):
            quoted = json.loads(text)
            if isinstance(quoted, str):
                return quoted
    except WireError:
        raise typer.BadParameter(
            f"{text!r} is too large: a number has 18 digits at most, 9 of them behind its point"
        ) from None
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no value: {error}") from None
    return text


def show_value(text: str) -> str:
    """Return a value as people read it, from its JSON text: quotes gone, an event as nothing."""
    if text == "null":
        return ""
    if text.startswith('"'):
        return str(json.loads(text))
    return text
