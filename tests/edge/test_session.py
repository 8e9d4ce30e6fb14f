"""A board and a hub through a real broker, on both runtimes: nothing is lost, nothing twice."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from myocan.tools.chaos.cut import Cut
from myocan.wire import encode_ack, encode_base
from support.edge_boards import (
    BUTTON,
    CONTACT,
    LAMP,
    LAMP_TOPIC,
    Board,
    CPythonBoard,
    MicroPythonBoard,
    configuration,
    press,
)
from support.fake_hub import FakeHub
from support.mosquitto import Mosquitto

StartBoard = Callable[..., Board]

FIRST = {**BUTTON, "publish": {"press": "button1/press", "release": "button1/release"}}
SECOND = {**BUTTON, "name": "second", "pin": "GP12", "publish": {"press": "button2/press"}}
OWN = "mc1/$board/home/porch/"


def told(*names: str) -> list[tuple[str, None]]:
    """Return what the hub takes when these events are told."""
    return [(f"button{name[0]}/{'press' if name[1] == 'p' else 'release'}", None) for name in names]


def press_both(board: Board) -> list[tuple[str, None]]:
    """Press two buttons in turns; return what the hub must get to hear, in order."""
    press(board, pin="GP14")
    press(board, pin="GP12")
    press(board, pin="GP12")
    press(board, pin="GP14")
    return told("1p", "1r", "2p", "2p", "1p", "1r")


def test_a_press_reaches_the_hub_once_and_with_a_time(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port)
    hub.wait_online()
    press(board)
    hub.wait_taken(2)
    hub.publish(LAMP_TOPIC, "on")
    board.wait_level("GP15", 1)
    assert hub.taken == [("door/state", "open"), ("button1/press", None)]
    assert hub.outcomes == ["take", "take"]
    assert None not in hub.times


def test_what_happens_before_the_first_connection_is_told_later_in_order_and_with_its_time(
    start_board: StartBoard, broker: Mosquitto, cut: Cut, hub: FakeHub
) -> None:
    cut.cut()
    board = start_board(cut.port, [FIRST, SECOND])
    expected = press_both(board)
    with socket.create_server(("127.0.0.1", cut.port)) as door:
        for _ in range(3):  # it looks at its pins before it knocks: by now it has seen them all
            door.accept()[0].close()
    mended_ms = int(time.time() * 1000)
    cut.mend()
    hub.wait_taken(len(expected))
    assert hub.taken == expected
    times = [ts for ts in hub.times if ts is not None]
    assert len(times) == len(expected)
    assert times == sorted(times)
    assert times[-1] <= mended_ms + 1, "the times of the presses, not of their arrival"


def test_a_hub_that_comes_back_gets_what_it_missed_once_and_in_order(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [FIRST, SECOND])
    hub.wait_online()
    expected = press_both(board)
    hub.wait_taken(len(expected))
    for _ in range(2):
        hub.stop()
        expected += press_both(board)
        hub.start()
        hub.wait_taken(len(expected))
    assert hub.taken == expected


def test_more_than_a_window_waits_for_the_hub_without_a_loss(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [FIRST], outbox=32768)
    hub.wait_online()
    hub.stop()
    press(board, 50)
    hub.start()
    hub.wait_taken(100)
    assert hub.taken == told("1p", "1r") * 50
    assert hub.lost == 0


def test_a_full_outbox_gives_up_the_oldest_and_says_how_many(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [FIRST, SECOND], outbox=1200)
    hub.wait_online()
    press(board)
    hub.wait_taken(2)
    hub.stop()
    press(board, 10)
    press(board, pin="GP12")
    hub.start()
    hub.wait(lambda hub: hub.taken[-1:] == told("2p"), "the last press")
    kept = len(hub.taken) - 2
    assert 0 < kept < 21
    assert kept + hub.lost == 21
    assert len(set(hub.outcomes) - {"repeat", "take", "unknown"}) == 0


def test_a_broker_that_dies_and_comes_back_costs_nothing(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [FIRST, SECOND, LAMP])
    hub.wait_online()
    expected = press_both(board)
    hub.wait_taken(len(expected))
    broker.kill()
    expected += press_both(board)
    broker.start()
    hub.wait_taken(len(expected))
    hub.publish(LAMP_TOPIC, "on")
    board.wait_level("GP15", 1)
    assert hub.taken == expected


def test_a_link_that_is_cut_costs_nothing(start_board: StartBoard, cut: Cut, hub: FakeHub) -> None:
    board = start_board(cut.port, [FIRST, SECOND])
    expected = []
    for connection in (1, 2, 3):
        hub.wait_online(connection)
        expected += press_both(board)
        cut.cut()
        expected += press_both(board)
        cut.mend()
    hub.wait_taken(len(expected))
    assert hub.taken == expected


def test_a_link_that_goes_silent_is_given_up_and_costs_nothing(
    start_board: StartBoard, cut: Cut, hub: FakeHub
) -> None:
    board = start_board(cut.port, [FIRST, SECOND])
    hub.wait_online()
    cut.freeze()
    expected = press_both(board)
    board.wait_said("offline")
    cut.mend()
    hub.wait_taken(len(expected))
    assert hub.taken == expected


def test_a_board_that_loses_power_leaves_its_will_and_starts_a_new_boot(
    board_library: Path, tmp_path: Path, broker: Mosquitto, hub: FakeHub
) -> None:
    boots = []
    for number in (1, 2):
        with MicroPythonBoard(configuration(broker.port), tmp_path, board_library) as board:
            hub.wait(lambda hub: hub.statuses and hub.statuses[-1]["online"], "the board online")
            boots.append(hub.statuses[-1]["boot"])
            press(board)
            hub.wait(
                lambda hub, n=number: hub.taken.count(("button1/press", None)) == n, "the press"
            )
            board.kill()
            hub.wait(lambda hub: not hub.statuses[-1]["online"], "the last will")
            assert hub.statuses[-1]["reason"] == "the connection broke"
    assert boots[0] != boots[1]


def test_a_board_that_is_stopped_says_so(tmp_path: Path, broker: Mosquitto, hub: FakeHub) -> None:
    with CPythonBoard(configuration(broker.port), tmp_path) as board:
        hub.wait_online()
        hub.publish(LAMP_TOPIC, "on")
        board.wait_level("GP15", 1)
    hub.wait(lambda hub: not hub.statuses[-1]["online"], "a last word")
    assert hub.statuses[-1]["reason"] == "stopped"
    assert board.level("GP15") == 0


def test_the_retained_value_is_applied_at_the_start_and_after_a_cut(
    start_board: StartBoard, cut: Cut, hub: FakeHub
) -> None:
    hub.publish(LAMP_TOPIC, "on")
    board = start_board(cut.port)
    board.wait_level("GP15", 1)
    cut.cut()
    hub.publish(LAMP_TOPIC, "off")
    assert board.level("GP15") == 1, "without hold_s the last value is held"
    cut.mend()
    board.wait_level("GP15", 0)


def test_what_is_older_than_what_was_applied_is_ignored(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [LAMP, {**LAMP, "name": "twin", "pin": "GP16"}])
    hub.wait_online()
    hub.publish(LAMP_TOPIC, "on", mark=(2, 10))
    board.wait_level("GP15", 1)
    board.wait_level("GP16", 1)
    for mark in ((2, 9), (2, 10), (1, 999)):
        hub.publish(LAMP_TOPIC, "off", mark=mark)
    hub.publish(LAMP_TOPIC, "on", mark=(2, 11))
    hub.publish(LAMP_TOPIC, "off", mark=(3, 1))
    board.wait_level("GP15", 0)
    board.wait_level("GP16", 0)
    assert board.changes("GP15") == [0, 1, 0]


def test_another_store_makes_the_board_forget_its_marks_and_tell_its_readings_again(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [CONTACT, LAMP])
    hub.wait_online()
    hub.publish(LAMP_TOPIC, "on", mark=(57, 1000))
    board.wait_level("GP15", 1)
    hub.wait_taken(1)
    hub.stop()
    hub.store = "00000000000000bb"
    hub.inboxes.clear()
    hub.start()
    hub.publish(LAMP_TOPIC, "off", mark=(1, 3))
    board.wait_level("GP15", 0)
    hub.wait_taken(2)
    assert hub.taken == [("door/state", "open")] * 2


def test_outputs_fall_back_when_the_link_is_lost_and_come_back_with_the_hub(
    start_board: StartBoard, cut: Cut, hub: FakeHub
) -> None:
    brave = {**LAMP, "name": "brave", "pin": "GP16"}
    board = start_board(cut.port, [{**LAMP, "hold_s": 0}, brave])
    hub.wait_online()
    hub.publish(LAMP_TOPIC, "on")
    board.wait_level("GP15", 1)
    board.wait_level("GP16", 1)
    cut.cut()
    board.wait_level("GP15", 0)
    assert board.level("GP16") == 1
    cut.mend()
    board.wait_level("GP15", 1)
    assert board.changes("GP16") == [0, 1]


def test_what_makes_no_sense_is_told_to_the_hub_and_changes_nothing(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port)
    hub.wait_online()
    hub.publish(LAMP_TOPIC, "blue")
    hub.publish(LAMP_TOPIC, "\n" * 4000)
    hub.send(LAMP_TOPIC, b'["on",')
    hub.send(LAMP_TOPIC, b"")
    hub.send(LAMP_TOPIC, b"x" * 100_000)
    hub.send(OWN + "ack", b"[[[[[[[[")
    hub.send(OWN + "status", b"\xff\xfe")
    hub.send(OWN + "ack", encode_ack(5, 1, 0, "another"))
    hub.publish(LAMP_TOPIC, "on")
    board.wait_level("GP15", 1)
    press(board)
    hub.wait_taken(2)
    hub.wait(lambda hub: any("'blue'" in line for line in hub.remarks), "a remark")
    assert board.changes("GP15") == [0, 1]
    assert hub.statuses[-1]["connection"] == 1, "one and the same connection"


def test_a_board_that_sees_its_own_late_will_says_that_it_is_online(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    start_board(broker.port)
    hub.wait_online()
    hub.send(OWN + "status", json.dumps({"online": False, "connection": 0}).encode(), retain=True)
    hub.wait(
        lambda hub: (False, True) in pairwise(each["online"] for each in hub.statuses),
        "online again",
    )


def test_a_boot_number_that_is_taken_is_exchanged_and_nothing_is_lost(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port, [FIRST])
    hub.wait_online()
    press(board)
    hub.wait_taken(2)
    boot = hub.bases[-1][0]
    hub.stop()
    press(board)
    hub.start()
    hub.send(OWN + "ack", encode_ack(boot, 500, 0, hub.store))
    hub.wait(lambda hub: hub.bases[-1][0] != boot, "another boot")
    press(board)
    # What this hub took under the old number may come again, for to the board that number was
    # another's: its messages were nobody's yet.
    hub.wait(
        lambda hub: len(hub.taken) >= 6 and hub.taken[-2:] == told("1p", "1r"), "the last press"
    )
    assert len(encode_base(*hub.bases[-1])) < 40


def test_the_status_tells_what_the_board_is_and_what_it_shows(
    start_board: StartBoard, broker: Mosquitto, hub: FakeHub
) -> None:
    board = start_board(broker.port)
    hub.wait_online()
    assert hub.statuses[-1]["applied"] == {"lamp": "off"}
    hub.publish(LAMP_TOPIC, "on")
    hub.wait(lambda hub: hub.statuses[-1]["applied"] == {"lamp": "on"}, "applied")
    status = hub.statuses[-1]
    assert status["config"] == "0123456789abcdef"
    assert status["runtime"].startswith(board.runtime)
    assert (status["wire"], status["lost"], status["connection"]) == (1, 0, 1)
