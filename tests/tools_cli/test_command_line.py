"""What holds for every command: help with an example, a house to be found, a version."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from support.command_line import Myocan

COMMANDS = ["init", "run", "check", "tail", "get", "send", "flash", "adapter run", "demo"]


def test_help_names_every_command_and_the_exit_codes(myocan: Myocan, tmp_path: Path) -> None:
    said = myocan("--help", cwd=tmp_path)
    assert said.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"\b{command.split()[0]}\b", said.stdout)
    assert "Exit codes" in said.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(myocan: Myocan, tmp_path: Path, command: str) -> None:
    said = myocan(*command.split(), "--help", cwd=tmp_path)
    assert said.returncode == 0
    assert f"Example: myocan {command}" in said.stdout


def test_the_version_says_how_the_core_was_built(myocan: Myocan, tmp_path: Path) -> None:
    said = myocan("--version", cwd=tmp_path).stdout
    assert re.fullmatch(r"myocan \S+( installed\))?, core (compiled|pure), Python 3\.\d+.*\n", said)


def test_outside_of_a_house_it_is_said_how_to_name_or_make_one(
    myocan: Myocan, tmp_path: Path
) -> None:
    done = myocan("get", cwd=tmp_path)
    assert done.returncode == 3
    assert "--house" in done.stderr
    assert "myocan init" in done.stderr


def test_without_a_command_help_is_shown_and_it_is_a_mistake(
    myocan: Myocan, tmp_path: Path
) -> None:
    done = myocan(cwd=tmp_path)
    assert done.returncode == 2
    assert "Usage" in done.stdout + done.stderr
