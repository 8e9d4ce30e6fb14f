"""The demo, whole: hub, broker and board are processes, a press goes from pin to pin."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from myocan.hub.store import Message
from myocan.tools.demo.boards import missing_tools
from myocan.tools.demo.measure import Summary
from myocan.tools.demo.press import Press, press_all
from myocan.tools.demo.view import View, print_summary
from myocan.tools.example_house import example_house

if TYPE_CHECKING:
    from support.command_line import Myocan


@pytest.mark.parametrize("runtime", ["micropython", "cpython"])
def test_every_press_switches_the_lamp_once(myocan: Myocan, tmp_path: Path, runtime: str) -> None:
    if runtime == "micropython" and (reason := missing_tools()):
        pytest.skip(reason)
    done = myocan("demo", "--presses", "5", "--runtime", runtime, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["presses"] == summary["switched"] == 5
    assert summary["lost"] == summary["duplicated"] == 0
    assert 0 < summary["p50_ms"] <= summary["p99_ms"]
    assert summary["core"] in ("compiled", "pure")
    assert runtime in summary["runtime"].lower()


def test_where_no_micropython_can_run_that_is_said(
    myocan: Myocan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MYOCAN_MICROPYTHON", str(tmp_path / "nowhere"))
    done = myocan("demo", "--presses", "1", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "runs on CPython" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_ended_takes_all_with_it(tmp_path: Path, number: int) -> None:
    demo = subprocess.Popen(
        [*(sys.executable, "-m", "myocan.tools.cli", "demo"), "--presses", "5000", "--json"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 120
        while not (told := list(tmp_path.glob("*/house/.myocan/hub.json"))):
            assert time.monotonic() < deadline, "the demo's hub was not ready in time"
            assert demo.poll() is None, "the demo ended by itself"
            select.select([], [], [], 0.05)
        hub = os.pidfd_open(json.loads(told[0].read_text())["pid"])
        demo.send_signal(number)
        assert demo.wait(120) == 128 + number
        assert select.select([hub], [], [], 60)[0], "the hub runs on"
        os.close(hub)
    finally:
        demo.kill()
        demo.wait()
    assert list(tmp_path.iterdir()) == []


def row(
    offset: int, topic: str, value: str, producer: str, cause: int | None, rule: int | None
) -> Message:
    """A row of the log, with what the view does not show left out."""
    module, variable = topic.split(".")
    return Message(offset, 0, module, variable, "", value, producer, cause, rule, None)


def test_the_view_shows_message_rule_and_lamp() -> None:
    console = Console(file=StringIO(), width=100, force_terminal=True)
    press = Press(
        1,
        2_500_000,
        1,
        (
            row(3, "button1.press", "null", "porch", None, None),
            row(4, "switch1.state", '"on"', "switch1", 3, 7),
            row(5, "lamp1.state", '"on"', "lamp1", 4, 7),
        ),
    )
    with View(console, 1, {"board": "a board"}, example_house() / "modules") as view:
        view.tell(press)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for text in ("a board", "from board porch", "switch1.scc:7", "THEN next(state)", "LAMP ON"):
        assert text in shown
    assert "2.5 ms" in shown


@pytest.mark.parametrize(("lost", "colour"), [(0, "green"), (1, "red")])
def test_the_summary_is_red_if_anything_is_wrong(lost: int, colour: str) -> None:
    summary = Summary(10, 10, lost, 0, 1.5, 3.5, "mosquitto", "MicroPython", "pure")
    console = Console(file=StringIO(), width=80, force_terminal=True, color_system="standard")
    print_summary(console, summary)
    assert {"green": "\x1b[32m", "red": "\x1b[31m"}[colour] in console.file.getvalue()  # type: ignore[attr-defined]


class DeadBoard:
    """A board whose lamp never follows."""

    runtime = "none"

    def press(self) -> int:
        return 0

    def lamp(self) -> int:
        return 0

    def wait_lamp(self, level: int, after_ns: int, timeout: float) -> int | None:
        return None

    def lamp_changes(self, since_ns: int) -> int:
        return 0


class EmptyLog:
    """A log that gets nothing."""

    def newest(self) -> int:
        return 0

    def messages(self, after: int) -> list[Message]:
        return []


def test_a_lamp_that_does_not_follow_is_no_latency_and_no_end_of_the_demo() -> None:
    told: list[Press] = []
    pauses: list[None] = []
    presses = press_all(
        DeadBoard(),
        EmptyLog(),  # type: ignore[arg-type]
        3,
        lambda: pauses.append(None),
        told.append,
    )
    assert [press.latency_ns for press in presses] == [None] * 3
    assert told == presses
    assert len(pauses) == 2
