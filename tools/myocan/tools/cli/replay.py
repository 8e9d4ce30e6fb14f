"""`myocan replay`: the past computed again, with the same rules or with others."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, ModeOption, open_house
from myocan.tools.cli.moments import parse_moment
from myocan.tools.cli.past import check_mode, differences, program_of
from myocan.tools.cli.topics import Topic, show_value

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from myocan.hub.history import Parting
    from myocan.hub.house import House
    from myocan.hub.scenario import Cast
    from myocan.hub.store import Reader


def replay(
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help="Compare from then on. Default: from the start."),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", metavar="T", help="Up to then. Default: to the end.")
    ] = None,
    with_: Annotated[
        Path | None,
        typer.Option("--with", metavar="DIR", help="Other rules: what would these have done?"),
    ] = None,
    mode: ModeOption = "live",
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute again all that the log says, and compare: the same to the letter, or a difference.

    With --with, the messages of the past meet other rules, and where these say something else is
    shown.

    Example: [bold]myocan replay --from 2027-06-01[/bold], [bold]myocan replay --with new/[/bold]
    """
    from zoneinfo import ZoneInfo

    from myocan.hub.history import Past, instead
    from myocan.hub.history import replay as again
    from myocan.hub.store import Reader

    opened = open_house(house)
    zone = ZoneInfo(opened.timezone)

    def in_ms(text: str) -> int:
        return int(parse_moment(text, datetime.now(zone)).timestamp() * 1000)

    with Reader(opened.store_path) as reader:
        check_mode(reader, mode)
        up_to = reader.newest(mode) if until is None else reader.since(mode, in_ms(until) + 1)
        start_ms = None if since is None else in_ms(since)
        if start_ms is None:
            past = Past(*reader.start(mode, 0, oldest=True))
        else:
            past = Past(*reader.start(mode, reader.since(mode, start_ms) + 1))
        if start_ms is None and past.offset:
            print(f"the log was trimmed up to #{past.offset}; this starts there", file=sys.stderr)
        entries = reader.entries(mode, after=past.offset, up_to=up_to)
        if with_ is not None:
            others = _others(opened, with_)
            if start_ms is not None and reader.since(mode, start_ms) >= up_to and not as_json:
                print(_nothing(reader, mode, zone))
                return
            partings = instead(entries, program_of, others, start_ms, past)
            _show_partings(partings, zone, as_json)
            return
        found = again(entries, program_of, start_ms)
        asked = since is not None or until is not None or not reader.newest(mode)
        nothing = _nothing(reader, mode, zone) if asked and found.equal and not found.rows else ""
    if as_json:
        plain = {
            "inputs": found.inputs,
            "messages": found.rows,
            "equal": found.equal,
            "more": found.more,
            "differences": [one._asdict() for one in found.differences],
        }
        print(json.dumps(plain, ensure_ascii=False))
    elif nothing:
        print(nothing)
    else:
        for one in found.differences:
            moment = datetime.fromtimestamp(one.time_ms / 1000, zone)
            logged = "nothing" if one.logged is None else one.logged
            computed = "nothing" if one.computed is None else one.computed
            print(
                f"#{one.offset}  {moment:%Y-%m-%d %H:%M:%S}  {one.what}: the log has {logged}, "
                f"computed again it is {computed}"
            )
        if found.more:
            print(f"and {found.more:,} more")
        for text in found.in_doubt:
            print(text)
        said = "all equal" if found.equal else differences(len(found.differences) + found.more)
        print(f"{found.rows:,} messages, {found.inputs:,} of them from outside: {said}")
    if not found.equal:
        raise typer.Exit(Exit.NO)


def _nothing(reader: Reader, mode: str, zone: ZoneInfo) -> str:
    """Return that no message is in the time asked for, and up to when there are some."""
    newest = reader.entry(mode, reader.newest(mode))
    if newest is None:
        return "there is nothing in the log yet"
    moment = datetime.fromtimestamp(newest.message.time_ms / 1000, zone)
    return (
        f"there is nothing in the log in that time; its newest message is "
        f"#{newest.message.offset}, of {moment:%Y-%m-%d %H:%M:%S}"
    )


def _others(house: House, folder: Path) -> Cast:
    """Return the house with the rules in a folder instead of its own."""
    from myocan.hub.house import module_files
    from myocan.tools.errors import ToolsError
    from myocan.tools.house_check import check_adapter_file, read_source, topics_of_boards
    from myocan.tools.scenario_files import make_cast

    if not folder.exists():
        raise ToolsError(
            f"there is no folder {folder}; say one that has other rules (.scc, .py) in it"
        )
    if not folder.is_dir():
        raise ToolsError(
            f"{folder} is a file; say the folder that the other rules (.scc, .py) are in"
        )
    files = module_files(folder)
    if not files:
        raise ToolsError(f"{folder} has no rules (.scc, .py) in it")
    sources = {file.stem: read_source(file).decode(errors="replace") for file in files}
    programs = {}
    for file, (name, text) in zip(files, sources.items(), strict=True):
        programs[name] = program_of(name, text)
        if programs[name] is None:
            raise ToolsError(f"{file} has mistakes; see: myocan check {file}")
    adapters = [check_adapter_file(file, house.domain)[0] for file in house.adapters()]
    topics = topics_of_boards(adapter for adapter in adapters if adapter is not None)
    return make_cast(house, programs, sources, topics)


def _show_partings(partings: list[Parting], zone: ZoneInfo, as_json: bool) -> None:
    """Print where two histories differ, and exit as the answer is."""
    if as_json:
        print(json.dumps([one._asdict() for one in partings], ensure_ascii=False))
    else:
        for one in partings:
            moment = datetime.fromtimestamp(one.time_ms / 1000, zone)
            was, would_be = (_values(values) for values in (one.was, one.would_be))
            print(f"{moment:%Y-%m-%d %H:%M:%S}  {Topic(*one.name)}: was {was}, would be {would_be}")
        print(differences(len(partings)) if partings else "nothing would have been different")
    if partings:
        raise typer.Exit(Exit.NO)


def _values(values: tuple[str, ...]) -> str:
    shown = [show_value(value) or "activated" for value in values]
    return ", then ".join(shown) or "not said"
