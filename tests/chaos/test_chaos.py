"""The chaos run, short: real processes are killed, stopped, cut off, and nothing is lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from myocan.tools.chaos import draw_kills, draw_plan, run_chaos
from myocan.tools.chaos.books import Ledger, balance, logged_presses
from support.command_line import run_myocan

SECONDS = 5.0
SEED = 11


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What `myocan chaos` printed of a short run, whose house is kept."""
    keep = tmp_path_factory.mktemp("chaos") / "kept"
    minutes = str(SECONDS / 60)
    words = ("--minutes", minutes, "--seed", str(SEED), "--json", "--keep", str(keep))
    done = run_myocan("chaos", *words, cwd=keep.parent)
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["faults"] == []
    assert done.returncode == 0, done.stderr
    return dict(told)


def test_the_books_balance_after_everything_that_can_befall_a_house(
    told: dict[str, object],
) -> None:
    assert int(str(told["presses"])) > 10
    assert int(str(told["logged"])) > 0
    assert told["messages"] == told["replayed"]
    plan = [str(strike) for strike in draw_plan(SEED, SECONDS, int(str(told["boards"])))]
    assert told["plan"] == plan


def test_a_press_too_many_or_too_few_is_found(told: dict[str, object], tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    shutil.copyfile(Path(str(told["folder"])) / "house" / ".myocan" / "store.sqlite", store)

    def faults(more: int = 0) -> list[str]:
        ledgers = [Ledger(f"board{n}", n) for n in (1, 2, 3)]
        for ledger in ledgers:
            logged = logged_presses(store, ledger)
            ledger.pressed, ledger.lamp = logged + more, logged % 2
        return balance(store, ledgers, {}).faults

    assert not [text for text in faults() if "presses" in text]
    assert len([text for text in faults(1) if "so 1 are missing" in text]) == 3
    assert len([text for text in faults(-1) if "some count twice" in text]) == 3
    assert [text for text in faults() if "the broker has None of all.total" in text]


def test_a_plan_follows_from_its_seed() -> None:
    assert draw_plan(5, 60, 3) == draw_plan(5, 60, 3) != draw_plan(6, 60, 3)
    assert draw_kills(5, 9) == draw_kills(5, 9) != draw_kills(6, 9)
    plan = draw_plan(5, 600, 3)
    assert {strike.what for strike in plan} >= {"kill", "stop", "cut", "freeze", "fill", "set"}
    assert all(strike.what == "set" or strike.at_s + strike.for_s <= 600.01 for strike in plan)


def test_the_hub_is_killed_as_often_as_is_said(tmp_path: Path) -> None:
    outcome = run_chaos(3, draw_kills(3, 2), tmp_path, counted=True, tell=lambda text: None)
    assert outcome.faults == []
    assert (outcome.strikes, outcome.starts) == ({"kill hub": 2}, 3)
    assert outcome.lost == outcome.died == 0
    assert outcome.logged == outcome.presses


def test_a_folder_in_use_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = run_myocan("chaos", "--keep", str(tmp_path), cwd=tmp_path)
    assert done.returncode == 2
    assert "is not empty" in done.stderr
