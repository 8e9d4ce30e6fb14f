"""`myocan board list|show|new`: the boards of a house, and the kinds there are."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from myocan.tools.cli.houses import HouseOption, JsonOption, open_house

if TYPE_CHECKING:
    from myocan.hub.house import House
    from myocan.tools.adapters import AdapterFile
    from myocan.tools.board_kinds import BoardKind

board = typer.Typer(no_args_is_help=True, help="Boards: those of the house, and what there are.")

TEMPLATE = """\
# {name}: {title}. The file's name is the board's name.
# Its pins: myocan board show {kind}. Ports and their settings: docs/edge.md.

board = "{kind}"

# A push button between {button} and ground.
[ports.button]
kind = "button"
pin = "{button}"
pull = "up"
debounce_ms = 20
publish = "{module}.press"

# A relay or a lamp on {lamp}; it follows a module that says {module}_lamp.state.
# [ports.lamp]
# kind = "relay"
# pin = "{lamp}"
# safe = "off"
# subscribe = "{module}_lamp.state"
# map = {{ on = 1, off = 0 }}
"""


@board.command("list")
def list_boards(house: HouseOption = None, as_json: JsonOption = False) -> None:
    """List the boards of the house one stands in, how they are, and the kinds that there are.

    While the hub runs, it tells of each board whether it is online, runs what its file says, and
    shows what was said.

    Example: [bold]myocan board list[/bold]
    """
    from myocan.hub.house import HouseError
    from myocan.tools.board_kinds import BoardKind

    kinds = [BoardKind.load(name) for name in BoardKind.names()]
    try:
        opened = open_house(house)
        ours = _boards_of(opened)
        unknown = _add_states(opened, ours)
        _add_modes(opened, ours)
    except HouseError:
        if house is not None:
            raise
        ours, unknown = None, ""  # one may ask before there is a house
    if as_json:
        for one in ours or ():
            one.pop("words", None)
        print(json.dumps({"boards": ours, "kinds": [_facts(kind) for kind in kinds]}))
        return
    if ours is not None:
        print("In this house:" if ours else "In this house: none yet; see myocan board new")
        for one in ours:
            what = "no adapter" if one["kind"] is None else _ports(one["ports"])
            print(f"  {one['name']:<16} {one['kind'] or '-':<14} {what:<10} {one.pop('words', '')}")
        if unknown:
            print(f"  ({unknown})")
        print()
    print("Kinds:")
    for kind in kinds:
        parts = (("WiFi", kind.wifi), ("Ethernet", kind.ethernet), ("TLS", kind.tls))
        has = ", ".join(word for word, there in parts if there)
        print(f"  {kind.name:<14} {kind.title:<36} {kind.chip:<18} {kind.runtime:<12} {has}")


def _ports(number: int) -> str:
    """Return "1 port", "2 ports"."""
    return f"{number} port{'' if number == 1 else 's'}"


def _boards_of(house: House) -> list[dict[str, Any]]:
    import tomllib

    found = []
    for file in house.adapters():
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError):
            content = {}  # `myocan check` says what is wrong with it
        ports = content.get("ports")
        found.append(
            {
                "name": file.stem,
                "kind": str(content.get("board", "?")),
                "ports": len(ports) if isinstance(ports, dict) else 0,
            }
        )
    return found


def _add_modes(house: House, boards: list[dict[str, Any]]) -> None:
    """Add to each board which mode hears it, if a hub is here to say so."""
    from myocan.hub.control import ask
    from myocan.hub.errors import HubError
    from myocan.tools.cli.modes import LIVE, heard_by

    try:
        elsewhere = ask(house, "board mode")["elsewhere"]
    except (HubError, OSError):
        return
    for one in boards:
        mode = one["mode"] = elsewhere.get(one["name"], LIVE)
        if mode != LIVE:
            known = f"{one['words']}; " if one.get("words") else ""
            one["words"] = f"{known}it is heard by {heard_by(mode)}"


def _add_states(house: House, boards: list[dict[str, Any]]) -> str:
    """Add to each board how it is, and boards that no adapter is for; return why not, in words."""
    from myocan.hub.errors import HubError
    from myocan.tools.adapters import AdapterError, load_adapter
    from myocan.tools.board_states import board_states
    from myocan.tools.cli.boards import board_config
    from myocan.tools.cli.messages import hub_address
    from myocan.tools.errors import ToolsError
    from myocan.tools.flash.admission import broker_address

    adapters: dict[str, AdapterFile | None] = {}
    for file in house.adapters():
        try:
            adapters[file.stem] = load_adapter(file, domain=house.domain)
        except (AdapterError, OSError, ValueError):
            adapters[file.stem] = None  # `myocan check` says what is wrong with it
    try:
        broker_address(house)  # whether there is one
        hashes = {}
        for name, found in adapters.items():
            with suppress(ToolsError):  # one that this broker has no door for
                if found is not None:
                    broker, _ = broker_address(house, kind=found.kind)
                    hashes[name] = board_config(house, found, broker)["hash"]
        states = board_states(house, hub_address(house, None), adapters, hashes)
    except (ToolsError, HubError) as error:
        return f"which of them are online is not known: {error}"
    known = {one["name"]: one for one in boards}
    for name, state in states.items():
        if name not in known and state.online:
            boards.append({"name": name, "kind": None, "ports": 0})
            known[name] = boards[-1]
        if name in known:
            known[name].update(state.plain(), words=state.in_words())
    return ""


@board.command("show")
def show(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="A kind of board: pico-w.")],
    as_json: JsonOption = False,
) -> None:
    """Draw a board with its pins, and tell what to beware of.

    Example: [bold]myocan board show pico-w[/bold]
    """
    from myocan.tools.board_kinds import BoardKind
    from myocan.tools.pinout import describe, draw

    found = BoardKind.load(kind)
    if as_json:
        print(json.dumps(_facts(found)))
        return
    print(f"{found.title} ({found.name}): {found.chip}")
    if found.micropython:
        print(f"runs MicroPython {found.micropython} or later")
    for lines in (draw(found), describe(found), found.notes):
        if lines:
            print()
            print("\n".join(lines))
    if found.pinout is not None:
        print("\nstart: read by the chip when it starts. !: see above. Nothing: a plain pin.")
    print(f"\nFrom: {found.source}")


def _facts(kind: BoardKind) -> dict[str, Any]:
    return dict(json.loads(kind.model_dump_json()))


@board.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The board's name in the house.")],
    kind: Annotated[str, typer.Option("--board", metavar="KIND", help="What it is: pico-w.")],
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write an adapter's file for a new board, to be edited.

    The example that `myocan init` wrote is replaced, as long as nobody has changed it.

    Example: [bold]myocan board new porch --board pico-w[/bold]
    """
    from myocan.hub.settings import check_level
    from myocan.tools.board_kinds import BoardKind
    from myocan.tools.errors import ToolsError
    from myocan.tools.example_house import is_example

    if name.lower().endswith(".toml"):
        raise typer.BadParameter(
            f"{name!r} is the name of a file; give the board's: myocan board new {name[:-5]}"
        )
    try:
        check_level(name)
    except ValueError as error:
        raise typer.BadParameter(f"{name!r} cannot be a board: its name {error}") from None
    found = BoardKind.load(kind)
    opened = open_house(house)
    file = opened.root / "adapters" / f"{name}.toml"
    plain = [
        pin
        for pin, facts in found.pins.items()
        if {"in", "out", "pull-up"} <= facts.can and not facts.strapping and not facts.warning
    ]
    file.parent.mkdir(exist_ok=True)
    text = TEMPLATE.format(
        name=name,
        module=re.sub(r"\W", "_", name, flags=re.ASCII),
        kind=found.name,
        title=found.title,
        button=plain[0],
        lamp=plain[1],
    )
    if file.exists() and not is_example(file):
        raise ToolsError(f"{file} is there already; edit it, or take another name")
    making = file.with_name(file.name + ".new")  # so that a full disk leaves no half of a file
    try:
        making.write_text(text, encoding="utf-8")
        making.replace(file)
    finally:
        making.unlink(missing_ok=True)
    shown = Path("adapters") / file.name
    if as_json:
        print(json.dumps({"file": str(file), "board": found.name}))
    else:
        print(f"wrote {shown}; edit it, then: myocan check, and: myocan flash {name}")
