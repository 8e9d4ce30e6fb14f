"""Plays scenarios of modules that a test writes down."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from myocan.hub.calendar import Calendar
from myocan.hub.house import House
from myocan.hub.lang import Topic, compile_module
from myocan.hub.lang.schedules import Place
from myocan.hub.scenario import Cast, Outcome, Scenarios, read_scenarios, run_scenario
from myocan.hub.settings import Location

BERLIN = House(
    timezone="Europe/Berlin", location=Location(latitude=52.52, longitude=13.4, country="DE")
)


def cast_of(modules: Mapping[str, str], topics: tuple[Topic, ...] = ()) -> Cast:
    """Return a house in Berlin with these modules; those with errors are broken."""
    place = Place(ZoneInfo("Europe/Berlin"), 52.52, 13.4, "DE")
    programs = {name: compile_module(text, name).program for name, text in modules.items()}
    return Cast(
        {name: program for name, program in programs.items() if program is not None},
        place,
        dict(modules),
        topics,
        frozenset(name for name, program in programs.items() if program is None),
        Calendar(BERLIN, place),
    )


def read(modules: Mapping[str, str], text: str) -> Scenarios:
    """Read scenarios of these modules, as m.scenario."""
    return read_scenarios(text, "m.scenario", cast_of(modules))


def play(modules: Mapping[str, str], text: str) -> list[Outcome]:
    """Run scenarios of these modules, which must be without errors."""
    cast = cast_of(modules)
    found = read_scenarios(text, "m.scenario", cast)
    assert [str(one) for one in found.diagnostics if one.severity == "error"] == []
    return [run_scenario(scenario, cast) for scenario in found.scenarios]


def came_of(outcome: Outcome) -> str:
    """Return what came of a scenario in a line, as the tables of the tests have it."""
    failure = outcome.failure
    if failure is None:
        return "passed"
    return f"line {failure.line}: expected {failure.expected}; seen {failure.seen}"


class Case(NamedTuple):
    """Modules, scenarios, and what is expected to come of them, line by line."""

    title: str
    modules: dict[str, str]
    text: str
    expected: list[str]


def read_cases(file: str) -> list[Case]:
    """Read a table: `=== title`, modules, `+++`, scenarios, `---`, and what is expected.

    Before the first case, and before the first `===` alone, stand modules that all cases have.
    """
    source = Path(__file__).with_name(file).read_text(encoding="utf-8")
    common, *blocks = re.split(r"^=== ", source, flags=re.MULTILINE)
    cases = []
    for block in blocks:
        title, _, rest = block.partition("\n")
        modules, _, rest = rest.partition("+++\n")
        text, _, expected = rest.partition("---\n")
        cases.append(Case(title, modules_of(common + modules), text, expected.strip().splitlines()))
    return cases


def modules_of(text: str) -> dict[str, str]:
    """Return the modules in a text by name; each begins with MODULE."""
    found = re.split(r"^(?=MODULE )", text, flags=re.MULTILINE)[1:]
    return {module.split()[1].partition("[")[0]: module for module in found}
