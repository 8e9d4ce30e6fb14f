"""`myocan hil`: boards on a bench, virtual or real, whose links are cut; the table of what came."""

from __future__ import annotations

import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import JsonOption

if TYPE_CHECKING:
    from myocan.tools.hil import Plan, Table


def hil(
    boards: Annotated[
        list[str] | None,
        typer.Option(
            "--board",
            metavar="BOARD",
            help="virtual, or where a real board is: /dev/ttyACM0, socket://host:port. May be "
            "given several times. What runs on a real board is replaced: flash it again "
            "afterwards. Default: one virtual board.",
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--boards", min=1, max=200, help="So many virtual boards.")
    ] = 1,
    cuts: Annotated[
        int, typer.Option(min=0, max=1_000_000, help="How many cuts, of all boards together.")
    ] = 20,
    kind: Annotated[
        str, typer.Option(metavar="KIND", help="What kind of board the virtual ones are.")
    ] = "pico-w",
    wire: Annotated[
        str | None,
        typer.Option(
            metavar="OUT=IN",
            help="The two pins that a wire joins, as in GP15=GP14. Default: two neighbours, which "
            "are named.",
        ),
    ] = None,
    wifi: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:PASSWORD",
            envvar="MYOCAN_HIL_WIFI",
            help="The WiFi for real boards. May be given several times.",
        ),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where this machine is for real boards. Default: its address in the network.",
        ),
    ] = "",
    seed: Annotated[
        int, typer.Option(min=0, help="Draws the same cuts again; another number, others.")
    ] = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the table goes, as JSON. Default: hil-TIME.json."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Cut the links of boards again and again; print and save how they recover, and what is lost.

    Ctrl-C ends it early, with the table of what was done until then.

    Example: [bold]myocan hil --boards 8 --cuts 1000[/bold]
    """
    from myocan.tools.board_kinds import BoardKind
    from myocan.tools.hil import VIRTUAL, Plan

    BoardKind.load(kind)
    chosen = list(boards or [])
    if count > 1 and chosen:
        raise typer.BadParameter("give --boards or --board", param_hint="--boards")
    plan = Plan(
        boards=chosen or [VIRTUAL] * count,
        cuts=cuts,
        kind=kind,
        wire=None if wire is None else _two("--wire", wire, "=", "GP15=GP14"),
        wifi=[_two("--wifi", each, ":", "NAME:PASSWORD") for each in wifi or ()],
        host=host,
        seed=seed,
    )
    file = save or Path(time.strftime("hil-%Y%m%d-%H%M%S.json"))
    with file.open("w", encoding="utf-8") as out:  # now, before it takes hours
        try:
            table = _run(plan)
        except BaseException:
            file.unlink()
            raise
        plain = table.plain()
        out.write(json.dumps(plain, indent=1) + "\n")
    if as_json:
        print(json.dumps(plain), flush=True)
    else:
        print(f"{table.text()}\nseed {table.seed}; saved in {file}")
    if table.faults:
        raise typer.Exit(Exit.NO)


def _run(plan: Plan) -> Table:
    """Run it beside the main thread, which waits for Ctrl-C; the second one is meant."""
    from myocan.tools.hil import run_hil

    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run_hil, plan, _tell, stop)
        try:
            return done.result()
        except KeyboardInterrupt:
            _tell("ending; the boards finish what they are at")
            stop.set()
            return done.result()
        except BaseException:  # told to end, and soon
            stop.set()
            raise


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _two(option: str, text: str, sign: str, form: str) -> tuple[str, str]:
    one, found, other = text.partition(sign)
    if not (one and found and other):
        raise typer.BadParameter(f"{text!r} is not {form}", param_hint=option)
    return one, other
