"""Checks the limits and interlocks of ports: `min`, `max` and `needs`, and makes their `guard`.

The one idea to know: an interlock names another port, so it can only be checked when all of them
are known. What it may say of a port is said in `myocan.hub.needs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from myocan.hub.needs import Need, Range, read_needs, read_number, text_of
from myocan.tools.adapters.port_check import PortSpec
from myocan.tools.nearest import nearest

GUARD = "guard"
"""The key under which a board reads all this."""

SWITCHED = ("on", "off", True, False, 1, 0)
"""What a port shows that is switched, if its file has no map."""

Wrong = Callable[..., None]
"""Notes a mistake: message, and where in the file; `meant` is what was probably meant."""


def add_guards(ports: Sequence[PortSpec], written: Mapping[str, Any], wrong: Wrong) -> None:
    """Check what ports say of their limits and interlocks, and add it to what the board reads.

    ports: the right ones. written: all of the file, by name. wrong: see above.
    """
    known = {port.name: port for port in ports}
    wanted: dict[str, list[Need]] = {}
    for port in ports:
        given = written[port.name]
        span = _limits(port, given, wrong)
        needs = wanted[port.name] = _needs(port.name, given, wrong)
        rows = [
            _row(need, known[need.port])
            for need in needs
            if _check(port.name, need, known, written, wrong)
        ]
        guard: dict[str, Any] = {}
        if span.least is not None:
            guard["min"] = _pair(span.least)
        if span.most is not None:
            guard["max"] = _pair(span.most)
        if rows:
            guard["needs"] = rows
        if guard:
            port.keys[GUARD] = guard
    _find_circles(wanted, known, wrong)


def limit_of(port: PortSpec) -> Decimal | None:
    """Return the greatest number that a port takes by its limits; None if it has no such limit."""
    most = port.keys.get(GUARD, {}).get("max")
    return None if most is None else Decimal(most[0]).scaleb(-most[1])


def _limits(port: PortSpec, given: Mapping[str, Any], wrong: Wrong) -> Range:
    ends: dict[str, Decimal] = {}
    name, whole = port.name, Range(*map(Decimal, port.range or ()))
    for key in ("min", "max"):
        if given.get(key) is not None:
            try:
                ends[key] = read_number(given[key], key)
            except ValueError as error:
                wrong(str(error), "ports", name, key)
                continue
            if not whole.has(ends[key]):
                wrong(f"{key} must be {whole}, as port {name} takes it", "ports", name, key)
    if len(ends) == 2 and ends["min"] > ends["max"]:
        wrong(f"min is above max: port {name} would take nothing", "ports", name, "min")
    return Range(ends.get("min"), ends.get("max"))


def _needs(name: str, given: Mapping[str, Any], wrong: Wrong) -> list[Need]:
    try:
        return read_needs(given.get("needs", {}))
    except ValueError as error:
        wrong(str(error), "ports", name, "needs")
        return []


def _check(
    name: str, need: Need, known: Mapping[str, PortSpec], written: Mapping[str, Any], wrong: Wrong
) -> bool:
    """Say what is wrong with an interlock; return whether nothing is."""
    if need.port == name:
        wrong(f"port {name} cannot need itself", "ports", name, "needs")
        return False
    if need.port not in written:
        meant = nearest(need.port, [other for other in written if other != name])
        message = f"port {name} needs '{need.port}', and this board has no such port"
        wrong(message, "ports", name, "needs", meant=meant)
        return False
    other = known.get(need.port)
    if other is None:
        return False  # what is wrong with that one was said
    told = [what for what, kind in other.tells.items() if kind == "value"]
    if other.tells and not told:
        message = f"port {other.name} only tells events: it shows nothing that could be needed"
        wrong(message, "ports", name, "needs")
        return False
    if need.what and need.what not in told:
        tells = f"tells {', '.join(told)}" if told else "is an output: leave that out"
        message = f"port {other.name} has no '{need.what}' (it {tells})"
        wrong(message, "ports", name, "needs", meant=nearest(need.what, told))
        return False
    return _check_values(name, need, other, wrong)


def _check_values(name: str, need: Need, other: PortSpec, wrong: Wrong) -> bool:
    if other.tells:
        shows = other.values[need.what or _shown(other)]
    elif other.range is not None or other.takes_text:
        shows = None
    else:
        shows = SWITCHED if set(other.words) == set(SWITCHED[:4]) else other.words
    if shows is None:
        return True
    if need.values is None:
        known = ", ".join(text_of(each) for each in shows)
        wrong(f"port {other.name} shows no numbers, but {known}", "ports", name, "needs")
        return False
    for value in need.values:
        if not any(type(each) is type(value) and each == value for each in shows):
            words = [each for each in shows if isinstance(each, str)]
            message = f"port {other.name} never shows {text_of(value)} (only {', '.join(words)})"
            wrong(message, "ports", name, "needs", meant=nearest(str(value), words))
            return False
    return True


def _shown(port: PortSpec) -> str:
    """Return what a port tells that is a value, "" if it tells none."""
    return next((what for what, kind in port.tells.items() if kind == "value"), "")


def _row(need: Need, other: PortSpec) -> list[Any]:
    """Return an interlock as the board reads it."""
    what = need.what or _shown(other)
    values = None
    if need.values is not None:
        values = [_pair(each) if isinstance(each, Decimal) else each for each in need.values]
    least, most = need.range
    return [
        need.port,
        what,
        values,
        None if least is None else _pair(least),
        None if most is None else _pair(most),
    ]


def _pair(number: Decimal) -> list[int]:
    """Return a number as [units, decimals]."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    decimals = max(0, -exponent)
    return [int(number.scaleb(decimals)), decimals]


def _find_circles(
    wanted: Mapping[str, Sequence[Need]], known: Mapping[str, PortSpec], wrong: Wrong
) -> None:
    """Find outputs that wait for each other, so that none would ever leave its safe value."""
    waits = {
        name: [
            need.port
            for need in needs
            if need.port != name
            and need.port in known
            and not known[need.port].tells
            and not _safe_will_do(need, known)
        ]
        for name, needs in wanted.items()
    }
    said: set[str] = set()
    for start in waits:
        seen: list[str] = []
        to_look_at = [*waits[start]]
        while to_look_at:
            name = to_look_at.pop()
            if name not in seen:
                seen.append(name)
                to_look_at += waits.get(name, [])
        if start in seen and start not in said:
            said |= {start, *seen}
            others = " and ".join(name for name in seen if name != start)
            message = f"port {start} and {others} wait for each other, so none is ever switched on"
            wrong(message, "ports", start, "needs")


def _safe_will_do(need: Need, known: Mapping[str, PortSpec]) -> bool:
    """Tell whether an output's safe value is among those that are needed."""
    port = known[need.port]
    safe = port.keys.get("safe", 0)
    levels = port.keys.get("map") or [["on", 1], ["off", 0], [True, 1], [False, 0]]
    values = [value for value, level in levels if level == safe]
    values += [Decimal(safe[0]).scaleb(-safe[1]) if isinstance(safe, list) else safe]
    return any(need.allows(value) for value in values)
