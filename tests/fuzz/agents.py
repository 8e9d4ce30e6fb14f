"""A whole hub, on one thread, with a bus that says what the input says.

The one idea: whatever boards and programs of its user send, the hub runs until it is told to stop,
and what came before and after is in the log.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Sequence
from typing import Any

from fuzz.target import Target
from myocan.hub.agent import Agent
from myocan.hub.bus import CONNECTED
from myocan.hub.control import Request
from myocan.hub.house import House
from myocan.hub.store import Reader

LAMP = """MODULE lamp[location]
    SUBSCRIBE button1.press
    SUBSCRIBE mode {auto, off, on}
    PUBLIC state {off, on}
    PRIVATE count 0
    ON button1.press
        THEN next(state)
        THEN count++
"""
COUNTER = """MODULE counter
    SUBSCRIBE button1.press
    PRIVATE count 0
    ON button1.press
        THEN count++
"""
Frame = tuple[str, bytes, bool]


class _Bus:
    """Says what it is given, a few frames a time; then tells the agent to stop."""

    def __init__(self, script: list[list[Frame | dict[str, Any]]]) -> None:
        self.script = script
        self.agent: Agent | None = None
        self.online = False
        self._last = 0

    def __call__(self, *_: object, **__: object) -> _Bus:
        return self

    def start(self) -> None:
        self.script.insert(0, [(CONNECTED, b"", False)])

    def stop(self, *_: object, **__: object) -> None:
        pass

    def wake(self) -> None:
        pass

    def publish(self, frames: Sequence[tuple[str, bytes, int, bool, int]]) -> bool:
        for topic, payload, _qos, _retain, token in frames:
            self._last = max(self._last, token)
            if topic.endswith("/probe"):
                self.script.insert(0, [(topic, payload, False)])
        return True

    def confirmed(self) -> int:
        return self._last

    def receive(self, timeout: float | None) -> list[Frame]:
        assert self.agent is not None
        if not self.script:
            self.agent.stop()
            return []
        frames = []
        for one in self.script.pop(0):
            if isinstance(one, dict):
                self.agent._control.requests.put(Request(one))
            else:
                frames.append(one)
        return frames


class Lives(Target):
    """Lines of an input: a request as a JSON object, or `topic payload`."""

    name = "agent"

    def take(self, data: bytes, chance: random.Random) -> str:
        root = self.folder / "house"
        shutil.rmtree(root, ignore_errors=True)
        (root / "modules").mkdir(parents=True)
        (root / "myocan.toml").write_text("")
        (root / "modules" / "lamp.scc").write_text(LAMP)
        (root / "modules" / "counter.scc").write_text(COUNTER)
        up = "mc1/$board/home/hall/"
        press = (up + "up/button1/press", b"[null,%d,null,5]")
        script: list[list[Frame | dict[str, Any]]] = [
            [(up + "base", b"[5,1,0]", False), (press[0], press[1] % 1, False)],
            *([self._meant(line)] for line in data.split(b"\n")[:20]),
            [(up + "base", b"[5,1,0]", False), (press[0], press[1] % 2, False)],
            [],
        ]
        bus = _Bus(script)
        agent = Agent(
            House.load(root),
            broker_url="mqtt://127.0.0.1:1",
            now_ms=lambda: 1_700_000_000_000,
            fdatasync=lambda descriptor: None,
            make_bus=bus,  # type: ignore[arg-type]
        )
        bus.agent = agent
        agent.run()
        with Reader(root / ".myocan" / "store.sqlite") as reader:
            presses = list(reader.messages("live", module="button1", variable="press"))
        told = any(line.startswith(b"mc1/$board/home/hall/") for line in data.split(b"\n"))
        assert told or len(presses) >= 2, "a press is missing"
        return "lived"

    def _meant(self, line: bytes) -> Frame | dict[str, Any]:
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            content = None
        if isinstance(content, dict) and isinstance(content.get("command"), str):
            return content
        topic, _, payload = line.partition(b" ")
        return topic.decode(errors="replace").replace("\0", ""), payload, False
