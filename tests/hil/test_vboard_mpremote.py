"""mpremote, unmodified, takes a virtual board for a real one."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from myocan.tools.vboard import VirtualBoard

Mpremote = Callable[..., str]


@pytest.fixture
def board(cleared_board: VirtualBoard) -> VirtualBoard:
    return cleared_board


def test_it_executes_code(board: VirtualBoard, mpremote: Mpremote) -> None:
    said = mpremote(board.port, "exec", "import machine; print(machine.unique_id(), 6 * 7)")
    assert said == "b'porch' 42\n"


def test_it_runs_a_script(board: VirtualBoard, mpremote: Mpremote, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("import sys\nprint(sys.implementation.name)\n")
    assert mpremote(board.port, "run", str(script)) == "micropython\n"


def test_it_copies_files_of_any_bytes_there_and_back(
    board: VirtualBoard, mpremote: Mpremote, tmp_path: Path
) -> None:
    content = random.Random(7).randbytes(20_000) + bytes(range(256)) * 4
    (tmp_path / "there").write_bytes(content)
    mpremote(board.port, "cp", str(tmp_path / "there"), ":file.bin")
    assert (board.files / "file.bin").read_bytes() == content
    mpremote(board.port, "cp", ":file.bin", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == content


def test_it_copies_folders_and_skips_what_is_there(
    board: VirtualBoard, mpremote: Mpremote, tmp_path: Path
) -> None:
    package = tmp_path / "package"
    (package / "inner").mkdir(parents=True)
    (package / "inner" / "module.py").write_text("NUMBER = 3\n")
    copy = ("cp", "-r", str(package), ":/")
    mpremote(board.port, *copy)
    assert "Up to date" in mpremote(board.port, *copy)
    said = mpremote(board.port, "exec", "from package.inner.module import NUMBER; print(NUMBER)")
    assert said == "3\n"


def test_it_mounts_a_folder_of_this_machine(
    board: VirtualBoard, mpremote: Mpremote, tmp_path: Path
) -> None:
    (tmp_path / "local.py").write_text("print('from afar')\n")
    assert "from afar" in mpremote(board.port, "mount", str(tmp_path), "exec", "import local")


def test_it_lists_and_removes_files(board: VirtualBoard, mpremote: Mpremote) -> None:
    (board.files / "old.txt").write_text("x")
    assert " old.txt\n" in mpremote(board.port, "ls")
    mpremote(board.port, "rm", ":old.txt")
    assert not (board.files / "old.txt").exists()


def test_it_asks_for_the_time(board: VirtualBoard, mpremote: Mpremote) -> None:
    assert mpremote(board.port, "rtc").startswith("(2")


def test_it_stops_a_program_that_runs(board: VirtualBoard, mpremote: Mpremote) -> None:
    (board.files / "main.py").write_text(
        "from machine import Pin\nPin('GP2', Pin.OUT, value=1)\nwhile True:\n    pass\n"
    )
    board.reset()
    board.wait("GP2", 1)
    assert mpremote(board.port, "exec", "print('stopped')") == "stopped\n"


def test_it_resets_hard_and_soft(board: VirtualBoard, mpremote: Mpremote) -> None:
    before = board.boots
    mpremote(board.port, "resume", "reset")
    board.wait_started(before + 1)
    assert board.cause == 2
    mpremote(board.port, "resume", "soft-reset")
    board.wait_started(before + 2)
    assert board.cause == 5


def test_a_program_may_print_without_end_though_nobody_reads(
    board: VirtualBoard, mpremote: Mpremote
) -> None:
    (board.files / "main.py").write_text(
        "from machine import Pin\nfor n in range(4000):\n    print('line', n, '.' * 60)\n"
        "Pin('GP2', Pin.OUT, value=1)\n"
    )
    board.reset()
    board.wait("GP2", 1)
    assert "line 3999" in board.console()
    assert mpremote(board.port, "exec", "print('here')") == "here\n"
