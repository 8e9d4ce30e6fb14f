"""`myocan chaos`: everything that can befall a house, on this machine, and the books afterwards."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.demo import Runtime
from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import JsonOption

if TYPE_CHECKING:
    from myocan.tools.chaos import Outcome
    from myocan.tools.chaos.simulation import Search


def chaos(
    minutes: Annotated[
        float, typer.Option(min=0.05, max=10_000, help="How long it goes on, in minutes.")
    ] = 1.0,
    seed: Annotated[
        int | None,
        typer.Option(min=0, help="Draws the same strikes again; any number if left out."),
    ] = None,
    kills: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Instead: kill -9 the hub N times, each time once it works again.",
        ),
    ] = 0,
    simulate: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Instead: simulate N houses in this process, power cuts included (needs apsw).",
        ),
    ] = 0,
    strikes: Annotated[
        str | None,
        typer.Option(metavar="I,J", help="With --simulate: only these of a seed's strikes."),
    ] = None,
    runtime: Annotated[
        Runtime, typer.Option(help="What runs the boards. auto: MicroPython if it is there.")
    ] = Runtime.AUTO,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", metavar="DIR", help="Keep the house and its log there, an empty folder."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run a house of virtual boards, kill, stop, cut and starve its parts, and check its books.

    Example: [bold]myocan chaos --minutes 5 --seed 7[/bold]
    """
    from myocan.tools.chaos import draw_kills, draw_plan, run_chaos
    from myocan.tools.chaos.run import BOARDS

    if simulate:
        return _simulate(_any_seed() if seed is None else seed, simulate, strikes, as_json)
    if keep is not None and keep.exists() and any(keep.iterdir()):
        raise typer.BadParameter(f"{keep} is not empty", param_hint="--keep")
    drawn = _any_seed() if seed is None else seed
    folder = keep or Path(tempfile.mkdtemp(prefix="myocan-chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    plan = draw_kills(drawn, kills) if kills else draw_plan(drawn, minutes * 60, BOARDS)
    kept = True
    try:
        outcome = run_chaos(
            drawn, plan, folder, counted=bool(kills), tell=_tell, runtime=runtime.value
        )
        kept = bool(outcome.faults) or keep is not None
    finally:
        if kept:
            _tell(f"seed {drawn}; the house, its log and what the hub said are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    outcome.folder = str(folder) if kept else None
    if as_json:
        print(json.dumps(outcome.plain()), flush=True)
    else:
        _show(outcome)
    if outcome.faults:
        raise typer.Exit(Exit.NO)


def _simulate(seed: int, count: int, strikes: str | None, as_json: bool) -> None:
    from myocan.tools.errors import ToolsError

    try:
        from myocan.tools.chaos.simulation import draw, search
    except ModuleNotFoundError as error:
        if error.name != "apsw":
            raise
        raise ToolsError("--simulate needs apsw: pip install 'myocan[dev]'") from None
    try:
        only = None if strikes is None else [int(place) for place in strikes.split(",") if place]
    except ValueError:
        raise typer.BadParameter("numbers with commas between", param_hint="--strikes") from None
    done = search(range(seed, seed + count), only, _tell_search)
    failed = done.failed
    if as_json:
        print(json.dumps(asdict(done)), flush=True)
    else:
        pace = done.seeds / max(done.seconds, 0.1) * 60
        print(
            f"{done.seeds} houses simulated from seed {seed} on, {pace:.0f} a minute: {done.kills} "
            f"kills and {done.power_cuts} power cuts of {done.lives} lives of hubs, "
            f"{done.events} events, {done.messages} messages."
        )
        if failed is None:
            print("The books balance.")
    if failed is None:
        return
    if not as_json:
        drawn = draw(failed.seed)
        places = ",".join(str(drawn.index(strike)) for strike in failed.strikes)
        print("The books do not balance:\n  " + "\n  ".join(failed.faults))
        print("The least that does it:\n  " + "\n  ".join(map(str, failed.strikes)))
        print(f"myocan chaos --simulate 1 --seed {failed.seed} --strikes '{places}'")
    raise typer.Exit(Exit.NO)


def _tell_search(done: Search) -> None:
    _tell(f"{done.seeds} houses, {done.seconds:.0f} s")


def _any_seed() -> int:
    import random

    return random.randrange(1_000_000)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _show(outcome: Outcome) -> None:
    strikes = ", ".join(f"{count} x {what}" for what, count in outcome.strikes.items())
    print(
        f"Seed {outcome.seed}: {outcome.seconds:.0f} s, {outcome.boards} boards on "
        f"{outcome.runtime}, broker {outcome.broker}, core {outcome.core}, {outcome.starts} starts "
        f"of the hub.\nDone to them: {strikes or 'nothing'}.\n"
        f"Presses: {outcome.presses} at the boards, {outcome.logged} in the log; boards told of "
        f"{outcome.lost} lost, at most {outcome.died} died with their power.\n"
        f"The log has {outcome.messages} messages; {outcome.replayed} were computed again."
    )
    if not outcome.faults:
        print("The books balance.")
        return
    print("The plan was:\n  " + "\n  ".join(outcome.plan))
    print("The books do not balance:\n  " + "\n  ".join(outcome.faults))
