"""Proposals: what boards are asked, what their answers come to, and what no answer does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.agent.proposals import MAX_OPEN, Proposals, Verdict
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.control import ask
from myocan.hub.house import House
from myocan.wire import Fixed, decode_propose, encode_verdict
from support.edge_boards import CPythonBoard

OWN = "mc1/$board/home/"
LAMP = ("lamp1", "state", "")
HEATER = ("boiler1", "heater", "")
PUMP = ("boiler1", "pump", "")
NOON_MS = 1_800_000_000_000

BOILER = """
board = "unix"
[ports.heater]
kind = "relay"
pin = "GP1"
subscribe = "boiler1.heater"
needs = { pump = "on", sensor = { max = 80 } }
[ports.pump]
kind = "relay"
pin = "GP2"
subscribe = "boiler1.pump"
[ports.sensor]
kind = "analog"
pin = "GP3"
publish = "boiler1.degrees"
[ports.dial]
kind = "pwm"
pin = "GP4"
min = 0.5
max = 30
map = { low = 0.5, much = 40, none = 0 }
subscribe = "dial.level[kitchen]"
"""
LAMP_FILE = """
board = "unix"
[ports.lamp]
kind = "relay"
pin = "GP15"
subscribe = "lamp1.state"
"""
PORCH = f"""{LAMP_FILE}
[ports.heater]
kind = "relay"
pin = "GP1"
subscribe = "boiler1.heater"
needs = {{ pump = "on" }}
[ports.pump]
kind = "relay"
pin = "GP2"
subscribe = "boiler1.pump"
"""


class Wire:
    """A connection on paper."""

    def __init__(self) -> None:
        self.online = True
        self.incarnation = 7
        self.sent: list[tuple[str, bytes, int, bool, int]] = []

    def publish(self, frames: list[Any]) -> None:
        self.sent += frames


class Desk:
    """Proposals of a house with these adapters; boards answer when the test lets them."""

    def __init__(self, folder: Path, **adapters: str) -> None:
        for name, text in adapters.items():
            (folder / f"{name}.toml").write_text(text)
        self.wire = Wire()
        self.statuses: dict[str, dict[str, Any]] = {name: {"online": True} for name in adapters}
        self.values: dict[Any, Any] = {}
        self.now = 100.0
        self.woken = 0
        topics = AdapterTopics(sorted(folder.glob("*.toml")))
        self.proposals = Proposals(
            "home",
            topics,
            self.wire,  # type: ignore[arg-type]
            lambda board: self.statuses.get(board, {}),
            lambda mode: self.values.get if mode == "trial" else None,
            now_ms=lambda: NOON_MS,
            monotonic=lambda: self.now,
            wake=self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    def ask(self, changes: dict[Any, Any], *args: Any, **more: Any) -> Future[Verdict]:
        future = self.proposals.propose(changes, *args, **more)
        self.proposals.keep()
        return future

    def asked(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Return what was sent: board, transaction, values."""
        found = []
        for topic, payload, qos, retain, _ in self.wire.sent:
            assert topic.startswith(OWN)
            assert topic.endswith("/propose")
            assert (qos, retain) == (1, False)
            txn, expires_ms, values = decode_propose(payload)
            assert expires_ms > NOON_MS
            found.append((topic.split("/")[3], txn, values))
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    return lambda **adapters: Desk(tmp_path, **adapters)


def test_a_board_is_asked_about_all_of_its_ports_at_once(desk: Callable[..., Desk]) -> None:
    at = desk(boiler=BOILER)
    future = at.ask({HEATER: "on", PUMP: "on", ("dial", "level", "kitchen"): Decimal("21.50")})
    [(board, txn, values)] = at.asked()
    assert board == "boiler"
    assert txn.startswith("7.")
    assert values == {"heater": "on", "pump": "on", "dial": Fixed(2150, 2)}
    assert not future.done()
    at.proposals.take("boiler", encode_verdict(txn, True))
    assert future.result(0).accepted
    assert future.result(0).why == ""
    assert [one.outcome for one in future.result(0).answers] == ["accepted"]
    assert at.proposals.due_s() is None


def test_a_refusal_says_which_port_and_why(desk: Callable[..., Desk]) -> None:
    at = desk(boiler=BOILER)
    future = at.ask({HEATER: "on"})
    [(_, txn, _)] = at.asked()
    at.proposals.take("boiler", encode_verdict(txn, False, "port 'heater' cannot take 'on': no"))
    verdict = future.result(0)
    assert not verdict.accepted
    assert verdict.why == "board boiler: port 'heater' cannot take 'on': no"
    [answer] = verdict.answers
    assert (answer.outcome, answer.port, answer.board) == ("refused", "heater", "boiler")


def test_two_boards_that_take_one_topic_must_both_agree(desk: Callable[..., Desk]) -> None:
    at = desk(hall=LAMP_FILE, porch=LAMP_FILE)
    future = at.ask({LAMP: "on"})
    (one, txn, _), (other, _, _) = at.asked()
    assert {one, other} == {"hall", "porch"}
    at.proposals.take("hall", encode_verdict(txn, True))
    at.proposals.take("hall", encode_verdict(txn, False, "a change of mind"))
    assert not future.done()
    at.proposals.take("porch", encode_verdict(txn, False, "no"))
    assert not future.result(0).accepted
    assert future.result(0).why == "board porch: no"


def test_a_board_that_is_silent_refuses_after_its_time(desk: Callable[..., Desk]) -> None:
    at = desk(porch=LAMP_FILE)
    future = at.ask({LAMP: "on"})
    assert at.proposals.due_s() == pytest.approx(2.0)
    at.now += 1.9
    at.proposals.keep()
    assert not future.done()
    at.now += 0.2
    at.proposals.keep()
    assert future.result(0).why == "board porch did not answer in 2 seconds"
    assert future.result(0).answers[0].outcome == "silent"
    [(_, txn, _)] = at.asked()
    at.proposals.take("porch", encode_verdict(txn, True))  # too late, and nobody minds
    assert not future.result(0).accepted


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"online": False}, "board porch is away"),
        ({}, "board porch was never heard of"),
    ],
)
def test_a_board_that_is_away_takes_it_later_unless_it_is_required(
    desk: Callable[..., Desk], status: dict[str, Any], why: str
) -> None:
    at = desk(porch=LAMP_FILE)
    at.statuses["porch"] = status
    verdict = at.ask({LAMP: "on"}).result(0)
    assert verdict.accepted
    assert [(one.outcome, one.why) for one in verdict.answers] == [("away", why)]
    verdict = at.ask({LAMP: "on"}, 2.0, True).result(0)
    assert (verdict.accepted, verdict.why) == (False, why)
    assert at.wire.sent == []


def test_without_a_broker_all_boards_are_away(desk: Callable[..., Desk]) -> None:
    at = desk(porch=LAMP_FILE)
    at.wire.online = False
    verdict = at.ask({LAMP: "on"}, require_device=True).result(0)
    assert verdict.why == "board porch cannot be asked: the hub has no connection to the broker"


def test_what_no_board_takes_is_accepted(desk: Callable[..., Desk]) -> None:
    at = desk(porch=LAMP_FILE)
    for topic in (
        ("lamp1", "brightness", ""),
        ("lamp1", "state", "kitchen"),
        ("lamp2", "state", ""),
    ):
        assert at.ask({topic: 1}, require_device=True).result(0) == Verdict(True)


def test_code_is_asked_about_what_it_takes_like_a_port(desk: Callable[..., Desk]) -> None:
    code = '[code]\nsubscribe = { alarm = "door.alarm", sound = "house.sound[porch]" }\n'
    at = desk(porch=LAMP_FILE + code)
    at.ask({("door", "alarm", ""): "on", ("house", "sound", "porch"): 3, LAMP: "on"})
    [(board, _, values)] = at.asked()
    assert (board, values) == ("porch", {"alarm": "on", "sound": 3, "lamp": "on"})


def test_only_those_are_heard_who_were_asked(desk: Callable[..., Desk]) -> None:
    at = desk(hall=LAMP_FILE, boiler=BOILER)
    future = at.ask({LAMP: "on"})
    [(_, txn, _)] = at.asked()
    for board, word in (("boiler", txn), ("stranger", txn), ("hall", "7.000000000000")):
        at.proposals.take(board, encode_verdict(word, False, "forged"))
    at.proposals.take("hall", encode_verdict(txn, True))
    at.proposals.take("hall", encode_verdict(txn, False, "a change of mind"))
    assert future.result(0).accepted


def test_a_number_that_cannot_travel_is_refused(desk: Callable[..., Desk]) -> None:
    at = desk(boiler=BOILER)
    verdict = at.ask({("dial", "level", "kitchen"): Decimal("0.0000000001")}).result(0)
    assert not verdict.accepted
    assert "has more than 9 digits behind the point" in verdict.why


def test_what_is_under_way_is_refused_when_the_hub_ends(desk: Callable[..., Desk]) -> None:
    at = desk(porch=LAMP_FILE)
    begun = at.ask({LAMP: "on"})
    waiting = at.proposals.propose({LAMP: "off"})
    at.proposals.end("the hub was stopped")
    late = at.proposals.propose({LAMP: "on"})
    for future in (begun, waiting, late):
        assert future.result(0) == Verdict(False, "the hub was stopped")


def test_a_proposal_may_be_given_up_before_it_was_asked(desk: Callable[..., Desk]) -> None:
    at = desk(porch=LAMP_FILE)
    future = at.proposals.propose({LAMP: "on"})
    assert future.cancel()
    at.proposals.keep()
    assert at.wire.sent == []


def test_there_is_an_end_to_what_is_under_way(desk: Callable[..., Desk]) -> None:
    at = desk(porch=LAMP_FILE)
    futures = [at.ask({LAMP: "on"}) for _ in range(MAX_OPEN + 1)]
    assert futures[-1].result(0).why == f"{MAX_OPEN} proposals are under way already"
    assert not futures[0].done()


def test_any_thread_may_ask(desk: Callable[..., Desk]) -> None:
    at = desk(porch=LAMP_FILE)
    futures: list[Future[Verdict]] = []
    threads = [
        threading.Thread(target=lambda: futures.append(at.proposals.propose({LAMP: "on"})))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at.woken == 20
    at.proposals.keep()
    for board, txn, _ in at.asked():
        at.proposals.take(board, encode_verdict(txn, True))
    assert all(future.result(0).accepted for future in futures)


@pytest.mark.parametrize(
    ("shown", "changes", "why"),
    [
        ({}, {LAMP: "on"}, ""),
        ({}, {LAMP: "blue"}, "board hall: port 'lamp' has no level for 'blue': add it to its map"),
        ({}, {("dial", "level", "kitchen"): Decimal("30.0")}, ""),
        ({}, {("dial", "level", "kitchen"): 0}, ""),
        ({}, {("dial", "level", "kitchen"): "none"}, ""),
        ({}, {("dial", "level", "kitchen"): "low"}, ""),
        (
            {},
            {("dial", "level", "kitchen"): "much"},
            "board boiler: port 'dial' takes 0.5 to 30, not 'much'",
        ),
        (
            {},
            {("dial", "level", "kitchen"): Fixed(4, 1)},
            "board boiler: port 'dial' takes 0.5 to 30, not 0.4",
        ),
        ({PUMP: "on"}, {HEATER: "on"}, ""),
        ({PUMP: "off"}, {HEATER: "off"}, ""),
        ({PUMP: "off"}, {HEATER: "on", PUMP: "on"}, ""),
        (
            {PUMP: "off"},
            {HEATER: "on"},
            "board boiler: port 'heater' cannot take 'on': it needs port 'pump' at 'on', "
            "which is at 'off'",
        ),
        (
            {PUMP: "on", ("boiler1", "degrees", ""): Decimal("80.5")},
            {HEATER: True},
            "board boiler: port 'heater' cannot take true: it needs port 'sensor' at 80 or less, "
            "which is at 80.5",
        ),
    ],
)
def test_a_test_mode_answers_by_what_the_files_declare(
    desk: Callable[..., Desk], shown: dict[Any, Any], changes: dict[Any, Any], why: str
) -> None:
    at = desk(hall=LAMP_FILE, boiler=BOILER)
    at.values = shown
    verdict = at.ask(changes, mode="trial").result(0)
    assert (verdict.accepted, verdict.why) == (not why, why)
    assert at.wire.sent == []


def test_a_mode_that_is_not_there_accepts_nothing(desk: Callable[..., Desk]) -> None:
    verdict = desk(hall=LAMP_FILE).ask({LAMP: "on"}, mode="nowhere").result(0)
    assert (verdict.accepted, verdict.why) == (False, "no mode nowhere runs here")


def test_a_real_board_gives_its_verdict_and_nothing_is_switched(
    house: Path, hub: Callable[..., Any], adapter: Callable[[str], CPythonBoard]
) -> None:
    (house / "adapters" / "porch.toml").write_text(PORCH)
    heater = {"module": "boiler1", "variable": "heater"}
    pump = {"module": "boiler1", "variable": "pump", "value": '"on"'}

    def verdict_on(*changes: dict[str, Any]) -> dict[str, Any]:
        return ask(House.load(house), "ask", changes=[*changes], timeout=25)

    with hub():
        board = adapter("porch")
        lamp = {"module": "lamp1", "variable": "state", "value": '"on"'}
        while verdict_on(lamp)["boards"][0]["outcome"] == "away":
            pass  # it is on its way
        assert verdict_on(lamp)["accepted"]
        assert verdict_on({**lamp, "value": '"blue"'})["boards"] == [
            {
                "board": "porch",
                "ports": ["lamp"],
                "outcome": "refused",
                "port": "lamp",
                "why": "port 'lamp' has no level for 'blue': add it to its map",
            }
        ]
        refused = verdict_on({**heater, "value": '"on"'})
        assert refused["why"] == (
            "board porch: port 'heater' cannot take 'on': it needs port 'pump' at 'on', "
            "which is at 'off'"
        )
        assert verdict_on({**heater, "value": '"off"'})["accepted"]
        assert verdict_on({**heater, "value": "true"}, pump)["accepted"], "both together will do"
        assert [board.level(pin) for pin in ("GP1", "GP2", "GP15")] == [0, 0, 0]
