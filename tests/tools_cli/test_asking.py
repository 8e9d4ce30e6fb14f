"""`myocan ask`: what boards would do, asked on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from myocan.tools.cli import app
from myocan.tools.cli.exits import Exit
from myocan.tools.demo.hub_process import HubProcess
from support.command_line import make_house

BOILER = """\
board = "unix"

[ports.heater]
kind = "relay"
pin = "GP1"
subscribe = "boiler1.heater"
needs = { pump = "on" }

[ports.pump]
kind = "relay"
pin = "GP2"
subscribe = "boiler1.pump"
"""


@pytest.fixture(scope="module")
def boiler_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A house whose hub runs, with a board that is away."""
    folder = make_house(tmp_path_factory.mktemp("boiler") / "house")
    (folder / "adapters" / "boiler.toml").write_text(BOILER)
    with HubProcess(folder):
        yield folder


def run_ask(house: Path, *words: str) -> Result:
    """Run `myocan ask` in this process."""
    return CliRunner().invoke(app, ["ask", *words, "--house", str(house)])


def test_what_a_board_that_is_away_would_say_nobody_knows(boiler_house: Path) -> None:
    asked = run_ask(boiler_house, "boiler1.heater=on", "boiler1.pump=on")
    assert (asked.exit_code, asked.stdout) == (
        Exit.OK,
        "boiler (heater, pump): board boiler was never heard of; it is told when it is back\n",
    )
    asked = run_ask(boiler_house, "boiler1.heater=on", "--online", "--json")
    assert asked.exit_code == Exit.NO
    assert json.loads(asked.stdout) == {
        "accepted": False,
        "why": "board boiler was never heard of",
        "boards": [
            {
                "board": "boiler",
                "ports": ["heater"],
                "outcome": "away",
                "port": "",
                "why": "board boiler was never heard of",
            }
        ],
    }
    asked = run_ask(boiler_house, "boiler1.haeter=on")
    assert asked.exit_code == Exit.NO
    assert "no board takes that; `myocan topic list` shows what boards take" in asked.output


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("boiler1.heater", "says no value; write TOPIC=VALUE"),
        ("heater=on", "is no topic"),
        ('lamp1.state="on', "is no value"),
    ],
)
def test_what_cannot_be_asked_is_wrong_usage(tmp_path: Path, word: str, said: str) -> None:
    make_house(tmp_path / "house")
    asked = run_ask(tmp_path / "house", word)
    assert asked.exit_code == Exit.USAGE
    assert said in " ".join(asked.output.replace("\u2502", " ").split())
