"""Two hubs of one name at one broker: the first stays, and what a crash left keeps nobody out."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

import paho.mqtt.publish as publish
import pytest

from myocan.hub.agent import connection
from myocan.hub.agent.namesakes import MOST_TRACES, Namesakes, Verdict
from support.board import Board
from support.clock import until

STATUS = "mc1/$hub/home/main/status"
LAMP_STATE = "mc1/live/home/lamp1/state"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "INTRODUCTION_S", 0.5)


@pytest.fixture
def twin(house: Path, tmp_path: Path) -> Path:
    """The same house somewhere else, with a store of its own."""
    return Path(shutil.copytree(house, tmp_path / "twin"))


def test_a_second_hub_of_one_name_is_refused_and_the_first_goes_on(
    broker, hub, twin, log, state, monkeypatch
) -> None:
    with Board(broker.url, "home", "porch", hears=[LAMP_STATE]) as board, hub() as first:
        monkeypatch.setattr(connection, "INTRODUCTION_S", 60.0)  # the first is there, and answers
        second = type(first)(twin, broker.url)
        with pytest.raises(connection.NameTaken, match=r"calls itself main .* stop that one first"):
            second.__enter__()
        board.send("button1/press")
        board.await_that(lambda: board.values("lamp1.state") == ["on"], "the lamp")
        until(lambda: log("$log.alert"), "alert")
    (alert,) = log("$log.alert")
    assert "another hub of domain home calls itself main and was refused" in alert.value


def test_another_agent_of_the_domain_is_welcome(broker, hub, twin) -> None:
    (twin / "myocan.toml").write_text('domain = "home"\n[agent]\nname = "attic"\n')
    with hub() as first, type(first)(twin, broker.url):
        pass


@pytest.mark.parametrize("token", ["another", None], ids=["of this version", "of an older one"])
def test_what_a_crash_left_at_the_broker_keeps_nobody_out(broker, hub, token) -> None:
    left = {"online": True, "incarnation": 0, "wire": 1}
    if token:
        left |= {"hub": token, "since": 1}
    publish.single(
        STATUS, json.dumps(left), qos=1, retain=True, hostname="127.0.0.1", port=broker.port
    )
    with hub():
        pass
    with hub():
        pass


def test_two_that_waited_for_the_broker_together_do_not_both_stay(broker, hub, twin) -> None:
    broker.kill()
    answers: list[str] = []
    ready = threading.Barrier(3)

    def wait_for(one) -> None:
        ready.wait()
        try:
            with one:
                answers.append("stays")
                while one.failure is None and not done.wait(0.05):
                    pass  # one that was held up finds out late, when it is there already
        except connection.NameTaken:
            answers.append("gives way")

    done = threading.Event()
    first = hub()
    hubs = [first, type(first)(twin, broker.url)]
    threads = [threading.Thread(target=wait_for, args=(one,)) for one in hubs]
    for thread in threads:
        thread.start()
    ready.wait()
    broker.start()
    try:
        until(lambda: "gives way" in answers and "stays" in answers, "decision")
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert answers.count("gives way") == 1


def test_two_boards_of_one_name_are_recorded_and_the_older_is_refused(
    broker, hub, log, state
) -> None:
    with hub(), Board(broker.url, "home", "porch") as board:
        for turn in range(4):
            for boot in (1, 2):
                board.publish("base", b"[%d,1,0]" % boot)
                board.publish("up/button1/press", b"[null,%d,null,%d]" % (turn + 1, boot))
        until(lambda: log("$log.rejected"), "record")
        board.publish("up/button1/press", b"[null,9,null,1]")
        board.publish("base", b"[7,1,0]")
        board.await_that(lambda: (7, 0) in board.acknowledgements, "acknowledgement")
    assert "two boards take turns under the name porch" in log("$log.rejected")[0].value
    assert state("lamp1", "count") == "7"


def there(token: str, since: int) -> Namesakes:
    one = Namesakes(lambda: since, lambda: token)
    one.introduce()
    return one


def test_of_two_that_are_there_exactly_one_gives_way() -> None:
    for since in (5, 7, 9):
        for token in ("a", "m", "z"):
            one, other = there("k", 7), there(token, since)
            verdicts = {
                one.judge({"online": True, **other.about()}, False),
                other.judge({"online": True, **one.about()}, False),
            }
            assert verdicts == {Verdict.YIELD, Verdict.INSIST}


def test_a_last_will_that_comes_late_is_contradicted_and_no_proof() -> None:
    one = there("k", 7)
    will = {"online": False, **Namesakes(lambda: 1, lambda: "a").about(), "since": 1}
    assert one.judge(will, False) is Verdict.INSIST
    assert one.judge({"online": False, **one.about()}, True) is Verdict.INSIST
    assert one.judge({"online": True, **one.about()}, True) is Verdict.NOTHING
    assert one.judge({"online": True, "hub": "a", "since": 1}, True) is Verdict.ASK


def test_two_that_throw_each_other_out_in_turns_end_with_the_first() -> None:
    first, second = there("k", 7), there("a", 9)
    verdicts = []
    for _ in range(MOST_TRACES + 1):
        assert first.judge({"online": False, **second.about()}, True) is Verdict.INSIST
        verdicts.append(second.judge({"online": False, **first.about()}, True))
    assert verdicts == [Verdict.INSIST] * MOST_TRACES + [Verdict.YIELD]
