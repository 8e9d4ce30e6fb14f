"""The hub is killed in the middle of its work, again and again: every press counts exactly once.

Real processes: `myocan run` with a store on disk, a real Mosquitto, the real session of a board.
The board and the counter are far apart: the board counts what it pressed, a module counts what the
hub took, and a lamp shows whether the outputs followed.
"""

from __future__ import annotations

import json
import random
from pathlib import Path

from myocan.hub.store import Reader
from support.board import Board, Heard, Value
from support.clock import until
from support.hub_process import HubProcess
from support.mosquitto import Mosquitto

PRESSES = 2000
KILLS = 12

COUNTER = """
MODULE counter
    SUBSCRIBE button1.press
    SUBSCRIBE meter.reading 0
    PUBLIC total 0
    PUBLIC lamp {off, on}
    PRIVATE sum 0
    ON button1.press
        THEN total++
        THEN next(lamp)
    ON meter.reading
        THEN sum = sum + meter.reading
"""


def test_kill_9_amid_a_stream_of_presses_loses_none_and_doubles_none(tmp_path: Path) -> None:
    chance = random.Random(20)  # kills at other moments make another test, not a flaky one
    house = tmp_path / "house"
    (house / "modules").mkdir(parents=True)
    (house / "myocan.toml").write_text('domain = "home"\n')
    (house / "modules" / "counter.scc").write_text(COUNTER)
    with Mosquitto(tmp_path / "broker", config="set_tcp_nodelay true") as broker:
        hub = HubProcess(house, "--broker", broker.url)
        topics = ["mc1/live/home/counter/total", "mc1/live/home/counter/lamp"]
        with Board(broker.url, "home", "porch", hears=topics) as board:
            hub.start()
            sent = 0
            for kill in range(1, KILLS + 1):
                share = PRESSES * kill // KILLS
                moment = chance.randrange(sent, share)
                while sent < share:
                    board.send("button1/press")
                    board.send("meter/reading", sent)
                    sent += 1
                    if sent == moment:
                        kept = chance.randrange(2, 200)
                        board.await_that(lambda n=kept: len(board.outbox) < n, "some progress", 60)
                        hub.kill()
                        hub.start()
            board.await_acknowledged(60)
            board.await_that(
                lambda: board.values("counter.total")[-1:] == [PRESSES], "the last total", 60
            )
            lamps = board.values("counter.lamp")
            assert hub.stop() == 0
    assert board.outbox.lost == 0
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        state = {f"{module}.{name}": value for (module, name, _), value in reader.state().items()}
        presses = list(reader.messages("live", module="button1", variable="press"))
        records = list(reader.messages("live", module="$log"))
    assert state["counter.total"] == str(PRESSES)
    assert state["counter.sum"] == str(PRESSES * (PRESSES - 1) // 2)
    assert (state["counter.lamp"], lamps[-1]) == ('"off"', "off")  # an even count
    assert len(presses) == PRESSES
    assert records == []
    # What went out twice did so under its old offset, by which a board knows it.
    applied = newest(board.heard, "counter.total")
    assert applied == sorted(applied)
    assert applied[-1] == PRESSES


def newest(heard: list[Heard], topic: str) -> list[Value]:
    """Return the values that a board applies: those beyond the last (incarnation, offset)."""
    values, mark = [], (0, 0)
    for name, value, incarnation, offset in heard:
        if name == topic and (incarnation, offset) > mark:
            values.append(value)
            mark = (incarnation, offset)
    return values


DOORBELL = """
MODULE doorbell
    SUBSCRIBE button1.press
    PRIVATE count 0
    EXTERNAL notify
    ON button1.press
        THEN count++
        THEN notify("ring", count)
"""
NOTIFY = """
import json, os, pathlib
from myocan.hub import external

made = os.open(pathlib.Path(__file__).with_name("made"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

@external
def notify(text, count, *, key):
    os.write(made, (json.dumps([text, count, key]) + chr(10)).encode())
"""


def test_kill_9_amid_calls_makes_each_at_least_once_in_order(tmp_path: Path) -> None:
    chance = random.Random(4)
    house = tmp_path / "house"
    (house / "modules").mkdir(parents=True)
    (house / "myocan.toml").write_text('domain = "home"\n')
    (house / "modules" / "doorbell.scc").write_text(DOORBELL)
    (house / "externals.py").write_text(NOTIFY)
    rings, kills = 300, 4

    def calls() -> list[tuple[int, tuple[str, int, int, int]]]:
        file = house / "made"
        lines = file.read_text().splitlines() if file.exists() else []
        return [(count, tuple(key)) for _text, count, key in map(json.loads, lines)]

    with Mosquitto(tmp_path / "broker", config="set_tcp_nodelay true") as broker:
        hub = HubProcess(house, "--broker", broker.url)
        with Board(broker.url, "home", "porch") as board:
            hub.start()
            for _ in range(kills):
                before = len(calls())
                for _ in range(rings // kills):
                    board.send("button1/press")
                wanted = before + chance.randrange(1, rings // kills)
                until(lambda n=wanted: len(calls()) >= n, "some calls")
                hub.kill()
                hub.start()
            board.await_acknowledged(60)
            until(lambda: calls()[-1][0] == rings, "the last call")
            assert hub.stop() == 0
    made = calls()
    first = list(dict.fromkeys(made))
    assert [count for count, _key in first] == list(range(1, rings + 1))  # none left out, in order
    assert len({key for _count, key in first}) == rings  # one key a call, however often it was made
    assert len(made) <= (kills + 1) * rings
    with Reader(house / ".myocan" / "store.sqlite") as reader:
        rows = list(reader.messages("live", module="$external", variable="notify"))
        assert reader.value("live", "$external", "$done") == str(rows[-1].offset)
        assert list(reader.messages("live", module="$log")) == []
    assert [row.offset for row in rows] == [key[2] for _count, key in first]
