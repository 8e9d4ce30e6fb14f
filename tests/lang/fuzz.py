"""Long run: texts of all kinds, each held to what is promised of every text.

    python tests/lang/fuzz.py                     for a minute
    python tests/lang/fuzz.py --minutes 30
    python tests/lang/fuzz.py --seed 12345        one text again

Every text follows from a seed, which is printed with what goes wrong. A text that takes longer than
ten seconds ends the run with a traceback of where it was. Exit code 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import random
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from lang import growing
from lang.living import Living
from lang.promises import answered, formatted, meaning
from myocan.hub.core.program import Role
from myocan.hub.lang import check_house
from scenario.promises import scenarios_answered, scenarios_formatted
from scenario.telling import told

PATIENCE_S = 10.0
"""Longest that one text may take."""


KEYS = ("", "", "hall", "attic", "ü", "x" * 64)
VALUES = (
    *("", "", "0", "1", "-5", "2.75", "999999999999999999", "true", "false", '"on"', '"off"'),
    *('"auto"', '"toggle"', '"p"', '"hall"', '"12:00"', '"23:59"', '""', '"no such thing"'),
)


def lived(text: str, seed: int) -> None:
    """Send a module that compiles all kinds of messages; nothing that comes may stop the core."""
    source = random.Random(seed)
    house = Living(m=text)
    (program,) = house.core.programs
    heard = [
        variable.topic
        for variable in program.variables
        if variable.role in (Role.SUBSCRIBE, Role.TIMER) and variable.topic is not None
    ]
    for _ in range(20 if heard else 0):
        domain, module, name = source.choice(heard)
        key, value = source.choice(KEYS), source.choice(VALUES)
        whose = f"{module}[{key}]" if key and not domain and module[0] != "$" else module
        house.send(f"{f'{domain}.' if domain else ''}{whose}.{name} = {value}")
        if program.key and source.random() < 0.2:
            house.send(f"m[{key or 'hall'}] = {source.choice(('true', 'null'))}")
    assert all(json.loads(value) is not Ellipsis for value in house.core.snapshot().values())


def housed(seed: int) -> str:
    """Check a house of two modules of which each may hear the other; return what became of it."""
    texts = [growing.module(seed), growing.sound(seed, tries=3)]
    names = ["m", "b"]
    house = {
        name: text.replace("MODULE m", f"MODULE {name}", 1)
        for name, text in zip(names, texts, strict=True)
    }
    found = check_house(house)
    places = [(d.file, d.line, d.column) for d in found]
    assert places == sorted(places)
    for diagnostic in found:
        assert diagnostic.render(house[diagnostic.file.removesuffix(".scc")])
    return "houses"


def story(seed: int) -> str:
    """Try the scenarios of a seed; return what became of them."""
    text = told(seed)
    diagnostics, outcomes = scenarios_answered(text)
    scenarios_formatted(text)
    if not outcomes:
        return "no scenario" if diagnostics else "nothing told"
    return "scenarios that were played"


def grown(seed: int) -> str | bytes:
    """Return the text of a seed: spoilt bytes, any text, or one that compiles."""
    if seed % 4 == 0:
        return growing.rubbish(seed)
    return growing.sound(seed, tries=6) if seed % 4 == 1 else growing.module(seed)


def fuzz(seed: int) -> str:
    """Try one seed; return what became of it. Raises AssertionError, or whatever escaped."""
    if seed % 5 == 0:
        return story(seed)
    if seed % 11 == 0:
        return housed(seed)
    source = grown(seed)
    compiled = answered(source)
    tidy = formatted(source)
    if tidy is None:
        return "refused"
    text = source if isinstance(source, str) else source.decode()
    assert meaning(tidy) == meaning(text), "formatting changed what it means"
    if compiled:
        lived(text, seed)
    return "compiled and run" if compiled else "read, with mistakes"


def main() -> int:
    """Try seeds until the time is up; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--seed", type=int, help="try this one alone, and show its text")
    options = parser.parse_args()
    if options.seed is not None:
        print(told(options.seed) if options.seed % 5 == 0 else grown(options.seed))
        print(fuzz(options.seed))
        return 0
    start, first, wrong = time.monotonic(), random.randrange(2**32), 0
    seen: Counter[str] = Counter()
    seed = first
    while time.monotonic() - start < 60 * options.minutes:
        faulthandler.dump_traceback_later(PATIENCE_S, exit=True)
        try:
            seen[fuzz(seed)] += 1
        except Exception:
            wrong += 1
            print(f"--- seed {seed}")
            traceback.print_exc()
        seed += 1
    faulthandler.cancel_dump_traceback_later()
    became = ", ".join(f"{count} {what}" for what, count in seen.most_common())
    print(f"{seed - first} texts from seed {first} on: {became}; {wrong} went wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
