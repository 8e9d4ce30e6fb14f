"""`myocan run`: the hub of a house, until it is told to stop."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from myocan.tools.cli.exits import Ended
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house


def broker_url(text: str | None) -> str | None:
    """Check a broker's URL given on the command line. Raises typer.BadParameter."""
    from myocan.hub.settings import check_broker_url

    try:
        return None if text is None else check_broker_url(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


BrokerOption = Annotated[
    str | None,
    typer.Option(
        "--broker", metavar="URL", callback=broker_url, help="mqtt://[USER:PASSWORD@]HOST[:PORT]"
    ),
]


def run(
    folder: Annotated[
        Path | None, typer.Argument(metavar="HOUSE", help="Its folder; the same as --house.")
    ] = None,
    house: HouseOption = None,
    broker: BrokerOption = None,
    store: Annotated[
        Path | None, typer.Option("--store", metavar="PATH", help="Where to keep the log.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the hub of a house until it is stopped (Ctrl-C, or SIGTERM).

    With --json one line tells, once it takes messages, where boards reach it.

    Example: [bold]myocan run cottage[/bold]
    """
    import logging

    from myocan.hub.agent import Agent
    from myocan.hub.house_code import now_running
    from myocan.tools.cli.version import core_build

    opened = open_house(folder or house)
    agent = Agent(opened, broker_url=broker, store_path=store)
    runs = asked = False

    def ready(agent: Agent) -> None:
        nonlocal runs
        runs = True
        if as_json:
            kind = agent.broker_kind
            told = {"broker": agent.broker_url, "broker_kind": kind, "core": core_build()}
            print(json.dumps({"house": str(opened.root), **told, "pid": os.getpid()}), flush=True)
        else:
            print(
                f"The hub of {opened.root} runs, its core {core_build()}.\n"
                f"Boards reach it at {agent.broker_url.partition('?')[0]} ({agent.broker_kind}). "
                "Ctrl-C stops it.",
                flush=True,
            )

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")

    def stop(number: int, _frame: object) -> None:
        nonlocal asked
        file = now_running()
        if file or (asked and not runs):  # nobody looks yet whether the hub is to stop
            what = f"{file} was running" if file else "it started"
            print(f"myocan: the hub was stopped while {what}", file=sys.stderr, flush=True)
            raise Ended(128 + number)
        asked = True
        agent.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    agent.run(ready)
