"""`myocan init`: a new house, a copy of the example one, which runs as it is."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
from pathlib import Path
from typing import Annotated

import typer

from myocan.tools.cli.houses import JsonOption


def machine_zone() -> str:
    """Return the IANA name of this machine's time zone, "UTC" where it does not tell."""
    candidates = [os.environ.get("TZ", "").removeprefix(":")]
    with contextlib.suppress(OSError):
        candidates.append(Path("/etc/timezone").read_text(encoding="utf-8").strip())
    _, found, name = os.path.realpath("/etc/localtime").partition("/zoneinfo/")
    if found:
        candidates.append(name)
    from zoneinfo import ZoneInfo

    for candidate in candidates:
        try:
            return ZoneInfo(candidate).key
        except (ValueError, OSError, KeyError):
            continue
    return "UTC"


def set_key(file: Path, key: str, value: str) -> None:
    """Replace the text value of a top-level key in a TOML file, comments kept."""
    text = file.read_text(encoding="utf-8")
    line = f"{key} = {json.dumps(value)}"
    file.write_text(
        re.sub(rf'^{key} = "[^"]*"', lambda _: line, text, count=1, flags=re.MULTILINE),
        encoding="utf-8",
    )


def _domain(text: str) -> str:
    from myocan.hub.settings import check_level

    try:
        return check_level(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _timezone(text: str | None) -> str | None:
    from myocan.hub.settings import check_zone

    try:
        return None if text is None else check_zone(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def init(
    folder: Annotated[Path, typer.Argument(help="Where; made if it is not there.")] = Path(),
    domain: Annotated[
        str,
        typer.Option(
            callback=_domain, help="First part of its topics; each house of a broker needs its own."
        ),
    ] = "home",
    timezone: Annotated[
        str | None,
        typer.Option(callback=_timezone, help="Like Europe/Berlin. Default: this machine's."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a house that runs: a button, a lamp, the rules between them.

    Example: [bold]myocan init cottage --domain cottage[/bold]
    """
    from myocan.hub.house import FILE_NAME
    from myocan.tools.errors import ToolsError
    from myocan.tools.example_house import copy_example_house

    if (folder / FILE_NAME).exists():
        raise ToolsError(f"{folder} is a house already; nothing was written. Name another folder.")
    files = copy_example_house(folder)
    set_key(folder / FILE_NAME, "domain", domain)
    set_key(folder / FILE_NAME, "timezone", timezone or machine_zone())
    for name in ("modules", "adapters"):
        (folder / name).mkdir(exist_ok=True)
    if as_json:
        print(json.dumps({"house": str(folder.resolve()), "files": [str(file) for file in files]}))
        return
    where = "" if folder == Path() else f"cd {shlex.quote(str(folder))}\n  "
    print(
        f"Made a house in {folder.resolve()}:\n"
        + "".join(f"  {file}\n" for file in files)
        + f"\nNext:\n  {where}myocan check              are its rules and boards right?\n"
        "  myocan test               do its rules do what their scenarios say?\n"
        "  myocan run                the hub, until Ctrl-C\n"
        "  myocan tail               in a second terminal: what happens, as it happens\n"
        "  myocan send button1.press in a third: press the button without a board"
    )
