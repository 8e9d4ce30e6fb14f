"""Finds out what stands behind `#`: what is known of a message, of the clock, of the house.

The one idea: most attributes are variables that no line declares: the core fills those of other
variables, and what the agent says of the calendar and of the house arrives as messages like any
other. Only the time of day is read off the cycle itself, since no message comes when it changes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from myocan.hub.core.program import Attribute, AttributeKind, ClockPart, Role, Type, Variable
from myocan.hub.lang import meaning, tree
from myocan.hub.lang.declare import Declarer
from myocan.hub.lang.diagnostics import Report, clip, listed, nearest, quoted
from myocan.hub.lang.meaning import Kind
from myocan.hub.lang.symbols import Symbol
from myocan.hub.lang.words import LOG_LEVELS, fold

_SECONDS: Final = Variable("", Role.PRIVATE, Type.DECIMAL, decimals=3)
_WORDS: Final = Variable("", Role.PRIVATE, Type.TEXT, initial="")
_OF_VARIABLES: Final = {
    "timestamp": (AttributeKind.TIMESTAMP, _SECONDS),
    "offset": (AttributeKind.OFFSET, Variable("", Role.PRIVATE, Type.DECIMAL)),
    "producer": (AttributeKind.PRODUCER, _WORDS),
    "topic": (AttributeKind.TOPIC, _WORDS),
    "modified": (AttributeKind.MODIFIED, _SECONDS),
}

_CLOCK: Final = {
    "now": (ClockPart.NOW, Kind.NUMBER),
    "hour": (ClockPart.HOUR, Kind.NUMBER),
    "minute": (ClockPart.MINUTE, Kind.NUMBER),
    "second": (ClockPart.SECOND, Kind.NUMBER),
    "time": (ClockPart.TIME, Kind.CLOCK),
}
"""What is read off the cycle's time."""

PARTS: Final = ("log", "clock", "config", "module", "agent")
"""What can stand behind `system.`."""


@cache
def _of_house() -> dict[str, dict[str, Variable]]:
    """Return what arrives as messages: part of the system -> attribute -> its variable."""
    from myocan.hub.lang.schedules import MONTHS, SEASONS, WEEKDAYS

    heard = Variable("", Role.SUBSCRIBE, Type.DECIMAL)
    text = replace(heard, type=Type.TEXT, initial="")
    time = replace(heard, type=Type.TIME)
    degrees = replace(heard, decimals=6)

    def members(names: tuple[str, ...]) -> Variable:
        return replace(heard, type=Type.ENUMERATION, members=tuple(names))

    return {
        "clock": {
            "date": text,
            "weekday": members(WEEKDAYS),
            "day": heard,
            "month": members(MONTHS),
            "year": heard,
            "season": members(SEASONS),
            "holiday": text,
            "sunrise": time,
            "sunset": time,
        },
        "config": {
            "latitude": degrees,
            "longitude": degrees,
            "timezone": text,
            "country": text,
            "domain": text,
        },
        "agent": {"name": text},
    }


_TOPICS: Final = {"clock": "$clock", "config": "$config", "agent": "$config"}


def shape_of_house(part: str, word: str) -> tuple[Variable | None, tuple[str, str, str], list[str]]:
    """Return what arrives as messages of the day and of the house, for modules in Python.

    Arguments:
        part, word: of `system.clock#sunset`, folded.

    Returns:
        Its variable without a name, None if there is none; its topic; the names that there are.
    """
    known = [f"system.{one}#{each}" for one, words in _of_house().items() for each in words]
    leaf = "agent" if part == "agent" else word
    return _of_house().get(part, {}).get(word), ("", _TOPICS.get(part, ""), leaf), known


def attributes_of(variable: Variable) -> tuple[str, ...]:
    """Return what is known of a variable that is no value of a map and no attribute itself."""
    if variable.role is Role.SUBSCRIBE:
        return tuple(_OF_VARIABLES)
    event = variable.type is Type.EVENT and variable.role is not Role.TIMER
    return () if event else ("modified",)


def shape_of_attribute(word: str) -> tuple[AttributeKind, Variable]:
    """Return an attribute of a variable, and the variable that holds it, without a name."""
    return _OF_VARIABLES[word]


class Attributes:
    """Finds the attributes that one module uses."""

    def __init__(self, declared: Declarer, report: Report) -> None:
        """Add the variables behind attributes to those of `declared`."""
        self.declared = declared
        self.report = report
        self.used: dict[int, Attribute] = {}
        """Those of variables, by the number of the variable that holds one."""

    # Of a variable.

    def of_variable(self, base: Symbol, name: tree.Name) -> Symbol | None:
        """Return the variable of `x#timestamp`, or None if x has no such attribute."""
        word = fold(str(name.attribute))
        if base.variable is None or word not in self._known(base):
            return None
        kind, shape = _OF_VARIABLES[word]
        shown = f"{base.name}#{word}"
        variable = replace(shape, name=shown, keyed=base.variable.keyed, line=name.span.line)
        symbol = self.declared.add_hidden(variable, name.span)
        self.used.setdefault(symbol.index, Attribute(kind, base.index, symbol.index))
        return symbol

    def complain_of_variable(self, base: Symbol, name: tree.Name) -> None:
        """Report an attribute that a variable does not have."""
        word = f"#{name.attribute}"
        if base.variable is None:
            return
        known = self._known(base)
        if not known:
            what = "one value of a map" if base.of is not None else "an event"
            if base.attribute:
                what = "what tells of another"
            self.report.error(name.span, f"{what} has no attributes; leave {clip(word)} out")
            return
        near = nearest(word[1:], known)
        self.report.error(
            name.span,
            f"{quoted(base.name)} has no {quoted(word)}; there is "
            f"{listed('#' + other for other in known)}",
            None if near is None else f"{base.name}#{near}",
        )

    @staticmethod
    def _known(base: Symbol) -> tuple[str, ...]:
        variable = base.variable
        if variable is None or base.of is not None or base.attribute:
            return ()
        return attributes_of(variable)

    # Of the house.

    def of_house(self, name: tree.Name) -> Symbol | None:
        """Return the variable of `system.clock#sunset`, or None if it is none."""
        part, word = self._said(name)
        shape = _of_house().get(part, {}).get(word)
        if shape is None:
            return None
        leaf = "agent" if part == "agent" else word
        variable = replace(
            shape,
            name=f"system.{part}#{word}",
            topic=("", _TOPICS[part], leaf),
            line=name.span.line,
        )
        return self.declared.add_hidden(variable, name.span)

    def computed(self, name: tree.Expression) -> tuple[meaning.Value, Kind] | None:
        """Return what `system.clock#hour` or `system.module#name` is, or None for other names."""
        if not isinstance(name, tree.Name) or name.attribute is None or name.member is not None:
            return None
        part, word = self._said(name)
        if (part, word) == ("module", "name"):
            return meaning.Text(self.declared.module), Kind.TEXT
        if part != "clock" or word not in _CLOCK:
            return None
        offset = Variable(
            "system.clock#offset",
            Role.SUBSCRIBE,
            Type.DECIMAL,
            ("", "$clock", "offset"),
            line=name.span.line,
        )
        clock, kind = _CLOCK[word]
        symbol = self.declared.add_hidden(offset, name.span)
        symbol.read = True
        return meaning.ClockRead(clock, symbol.index), kind

    def complain_of_house(self, name: tree.Name) -> None:
        """Report a name that begins with `system` and is none of the language."""
        part, word = self._said(name)
        if part == "log" and word in (*LOG_LEVELS, ""):
            self.report.error(
                name.span, 'system.log is written behind THEN, as in system.log#info = "text"'
            )
            return
        if part not in PARTS:
            known = tuple(f"system.{each}" for each in PARTS)
            near = nearest(f"system.{part}", known)
            first, _, rest = part.partition(".")
            if first in PARTS and rest and not word:
                near, word = f"system.{first}", rest
            self.report.error(
                name.span,
                f"there is no {quoted(name.text)}; there is {listed(known)}",
                f"{near}#{word}" if near is not None and word else near,
            )
            return
        words = self._words(part)
        example = f"system.{part}#"
        if not word:
            self.report.error(
                name.span, f"say what of it, as in {example}{words[0]}", f"{example}{words[0]}"
            )
            return
        if word in words:
            self.report.error(
                name.span,
                f"{quoted(example + word)} can be read, as behind AND; it has no members, does not "
                "arrive and is not assigned",
            )
            return
        self.report.error(
            name.span,
            f"system.{part} has no {quoted('#' + word)}; there is "
            f"{listed('#' + known for known in words)}",
            nearest(example + word, tuple(example + known for known in words)),
        )

    @staticmethod
    def _words(part: str) -> tuple[str, ...]:
        if part == "log":
            return tuple(LOG_LEVELS)
        if part == "module":
            return ("name",)
        return (*(_CLOCK if part == "clock" else ()), *_of_house()[part])

    @staticmethod
    def _said(name: tree.Name) -> tuple[str, str]:
        """Return what stands behind `system.` and behind `#`, folded; "" for what is missing."""
        words = tuple(fold(part.text) for part in name.parts)
        keyed = any(part.key is not None for part in name.parts)
        part = ".".join(words[1:]) if words[0] == "system" and not keyed else ""
        return part, fold(name.attribute or "")
