"""The houses whose histories are recorded: their rules, and how these change while they run.

The one idea: what the language has is somewhere in them: modules with and without a key, timers,
times of day and of the sun across the end of summer time, maps, attributes, EXTERNAL functions,
numbers that are divided and rounded, modules that come, go and learn what was before them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ROOM = """MODULE room[name] AUTO
SUBSCRIBE motion[name].seen AS motion
SUBSCRIBE warmth[name].degrees 0.00 AS warmth
SUBSCRIBE bedtime
SUBSCRIBE book "nobody"
SUBSCRIBE leave "nobody"
PUBLIC light[name] {off, dim, on}
PUBLIC mean[name] 0.0
PUBLIC guests 0
PRIVATE readings[name] 0
PRIVATE sum[name] 0.000
TIMER empty[name] 25 minutes
ON motion
  AND light.off
  THEN light = on
  THEN start(empty)
ON motion
  THEN reset(empty)
ON warmth
  THEN readings++
  THEN sum = sum + warmth
  THEN mean = round(sum / readings, 1)
ON empty
  AND light.on
  THEN light = dim
  THEN start(empty)
ON empty
  THEN light = off
ON bedtime
  THEN light = off
  THEN cancel(empty)
ON book
  THEN guests++
  THEN create(book)
ON leave
  AND guests > 0
  THEN guests--
  THEN drop(leave)
ON leave
  THEN ignore
AT 02:30
  THEN light = off
  THEN log("night round in", name)
WHEN mean > 24
  THEN log("it is warm in", name, mean)
"""

DESK = """MODULE desk
SUBSCRIBE room.guests 0
SUBSCRIBE say ""
PUBLIC word[name] ""
PUBLIC last ""
PUBLIC when 0
PUBLIC busy {no, yes}
ON say
  THEN word["lobby"] = say
  THEN last = say#topic
  THEN when = say#offset
ON room.guests
  THEN ignore
WHEN room.guests >= 3
  THEN busy = yes
WHEN room.guests < 3
  THEN busy = no
"""

LEDGER = """MODULE ledger HISTORY
SUBSCRIBE room.guests 0
SUBSCRIBE room.book ""
PUBLIC bookings 0
PUBLIC most 0
ON room.book
  THEN bookings++
ON room.guests
  THEN most = max(most, room.guests)
"""

LATHE = """MODULE lathe
SUBSCRIBE begin 06:45
SUBSCRIBE load {-500.0-500.0}
SUBSCRIBE stop
EXTERNAL notify
PUBLIC running {no, yes}
PUBLIC speed 0.00
PUBLIC share 0.000
PRIVATE turns 1
TIMER pause 90 seconds
AT begin ON weekdays
  THEN running = yes
  THEN notify("lathe runs", load)
AT 30 minutes before sunset
  THEN running = no
ON load
  AND running.yes
  THEN turns++
  THEN speed = (speed * 3 + load) / 4
  THEN share = round(load / turns, 3)
  THEN start(pause)
ON load
  THEN ignore
ON stop
  THEN running = no
  THEN notify("stopped at", speed)
ON pause
  THEN speed = speed / 2
WHEN speed > 60
  THEN notify("too fast", speed)
  THEN running = no
"""

CLOCK = """MODULE hours
SUBSCRIBE lathe.running {no, yes}
PUBLIC day ""
PUBLIC minutes 0
PUBLIC nights {0-3}
PRIVATE since 0
ON lathe.running.yes
  THEN since = system.clock#now
ON lathe.running.no
  AND since > 0
  THEN minutes = minutes + round((system.clock#now - since) / 60, 0)
  THEN since = 0
ON lathe.running
  THEN ignore
AT midnight
  THEN day = system.clock#weekday
  THEN nights++
WHEN minutes > 6000
  THEN minutes = 0
"""


@dataclass(frozen=True)
class Recorded:
    """A house and what becomes of its rules.

    modules: at the start. later: (day, hot, texts): rules that are put in force on that day, by
    message or with a start, None for a module that goes. keys: of its instances.
    """

    name: str
    modules: dict[str, str]
    later: tuple[tuple[int, bool, dict[str, str | None]], ...] = ()
    keys: tuple[str, ...] = ()
    per_day: int = 24
    settings: str = field(default='domain = "home"\ntimezone = "Europe/Vienna"\n')


def example() -> Recorded:
    """The house that comes with myocan."""
    files = sorted((ROOT / "examples" / "house" / "modules").glob("*.scc"))
    return Recorded(
        "example", {file.stem: file.read_text() for file in files}, keys=("kitchen", "attic")
    )


def hotel() -> Recorded:
    """Rooms that come and go, and a ledger that comes later and knows all of it."""
    quick = ROOM.replace("25 minutes", "10 minutes").replace("mean > 24", "mean > 22.5")
    return Recorded(
        "hotel",
        {"room": ROOM, "desk": DESK},
        ((9, True, {"ledger": LEDGER}), (15, False, {"room": quick})),
        ("1", "2", "12b", "garden room"),
    )


def workshop() -> Recorded:
    """Machines, calls of EXTERNAL functions, and hours that are counted."""
    softer = LATHE.replace("speed / 2", "speed / 3").replace("06:45", "07:10")
    return Recorded(
        "workshop",
        {"lathe": LATHE, "hours": CLOCK},
        ((8, True, {"lathe": softer}), (16, True, {"hours": None}), (18, False, {"hours": CLOCK})),
        settings='domain = "home"\ntimezone = "Europe/Vienna"\n'
        "[location]\nlatitude = 48.2\nlongitude = 16.4\n",
    )


HOUSES = (example, hotel, workshop)
