"""Texts grown from the grammar itself, so that what it takes is tried, and not what we think of.

The one idea: a text follows from a number alone. The rules are those of `rules.lark` as lark has
compiled them; each is expanded at random until it is deep, and then the shortest way. Names and
members come from a small pool, so that some of them are declared. What has grown is then spoilt
here and there.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

from myocan.hub.lang import compile_module
from myocan.hub.lang.lexer import SYMBOLS
from myocan.hub.lang.schedules import cursor, schedule
from myocan.hub.lang.schedules import words as times
from myocan.hub.lang.syntax import _parser
from myocan.hub.lang.words import ACTIONS, FUNCTIONS, KEYWORDS, UNITS_MS

_SIGNS = {kind: sign for sign, kind in SYMBOLS.items()}
_NAMES = ("x", "y", "mode", "state", "count", "title", "wake", "offTimer", "a", "b", "m", "room")
_MEMBERS = ("on", "off", "auto", "true", "false", "hall", "noon", "start", "system", "NOT", "or")
_WORDS = (
    *_NAMES * 4,
    *_MEMBERS * 2,
    *FUNCTIONS,
    *ACTIONS,
    *sorted(KEYWORDS),
    *sorted(UNITS_MS),
    *(
        "clock",
        "config",
        "log",
        "info",
        "hour",
        "weekday",
        "timestamp",
        "grün",
        "\u017f",
        "\u212a",
        "_",
    ),
)
_KNOWN = (
    *("x", "y", "mode", "title", "wake", "state", "a", "count", "offTimer", "b", "room"),
    *("mode.on", "state.off", "MODE.Auto", "b.3", "x.0", "wake.noon", "title.on", "y.true"),
    *("event[location]", "event.toggle", "light[location].on", "light", "location"),
    *('b["hall"]', "system.clock#hour", "system.log#info", "x#timestamp", "count#modified"),
    *('map["hall"]', "map[title]", "map[hall].p", "one.on", "one", "own", "mine[location]"),
    *("sums[x]", 'sums["a"]', "map", "system.clock#season.summer", "system.config#country"),
    *("system.clock#now", "system.clock#time", "system.module#name", "one#producer", "notify"),
    *("min", "log", "next", "start", "create", "drop", "activate", "ignore", "round"),
)
_COMES = (
    *("x", "x > 3", "x == 2 OR mode.on", "y", "y == 3", "y.true", "mode", "mode.auto", "title"),
    *(
        'title == "hall"',
        "wake",
        "wake >= 12:00",
        "offTimer",
        "own",
        "b",
        "b < 0",
        "one",
        "one.off",
    ),
    *("event[location].toggle", "event", "x OR title OR wake"),
)
_ASKED = (
    *("x > 3", "mode.on", "mode == auto AND x <= 0", 'title == "a" OR title != "b"', "wake < noon"),
    *("NOT (x > 2 OR mode.off)", 'map["hall"].p', "map[title] == q", "mine[location] > x"),
    *("system.clock#season.summer", "system.clock#now - x#modified > 5", "count * 2 / x > 1.5"),
    *("light[location].off", 'location == "hall"', "system.clock#time > wake", "one.on"),
    *('y == "on"', "y > 2", "min(x, count) < abs(b)", 'title#producer != ""', "state.on"),
    *('sums["a"] + sums[title] > 0', "system.clock#hour > 5", 'system.clock#holiday == ""'),
)
_DUE = ("noon", "wake", "10 minutes before sunset ON weekdays", "15:00 IN winter OR midnight")
_DONE = (
    *("ignore", "state.on", "count++", "count = x", "next(state)", "activate(a)", "log(x, mode)"),
    *("start(offTimer)", "light.on", "next(light)", "title = mode", "count = min(x, 2) * 1.5"),
    *('map["hall"] = p', "next(map[title])", "map[title].q", 'sums["a"]++', "sums[title] = x / 7"),
    *('notify(x, "t", wake)', "notify()", "start(own)", "mine[location]++", "create(location)"),
    *("room = location", "title = system.clock#date", "log(system.clock#weekday, location)"),
    *("create(title)", "drop(room)", "room = title", "system.log#warn = title", "count--"),
)
_NUMBERS = (
    "0",
    "1",
    "2",
    "3",
    "10",
    "0.5",
    "1.25",
    "30",
    "007",
    "999999999999999999",
    "0.123456789",
)
_TEXTS = ('""', '"on"', '"hello there"', '"//"', '"\t"', '"ü"')
_CLOCKS = ("00:00", "7:05", "23:59", "3:00pm", "12:00 AM", "24:00", "1:5")
_AT_WORDS = (
    *(*times.TIMES, *schedule.MONTHS, *cursor.DAYS, "before", "after", "wake", "x.y"),
    *sorted(cursor.KEYWORDS) * 4,
    *("10 minutes", "1 hour", "december 24", "2027", "31", "june 1", ",", "christmas", "easter"),
    *("mondays", "springs", "15:00", "-", "[", "==", '"x"', "holidays", "fall", "day", "of"),
)
DECLARED = (
    "SUBSCRIBE x 0", "SUBSCRIBE y", "SUBSCRIBE mode {off,auto,on}", "SUBSCRIBE title \"\"",
    "SUBSCRIBE wake 00:00", "PUBLIC state {off,on}", "PUBLIC a", "PRIVATE count 0.00",
    "TIMER offTimer 5 minutes", "SUBSCRIBE b.x {-5-5} AS b", "PRIVATE room \"\"",
    "SUBSCRIBE event[location] {toggle}", "PUBLIC light[location] {off,on}",
    "TOPIC far.away {p,q} KEEP 3 days", "EXTERNAL notify", "PUBLIC map[who] {p,q}",
    "SUBSCRIBE lamp[hall].state {off,on} AS one", "PUBLIC sums[who] 0.0",
    "TIMER own[location] 2 s", "PRIVATE mine[location] 0",
)  # fmt: skip
HEADS = ("MODULE m", "MODULE m", "MODULE m[location]", "MODULE m[location] AUTO", "module M", "")
_JUNK = (
    *(
        "\0",
        "\x1b",
        "\ufeff",
        "\u2028",
        "\u00a0",
        "\t",
        '"',
        "'",
        "//",
        ";",
        "é",
        "{",
        "}",
        "[",
        "]",
    ),
    *(
        "\r",
        "\r\n",
        "\n",
        "\n\n",
        "(",
        ")",
        "--",
        "++",
        ".",
        ",",
        "#",
        "&&",
        "≤",
        "99:99",
        "1x",
        " ",
    ),
)


@cache
def _rules() -> dict[str, list[Sequence[Any]]]:
    """Return what each rule of the grammar may be, as lists of terminals and rules."""
    found: dict[str, list[Sequence[Any]]] = {}
    for rule in _parser().rules:
        found.setdefault(rule.origin.name, []).append(tuple(rule.expansion))
    return found


@cache
def _height(name: str) -> int:
    """Return how deep the shortest text of a rule is nested."""
    heights = dict.fromkeys(_rules(), 10**6)
    changed = True
    while changed:
        changed = False
        for rule, ways in _rules().items():
            best = min(
                1 + max((0 if s.is_term else heights[s.name] for s in way), default=0)
                for way in ways
            )
            changed |= best < heights[rule]
            heights[rule] = min(best, heights[rule])
    return heights[name]


def _way_height(way: Sequence[Any]) -> int:
    return max((0 if symbol.is_term else _height(symbol.name) for symbol in way), default=0)


def _grow(source: random.Random, name: str, depth: int) -> list[str]:
    if name == "name" and source.random() < 0.7:
        known = source.choice(_KNOWN)
        return [source.choice((known, known, known.upper(), known.title()))]
    ways = _rules()[name]
    if depth <= 0:
        least = min(map(_way_height, ways))
        ways = [way for way in ways if _way_height(way) == least]
    pieces: list[str] = []
    # Long ways are tried less often, else most lines would be very long.
    for symbol in source.choices(ways, [1 / len(way) ** 2 for way in ways])[0]:
        if symbol.is_term:
            pieces.append(_terminal(source, symbol.name))
        else:
            pieces += _grow(source, symbol.name, depth - 1)
    return pieces


def _terminal(source: random.Random, name: str) -> str:
    pools = {"WORD": _WORDS, "NUMBER": _NUMBERS, "TEXT": _TEXTS, "CLOCK": _CLOCKS}
    if name in pools:
        return source.choice(pools[name])
    if name in _SIGNS:
        return _SIGNS[name]
    return source.choice((name, name, name.lower(), name.title()))


def line(source: random.Random) -> str:
    """Grow one statement."""
    if source.random() < 0.1:
        return _at(source)
    pieces = _grow(source, "start", source.randint(2, 14))
    blank = source.choice((" ", " ", " ", "  ", "\t"))
    text = blank.join(pieces)
    return text + source.choice(("", "", "", "  // a note", "//", " //\t é "))


def reaction(source: random.Random) -> list[str]:
    """Grow a reaction: its opening, its guards, its actions."""
    lines = [_line_of(source, "opening") if source.random() < 0.8 else _at(source)]
    lines += [_line_of(source, "guard") for _ in range(source.choice((0, 0, 1, 2)))]
    return lines + [_line_of(source, "action") for _ in range(source.choice((1, 1, 2, 3)))]


def _line_of(source: random.Random, rule: str) -> str:
    return " ".join(_grow(source, rule, source.randint(2, 12)))


def _at(source: random.Random) -> str:
    return "AT " + " ".join(source.choices(_AT_WORDS, k=source.randint(1, 9)))


def sound(seed: int, tries: int) -> str:
    """Grow a module that compiles: of each reaction that was tried, what made no mistake is kept.

    Arguments:
        seed: it follows from that.
        tries: how many reactions, and how many further declarations, are tried.
    """
    source = random.Random(seed)
    lines = [source.choice(("MODULE m", "MODULE m[location]", "MODULE m[location] AUTO"))]
    grown = [[each] for each in DECLARED]
    grown += [[_line_of(source, "declaration")] for _ in range(tries)]
    grown += [reaction(source) for _ in range(tries)]
    grown += [_plausible(source) for _ in range(2 * tries)]
    for some in grown:
        if compile_module("\n".join([*lines, *some]), "m").program is not None:
            lines += some
    return "\n".join(lines)


def _plausible(source: random.Random) -> list[str]:
    """Return a reaction made of pieces that most likely compile."""
    opening = source.choice(("ON", "ON", "WHEN", "AT"))
    pools = {"ON": _COMES, "WHEN": _ASKED, "AT": _DUE}
    lines = [f"{opening} {source.choice(pools[opening])}"]
    lines += [f"AND {source.choice(_ASKED)}" for _ in range(source.choice((0, 0, 1, 2)))]
    lines += [f"THEN {source.choice(_DONE)}" for _ in range(source.choice((1, 2, 4)))]
    return [line.upper() if source.random() < 0.2 else line for line in lines]


def module(seed: int) -> str:
    """Grow a module, which may be without fault or full of them."""
    source = random.Random(seed)
    lines = [source.choice(HEADS)]
    lines += [each for each in DECLARED if source.random() < 0.8]
    for _ in range(source.randint(0, 8)):
        lines += reaction(source) if source.random() < 0.5 else [line(source)]
        if source.random() < 0.5:
            lines.append(source.choice(("THEN ignore", "THEN state.on", "THEN count++", "")))
    text = "\n".join(lines) + source.choice(("\n", ""))
    return text if source.random() < 0.6 else spoilt(source, text)


def spoilt(source: random.Random, text: str) -> str:
    """Return a text with some of its characters left out, doubled, moved, or others put in."""
    for _ in range(source.randint(1, 5)):
        start = source.randrange(len(text) + 1)
        end = min(len(text), start + source.randint(0, 15))
        piece = text[start:end]
        other = source.choice((*_JUNK, piece * 2, piece[::-1], piece.upper(), "", ""))
        if source.random() < 0.3:
            place = source.randrange(len(text) + 1)
            text = text[:place] + piece + text[place:]
        text = text[:start] + other + text[end:]
    return text


def rubbish(seed: int) -> bytes:
    """Return bytes that may be no text at all."""
    source = random.Random(seed)
    found = bytearray(module(seed).encode())
    for _ in range(source.randint(1, 20)):
        place = source.randrange(len(found) + 1)
        found[place : place + source.randint(0, 3)] = source.randbytes(source.randint(0, 4))
    return bytes(found)
