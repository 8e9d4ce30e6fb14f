"""Which house a command is about: `--house`, the environment, or the folder one stands in."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myocan.tools.cli.exits import Exit

if TYPE_CHECKING:
    from myocan.hub.house import House

HouseOption = Annotated[
    Path | None,
    typer.Option(
        "--house",
        metavar="DIR",
        envvar="MYOCAN_HOUSE",
        help="The house. Default: this folder, or the nearest above it with a myocan.toml.",
    ),
]

ModeOption = Annotated[str, typer.Option(help="Which copy of the house.")]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs to read.")]


def open_house(given: Path | None) -> House:
    """Return the house that a command was told, or the nearest one.

    Raises HouseError: none there, or one with mistakes in its settings.
    """
    from myocan.hub.house import House

    return House.load(given if given is not None else House.find(Path.cwd()))


def ask_hub(house: Path | None, command: str, **content: Any) -> dict[str, Any]:
    """Ask the hub of a house to do something; ends the command if it does not answer in time."""
    from myocan.hub.control import NoAnswer, ask

    try:
        return ask(open_house(house), command, **content)
    except NoAnswer as error:
        print(f"myocan: {error}", file=sys.stderr)
        raise typer.Exit(Exit.TIMEOUT) from None
