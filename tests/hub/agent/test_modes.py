"""Test modes beside the live one: complete copies that cannot touch it."""

from __future__ import annotations

import json

import pytest

from myocan.hub.agent import occasions
from myocan.hub.control import ControlError, Request, ask
from myocan.hub.house import House
from myocan.hub.store import DiskFull, Reader, copies
from support.board import Board
from support.clock import Clock

pytestmark = pytest.mark.usefixtures("every_mode_replays")

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
EVERYTHING = [f"mc1/{mode}/home/+/+" for mode in ("live", "test", "one", "two")]
TIMED = """
MODULE timed
    SUBSCRIBE go
    PUBLIC nights 0
    PUBLIC out 0
    TIMER wait 30 minutes
    EXTERNAL notify
    ON go
        THEN start(wait)
    ON wait
        THEN out++
        THEN notify("out", out)
    AT midnight
        THEN nights++
"""


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-06-01T12:00")


@pytest.fixture
def opened(house) -> House:
    return House.load(house)


def test_a_copy_goes_on_by_itself(broker, hub, opened, of) -> None:
    with Board(broker.url, "home", "porch", hears=EVERYTHING) as board, hub():
        board.send("button1/press")
        board.await_that(lambda: board.values("lamp1.state") == ["on"], "the lamp")
        assert ask(opened, "mode copy", source="live", name="test", user="ada") == {
            "copied": "test", "source": "live"}  # fmt: skip
        board.await_that(lambda: board.values("lamp1.state") == ["on", "on"], "the copy's value")
        ask(opened, "send", mode="test", module="button1", variable="press", value="null")
        board.await_that(lambda: board.values("lamp1.state")[2:] == ["off"], "the copy's lamp")
        board.send("button1/press")
        board.await_that(lambda: len(board.values("lamp1.state")) == 4, "the lamp again")
    assert of("live", "lamp1.state") == ['"on"', '"off"']
    assert of("test", "lamp1.state") == ['"on"', '"off"']
    (made,) = of("test", "$admin.mode")
    assert json.loads(json.loads(made))["by"] == "ada"
    assert len(of("live", "$admin.mode.test")) == 1
    assert len(of("live", "button1.press")) == 2
    assert len(of("test", "button1.press")) == 2


def test_nothing_of_a_copy_is_published_as_live_and_no_board_sends_to_it(
    broker, hub, opened, of
) -> None:
    with Board(broker.url, "home", "porch", hears=["mc1/live/home/+/+"]) as board:
        with hub():
            ask(opened, "mode copy", source="live", name="test")
            for _ in range(3):
                ask(opened, "send", mode="test", module="button1", variable="press", value="null")
            board.send("lamp1/mode", "on")
            board.await_that(lambda: board.values("lamp1.state") == ["on"], "the lamp")
        with hub():
            board.await_that(lambda: board.values("lamp1.state")[1:] == ["on"], "it again")
    assert of("test", "lamp1.state") == ['"on"', '"off"', '"on"']
    assert of("test", "lamp1.mode") == []


def test_a_copy_outlives_a_restart_with_its_state(broker, hub, opened, of) -> None:
    with hub():
        ask(opened, "mode copy", source="live", name="test")
        ask(opened, "send", mode="test", module="button1", variable="press", value="null")
    with hub():
        ask(opened, "send", mode="test", module="button1", variable="press", value="null")
    assert of("test", "lamp1.state") == ['"on"', '"off"']
    with Reader(opened.store_path) as reader:
        assert reader.value("test", "lamp1", "count") == "2"
        assert reader.value("live", "lamp1", "count") in (None, "0")


def test_a_mode_that_is_created_starts_at_the_beginning(broker, hub, opened, of) -> None:
    with Board(broker.url, "home", "porch", hears=["mc1/live/home/+/+"]) as board, hub():
        board.send("button1/press")
        board.await_that(lambda: board.values("lamp1.state") == ["on"], "the lamp")
        assert ask(opened, "mode create", name="fresh") == {"created": "fresh"}
        ask(opened, "send", mode="fresh", module="button1", variable="press", value="null")
    assert of("fresh", "button1.press") == ["null"]
    assert of("fresh", "lamp1.state") == ['"on"']


def test_a_mirror_hears_what_live_hears_and_each_thing_once(broker, hub, opened, of) -> None:
    with Board(broker.url, "home", "porch", hears=EVERYTHING) as board:
        with hub():
            board.send("button1/press")
            board.await_that(lambda: board.values("lamp1.state") == ["on"], "the lamp")
            ask(opened, "mode copy", source="live", name="test", mirror=True)
            ask(opened, "send", mode="test", module="button1", variable="press", value="null")
            board.send("button1/press")
            board.await_that(lambda: len(board.values("lamp1.state")) == 5, "both lamps")
        with hub():
            board.send("button1/press")
            board.await_that(
                lambda: [len(of(mode, "lamp1.state")) for mode in ("live", "test")] == [3, 4],
                "both lamps after a restart",
            )
    assert len(of("live", "button1.press")) == 3
    assert len(of("test", "button1.press")) == 4
    with Reader(opened.store_path) as reader:
        producers = [one.producer for one in reader.messages("test", module="button1")]
    assert producers == ["porch", "command", "porch", "porch"]


def test_a_copy_of_a_mirror_goes_on_where_it_was(broker, hub, opened, of) -> None:
    with Board(broker.url, "home", "porch", hears=EVERYTHING) as board, hub():
        ask(opened, "mode copy", source="live", name="one", mirror=True)
        board.send("button1/press")
        board.await_that(lambda: len(board.values("lamp1.state")) == 2, "both lamps")
        ask(opened, "mode copy", source="one", name="two", mirror=True)
        board.send("button1/press")
        board.await_that(lambda: of("two", "lamp1.state") == ['"on"', '"off"'], "all lamps")
    assert len(of("one", "button1.press")) == len(of("two", "button1.press")) == 2


def test_a_dropped_mode_takes_its_values_from_the_broker(broker, hub, opened) -> None:
    with hub():
        ask(opened, "mode copy", source="live", name="test")
        ask(opened, "send", mode="test", module="lamp1", variable="mode", value='"on"')
        assert ask(opened, "mode drop", name="test", user="ada") == {"dropped": "test"}
        with Board(broker.url, "home", "late", hears=EVERYTHING) as board:
            board.send("lamp1/mode", "on")
            board.await_that(lambda: board.values("lamp1.state") == ["on"], "the live lamp")
    with Reader(opened.store_path) as reader:
        assert reader.modes() == ["live"]
    with hub():
        assert ask(opened, "mode create", name="test") == {"created": "test"}


def test_the_clock_of_a_mode_is_its_own(broker, hub, opened, modules, clock, of) -> None:
    modules(timed=TIMED)
    (opened.root / "externals.py").write_text(
        "from myocan.hub import external\n"
        "@external\ndef notify(text, count):\n    raise ValueError\n"
    )
    with hub(now_ms=clock):
        ask(opened, "mode copy", source="live", name="test")
        ask(opened, "send", mode="test", module="timed", variable="go", value="null")
        before = clock()
        moved = ask(opened, "clock", mode="test", to="advance", amount=31 * MINUTE)
        assert 0 <= moved["now_ms"] - (before + 31 * MINUTE) < MINUTE
        assert of("test", "timed.out") == ["1"]
        ask(opened, "clock", mode="test", to="advance", amount=40 * DAY)
        assert of("test", "timed.nights") == [str(n) for n in range(1, 41)]
        assert of("live", "timed.nights") == []
    # An effect is written down, and not made: the function would have failed with a record.
    assert of("test", "$external.notify") == ['"[\\"out\\",1]"']
    assert of("test", "$log.alert") == of("live", "$log.alert") == []


def test_a_frozen_clock_stands_and_is_frozen_after_a_restart(
    broker, hub, opened, modules, clock, of
) -> None:
    modules(timed=TIMED)
    with hub(now_ms=clock) as running:
        ask(opened, "mode copy", source="live", name="test")
        ask(opened, "clock", mode="test", to="frozen")
        ask(opened, "send", mode="test", module="timed", variable="go", value="null")
        clock.move(HOUR, running)
        ask(opened, "mode copy", source="test", name="copy")
    with hub(now_ms=clock):
        assert of("test", "timed.out") == []
        assert ask(opened, "clock", mode="test", to="set", amount=clock())["speed"] == "0"
        assert of("test", "timed.out") == ["1"]
        assert of("copy", "timed.out") == []
        assert ask(opened, "clock", mode="copy", to="live")["live"] is True
        assert of("copy", "timed.out") == ["1"]


def test_a_fast_clock_goes_on_over_a_restart(broker, hub, opened, modules, clock, of) -> None:
    modules(timed=TIMED)
    with hub(now_ms=clock) as running:
        ask(opened, "mode copy", source="live", name="test")
        ask(opened, "clock", mode="test", to="speed", amount="24")
        clock.move(HOUR, running)
        ask(opened, "clock", mode="test", to="speed", amount="48")
        assert of("test", "timed.nights") == ["1"]
    clock.move(HOUR)
    with hub(now_ms=clock):
        assert ask(opened, "clock", mode="test", to="advance", amount=0)["speed"] == "48"
        assert of("test", "timed.nights") == ["1", "2", "3"]
    assert of("live", "timed.nights") == []


def test_a_clock_that_is_far_ahead_takes_turns_with_the_house(
    broker, hub, opened, modules, clock, of, monkeypatch
) -> None:
    monkeypatch.setattr(occasions, "MAX_DUE", 3)
    modules(timed=TIMED)
    with hub(now_ms=clock):
        ask(opened, "mode copy", source="live", name="test")
        ask(opened, "clock", mode="test", to="advance", amount=100 * DAY)
        assert len(of("test", "timed.nights")) == 100


def ask_late(running, command: str, **content: object) -> Request:
    """Ask as who has given up waiting, so that others can ask meanwhile."""
    request = Request({"command": command, **content})
    running.agent._control.requests.put(request)
    running.agent.wake()
    return request


def test_what_a_dropped_mode_was_asked_for_is_refused_and_the_house_goes_on(
    broker, hub, opened, modules, clock, of, monkeypatch
) -> None:
    monkeypatch.setattr(occasions, "TEST_TURN_S", 0.0)
    modules(timed=TIMED)
    with hub(now_ms=clock) as running:
        ask(opened, "mode copy", source="live", name="test")
        mode = running.agent._modes.of({"mode": "test"})
        monkeypatch.setattr(mode, "take_what_is_due", lambda: None)
        waiting = [
            ask_late(running, "send", mode="test", module="timed", variable="go", value="null"),
            ask_late(running, "clock", mode="test", to="advance", amount=DAY),
        ]
        ask(opened, "mode drop", name="test")
        refused = {"error": "mode test was dropped meanwhile"}
        assert [one.wait(60) for one in waiting] == [refused, refused]
        ask(opened, "mode copy", source="live", name="test")


def test_while_a_mode_is_copied_none_is_made_of_it_or_without_it(
    broker, hub, opened, of, monkeypatch
) -> None:
    with hub() as running:
        ask(opened, "mode copy", source="live", name="one")
        monkeypatch.setattr(copies.ModeCopy, "step", lambda copy: True)
        copying = ask_late(running, "mode copy", source="one", name="two")
        with pytest.raises(ControlError, match="two is being copied"):
            ask(opened, "mode create", name="two")
        with pytest.raises(ControlError, match="two is being copied"):
            ask(opened, "mode copy", source="live", name="three")
        with pytest.raises(ControlError, match="one is being copied"):
            ask(opened, "mode drop", name="one")

        def no_room(copy: copies.ModeCopy) -> bool:
            raise DiskFull("the disk is full")

        monkeypatch.setattr(copies.ModeCopy, "step", no_room)
        assert copying.wait(60) == {"error": "the disk has no room for a copy of one"}
        monkeypatch.undo()
        assert ask(opened, "mode copy", source="one", name="two")["copied"] == "two"


def test_a_clock_that_was_fast_can_be_stopped(broker, hub, opened, modules, of) -> None:
    modules(timed=TIMED)
    with hub():
        ask(opened, "mode copy", source="live", name="test")
        ask(opened, "clock", mode="test", to="speed", amount="100000")
        ask(opened, "clock", mode="test", to="speed", amount="0.00001")
        stopped = ask(opened, "clock", mode="test", to="frozen")
        assert stopped["speed"] == "0"
        assert stopped["now_ms"] >= stopped["log_ms"]


def test_a_test_mode_that_has_much_to_do_lets_the_house_have_its_turn(
    broker, hub, opened, modules, clock, of, monkeypatch
) -> None:
    monkeypatch.setattr(occasions, "TEST_TURN_S", 0.0)
    modules(timed=TIMED)
    with hub(now_ms=clock) as running:
        ask(opened, "mode copy", source="live", name="test")
        turns = []
        turn = running.agent._process
        monkeypatch.setattr(running.agent, "_process", lambda: (turns.append(0), turn())[1])
        ask(opened, "clock", mode="test", to="advance", amount=30 * DAY)
        assert len(of("test", "timed.nights")) == 30
        assert len(turns) >= 30


@pytest.mark.parametrize(
    ("command", "content", "words"),
    [
        ("mode copy", {"source": "live", "name": "live"}, "already"),
        ("mode copy", {"source": "live", "name": "test"}, "already"),
        ("mode copy", {"source": "liev", "name": "other"}, "did you mean live"),
        ("mode copy", {"source": "live", "name": "a/b"}, "cannot be a mode"),
        ("mode create", {"name": "$admin"}, "cannot be a mode"),
        ("mode create", {}, "already|cannot be a mode|None"),
        ("mode drop", {"name": "live"}, "the house itself"),
        ("mode drop", {"name": "tset"}, "did you mean test"),
        ("clock", {"mode": "live", "to": "frozen"}, "wall clock"),
        ("clock", {"to": "frozen"}, "wall clock"),
        ("clock", {"mode": "test", "to": "set", "amount": 1000}, "only rises"),
        ("clock", {"mode": "test", "to": "set", "amount": "noon"}, "up to the year"),
        ("clock", {"mode": "test", "to": "speed", "amount": "fast"}, "is no speed"),
        ("clock", {"mode": "test", "to": "speed", "amount": "-1"}, "is no speed"),
        ("clock", {"mode": "test", "to": "back"}, "not 'back'"),
        ("send", {"mode": "live", "module": "lamp1", "variable": "mode"}, "broker"),
        ("send", {"mode": "test", "module": "lamp2", "variable": "mode"}, "knows lamp2.mode"),
        ("send", {"mode": "test", "module": "lamp1", "variable": "state"}, "lamp1 says"),
        ("send", {"mode": "test", "module": "lamp1", "variable": "mode", "instance": "x",
                  "value": "true"}, "no key"),
        ("send", {"mode": "test", "module": "lamp1", "variable": "mode", "value": "{"}, "mode"),
        ("instance create", {"mode": "tset", "module": "lamp1", "key": "x"}, "did you mean test"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_words(broker, hub, opened, command, content, words) -> None:
    with hub():
        ask(opened, "mode copy", source="live", name="test")
        if content.get("name") is None and command == "mode create":
            content = {**content, "name": ""}
        with pytest.raises(ControlError, match=words):
            ask(opened, command, **content)
