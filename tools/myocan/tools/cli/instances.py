"""`myocan instance create|drop|list`: the instances of a keyed module, in a hub that runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from myocan.tools.cli.houses import HouseOption, JsonOption, ModeOption, ask_hub

instance = typer.Typer(no_args_is_help=True, help="Instances of a module that has a key.")

ModuleArgument = Annotated[str, typer.Argument(metavar="MODULE", help="As in MODULE lamp[place].")]
KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="Which instance: kitchen.")]


@instance.command("create")
def create(
    module: ModuleArgument,
    key: KeyArgument,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Create an instance; one that is there already stays as it is.

    Example: [bold]myocan instance create lamp kitchen[/bold]
    """
    answer = ask_hub(house, "instance create", mode=mode, module=module, key=key)
    if as_json:
        print(json.dumps({"module": module, "instance": key, **answer}))
    else:
        print(f"{module}[{key}] " + ("created" if answer["created"] else "was there already"))


@instance.command("drop")
def drop(
    module: ModuleArgument,
    key: KeyArgument,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop an instance with all that it knows; created again, it starts fresh.

    Example: [bold]myocan instance drop lamp kitchen[/bold]
    """
    answer = ask_hub(house, "instance drop", mode=mode, module=module, key=key)
    if as_json:
        print(json.dumps({"module": module, "instance": key, **answer}))
    else:
        print(f"{module}[{key}] dropped")


@instance.command("list")
def list_instances(
    module: ModuleArgument,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the instances of a module, in the order in which they hear what is said to all.

    Example: [bold]myocan instance list lamp[/bold]
    """
    answer = ask_hub(house, "instance list", mode=mode, module=module)
    if as_json:
        print(json.dumps({"module": module, **answer}))
    else:
        for key in answer["instances"]:
            print(f"{module}[{key}]")
