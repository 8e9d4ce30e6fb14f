"""Prometheus looks on while the hub runs."""

from __future__ import annotations

import json
import re
import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from myocan.hub.errors import HubError
from myocan.hub.metrics import HubCollector
from support.board import Board

DASHBOARD = Path(__file__).parents[3] / "tools" / "grafana" / "hub.json"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def figures(port: int) -> dict[tuple[str, str], float]:
    """What Prometheus reads: (name, its label's value) -> figure."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
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


def test_an_address_that_is_taken_is_told(house, hub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (house / "myocan.toml").write_text(f'[metrics]\nlisten = "127.0.0.1:{port}"\n')
        with pytest.raises(HubError, match=f"nothing can listen at 127.0.0.1:{port}"), hub():
            pass
