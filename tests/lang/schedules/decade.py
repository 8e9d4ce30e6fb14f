"""Long run: the due times of a fixed set of schedules, held against a walk over every minute.

    python tests/lang/schedules/decade.py                 the first weeks, in some seconds
    python tests/lang/schedules/decade.py --weeks 522     ten years, in some minutes

Each place is walked once for all schedules, from the start of 2020. Exit code 1 if anything
differs; the first difference of each schedule is printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from lang.schedules.drawn import PLACES, TURNS, VARIABLES
from lang.schedules.reading import read
from lang.schedules.walk import walk
from myocan.hub.lang.schedules import next_due

LINES = (
    "midnight",
    "2:30am",
    "23:30 ON sundays",
    "bedtime ON weekdays",
    "noon ON february 29",
    "sunrise",
    "10 minutes before sunset ON weekdays FROM october 1 THROUGH march 31",
    "2 hours after sunset ON fridays",
    "3 hours after midnight IN winter OR 1 hour 30 minutes before noon DURING summer",
    "6:15pm ON christmas easter december 31 OR 0:30 ON new years day",
    "25 hours after 12:01am ON mondays, saturdays FROM november THROUGH february",
    "7:00 STARTING march 15, 2021 ENDING september 2024 ON weekends",
    "absent OR first IN 2022 2025",
)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--weeks", type=int, default=3)
    parser.add_argument("--start", type=datetime.fromisoformat, default=datetime(2020, 1, 1))
    options = parser.parse_args(arguments)
    schedules = [read(line) for line in LINES]
    start = options.start.replace(tzinfo=UTC)
    end = start + timedelta(weeks=options.weeks)
    wrong = 0
    for name in TURNS:
        place = PLACES[name]
        begin = time.perf_counter()
        walked = walk(schedules, place, VARIABLES, start, end)
        spent, count = time.perf_counter() - begin, 0
        for line, schedule, expected in zip(LINES, schedules, walked, strict=True):
            after = start
            for due in (*expected, None):
                found = next_due(schedule, after, place, VARIABLES)
                found = None if found is not None and found > end else found
                if found != due:
                    print(f"{name}: AT {line}: they differ, {found} is computed, {due} walked")
                    wrong += 1
                    break
                after = due or end
                count += 1
        print(f"{name}: {count} due times in {options.weeks} weeks, walked in {spent:.1f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
