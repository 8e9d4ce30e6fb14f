"""A hub takes messages out of its log whose time is up, and goes on as if nothing had happened."""

from __future__ import annotations

import json
import time

import pytest

from myocan.hub.agent import trimming
from myocan.hub.control import ControlError, ask
from myocan.hub.house import House
from myocan.hub.store import Message, Reader, Store, Trimmed
from support.board import Board
from support.clock import until

HOUR_MS = 3_600_000
KEEPING = """
MODULE lamp1
    SUBSCRIBE button1.press
    SUBSCRIBE dark.now {no, yes}
    PUBLIC state {off, on}
    PRIVATE count 0
    TOPIC camera.image KEEP 3 hours
    ON button1.press
        THEN next(state)
        THEN count++
"""


class Time:
    """The wall clock and the monotonic one, moved by tests beside their own going on."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self.ahead_ms

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead_ms / 1000

    def pass_hours(self, hours: float) -> None:
        self.ahead_ms += int(hours * HOUR_MS)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def kept(hub, house, modules, clock: Time):
    """Makes the hub of a house that keeps presses for six hours, and pictures as the rules say."""
    modules(lamp1=KEEPING)
    with (house / "myocan.toml").open("a") as file:
        file.write('[retention]\nbutton1.press = "6 hours"\n[publish]\ninputs = true\n')
    return lambda: hub(now_ms=clock.now_ms, monotonic=clock.monotonic)


def press(board: Board, times: int = 1) -> None:
    for _ in range(times):
        board.send("button1/press")
        board.send("camera/image", "x" * 50)
        board.await_acknowledged()


def hours_pass(running, clock: Time, hours: int) -> None:
    """Let hours pass, one after the other, with the checkpoints and passes that come due."""
    live = running.agent._live

    def is_done() -> bool:
        return live.checkpoints.due_s() != 0 and not (
            live.trimming._working or live.trimming._next_s <= clock.monotonic()
        )

    for _ in range(hours):
        clock.pass_hours(1)
        running.agent.wake()
        until(is_done, "end of what is due every hour")


def await_records(log, count: int) -> list[Message]:
    until(lambda: len(log("$admin.retention")) >= count, "record of what was taken out of the log")
    return log("$admin.retention")


def test_messages_go_when_their_time_is_up_and_replay_starts_behind(
    kept, broker, house, log, state, clock: Time
) -> None:
    with kept() as running, Board(broker.url, "home", "porch") as board:
        press(board, 5)
        for _ in range(5):
            hours_pass(running, clock, 2)
            press(board)
        hours_pass(running, clock, 2)
        record = json.loads(json.loads(await_records(log, 1)[-1].value))
        assert record["messages"] > 0
    assert state("lamp1", "count") == "10"
    presses, pictures = log("button1.press"), log("camera.image")
    assert 1 <= len(presses) < 10
    assert 1 <= len(pictures) <= len(presses)
    assert len(log("lamp1.state")) == 10
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        assert reader.trimmed() > 0
        with pytest.raises(Trimmed):
            reader.start("live", 2)
    with kept(), Board(broker.url, "home", "porch") as board:
        press(board)
    assert state("lamp1", "count") == "11"


def test_a_house_that_keeps_everything_never_looks(hub, clock: Time) -> None:
    with hub(now_ms=clock.now_ms, monotonic=clock.monotonic) as running:
        clock.pass_hours(1)
        live = running.agent._live
        assert live.trimming.due_s() is None


def test_a_pass_is_due_every_ten_minutes(kept, clock: Time) -> None:
    with kept() as running:
        live = running.agent._live
        first = live.trimming.due_s()
        assert first is not None
        assert first <= trimming.FIRST_S


def test_a_topic_that_no_module_uses_can_be_dropped(
    kept, broker, house, log, state, clock: Time
) -> None:
    with kept(), Board(broker.url, "home", "porch", hears=["live/camera/image"]) as board:
        press(board, 3)
        assert state("camera", "image") is not None
        answer = ask(House.load(house), "topic drop", module="camera", variable="image")
        assert answer == {"dropped": "camera.image", "messages": 3}
        press(board)
    assert len(log("camera.image")) == 1
    begun, done = (json.loads(json.loads(one.value)) for one in log("$admin.topic"))
    assert begun["dropping"] == "camera.image"
    assert done == {"dropped": "camera.image", "messages": 3}
    assert len(log("button1.press")) == 4


def test_a_hub_that_was_killed_while_it_dropped_a_topic_finishes_it(
    kept, broker, house, log
) -> None:
    with kept(), Board(broker.url, "home", "porch") as board:
        press(board, 3)
    begun = {"dropping": "camera.image", "module": "camera", "variable": "image", "instance": ""}
    value = json.dumps(json.dumps(begun))
    with Store.open(house / ".myocan" / "store.sqlite") as store:
        name, producer = store.name_id("$admin", "topic"), store.producer_id("command")
        offset = store.next_offset("live")
        last_ms = next(row[1] for row in store.rows("live", offset - 2))
        change = f"[{name},{value}]"
        store.append("live", [(offset, last_ms, name, value, producer, None, None, None, change)])
    with kept():
        until(lambda: "messages" in log("$admin.topic")[-1].value, "record, which comes last")
    assert log("camera.image") == []
    assert json.loads(json.loads(log("$admin.topic")[-1].value))["messages"] == 3


def test_a_topic_that_is_used_stays(kept, broker, house, log) -> None:
    with kept(), Board(broker.url, "home", "porch") as board:
        press(board)
        opened = House.load(house)
        for module, variable, text in [
            ("button1", "press", "module lamp1 uses button1.press; take it out of its rules"),
            ("lamp1", "count", "belongs to module lamp1"),
            ("$admin", "mode", "the hub's own"),
            ("camera", "imag", "nothing of camera.imag; did you mean camera.image"),
            ("nobody", "knows", "nothing of nobody.knows"),
        ]:
            with pytest.raises(ControlError, match=text.replace("$", r"\$")):
                ask(opened, "topic drop", module=module, variable=variable)
    assert len(log("camera.image")) == 1
