"""Schedules: what it costs to find out when an AT is due next.

Decides: may the simulated clock of a scenario, and the agent after every due minute, simply ask
`next_due`? A scenario simulates 100,000 minutes a second, 69 days, with one module that has an AT;
so a daily AT may cost tens of microseconds a day, new days and new sun included, and what is never
due must cost no more when it is asked again. The floor is what every answer pays at least: one
conversion to the zone and back by `zoneinfo`. The peer is polling: asking of a minute whether
anything is due, times the 1,440 minutes of a day.

    python tools/bench/schedules.py [--rounds 7] [--days 700] [--quick] [--json]

`first` walks days that nobody has asked for yet, as a clock that goes on does; `again` walks the
same days once more, as a second module with another AT does. Each round takes every schedule in
turns; the medians count. Processor time, garbage collection off.
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

from myocan.hub.lang.diagnostics import Report
from myocan.hub.lang.lexer import tokens
from myocan.hub.lang.schedules import (
    Mistake,
    Place,
    Schedule,
    holiday,
    next_due,
    parse_schedule,
    place,
    sky,
)

BERLIN = Place(ZoneInfo("Europe/Berlin"), 52.5, 13.4, "DE")
SVALBARD = Place(ZoneInfo("Arctic/Longyearbyen"), 78.2, 15.6, "NO")
POLE = Place(ZoneInfo("UTC"), 90.0, 0.0)
START = datetime(2027, 1, 1, tzinfo=UTC)

CASES = (
    ("15:00", BERLIN),
    ("bedtime ON weekdays", BERLIN),
    ("10 minutes before sunset", BERLIN),
    ("2 hours after sunset ON fridays", BERLIN),
    ("sunset ON weekdays FROM october 1 THROUGH march 31 OR noon ON weekends", BERLIN),
    ("noon ON christmas easter new years day", BERLIN),
    ("noon ON february 29", BERLIN),
    ("noon ON february 29 ON mondays", BERLIN),
    ("noon STARTING may 1, 2900", BERLIN),
    ("sunset", SVALBARD),
    ("sunset", POLE),
    ("sunset IN december", SVALBARD),
    ("noon ON holidays ON february 29", BERLIN),
    ("noon IN 2025", BERLIN),
)
VARIABLES = {"bedtime": 1350}


def read(line: str) -> Schedule:
    """Return the schedule of what stands behind AT."""
    found = parse_schedule(tokens(line, 1, Report("bench"))[0])
    if isinstance(found, Mistake):
        raise SystemExit(f"AT {line}: {found.message}")
    return found


def forget(where: Place) -> Place:
    """Return the place as if nothing had been asked of it."""
    for known in (sky.sun_event, sky._event, sky.crossing_days, place.plain_midnight):
        known.cache_clear()
    holiday._listed.cache_clear()
    return Place(where.zone, where.latitude, where.longitude, where.country)


def per_answer(schedule: Schedule, where: Place, days: int) -> tuple[float, int]:
    """Return microseconds an answer over so many days, and how many answers."""
    after, end, count = START, START + timedelta(days=days), 0
    begin = time.process_time()
    while after < end:
        due = next_due(schedule, after, where, VARIABLES)
        count += 1
        if due is None:
            break
        after = due
    return (time.process_time() - begin) / count * 1e6, count


def per_call(call: Callable[[], Any], number: int) -> float:
    begin = time.process_time()
    for _ in range(number):
        call()
    return (time.process_time() - begin) / number * 1e6


def there_and_back() -> datetime:
    return START.astimezone(BERLIN.zone).astimezone(UTC)


def is_it_three() -> bool:
    local = (START + timedelta(minutes=1)).astimezone(BERLIN.zone)
    return (local.hour, local.minute) == (15, 0)


def measure(rounds: int, days: int) -> list[dict[str, Any]]:
    """Return a row for each case, and the floor and the peer."""
    schedules = [(line, read(line), where) for line, where in CASES]
    for _, schedule, where in schedules:
        next_due(schedule, START, where, VARIABLES)  # the imports are not what is asked here
    first: dict[int, list[float]] = {}
    again: dict[int, list[float]] = {}
    floor: list[float] = []
    polled: list[float] = []
    answers: dict[int, int] = {}
    for _ in range(rounds):
        for number, (_, schedule, where) in enumerate(schedules):
            fresh = forget(where)
            spent, answers[number] = per_answer(schedule, fresh, days)
            first.setdefault(number, []).append(spent)
            again.setdefault(number, []).append(per_answer(schedule, fresh, days)[0])
        floor.append(per_call(there_and_back, 5000))
        polled.append(1440 * per_call(is_it_three, 5000))
    rows: list[dict[str, Any]] = [
        {
            "at": line,
            "zone": str(where.zone),
            "answers": answers[number],
            "first": round(statistics.median(first[number]), 1),
            "again": round(statistics.median(again[number]), 1),
        }
        for number, (line, _, where) in enumerate(schedules)
    ]
    for name, times in (("(there and back in the zone)", floor), ("(polling a day)", polled)):
        spent = round(statistics.median(times), 1)
        rows.append({"at": name, "zone": "", "answers": 1, "first": spent, "again": spent})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--days", type=int, default=700, help="how far each schedule is followed")
    parser.add_argument("--quick", action="store_true", help="one round of few days: does it run?")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args()
    rounds, days = (1, 60) if options.quick else (options.rounds, options.days)
    gc.disable()
    rows = measure(rounds, days)
    if options.json:
        print(json.dumps({"unit": "us an answer", "rounds": rounds, "days": days, "rows": rows}))
        return
    print(f"{'AT':<72}{'zone':<21}{'answers':>8}{'first':>9}{'again':>9}   us an answer, median")
    for row in rows:
        print(
            f"{row['at']:<72}{row['zone']:<21}{row['answers']:>8}"
            f"{row['first']:>9.1f}{row['again']:>9.1f}"
        )


if __name__ == "__main__":
    main()
