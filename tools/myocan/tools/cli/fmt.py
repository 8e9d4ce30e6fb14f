"""`myocan fmt`: rules and scenarios written the one way that they are written."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from myocan.tools.cli.exits import Exit
from myocan.tools.cli.houses import HouseOption, open_house

if TYPE_CHECKING:
    from myocan.hub.house import House
    from myocan.hub.lang import Diagnostic
    from myocan.hub.lang.formatter import Formatted

STDIN = "-"
"""Stands for what comes in on standard input."""


def fmt(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOUSE | FILE...]",
            help="Modules (.scc), scenarios (.scenario), or a house's folder; - takes standard "
            "input. Default: the house.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 if there is something to.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write nothing; show what would become of the lines.")
    ] = False,
    house: HouseOption = None,
) -> None:
    """Write rules and scenarios the one way: lines set in, blanks and capitals put right.

    What they mean stays what it was, and comments are kept. A file that cannot be understood is
    left as it is; what is wrong with it is shown, and the exit code is 1.

    Example: [bold]myocan fmt[/bold], [bold]myocan fmt --diff modules/lamp1.scc[/bold]
    """
    if paths == [STDIN]:
        clean = _pass_through(check, diff)
    else:
        files = _files(paths or [], house)
        states = [_one(file, write=not (check or diff), diff=diff) for file in files]
        _tell(states, written=not (check or diff))
        clean = "broken" not in states and not (check and "untidy" in states)
    if not clean:
        raise typer.Exit(Exit.NO)


def _files(paths: list[str], house: Path | None) -> list[Path]:
    """Return the files that are meant. Raises typer.BadParameter for what holds no rules."""
    if not paths:
        return _files_of(open_house(house))
    files: list[Path] = []
    for path in map(Path, paths):
        if str(path) == STDIN:
            raise typer.BadParameter("- stands alone: one text comes in, one goes out")
        if path.is_dir():
            files += _files_of(open_house(path))
        elif path.suffix in (".scc", ".scenario"):
            files.append(path)
        else:
            raise typer.BadParameter(
                f"{path} is neither rules (.scc) nor scenarios (.scenario) nor a house's folder"
            )
    return files


def _files_of(house: House) -> list[Path]:
    rules = [file for file in house.modules() if file.suffix == ".scc"]
    return [*rules, *house.scenarios()]


def _formatted(source: bytes, name: str, *, scenarios: bool) -> Formatted:
    from myocan.hub.lang import format_module

    if not scenarios:
        return format_module(source, name)
    from myocan.hub.scenario import format_scenarios

    return format_scenarios(source, name)


def _one(file: Path, *, write: bool, diff: bool) -> str:
    """Format one file; return "tidy", "untidy" or "broken", and show what is to be shown."""
    from myocan.tools.house_check import read_source, shown_name
    from myocan.tools.replacing import replace_file

    source = read_source(file)
    name = shown_name(file)
    answer = _formatted(source, name, scenarios=file.suffix == ".scenario")
    if answer.text is None:
        _show_mistakes(answer.diagnostics, source)
        return "broken"
    if answer.text.encode() == source:
        return "tidy"
    if diff:
        _show_difference(name, source, answer.text)
    elif write:
        replace_file(file, answer.text.encode())
        print(name)
    else:
        print(f"{name} is to be formatted")
    return "untidy"


def _pass_through(check: bool, diff: bool) -> bool:
    """Format standard input; return whether all is well.

    A text that cannot be understood goes out as it came, so that an editor that sends its text
    through here loses nothing.
    """
    source = sys.stdin.buffer.read()
    opening = re.search(rb"^\s*(MODULE|SCENARIO)\b", source, re.IGNORECASE | re.MULTILINE)
    scenarios = opening is not None and opening[1].upper() == b"SCENARIO"
    answer = _formatted(source, "standard input", scenarios=scenarios)
    if answer.text is None:
        _show_mistakes(answer.diagnostics, source)
    out = source if answer.text is None else answer.text.encode()
    if diff and answer.text is not None:
        _show_difference("standard input", source, answer.text)
    elif not check and not diff:
        sys.stdout.buffer.write(out)
        sys.stdout.buffer.flush()
    return answer.text is not None and not (check and out != source)


def _show_mistakes(found: list[Diagnostic], source: bytes) -> None:
    for diagnostic in found:
        print(diagnostic.render(source.decode(errors="replace")), file=sys.stderr)


def _show_difference(name: str, source: bytes, text: str) -> None:
    from difflib import unified_diff

    old, new = source.decode().split("\n"), text.split("\n")
    for line in unified_diff(old, new, name, f"{name}, formatted", lineterm=""):
        print(line.rstrip("\r"))


def _tell(states: list[str], *, written: bool) -> None:
    from myocan.tools.cli.check import counted

    changed = counted(states.count("untidy"), "file")
    done = "formatted" if written else "to be formatted"
    parts = [
        f"{changed} {done}" if changed else "",
        f"{counted(states.count('tidy'), 'file')} as it should be" if "tidy" in states else "",
        f"{counted(states.count('broken'), 'file')} with mistakes" if "broken" in states else "",
    ]
    print(", ".join(filter(None, parts)) or "nothing to format", file=sys.stderr)
