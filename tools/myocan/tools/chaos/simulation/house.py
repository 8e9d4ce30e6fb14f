"""The house of a simulation: it counts, adds up, toggles, waits, and looks at the clock."""

from __future__ import annotations

from pathlib import Path

__all__ = ["BOARDS", "PUBLISHED", "make_house"]

BOARDS = 2

_COUNTER = """
MODULE counter{n}
    SUBSCRIBE button{n}.press
    SUBSCRIBE tally{n}.number 0
    SUBSCRIBE meter{n}.reading 0
    PUBLIC total 0
    PUBLIC lamp {{off, on}}
    PUBLIC sum 0
    PUBLIC newest 0
    ON button{n}.press
        THEN total++
        THEN next(lamp)
    ON tally{n}.number
        THEN sum = sum + tally{n}.number
    ON meter{n}.reading
        THEN newest = meter{n}.reading
"""
_HALL = """
MODULE hall
    SUBSCRIBE counter1.total 0
    SUBSCRIBE counter2.total 0
    PUBLIC total 0
    PUBLIC light {off, on}
    PUBLIC hours 0
    TIMER nobody 1 seconds
    ON counter1.total
        THEN total++
        THEN light = on
        THEN start(nobody)
    ON counter2.total
        THEN total++
        THEN light = on
        THEN start(nobody)
    ON nobody
        THEN light = off
    AT 00:00 OR 01:00 OR 02:00 OR 03:00 OR 04:00 OR 05:00 OR 06:00 OR 07:00
        THEN hours++
"""
PUBLISHED = [
    *(f"counter{n}.{name}" for n in (1, 2) for name in ("total", "lamp", "sum", "newest")),
    *(f"hall.{name}" for name in ("total", "light", "hours")),
]
"""What the modules say, module.variable."""


def make_house(folder: Path) -> None:
    """Write it into `folder`."""
    (folder / "modules").mkdir(parents=True)
    (folder / "myocan.toml").write_text('domain = "home"\n', encoding="utf-8")
    texts = {f"counter{n}": _COUNTER.format(n=n) for n in range(1, BOARDS + 1)}
    for name, text in {**texts, "hall": _HALL}.items():
        (folder / "modules" / f"{name}.scc").write_text(text.lstrip(), encoding="utf-8")
