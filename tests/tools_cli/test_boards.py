"""`myocan flash` and `myocan adapter run`, against a hub that runs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from myocan.hub.house import House
from myocan.hub.running_hub import RunningHub
from myocan.tools.cli.exits import Exit
from myocan.tools.cli.messages import hub_address
from myocan.tools.demo.boards import missing_tools

if TYPE_CHECKING:
    from support.command_line import Myocan

LISTED_S = 60.0


@contextmanager
def started(*args: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Run `myocan ARGS` while in the block; then end it as Ctrl-C does."""
    command = [sys.executable, "-m", "myocan.tools.cli", *args]
    with subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()


def lines_until(process: subprocess.Popen[str], wanted: str) -> list[str]:
    """Read what a process prints until a line holds `wanted`."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.strip())
        if wanted in line:
            return lines
    raise AssertionError(f"it ended without {wanted!r}; it said {lines}")


def await_listed(myocan: Myocan, house: Path, applied: dict[str, Any]) -> dict[str, Any]:
    """Return what is listed of the one board, once it says that its ports show `applied`.

    A board sets its pins first and tells of it afterwards, so a lamp that is lit is not listed yet.
    """
    deadline = time.monotonic() + LISTED_S
    while True:
        done = myocan("board", "list", "--json", cwd=house)
        assert done.returncode == 0, done.stderr
        (board,) = json.loads(done.stdout)["boards"]
        if board["applied"] == applied:
            return dict(board)
        assert time.monotonic() < deadline, f"the list does not show {applied}: {board}"


@pytest.mark.skipif(missing_tools() is not None, reason=f"no MicroPython: {missing_tools()}")
def test_a_virtual_board_is_flashed_comes_online_and_follows_the_rules(
    myocan: Myocan, running_house: Path
) -> None:
    flash = ["flash", "porch", "--port", "virtual"]
    with started(*flash, "--json", cwd=running_house) as process:
        assert process.stdout is not None
        done = json.loads(process.stdout.readline())
        assert done["online"] is True
        assert "/main.py" in done["written"]
        lines_until(process, "runs at")
        before = myocan("get", "lamp1.state", cwd=running_house)
        level = "low" if before.stdout == "on\n" else "high"
        assert myocan("send", "button1.press", cwd=running_house).returncode == 0
        lines_until(process, f"lamp (GP15) is {level}")
        porch = await_listed(myocan, running_house, {"lamp": "on" if level == "high" else "off"})
        assert (porch["online"], porch["current"], porch["apart"]) == (True, True, {})
    # Its files stay in the house, so the next time there is little to write.
    with started(*flash, cwd=running_house) as process:
        (said,) = lines_until(process, "porch: ")
        assert "porch: 0 files written" in said
        lines_until(process, "runs at")


def test_the_address_of_the_hubs_own_broker_may_be_given_without_an_account(
    running_house: Path,
) -> None:
    house = House.load(running_house)
    hub = RunningHub.read(house)
    assert hub is not None
    assert hub_address(house, hub.boards) == hub.url
    assert hub_address(house, "mqtt://127.0.0.1:1") == "mqtt://127.0.0.1:1"


@pytest.mark.skipif(missing_tools() is not None, reason=f"no MicroPython: {missing_tools()}")
def test_a_board_is_updated_over_the_air(myocan: Myocan, running_house: Path) -> None:
    away = myocan("update", "porch", "--wait", "0.1", cwd=running_house)
    assert away.returncode == Exit.FAILED
    adapter = running_house / "adapters" / "porch.toml"
    before = adapter.read_text()
    with started("flash", "porch", "--port", "virtual", cwd=running_house) as process:
        lines_until(process, "runs at")
        same = myocan("update", "porch", cwd=running_house)
        assert "porch has all this already" in same.stdout
        adapter.write_text(before.replace("GP15", "GP9"))
        done = myocan("update", "porch", "--json", cwd=running_house)
        assert done.returncode == 0, done.stderr
        told = json.loads(done.stdout)
        assert 0 < told["bytes"] < 8000
        assert told["number"] > 1_700_000_000
        again = myocan("update", "porch", cwd=running_house)
        assert "porch has all this already" in again.stdout
        adapter.write_text(before)
    unknown = myocan("update", "garden", cwd=running_house)
    assert "adapters/garden.toml is not there" in unknown.stderr


def test_nothing_is_flashed_onto_a_raspberry_pi(myocan: Myocan, house: Path) -> None:
    file = house / "adapters" / "porch.toml"
    text = 'board = "raspberry-pi"\n[ports.a]\nkind = "led"\npin = "GPIO17"\nsubscribe = "a.b"\n'
    file.write_text(text)
    done = myocan("flash", "porch", cwd=house)
    assert done.returncode == 3
    assert "myocan adapter run porch" in done.stderr


def test_an_adapter_runs_on_this_machine_until_it_is_stopped(running_house: Path) -> None:
    with started("adapter", "run", "porch", cwd=running_house) as process:
        lines_until(process, "online")


@pytest.mark.parametrize("user", ["porch", "nobody"])
def test_a_wrong_account_on_the_command_line_is_told_and_changes_nothing(
    myocan: Myocan, running_house: Path, user: str
) -> None:
    kept = (running_house / ".myocan" / "boards" / "porch.json").read_bytes()
    hub = RunningHub.read(House.load(running_house))
    assert hub is not None
    url = (hub.boards or hub.url).rpartition("@")[2].removeprefix("mqtt://")
    done = myocan(
        "adapter", "run", "porch", "--broker", f"mqtt://{user}:bad@{url}", cwd=running_house
    )
    assert done.returncode == 3
    assert f"the broker refuses user '{user}' with this password" in done.stderr
    assert (running_house / ".myocan" / "boards" / "porch.json").read_bytes() == kept


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["flash", "porhc"], "did you mean 'porch'?"),
        (["adapter", "run", "porhc"], "did you mean 'porch'?"),
        (["flash", "porch"], "--port virtual"),
        (["flash", "porch", "--port", "/dev/nothing-here"], "/dev/nothing-here"),
        (["adapter", "run", "porch", "--pins", "knitting"], "knitting"),
        (["board", "monitor", "porch", "--port", "/dev/nothing-here"], "cannot open /dev/nothing"),
        (["board", "reset", "porch", "--port", "/dev/nothing-here"], "/dev/nothing-here"),
        (["board", "wipe", "porch", "--yes", "--port", "/dev/nothing-here"], "/dev/nothing-here"),
    ],
)
def test_what_cannot_be_flashed_or_run_is_told(
    myocan: Myocan, running_house: Path, words: list[str], said: str
) -> None:
    done = myocan(*words, cwd=running_house)
    assert done.returncode == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr
