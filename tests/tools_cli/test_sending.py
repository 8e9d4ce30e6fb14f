"""Sending one message: counted once, answered from disk, honest about who did not answer.

The broker is a real Mosquitto; the hub is the wire format's own `Inbox` behind a real `Bus`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from myocan.hub.bus import Bus
from myocan.tools.sending import NoAnswer, Sender, sender_name
from myocan.wire import (
    Inbox,
    WireError,
    board_topic,
    decode_base,
    decode_up,
    encode_ack,
    parse_topic,
)
from support.mosquitto import Mosquitto, free_port

Frame = tuple[str, bytes, bool]


class SmallHub:
    """The hub's half of the session without the rest; keeps what it took, in order.

    deaf: how many frames it misses first. mute: takes, and never acknowledges what it took.
    """

    def __init__(self, url: str, *, deaf: int = 0, mute: bool = False) -> None:
        self.taken: list[tuple[str, object]] = []
        self._deaf, self._mute = deaf, mute
        self._inboxes: dict[str, Inbox] = {}
        self._bus = Bus(url, "hub", subscriptions=[("mc1/$board/home/#", 1)])
        self._stop = threading.Event()
        self._clock = 0

    def serve(self) -> None:
        """Take what comes until told to stop."""
        self._bus.start()
        while not self._stop.is_set():
            for topic, payload, _ in self._bus.receive(0.05):
                if topic.startswith("mc1/") and not topic.endswith("/ack"):
                    self._take(topic, payload)
            self._clock += 50
            for board, inbox in self._inboxes.items():
                inbox.written(self._clock)
                inbox.synced(self._clock)
                for boot, seq in inbox.acks(self._clock):
                    if not (self._mute and seq):
                        ack = encode_ack(boot, seq, self._clock, "0" * 16)
                        topic = board_topic("home", board, "ack")
                        self._bus.publish([(topic, ack, 0, False, 0)])
        self._bus.stop()

    def stop(self) -> None:
        """Make `serve` return."""
        self._stop.set()
        self._bus.wake()

    def _take(self, topic: str, payload: bytes) -> None:
        if self._deaf:
            self._deaf -= 1
            return
        kind, _, board, *rest = parse_topic(topic)
        inbox = self._inboxes.setdefault(str(board), Inbox())
        if kind == "board" and rest == ["base"]:
            inbox.on_base(*decode_base(payload), self._clock)
        elif kind == "up":
            value, seq, _, boot = decode_up(payload)
            if inbox.on_message(boot, seq, self._clock) == "take":
                self.taken.append((topic.partition("/up/")[2], value))
        inbox.changed()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@contextmanager
def serving(hub: SmallHub) -> Iterator[SmallHub]:
    """Run a hub in a thread for as long as the block lasts."""
    thread = threading.Thread(target=hub.serve)
    thread.start()
    try:
        yield hub
    finally:
        hub.stop()
        thread.join()


def test_a_message_arrives_once_and_is_answered(broker: Mosquitto) -> None:
    with serving(SmallHub(broker.url)) as hub:
        sender = Sender(broker.url, "home", "someone")
        receipt = sender.send("button1", "press", None, None, 60)
        sender.send("lamp", "mode", "auto", "living room", 60)
    assert hub.taken == [("button1/press", None), ("lamp/mode/living room", "auto")]
    assert (receipt.board, receipt.seq) == ("someone", 1)


@pytest.mark.parametrize("deaf", [1, 2])
def test_a_hub_that_misses_frames_gets_the_message_all_the_same(
    broker: Mosquitto, deaf: int
) -> None:
    with serving(SmallHub(broker.url, deaf=deaf)) as hub:
        Sender(broker.url, "home", "someone").send("button1", "press", None, None, 60)
    assert hub.taken == [("button1/press", None)]


def why_not(url: str, said: str) -> str:
    """Return what a sender says whom nobody answers, once its time is enough to come so far that it
    says `said`."""
    why = ""
    for seconds in (0.7, 5, 40):
        with pytest.raises(NoAnswer) as caught:
            Sender(url, "home", "someone").send("button1", "press", None, None, seconds)
        why = str(caught.value)
        if said in why:
            break
    return why


def refused_by_nobody(broker: Mosquitto) -> str:
    broker.kill()
    return broker.url


@pytest.mark.parametrize(
    ("address", "said"),
    [(refused_by_nobody, "no broker answered"), (lambda broker: broker.url, "no hub of domain")],
)
def test_who_did_not_answer_is_told(
    broker: Mosquitto, address: Callable[[Mosquitto], str], said: str
) -> None:
    assert said in why_not(address(broker), said)


def test_a_hub_that_cannot_say_it_is_on_disk_is_not_believed(broker: Mosquitto) -> None:
    with serving(SmallHub(broker.url, mute=True)):
        assert "on its disk" in why_not(broker.url, "on its disk")


def test_a_password_does_not_show_when_nobody_answers() -> None:
    url = f"mqtt://me:secret@127.0.0.1:{free_port()}"
    with pytest.raises(NoAnswer) as caught:
        Sender(url, "home", "someone").send("button1", "press", None, None, 0.3)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("value", ["x" * 5000, "\ud800"])
def test_what_cannot_travel_is_refused_before_anything_is_sent(value: str) -> None:
    with pytest.raises(WireError):
        Sender("mqtt://127.0.0.1:1", "home", "someone").send("a", "b", value, None, 0.3)


def test_senders_at_the_same_time_have_different_names_and_names_come_back(tmp_path: Path) -> None:
    with sender_name(tmp_path) as first, sender_name(tmp_path) as second:
        assert first != second
    with sender_name(tmp_path) as third:
        assert third == first
