"""Which values the lines of a rule saw.

The one idea: the core tells what was before a cycle and what it changed. An ON and its guards see
what was before, with the message already in; a WHEN sees what the ONs have left. Where that cannot
be told from before and after, nothing is said.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from myocan.hub.core.linker import TopicName, fold
from myocan.hub.core.program import Program, Role, Type, Variable
from myocan.hub.core.scalars import decimal_text, time_text
from myocan.hub.lang import tree
from myocan.hub.scenario.cast import Cast
from myocan.hub.scenario.rules import Rule

Key = tuple[str, str, str]
"""(module, lower-case name, instance) of a variable."""

State = dict[Key, str]
"""Values as JSON; a variable that is not there has its first value."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Sight:
    """What one cycle saw.

    Arguments:
        cast: the house.
        program: of the module.
        key: of the instance, "" for the class.
        before: all values before the cycle.
        changed: what it changed.
        now_ms: the log's time.
    """

    def __init__(
        self, cast: Cast, program: Program, key: str, before: State, changed: State, now_ms: int
    ) -> None:
        self._cast = cast
        self._program = program
        self._key = key
        self._before = before
        self._changed = changed
        self._now_ms = now_ms
        self._variables = {fold(variable.name): variable for variable in program.variables}
        self._arrived: dict[str, str] = {}
        self._written: dict[str, set[bool]] = {}

    def message(self, topic: TopicName, text: str) -> None:
        """Take note of the message that the cycle took, its value as JSON."""
        for name, variable in self._variables.items():
            if variable.topic == topic and variable.role is Role.SUBSCRIBE:
                self._arrived[name] = text

    def ran(self, rules: Iterable[Rule]) -> None:
        """Take note of the rules that ran, and so of what they wrote."""
        for rule in rules:
            for target in rule.actions.values():
                found = None if target is None else self._variable(target)
                if found is not None:
                    self._written.setdefault(found, set()).add(rule.chosen)

    def seen(self, rule: Rule, line: int) -> str:
        """Return the values that a line of a rule saw: `mode was off, count was 3`."""
        told = {}
        for name in rule.conditions.get(line, ()):
            text = self._clock(name)
            if text is None:
                found = self._variable(name)
                text = None if found is None else self._value(found, rule.chosen)
                if found is not None:
                    told[self._variables[found].name] = text
            else:
                told[f"{name.text}#{name.attribute}"] = text
        return ", ".join(f"{name} was {text}" for name, text in told.items() if text is not None)

    def _variable(self, name: tree.Name) -> str | None:
        """Return the lower-case name of the variable that a name of the text means."""
        words = name.words
        if name.attribute is not None:
            whole = fold(f"{name.text}#{name.attribute}")
            return whole if whole in self._variables else None
        for length in range(len(words), 0, -1):
            found = fold(".".join(words[:length]))
            if found in self._variables:
                return found
        return None

    def _value(self, name: str, chosen: bool) -> str | None:
        """Return what a variable held when an ON (or a WHEN) looked at it; None if unknown."""
        variable = self._variables[name]
        if variable.map or variable.role is Role.TIMER:
            return None
        key = self._program.module, name, self._key if variable.keyed else ""
        before = self._before.get(key)
        if variable.role is Role.SUBSCRIBE:
            arrived = self._arrived.get(name, before)
            return shown(variable, self._changed.get(key, arrived))
        writers = self._written.get(name, set())
        if not chosen:
            return shown(variable, before)
        if True not in writers:
            return shown(variable, self._changed.get(key, before))
        return None if False in writers else shown(variable, before)

    def _clock(self, name: tree.Name) -> str | None:
        """Return what `system.clock#hour` and the like were; None if a name is none of these."""
        if fold(name.text) != "system.clock" or name.attribute is None:
            return None
        local = (_EPOCH + self._now_ms * _MILLISECOND).astimezone(self._cast.place.zone)
        parts = {"hour": local.hour, "minute": local.minute, "second": local.second}
        part = fold(name.attribute)
        return f"{local:%H:%M}" if part == "time" else str(parts[part]) if part in parts else None


def shown(variable: Variable, text: str | None) -> str:
    """Return a value as rules write it.

    Arguments:
        text: as JSON; None if nothing was ever written, so it is the first value.
    """
    if text is None:
        return _first(variable)
    if text == "null":
        return "nothing"
    if not text.startswith('"'):
        return text
    if variable.type is Type.ENUMERATION:
        word = json.loads(text)
        return next((name for name in variable.members if fold(name) == fold(word)), word)
    return str(json.loads(text)) if variable.type is Type.TIME else text


def _first(variable: Variable) -> str:
    initial = variable.initial
    if isinstance(initial, str):
        return f'"{initial}"'
    match variable.type:
        case Type.ENUMERATION:
            return variable.members[initial]
        case Type.BOOLEAN:
            return "true" if initial else "false"
        case Type.TIME:
            return time_text(initial)
        case Type.DECIMAL:
            return decimal_text(initial, variable.decimals)
    return "nothing"
