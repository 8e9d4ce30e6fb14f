"""A board that sends too much is slowed down, and drowns nobody.

Messages and batches are counted, on a clock that a test moves; nothing here is measured.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from myocan.hub.agent import pace
from myocan.hub.agent.intake import Intake
from myocan.hub.agent.pace import BURST_S, WITHHELD_MS, Pace
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.core import Core, linker
from myocan.hub.lang import compile_module
from myocan.wire import WINDOW, Outbox, encode_base, encode_up
from support.board import Board
from support.clock import until

RATE = 100
SECOND = 1000
LAMP = "MODULE lamp\nSUBSCRIBE press\nPUBLIC count 0\nON press\n  THEN count++\n"


class World:
    """An intake with a core that knows `lamp.press`, on a clock of its own; each turn syncs."""

    def __init__(self, tmp_path: Path) -> None:
        program = compile_module(LAMP, "lamp").program
        assert program is not None
        self.now = 1_800_000_000_000
        self.core = Core()
        self.core.link([program])
        self.intake = Intake(
            self.core,
            "home",
            AdapterTopics([]),
            accept_unknown=True,
            positions=[],
            now_ms=lambda: self.now,
            rate=RATE,
        )
        self.taken: dict[str, int] = {}
        self.records: dict[int, list[str]] = {}
        self._mark = 0

    def hear(self, board: str, leaf: str, payload: bytes) -> None:
        self.intake.take(f"mc1/$board/home/{board}/{leaf}", payload, False)

    def press(self, board: str, seq: int) -> None:
        self.hear(board, "up/lamp/press", encode_up(None, seq, None, 1))

    def turn(self) -> list[tuple[str, int, int]]:
        """Process what has come, as the agent does; return the acknowledgements."""
        press = self.core.topic(("", "lamp", "press"))
        texts = self.core.texts
        for topic, value, (producer, _ts) in zip(
            self.intake.topics, self.intake.values, self.intake.origins, strict=True
        ):
            if topic == press:
                self.taken[producer] = self.taken.get(producer, 0) + 1
            else:
                self.records.setdefault(topic, []).append(texts[value])
        self.intake.changed()
        self.intake.clear()
        self._mark += 1
        self.intake.written(self._mark)
        return self.intake.acks(self._mark, self._mark)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_flood_is_dropped_with_records_and_others_are_heard_in_each_batch(world: World) -> None:
    for board in ("mad", "porch"):
        world.hear(board, "base", encode_base(1, 1, 0))
    world.turn()
    seconds, sent = 8, 0
    for second in range(seconds):
        for part in range(10):  # batches of 512, of which the other board sends one
            for _ in range(511):
                sent += 1
                world.press("mad", sent)
            world.press("porch", 10 * second + part + 1)
            world.now += SECOND // 10
            world.turn()
    assert world.taken["porch"] == 10 * seconds
    assert world.taken["mad"] <= RATE * (seconds + BURST_S) + 8 * WINDOW
    (began,) = world.records.pop(linker.REJECTED)
    assert "mad sends more than 100 messages a second ([boards] rate)" in began
    assert world.records == {}
    for _ in range(60):
        world.now += SECOND
        world.turn()
        if world.intake.due_s() is None:
            break
    world.turn()
    (over,) = world.records[linker.LOST]
    assert "frames of mad were dropped" in over
    assert int(over.split()[0]) > sent // 2
    assert world.intake.due_s() is None


def test_a_board_that_waits_for_acknowledgements_is_slowed_down_and_loses_nothing(
    world: World,
) -> None:
    outbox = Outbox(1 << 20, 1, lambda: 2)
    for _ in range(3000):
        outbox.push("lamp/press", None)
    outbox.on_reconnect()
    at, spans = 0, []
    while len(outbox) and at < 120 * SECOND:
        outbox.on_tick(at)
        while (frame := outbox.sendable()) is not None:
            world.hear("porch", *frame)
        for _board, boot, seq in world.turn():
            outbox.on_ack(boot, seq)
        spans.append(world.intake.due_s())
        at += 20
        world.now += 20
    assert len(outbox) == 0
    assert world.taken == {"porch": 3000}
    assert world.records == {}
    # 200 at once, then a hundred a second, and what a base brings before its time
    assert at >= 10 * SECOND
    assert min(span for span in spans if span) >= 0


def test_an_allowance_fills_up_again_and_a_clock_that_is_set_back_does_no_harm() -> None:
    one = Pace(RATE, 10_000)
    full = one.left
    one.left = -1
    assert one.withholds_ms(10_000) == 2
    assert one.may_go_on(10_000)
    assert one.withholds_ms(9_000) == 2
    assert one.withholds_ms(9_010) == 0
    assert one.left == 9
    one.left = -(10**9)
    assert not one.may_go_on(9_010)
    assert one.dropped == 1
    assert one.withholds_ms(9_010) == 1 + 4 * WINDOW * SECOND // RATE
    assert one.settles_ms(100_000) == 0
    assert one.left == full


def test_no_acknowledgement_is_withheld_so_long_that_a_board_gives_the_hub_up() -> None:
    one = Pace(1, 0)
    one.left = -1000
    assert one.withholds_ms(0) == WITHHELD_MS
    assert one.withholds_ms(WITHHELD_MS - 1) == 1
    assert one.withholds_ms(WITHHELD_MS) == 0
    assert one.withholds_ms(WITHHELD_MS + 1) == WITHHELD_MS


def test_a_real_flood_over_a_real_broker_leaves_the_lamp_alone(
    broker, hub, slow_house, log, state, monkeypatch
) -> None:
    monkeypatch.setattr(pace, "_WINDOWS", 1)
    with (
        hub(),
        Board(broker.url, "home", "mad") as mad,
        Board(broker.url, "home", "porch", hears=["mc1/live/home/lamp1/state"]) as porch,
    ):
        mad.publish("base", b"[7,1,0]")
        for seq in range(1, 1501):
            mad.publish("up/button1/press", b"[null,%d,null,7]" % seq)
            if seq % 150 == 0:
                porch.send("lamp1/mode", "on" if seq % 300 else "off")
        porch.await_acknowledged()
        until(lambda: any("mad sends more" in row.value for row in log("$log.rejected")), "record")
    assert len(log("lamp1.mode")) == 10


@pytest.fixture
def slow_house(house: Path) -> Path:
    (house / "myocan.toml").write_text('domain = "home"\n[boards]\nrate = 1\n')
    return house
