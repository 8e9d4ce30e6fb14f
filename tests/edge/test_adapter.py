"""The adapter's own part of the session: timers, status, silence; on a link and a clock of paper.

What needs a broker is in test_session.py; here are the things that take minutes of silence, or a
network that fails at one exact moment.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from myocan.edge import ConfigError
from myocan.edge.adapter import VERSION, Adapter
from myocan.edge.clock import NEVER
from myocan.edge.pins.simulated import SimulatedPins
from myocan.edge.ticks import PERIOD
from myocan.wire import (
    decode_base,
    decode_log,
    decode_status,
    decode_up,
    encode_ack,
    encode_data,
    encode_propose,
)
from support.edge_boards import BUTTON, CONTACT, LAMP, LAMP_TOPIC, ROOT, configuration

OWN = "mc1/$board/home/porch/"
STORE = "00000000000000aa"


class PaperLink:
    """A link whose network does what the test says. It connects at the first step."""

    def __init__(self) -> None:
        self.ready = False
        self.connection = 0
        self.reason = ""
        self.reachable = True
        self.room = 1_000_000
        self.sent: list[tuple[str, bytes, bool]] = []
        self.probes = 0
        self.subscriptions: list[list[str]] = []
        self.closed_with: tuple[str, bytes] | None = None

    def attach(self, topics: list[str], will: Callable[[], Any], take: Any) -> None:
        self.topics, self.will, self.take = topics, will, take

    def step(self, now: int) -> None:
        if not self.ready and self.reachable:
            self.ready = True
            self.connection += 1

    def writable(self) -> bool:
        return self.ready and self.room > 0

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        assert self.writable()
        self.room -= 1
        self.sent.append((topic, payload, retain))

    def subscribe(self, topics: list[str]) -> None:
        self.subscriptions.append(topics)

    def probe(self) -> None:
        self.probes += 1

    def renew(self, reason: str) -> None:
        self.ready = False
        self.reason = reason

    def close(self, topic: str, payload: bytes) -> None:
        self.closed_with = (topic, payload)

    def due(self, now: int) -> int:
        return NEVER

    def watch(self, stream: Any) -> None:
        pass

    def wait(self, ms: int) -> None:
        raise AssertionError("time here is the test's")


class Desk:
    """An adapter, its paper link, and a hub that answers when the test lets it."""

    def __init__(self, ports: list[dict[str, Any]], start: int = 0, **more: Any) -> None:
        self.link = PaperLink()
        self.pins = SimulatedPins()
        self.now = start
        self.said: list[str] = []
        self.adapter = Adapter(
            configuration(1, ports, **more),
            self.link,
            self.pins,
            self.said.append,
            ticks=lambda: self.now % PERIOD,
        )
        self.answering = True
        self.store = STORE
        self.taken: list[tuple[str, Any, int | None]] = []
        self._answered = 0
        self._last = 0

    def run(self, ms: int) -> None:
        """Let time pass, in the steps that the adapter itself asks for."""
        end = self.now + ms
        while True:
            due = self.adapter.step()
            if self._answer():
                continue  # it arrives within the same millisecond
            if self.now >= end:
                return
            self.now += max(1, min(due, end - self.now))

    def statuses(self) -> list[dict[str, Any]]:
        return [decode_status(payload) for topic, payload, _ in self.link.sent if "status" in topic]

    def bases(self) -> list[tuple[int, int, int]]:
        return [decode_base(payload) for topic, payload, _ in self.link.sent if "base" in topic]

    def acknowledge(self, seq: int, boot: int | None = None) -> None:
        boot = self.adapter.outbox.boot if boot is None else boot
        ack = encode_ack(boot, seq, 1_700_000_000_000 + self.now, self.store)
        self.link.take(OWN + "ack", ack, False)

    def data(self, value: Any, offset: int, incarnation: int = 1) -> None:
        payload = encode_data(value, offset, 0, "test", incarnation)
        self.link.take(LAMP_TOPIC, payload, True)

    def _answer(self) -> bool:
        """Do what a hub does with what was sent since the last time."""
        new = self.link.sent[self._answered :]
        self._answered = len(self.link.sent)
        if not self.answering or not self.link.ready:
            return False
        due = False
        for topic, payload, _ in new:
            if topic == OWN + "base":
                due = True
            elif "/up/" in topic:
                value, seq, ts, _ = decode_up(payload)
                due = True
                if seq == self._last + 1:
                    self._last = seq
                    self.taken.append((topic.removeprefix(OWN + "up/"), value, ts))
        if due:
            self.acknowledge(self._last)
        return due


@pytest.fixture
def make_desk() -> Iterator[Callable[..., Desk]]:
    """Makes desks, and frees their pins."""
    with ExitStack() as stack:

        def make(ports: list[dict[str, Any]] | None = None, **more: Any) -> Desk:
            desk = Desk([BUTTON, CONTACT, LAMP] if ports is None else ports, **more)
            stack.callback(desk.pins.close)
            return desk

        yield make


MakeDesk = Callable[..., Desk]


def test_it_says_what_it_is_then_asks_and_sends_nothing_before_the_answer(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk()
    desk.answering = False
    desk.run(100)
    assert [topic.removeprefix(OWN) for topic, _, _ in desk.link.sent] == ["status", "base"]
    assert [retain for _, _, retain in desk.link.sent] == [True, False]
    desk.answering = True
    desk.acknowledge(0)
    desk.run(100)
    assert [name for name, _, _ in desk.taken] == ["door/state"]


def test_it_subscribes_to_its_own_name_and_to_what_its_ports_take_once_each(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk([LAMP, {**LAMP, "name": "twin", "pin": "GP1"}, BUTTON])
    assert desk.link.topics == [OWN + "ack", OWN + "status", LAMP_TOPIC, OWN + "propose"]
    assert make_desk([BUTTON]).link.topics == [OWN + "ack", OWN + "status"]


def test_a_proposal_that_the_broker_has_kept_is_not_answered(make_desk: MakeDesk) -> None:
    desk = make_desk([LAMP])
    desk.run(10)
    payload = encode_propose("1.1", 2_000_000_000_000, {"lamp": "on"})
    for retained, verdicts in ((True, 0), (False, 1)):
        desk.link.take(OWN + "propose", payload, retained)
        desk.run(10)
        assert [topic for topic, _, _ in desk.link.sent].count(OWN + "verdict") == verdicts


def test_an_interlock_is_looked_at_again_as_soon_as_another_port_falls_back(
    make_desk: MakeDesk,
) -> None:
    guard = {"needs": [["pump", "", ["on"], None, None]]}
    heater = {**LAMP, "name": "heater", "guard": guard}
    pump = {**LAMP, "name": "pump", "pin": "GP1", "subscribe": "mc1/x/y/z", "hold_s": 1}
    desk = make_desk([heater, pump])
    desk.run(10)
    for topic in (LAMP_TOPIC, "mc1/x/y/z"):
        desk.link.take(topic, encode_data("on", 5, 0, "test", 1), True)
    desk.run(10)
    assert [desk.pins.level(pin) for pin in ("GP15", "GP1")] == [1, 1]
    desk.link.reachable = desk.link.ready = False
    desk.run(999)
    assert [desk.pins.level(pin) for pin in ("GP15", "GP1")] == [1, 1]
    desk.now += 1
    assert desk.adapter.step() == 0
    desk.adapter.step()
    assert [desk.pins.level(pin) for pin in ("GP15", "GP1")] == [0, 0]


def test_the_will_is_the_offline_status_of_the_connection_that_it_is_left_at(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk()
    desk.run(10)
    topic, payload = desk.link.will()
    assert topic == OWN + "status"
    assert decode_status(payload) == {
        "online": False,
        "connection": desk.link.connection,
        "boot": desk.adapter.outbox.boot,
        "wire": 1,
        "reason": "the connection broke",
    }


def test_an_idle_board_asks_every_ten_seconds_and_sleeps_in_between(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.run(500)
    before, steps = len(desk.link.sent), 0
    end = desk.now + 60_000
    while desk.now < end:
        desk.now += max(1, desk.adapter.step())
        desk._answer()
        steps += 1
    topics = [topic.removeprefix(OWN) for topic, _, _ in desk.link.sent[before:]]
    assert topics.count("base") == 6
    assert set(topics) <= {"base", "status"}
    assert steps < 100


def test_an_answer_that_does_not_come_is_asked_for_again_and_the_broker_probed(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk()
    desk.run(100)
    desk.answering = False
    desk.run(20_000)
    assert desk.link.probes >= 5
    assert len(desk.bases()) >= 6
    assert desk.link.connection == 1
    before = len(desk.bases())
    desk.answering = True
    desk.run(2_000)
    assert len(desk.bases()) > before
    probes = desk.link.probes
    desk.run(20_000)
    assert desk.link.probes == probes, "and then there is peace"


def test_a_silent_hub_renews_the_connection_less_and_less_often(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.run(100)
    desk.answering = False
    ends = []
    for _ in range(3600):
        before = desk.link.connection
        desk.run(1_000)
        ends += [desk.now // 1000] * (desk.link.connection - before)
    gaps = [later - earlier for earlier, later in zip([0, *ends], ends, strict=False)]
    assert [round(gap / 30) for gap in gaps] == [1, 2, 4, 8, 16, 16, 16, 16, 16, 16]
    assert "the hub is silent" in desk.statuses()[-1]["reason"]
    desk.answering = True
    desk.run(60_000)
    desk.answering = False
    desk.run(31_000)
    assert desk.link.connection == len(ends) + 2, "a hub that was heard starts it all over"


def test_a_full_network_delays_but_loses_nothing_and_breaks_no_order(make_desk: MakeDesk) -> None:
    desk = make_desk([{**BUTTON, "publish": {"press": "a/p", "release": "a/r"}}])
    desk.run(100)
    for _ in range(20):
        desk.link.room = 0
        desk.pins.drive("GP14", 0)
        desk.run(10)
        desk.link.room = 1
        desk.pins.drive("GP14", 1)
        desk.run(10)
    desk.link.room = 1_000_000
    desk.run(5_000)
    assert [name for name, _, _ in desk.taken] == ["a/p", "a/r"] * 20


def test_a_network_that_takes_nothing_does_not_keep_the_processor_busy(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk()
    desk.run(100)
    desk.link.room = 0
    desk.data("on", 1)
    end, steps = desk.now + 10_000, 0
    while desk.now < end:
        desk.now += max(1, desk.adapter.step())
        steps += 1
    assert steps < 100


def test_a_connection_that_breaks_in_the_middle_of_sending_loses_nothing(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk([{**BUTTON, "publish": {"press": "a/p", "release": "a/r"}}])
    desk.run(100)
    desk.answering = False
    for _ in range(5):
        desk.pins.drive("GP14", 0)
        desk.run(10)
        desk.pins.drive("GP14", 1)
        desk.run(10)
        desk.link.renew("cut")
        desk.run(10)
    desk.answering = True
    desk.run(5_000)
    assert [name for name, _, _ in desk.taken] == ["a/p", "a/r"] * 5
    assert desk.said.count("offline: cut") == 5


def test_events_carry_the_hubs_time_of_their_press_also_when_the_clock_goes_round(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk([BUTTON], start=PERIOD - 3_000)
    desk.link.reachable = False
    desk.run(1_000)
    desk.pins.drive("GP14", 0)
    desk.run(4_000)
    desk.link.reachable = True
    desk.run(1_000)
    assert [ts for _, _, ts in desk.taken] == [1_700_000_000_000 + PERIOD - 2_000]


def test_changes_of_outputs_are_told_together_in_one_status(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.run(2_000)
    before = len(desk.statuses())
    for offset in range(1, 11):
        desk.data("on" if offset % 2 else "off", offset)
        desk.run(50)
    desk.run(3_000)
    new = desk.statuses()[before:]
    assert len(new) == 1
    assert new[0]["applied"] == {"lamp": "off"}
    assert new[0]["connection"] == 1


@pytest.mark.parametrize("retained", [False, True])
def test_a_late_will_is_answered_at_once_and_a_retained_one_not_at_all(
    make_desk: MakeDesk, retained: bool
) -> None:
    desk = make_desk()
    desk.run(2_000)
    before = len(desk.statuses())
    desk.link.take(OWN + "status", b'{"online":false,"connection":0}', retained)
    desk.run(20)
    assert len(desk.statuses()) - before == (0 if retained else 1)


def test_a_port_whose_value_is_refused_does_not_keep_others_from_coming_back(
    make_desk: MakeDesk,
) -> None:
    picky = {**LAMP, "name": "picky", "pin": "GP1", "hold_s": 0, "map": [["up", 1], ["down", 0]]}
    desk = make_desk([picky, {**LAMP, "hold_s": 0}])
    desk.answering = False
    desk.run(10)
    desk.data("on", 1)
    assert desk.pins.level("GP15") == 0
    desk.answering = True
    desk.acknowledge(0)
    assert desk.pins.level("GP15") == 1
    desk.run(100)
    remarks = [decode_log(payload)[1] for topic, payload, _ in desk.link.sent if "log" in topic]
    assert remarks == ["port 'picky' has no level for 'on': add it to its map"]


def test_another_store_renews_marks_subscriptions_and_readings(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.run(100)
    desk.data("on", 1000, 57)
    desk.store = "00000000000000bb"
    bases = len(desk.bases())
    desk.data("off", 3, 1)
    desk.run(50)
    assert len(desk.bases()) == bases + 1, "an old message makes it ask at once"
    assert desk.link.subscriptions == [desk.link.topics]
    assert [name for name, _, _ in desk.taken] == ["door/state", "door/state"]
    desk.data("off", 3, 1)
    assert desk.pins.level("GP15") == 0


def test_a_reading_that_was_thrown_away_is_told_again_once_there_is_room(
    make_desk: MakeDesk,
) -> None:
    desk = make_desk([BUTTON, CONTACT], outbox=350)
    desk.run(100)
    desk.link.reachable = False
    desk.link.renew("cut")
    desk.run(10)
    desk.pins.drive("GP13", 0)
    desk.run(20)
    for _ in range(5):
        desk.pins.drive("GP14", 0)
        desk.run(20)
        desk.pins.drive("GP14", 1)
        desk.run(20)
    assert desk.adapter.outbox.lost > 0
    desk.taken.clear()
    desk._last = desk.adapter.outbox.base - 1
    desk.link.reachable = True
    desk.run(1_000)
    assert desk.taken[-1][:2] == ("door/state", "shut")


def test_what_cannot_travel_is_remarked_and_does_not_stop_the_board(make_desk: MakeDesk) -> None:
    desk = make_desk([{**BUTTON, "publish": {"press": "Button 1/press", "release": "a/r"}}])
    desk.run(100)
    desk.pins.drive("GP14", 0)
    desk.run(10)
    desk.pins.drive("GP14", 1)
    desk.run(100)
    assert [name for name, _, _ in desk.taken] == ["a/r"]
    assert any("Button 1/press" in line for line in desk.said)


def test_why_there_is_no_connection_is_said_once_for_each_reason(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.link.reachable = False
    for reason in ("refused", "refused", "silent"):
        desk.link.reason = reason
        desk.run(10)
    desk.link.reachable = True
    desk.run(10)
    assert desk.said == ["offline: refused", "offline: silent", "online"]


def test_who_watches_later_is_told_again_why_there_is_no_connection(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.link.reachable = False
    desk.link.reason = "refused"
    desk.run(40_000)
    desk.link.reachable = True
    desk.run(40_000)
    assert desk.said == ["offline: refused"] * 3 + ["online"]


def test_closing_leaves_outputs_safe_and_says_why(make_desk: MakeDesk) -> None:
    desk = make_desk()
    desk.run(100)
    desk.data("on", 1)
    desk.adapter.close("for the test")
    assert desk.pins.level("GP15") == 0
    assert desk.link.closed_with is not None
    assert decode_status(desk.link.closed_with[1])["reason"] == "for the test"


def test_a_port_that_cannot_be_made_safe_does_not_keep_others_from_it(
    make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk([{**LAMP, "name": "broken", "pin": "GP1"}, LAMP])
    desk.run(100)
    desk.data("on", 1)

    def fail() -> None:
        raise OSError("no such pin any more")

    monkeypatch.setattr(desk.adapter.ports[0], "make_safe", fail)
    desk.adapter.make_safe()
    assert desk.pins.level("GP15") == 0
    assert any("broken" in line for line in desk.said)


def test_a_configuration_of_another_wire_version_is_refused(make_desk: MakeDesk) -> None:
    pins = make_desk().pins
    with pytest.raises(ConfigError, match="flash it again"):
        Adapter({**configuration(1), "wire": 2}, PaperLink(), pins)


def test_the_version_is_the_distributions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION
