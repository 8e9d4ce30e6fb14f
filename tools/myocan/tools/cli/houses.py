"""Which house a command is about: `--house`, the environment, or the folder one stands in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs to read.")]


def open_house(given: Path | None) -> House:
    """Return the house that a command was told, or the nearest one.

    Raises HouseError: none there, or one with mistakes in its settings.
    """
    from myocan.hub.house import House

    return House.load(given if given is not None else House.find(Path.cwd()))
