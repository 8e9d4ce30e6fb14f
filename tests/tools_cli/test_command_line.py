"""What holds for every command: help with an example, a house to be found, a version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from myocan.tools.cli import app

if TYPE_CHECKING:
    from support.command_line import Myocan

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "command-line.md"


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield every command with its words: `deploy diff`."""
    for name, one in (group or get_command(app)).commands.items():
        if getattr(one, "commands", None):
            yield from commands(one, (*path, name))
        if not getattr(one, "commands", None) or one.invoke_without_command:
            yield " ".join((*path, name)), one


COMMANDS = dict(commands())


def test_help_names_every_command_and_the_exit_codes(anew: Myocan, tmp_path: Path) -> None:
    said = anew("--help", cwd=tmp_path)
    assert said.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"\b{command.split()[0]}\b", said.stdout)
    assert "Exit codes" in said.stdout


def test_every_command_shows_an_example_of_itself() -> None:
    for words, command in COMMANDS.items():
        _about, example, shown = command.help.partition("Example: ")
        assert example, words
        assert f"myocan {words}" in shown, words


def test_every_command_is_documented_and_so_is_what_it_prints_for_programs() -> None:
    text = DOCUMENT.read_text()
    table = text[text.index("\n## JSON\n") :]
    for words, command in COMMANDS.items():
        *group, name = words.split()
        assert re.search(rf"`myocan {' '.join(group)}.*\b{name}\b", text), words
        if any("--json" in option.opts for option in command.params):
            assert f"`{words}`" in table, words


def test_the_version_says_how_the_core_was_built(anew: Myocan, tmp_path: Path) -> None:
    said = anew("--version", cwd=tmp_path).stdout
    assert re.fullmatch(r"myocan \S+( installed\))?, core (compiled|pure), Python 3\.\d+.*\n", said)


def test_outside_of_a_house_it_is_said_how_to_name_or_make_one(
    anew: Myocan, tmp_path: Path
) -> None:
    done = anew("get", cwd=tmp_path)
    assert done.returncode == 3
    assert "--house" in done.stderr
    assert "myocan init" in done.stderr


def test_without_a_command_help_is_shown_and_it_is_a_mistake(anew: Myocan, tmp_path: Path) -> None:
    done = anew(cwd=tmp_path)
    assert done.returncode == 2
    assert "Usage" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["check"],
        ["fmt", "--check"],
        ["test"],
        ["get", "lamp1.state"],
        ["send", "button1.press"],
        ["why", "lamp1.state"],
        ["replay"],
        ["store", "info"],
        ["mode", "list"],
        ["topic", "list"],
        ["instance", "list", "lamp1"],
        ["deploy", "list"],
        ["board", "list"],
        ["flash", "porch", "--port", "/dev/null"],
    ],
    ids=" ".join,
)
def test_a_command_reads_all_that_it_needs(
    anew: Myocan, myocan: Myocan, house: Path, words: list[str]
) -> None:
    """Alone it says what it says where others have read modules before it."""
    alone, again = (run(*words, cwd=house) for run in (anew, myocan))
    assert "Traceback" not in alone.stderr
    assert (alone.returncode, alone.stderr) == (again.returncode, again.stderr)
    took = r"\(\d+\.\d s\)"
    assert re.sub(took, "", alone.stdout) == re.sub(took, "", again.stdout)
