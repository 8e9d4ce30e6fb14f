"""Scenarios: how many minutes of a house a second of ours plays.

Decides: may a scenario be played by the same core and the same timetable as the hub's, one due
thing after the other, or does simulated time need a shorter way? Goal: 100,000 simulated minutes a
second with one module that has an AT; a year then takes five seconds at most. The peer is the
obvious loop, which asks of every minute of a year what the time is, and whether something is due.

    no AT       a year in which nothing is due
    AT          one AT, each day at a time
    sunset      one AT, each day at another
    calendar    a rule that reads `system.clock#weekday`, which is told at each midnight
    timer       a timer that starts itself again each minute: half a million cycles
    short       a whole scenario of six steps, ten minutes long: what each costs before it begins
    loop        the peer

    python tools/bench/scenarios.py [--rounds 7] [--days 365] [--quick] [--json]

Each round takes every case in turns; the medians count. Processor time, garbage collection off.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from myocan.hub.calendar import Calendar
from myocan.hub.core import COMPILED
from myocan.hub.house import House
from myocan.hub.lang import compile_module
from myocan.hub.lang.schedules import Place
from myocan.hub.scenario import Cast, read_scenarios, run_scenario
from myocan.hub.settings import Location

PLACE = Place(ZoneInfo("Europe/Berlin"), 52.5, 13.4, "DE")
HOUSE = House(timezone="Europe/Berlin", location=Location(latitude=52.5, longitude=13.4))
START = datetime(2027, 1, 1, tzinfo=UTC)

LAMP = """
MODULE m
SUBSCRIBE mode {off, auto}
PUBLIC state {off, on}
ON mode
  THEN ignore
"""
MODULES = {
    "no AT": LAMP,
    "AT": LAMP + "AT 22:30\n  WHEN mode.auto\n  THEN next(state)\n",
    "sunset": LAMP + "AT 10 minutes before sunset\n  WHEN mode.auto\n  THEN next(state)\n",
    "calendar": LAMP + "WHEN system.clock#weekday.monday\n  THEN next(state)\n",
    "timer": LAMP.replace("  THEN ignore", "  THEN start(t)\nTIMER t 1 minute")
    + "ON t\n  THEN next(state)\n  THEN start(t)\n",
}
YEAR = """
SCENARIO a year
  CLOCK 2027-01-01
  SEND m.mode = auto
  ADVANCE {days} days
  EXPECT NO RECORDS
"""
SHORT = """
SCENARIO ten minutes
  CLOCK 2027-06-01 22:25
  SEND m.mode = auto
  ADVANCE 10 minutes
  EXPECT m.state = on
  EXPECT m.state
  EXPECT NO RECORDS
"""


def scenario(module: str, text: str) -> Callable[[], None]:
    """Return what plays a scenario of a module."""
    compiled = compile_module(module, "m")
    if compiled.program is None:
        raise SystemExit("\n".join(map(str, compiled.diagnostics)))
    cast = Cast({"m": compiled.program}, PLACE, calendar=Calendar(HOUSE, PLACE))
    read = read_scenarios(text, "bench.scenario", cast)
    if read.diagnostics:
        raise SystemExit("\n".join(map(str, read.diagnostics)))

    def play() -> None:
        outcome = run_scenario(read.scenarios[0], cast)
        if outcome.failure is not None:
            raise SystemExit(outcome.failure.headline)

    return play


def loop(days: int) -> Callable[[], None]:
    """Return the peer: it asks of every minute whether it is half past ten."""

    def play() -> None:
        on = False
        for minute in range(days * 1440):
            local = (START + timedelta(minutes=minute)).astimezone(PLACE.zone)
            if (local.hour, local.minute) == (22, 30):
                on = not on

    return play


def measure(rounds: int, days: int) -> list[dict[str, Any]]:
    """Return a row for each case: its name, milliseconds, simulated minutes a second."""
    minutes = days * 1440
    cases = {
        name: (scenario(module, YEAR.format(days=days)), minutes)
        for name, module in MODULES.items()
    }
    cases["short"] = scenario(MODULES["AT"], SHORT), 10
    cases["loop"] = loop(days), minutes
    took: dict[str, list[float]] = {name: [] for name in cases}
    for turn in range(rounds + 1):
        for name, (play, _) in cases.items():
            again = 50 if name == "short" else 1
            begin = time.process_time()
            for _ in range(again):
                play()
            if turn or rounds == 0:  # the first one imports, and asks the calendar
                took[name].append((time.process_time() - begin) / again)
    rows = []
    for name, (_, simulated) in cases.items():
        spent = statistics.median(took[name])
        rows.append(
            {"case": name, "ms": round(spent * 1000, 3), "minutes_per_s": round(simulated / spent)}
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--days", type=int, default=365, help="how long the house is played")
    parser.add_argument("--quick", action="store_true", help="one round of few days: does it run?")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args()
    rounds, days = (1, 10) if options.quick else (options.rounds, options.days)
    gc.disable()
    rows = measure(rounds, days)
    core = "compiled" if COMPILED else "pure"
    if options.json:
        print(json.dumps({"rounds": rounds, "days": days, "core": core, "rows": rows}))
        return
    print(f"{days} days, core {core}, median of {rounds} rounds")
    print(f"{'case':<12}{'ms':>12}{'simulated minutes/s':>24}")
    for row in rows:
        print(f"{row['case']:<12}{row['ms']:>12.3f}{row['minutes_per_s']:>24,}")


if __name__ == "__main__":
    main()
