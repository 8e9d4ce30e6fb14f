"""Somebody does what docs/boards.md says, to the letter, and has a board that is online.

What the page shows is typed and written here as it stands there. Three things are put in for what a
test does not have: the board is a virtual one, so its port is named; the broker listens on this
machine only; and no name of a WiFi matters to a virtual board.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from myocan.tools.vboard import VirtualBoard

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "boards.md").read_text()
MYOCAN = [sys.executable, "-m", "myocan.tools.cli"]
STARTED = "Boards reach it"


def steps() -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of each block of the first section, in order."""
    section = PAGE.partition("\n## Your first board")[2].partition("\n## ")[0]
    yield from re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)


class Somebody:
    """Types what the page says. folder: where he stands."""

    def __init__(self, folder: Path, board: VirtualBoard, stack: ExitStack) -> None:
        self.folder = folder
        self.board = board
        self._stack = stack

    def type(self, line: str) -> str:
        """Type one line; returns what came of it."""
        words = shlex.split(line)
        if words[0] == "cd":
            self.folder /= words[1]
            return ""
        assert words[0] == "myocan", f"the page has {line!r}, which this test cannot type"
        if words[1:] == ["run"]:
            return self.run_hub()
        if words[1] == "flash":
            words += ["--port", self.board.port]
        return self.myocan(*words[1:])

    def myocan(self, *words: str) -> str:
        done = subprocess.run(
            [*MYOCAN, *words], cwd=self.folder, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run_hub(self) -> str:
        """Start the hub, as in a terminal of its own."""
        hub = subprocess.Popen(
            [*MYOCAN, "run"],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        self._stack.callback(end, hub)
        assert hub.stdout is not None
        said = ""
        for line in hub.stdout:
            said += line
            if STARTED in line:
                return said
        raise AssertionError(said)

    def write(self, text: str) -> None:
        """Write what the page shows into the file that its first line names."""
        name, _, remark = text.splitlines()[0].removeprefix("# ").partition(",")
        content = text.replace("0.0.0.0:1883", "127.0.0.1:0")
        with (self.folder / name).open("a" if "end" in remark else "w") as file:
            file.write("\n" + content)


def end(hub: subprocess.Popen[str]) -> None:
    hub.terminate()
    hub.communicate(timeout=60)


def test_the_first_board_comes_online(board: VirtualBoard, tmp_path: Path) -> None:
    with ExitStack() as stack:
        somebody = Somebody(tmp_path, board, stack)
        shown = ""
        for kind, text in steps():
            if kind == "sh":
                for line in text.splitlines():
                    somebody.type(line)
            elif kind == "toml":
                somebody.write(text)
            else:
                shown += text
        assert "online" in shown
        assert shown.strip() in somebody.myocan("board", "list")  # as the page shows it
        pressed = board.press("GP14")
        board.wait("GP15", 1, after=pressed)  # the relay clicks
