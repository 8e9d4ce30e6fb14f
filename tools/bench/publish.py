"""Events from a board to the hub: this project's link against umqtt.simple, on MicroPython.

The decision it informs: whether boards need a way of their own to publish, beside MicroPython's
client with QoS 1, which everybody has. The goal: three times the rate of the better of its two
forms, although the promise is a stronger one.

    board      the adapter of a board with one button: numbered events of the wire format at QoS 0,
               60 under way, each kept until the hub's acknowledgement. The hub is a loop here that
               does no more than count, as the broker does for the others
    board-log  the same with `myocan run`, which acknowledges what is in its log, on the disk: a
               limit of the hub, for one board
    umqtt-nd   umqtt.simple, QoS 1, with TCP_NODELAY: each waits for the broker's acknowledgement,
               which only says that the broker has it in memory; nobody listens
    umqtt-end  the same, and each waits for the answer of a hub, too, which counts as the board's
               does: what umqtt has to do for half of the board's promise (events that were not
               answered when a connection breaks would still have to be kept and numbered)
    umqtt      umqtt.simple, QoS 1, as it ships: four small writes a packet, and so 40 ms for each

All get the same topic, a payload of the same length, one private Mosquitto with `set_tcp_nodelay`,
and a MicroPython process with the heap of a small board, in turns. Time begins when the connection
stands and ends when the last acknowledgement has come; a lost event ends the run.

`--delay MS` puts a network between boards and broker, that takes so long each way: a loop of this
machine takes nothing, a WiFi takes 2 ms on a good day. `cpu_us` is processor time of the board a
message, which says what a rate on a machine with nothing else to do would be.

    python tools/bench/publish.py [--rounds 3] [--events 5000] [--delay 0] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from myocan.hub.bus.mosquitto import find_mosquitto
from myocan.tools.demo.hub_process import HubProcess
from myocan.tools.flash.staging import board_modules, compiled
from myocan.tools.umqtt import fetch_umqtt
from myocan.tools.vboard import micropython_path
from myocan.wire import WINDOW, encode_ack

HEAP = "128wK"
PEERS = ("board", "board-log", "umqtt-nd", "umqtt-end", "umqtt")
SLOW = 50
"""So many times fewer events for the peer that waits 40 ms for each."""
OWN = "mc1/$board/home/porch/"
TOPIC = OWN + "up/button1/press"
PAYLOAD = "[null,12345,1764547200123,1234567890]"

BOARD = """
import sys, time
from myocan.edge.adapter import Adapter
from myocan.edge.link import Link
from myocan.edge.pins.simulated import SimulatedPins

port, left = int(sys.argv[1]), int(sys.argv[2])
broker = {"host": "127.0.0.1", "port": port, "user": None, "password": None}
button = {"name": "b", "kind": "button", "pin": "GP1", "publish": {"press": "button1/press"}}
config = {"wire": 1, "name": "porch", "domain": "home", "broker": broker, "ports": [button]}
link = Link(broker, "porch")
adapter = Adapter(config, link, SimulatedPins(), say=lambda text: None)
outbox, press = adapter.outbox, adapter.ports[0].tell
while not adapter.heard:
    link.wait(adapter.step())
count, began, spent = left, time.ticks_us(), time.clock()
while left or len(outbox):
    for _ in range(min(left, 60 - len(outbox))):
        press("press")
        left -= 1
    link.wait(min(adapter.step(), 50))
took, spent = time.ticks_diff(time.ticks_us(), began), time.clock() - spent
if outbox.lost or link.connection != 1:
    raise SystemExit("events were lost")
print(took / 1e6, spent)
"""

UMQTT = """
import sys, time
from umqtt.simple import MQTTClient

port, count, topic, payload = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
name, answers_on = sys.argv[5], sys.argv[6]
client = MQTTClient("porch", "127.0.0.1", port)
client.connect()
if name != "umqtt":
    client.sock.setsockopt(6, 1, 1)
wanted = answers = 0

def heard(topic, message):
    global answers
    answers += 1

if name == "umqtt-end":
    client.set_callback(heard)
    client.subscribe(answers_on.encode())
    wanted = 1
topic, payload = topic.encode(), payload.encode()
began, spent = time.ticks_us(), time.clock()
for sent in range(1, count + 1):
    client.publish(topic, payload, qos=1)
    while answers < sent * wanted:
        client.wait_msg()
took, spent = time.ticks_diff(time.ticks_us(), began), time.clock() - spent
print(took / 1e6, spent)
"""


class Counter:
    """A hub that takes events in memory, in order, and acknowledges as often as a hub does."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        body = _text("MQTT") + b"\x04\x02\x00\x00" + _text("hub")
        self._socket.sendall(bytes([0x10, len(body)]) + body)
        topics = b"".join(_text(OWN + leaf) + b"\0" for leaf in ("up/#", "base"))
        self._socket.sendall(bytes([0x82, 2 + len(topics)]) + b"\0\1" + topics)
        self._ack = _text(OWN + "ack")
        self._boot, self._last, self._told = 0, 0, 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        stream = b""
        self._socket.settimeout(0.05)
        while True:
            try:
                piece = self._socket.recv(65536)
            except TimeoutError:
                if self._last > self._told:
                    self._acknowledge()
                continue
            except OSError:
                return
            if not piece:
                return
            stream = self._take(stream + piece)
            if self._last - self._told >= WINDOW // 2:
                self._acknowledge()

    def _take(self, stream: bytes) -> bytes:
        """Take all packets that have come whole; return the rest."""
        at, have = 0, len(stream)
        while have - at > 2:
            length, body = stream[at + 1], at + 2
            if length > 127:
                length, body = length & 127 | stream[at + 2] << 7, at + 3
            if have < body + length:
                break
            if stream[at] & 0xF0 == 0x30:
                topic = body + 2 + (stream[body] << 8 | stream[body + 1])
                self._arrived(stream[topic + 1 : body + length - 1].split(b","))
            at = body + length
        return stream[at:]

    def _arrived(self, fields: list[bytes]) -> None:
        if len(fields) == 4:
            assert int(fields[1]) == self._last + 1, "an event was lost"
            self._last += 1
        else:
            self._boot, self._last = int(fields[0]), int(fields[1]) - 1
            self._acknowledge()

    def _acknowledge(self) -> None:
        self._told = self._last
        now_ms = int(time.time() * 1000)
        body = self._ack + encode_ack(self._boot, self._last, now_ms, "00000000000000aa")
        self._socket.sendall(bytes([0x30, len(body)]) + body)

    def close(self) -> None:
        """End the connection, and with it the thread."""
        self._socket.close()


class Answering(Counter):
    """A hub that answers each event, for a client that waits for each."""

    def _arrived(self, fields: list[bytes]) -> None:
        self._last += 1
        self._acknowledge()


def _text(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw


class Far:
    """A TCP way to a port of this machine on which each byte takes its time."""

    def __init__(self, port: int, delay_s: float) -> None:
        self._target = port
        self._delay_s = delay_s
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for each in (near, far):
                    each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        under_way: list[tuple[float, bytes]] = []
        arrived = threading.Condition()

        def deliver() -> None:
            while True:
                with arrived:
                    arrived.wait_for(lambda: under_way)
                    due, piece = under_way.pop(0)
                time.sleep(max(0.0, due - time.monotonic()))
                if not piece:
                    target.close()
                    return
                with contextlib.suppress(OSError):
                    target.sendall(piece)

        threading.Thread(target=deliver, daemon=True).start()
        piece = b"-"
        while piece:
            try:
                piece = source.recv(65536)
            except OSError:
                piece = b""
            with arrived:
                under_way.append((time.monotonic() + self._delay_s, piece))
                arrived.notify()

    def close(self) -> None:
        """Let nobody in any more."""
        self._server.close()


@contextlib.contextmanager
def a_broker(folder: Path) -> Iterator[int]:
    """Run a Mosquitto that lets everybody in; give its port."""
    program = find_mosquitto()
    if program is None:
        raise SystemExit("this needs Mosquitto: apt install mosquitto")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    lines = (f"listener {port} 127.0.0.1", "allow_anonymous true", "set_tcp_nodelay true")
    (folder / "mosquitto.conf").write_text("\n".join((*lines, "log_type none", "")))
    with subprocess.Popen([program, "-c", str(folder / "mosquitto.conf")]) as process:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield port
        finally:
            process.terminate()


def make_library(folder: Path) -> Path:
    """Put what a board carries into a folder, compiled."""
    ports = [{"name": "b", "kind": "button", "pin": "GP1"}]
    sources = {
        **board_modules({"ports": ports}),
        "myocan.edge.pins.simulated": board_modules({"ports": ports})[
            "myocan.edge.pins.machine"
        ].with_name("simulated.py"),
        "umqtt.simple": fetch_umqtt() / "umqtt" / "simple.py",
    }
    for name, source in sources.items():
        inside = "/__init__" if source.name == "__init__.py" else ""
        target = folder / f"{name.replace('.', '/')}{inside}.mpy"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compiled(source, name).read_bytes())
    return folder


def publish(library: Path, name: str, port: int, events: int) -> dict[str, float]:
    """Let one peer publish; return its row."""
    script = library / "peer.py"
    script.write_text(UMQTT if name.startswith("umqtt") else BOARD)
    given = [str(port), str(events)]
    if name.startswith("umqtt"):
        given += [TOPIC, PAYLOAD, name, OWN + "ack"]
    done = subprocess.run(
        [str(micropython_path()), "-X", f"heapsize={HEAP}", str(script), *given],
        env={**os.environ, "MICROPYPATH": f"{library}:.frozen"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    if done.returncode:
        raise SystemExit(f"{name} failed: {done.stdout}{done.stderr}")
    took, spent = map(float, done.stdout.split()[-2:])
    return {"rate": events / took, "cpu_us": spent / events * 1e6}


def measure(library: Path, folder: Path, name: str, events: int, delay_ms: float) -> Any:
    """Return one row of one round. Each has a broker of its own, that holds nothing yet."""
    with tempfile.TemporaryDirectory(dir=folder) as own, contextlib.ExitStack() as running:
        port = running.enter_context(a_broker(Path(own)))
        if name == "board":
            running.callback(Counter(port).close)
        elif name == "umqtt-end":
            running.callback(Answering(port).close)
        elif name == "board-log":
            house = Path(own) / "house"
            house.mkdir()
            (house / "myocan.toml").write_text(
                f'[broker]\nurl = "mqtt://127.0.0.1:{port}"\n'
                "[boards]\naccept_unknown = true\nrate = 1000000\n"
            )
            running.enter_context(HubProcess(house))
        if delay_ms:
            far = Far(port, delay_ms / 1000)
            running.callback(far.close)
            port = far.port
        slow = name == "umqtt" or (delay_ms and name.startswith("umqtt"))
        return publish(library, name, port, max(events // SLOW, 5) if slow else events)


def run(peers: list[str], rounds: int, events: int, delay_ms: float) -> dict[str, Any]:
    """Measure all peers in turns; return name -> medians."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in peers}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        library = make_library(folder / "lib")
        for _ in range(rounds):
            for name, found in rows.items():
                found.append(measure(library, folder, name, events, delay_ms))
    result: dict[str, Any] = {}
    for name, found in rows.items():
        result[name] = {key: statistics.median(row[key] for row in found) for key in found[0]}
        for base in ("umqtt-nd", "umqtt-end", "umqtt"):
            if base in rows:
                result[name][f"of_{base}"] = statistics.median(
                    row["rate"] / other["rate"]
                    for row, other in zip(found, rows[base], strict=True)
                )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--delay", type=float, default=0.0, help="ms that the network takes")
    parser.add_argument("--peers", default=",".join(PEERS), help="which, with commas between")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    given = parser.parse_args()
    if given.quick:
        given.rounds, given.events = 1, 300
    result = run(given.peers.split(","), given.rounds, given.events, given.delay)
    if given.json:
        document = {
            "rounds": given.rounds,
            "events": given.events,
            "delay_ms": given.delay,
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "peers": result,
        }
        print(json.dumps(document))
        return
    print(f"{'peer':10}{'events/s':>10}{'of nd':>8}{'of end':>8}{'of umqtt':>10}{'cpu µs':>8}")
    for name, row in result.items():
        print(
            f"{name:10}{row['rate']:10.0f}{row.get('of_umqtt-nd', 0):8.2f}"
            f"{row.get('of_umqtt-end', 0):8.2f}"
            f"{row.get('of_umqtt', 0):10.1f}{row['cpu_us']:8.1f}"
        )


if __name__ == "__main__":
    main()
