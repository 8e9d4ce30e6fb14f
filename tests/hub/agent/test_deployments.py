"""Code is put in force while the house runs: at one place of the log, all of it, or none of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.agent.deployment import ModuleFiles, chosen, fingerprint
from myocan.hub.control import ControlError, ask
from myocan.hub.history import Deployed, deployment_of, deployments, explain, sources_as_of
from myocan.hub.house import House
from myocan.hub.store import Reader
from myocan.wire import Fixed
from support.board import Board
from support.clock import Clock, shown

COUNT = """MODULE count
SUBSCRIBE button1.press
SUBSCRIBE mode {auto, off}
PUBLIC presses 0
PRIVATE calm 0
TIMER rest 10 minutes
ON button1.press
  THEN presses++
  THEN start(rest)
ON rest
  THEN calm++
ON mode
  THEN ignore
"""
BY_TWO = COUNT.replace("presses++", "presses = presses + 2")
TOLD = "mc1/live/home/count/+"


@pytest.fixture
def clock() -> Clock:
    return Clock("2027-06-01T12:00")


@pytest.fixture
def history(house: Path) -> Callable[[], list[Deployed]]:
    """Reads the deployments of the house from its log."""

    def read() -> list[Deployed]:
        with Reader(house / ".myocan" / "store.sqlite") as reader:
            return deployments(reader)

    return read


@pytest.fixture
def deploy(house: Path) -> Callable[..., dict[str, Any]]:
    """Deploys the files of the house, or what `back_to` says, as the command line does."""

    def now(**wish: Any) -> dict[str, Any]:
        opened = House.load(house)
        with Reader(opened.store_path) as reader:
            if "back_to" in wish:
                (one,) = (one for one in deployments(reader) if one.offset == wish["back_to"])
                sources = sources_as_of(reader, "live", one.end)
            else:
                files = ModuleFiles(opened.modules(), opened.agent.name).sources()
                in_force = sources_as_of(reader, "live", reader.newest())
                sources = chosen(files, in_force, wish.get("modules", ()))
        begun = ask(opened, "deploy", **{"hash": fingerprint(sources), "who": "anna", **wish})
        answer = {"done": False}
        while not answer["done"]:
            answer = ask(opened, "deploy outcome", deployment=begun["deployment"])
        return answer

    return now


def test_rules_change_while_the_house_runs_and_values_stay(
    modules, broker, hub, log, state, deploy, history
) -> None:
    modules(count=COUNT)
    with hub(), Board(broker.url, "home", "porch", hears=[TOLD]) as board:
        for _ in range(3):
            board.send("button1/press")
        board.await_acknowledged()
        rest = state("count", "rest")
        modules(count=BY_TWO, other="SUBSCRIBE count.presses\nON count.presses\nTHEN ignore\n")
        answer = deploy()
        assert answer["modules"] == {"other": "new", "count": "changed"}
        assert state("count", "rest") == rest
        board.send("button1/press")
        board.await_that(lambda: board.values("count.presses")[-1:] == [5], "the new rules")
    (start, done) = history()
    assert (done.by, done.who, done.offset) == ("deploy", "anna", answer["offset"])
    assert (start.by, start.modules) == ("start", {"count": "new"})
    _first, second = log("count.%%code%%")
    assert json.loads(second.value) == BY_TWO
    assert second.offset < log("button1.press")[-1].offset < log("count.presses")[-1].offset
    assert board.values("count.presses") == [1, 2, 3, 5]


def test_messages_that_come_meanwhile_are_neither_lost_nor_seen_by_half_a_house(
    modules, broker, hub, state, deploy, log
) -> None:
    pair = {
        "first": "SUBSCRIBE button1.press\nPUBLIC seen {n}\nPRIVATE count 0\n"
        "ON button1.press\nTHEN count++\nTHEN seen = {n}\n",
        "second": "SUBSCRIBE first.seen 0\nPUBLIC same 0\nPUBLIC other 0\n"
        "ON first.seen == {n}\nTHEN same++\nON first.seen\nTHEN other++\n",
    }
    for name in pair:
        pair[name] = pair[name].replace("{n}", "1")
    modules(**pair)
    with hub(), Board(broker.url, "home", "porch") as board:
        for version in range(1, 6):
            for _ in range(40):
                board.send("button1/press")
            modules(**{name: text.replace("= 1", f"= {version}") for name, text in pair.items()})
            deploy()
        board.await_acknowledged()
    assert state("first", "count") == "200"
    assert state("second", "other") is None


def test_what_is_gone_is_forgotten_and_taken_from_the_broker(
    modules, broker, hub, state, deploy, house, log
) -> None:
    modules(count=COUNT, old="SUBSCRIBE button1.press\nPUBLIC on 0\nON button1.press\nTHEN on++\n")
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
        modules(count=COUNT.replace("presses", "total"))
        assert deploy()["modules"] == {"count": "changed", "old": "removed"}
        everything = ["mc1/live/home/+/+"]
        with Board(broker.url, "home", "late", hears=everything) as late:
            board.send("button1/press")
            late.await_that(lambda: late.values("count.total") == [1], "the new name")
            assert {name for name, *_ in late.heard} <= {"count.total", "button1.press"}
    assert state("count", "presses") is None
    assert state("old", "on") is None
    assert state("count", "calm") is None
    assert log("old.%%code%%")[-1].value == "null"


def test_a_value_that_the_new_declaration_does_not_take_starts_anew_and_is_told(
    modules, broker, hub, state, deploy, log
) -> None:
    modules(count=COUNT)
    with hub(), Board(broker.url, "home", "porch", hears=[TOLD]) as board:
        for _ in range(7):
            board.send("button1/press")
        board.await_acknowledged()
        modules(count=COUNT.replace("presses 0", "presses {0-5}"))
        (told,) = deploy()["reset"]
        assert told.startswith("count.presses was 7, which does not fit")
        board.send("button1/press")
        board.await_that(lambda: board.values("count.presses")[-1] == 1, "a new beginning")
        modules(count=COUNT.replace("presses 0", "presses 0.00"))
        assert deploy()["reset"] == []
        board.await_that(
            lambda: board.values("count.presses")[-1] == Fixed(100, 2), "the same, finer"
        )
    assert state("count", "presses") == "1.00"
    assert [record.value for record in log("$log.warn")] == [json.dumps(told)]


def test_a_variable_that_becomes_public_is_told_at_once(
    modules, broker, hub, state, deploy
) -> None:
    modules(count=COUNT.replace("PUBLIC", "PRIVATE"))
    with hub(), Board(broker.url, "home", "porch", hears=[TOLD]) as board:
        board.send("button1/press")
        board.await_acknowledged()
        modules(count=COUNT)
        deploy()
        board.await_that(lambda: board.values("count.presses") == [1], "its value")


def test_ats_are_rescheduled_and_timers_go_on(
    modules, broker, hub, clock, state, deploy, log
) -> None:
    at = "AT {time}\n  THEN calm = calm + 100\n"
    modules(count=COUNT + at.format(time="12:30"))
    with hub(now_ms=clock) as live, Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
        clock.to("2027-06-01T12:05", live)
        modules(count=COUNT.replace("calm++", "calm = calm + 10") + at.format(time="12:40"))
        deploy()
        clock.to("2027-06-01T12:35", live)
        board.send("mode/is", "x")
        board.await_acknowledged()
        assert state("count", "calm") == "10"  # by the new rule, ten minutes after the press
        clock.to("2027-06-01T12:45", live)
        board.send("mode/is", "x")
        board.await_acknowledged()
        assert state("count", "calm") == "110"
    (run_out,) = log("count.rest")
    assert shown(run_out.time_ms) == "06-01 12:10"


def test_an_at_that_was_missed_and_is_no_more_is_dropped_with_a_record(
    modules, broker, hub, clock, state, log
) -> None:
    at = "AT {time}\n  THEN calm = calm + {by}\n"
    both = COUNT + at.format(time="13:00", by=1) + at.format(time="14:00", by=10)
    modules(count=both)
    with hub(now_ms=clock):
        pass
    clock.to("2027-06-01T15:00")
    modules(count=COUNT + at.format(time="14:00", by=10) + at.format(time="14:30", by=100))
    with hub(now_ms=clock):
        pass
    assert state("count", "calm") == "10"  # what was due and still is, was made up for
    (record,) = log("$log.warn")
    assert "count: an AT of its earlier rules was due 1 times" in record.value
    assert "2027-06-01T13:00" in record.value


def test_a_rollback_is_a_deployment_and_outlives_a_restart_until_files_change(
    modules, broker, hub, state, deploy, history, log
) -> None:
    modules(count=COUNT)
    with hub(), Board(broker.url, "home", "porch") as board:
        modules(count=BY_TWO)
        deploy()
        (first, _) = history()
        assert deploy(back_to=first.offset)["modules"] == {"count": "changed"}
        board.send("button1/press")
        board.await_acknowledged()
        assert state("count", "presses") == "1"
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
        assert state("count", "presses") == "2"
    (warning,) = log("$log.warn")
    assert "what was deployed last runs, and not what the files say: count" in warning.value
    assert [one.by for one in history()] == ["start", "deploy", "rollback"]
    assert history()[-1].back_to == first.offset
    modules(count=BY_TWO + "// touched\n")
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
        assert state("count", "presses") == "4"
    assert [one.by for one in history()] == ["start", "deploy", "rollback", "start"]


def test_why_tells_of_the_rules_that_were_in_force_and_who_deployed_them(
    modules, broker, hub, house, deploy, history
) -> None:
    modules(count=COUNT)
    with hub(), Board(broker.url, "home", "porch") as board:
        board.send("button1/press")
        board.await_acknowledged()
        modules(count=BY_TWO)
        deploy(forced=True, failed=["two are one"])
        board.send("button1/press")
        board.await_acknowledged()
        deploy(back_to=history()[0].offset)
        board.send("button1/press")
        board.await_acknowledged()
    found = history()
    assert [(one.forced, one.failed) for one in found] == [
        (False, ()), (True, ("two are one",)), (False, ()),
    ]  # fmt: skip
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        said = [one.offset for one in reader.messages(module="count", variable="presses")]
        links = [explain(reader, "live", offset)[0] for offset in said]
        assert [link.action for link in links] == [
            "THEN presses++", "THEN presses = presses + 2", "THEN presses++",
        ]  # fmt: skip
        for link, one in zip(links, found, strict=True):
            known = deployment_of(reader, "live", link.since)
            assert known is not None
            assert (known.offset, known.by) == (one.offset, one.by)
            assert deployment_of(reader, "live", link.message.offset) is None


def test_some_modules_alone(modules, broker, hub, deploy, log, history) -> None:
    one = "SUBSCRIBE button1.press\nON button1.press\nTHEN ignore\n"
    modules(first=one, second=one)
    with hub():
        modules(first=one + "// 2\n", second=one + "// 2\n")
        assert deploy(modules=["second"])["modules"] == {"second": "changed"}
    with hub():
        pass
    assert len(log("first.%%code%%")) == 1
    assert len(history()) == 2


def outcome(house: Path, **wish: Any) -> dict[str, Any]:
    """Ask the hub itself for a deployment, of what may be none."""
    opened = House.load(house)
    begun = ask(opened, "deploy", **{"hash": "0" * 64, "who": "anna", **wish})
    return ask(opened, "deploy outcome", deployment=begun["deployment"])


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({}, "somebody has changed them since"),
        ({"hash": 5}, "needs 'hash'"),
        ({"who": None}, "needs 'who'"),
        ({"modules": ["conut"]}, "there is no module conut; did you mean count"),
        ({"back_to": 12}, "there is no deployment #12"),
        ({"mode": "lvie"}, "no mode lvie"),
    ],
)
def test_what_cannot_be_deployed_is_said_and_changes_nothing(
    modules, broker, hub, house, history, wish, words
) -> None:
    modules(count=COUNT)
    with hub():
        with pytest.raises(ControlError, match=words):
            outcome(house, **wish)
        with pytest.raises(ControlError, match="no such deployment"):
            ask(House.load(house), "deploy outcome", deployment=99)
    assert len(history()) == 1


def test_rules_with_mistakes_are_refused_by_the_hub_too(
    modules, broker, hub, house, deploy, history, state
) -> None:
    modules(count=COUNT)
    with hub(), Board(broker.url, "home", "porch") as board:
        modules(count=COUNT.replace("presses++", "preses++"))
        with pytest.raises(ControlError, match=r"count\.scc:8:.*did you mean 'presses'"):
            deploy()
        modules(count=COUNT)
        (house / "externals.py").write_text("1 / 0\n")
        with pytest.raises(ControlError, match="ZeroDivisionError"):
            deploy()
        board.send("button1/press")
        board.await_acknowledged()
    assert state("count", "presses") == "1"
    assert len(history()) == 1


def test_externals_and_adapters_are_read_again(modules, broker, hub, house, deploy, log) -> None:
    call = "SUBSCRIBE button1.press\nEXTERNAL notify\nON button1.press\nTHEN notify(1)\n"
    made = house / "made"
    function = "from myocan.hub import external\n@external\ndef notify(n, *, key=None):\n"
    function += f"    with open({str(made)!r}, 'a') as file:\n        file.write('{{}};')\n"
    (house / "externals.py").write_text(function.format("first"))
    modules(bell=call)
    door = "mc1/live/home/door/state"
    with hub(), Board(broker.url, "home", "porch", hears=[door]) as board:
        board.send("button1/press")
        board.await_that(lambda: made.exists() and made.read_text() == "first;", "the first")
        board.send("door/state", "open")
        board.await_acknowledged()
        (house / "externals.py").write_text(function.replace("key=None", "k=0").format("second"))
        (house / "adapters" / "porch.toml").write_text(
            'board = "unix"\n[ports.door]\nkind = "contact"\npin = "GP2"\n'
            'publish = "door.state"\nmap = { open = 1, shut = 0 }\n'
        )
        (house / "adapters" / "hall.toml").write_text(
            'board = "unix"\n[ports.light]\nkind = "relay"\npin = "GP1"\n'
            'subscribe = "door.state"\nmap = { open = 1, shut = 0 }\n'
        )
        assert deploy()["modules"] == {}
        board.send("button1/press")
        board.send("door/state", "shut")
        board.await_that(lambda: made.read_text() == "first;second;", "the second")
        board.await_that(lambda: board.values("door.state") == ["shut"], "the door, published")
    (unknown,) = log("$log.unhandled")
    assert "door.state, which no module and no adapter" in unknown.value


REPORT = """MODULE report
SUBSCRIBE button1.press
PUBLIC presses 0
ON button1.press
  THEN presses++
"""


def test_a_new_module_is_told_the_past_if_that_is_asked_for(
    modules, broker, hub, clock, deploy, state, log
) -> None:
    modules(count=COUNT)
    with hub(now_ms=clock) as live, Board(broker.url, "home", "porch") as board:
        for _ in range(3):
            board.send("button1/press")
        board.await_acknowledged()
        clock.to("2027-06-01T13:00", live)
        board.send("button1/press")
        board.await_acknowledged()
        modules_now = {"count": COUNT, "report": REPORT}
        modules(**modules_now)
        since_ms = clock() - 60_000
        assert deploy(history=True, since_ms=since_ms)["learnt"] == ["report"]
        assert state("report", "presses") == "1"
        modules(count=COUNT)
        deploy()
        modules(**modules_now)
        answer = deploy(history=True)
        assert (answer["learnt"], answer["had_their_time"]) == ([], ["report"])
        modules(count=COUNT, report2=REPORT.replace("report", "report2"))
        assert deploy(history=True)["learnt"] == ["report2"]
        board.send("button1/press")
        board.await_acknowledged()
    assert state("report2", "presses") == "5"
    assert log("report2.presses")[0].value == "4"


def test_a_copy_is_deployed_alone(modules, broker, hub, house, deploy, state, history) -> None:
    modules(count=COUNT)
    opened = House.load(house)
    with hub(), Board(broker.url, "home", "porch") as board:
        ask(opened, "mode copy", source="live", name="test")
        modules(count=BY_TWO)
        assert deploy(mode="test")["modules"] == {"count": "changed"}
        ask(opened, "send", mode="test", module="button1", variable="press", value="null")
        board.send("button1/press")
        board.await_acknowledged()
        with Reader(opened.store_path) as reader:
            assert reader.value("test", "count", "presses") == "2"
            assert [one.by for one in deployments(reader, "test")] == ["start", "deploy"]
    assert state("count", "presses") == "1"
    assert len(history()) == 1


def test_instances_live_on_and_go_with_their_module(modules, broker, hub, deploy, state) -> None:
    rooms = """MODULE rooms[room] AUTO
SUBSCRIBE motion[room].seen
PUBLIC count[room] 0
ON motion[room].seen
  THEN count[room]++
"""
    modules(rooms=rooms)
    everything = ["mc1/live/home/#"]
    with hub(), Board(broker.url, "home", "porch") as board:
        for key in ("hall", "bath", "hall"):
            board.send(f"motion/seen/{key}")
        board.await_acknowledged()
        modules(rooms=rooms.replace("count[room]++", "count[room] = count[room] + 10"))
        deploy()
        board.send("motion/seen/hall")
        board.await_acknowledged()
        assert state("rooms", "count", "hall") == "12"
        modules(count=COUNT)
        deploy()
        with Board(broker.url, "home", "late", hears=everything) as late:
            board.send("button1/press")
            late.await_that(lambda: late.values("count.presses") == [1], "the other module")
            assert not [name for name, *_ in late.heard if name.startswith("rooms")]
    assert state("rooms", "count", "hall") is None
    assert state("rooms", "$instances", "hall") is None
