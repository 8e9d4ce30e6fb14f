"""A virtual board's processes end with whoever started them, and leave nothing behind."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.tools.vboard import (
    NoMicroPython,
    VirtualBoard,
    VirtualBoardError,
    micropython_path,
)
from myocan.tools.vboard import __main__ as command
from myocan.tools.vboard.simulator import BoardFailed

MakeBoard = Callable[..., VirtualBoard]

BUSY = "from machine import Pin\nPin('GP2', Pin.OUT, value=1)\nwhile True:\n    pass\n"


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def has_ended(pid: int, timeout: float = 60.0) -> bool:
    """Wait for a process that may not be a child of this one to end."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], timeout)[0])
    finally:
        os.close(descriptor)


def busy(board: VirtualBoard) -> int:
    """Let a board run a program that looks at nothing; returns its interpreter's process."""
    (board.files / "main.py").write_text(BUSY)
    board.reset()
    board.wait("GP2", 1)
    (interpreter,) = children(board.pid)
    return interpreter


def test_closing_a_board_ends_its_interpreter_and_removes_its_socket(
    make_board: MakeBoard, tmp_path: Path
) -> None:
    board = make_board(link=tmp_path / "porch.tty")
    interpreter = busy(board)
    assert (tmp_path / "porch.tty").resolve() == Path(board.port)
    board.close()
    assert has_ended(interpreter)
    assert not (tmp_path / "porch.tty").is_symlink()
    with pytest.raises(VirtualBoardError, match="was not started"):
        board.get("GP2")


def test_ctrl_c_is_for_who_started_a_board_and_not_for_the_board(board: VirtualBoard) -> None:
    # a terminal sends it to the whole group: the board would be gone while it is flashed
    assert os.getpgid(board.pid) != os.getpgid(0)


def test_a_simulator_that_is_killed_takes_its_interpreter_along(board: VirtualBoard) -> None:
    interpreter = busy(board)
    os.kill(board.pid, signal.SIGKILL)
    assert has_ended(interpreter)
    with pytest.raises(VirtualBoardError):
        board.get("GP2")


START = """
import sys
from pathlib import Path
from myocan.tools.vboard import VirtualBoard
board = VirtualBoard("porch", Path(sys.argv[1])).start()
print(board.pid, board._scratch, flush=True)
sys.stdin.read()
"""


def test_a_board_ends_when_the_process_that_started_it_is_killed(
    board: VirtualBoard, tmp_path: Path
) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path / "other")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with starter:
        assert starter.stdout is not None
        pid, scratch = starter.stdout.readline().decode().split()
        simulator = int(pid)
        (interpreter,) = children(simulator)
        starter.kill()
        assert has_ended(simulator)
        assert has_ended(interpreter)
        assert not Path(scratch).exists()


def test_it_runs_by_hand_and_ends_on_a_signal(board: VirtualBoard, tmp_path: Path) -> None:
    link = tmp_path / "tty"
    command = [sys.executable, "-m", "myocan.tools.vboard", "hall", str(tmp_path / "hall")]
    with subprocess.Popen(
        [*command, "--kind", "pico-w", "--link", str(link)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert str(link.resolve()) == ready["port"]
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(ready["control"])
            control.sendall(b'{"do": "describe"}\n')
            assert json.loads(control.makefile("rb").readline())["kind"] == "pico-w"
        process.terminate()
        assert process.wait(60) == 0
    assert not link.is_symlink()
    assert not Path(ready["control"]).exists()


@pytest.mark.parametrize(
    "line",
    [b"\n", b"[]\n", b"{}\n", b'{"do": "fly"}\n', b'{"do": "set", "pin": "GP1"}\n', b"\xff\n",
     b'{"do": "__init__", "simulator": 1}\n', b'{"do": "set", "pin": "GP1", "level": 7}\n'],
)  # fmt: skip
def test_nonsense_on_the_control_socket_is_answered_with_an_error(
    board: VirtualBoard, line: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(board._scratch / "control"))
        control.sendall(line)
        error = json.loads(control.makefile("rb").readline())["error"]
    if not line.startswith(b'{"do"'):
        assert error.startswith("a request is one JSON object in a line, like {")
    assert board.boots == 1


def test_a_program_that_is_not_micropython_is_told_apart(tmp_path: Path) -> None:
    impostor = tmp_path / "micropython"
    impostor.write_text("#!/bin/sh\necho what is a heap\nexit 1\n")
    impostor.chmod(0o755)
    board = VirtualBoard("porch", tmp_path / "porch", micropython=impostor)
    with pytest.raises(VirtualBoardError, match=r"did not start: .*what is a heap"):
        board.start()


def test_where_no_micropython_is_the_message_says_what_else_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MYOCAN_MICROPYTHON", raising=False)
    with pytest.raises(NoMicroPython, match="myocan adapter run"):
        micropython_path()


def test_a_board_that_runs_cpython_cannot_be_simulated(tmp_path: Path) -> None:
    with pytest.raises(VirtualBoardError, match="does not run MicroPython"):
        VirtualBoard("pi", tmp_path, kind="raspberry-pi")


def test_a_folder_is_one_process_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "LEAVE_S", 0.0)
    with (
        command.alone(tmp_path, "porch", 4711),
        pytest.raises(BoardFailed, match=r"porch runs already \(process 4711\)"),
        command.alone(tmp_path, "porch", 4712),
    ):
        pass
    with command.alone(tmp_path, "porch", 4712):
        pass
