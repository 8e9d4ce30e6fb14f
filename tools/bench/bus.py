"""How fast a message comes in and goes out again through the hub's bus, with Mosquitto between.

The decision it informs: whether paho-mqtt, driven by the agent's own thread, may stay behind
`myocan.hub.bus` or a transport of our own has to take its place, and how much of the time that the
floor script takes for a message the bus leaves to the rest of the hub.

Each peer echoes messages from one topic to another, in a process of its own:

    floor     the script that anyone would write with paho: its loop, QoS 1 both ways, TCP_NODELAY
    thread    paho's loop in its own thread, a queue, answers from a second thread, QoS 0 in, 1 out
    bus       the hub's bus, MQTT 5, QoS 0 in (as boards send), QoS 1 out
    bus311    the same with MQTT 3.1.1
    raw       the limit: a socket, fixed sizes, prepared packets

A round measures each peer once, one after the other: a closed loop with `--window` messages under
way, then a message every 20 ms. The table shows medians over the rounds; `of floor` is the median
of the rounds' own ratios, because a shared machine is not the same machine a minute later.

    python tools/bench/bus.py [--rounds 3] [--seconds 1] [--window 64] [--json]
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from myocan.hub.bus import CONNECTED, Address, Bus, MosquittoBroker, parse_url

IN, OUT = "bench/in", "bench/out"
PAYLOAD = b'["on",%08d,1795302249000,12345678]'
PUBLISH, PUBACK, PUBACK_SIZE = 0x30, 0x40, 4
PACE_S = 0.02
WARM_S = 0.3


def floor(url: str, ready: Callable[[], None]) -> None:
    client = paho_client(parse_url(url))
    client.on_connect = lambda *_: client.subscribe(IN, 1)
    client.on_subscribe = lambda *_: ready()
    client.on_message = lambda _, __, message: client.publish(OUT, message.payload, 1)
    client.loop_forever()


def thread(url: str, ready: Callable[[], None]) -> None:
    arrived: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    client = paho_client(parse_url(url))
    client.on_connect = lambda *_: client.subscribe(IN, 0)
    client.on_subscribe = lambda *_: ready()
    client.on_message = lambda _, __, message: arrived.put(message.payload)
    client.loop_start()
    while True:
        client.publish(OUT, arrived.get(), 1)


def bus(url: str, ready: Callable[[], None], protocol: str = "5") -> None:
    link = Bus(url, "bench-echo", subscriptions=[(IN, 0)], protocol=protocol)
    link.start()
    token = 0
    while True:
        answers = []
        for topic, payload, _ in link.receive(None):
            if topic == CONNECTED:
                ready()
            else:
                token += 1
                answers.append((OUT, payload, 1, False, token))
        link.publish(answers)


def bus311(url: str, ready: Callable[[], None]) -> None:
    bus(url, ready, "3.1.1")


def raw(url: str, ready: Callable[[], None]) -> None:
    client = Raw(parse_url(url), "bench-echo", IN, 0)
    skip = len(publish(IN, b"", 0))
    ready()
    while True:
        packets = client.take()
        client.socket.sendall(b"".join([publish(OUT, packet[skip:], 1) for packet in packets]))


PEERS: dict[str, tuple[Callable[[str, Callable[[], None]], None], int]] = {
    "floor": (floor, 1),
    "thread": (thread, 0),
    "bus": (bus, 0),
    "bus311": (bus311, 0),
    "raw": (raw, 0),
}
"""Name -> what it does, and the QoS at which it is sent messages."""


def paho_client(url: Address) -> Any:
    import paho.mqtt.client as paho

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="bench-echo")
    client.username_pw_set(url.user, url.password)
    client.on_socket_open = lambda _, __, sock: sock.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
    )
    client.connect_async(url.host, url.port)
    if client.reconnect():
        raise SystemExit("no connection to the broker")
    return client


def publish(topic: str, payload: bytes, qos: int, number: int = 1) -> bytes:
    """Return a PUBLISH packet of MQTT 3.1.1, shorter than 128 bytes."""
    body = _text(topic) + (number.to_bytes(2, "big") if qos else b"") + payload
    return bytes([PUBLISH | qos << 1, len(body)]) + body


def _text(text: str) -> bytes:
    encoded = text.encode()
    return len(encoded).to_bytes(2, "big") + encoded


class Raw:
    """An MQTT 3.1.1 connection with as little in it as can be, so that it is never the slow one.

    topic, qos: what it subscribes to; None for nothing.
    """

    def __init__(self, url: Address, client_id: str, topic: str | None, qos: int) -> None:
        self.socket = socket.create_connection((url.host, url.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = _text("MQTT") + b"\x04\xc2\x00\x00" + _text(client_id)
        body += _text(url.user or "") + _text(url.password or "")
        self.socket.sendall(bytes([0x10, len(body)]) + body)
        assert self.socket.recv(4) == b"\x20\x02\x00\x00", "the broker refuses the connection"
        if topic is not None:
            body = b"\x00\x01" + _text(topic) + bytes([qos])
            self.socket.sendall(bytes([0x82, len(body)]) + body)
            assert self.socket.recv(5)[4] == qos, "the broker refuses the subscription"
        self._rest = b""

    def take(self) -> list[bytes]:
        """Return the PUBLISH packets that have come, at least one; skip acknowledgements."""
        packets: list[bytes] = []
        while not packets:
            if not (part := self.socket.recv(1 << 18)):
                raise SystemExit("the broker has gone")
            buffer = self._rest + part
            at = 0
            while len(buffer) - at >= 2 and len(buffer) - at >= (size := buffer[at + 1] + 2):
                if buffer[at] & 0xF0 == PUBLISH:
                    packets.append(buffer[at : at + size])
                at += size
            self._rest = buffer[at:]
        return packets

    def acknowledge(self, packets: list[bytes]) -> None:
        """Answer QoS 1 packets of topic `OUT`."""
        at = 2 + len(_text(OUT))
        self.socket.sendall(b"".join([b"\x40\x02" + packet[at : at + 2] for packet in packets]))


class Load:
    """Sends messages, and takes what the peer makes of them."""

    def __init__(self, url: Address, qos: int) -> None:
        self._out = Raw(url, "bench-out", OUT, 1)
        self._in = Raw(url, "bench-in", None, 0)
        self._qos = qos
        self._sent = 0

    def close(self) -> None:
        self._out.socket.close()
        self._in.socket.close()

    def closed_loop(
        self, window: int, seconds: float, spent: Callable[[], float]
    ) -> tuple[float, float]:
        """Return messages/s, and the peer's processor time per message in µs."""
        self._send(window)
        begin = time.perf_counter()
        count, before, started = 0, 0.0, 0.0
        poll = select.poll()
        poll.register(self._out.socket, select.POLLIN)
        poll.register(self._in.socket, select.POLLIN)
        while not started or time.perf_counter() - started < seconds:
            for descriptor, _ in poll.poll(5000) or [(-1, 0)]:
                if descriptor < 0:
                    raise SystemExit("the peer has stopped answering")
                if descriptor == self._in.socket.fileno():
                    self._in.socket.recv(1 << 16)  # acknowledgements, when sending at QoS 1
                    continue
                packets = self._out.take()
                self._out.acknowledge(packets)
                self._send(len(packets))
                count += len(packets)
            if not started and time.perf_counter() - begin > WARM_S:
                count, before, started = 0, spent(), time.perf_counter()
        rate = count / (time.perf_counter() - started)
        processor = (spent() - before) / count * 1e6
        left = window
        while left > 0:
            packets = self._out.take()
            self._out.acknowledge(packets)
            left -= len(packets)
        return rate, processor

    def paced(self, seconds: float) -> tuple[float, float]:
        """Return median and 99th percentile of the time from message to answer, in ms."""
        took = []
        due = time.perf_counter()
        for _ in range(max(20, round(seconds / PACE_S))):
            due += PACE_S
            select.select([], [], [], max(0.0, due - time.perf_counter()))
            begin = time.perf_counter()
            self._send(1)
            packets = self._out.take()
            took.append((time.perf_counter() - begin) * 1e3)
            self._out.acknowledge(packets)
        took.sort()
        return statistics.median(took), took[len(took) * 99 // 100]

    def _send(self, count: int) -> None:
        first = self._sent
        self._sent += count
        packets = [
            publish(IN, PAYLOAD % number, self._qos, number % 60_000 + 1)
            for number in range(first, first + count)
        ]
        self._in.socket.sendall(b"".join(packets))


def processor_time(pid: int) -> Callable[[], float]:
    """Return what tells a process's processor time, in seconds."""
    tick = os.sysconf("SC_CLK_TCK")

    def spent() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / tick

    return spent


def measure(name: str, url: str, window: int, seconds: float) -> dict[str, float]:
    """Return one row: `rate`, `cpu_us`, `p50_ms`, `p99_ms`."""
    command = [sys.executable, __file__, "--peer", name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as peer:
        try:
            assert peer.stdin is not None
            assert peer.stdout is not None
            peer.stdin.write(url.encode() + b"\n")
            peer.stdin.flush()
            if peer.stdout.readline() != b"ready\n":
                raise SystemExit(f"{name} does not start")
            load = Load(parse_url(url), PEERS[name][1])
            rate, cpu = load.closed_loop(window, seconds, processor_time(peer.pid))
            p50, p99 = load.paced(seconds)
            load.close()
        finally:
            peer.kill()
    return {"rate": rate, "cpu_us": cpu, "p50_ms": p50, "p99_ms": p99}


def run(rounds: int, seconds: float, window: int) -> dict[str, dict[str, float]]:
    """Measure all peers in turns; return name -> medians."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in PEERS}
    with tempfile.TemporaryDirectory() as directory:
        broker = MosquittoBroker(Path(directory), "127.0.0.1:0")
        broker.start()
        try:
            for _ in range(rounds):
                for name in PEERS:
                    rows[name].append(measure(name, broker.url, window, seconds))
        finally:
            broker.stop()
    result = {}
    for name, found in rows.items():
        result[name] = {key: statistics.median(row[key] for row in found) for key in found[0]}
        result[name]["of_floor"] = statistics.median(
            row["rate"] / base["rate"] for row, base in zip(found, rows["floor"], strict=True)
        )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--window", type=int, default=64, help="messages under way, closed loop")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        url = sys.stdin.readline().strip()  # not an argument: it holds a password
        PEERS[given.peer][0](url, lambda: print("ready", flush=True))
        return
    result = run(given.rounds, given.seconds, given.window)
    if given.json:
        print(json.dumps({"window": given.window, "rounds": given.rounds, "peers": result}))
        return
    print(f"{'peer':8}{'messages/s':>12}{'of floor':>10}{'cpu µs':>8}{'p50 ms':>8}{'p99 ms':>8}")
    for name, row in result.items():
        print(
            f"{name:8}{row['rate']:12.0f}{row['of_floor']:10.2f}{row['cpu_us']:8.1f}"
            f"{row['p50_ms']:8.3f}{row['p99_ms']:8.3f}"
        )


if __name__ == "__main__":
    main()
