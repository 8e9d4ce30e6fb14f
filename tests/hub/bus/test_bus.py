"""What goes in comes out: a bus with each kind of broker, while all goes well."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from myocan.hub.bus import CONNECTED, REFUSED, Bus, Frame
from support.buses import DEADLINE_S, MakeBus, Peer, at_least, confirmed, connected, numbered, take
from support.mosquitto import Mosquitto

ONLINE = [(CONNECTED, b"", False)]


def test_connected_comes_first_and_messages_in_the_order_of_their_publishing(
    peer: Peer, make_bus: MakeBus
) -> None:
    bus = make_bus(peer.url, protocol=peer.protocol, subscriptions=[("mc1/+", 1)])
    assert take(bus, connected) == ONLINE
    assert bus.online
    assert bus.protocol == peer.speaks
    sent = numbered(1, 1100)
    assert bus.publish(sent)
    got = take(bus, at_least(len(sent)))
    assert [(topic, payload) for topic, payload, _ in got] == [frame[:2] for frame in sent]


def test_confirmed_rises_to_the_last_token_and_never_falls(peer: Peer, make_bus: MakeBus) -> None:
    bus = make_bus(peer.url, protocol=peer.protocol)
    take(bus, connected)
    seen = [bus.confirmed()]

    def reached(token: int) -> bool:
        seen.append(bus.confirmed())
        return seen[-1] == token

    assert bus.publish(numbered(1, 400))
    take(bus, lambda _: reached(400))
    assert bus.publish(numbered(401, 800))
    take(bus, lambda _: reached(800))
    bus.publish([("mc1/lower", b"", 1, False, 3), ("mc1/untold", b"", 1, False, 0)])
    bus.publish([("mc1/last", b"", 1, False, 801)])
    take(bus, lambda _: reached(801))
    assert seen == sorted(seen)
    assert seen[0] == 0


def test_a_retained_message_says_so_and_a_live_one_does_not(peer: Peer, make_bus: MakeBus) -> None:
    hub = make_bus(peer.url, "hub", protocol=peer.protocol)
    take(hub, connected)
    hub.publish([("mc1/lamp", b"on", 1, True, 1)])
    take(hub, confirmed(hub, 1))
    viewer = make_bus(peer.url, "viewer", protocol=peer.protocol, subscriptions=[("mc1/lamp", 1)])
    assert take(viewer, at_least(2)) == [*ONLINE, ("mc1/lamp", b"on", True)]
    hub.publish([("mc1/lamp", b"off", 1, True, 2)])
    assert take(viewer, at_least(1)) == [("mc1/lamp", b"off", False)]
    hub.publish([("mc1/lamp", b"", 1, True, 3)])
    assert take(viewer, at_least(1)) == [("mc1/lamp", b"", False)]


def test_an_empty_payload_and_a_large_one_pass_whole(peer: Peer, make_bus: MakeBus) -> None:
    bus = make_bus(peer.url, protocol=peer.protocol, subscriptions=[("mc1/+", 0)])
    take(bus, connected)
    large = bytes(range(256)) * 256
    bus.publish([("mc1/small", b"", 0, False, 0), ("mc1/large", large, 1, False, 1)])
    assert take(bus, at_least(2)) == [("mc1/small", b"", False), ("mc1/large", large, False)]


def test_of_a_huge_payload_the_end_is_kept(peer: Peer, make_bus: MakeBus) -> None:
    bus = make_bus(peer.url, protocol=peer.protocol, subscriptions=[("mc1/+", 0)])
    take(bus, connected)
    bus.publish([("mc1/huge", b"x" * 200_000 + b"end", 0, False, 0)])
    ((_topic, payload, _retained),) = take(bus, at_least(1))
    assert payload == b"x" * 65_533 + b"end"


def test_receive_returns_at_its_time_out_with_nothing(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    bus = make_bus(mosquitto.url)
    take(bus, connected)
    for seconds in (0.0, 0.05):
        begin = time.monotonic()
        assert bus.receive(seconds) == []
        assert time.monotonic() - begin >= seconds


def test_wake_ends_a_receive_that_waits_for_ever(mosquitto: Mosquitto, make_bus: MakeBus) -> None:
    bus = make_bus(mosquitto.url)
    take(bus, connected)
    waker = threading.Thread(target=bus.wake)
    waker.start()
    assert bus.receive(None) == []
    waker.join()


def test_wake_before_receive_is_not_forgotten_and_counts_once(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    bus = make_bus(mosquitto.url)
    take(bus, connected)
    bus.wake()
    bus.wake()
    assert bus.receive(None) == []
    begin = time.monotonic()
    assert bus.receive(0.05) == []
    assert time.monotonic() - begin >= 0.05


def test_any_thread_may_publish_while_another_receives(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    bus = make_bus(mosquitto.url, subscriptions=[("mc1/#", 0)])
    take(bus, connected)

    def publish(name: str) -> None:
        for n in range(200):
            assert bus.publish([(f"mc1/{name}", b"%d" % n, n % 2, False, 0)])

    threads = [threading.Thread(target=publish, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    got = take(bus, at_least(600))
    for thread in threads:
        thread.join()
    for name in "abc":
        assert [int(p) for t, p, _ in got if t == f"mc1/{name}"] == list(range(200))


def test_who_does_not_receive_leaves_the_messages_with_the_broker(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    """More than all sockets hold, so it is the broker that waits; none lost, none at once."""
    hub = make_bus(mosquitto.url, "hub", subscriptions=[("mc1/#", 1)])
    take(hub, connected)
    sender = make_bus(mosquitto.url, "sender")
    take(sender, connected)
    count, filling = 4000, bytes(4000)
    sender.publish([("mc1/t", b"%d " % n + filling, 1, False, n) for n in range(1, count + 1)])
    take(sender, confirmed(sender, count))
    sizes = [0]

    def enough(frames: list[Frame]) -> bool:
        sizes.append(len(frames))
        return len(frames) >= count

    got = take(hub, enough)
    assert [int(payload.split()[0]) for _, payload, _ in got] == list(range(1, count + 1))
    assert max(after - before for before, after in pairwise(sizes)) < 2000


def test_stop_publishes_the_last_words_and_no_will(peer: Peer, make_bus: MakeBus) -> None:
    viewer = make_bus(peer.url, "viewer", protocol=peer.protocol, subscriptions=[("mc1/s", 1)])
    take(viewer, connected)
    hub = Bus(peer.url, "hub", will=("mc1/s", b"vanished"), protocol=peer.protocol)
    hub.start()
    take(hub, connected)
    hub.stop([("mc1/s", b"bye", 1, True, 7)], timeout=DEADLINE_S)
    assert hub.confirmed() == 7
    assert not hub.online
    assert hub.receive(None) == []
    assert not hub.publish([("mc1/s", b"never", 1, True, 8)])
    hub.wake()
    hub.stop()
    assert take(viewer, at_least(1)) == [("mc1/s", b"bye", False)]
    assert viewer.receive(0.2) == []


def test_the_will_is_published_when_the_process_is_killed(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    viewer = make_bus(mosquitto.url, "viewer", subscriptions=[("mc1/s", 1)])
    take(viewer, connected)
    program = (
        "import sys; from myocan.hub.bus import Bus\n"
        "bus = Bus(sys.argv[1], 'hub', will=('mc1/s', b'vanished')); bus.start()\n"
        "bus.receive(None); bus.publish([('mc1/s', b'here', 1, False, 1)]); bus.receive(None)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, mosquitto.url]) as hub:
        assert take(viewer, at_least(1)) == [("mc1/s", b"here", False)]
        hub.send_signal(signal.SIGKILL)
    assert take(viewer, at_least(1)) == [("mc1/s", b"vanished", False)]


def test_a_stop_ends_a_receive_of_another_thread(mosquitto: Mosquitto, make_bus: MakeBus) -> None:
    bus = make_bus(mosquitto.url)
    take(bus, connected)
    got: list[list[Any]] = []
    agent = threading.Thread(target=lambda: got.append(bus.receive(None)))
    agent.start()
    bus.stop()
    agent.join()
    assert got == [[]]


def test_a_bus_that_was_never_started_can_be_stopped(mosquitto: Mosquitto) -> None:
    Bus(mosquitto.url, "hub").stop()


def test_small_packets_are_not_held_back(mosquitto: Mosquitto, make_bus: MakeBus) -> None:
    bus = make_bus(mosquitto.url)
    take(bus, connected)
    assert bus._link is not None
    assert bus._link._socket is not None
    assert bus._link._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    bus.publish(numbered(1, 10))
    assert not bus._link._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK)


@pytest.mark.parametrize("topic", ["mc1/#", "mc1/+/x"])
def test_a_wildcard_in_a_topic_is_the_callers_mistake(
    mosquitto: Mosquitto, make_bus: MakeBus, topic: str
) -> None:
    bus = make_bus(mosquitto.url)
    take(bus, connected)
    with pytest.raises(ValueError, match="wildcard"):
        bus.publish([(topic, b"", 1, False, 1)])
    bus.publish([("mc1/fine", b"", 1, False, 2)])
    take(bus, confirmed(bus, 2))


def test_a_refused_publication_is_told_once_a_topic_and_holds_up_nothing(
    tmp_path: Path, make_bus: MakeBus
) -> None:
    (tmp_path / "access").write_text("topic read #\ntopic write mc1/fine\n")
    with Mosquitto(tmp_path / "m", config=f"acl_file {tmp_path}/access") as broker:
        bus = make_bus(broker.url)
        take(bus, connected)
        bus.publish([("mc1/no", b"", 1, False, n) for n in (1, 2)])
        bus.publish([("mc1/fine", b"", 1, False, 3)])
        got = take(bus, confirmed(bus, 3))
    assert got == [
        (REFUSED, b"the broker refuses what we publish to mc1/no: Not authorized", False)
    ]


def test_a_packet_larger_than_the_broker_takes_is_refused_and_the_connection_stays(
    tmp_path: Path, make_bus: MakeBus
) -> None:
    with Mosquitto(tmp_path, config="max_packet_size 20000") as broker:
        bus = make_bus(broker.url)
        take(bus, connected)
        bus.publish([("mc1/huge", bytes(20000), 1, False, 1), ("mc1/fine", b"", 1, False, 2)])
        got = take(bus, confirmed(bus, 2))
    assert got == [
        (REFUSED, b"the broker refuses what we publish to mc1/huge: Packet too large", False)
    ]
