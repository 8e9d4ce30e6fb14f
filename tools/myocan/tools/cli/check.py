"""`myocan check`: are rules, scenarios and boards of a house right, and do they fit together?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house

if TYPE_CHECKING:
    from myocan.tools.house_check import Finding


def check(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[HOUSE | FILE...]",
            help="A house's folder, or files: .scc, .py, .scenario, .toml. Default: the house.",
        ),
    ] = None,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find mistakes in rules, scenarios and adapters before they run; exit code 1 if there are any.

    Example: [bold]myocan check[/bold], [bold]myocan check modules/lamp1.scc[/bold]
    """
    if not paths:
        findings, what = check_whole(house)
    elif len(paths) == 1 and paths[0].is_dir():
        findings, what = check_whole(paths[0])
    else:
        findings = [finding for path in paths for finding in check_file(path)]
        what = counted(len(paths), "file")
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    if as_json:
        plain = [finding.plain() for finding in findings]
        print(json.dumps({"errors": errors, "warnings": warnings, "findings": plain}))
    else:
        for finding in findings:
            print(finding.shown)
        found = counted(errors, "error"), counted(warnings, "warning")
        print(f"{what}: {', '.join(filter(None, found)) or 'nothing wrong'}")
    if errors:
        raise typer.Exit(Exit.NO)


def counted(number: int, what: str) -> str:
    """Return "2 modules", "1 module", or "" for none."""
    return f"{number} {what}{'s' if number > 1 else ''}" if number else ""


def check_whole(folder: Path | None) -> tuple[list[Finding], str]:
    """Check a house; return what was found, and what was looked at."""
    from myocan.tools.house_check import check_house

    opened = open_house(folder)
    looked = counted(len(opened.modules()), "module"), counted(len(opened.adapters()), "adapter")
    return check_house(opened), ", ".join(filter(None, looked)) or "an empty house"


def check_file(file: Path) -> list[Finding]:
    """Check one file: as part of its house if it lies in one, else by itself.

    Raises typer.BadParameter for a file that is no module, scenario or adapter.
    """
    from myocan.hub.house import FILE_NAME, House
    from myocan.tools.house_check import (
        check_adapter_file,
        check_house,
        check_module_file,
        shown_name,
    )
    from myocan.tools.scenario_files import find_scenarios

    kinds = {"modules": (".scc", ".py", ".scenario"), "adapters": (".toml",)}
    file = file.absolute()
    if file.suffix in kinds.get(file.parent.name, ()) and (file.parents[1] / FILE_NAME).is_file():
        name = shown_name(file)
        return [found for found in check_house(House.load(file.parents[1])) if found.file == name]
    if file.suffix in (".scc", ".py"):
        return check_module_file(file)
    if file.suffix == ".scenario":
        return find_scenarios([file], None).findings
    if file.suffix == ".toml":
        return check_adapter_file(file)[1]
    raise typer.BadParameter(
        f"{file} is no module (.scc, .py), scenario (.scenario) or adapter (.toml)"
    )
