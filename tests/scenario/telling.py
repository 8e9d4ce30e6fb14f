"""Scenarios drawn at random, whole or spoilt, each following from a seed.

The one idea: lines are put together of words that mean something to a small house, so that many of
them are understood; the rest is for the reader to refuse.
"""

from __future__ import annotations

import random

from lang.growing import spoilt
from myocan.hub.scenario.formatter import SEEN
from myocan.hub.scenario.line import UNITS_MS
from myocan.hub.scenario.reader import WORDS

HOUSE = """\
MODULE lamp1
    SUBSCRIBE button1.press
    SUBSCRIBE mode {off, auto}
    SUBSCRIBE level 0.0
    SUBSCRIBE wake 7:00
    PUBLIC state {off, on}
    PUBLIC note ""
    PRIVATE count 0
    TIMER dark 5 minutes
    ON button1.press
        THEN next(state)
        THEN count++
        THEN start(dark)
    ON dark
        THEN state.off
    ON mode
        THEN note = "set"
    ON level
        THEN log("level", level)
    AT wake
        THEN state.on
MODULE switch1
    SUBSCRIBE lamp1.state {off, on}
    PUBLIC state {off, on}
    ON lamp1.state
        THEN state = lamp1.state
"""

_NAMES = (
    *("lamp1.state", "lamp1.mode", "lamp1.level", "lamp1.wake", "lamp1.note", "lamp1.count"),
    *("lamp1.dark", "switch1.state", "button1.press", "lamp1.stat", "nobody.x", "lamp1"),
    *("lamp1[hall].state", 'lamp["b c"]', "LAMP1.STATE", "Lamp1.state", "x.y.z.state", "lamp1."),
)
_VALUES = (
    *("on", "off", "auto", "onn", "0", "-1.5", "21.75", "7:05", "12:00 AM", '"a text"', "true"),
    *('""', "noon", "9999999999999999999", "1.0000000001", "=", ""),
)
_TIMES = ("2027-06-01", "2027-06-01 23:58", "2027-02-30", "23:58", "noon", "midnight", "1969-01-01")
_SIGNS = ("=", "==", "!=", "<", "<=", ">", ">=", "")


def told(seed: int) -> str:
    """Tell some scenarios, which may make no sense."""
    source = random.Random(seed)
    lines = []
    for number in range(source.randint(1, 3)):
        lines.append(source.choice(("SCENARIO", "scenario")) + f" number {number} // told")
        lines += [_line(source) for _ in range(source.randint(0, 8))]
    text = "\n".join(lines) + "\n"
    return text if source.random() < 0.6 else spoilt(source, text)


def _line(source: random.Random) -> str:
    word = source.choice(WORDS[1:])
    name, value = source.choice(_NAMES), source.choice(_VALUES)
    if word in ("SEND", "SET", "EXPECT") and source.random() < 0.7:
        rest = f"{name} {source.choice(_SIGNS)} {value}"
    elif word == "EXPECT":
        negated = source.choice(("", "NO "))
        said = source.choice(("", '"level"', f"notify({value}, {value})", name))
        rest = negated + source.choice((*SEEN, name)) + " " + said
    elif word == "ADVANCE":
        unit = source.choice(sorted(UNITS_MS))
        rest = source.choice((f"{source.randint(0, 90)} {unit}", f"TO {source.choice(_TIMES)}"))
    elif word == "CLOCK":
        rest = source.choice(_TIMES)
    elif word == "HOUSE":
        rest = ""
    else:
        rest = source.choice((name, "lamp1, switch1", "lamp1", "nobody"))
    spelt = source.choice((word, word, word.lower()))
    return source.choice(("", "  ", "\t")) + f"{spelt} {rest}" + source.choice(("", " // so"))
