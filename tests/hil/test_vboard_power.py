"""Resets and power cuts of a virtual board are those of a real one."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from myocan.tools.vboard import VirtualBoard, VirtualBoardError
from support.clock import until

MakeBoard = Callable[..., VirtualBoard]
Mpremote = Callable[..., str]

POWERED_ON, HARD, WATCHDOG, SOFT = 1, 2, 3, 5

LAMP_ON = "from machine import Pin\nPin('GP15', Pin.OUT, value=1)\n"


def run(board: VirtualBoard, main: str) -> int:
    """Put main.py on a board and reset it; returns the number of the start."""
    (board.files / "main.py").write_text(main)
    return board.reset()


def test_boot_and_main_run_at_the_start(board: VirtualBoard) -> None:
    (board.files / "boot.py").write_text("print('first')\n")
    run(board, "print('then')\n" + LAMP_ON)
    board.wait("GP15", 1)
    assert "first\nthen\n" in board.console()


def test_main_sees_none_of_the_names_that_started_the_board(board: VirtualBoard) -> None:
    run(board, "print([n for n in dir() if n[0] != '_'])\n" + LAMP_ON)
    board.wait("GP15", 1)
    assert "[]\n" in board.console()


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("machine.reset()", HARD),
        ("machine.soft_reset()", SOFT),
        ("import sys; sys.exit()", SOFT),
        ("machine.WDT(timeout=100)\nwhile True: pass", WATCHDOG),
        ("try: machine.reset()\nexcept BaseException: print('survived')", HARD),
    ],
)
def test_a_program_that_resets_the_board_starts_it_again(
    board: VirtualBoard, how: str, cause: int
) -> None:
    started = run(
        board,
        "import machine, os\nif 'done' not in os.listdir():\n"
        f"    open('done', 'w').close()\n    exec({how!r})\n",
    )
    board.wait_started(started + 1)
    assert board.cause == cause
    assert "survived" not in board.console()


def test_a_watchdog_that_is_fed_lets_the_program_run(board: VirtualBoard) -> None:
    started = run(
        board,
        "import machine, time\nw = machine.WDT(timeout=1500)\n"
        "for _ in range(180):\n    w.feed()\n    time.sleep_ms(10)\n" + LAMP_ON,
    )
    board.wait("GP15", 1)
    assert board.boots == started


def test_without_power_the_outputs_float_and_with_power_it_starts_anew(
    board: VirtualBoard,
) -> None:
    run(board, LAMP_ON)
    board.wait("GP15", 1)
    board.power_off()
    assert board.get("GP15").level is None
    board.power_on()
    board.wait("GP15", 1)
    assert board.cause == POWERED_ON


def test_a_power_cut_lets_no_program_say_goodbye(board: VirtualBoard) -> None:
    run(
        board,
        "try:\n    " + LAMP_ON.replace("\n", "\n    ") + "while True: pass\n"
        "finally:\n    open('goodbye', 'w').close()\n",
    )
    board.wait("GP15", 1)
    board.power_off()
    board.power_on()
    assert not (board.files / "goodbye").exists()


def test_a_soft_reset_stops_the_program_and_starts_it_again(board: VirtualBoard) -> None:
    started = run(board, LAMP_ON + "while True: pass\n")
    board.wait("GP15", 1)
    board.soft_reset()
    board.wait("GP15", 1)
    assert (board.boots, board.cause) == (started + 1, SOFT)


def test_a_program_that_fails_leaves_a_prompt(board: VirtualBoard, mpremote: Mpremote) -> None:
    run(board, "1 / 0\n")
    until(lambda: "ZeroDivisionError" in board.console(), "end of the program")
    assert mpremote(board.port, "resume", "exec", "print('alive')") == "alive\n"


def test_the_heap_has_the_size_that_was_asked_for(make_board: MakeBoard) -> None:
    board = make_board(heap="64wK")
    run(
        board,
        "try:\n    bytearray(120_000)\nexcept MemoryError:\n    print('full')\n" + LAMP_ON,
    )
    board.wait("GP15", 1)
    assert "full" in board.console()


def test_every_kind_has_its_own_heap(make_board: MakeBoard, mpremote: Mpremote) -> None:
    small, large = make_board("small", kind="esp8266"), make_board("large", kind="pico-2-w")
    ask = ("exec", "import gc; print(gc.mem_free() + gc.mem_alloc())")
    assert int(mpremote(small.port, *ask)) < 80_000
    assert int(mpremote(large.port, *ask)) > 700_000


def test_a_flash_keeps_its_files_and_fills_up(make_board: MakeBoard, mpremote: Mpremote) -> None:
    board = make_board(flash=128 * 1024)
    mpremote(board.port, "exec", "with open('kept', 'w') as f: f.write('still here')")
    board.power_off()
    board.power_on()
    assert mpremote(board.port, "cat", ":kept") == "still here"
    fill = "f = open('big', 'w')\nfor _ in range(200): f.write('x' * 1024)\nf.close()"
    with pytest.raises(AssertionError, match=r"ENOSPC|28"):
        mpremote(board.port, "exec", fill)
    assert mpremote(board.port, "cat", ":kept") == "still here"


def test_a_board_whose_program_cannot_be_stopped_says_so(board: VirtualBoard) -> None:
    run(
        board,
        "from machine import Pin\nwhile True:\n    try:\n"
        "        Pin('GP15', Pin.OUT, value=1)\n        while True: pass\n"
        "    except KeyboardInterrupt: pass\n",
    )
    board.wait("GP15", 1)
    with pytest.raises(VirtualBoardError, match="did not stop"):
        board.soft_reset(timeout=0.3)


REWRITE = """
import os
while True:
    with open("new", "w") as file: file.write("x" * 3000)
    os.rename("new", "kept")
"""


def test_the_power_goes_in_the_middle_of_a_write_to_the_flash(
    make_board: MakeBoard, mpremote: Mpremote
) -> None:
    board = make_board(flash=256 * 1024)
    put = (
        "with open('kept', 'w') as file: file.write('y' * 3000)\n"
        f"with open('main.py', 'w') as file: file.write({REWRITE!r})"
    )
    mpremote(board.port, "exec", put)
    for write in (1, 2, 5, 13):
        board.power_off()
        board.power_on(cut_at=write)
        deadline = time.monotonic() + 60
        while board.powered:
            assert time.monotonic() < deadline, "the power lasted"
            time.sleep(0.005)
    board.power_on()
    kept = mpremote(board.port, "exec", "print(set(open('kept').read()) <= {'x', 'y'})")
    assert kept == "True\n"  # a littlefs has the old file or the new one


def test_a_wire_leads_from_one_pin_to_another(board: VirtualBoard) -> None:
    board.wire("GP15", "GP14")
    run(
        board,
        "from machine import Pin\n"
        "out, into = Pin('GP15', Pin.OUT), Pin('GP14', Pin.IN, Pin.PULL_UP)\n"
        "told = Pin('GP13', Pin.OUT, value=0)\n"
        "for level in (0, 1, 0):\n"
        "    out(level)\n"
        "    while into() != level: pass\n"
        "told(1)\n",
    )
    board.wait("GP13", 1)
    assert board.get("GP14").level == 0
    board.power_off()
    assert board.get("GP14").level is None
