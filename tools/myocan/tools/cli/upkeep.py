"""`myocan board monitor|reset|wipe`: what one does with a board that is plugged in."""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.boards import open_adapter
from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house

if TYPE_CHECKING:
    from myocan.hub.house import House
    from myocan.tools.adapters import AdapterFile

BoardArgument = Annotated[str, typer.Argument(metavar="NAME", help="The board's name.")]
PortOption = Annotated[
    str | None,
    typer.Option(
        help="Where it is, like /dev/ttyACM0. Default: the one port with such a board.",
    ),
]


def add_to(board: typer.Typer) -> None:
    """Add these commands to those of `myocan board`."""
    board.command("monitor")(monitor)
    board.command("reset")(reset)
    board.command("wipe")(wipe)
    board.command("forget")(forget)


def monitor(
    name: BoardArgument,
    port: PortOption = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Stop after so long. Default: at Ctrl-C.")
    ] = None,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a board prints on its cable, as it comes: errors with their lines.

    What it writes into the hub's log is shown by [bold]myocan tail '$log'[/bold].

    Example: [bold]myocan board monitor porch[/bold]
    """
    from myocan.tools.flash import console_lines

    found = open_adapter(open_house(house), name)
    where = _port(found, port)
    if not as_json:
        print(f"{name} at {where}; Ctrl-C ends it", file=sys.stderr, flush=True)
    until = None if seconds is None else time.monotonic() + seconds
    for line in console_lines(where):
        if line:
            now_ms = time.time_ns() // 1_000_000
            shown = json.dumps({"time_ms": now_ms, "text": line}) if as_json else line
            print(shown, flush=True)
        if until is not None and time.monotonic() >= until:
            return


def reset(
    name: BoardArgument,
    port: PortOption = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the board is online.")
    ] = True,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a board start again, and see it come online; what is on it stays.

    Example: [bold]myocan board reset porch[/bold]
    """
    from contextlib import nullcontext

    from myocan.hub.bus import parse_url
    from myocan.tools.cli.messages import hub_address
    from myocan.tools.flash import BoardWatch, reset_board
    from myocan.tools.flash.admission import broker_address
    from myocan.tools.flash.flashing import ONLINE_S

    opened = open_house(house)
    found = open_adapter(opened, name)
    where = _port(found, port)
    watch, asks = None, False
    if wait:
        broker, asks = broker_address(opened, kind=found.kind)
        config = {**found.config(broker), "hash": None}
        watch = BoardWatch(config, parse_url(hub_address(opened, None)))
    with watch or nullcontext():
        _tell(f"looking at {where} ...", as_json)
        there = reset_board(where, found.name)
        online = None
        if watch is not None and asks and (why := shut_out(opened, found.name, there.identity)):
            _tell(why, as_json)
            online = False
        elif watch is not None:
            _tell(f"{found.name} was reset; it has {ONLINE_S:.0f} s to be online", as_json)
            online = watch.wait(ONLINE_S)
    if as_json:
        print(json.dumps({"name": found.name, "port": where, "online": online}))
    elif online is not False:
        print(f"{found.name} was reset" + (", and is online" if online else ""))
    if online is False:
        print(
            f"myocan: {found.name} was reset, but is not online; what it prints is shown by "
            f"`myocan board monitor {found.name} --port {where}`",
            file=sys.stderr,
        )
        raise typer.Exit(Exit.TIMEOUT)


def wipe(
    name: BoardArgument,
    port: PortOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove all files from a board and forget its account, so that it can be given away.

    MicroPython stays on it, and its adapter's file in the house.

    Example: [bold]myocan board wipe porch[/bold]
    """
    from myocan.tools.flash import forget_secrets, known_secrets, tell_hub, wipe_board

    opened = open_house(house)
    found = open_adapter(opened, name)
    where = _port(found, port)
    if not yes and not typer.confirm(f"Remove everything from {found.name} at {where}?", err=True):
        raise typer.Exit(Exit.NO)
    _tell(f"looking at {where} ...", as_json)
    there = wipe_board(where, found.name)
    if any(
        each.name == found.name and each.identity not in ("", there.identity)
        for each in known_secrets(opened)
    ):  # the account is not the one that this board had
        if as_json:
            print(json.dumps({"name": found.name, "port": where, "forgotten": False}))
        else:
            print(f"It is empty. The account of {found.name} stays: another board has it now.")
        return
    forget_secrets(opened, found.name)
    tell_hub(opened)
    forgotten = clear_status(opened, found.name)
    if as_json:
        print(json.dumps({"name": found.name, "port": where, "forgotten": forgotten}))
        return
    print(f"{found.name} is empty, and its account is gone.")
    if not forgotten:
        print("No broker was there to forget what it said last of itself.")


def forget(
    name: BoardArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Shut a board out that is lost or stolen: its account at the hub's broker is gone at once.

    It comes back when it is flashed again, over its cable.

    Example: [bold]myocan board forget porch[/bold]
    """
    from myocan.tools.errors import ToolsError
    from myocan.tools.flash import forget_secrets, known_secrets, tell_hub
    from myocan.tools.nearest import did_you_mean

    opened = open_house(house)
    known = [each.name for each in known_secrets(opened)]
    if name not in known:
        hint = did_you_mean(name, known, "there are")
        raise ToolsError(f"{name} has no account in this house{hint}")
    if not yes and not typer.confirm(f"Shut {name} out?", err=True):
        raise typer.Exit(Exit.NO)
    forget_secrets(opened, name)
    tell_hub(opened)
    forgotten = clear_status(opened, name)
    if as_json:
        print(json.dumps({"name": name, "forgotten": forgotten}))
        return
    print(
        f"{name} is shut out of the hub's broker. At a broker of your own, take its account back."
    )


def shut_out(house: House, name: str, identity: str) -> str:
    """Return why a board cannot come to a broker that asks for accounts; "" if it may.

    name: the board's. identity: its chip's.
    """
    from myocan.tools.flash import known_secrets

    known = [each for each in known_secrets(house) if each.name == name]
    if not known:
        return f"it cannot be online: {name} has no account. Flash it again: myocan flash {name}"
    if known[0].identity not in ("", identity):
        return (
            f"it cannot be online: another board is {name} now (chip {known[0].identity}, this is "
            f"{identity}). Flash this one as another, or with --replace"
        )
    return ""


def clear_status(house: House, name: str) -> bool:
    """Take from the broker what a board said last of itself; returns whether there was one."""
    from myocan.hub.bus import CONNECTED, Bus, BusError
    from myocan.tools.cli.messages import hub_address
    from myocan.tools.errors import ToolsError
    from myocan.wire import board_topic

    try:
        bus = Bus(hub_address(house, None), name, protocol="3.1.1")
        bus.start()
    except (ToolsError, BusError):
        return False
    try:
        until = time.monotonic() + 3
        while time.monotonic() < until:
            if any(topic == CONNECTED for topic, _, _ in bus.receive(0.1)):
                bus.publish([(board_topic(house.domain, name, "status"), b"", 1, True, 1)])
            if bus.confirmed() == 1:
                return True
    except BusError:
        pass
    finally:
        bus.stop()
    return False


def _tell(text: str, as_json: bool) -> None:
    """Say what goes on; not for programs."""
    if not as_json:
        print(text, file=sys.stderr, flush=True)


def _port(found: AdapterFile, port: str | None) -> str:
    from myocan.tools.flash import find_port

    return port or find_port(found.kind)
