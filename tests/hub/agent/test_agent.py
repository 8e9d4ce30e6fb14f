"""One hub, the real session of boards, a real broker: what goes in, what comes out, what is logged.

Presses are counted by `lamp1.count`, a private variable, so a message lost or taken twice shows.
"""

from __future__ import annotations

import json
import os
import shutil
import threading

import paho.mqtt.publish as publish
import pytest

from myocan.hub.agent import DeploymentRefused
from myocan.hub.bus import Bus
from support.board import Board
from support.buses import take
from support.clock import until

LAMP_STATE = "mc1/live/home/lamp1/state"
LOG_TOPICS = "mc1/live/home/$log/+"


def test_a_press_toggles_the_lamp_and_the_log_says_why(broker, hub, log, state) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        board.send("button1/press")
        board.await_that(lambda: board.heard, "the lamp")
        board.await_acknowledged()
    (press,) = log("button1.press")
    (lamp,) = log("lamp1.state")
    assert board.values("lamp1.state") == ["on"]
    assert (press.producer, press.value, press.cause) == ("porch", "null", None)
    assert (lamp.producer, lamp.value, lamp.cause) == ("lamp1", '"on"', press.offset)
    assert lamp.rule == 8  # the line of the THEN
    assert state("lamp1", "state") == '"on"'
    assert state("lamp1", "count") == "1"


def test_every_press_counts_once_whatever_the_batches(broker, hub, state) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        for _ in range(1000):
            board.send("button1/press")
        board.await_acknowledged()
        board.await_that(lambda: len(board.heard) == 1000, "a thousand changes")
    assert board.values("lamp1.state") == ["on", "off"] * 500
    assert state("lamp1", "count") == "1000"


def test_a_restarted_hub_goes_on_where_it_was_under_a_new_incarnation(broker, hub, state) -> None:
    with Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        for count in (1, 2, 3):
            with hub():
                board.send("button1/press")
                board.await_acknowledged()
            assert state("lamp1", "count") == str(count)
    incarnations = [incarnation for _name, _value, incarnation, _offset in board.heard]
    assert incarnations == sorted(incarnations)
    assert set(incarnations) == {1, 2, 3}


def test_what_was_pressed_without_a_hub_is_delivered_once_and_in_order(broker, hub, log) -> None:
    with Board(broker.url, "home", "porch") as board:
        for value in range(200):
            board.send("meter/reading", value)
        with hub():
            board.await_acknowledged()
    # Nobody subscribes to it, so each is a record; none is missing, none comes twice.
    assert len(log("$log.unhandled")) == 200


def test_values_are_retained_and_events_are_not(broker, hub, house) -> None:
    (house / "modules" / "bell.scc").write_text(
        "MODULE bell\n SUBSCRIBE button1.press\n PUBLIC ring\n PUBLIC chime {now}\n"
        " ON button1.press\n THEN activate(ring)\n THEN chime.now\n"
    )
    everything = "mc1/live/home/+/+"
    with hub(), Board(broker.url, "home", "porch", hears=[everything]) as first:
        first.send("button1/press")
        first.await_that(lambda: len(first.heard) == 3, "bell and lamp")
        with Board(broker.url, "home", "late", hears=[everything]) as late:
            late.await_that(lambda: late.heard, "retained values")
    assert first.values("bell.ring") == [None]
    assert first.values("bell.chime") == ["now"]
    assert [name for name, *_ in late.heard] == ["lamp1.state"]


@pytest.mark.parametrize(
    ("leaf", "payload", "topic", "words"),
    [
        ("up/button1/press", b"\xff\x00 no json", "$log.rejected", "cannot be read"),
        ("up/button1/press", b"[" * 30_000, "$log.rejected", "cannot be read"),
        ("up/button1/press", b'["' + b"x" * 200_000 + b'",1,null,1]', "$log.rejected", "payload"),
        ("base", b"[1,2]", "$log.rejected", "base that cannot be read"),
        ("log", b'["panic","?",null,1]', "$log.rejected", "level"),
    ],
)
def test_nonsense_leaves_a_record_and_the_hub_goes_on(
    broker, hub, log, leaf, payload, topic, words
) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        board.publish(leaf, payload)
        board.send("button1/press")
        board.await_that(lambda: board.heard, "the lamp")
        board.await_acknowledged()
    (record,) = log(topic)
    assert words in record.value


@pytest.mark.parametrize(
    ("topic", "value", "record", "words"),
    [
        ("lamp1/mode", "dim", "rejected", 'mode = \\"dim\\" does not fit: expected one of {auto'),
        ("lamp1/mode", 5, "rejected", "expected one of"),
        ("nobody/knows", "this", "unhandled", "nobody.knows"),
        ("lamp1/state", "purple", "rejected", "lamp1.state is what module lamp1 says"),
    ],
)
def test_what_does_not_fit_is_recorded_and_blocks_nothing(
    broker, hub, log, state, topic, value, record, words
) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[LAMP_STATE, LOG_TOPICS]) as board:
        board.send(topic, value)
        board.send("button1/press")
        board.await_acknowledged()
        board.await_that(lambda: board.values(f"$log.{record}"), "the record, published")
    (message,) = log(f"$log.{record}")
    assert words in message.value
    assert state("lamp1", "count") == "1"


def test_a_payload_of_megabytes_leaves_a_record_and_the_hub_goes_on(broker, hub, log) -> None:
    topic = "mc1/$board/home/porch/up/button1/press"
    with hub(), Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        publish.single(topic, b"x" * 2_000_000, qos=1, hostname="127.0.0.1", port=broker.port)
        board.send("button1/press")
        board.await_acknowledged()
    (record,) = log("$log.rejected")
    assert "a payload has at most 32768 bytes" in record.value


def test_a_flood_of_nonsense_does_not_flood_the_log(broker, hub, log) -> None:
    with hub(), Board(broker.url, "home", "porch") as board:
        for _ in range(500):
            board.publish("base", b"nonsense")
        board.send("button1/press")
        board.await_acknowledged()
    assert len(log("$log.rejected")) <= 25


def test_a_retained_message_is_no_event_and_is_cleared(broker, hub, state, log) -> None:
    with Board(broker.url, "home", "old") as old:
        old.publish("up/button1/press", b"[null,1,null,7]", retain=True)
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
    assert state("lamp1", "count") == "2"
    assert len([record for record in log("$log.rejected") if "retained" in record.value]) == 1


def test_a_board_is_only_told_to_forget_what_is_synced(broker, hub) -> None:
    gate = threading.Event()

    def fdatasync(descriptor: int) -> None:
        gate.wait(60)
        os.fdatasync(descriptor)

    with (
        hub(fdatasync=fdatasync),
        Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board,
    ):
        board.await_that(lambda: board.acknowledgements, "the answer to base")
        board.send("button1/press")
        board.await_that(lambda: board.heard, "the lamp, which does not wait for the disk")
        assert len(board.outbox) == 1
        assert max(seq for _boot, seq in board.acknowledgements) == 0
        gate.set()
        board.await_acknowledged()


def test_the_broker_killed_and_back_loses_and_doubles_nothing(broker, hub, state) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        for _round in range(3):
            for _ in range(100):
                board.send("button1/press")
            board.await_that(lambda: len(board.outbox) < 60, "some acknowledgements")
            broker.kill()
            broker.start()
        board.await_acknowledged(60)
        board.await_that(lambda: board.values("lamp1.state")[-1:] == ["off"], "the last state")
    assert state("lamp1", "count") == "300"
    seen = [(incarnation, offset) for _name, _value, incarnation, offset in board.heard]
    assert seen == sorted(seen)


def test_changed_modules_keep_what_still_fits_and_say_so_in_the_log(
    broker, hub, house, log, state
) -> None:
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
    lamp = house / "modules" / "lamp1.scc"
    lamp.write_text(
        "MODULE lamp1\n SUBSCRIBE button1.press\n PUBLIC state {dim, off, on}\n"
        " PRIVATE count 0.0\n PRIVATE extra 7\n ON button1.press\n THEN count++\n"
    )
    with hub(), Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        board.await_that(lambda: board.values("lamp1.state") == ["on"], "the kept state")
        board.send("button1/press")
        board.await_acknowledged()
    assert state("lamp1", "count") == "2.0"
    assert state("lamp1", "mode") is None
    assert [json.loads(code.value) for code in log("lamp1.%%code%%")][-1] == lamp.read_text()

    lamp.unlink()
    with hub(), Board(broker.url, "home", "watcher", hears=[LAMP_STATE]) as watcher:
        watcher.await_that(lambda: watcher.acknowledgements, "the hub")
    assert watcher.heard == []
    assert state("lamp1", "state") is None
    assert log("lamp1.%%code%%")[-1].value == "null"


def test_an_unchanged_house_is_not_deployed_again(broker, hub, log) -> None:
    for _ in range(3):
        with hub():
            pass
    assert len(log("lamp1.%%code%%")) == 1


def test_a_module_with_a_mistake_keeps_the_hub_from_starting(broker, hub, house) -> None:
    (house / "modules" / "lamp1.scc").write_text(
        "MODULE lamp1\n SUBSCRIBE button1.press\n PUBLIC state {off,on}\n"
        " ON button1.press\n THEN state.onn\n"
    )
    mistake = r"lamp1\.scc:5:\d+: 'onn'.*did you mean 'on'"
    with pytest.raises(DeploymentRefused, match=mistake), hub():
        pass


def test_inputs_are_published_to_adapters_that_follow_them(broker, hub, house) -> None:
    (house / "adapters" / "hall.toml").write_text(
        'board = "unix"\n[ports.light]\nkind = "relay"\npin = "GP1"\n'
        'subscribe = "door.state"\nmap = { open = 1, shut = 0 }\n'
    )
    (house / "adapters" / "porch.toml").write_text(
        'board = "unix"\n[ports.door]\nkind = "contact"\npin = "GP2"\n'
        'publish = "door.state"\nmap = { open = 1, shut = 0 }\n'
    )
    door = "mc1/live/home/door/state"
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("door/state", "open", "last")
        board.await_acknowledged()
    with hub(), Board(broker.url, "home", "hall", hears=[door]) as hall:
        hall.await_that(lambda: hall.values("door.state") == ["open"], "the door's state")


def test_a_house_without_unknown_boards_hears_only_its_own(broker, hub, house, log, state) -> None:
    (house / "myocan.toml").write_text('domain = "home"\n[boards]\naccept_unknown = false\n')
    (house / "adapters" / "porch.toml").write_text('board = "unix"\n')
    with (
        hub(),
        Board(broker.url, "home", "stranger") as stranger,
        Board(broker.url, "home", "porch") as board,
    ):
        stranger.send("button1/press")
        board.send("button1/press")
        board.await_acknowledged()
        until(lambda: log("$log.rejected"), "the record of the stranger")
        assert len(stranger.outbox) == 1
    assert state("lamp1", "count") == "1"
    (record,) = log("$log.rejected")
    assert "adapters/stranger.toml" in record.value


def test_no_value_goes_out_under_an_incarnation_that_the_broker_has_not_heard_of(
    broker, hub
) -> None:
    status = "mc1/$hub/home/main/status"
    with Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board, hub():
        board.send("button1/press")
        board.await_acknowledged()
    listener = Bus(broker.url, "listener", subscriptions=[(status, 1), (LAMP_STATE, 1)])
    listener.start()
    try:
        take(listener, lambda frames: sum(retained for *_, retained in frames) == 2)
        with hub():
            frames = take(
                listener, lambda frames: [topic for topic, *_ in frames].count(status) >= 2
            )
    finally:
        listener.stop()
    said = [topic for topic, *_ in frames]
    assert LAMP_STATE in said
    assert said.index(status) < said.index(LAMP_STATE)
    assert json.loads(frames[said.index(status)][1])["incarnation"] == 2


def test_a_lost_store_is_noticed_and_the_incarnation_still_rises(broker, hub, house, log) -> None:
    with Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        for _ in range(2):
            with hub():
                board.send("button1/press")
                board.await_acknowledged()
        for file in (house / ".myocan").glob("store.sqlite*"):
            file.unlink()
        with hub():
            board.send("button1/press")
            board.await_that(lambda: len(board.stores) == 2, "the other store's identity")
            board.await_acknowledged()
    assert board.heard[-1][2] == 3
    broker_s, board_s = (message.value for message in log("$log.alert"))
    assert "the broker has heard incarnation 2 of hub main, and this store is only at 1" in broker_s
    assert "porch has had 2 messages acknowledged that this store does not know of" in board_s
    assert log("$log.lost") == []


def test_a_store_that_was_restored_from_an_older_copy_is_noticed(
    broker, hub, house, log, tmp_path
) -> None:
    with Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board:
        with hub():
            board.send("button1/press")
            board.await_acknowledged()
        shutil.copytree(house / ".myocan", tmp_path / "copy")
        with hub():
            for _ in range(3):
                board.send("button1/press")
            board.await_acknowledged()
        shutil.rmtree(house / ".myocan")
        shutil.copytree(tmp_path / "copy", house / ".myocan")
        with hub():
            board.send("button1/press")
            board.await_acknowledged()
    told = [message.value for message in log("$log.alert")]
    assert any("porch has had 3 messages acknowledged" in text for text in told)
    assert len(log("button1.press")) == 2


def test_a_value_that_a_new_declaration_does_not_take_is_told(
    modules, broker, hub, log, state
) -> None:
    modules(count="SUBSCRIBE button1.press\nPUBLIC presses 0\nON button1.press\nTHEN presses++\n")
    with Board(broker.url, "home", "porch") as board:
        with hub():
            for _ in range(7):
                board.send("button1/press")
            board.await_acknowledged()
        text = "SUBSCRIBE button1.press\nPUBLIC presses {0-5}\nON button1.press\nTHEN presses++\n"
        modules(count=text)
        with hub():
            pass
        with hub():
            pass
    (record,) = log("$log.warn")
    assert "count.presses was 7, which does not fit its new declaration" in record.value
    assert state("count", "presses") is None
