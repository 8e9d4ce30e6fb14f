"""`myocan test`: do the rules of a house do what its scenarios say?"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house

if TYPE_CHECKING:
    from myocan.hub.scenario import Outcome
    from myocan.tools.scenario_files import Found


def scenarios(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[HOUSE | FOLDER | FILE...]",
            help="Scenarios (.scenario), or folders that hold them. Default: the house.",
        ),
    ] = None,
    house: HouseOption = None,
    only: Annotated[
        str | None,
        typer.Option("-k", metavar="TEXT", help="Run only scenarios whose name has this in it."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("-v", "--verbose", help="Name the scenarios that pass, too.")
    ] = False,
    junit: Annotated[
        Path | None,
        typer.Option("--junit", metavar="FILE", help="Write the outcome as JUnit XML, too."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run scenarios, tests of the rules, on a clock of their own; exit code 1 if one fails.

    Example: [bold]myocan test[/bold], [bold]myocan test -k midnight -v[/bold]
    """
    from myocan.hub.scenario import run_scenarios
    from myocan.tools.scenario_files import find_scenarios

    begin = time.monotonic()
    for path in paths or []:
        if not path.exists():
            raise typer.BadParameter(f"there is no {path}")
        if path.is_file() and path.suffix != ".scenario":
            raise typer.BadParameter(f"{path} holds no scenarios; name a .scenario or a folder")
    found = find_scenarios(paths or [open_house(house).root], house)
    if only is not None:
        wanted = only.lower()
        found.jobs = [job for job in found.jobs if wanted in job[0].title.lower()]
    outcomes: list[Outcome] = []
    for outcome in run_scenarios(found.jobs):
        outcomes.append(outcome)
        if not as_json:
            show(outcome, verbose)
    mistakes = [finding for finding in found.findings if finding.severity == "error"]
    if junit is not None:
        from myocan.tools.junit import write_junit

        write_junit(junit, outcomes, mistakes)
    spent = time.monotonic() - begin
    if as_json:
        print(json.dumps(plain(found, outcomes, spent)))
    else:
        for finding in found.findings:
            print(finding.shown)
        print(summary(found, outcomes, spent))
    if mistakes or not all(outcome.passed for outcome in outcomes):
        raise typer.Exit(Exit.NO)


def show(outcome: Outcome, verbose: bool) -> None:
    """Print what came of a scenario, if it failed or if all are wanted."""
    if outcome.failure is not None:
        print(f"FAILED  {outcome.title}")
        for line in outcome.failure.told(outcome.file):
            print(f"  {line}" if line else "")
        print()
    elif verbose:
        print(f"passed  {outcome.title}")


def summary(found: Found, outcomes: list[Outcome], spent: float) -> str:
    """Return the last line: how many there are, and what came of them."""
    from myocan.tools.cli.check import counted

    failed = sum(not outcome.passed for outcome in outcomes)
    mistakes = sum(finding.severity == "error" for finding in found.findings)
    parts = [
        f"{len(outcomes) - failed} passed" if len(outcomes) > failed else "",
        f"{failed} failed" if failed else "",
        f"{found.left_out} left out" if found.left_out else "",
        counted(mistakes, "mistake"),
    ]
    what = counted(len(outcomes), "scenario") or "no scenario"
    told = ", ".join(filter(None, parts)) or "nothing to run"
    return f"{what}: {told} ({spent:.1f} s)"


def plain(found: Found, outcomes: list[Outcome], spent: float) -> dict[str, object]:
    """Return what came of all, for JSON."""
    failed = sum(not outcome.passed for outcome in outcomes)
    return {
        "passed": len(outcomes) - failed,
        "failed": failed,
        "left_out": found.left_out,
        "mistakes": sum(finding.severity == "error" for finding in found.findings),
        "seconds": round(spent, 3),
        "scenarios": [outcome.plain() for outcome in outcomes],
        "findings": [finding.plain() for finding in found.findings],
    }
