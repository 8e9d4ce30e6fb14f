"""Prometheus looks on while the hub runs."""

from __future__ import annotations

import json
import re
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from myocan.hub.errors import HubError
from myocan.hub.metrics import HubCollector
from myocan.hub.models import CommitRejected, StaleCheckout, State
from support.board import Board
from support.mosquitto import free_port

DASHBOARD = Path(__file__).parents[3] / "tools" / "grafana" / "hub.json"


MODELS = """
from myocan.hub import StateModel, field


class Pump(StateModel):
    speed: int = field(default=0, ge=0, le=100)

    def check(self):
        if 0 < self.speed < 10:
            raise ValueError("below 10 it does not turn")


found = []


def setup(hub):
    found.append(hub.state)
"""


def figures(port: int) -> dict[tuple[str, str], float]:
    """What Prometheus reads: (name, its label's value) -> figure."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        (sample.name, next(iter(sample.labels.values()), "")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_prometheus_sees_messages_and_boards(broker, house, hub, log) -> None:
    port = free_port()
    (house / "myocan.toml").write_text(f'domain = "home"\n[metrics]\nlisten = "127.0.0.1:{port}"\n')
    with Board(broker.url, "home", "porch") as board, hub() as running:
        before = figures(port)
        status = {"online": True, "boot": board.outbox.boot, "wire": 1, "lost": 3}
        board.publish("status", json.dumps(status).encode(), retain=True)
        board.send("button1/press")
        board.await_acknowledged()
        seen = figures(port)
    messages = ("myocan_hub_messages_total", "live")
    assert seen[messages] - before.get(messages, 0) >= 2  # the press, and what the lamp made of it
    assert seen["myocan_hub_connected", ""] == 1
    assert seen["myocan_hub_incarnation", ""] == 1
    assert seen["myocan_hub_store_bytes", ""] > 0
    assert seen["myocan_board_online", "porch"] == 1
    assert seen["myocan_board_lost", "porch"] == 3
    with pytest.raises(OSError, match="refused"):  # nobody listens after the end
        figures(port)

    registry = CollectorRegistry()
    registry.register(HubCollector(running.agent.figures))
    there = {sample.name for family in registry.collect() for sample in family.samples}
    asked = set(re.findall(r"myocan_\w+", json.dumps(json.loads(DASHBOARD.read_text())["panels"])))
    assert asked == there


def test_commits_are_counted_once_whoever_makes_them(house, hub) -> None:
    port = free_port()
    (house / "myocan.toml").write_text(f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
    (house / "models.py").write_text(MODELS)
    with hub():
        module = sys.modules["models"]
        end = time.monotonic() + 60
        while not module.found and time.monotonic() < end:
            time.sleep(0.01)
        (own,) = module.found
        remote = State.connect(house)
        for state in (own, remote):
            state.update(module.Pump, speed=50 if state is own else 60)
            with pytest.raises(CommitRejected, match="does not turn"):
                state.update(module.Pump, speed=5)
        overtaken = remote.checkout(module.Pump)
        overtaken.speed = 70
        own.update(module.Pump, speed=80)
        with pytest.raises(StaleCheckout):
            remote.commit(overtaken)
        remote.close()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
    assert 'myocan_state_commit_seconds_count{model="pump"} 3.0' in lines
    rejections = [line.split()[-1] for line in lines if line.startswith("myocan_state_rejections_")]
    assert rejections[:3] == ["0.0", "1.0", "0.0"]  # by the hub's own; the other's never came to it


def test_an_address_that_is_taken_is_told(house, hub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (house / "myocan.toml").write_text(f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
        with pytest.raises(HubError, match=f"nothing can listen at 127.0.0.1:{port}"), hub():
            pass
