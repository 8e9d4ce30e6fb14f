"""Pins of a virtual board are turned and read from outside, soon and with the time of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from myocan.tools.vboard import VirtualBoard, VirtualBoardError

MakeBoard = Callable[..., VirtualBoard]
Mpremote = Callable[..., str]


@pytest.fixture
def board(cleared_board: VirtualBoard) -> VirtualBoard:
    return cleared_board


FOLLOW = """
from machine import Pin, wake_stream
import select
button = Pin("GP14", Pin.IN, Pin.{pull})
lamp = Pin("GP15", Pin.OUT, value=0)
poll = select.poll()
poll.register(wake_stream(), select.POLLIN)
while True:
    for _ in poll.ipoll(600_000):
        pass
    lamp(button() == {pressed})
"""


def follow(board: VirtualBoard, pull: str = "PULL_UP", pressed: int = 0) -> VirtualBoard:
    """Let a board show its button on its lamp."""
    (board.files / "main.py").write_text(FOLLOW.format(pull=pull, pressed=pressed))
    board.reset()
    board.wait("GP15", 0)
    return board


def test_a_short_press_is_held_until_the_program_has_looked(board: VirtualBoard) -> None:
    (board.files / "main.py").write_text(
        FOLLOW.format(pull="PULL_UP", pressed=0).replace(
            "    for _", "    __import__('time').sleep_ms(50)\n    for _"
        )
    )
    board.reset()
    board.wait("GP15", 0)
    at = board.press("GP14", ms=1)
    board.wait("GP15", 0, after=board.wait("GP15", 1, after=at))


def test_each_press_of_many_is_seen_by_a_program_that_looks_now_and_then(
    board: VirtualBoard,
) -> None:
    (board.files / "main.py").write_text(
        "from machine import Pin\nimport time\n"
        "b = Pin('GP14', Pin.IN, Pin.PULL_UP)\nPin('GP16', Pin.OUT, value=1)\n"
        "was, seen = 1, 0\n"
        "while seen < 5:\n    time.sleep_ms(20)\n    now = b.value()\n"
        "    seen += now < was\n    was = now\n"
        "Pin('GP15', Pin.OUT, value=1)\n"
    )
    board.reset()
    board.wait("GP16", 1)
    for _ in range(5):
        board.press("GP14", ms=1)
    board.wait("GP15", 1)


@pytest.mark.parametrize(("pull", "pressed"), [("PULL_UP", 0), ("PULL_DOWN", 1)])
def test_a_press_makes_the_level_that_the_pull_resistor_does_not(
    board: VirtualBoard, pull: str, pressed: int
) -> None:
    follow(board, pull, pressed)
    at = board.press("GP14", ms=40)
    lit = board.wait("GP15", 1, after=at)
    dark = board.wait("GP15", 0, after=lit)
    assert at < lit < dark
    levels = [change.level for change in board.changes(at - 1) if change.pin == "GP14"]
    assert levels == [pressed, 1 - pressed]


def test_a_change_reaches_the_program_and_its_answer_the_test_at_once(
    board: VirtualBoard,
) -> None:
    follow(board)
    for _ in range(25):  # a program that is not woken looks again in ten minutes
        board.wait("GP15", 1, after=board.set("GP14", 0))
        board.wait("GP15", 0, after=board.set("GP14", 1))


def test_times_are_those_of_this_machines_monotonic_clock(board: VirtualBoard) -> None:
    before = time.monotonic_ns()
    at = board.set("GP14", 0)
    assert before < at < time.monotonic_ns()


def test_a_change_that_is_over_again_can_still_be_waited_for(board: VirtualBoard) -> None:
    follow(board)
    at = board.press("GP14", ms=40)
    dark = board.wait("GP15", 0, after=board.wait("GP15", 1, after=at))
    assert at < board.wait("GP15", 1, after=at) < dark


def test_a_driven_level_is_there_when_the_board_starts(board: VirtualBoard) -> None:
    board.set("GP14", 0)
    (board.files / "main.py").write_text(
        "from machine import Pin\n"
        "Pin('GP15', Pin.OUT, value=not Pin('GP14', Pin.IN, Pin.PULL_UP).value())\n"
    )
    board.reset()
    board.wait("GP15", 1)


def test_an_input_shows_its_pull_when_nobody_drives_it(
    board: VirtualBoard, mpremote: Mpremote
) -> None:
    code = (
        "from machine import Pin\n"
        "print(Pin(2, Pin.IN, Pin.PULL_UP).value(), Pin(3, Pin.IN, Pin.PULL_DOWN).value(),"
        " Pin(4, Pin.IN).value())"
    )
    assert mpremote(board.port, "exec", code) == "1 0 0\n"


def test_a_program_that_never_looks_at_its_pins_sees_the_last_level_when_it_does(
    board: VirtualBoard,
) -> None:
    (board.files / "main.py").write_text(
        "from machine import Pin\nimport time\n"
        "b = Pin('GP14', Pin.IN, Pin.PULL_UP)\nPin('GP16', Pin.OUT, value=1)\n"
        "while not b.value() or Pin('GP13', Pin.IN).value() == 0: time.sleep_ms(300)\n"
        "Pin('GP15', Pin.OUT, value=1)\n"
    )
    board.reset()
    board.wait("GP16", 1)
    for n in range(2000):
        board.set("GP14", n % 2)
    board.set("GP13", 1)
    board.wait("GP15", 1)


def test_several_threads_may_wait_at_once(board: VirtualBoard) -> None:
    follow(board)
    seen: list[int] = []
    start = time.monotonic_ns()
    threads = [
        threading.Thread(target=lambda: seen.append(board.wait("GP15", 1, after=start)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    board.press("GP14", ms=20)
    for thread in threads:
        thread.join()
    assert len(set(seen)) == 1


def test_only_the_pins_of_the_kind_are_there(make_board: MakeBoard, mpremote: Mpremote) -> None:
    board = make_board(kind="esp32-devkit")
    code = "from machine import Pin\ntry: Pin(20)\nexcept ValueError as e: print(e)\nPin(21)"
    assert mpremote(board.port, "exec", code) == "invalid pin\n"
    with pytest.raises(VirtualBoardError, match=r"no pin 'GP21'.*GPIO21"):
        board.set("GP21", 1)


def test_a_wait_that_is_in_vain_says_what_the_pin_shows(board: VirtualBoard) -> None:
    board.set("GP14", 1)
    with pytest.raises(VirtualBoardError, match=r"GP14 did not become 0 within 0.05 s; it is 1"):
        board.wait("GP14", 0, timeout=0.05)
