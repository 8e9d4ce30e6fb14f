"""`myocan mode`, `myocan clock`: copies of a house to try things in, and their clocks."""

from __future__ import annotations

import getpass
import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, ask_hub, open_house
from myocan.tools.cli.moments import parse_coming, parse_duration
from myocan.tools.cli.past import differences
from myocan.tools.cli.topics import Topic, show_value

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from myocan.hub.history import Apart, Step
    from myocan.hub.house import House
    from myocan.hub.store import Reader

mode = typer.Typer(no_args_is_help=True, help="Copies of the house, to try things in.")

LIVE = "live"

AHEAD_MS = 1000
"""A log that is further ahead of its clock waits for it, and that is told."""

MirrorOption = Annotated[
    bool, typer.Option("--mirror", help="Let it hear from now on what the live house hears.")
]


def user_name() -> str:
    """Return who gives a command, "" if this machine does not know."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


@mode.command("create")
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new mode's.")],
    mirror: MirrorOption = False,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a mode with the house's rules and no past: every variable is at its start.

    Example: [bold]myocan mode create fresh[/bold]
    """
    answer = ask_hub(house, "mode create", name=name, mirror=mirror, user=user_name())
    print(json.dumps(answer) if as_json else _made(name, "created", mirror))


@mode.command("copy")
def copy(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[SOURCE] NAME", help="Of which mode (live), and the new one's name."
        ),
    ],
    mirror: MirrorOption = False,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Copy a mode with its rules, log, state and clock; it publishes below its own name.

    Nothing that happens in the copy is heard by a board, and it calls no EXTERNAL function.

    Example: [bold]myocan mode copy live test[/bold], [bold]myocan mode copy test --mirror[/bold]
    """
    if len(names) > 2:
        raise typer.BadParameter("one mode is copied to one name: myocan mode copy live test")
    if names == [LIVE]:
        raise typer.BadParameter("how is the copy to be called? myocan mode copy live NAME")
    source, name = names if len(names) == 2 else (LIVE, names[0])
    answer = ask_hub(house, "mode copy", source=source, name=name, mirror=mirror, user=user_name())
    print(json.dumps(answer) if as_json else _made(name, f"copied from {source}", mirror))


def _made(name: str, how: str, mirror: bool) -> str:
    return f"{name} {how}" + ("; it hears what live hears" if mirror else "")


@mode.command("drop")
def drop(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Which mode.")],
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Drop a mode with its log and its state.

    Example: [bold]myocan mode drop test[/bold]
    """
    answer = ask_hub(house, "mode drop", name=name, user=user_name())
    print(json.dumps(answer) if as_json else f"{name} dropped")


@mode.command("list")
def list_modes(house: HouseOption = None, as_json: JsonOption = False) -> None:
    """List the modes, how each was made, and its clock. Works without a running hub.

    Example: [bold]myocan mode list[/bold]
    """
    from zoneinfo import ZoneInfo

    from myocan.hub.store import Reader

    opened = open_house(house)
    with Reader(opened.store_path) as reader:
        boards = _boards_of_modes(reader)
        found = [_about(reader, name, boards.get(name, [])) for name in reader.modes()]
    if as_json:
        print(json.dumps([one._asdict() for one in found], ensure_ascii=False))
        return
    zone = ZoneInfo(opened.timezone)
    for one in found:
        print(f"{one.name:<16} {one.messages:>9,} messages  {_words(one, zone)}")


class _Mode(NamedTuple):
    """A mode as its log has it. made: "copy", "new", or "" for live. clock: None for the wall's.
    boards: those that it hears, and the live house does not; of live none."""

    name: str
    messages: int
    made: str
    source: str | None
    by: str
    mirror: bool
    clock: dict[str, Any] | None
    boards: list[str]


def _boards_of_modes(reader: Reader) -> dict[str, list[str]]:
    """Return the boards that test modes hear, by mode."""
    from myocan.hub.agent.hearing import HEARD_BY, mode_of_board

    found: dict[str, list[str]] = {}
    for (_, variable, _), value in sorted(reader.state(LIVE, "$admin").items()):
        mode = mode_of_board(variable, value)
        if mode is not None:
            found.setdefault(mode, []).append(variable.removeprefix(HEARD_BY))
    return found


def _about(reader: Reader, name: str, boards: list[str]) -> _Mode:
    from myocan.hub.agent.clocks import Setting

    state = reader.state(name, "$admin")
    made = json.loads(json.loads(state.get(("$admin", "mode", ""), '"{}"')))
    is_live = name == LIVE
    source = None if is_live else made.get("from")
    clock = None
    if ("$admin", "clock", "") in state:
        setting = Setting.from_json(state["$admin", "clock", ""])
        clock = {
            "shown_ms": setting.shown_ms,
            "wall_ms": setting.wall_ms,
            "speed": str(setting.speed),
        }
    return _Mode(
        name,
        reader.count(name),
        "" if is_live else ("copy" if source else "new"),
        source,
        "" if is_live else str(made.get("by", "")),
        not is_live and bool(made.get("mirror")),
        clock,
        boards,
    )


def _words(one: _Mode, zone: ZoneInfo) -> str:
    if not one.made:
        return "the house itself"
    said = f"a copy of {one.source}" if one.source else "made new"
    said += f" by {one.by}" if one.by else ""
    said += ", hears what live hears" if one.mirror else ""
    said += f", hears {', '.join(one.boards)}" if one.boards else ""
    if one.clock is not None:
        shown = datetime.fromtimestamp(one.clock["shown_ms"] / 1000, zone)
        said += f", its clock was set to {shown:%Y-%m-%d %H:%M:%S} and "
        said += _pace(one.clock["speed"])
    return said


def _pace(speed: str) -> str:
    if speed == "0":
        return "stands"
    return "goes" if speed == "1" else f"goes {speed} times as fast"


@mode.command("diff")
def diff(
    one: Annotated[str, typer.Argument(metavar="MODE", help="The one.")],
    other: Annotated[str, typer.Argument(metavar="MODE", help="The other.")],
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where two modes part: every variable that took other values since they are two.

    Works without a running hub. Exit code 1 if they differ.

    Example: [bold]myocan mode diff live test[/bold]
    """
    from zoneinfo import ZoneInfo

    from myocan.hub.history import compare_modes
    from myocan.hub.store import Reader
    from myocan.tools.errors import ToolsError

    opened = open_house(house)
    with Reader(opened.store_path) as reader:
        for name in (one, other):
            if name not in reader.modes():
                raise ToolsError(f"there is no mode {name}; there are {', '.join(reader.modes())}")
        found = compare_modes(reader, one, other)
    if as_json:
        print(json.dumps([_plain(apart) for apart in found], ensure_ascii=False))
    else:
        zone = ZoneInfo(opened.timezone)
        for apart in found:
            topic = "rules of " + apart.name[0] if _is_code(apart) else str(Topic(*apart.name))
            sides = zip((one, other), apart.first, apart.last, apart.steps, strict=True)
            print(f"{topic:<24} " + "; ".join(_side(*side, apart, zone) for side in sides))
        print(differences(len(found)) if found else f"{one} and {other} do not differ")
    if found:
        raise typer.Exit(Exit.NO)


def _is_code(apart: Apart) -> bool:
    return apart.name[1] == "%%code%%"


def _side(
    mode: str, first: Step | None, last: Step | None, steps: int, apart: Apart, zone: ZoneInfo
) -> str:
    """Return what one of the two did, in words."""
    if last is None:
        return f"{mode}: as before"
    if _is_code(apart):
        return f"{mode}: others {_since(last, zone)}"
    if last.value == "null":
        times = "once" if steps == 1 else f"{steps} times"
        return f"{mode}: {times}, the last {_since(last, zone).removeprefix('since ')}"
    value = "forgotten" if last.value is None else show_value(last.value)
    said = f"{mode}: {value} {_since(last, zone)}"
    if first is not None and first != last:
        said += f", apart {_since(first, zone)}"
    return said


def _since(step: Step, zone: ZoneInfo) -> str:
    moment = datetime.fromtimestamp(step.time_ms / 1000, zone)
    return f"since {moment:%Y-%m-%d %H:%M:%S} (#{step.offset})"


def _plain(apart: Apart) -> dict[str, Any]:
    return {
        "topic": str(Topic(*apart.name)),
        "steps": list(apart.steps),
        "first": [None if step is None else step._asdict() for step in apart.first],
        "last": [None if step is None else step._asdict() for step in apart.last],
    }


def board_mode(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The board's name.")],
    to: Annotated[
        str | None,
        typer.Argument(metavar="MODE", help="The mode that is to hear it; live: the house."),
    ] = None,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or say which mode hears a board: to try a new one without the live house noticing.

    What the board tells goes there, and nowhere else; what it shows is still what live says.

    Example: [bold]myocan board mode porch test[/bold], [bold]myocan board mode porch live[/bold]
    """
    content = {"board": name} if to is None else {"board": name, "mode": to, "user": user_name()}
    answer = ask_hub(house, "board mode", **content)
    if as_json:
        print(json.dumps(answer))
    else:
        print(f"{name} is heard by {heard_by(str(answer['mode']))}")


def heard_by(mode: str) -> str:
    """Return a mode as what hears a board, in words."""
    return "the live house" if mode == LIVE else f"mode {mode}, not by the live house"


def clock(
    mode: Annotated[str, typer.Argument(metavar="MODE", help="Whose; not the live one's.")],
    to: Annotated[
        str | None,
        typer.Argument(metavar="[live|frozen|set T|advance D|speed X]", show_default=False),
    ] = None,
    amount: Annotated[list[str] | None, typer.Argument(metavar="", show_default=False)] = None,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show or set the clock of a test mode; what comes due by it is done when the command ends.

    live: the wall clock. frozen: it stands. set: to a time (23:58, 2027-06-01T23:58), never back.
    advance: by a time (90s, 2h30m, 3d). speed: so many times as fast as the wall clock.

    Example: [bold]myocan clock test set 23:58[/bold], [bold]myocan clock test advance 5m[/bold],
    [bold]myocan clock test speed 60[/bold]
    """
    from zoneinfo import ZoneInfo

    opened = open_house(house)
    zone = ZoneInfo(opened.timezone)
    content: dict[str, Any] = {"mode": mode, "user": user_name()}
    if to is not None:
        content |= {"to": to, **_amount(opened, mode, to, " ".join(amount or ()), zone)}
    answer = ask_hub(house, "clock", **content)
    if as_json:
        print(json.dumps(answer))
        return
    shown = datetime.fromtimestamp(answer["now_ms"] / 1000, zone)
    pace = "is the wall clock" if answer["live"] else _pace(str(answer["speed"]))
    print(f"{mode}: {shown:%Y-%m-%d %H:%M:%S}, its clock {pace}")
    if answer["log_ms"] - answer["now_ms"] > AHEAD_MS:
        until = datetime.fromtimestamp(answer["log_ms"] / 1000, zone)
        print(f"its log is at {until:%Y-%m-%d %H:%M:%S} already: nothing comes due before that")


def _amount(house: House, mode: str, to: str, amount: str, zone: ZoneInfo) -> dict[str, int | str]:
    """Return what stands behind `set`, `advance` and `speed`, as the hub takes it."""
    if to not in ("live", "frozen", "set", "advance", "speed"):
        raise typer.BadParameter(
            f"a clock is set to live, frozen, set T, advance D or speed X, not {to!r}"
        )
    if to in ("live", "frozen"):
        if amount:
            raise typer.BadParameter(f"behind {to} stands nothing, not {amount!r}")
        return {}
    if not amount:
        example = {"set": "set 23:58", "advance": "advance 2h30m", "speed": "speed 60"}[to]
        raise typer.BadParameter(f"how far? For example: myocan clock {mode} {example}")
    if to == "advance":
        return {"amount": parse_duration(amount)}
    if to == "set":
        shown = ask_hub(house.root, "clock", mode=mode)["now_ms"]
        now = datetime.fromtimestamp(shown / 1000, zone)
        return {"amount": int(parse_coming(amount, now).timestamp() * 1000)}
    return {"amount": amount}
