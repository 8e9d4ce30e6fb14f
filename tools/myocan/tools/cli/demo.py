"""`myocan demo`: a board, a button, a lamp, and the hub between them, on this machine."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import JsonOption


class Runtime(Enum):
    """What can run the demo's board."""

    AUTO = "auto"
    MICROPYTHON = "micropython"
    CPYTHON = "cpython"


def demo(
    presses: Annotated[int, typer.Option(min=1, help="How often the button is pressed.")] = 10,
    runtime: Annotated[
        Runtime, typer.Option(help="What runs the board. auto: MicroPython if it is there.")
    ] = Runtime.AUTO,
    as_json: JsonOption = False,
) -> None:
    """Press a button on a virtual board and watch the lamp: the whole way, for real.

    Example: [bold]myocan demo --presses 200 --json[/bold]
    """
    from myocan.tools.demo import show

    if not show(presses, as_json=as_json, runtime=runtime.value).flawless:
        raise typer.Exit(Exit.NO)
