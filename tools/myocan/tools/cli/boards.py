"""`myocan flash` and `myocan adapter run`: bring an adapter to its board, or run it right here."""

from __future__ import annotations

import json
import select
import sys
import time
from contextlib import ExitStack, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house
from myocan.tools.cli.messages import hub_address
from myocan.tools.cli.run import BrokerOption

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from myocan.hub.house import House
    from myocan.tools.adapters import AdapterFile
    from myocan.tools.flash import Progress
    from myocan.tools.vboard import VirtualBoard

adapter = typer.Typer(no_args_is_help=True, help="Adapters on this machine.")

VIRTUAL = "virtual"

LINE_S = 2.0
"""How often a line tells how far a step is, where no bar can."""

LOOK_S = 0.2
"""How often a virtual board's pins are looked at, to tell of them."""


def open_adapter(house: House, name: str) -> AdapterFile:
    """Return the adapter that people named: by the board's name, or by its file.

    Raises ToolsError if there is none, AdapterError if it has mistakes.
    """
    from myocan.tools.adapters import load_adapter
    from myocan.tools.errors import ToolsError
    from myocan.tools.nearest import did_you_mean

    file = Path(name) if name.endswith(".toml") else house.root / "adapters" / f"{name}.toml"
    try:
        return load_adapter(file, domain=house.domain)
    except FileNotFoundError:
        known = [path.stem for path in house.adapters()]
        hint = did_you_mean(name, known, "there are")
        raise ToolsError(f"{file} is not there{hint}") from None


def board_config(house: House, found: AdapterFile, broker: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an adapter's board reads, with what the house has for all boards."""
    networks = [(each.ssid, each.password) for each in house.wifi]
    return found.config(broker, wifi=networks, country=house.location.country)


AdapterArgument = Annotated[
    str, typer.Argument(metavar="ADAPTER", help="The board's name, or its adapter's file.")
]


@adapter.command("run")
def adapter_run(
    name: AdapterArgument,
    pins: Annotated[
        str | None,
        typer.Option(help="gpiozero, blinka or simulated. Default: what fits the adapter's board."),
    ] = None,
    broker: BrokerOption = None,
    house: HouseOption = None,
) -> None:
    """Run an adapter on this machine, until Ctrl-C: a Raspberry Pi, or simulated pins.

    Code of its own, a .py file of the same name beside the adapter's, runs with it, and so do the
    house's own kinds of ports.

    Example: [bold]myocan adapter run porch --pins simulated[/bold]
    """
    from myocan.edge.adapter import Adapter
    from myocan.edge.run import run_adapter
    from myocan.tools.adapters import load_code, load_ports
    from myocan.tools.flash import board_broker

    opened = open_house(house)
    found = open_adapter(opened, name)
    load_ports(found.own_ports)
    make = Adapter if found.code is None else load_code(found.code)
    check_given(broker)
    where = board_broker(opened, found.name, broker, kind=found.kind)
    run_adapter(board_config(opened, found, where), pins, make=make)


def check_given(broker: str | None) -> None:
    """Raise BoardError if the account in a URL of the command line is refused where it leads."""
    from myocan.hub.bus import parse_url
    from myocan.tools.flash import check_account

    if broker is not None and (address := parse_url(broker)).user is not None:
        check_account(address)


def flash(
    name: AdapterArgument,
    port: Annotated[
        str | None,
        typer.Option(
            help="Where the board is, like /dev/ttyACM0; or 'virtual', which starts one. "
            "Default: the one port with such a board."
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Write also the files that are right already.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the board is online.")
    ] = True,
    replace: Annotated[
        bool, typer.Option("--replace", help="It takes the place of another board of this name.")
    ] = False,
    broker: BrokerOption = None,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an adapter onto its board: write what changed, reset, see it come online.

    A virtual board runs until Ctrl-C; Enter presses its button.

    Example: [bold]myocan flash porch --port virtual[/bold]
    """
    from myocan.hub.bus import parse_url
    from myocan.tools.errors import ToolsError
    from myocan.tools.flash import (
        Admission,
        BoardWatch,
        board_broker,
        find_port,
        password_in_url,
    )
    from myocan.tools.flash import flash as flash_board
    from myocan.tools.vboard.client import BoardRuns

    opened = open_house(house)
    found = open_adapter(opened, name)
    if found.kind.runtime != "micropython":
        raise ToolsError(
            f"nothing is flashed onto a {found.kind.title}: run the adapter there, with "
            f"`myocan adapter run {found.name}`"
        )
    address = hub_address(opened, broker)
    check_given(broker)
    given = board_broker(opened, found.name, broker, kind=found.kind)
    config = board_config(opened, found, given)
    if port is None and found.kind.name == "unix":
        raise ToolsError(f"{found.name} is for a virtual board: say --port {VIRTUAL}")
    with ExitStack() as stack:
        board = None
        if port == VIRTUAL:
            try:
                board = stack.enter_context(start_virtual(opened, found))
            except BoardRuns as error:
                print(f"myocan: {error}", file=sys.stderr)
                raise typer.Exit(Exit.NO) from None
        where = board.port if board is not None else port or find_port(found.kind)
        seen_from = parse_url(address)
        if seen_from.user == found.name:
            wait = False  # watching under the board's own account would push it out
        watch = BoardWatch(config, seen_from) if wait else None
        with watch or nullcontext(), FlashBar(quiet=as_json) as progress:
            done = flash_board(
                config,
                where,
                progress=progress,
                online=None if watch is None else watch.wait,
                everything=everything,
                own=found.own_modules,
                admit=Admission(
                    opened,
                    found.name,
                    replace=replace,
                    password=password_in_url(opened, found.name, broker),
                ),
                number=number_of(opened, found.name),
            )
        if as_json:
            print(json.dumps(asdict(done)), flush=True)
        else:
            print(
                f"{done.name}: {len(done.written)} files written, {len(done.unchanged)} were right "
                f"already; MicroPython {done.version}; {done.seconds:.1f} s",
                flush=True,
            )
        if done.online is False:
            print(f"myocan: {why_not_online(config, address, where)}", file=sys.stderr)
            raise typer.Exit(Exit.TIMEOUT)
        if board is not None:
            attend(board, config)


def number_of(house: House, name: str) -> Callable[[Mapping[str, Path]], int]:
    """Return what gives flashing the number of what it puts onto a board."""
    from myocan.tools.update import content_of, next_number

    return lambda files: next_number(house, name, content_of(files))


def why_not_online(config: dict[str, Any], address: str, port: str) -> str:
    """Return what to look at when a board was flashed at a port and does not come online."""
    from myocan.hub.bus import parse_url

    networks = ", ".join(each[0] for each in config["wifi"])
    way = f" its WiFi ({networks})," if networks else ""
    if "lan" in config:
        way = " its network cable,"
    return (
        f"{config['name']} was flashed, but is not online. Look at{way} whether it can reach the "
        f"broker at {parse_url(address)}, and at what it prints: "
        f"myocan board monitor {config['name']} --port {port}"
    )


def start_virtual(house: House, found: AdapterFile) -> VirtualBoard:
    """Return a virtual board for an adapter, not started; it keeps its files in the house."""
    from myocan.tools.vboard import VirtualBoard

    directory = house.private_path / "boards" / found.name
    return VirtualBoard(found.name, directory, kind=found.kind.name)


class FlashBar:
    """Tells how far flashing is: a bar in a terminal, else a line now and then; use it in a `with`
    block.

    quiet: tell nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._bar: Any = None
        self._quiet = quiet
        self._step = ""
        self._told = 0.0  # when a line was printed last
        if not quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)

    def __enter__(self) -> Callable[[Progress], None]:
        if self._bar is None:
            return self._print
        self._bar.start()
        task = self._bar.add_task("", total=1)

        def tell(progress: Progress) -> None:
            self._bar.update(
                task,
                description=f"{progress.step}: {progress.text}",
                completed=progress.done,
                total=progress.total,
            )

        return tell

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _print(self, progress: Progress) -> None:
        now = time.monotonic()
        if self._quiet or (progress.step == self._step and now - self._told < LINE_S):
            return
        self._step, self._told = progress.step, now
        print(f"{progress.step}: {progress.text}", file=sys.stderr, flush=True)


def attend(board: VirtualBoard, config: dict[str, Any]) -> None:
    """Keep a virtual board running until Ctrl-C: Enter presses its first button, pins are told."""
    names = {
        port[key]: port["name"]
        for port in config["ports"]
        for key in port
        if key == "pin" or key.endswith("_pin")
    }
    buttons = [port["pin"] for port in config["ports"] if port["kind"] == "button"]
    seen = 0
    typed = sys.stdin.isatty() and bool(buttons)
    press = f" Enter presses {names[buttons[0]]}." if typed else ""
    try:
        print(
            f"The virtual board {board.name} runs at {board.port}.{press} Ctrl-C ends it.",
            flush=True,
        )
        while True:
            for change in board.changes(seen):
                seen = change.at_ns
                if change.pin in names:
                    level = {0: "low", 1: "high", None: "floating"}[change.level]
                    print(f"{names[change.pin]} ({change.pin}) is {level}", flush=True)
            if select.select([sys.stdin] if typed else [], [], [], LOOK_S)[0]:
                typed = bool(sys.stdin.readline())
                board.press(buttons[0])
    except KeyboardInterrupt:
        pass
