"""`myocan instance create|drop|list`: the instances of a keyed module, in a hub that runs."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house

if TYPE_CHECKING:
    from pathlib import Path

instance = typer.Typer(no_args_is_help=True, help="Instances of a module that has a key.")

ModuleArgument = Annotated[str, typer.Argument(metavar="MODULE", help="As in MODULE lamp[place].")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Which instance: kitchen.")]


def ask_hub(house: Path | None, command: str, **content: str) -> dict[str, Any]:
    """Ask the hub of a house to do something; ends the command if it does not answer in time."""
    from myocan.hub.control import NoAnswer, ask

    try:
        return ask(open_house(house), command, **content)
    except NoAnswer as error:
        print(f"myocan: {error}", file=sys.stderr)
        raise typer.Exit(Exit.TIMEOUT) from None


@instance.command("create")
def create(
    module: ModuleArgument, key: KeyArgument, house: HouseOption = None, as_json: JsonOption = False
) -> None:
    """Create an instance; one that is there already stays as it is.

    Example: [bold]myocan instance create lamp kitchen[/bold]
    """
    answer = ask_hub(house, "instance create", module=module, key=key)
    if as_json:
        print(json.dumps({"module": module, "instance": key, **answer}))
    else:
        print(f"{module}[{key}] " + ("created" if answer["created"] else "was there already"))


@instance.command("drop")
def drop(
    module: ModuleArgument, key: KeyArgument, house: HouseOption = None, as_json: JsonOption = False
) -> None:
    """Drop an instance with all that it knows; created again, it starts fresh.

    Example: [bold]myocan instance drop lamp kitchen[/bold]
    """
    answer = ask_hub(house, "instance drop", module=module, key=key)
    if as_json:
        print(json.dumps({"module": module, "instance": key, **answer}))
    else:
        print(f"{module}[{key}] dropped")


@instance.command("list")
def list_instances(
    module: ModuleArgument, house: HouseOption = None, as_json: JsonOption = False
) -> None:
    """List the instances of a module, in the order in which they hear what is said to all.

    Example: [bold]myocan instance list lamp[/bold]
    """
    answer = ask_hub(house, "instance list", module=module)
    if as_json:
        print(json.dumps({"module": module, **answer}))
    else:
        for key in answer["instances"]:
            print(f"{module}[{key}]")
