"""The broker goes away, comes back, falls silent, or hangs up: what the agent sees of it."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from myocan.hub.bus import CONNECTED, DISCONNECTED, AmqttBroker, Bus, BusRefused, Frame
from support.buses import DEADLINE_S, MakeBus, at_least, confirmed, connected, numbered, take
from support.mosquitto import Mosquitto, free_port
from support.scripted_broker import (
    PUBLISH,
    ScriptedBroker,
    packet_number,
    packets,
    protocol_of,
    puback,
    publish,
    read_packet,
    welcome,
)

ONLINE = (CONNECTED, b"", False)


def disconnected(frames: list[Frame]) -> bool:
    return any(topic == DISCONNECTED for topic, _, _ in frames)


def reasons(frames: list[Frame]) -> list[str]:
    return [payload.decode() for topic, payload, _ in frames if topic == DISCONNECTED]


class Clock:
    """The monotonic clock, which can be put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead


def test_a_killed_broker_that_comes_back_finds_the_bus_again(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    bus = make_bus(mosquitto.url, subscriptions=[("mc1/#", 1)])
    take(bus, connected)
    for token in (1, 2):
        bus.publish(numbered(token, token))
        assert take(bus, at_least(1)) == [(f"mc1/t{token}", b"%d" % token, False)]
        take(bus, confirmed(bus, token))  # which may come behind the message itself
        mosquitto.kill()
        assert "ended the connection" in reasons(take(bus, disconnected))[0]
        assert not bus.online
        assert not bus.publish(numbered(9, 9))
        mosquitto.start()
        assert take(bus, connected)[-1] == ONLINE
        assert bus.confirmed() == token


def test_amqtt_that_is_killed_is_found_again(tmp_path: Path, make_bus: MakeBus) -> None:
    broker = AmqttBroker(tmp_path, "127.0.0.1:0")
    broker.start()
    try:
        bus = make_bus(broker.url, protocol=broker.protocol)
        take(bus, connected)
        broker.restart()
        frames = take(bus, connected)
        assert frames[0][0] == DISCONNECTED
        assert frames[-1] == ONLINE
    finally:
        broker.stop()


def test_an_agent_that_follows_the_rules_ends_with_the_newest_values_and_never_goes_back(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    """Publish again what is above `confirmed()` after each CONNECTED, as the promises say."""
    topics, count = 5, 3000
    log = numbered(1, count, topics)
    hub = make_bus(mosquitto.url, "hub")
    viewer = make_bus(mosquitto.url, "viewer", subscriptions=[("mc1/#", 1)])
    seen: list[dict[str, list[int]]] = []

    def view(frames: list[Frame]) -> bool:
        for topic, payload, _ in frames:
            if topic == CONNECTED:
                seen.append({})
            elif topic != DISCONNECTED:
                seen[-1].setdefault(topic, []).append(int(payload))
        return connected(frames)

    take(viewer, view)
    released, position, kills = [0], 0, 0
    deadline = time.monotonic() + DEADLINE_S
    while hub.confirmed() < count:
        assert time.monotonic() < deadline, (position, hub.confirmed())
        if connected(hub.receive(0.01)):
            position = hub.confirmed()
        released.append(hub.confirmed())
        if hub.publish(log[position : position + 50]):
            position += 50
        if kills < 3 and hub.confirmed() > count * (kills + 1) // 4:
            kills += 1
            mosquitto.kill()
            mosquitto.start()
            view(take(viewer, connected))
        view(viewer.receive(0))
    assert released == sorted(released)
    while len(seen) < 4 or any(seen[-1][topic][-1] <= count - topics for topic in seen[-1]):
        view(take(viewer, at_least(1)))
    for connection in seen:
        for values in connection.values():
            assert values == list(range(values[0], values[-1] + 1, topics))


@settings(max_examples=25, deadline=None)
@given(sent=st.integers(1, 30), order=st.permutations(range(30)), answered=st.integers(0, 30))
def test_confirmed_is_the_acknowledged_prefix_whatever_the_order_of_acknowledgements(
    sent: int, order: list[int], answered: int
) -> None:
    got: list[int] = []

    def script(connection: socket.socket, number: int) -> None:
        if number:
            return
        welcome(connection)
        bodies = [read_packet(connection)[1] for _ in range(sent)]
        for body in [bodies[n] for n in order if n < sent][:answered]:
            connection.sendall(puback(body))
            got.append(int.from_bytes(packet_number(body), "big"))

    with ScriptedBroker(script) as broker:
        bus = Bus(broker.url, "hub", protocol="3.1.1")
        bus.start()
        try:
            take(bus, connected)
            bus.publish([("mc1/t", b"", 1, False, 10 * n) for n in range(1, sent + 1)])
            take(bus, disconnected)
            prefix = next(n for n in itertools.count(1) if n not in got) - 1
            assert bus.confirmed() == 10 * prefix
        finally:
            bus.stop(timeout=0)


def test_nothing_of_a_lost_connection_is_sent_again_on_the_next(make_bus: MakeBus) -> None:
    told: list[tuple[int, bytes]] = []

    def script(connection: socket.socket, number: int) -> None:
        welcome(connection)
        for kind, body in packets(connection):
            told.append((number, body))
            if number == 0:
                return  # not acknowledged
            if kind & 0xF0 == PUBLISH:
                connection.sendall(puback(body))

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url, protocol="3.1.1")
        take(bus, connected)
        bus.publish(numbered(1, 3))
        take(bus, connected)
        bus.publish([("mc1/fresh", b"", 1, False, 4)])
        take(bus, confirmed(bus, 4))
    assert [body[2:11] for number, body in told if number] == [b"mc1/fresh"]


def test_no_more_goes_out_unacknowledged_than_the_broker_allows(make_bus: MakeBus) -> None:
    allowed, count, more = 7, 100, []

    def script(connection: socket.socket, number: int) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x06\x00\x00\x03\x21\x00" + bytes([allowed]))
        for done in range(0, count, allowed):
            waiting = [read_packet(connection)[1] for _ in range(min(allowed, count - done))]
            connection.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                more.append(connection.recv(1, socket.MSG_PEEK))
            connection.settimeout(DEADLINE_S)
            connection.sendall(b"".join(puback(body) for body in waiting))

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url)
        take(bus, connected)
        bus.publish(numbered(1, count))
        take(bus, confirmed(bus, count))
    assert more == []


def test_an_agent_ahead_of_its_broker_gets_no_more_messages_until_it_has_caught_up(
    make_bus: MakeBus,
) -> None:
    limit = 2000
    ahead = threading.Event()

    def script(connection: socket.socket, number: int) -> None:
        welcome(connection, subscriptions=1)
        bodies = [read_packet(connection)[1] for _ in range(1024)]
        assert ahead.wait(DEADLINE_S)
        connection.sendall(publish("mc1/in", b"1"))
        assert read_packet(connection)[0] & 0xF0 == 0xC0  # a ping: the bus waits, and is well
        connection.sendall(b"\xd0\x00" + b"".join(map(puback, bodies)))
        for kind, body in packets(connection):
            if kind & 0xF0 == PUBLISH:
                connection.sendall(puback(body))

    with ScriptedBroker(script) as broker:
        bus = make_bus(
            broker.url,
            protocol="3.1.1",
            subscriptions=[("mc1/in", 0)],
            queue_limit=limit,
            keepalive_s=2,
        )
        take(bus, connected)
        bus.publish(numbered(1, 1024 + limit + 1))
        ahead.set()
        assert bus.receive(0.2) == []
        assert bus.confirmed() == 0
        assert take(bus, at_least(1)) == [("mc1/in", b"1", False)]
        take(bus, confirmed(bus, 1024 + limit + 1))


def test_a_broker_for_which_far_too_much_waits_is_given_up(make_bus: MakeBus) -> None:
    def script(connection: socket.socket, number: int) -> None:
        welcome(connection)
        for _ in packets(connection):
            pass

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url, protocol="3.1.1", queue_limit=100)
        take(bus, connected)
        assert bus.publish(numbered(1, 1024 + 100))
        assert bus.publish(numbered(2000, 2400))  # once, for all values may be said at once
        assert not bus.publish(numbered(3000, 3000))
        assert reasons(take(bus, disconnected)) == [
            f"the broker at {broker.url} is too slow: too much waits for it"
        ]
        take(bus, connected)


def test_a_broker_that_acknowledges_nothing_for_ten_seconds_is_given_up(
    make_bus: MakeBus,
) -> None:
    clock = Clock()

    def script(connection: socket.socket, number: int) -> None:
        welcome(connection)
        for _ in packets(connection):
            pass

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url, protocol="3.1.1", clock=clock)
        take(bus, connected)
        clock.ahead += 60
        assert bus.receive(0.05) == []  # nothing waits, so nothing is amiss
        bus.publish(numbered(1, 1))
        clock.ahead += 2
        assert bus.receive(0.05) == []
        clock.ahead += 9
        assert bus.receive(0.05) == []
        clock.ahead += 2
        assert reasons(take(bus, disconnected)) == [
            f"the broker at {broker.url} acknowledges nothing"
        ]
        take(bus, connected)


def test_a_frozen_broker_is_noticed_by_its_silence(mosquitto: Mosquitto, make_bus: MakeBus) -> None:
    bus = make_bus(mosquitto.url, keepalive_s=1)
    take(bus, connected)
    mosquitto.pause()
    take(bus, disconnected)
    mosquitto.resume()
    take(bus, connected)


def test_a_broker_that_does_not_answer_is_given_up(make_bus: MakeBus) -> None:
    clock = Clock()

    def script(connection: socket.socket, number: int) -> None:
        for _ in packets(connection):
            pass

    def patience_ends(frames: list[Frame]) -> bool:
        clock.ahead += 0.2
        return disconnected(frames)

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url, clock=clock)
        assert reasons(take(bus, patience_ends)) == [f"the broker at {broker.url} does not answer"]


@pytest.mark.parametrize(
    "refusal",
    [b"\x20\x02\x00\x01", b"\x20\x03\x00\x84\x00", b""],
    ids=["code 1", "reason 0x84", "closed"],
)
def test_a_broker_that_has_only_mqtt_3_1_1_is_spoken_to_in_that_and_remembered(
    make_bus: MakeBus, refusal: bytes
) -> None:
    levels: list[int] = []

    def script(connection: socket.socket, number: int) -> None:
        _, body = read_packet(connection)
        levels.append(protocol_of(body))
        if levels[-1] == 5:
            connection.sendall(refusal)
            return
        connection.sendall(b"\x20\x02\x00\x00")
        if levels.count(4) == 2:
            for _ in packets(connection):
                pass

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url)
        assert take(bus, connected)[0] == ONLINE
        assert bus.protocol == "3.1.1"
        take(bus, connected)
        assert levels == [5, 4, 4]


def test_nobody_listens_is_said_once_and_tried_again(make_bus: MakeBus, tmp_path: Path) -> None:
    port = free_port()
    bus = make_bus(f"mqtt://hub:hunter2@127.0.0.1:{port}", jitter=lambda: 0.0)
    frames = take(bus, disconnected)
    assert reasons(frames) == [f"nobody listens at mqtt://127.0.0.1:{port}: is the broker running?"]
    assert bus.receive(0.5) == []
    with Mosquitto(tmp_path, port=port):
        assert take(bus, connected) == [ONLINE]


def test_a_host_that_nobody_knows_is_said_by_name(make_bus: MakeBus) -> None:
    bus = make_bus("mqtt://hub:hunter2@no-such-host.invalid")
    (reason,) = reasons(take(bus, disconnected))
    assert "no-such-host.invalid" in reason
    assert "hunter2" not in reason


@pytest.mark.parametrize("protocol", ["auto", "3.1.1"])
@pytest.mark.parametrize(
    ("credential", "says"),
    [("hub:hunter2@", "refuses user 'hub'"), ("", "who we are: write mqtt://user:password@")],
)
def test_a_wrong_password_ends_the_first_attempt_with_an_error_that_says_so(
    tmp_path: Path, make_bus: MakeBus, protocol: str, credential: str, says: str
) -> None:
    with Mosquitto(tmp_path, anonymous=False, config="allow_anonymous false") as broker:
        url = broker.url.replace("mqtt://", f"mqtt://{credential}")
        bus = make_bus(url, protocol=protocol)
        for _ in range(2):
            with pytest.raises(BusRefused, match=says) as caught:
                bus.receive(DEADLINE_S)
            assert "hunter2" not in str(caught.value)


def test_a_refusal_after_a_good_connection_is_told_and_the_attempts_go_on(
    tmp_path: Path, make_bus: MakeBus
) -> None:
    with Mosquitto(tmp_path / "open") as broker:
        bus = make_bus(broker.url, jitter=lambda: 0.0)
        take(bus, connected)
    with Mosquitto(tmp_path / "shut", port=broker.port, anonymous=False):
        frames = take(bus, lambda frames: any("who we are" in why for why in reasons(frames)))
        assert reasons(frames + bus.receive(0.5)) == reasons(frames)
    with Mosquitto(tmp_path / "open", port=broker.port):
        take(bus, connected)


def test_a_subscription_that_is_refused_is_an_error_that_names_it(make_bus: MakeBus) -> None:
    def script(connection: socket.socket, number: int) -> None:
        level = welcome(connection)
        _, body = read_packet(connection)
        codes = (b"\x00" if level == 5 else b"") + b"\x00\x80"
        connection.sendall(bytes([0x90, 2 + len(codes)]) + body[:2] + codes)
        for _ in packets(connection):
            pass

    for protocol in ("5", "3.1.1"):
        with ScriptedBroker(script) as broker:
            subscriptions = [("mc1/fine", 0), ("mc1/secret", 1)]
            bus = make_bus(broker.url, protocol=protocol, subscriptions=subscriptions)
            with pytest.raises(BusRefused, match="does not let us read mc1/secret: give"):
                bus.receive(DEADLINE_S)


def test_a_session_taken_over_is_told_with_the_likely_reason(make_bus: MakeBus) -> None:
    def script(connection: socket.socket, number: int) -> None:
        welcome(connection)
        connection.sendall(b"\xe0\x02\x8e\x00")

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url)
        (reason,) = reasons(take(bus, disconnected))
        assert "Session taken over" in reason
        assert "client id 'hub'" in reason


def test_two_clients_of_one_name_are_told_though_the_broker_gives_no_reason(
    mosquitto: Mosquitto, make_bus: MakeBus
) -> None:
    first = make_bus(mosquitto.url, "hub", jitter=lambda: 0.0)
    second = make_bus(mosquitto.url, "hub", jitter=lambda: 0.0)

    def told(frames: list[Frame]) -> bool:
        return any("client id 'hub'" in why for why in reasons(frames + second.receive(0)))

    take(first, told)


def test_messages_before_the_last_subscription_is_confirmed_come_after_connected(
    make_bus: MakeBus,
) -> None:
    def script(connection: socket.socket, number: int) -> None:
        read_packet(connection)
        connection.sendall(b"\x20\x02\x00\x00")
        _, body = read_packet(connection)
        suback = b"\x90\x03" + body[:2] + b"\x00"
        connection.sendall(publish("mc1/early", b"1") + suback + publish("mc1/last", b"2"))

    with ScriptedBroker(script) as broker:
        bus = make_bus(broker.url, protocol="3.1.1", subscriptions=[("mc1/#", 0)])
        frames = take(bus, disconnected)
    assert frames[:3] == [ONLINE, ("mc1/early", b"1", False), ("mc1/last", b"2", False)]


@settings(max_examples=40, deadline=None)
@given(level=st.sampled_from(["5", "3.1.1"]), noise=st.binary(min_size=1, max_size=80))
def test_no_bytes_from_a_broker_end_the_bus(level: str, noise: bytes) -> None:
    def script(connection: socket.socket, number: int) -> None:
        if number == 0:
            welcome(connection)
            connection.sendall(noise)
        elif number == 1:
            welcome(connection)
            for _ in packets(connection):
                pass

    with ScriptedBroker(script) as broker:
        bus = Bus(broker.url, "hub", protocol=level, jitter=lambda: 0.0)
        bus.start()
        try:
            frames = take(bus, lambda frames: frames.count(ONLINE) == 2)
        finally:
            bus.stop(timeout=0)
    assert disconnected(frames)
