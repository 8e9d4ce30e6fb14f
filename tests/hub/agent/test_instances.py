"""Instances in a running hub: who hears what, what is published, what a restart finds."""

from __future__ import annotations

import pytest

from myocan.hub.agent import outlet
from support.board import Board
from support.clock import Clock, shown, until

LAMP = """MODULE lamp[location]
SUBSCRIBE event[location] {toggle}
SUBSCRIBE instance "none"
SUBSCRIBE away "none"
SUBSCRIBE allOff
PUBLIC state[location] {off, on}
PUBLIC count 0
PRIVATE presses[location] 0
TIMER offTimer[location] 30 minutes
ON instance
  THEN create(instance)
  THEN count++
ON away
  THEN drop(away)
ON event.toggle
  THEN next(state[location])
  THEN presses[location]++
  THEN start(offTimer[location])
ON offTimer[location]
  THEN state[location].off
ON allOff
  THEN state[location].off
"""
EVERYTHING = "mc1/live/home/lamp/#"


@pytest.fixture(params=["all in memory", "one in memory"])
def lamp(request, modules, house, monkeypatch):
    """A house whose hub has all instances in memory, or one of them, and one of their values."""
    modules(lamp=LAMP)
    if request.param == "one in memory":
        few(house, monkeypatch)


def few(house, monkeypatch):
    (house / "myocan.toml").write_text('domain = "home"\n[agent]\ninstances_in_memory = 1\n')
    monkeypatch.setattr(outlet, "MAX_VALUES", 1)


def births(log):
    return [(row.instance, row.value) for row in log("lamp.$instances")]


def test_instances_are_born_act_and_are_published_each_under_its_own_name(
    lamp, broker, hub, log, state
) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board:
        board.send("lamp/instance", "hall")
        board.send("lamp/instance", "bath/room")
        board.send("lamp/event/hall", "toggle")
        board.await_that(lambda: board.values("lamp.state[hall]") == ["on"], "the hall's lamp")
        board.send("lamp/event/bath%2Froom", "toggle")
        board.await_that(lambda: board.values("lamp.state[bath/room]") == ["on"], "the bath's")
        board.send("lamp/alloff")
        board.await_that(lambda: board.values("lamp.state[hall]") == ["on", "off"], "darkness")
        board.await_acknowledged()
        with Board(broker.url, "home", "late", hears=[EVERYTHING]) as late:
            late.await_that(lambda: len(late.heard) == 5, "all that is true")
    assert sorted((name, value) for name, value, *_ in late.heard) == [
        ("lamp.$instances[bath/room]", True), ("lamp.$instances[hall]", True),
        ("lamp.count", 2), ("lamp.state[bath/room]", "off"), ("lamp.state[hall]", "off"),
    ]  # fmt: skip
    assert births(log) == [("hall", "true"), ("bath/room", "true")]
    assert state("lamp", "presses", "hall") == "1"
    assert state("lamp", "presses") is None
    off = log("lamp.state")[-2:]
    assert [row.instance for row in off] == ["bath/room", "hall"]  # in the order of their keys
    assert log("lamp.alloff")[0].offset == off[0].cause


def test_a_restart_brings_instances_back_with_their_values(lamp, broker, hub, state) -> None:
    with Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board:
        for count in (1, 2, 3):
            with hub():
                if count == 1:
                    board.send("lamp/instance", "hall")
                board.send("lamp/event/hall", "toggle")
                board.await_acknowledged()
            assert state("lamp", "presses", "hall") == str(count)
        with hub(), Board(broker.url, "home", "late", hears=[EVERYTHING]) as late:
            late.await_that(lambda: late.values("lamp.state[hall]") == ["on"], "the value")
            late.await_that(lambda: late.values("lamp.$instances[hall]") == [True], "its birth")


def test_a_dropped_instance_leaves_nothing_behind(lamp, broker, hub, log, state) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board:
        board.send("lamp/instance", "hall")
        board.send("lamp/event/hall", "toggle")
        board.send("lamp/instance", "attic")
        board.send("lamp/away", "hall")
        board.await_that(lambda: board.values("lamp.$instances[hall]")[-1:] == [None], "the drop")
        board.await_acknowledged()
        assert state("lamp", "$instances", "hall") is None
        assert state("lamp", "presses", "hall") is None
        with Board(broker.url, "home", "late", hears=[EVERYTHING]) as late:
            late.await_that(lambda: late.values("lamp.count") == [2], "what is true")
            assert [name for name, *_ in late.heard if "hall" in name] == []
        board.send("lamp/instance", "hall")  # born again, it starts fresh
        board.send("lamp/event/hall", "toggle")
        board.await_that(lambda: board.values("lamp.state[hall]") == ["on", "on"], "the new lamp")
    assert state("lamp", "presses", "hall") == "1"
    assert births(log) == [("hall", "true"), ("attic", "true"), ("hall", "null"), ("hall", "true")]


def test_what_is_dropped_without_a_broker_is_cleared_when_there_is_one(
    modules, broker, hub, state
) -> None:
    text = LAMP.replace(
        "ON offTimer[location]\n  THEN state[location].off",
        "ON offTimer[location]\n  THEN drop(location)",
    )
    modules(lamp=text)
    clock = Clock("2027-06-01T12:00")
    with hub(now_ms=clock), Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board:
        board.send("lamp/instance", "hall")
        board.send("lamp/event/hall", "toggle")
        board.await_that(lambda: board.values("lamp.state[hall]") == ["on"], "the lamp")
        board.await_acknowledged()
    clock.move(2 * 3_600_000)  # it runs out while no hub is there to tell the broker
    with hub(now_ms=clock):
        until(lambda: state("lamp", "$instances", "hall") is None, "drop")
    with Board(broker.url, "home", "late", hears=[EVERYTHING]) as late:
        late.await_that(lambda: late.values("lamp.count") == [1], "what is true")
        assert [name for name, *_ in late.heard if "hall" in name] == []


@pytest.mark.parametrize(
    ("topic", "value", "record", "words"),
    [
        ("lamp/event/attic", "toggle", "unhandled", "myocan instance create lamp attic"),
        ("lamp/event", "toggle", "unhandled", "key"),
        ("lamp/event/hall", "explode", "rejected", "toggle"),
        ("lamp/state/hall", "on", "rejected", "is what module lamp says"),
        ("lamp/event/" + "x" * 65, "toggle", "rejected", "64 bytes"),
        ("lamp/instance/hall", "x", "unhandled", "no module and no adapter"),
        ("lamp/instance", "", "failed", "key"),
    ],
)
def test_what_does_not_fit_an_instance_is_recorded(
    lamp, broker, hub, log, topic, value, record, words
) -> None:
    with hub(), Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board:
        board.send("lamp/instance", "hall")
        board.send(topic, value)
        board.send("lamp/event/hall", "toggle")
        board.await_that(lambda: board.values("lamp.state[hall]") == ["on"], "the lamp")
        board.await_acknowledged()
    (said,) = log(f"$log.{record}")
    assert words in said.value


def test_with_auto_the_first_message_creates(modules, broker, hub, log, state) -> None:
    modules(lamp=LAMP.replace("[location]\n", "[location] AUTO\n", 1))
    with hub(), Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board:
        board.send("lamp/event/hall", "toggle")
        board.await_that(lambda: board.values("lamp.state[hall]") == ["on"], "the lamp")
    assert births(log) == [("hall", "true")]
    assert state("lamp", "presses", "hall") == "1"


def test_a_key_too_long_for_a_topic_stays_in_the_log(modules, broker, hub, log, state, caplog):
    modules(lamp=LAMP)
    key = "/" * 64  # three characters each in a topic
    name = "m" * 60
    modules(
        **{
            name: f'MODULE {name}[place]\nSUBSCRIBE make "x"\nSUBSCRIBE go\n'
            f"PUBLIC state[place] {{off, on}}\nON make\n  THEN create(make)\n"
            "ON go\n  THEN state[place].on\n"
        }
    )
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send(f"{name}/make", key)
        board.send(f"{name}/go")
        board.await_acknowledged()
        until(lambda: log(f"{name}.state"), "state")
    assert state(name, "state", key) == '"on"'
    assert "is not published" in caplog.text


# ---------------------------------------------------------------------- few in memory


KEYS = [f"room{number:02}" for number in range(20)]


@pytest.fixture
def crowd(modules, house, monkeypatch, broker, hub):
    """A house in which twenty lamps were switched on at the same moment, with a clock that waits;
    the hub keeps one of them in memory."""
    modules(lamp=LAMP)
    few(house, monkeypatch)
    clock = Clock("2027-06-01T12:00")
    with hub(now_ms=clock), Board(broker.url, "home", "porch") as board:
        for key in KEYS:
            board.send("lamp/instance", key)
            board.send(f"lamp/event/{key}", "toggle")
        board.await_acknowledged()
    return clock


def test_a_broker_that_knows_nothing_hears_of_all_though_few_are_in_memory(
    crowd, broker, hub
) -> None:
    broker.kill()
    broker.start()
    with hub(now_ms=crowd), Board(broker.url, "home", "late", hears=[EVERYTHING]) as late:
        late.await_that(lambda: len(late.heard) == 2 * len(KEYS) + 1, "all that is true")
    assert {name: value for name, value, *_ in late.heard} == {
        "lamp.count": len(KEYS),
        **{f"lamp.state[{key}]": "on" for key in KEYS},
        **{f"lamp.$instances[{key}]": True for key in KEYS},
    }


def test_timers_of_instances_that_are_not_in_memory_run_out_once(crowd, hub, log, state) -> None:
    crowd.move(20 * 60_000)
    with hub(now_ms=crowd):
        assert len(log("lamp.state")) == len(KEYS)
    crowd.move(20 * 60_000)
    with hub(now_ms=crowd):
        until(lambda: len(log("lamp.state")) == 2 * len(KEYS), "darkness")
    with hub(now_ms=crowd):
        pass
    assert [row.instance for row in log("lamp.state")[len(KEYS) :]] == KEYS
    assert {state("lamp", "offtimer", key) for key in KEYS} == {"0"}


def test_a_message_to_all_reaches_those_that_are_not_in_memory(crowd, broker, hub, log) -> None:
    with hub(now_ms=crowd), Board(broker.url, "home", "hall") as board:
        board.send("lamp/alloff")
        board.send("lamp/alloff")
        board.await_acknowledged()
    assert [row.instance for row in log("lamp.state")[len(KEYS) :]] == KEYS


# ---------------------------------------------------------------------- new texts


def test_a_keyed_variable_that_is_gone_is_forgotten_for_all(
    lamp, modules, broker, hub, state
) -> None:
    with hub(), Board(broker.url, "home", "porch") as board:
        for key in ("hall", "attic"):
            board.send("lamp/instance", key)
            board.send(f"lamp/event/{key}", "toggle")
        board.await_acknowledged()
    modules(
        lamp=LAMP.replace("PUBLIC state[location] {off, on}", "PUBLIC light[location] {on, off}")
        .replace("next(state", "next(light")
        .replace("state[location].off", "light[location].off")
    )
    with hub(), Board(broker.url, "home", "late", hears=[EVERYTHING]) as late:
        late.await_that(lambda: late.values("lamp.count") == [2], "what is true")
        assert [name for name, *_ in late.heard if "state" in name] == []
    assert state("lamp", "state", "hall") is None
    assert state("lamp", "presses", "hall") == "1"
    assert state("lamp", "$instances", "attic") == "true"


def test_a_module_that_has_no_key_any_more_forgets_its_instances(
    lamp, modules, broker, hub, state
) -> None:
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("lamp/instance", "hall")
        board.send("lamp/event/hall", "toggle")
        board.await_acknowledged()
    modules(
        lamp="MODULE lamp\nSUBSCRIBE event {toggle}\nPUBLIC state {off, on}\nPUBLIC count 0\n"
        "ON event\n  THEN next(state)\n  THEN count++\n"
    )
    with hub(), Board(broker.url, "home", "late", hears=[EVERYTHING]) as late:
        late.send("lamp/event", "toggle")
        late.await_that(lambda: late.values("lamp.state") == ["on"], "the lamp")
        assert [name for name, *_ in late.heard if "[" in name] == []
    assert state("lamp", "$instances", "hall") is None
    assert state("lamp", "presses", "hall") is None
    assert state("lamp", "count") == "2"
    modules(lamp=LAMP)
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("lamp/event/hall", "toggle")
        board.await_acknowledged()
    assert state("lamp", "$instances", "hall") is None


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("start", "restart", "due", "midnight"),
    [
        # clocks go forward at 01:00 UTC: local midnight comes an hour earlier by UTC next day
        ("2027-03-27T22:45", "2027-03-27T22:50", "03-27 23:15", "03-27 23:00"),
        # 02:45 of summer; clocks go back at 01:00 UTC, the timer does not notice
        ("2027-10-31T00:45", "2027-10-31T00:50", "10-31 01:15", "10-31 23:00"),
    ],
)
def test_the_seed_s_lamp_survives_a_restart_in_mid_timer(
    broker, hub, house, modules, log, state, start, restart, due, midnight
) -> None:
    (house / "myocan.toml").write_text('domain = "home"\ntimezone = "Europe/Berlin"\n')
    modules(lamp=LAMP + "PRIVATE nights[location] 0\nAT midnight\n  THEN nights[location]++\n")
    clock = Clock(start)
    with Board(broker.url, "home", "porch", hears=[EVERYTHING]) as board:
        with hub(now_ms=clock):
            for key in ("hall", "attic"):
                board.send("lamp/instance", key)
            board.send("lamp/event/hall", "toggle")
            board.await_that(lambda: board.values("lamp.state[hall]") == ["on"], "the light")
        clock.to(restart)
        with hub(now_ms=clock) as running:
            assert log("lamp.offtimer") == []
            clock.move(25 * 60_000 + 1000, running)
            board.await_that(lambda: "off" in board.values("lamp.state[hall]"), "the dark")
        with hub(now_ms=clock):
            pass
        clock.move(24 * 3_600_000)
        with hub(now_ms=clock):
            until(lambda: state("lamp", "nights", "attic"), "midnight")
    (press,) = log("lamp.event")
    (fired,) = log("lamp.offtimer")
    assert (fired.instance, fired.producer) == ("hall", "clock")
    assert fired.time_ms == press.time_ms + 30 * 60_000
    assert shown(fired.time_ms) == due
    assert state("lamp", "offtimer", "hall") == "0"
    nights = log("lamp.%%at%%")
    assert shown(nights[0].time_ms) == midnight
    assert state("lamp", "nights", "hall") == state("lamp", "nights", "attic") == str(len(nights))


def test_a_drop_stops_the_timer(lamp, broker, hub, log, state) -> None:
    clock = Clock("2027-06-01T12:00")
    with hub(now_ms=clock) as running, Board(broker.url, "home", "porch") as board:
        board.send("lamp/instance", "hall")
        board.send("lamp/instance", "attic")
        board.send("lamp/event/hall", "toggle")
        board.send("lamp/event/attic", "toggle")
        board.send("lamp/away", "hall")
        board.await_acknowledged()
        clock.move(3_600_000, running)
        until(lambda: log("lamp.offtimer"), "attic's timer")
        clock.move(3_600_000, running)
        board.send("lamp/event/attic", "toggle")
        board.await_acknowledged()
    assert [row.instance for row in log("lamp.offtimer")] == ["attic"]


# ---------------------------------------------------------------------- what is kept of inputs


def test_what_an_instance_refused_is_not_its_state(modules, house, broker, hub, state) -> None:
    (house / "myocan.toml").write_text('domain = "home"\n[publish]\ninputs = true\n')
    modules(lamp=LAMP)
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("lamp/instance", "hall")
        board.send("lamp/event/hall", "toggle")
        board.send("lamp/event/hall", "explode")
        board.send("lamp/event/attic", "toggle")
        board.await_acknowledged()
    assert state("lamp", "event", "hall") == '"toggle"'
    assert state("lamp", "event", "attic") is None


def test_what_a_text_has_no_more_is_cleared_wherever_it_was_published(
    modules, broker, hub, state
) -> None:
    modules(
        lamp="SUBSCRIBE go {a,b}\nSUBSCRIBE x 0\nPRIVATE at 0.000\n"
        'PUBLIC hall.light {off, on} AS l\nPUBLIC hall.spot["left"] {off, on} AS s\n'
        "ON go\n  THEN l.on\n  THEN s.on\n"
        "  THEN at = go#timestamp\nON x\n  THEN log(system.clock#date)\n"
    )
    heard = ["mc1/live/home/hall/#"]
    with hub(), Board(broker.url, "home", "porch", hears=heard) as board:
        board.send("lamp/go", "a")
        board.await_that(lambda: len(board.heard) == 2, "both lights")
        names = {name for name, *_ in board.heard}
        assert names == {"hall.light", "hall.spot[left]"}
    with hub(), Board(broker.url, "home", "late", hears=heard) as late:
        late.await_that(lambda: len(late.heard) == 2, "both lights, retained")
    modules(lamp="SUBSCRIBE go {a,b}\nPUBLIC other 0\nON go\n  THEN other++\n")
    with hub(), Board(broker.url, "home", "late", hears=[*heard, "mc1/live/home/lamp/+"]) as late:
        late.send("lamp/go", "a")
        late.await_that(lambda: late.values("lamp.other") == [1], "the other")
        assert {name for name, *_ in late.heard} == {"lamp.other"}
