"""What `docs/wire.md` shows works as shown."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from myocan.wire import decode_data, decode_status, decode_up, parse_topic
from support.wire_hub import Hub

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "wire.md").read_text(encoding="utf-8")


def test_the_payloads_that_the_page_shows_can_be_read() -> None:
    shown = re.findall(r"^(mc1/\S+) (\[.*\])$", PAGE, re.MULTILINE)
    assert [parse_topic(topic)[0] for topic, _ in shown] == ["up", "data"]
    decode_up(shown[0][1].encode())
    decode_data(shown[1][1].encode())
    (status,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert decode_status(status.encode())["online"] is True


@pytest.mark.parametrize("seed", range(20))
def test_the_smallest_board_loses_nothing(seed: int) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    chance = random.Random(seed)
    hub = Hub()
    if seed % 2:
        hub.positions[7] = (3, hub.now_ms)  # the first boot number is taken
        hub.lose_power()
    frames: list[tuple[str, bytes]] = []
    boots = [8, 7]
    board = names["SmallBoard"](
        lambda leaf, payload: frames.append((leaf, payload.encode())), boots.pop
    )
    pushed = 0
    for step in range(600):
        hub.now_ms += 60
        fair = step >= 300
        if not fair and chance.random() < 0.3:
            pushed += 1
            board.push("button1/press", str(pushed), hub.now_ms)
        while frames:
            frame = frames.pop(0)
            for _ in range(1 if fair else chance.choice((0, 1, 1, 2))):
                hub.receive(*frame)
        if fair or chance.random() < 0.7:
            hub.commit()
            if fair or chance.random() < 0.7:
                hub.sync()
        elif chance.random() < 0.2:
            hub.lose_power()
        for payload in hub.acks():
            if fair or chance.random() < 0.8:
                board.on_ack(payload)
        board.tick()
        if not fair and chance.random() < 0.05:
            frames.clear()
            board.connected()
    assert board.held == []
    assert [value for _, _, value in hub.log] == list(range(1, pushed + 1))
