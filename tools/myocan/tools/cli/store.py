"""`myocan store info|verify|compact|export|import`: the file that holds all that a hub knows."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, JsonOption, open_house
from myocan.tools.cli.version import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from myocan.hub.core import Program
    from myocan.hub.store import ModeSummary, Summary, Verified

store = typer.Typer(no_args_is_help=True, help="The store: the file with all that a hub knows.")

CODE = "%%code%%"

SHOWN = 5
"""Differences of a replay that are told."""

StoreOption = Annotated[
    Path | None,
    typer.Option("--store", metavar="PATH", help="Another file than that of the house."),
]


@cache
def _program(module: str, source: str) -> Program | None:
    from myocan.hub.lang import compile_module

    return compile_module(source, module).program


def _path(given: Path | None, house: Path | None) -> Path:
    return open_house(house).store_path if given is None else given


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    """Tell a person who waits how many messages were looked at; `what` is being done."""
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} …") as status:
        yield lambda count: status.update(f"{what}: {count:,} messages …")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else f"{count / 1e3:,.1f} KB"


def _count(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")


@store.command("info")
def info(given: StoreOption = None, house: HouseOption = None, as_json: JsonOption = False) -> None:
    """Tell what a store holds: its size, modes, boards, starts, and what takes the most room.

    Works while a hub runs. Times are in UTC.

    Example: [bold]myocan store info[/bold]
    """
    from myocan.hub.store import summarize

    found = summarize(_path(given, house))
    if as_json:
        print(json.dumps(_plain(found), ensure_ascii=False))
        return
    print(f"{found.path}")
    free = f", {_size(found.free_bytes)} of it free" if found.free_bytes else ""
    wal = f", and {_size(found.wal_bytes)} in its -wal file" if found.wal_bytes else ""
    print(f"{_size(found.bytes)}{free}{wal}; schema {found.schema}, identity {found.identity}")
    if found.origin:
        print(f"imported from the store with identity {found.origin}")
    for mode in found.modes:
        print("\n".join(_told(mode)))
    if found.starts:
        last = found.starts[-1]
        print(f"started {_count(len(found.starts), 'time')}; the last start:")
        print(f"  incarnation {last.incarnation}, from #{last.first} on: {last.note}")
    if found.largest:
        print("what takes the most room, all instances together:")
    for topic in found.largest:
        name = f"{topic.module}.{topic.variable}"
        print(f"  {name:40} {_count(topic.messages, 'message'):>20}  {_size(topic.bytes):>10}")


def _told(mode: ModeSummary) -> list[str]:
    """Return what there is to say of a mode."""
    if not mode.messages:
        return [f"{mode.name}: no messages"]
    span = f"{_time(mode.first_ms)} to {_time(mode.last_ms)}"
    lines = [
        f"{mode.name}: {_count(mode.messages, 'message')}, #{mode.first} to #{mode.last}, {span}",
        f"  checkpoint at #{mode.checkpoints[-1]} with {_count(mode.variables, 'variable')};"
        f" {_count(len(mode.checkpoints), 'checkpoint')} kept, from #{mode.checkpoints[0]} on"
        if mode.checkpoints
        else "  no checkpoint yet",
    ]
    if mode.trimmed:
        lines.append(f"  up to #{mode.trimmed} messages were taken out that are not kept")
    for board, boot, last, seen in mode.positions:
        heard = f"heard up to {last}" if last else "not heard yet"
        lines.append(f"  board {board}, boot {boot}: {heard}, last at {_time(seen)}")
    return lines


def _time(ms: int | None) -> str:
    if ms is None:
        return "?"
    try:
        return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"


def _plain(found: Summary) -> dict[str, Any]:
    plain = {**found._asdict(), "path": str(found.path)}
    plain["modes"] = [
        {
            **mode._asdict(),
            "positions": [
                dict(zip(("board", "boot", "last", "seen_ms"), position, strict=True))
                for position in mode.positions
            ],
        }
        for mode in found.modes
    ]
    plain["starts"] = [start._asdict() for start in found.starts]
    plain["largest"] = [topic._asdict() for topic in found.largest]
    return plain


@store.command("verify")
def verify(
    given: StoreOption = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Compute the whole log again, too, and compare.")
    ] = False,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether a store is sound: its file, its log without gaps, its state, its programs.

    Works while a hub runs, and changes nothing. A damaged store is told with what can be saved.

    Example: [bold]myocan store verify --replay[/bold]
    """
    from myocan.hub.store import verify as look

    path = _path(given, house)
    with _progress("looking") as progress:
        found = look(path, progress)
    others = _unloadable(path) if found.sound else []
    if found.sound and replay:
        others += _replayed(path)
    if as_json:
        print(json.dumps(_verified(found, others, path), ensure_ascii=False))
    else:
        print("\n".join(_verdict(found, others, path)))
    if others or not found.sound:
        raise typer.Exit(Exit.NO)


def _verdict(found: Verified, others: list[str], path: Path) -> list[str]:
    """Return what was found, and what to do."""
    lines = []
    for mode in found.modes:
        if not mode.last:
            lines.append(f"{mode.name}: no messages")
            continue
        said = f"{mode.name}: {_count(mode.messages, 'message')} up to #{mode.last}"
        if mode.gaps:
            until = mode.gaps[0].first - 1
            said += f", without a gap up to #{until}" if until else ", the first ones are gone"
        if mode.exact_after is None:
            said += "; the state is not surely known any more"
        elif mode.exact_after:
            said += f"; whole behind #{mode.exact_after}"
        lines.append(said)
    if found.sound:
        lines += [f"- {text}" for text in others]
        return [*lines, "the file is sound" if others else "sound"]
    lines += [f"- {text}" for text in found.problems]
    if found.more:
        lines.append(f"- and {found.more:,} more")
    return [
        *lines,
        f"{path} is not sound. Stop the hub, keep a copy of the file and of those beside it, then"
        " restore a backup; without one, save what can be read:",
        "  myocan store export saved.jsonl   (move the store away, then)",
        "  myocan store import saved.jsonl",
    ]


def _verified(found: Verified, others: list[str], path: Path) -> dict[str, Any]:
    return {
        "path": str(path),
        "sound": found.sound and not others,
        "problems": [*found.problems, *others],
        "more": found.more,
        "modes": [
            {
                "name": mode.name,
                "messages": mode.messages,
                "first": mode.first,
                "last": mode.last,
                "gaps": [list(gap) for gap in mode.gaps],
                "exact_after": mode.exact_after,
            }
            for mode in found.modes
        ],
    }


def _unloadable(path: Path) -> list[str]:
    """Return which rules in force could not be loaded any more."""
    from myocan.hub.store import Reader

    with Reader(path) as reader:
        return [
            f"{mode}: the rules of {module} do not compile with this version of myocan any more"
            for mode in reader.modes()
            for (module, variable, _), text in reader.state(mode).items()
            if variable == CODE and _program(module, json.loads(text)) is None
        ]


def _replayed(path: Path) -> list[str]:
    """Return where the log is not what it comes to when it is computed again."""
    from myocan.hub.history import replay
    from myocan.hub.store import Reader

    problems = []
    with Reader(path) as reader:
        for mode in reader.modes():
            after, _ = reader.start(mode, 0, oldest=True)
            result = replay(reader.entries(mode, after=after), _program)
            for one in result.differences[:SHOWN]:
                problems.append(
                    f"{mode}: #{one.offset} {one.what}: the log has {one.logged or 'nothing'},"
                    f" computed again it is {one.computed or 'nothing'}"
                )
            more = len(result.differences[SHOWN:]) + result.more
            if more:
                problems.append(
                    f"{mode}: and {_count(more, 'more difference')}; see: myocan replay"
                )
    return problems


@store.command("compact")
def compact(
    given: StoreOption = None, house: HouseOption = None, as_json: JsonOption = False
) -> None:
    """Make a store's file as small as it can be; the hub must be stopped.

    Example: [bold]myocan store compact[/bold]
    """
    from myocan.hub.store import compact as make_small

    before, after = make_small(_path(given, house))
    if as_json:
        print(json.dumps({"before": before, "after": after}))
    else:
        saved = f"{_size(before - after)} saved" if before > after else "nothing to save"
        print(f"{_size(before)} before, {_size(after)} now: {saved}")


@store.command("export")
def export(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A new file, or - for output.")],
    given: StoreOption = None,
    house: HouseOption = None,
) -> None:
    """Write a whole store as JSON lines: to keep it, to move it, to save a damaged one.

    Works while a hub runs. What a damaged store has lost is told in the end.

    Example: [bold]myocan store export - | gzip > house.jsonl.gz[/bold]
    """
    from myocan.hub.store import export_store

    path = _path(given, house)
    with _output(file) as out, _progress("exporting") as progress:
        found = export_store(path, out.write, installed_version(), progress)
    messages = sum(mode.messages for mode in found.modes)
    print(f"{_count(messages, 'message')} exported", file=sys.stderr)
    if not found.sound:
        print("\n".join(_lost(found)), file=sys.stderr)
        raise typer.Exit(Exit.NO)


def _lost(found: Verified) -> list[str]:
    lines = ["the store is damaged; what could be read was saved. What was wrong:"]
    lines += [f"- {text}" for text in found.problems]
    if found.more:
        lines.append(f"- and {found.more:,} more")
    unsure = [mode.name for mode in found.modes if mode.exact_after is None and mode.last]
    if unsure:
        lines.append(
            f"what the lost messages changed in {', '.join(unsure)} is not known; everything else"
            " is as it was"
        )
    return lines


@contextmanager
def _output(file: str) -> Iterator[BinaryIO]:
    """A new file, there only when it is whole and on the disk, or standard output."""
    from myocan.tools.errors import ToolsError

    if file == "-":
        try:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        except OSError as error:
            # What is still to be written would raise again at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if isinstance(error, BrokenPipeError):  # who reads has seen enough
                raise typer.Exit(Exit.FAILED) from None
            raise ToolsError(f"the output cannot be written ({error.strerror})") from error
        return
    path = Path(file)
    if path.exists():
        raise ToolsError(f"{path} is there already; give another name")
    unfinished = path.with_name(path.name + ".part")
    try:
        with unfinished.open("wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(path)
    except OSError as error:
        raise ToolsError(
            f"{path} cannot be written ({error.strerror}); give a place that has room and is yours"
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


@store.command("import")
def import_(
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="What `export` wrote.")],
    given: StoreOption = None,
    house: HouseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a store of what `export` wrote, for a house that has none; never over another.

    The hub goes on behind its last message. Boards take it for a new store.

    Example: [bold]gunzip -c house.jsonl.gz | myocan store import -[/bold]
    """
    from myocan.hub.store import import_store

    path = _path(given, house)
    with (
        sys.stdin.buffer if file == "-" else Path(file).open("rb") as source,
        _progress("importing") as progress,
    ):
        done = import_store(source, path, progress=progress)
    if as_json:
        modes = [mode._asdict() for mode in done.modes]
        plain = {"path": str(path), "modes": modes, "origin": done.origin}
        print(json.dumps({**plain, "problems": done.problems}, ensure_ascii=False))
        return
    for mode in done.modes:
        print(f"{mode.name}: {_count(mode.messages, 'message')} up to #{mode.last}")
    if done.problems:
        print("the store that it comes from was damaged; `export` told what was lost:")
        print("\n".join(f"- {text}" for text in done.problems))
    print(f"{path} is there; the hub goes on with it: myocan run")
