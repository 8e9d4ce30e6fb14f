"""A board that speaks a version of the wire format that this hub does not is told of, not heard."""

from __future__ import annotations

import pytest

from myocan.hub.agent.intake import Intake
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.core import Core, linker
from myocan.wire import encode_base, encode_status

NOW = 1_800_000_000_000


class Hub:
    """The hub's ear; `records` is what it noted."""

    def __init__(self) -> None:
        self.core = Core()
        self.intake = Intake(
            self.core,
            "home",
            AdapterTopics([]),
            accept_unknown=True,
            positions=[],
            now_ms=lambda: NOW,
            rate=100,
        )

    def hear(self, leaf: str, payload: bytes) -> None:
        self.intake.take(f"mc1/$board/home/porch/{leaf}", payload, False)

    def acknowledges(self) -> bool:
        """Whether the board gets an answer to what it has said."""
        self.intake.written(1)
        return bool(self.intake.acks(1, 1))

    def records(self) -> list[str]:
        pairs = zip(self.intake.topics, self.intake.values, strict=True)
        return [self.core.texts[value] for topic, value in pairs if topic == linker.REJECTED]


@pytest.fixture
def hub() -> Hub:
    return Hub()


def test_it_gets_no_answer_and_one_record(hub: Hub) -> None:
    for _ in range(3):
        hub.hear("status", encode_status({"online": True, "wire": 2}))
        hub.hear("base", encode_base(1, 1, 0))
    assert not hub.acknowledges()
    (said,) = hub.records()
    assert "porch speaks version 2 of the wire format, and this hub 1" in said


def test_it_is_heard_once_it_speaks_ours(hub: Hub) -> None:
    hub.hear("status", encode_status({"online": True, "wire": 2}))
    hub.hear("status", encode_status({"online": True, "wire": 1}))
    hub.hear("base", encode_base(1, 1, 0))
    assert hub.acknowledges()


def test_one_that_does_not_say_is_heard(hub: Hub) -> None:
    hub.hear("status", encode_status({"online": True}))
    hub.hear("base", encode_base(1, 1, 0))
    assert hub.acknowledges()
