"""From a press to a lamp through a real broker: the hub, the script anyone would write, the limit.

The decision it informs: whether the hub's way of a message (exactly once, in the log before it is
acted on, on the disk before a board may forget it) is quick enough to be the only way, or a faster
transport must take paho's place. The goal: at least 0.7 of the rate of the paho script that keeps
nothing. Each press toggles one of 100 lamps.

    hub        `myocan run`, a process of its own; the log is a file in --directory; presses at
               QoS 0, since the wire format acknowledges for itself, lamps at QoS 1, retained
    hub311     the same with MQTT 3.1.1 instead of 5
    paho       a paho-mqtt script that toggles a dict, QoS 1 both ways, as paho ships
    paho-nd    the same with TCP_NODELAY
    c-qos1     a client in C (`toggle.c`) that toggles in memory, QoS 1 both ways, TCP_NODELAY
    c-qos0     the same with QoS 0 both ways: the limit

Why this is fair: all get the same topics, payloads and rate from the same sockets (`load.py`), one
private Mosquitto with `set_tcp_nodelay true`, and are processes of their own, measured in turns.
Only the hub has obligations to boards: numbers, `base`, acknowledgements after the disk, and boards
that wait when they are a window ahead; `held` counts how often they had to. All answers are checked
for order and number, so a fast peer that loses a press fails. The C client is the only one that
answers the presses of one read with one write.

Closed loop: --window presses are under way all the time. Paced: 50 presses a second, timed from
when the press was due. A round measures each peer once; the table shows medians over the rounds,
and `of paho`, `of nd` are the medians of the rounds' own ratios to the two scripts, because a
shared machine is not the same machine a minute later. `load` is the load's own share of a
processor: near 1 it is what was measured.

    python tools/bench/lamp.py [--rounds 3] [--seconds 2] [--window 64] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from load import LAMPS, PRESSES, Load, processor_s, resident_mb

from myocan.hub.bus import MosquittoBroker, parse_url
from myocan.hub.core import COMPILED

BOARDS = 16
PACE = 50.0
PEERS = ("hub", "hub311", "paho", "paho-nd", "c-qos1", "c-qos0")
MODULE = """\
MODULE lamp{0:02}
    SUBSCRIBE b{0:02}.press
    PUBLIC state {{off, on}}
    ON b{0:02}.press
        THEN next(state)
"""


def make_house(folder: Path, url: str, lamps: int) -> Path:
    """Write a house with `lamps` lamps, each with a button of its own, that uses the broker."""
    (folder / "modules").mkdir(parents=True, exist_ok=True)
    (folder / "myocan.toml").write_text(
        f'domain = "home"\n[broker]\nurl = "{url}"\n[boards]\naccept_unknown = true\n'
    )
    for lamp in range(lamps):
        (folder / "modules" / f"lamp{lamp:02}.scc").write_text(MODULE.format(lamp))
    return folder


def paho_script(url: str, nodelay: bool) -> None:
    """The floor: what anyone would write."""
    import paho.mqtt.client
    from paho.mqtt.enums import CallbackAPIVersion

    address = parse_url(url)
    lamps: dict[str, bool] = {}

    def on_message(client: Any, _: object, message: Any) -> None:
        lamp = message.topic[-8:-6]  # of ".../bNN/press"
        lamps[lamp] = not lamps.get(lamp, False)
        state = '["on"]' if lamps[lamp] else '["off"]'
        client.publish(f"mc1/live/home/lamp{lamp}/state", state, 1)

    client: Any = paho.mqtt.client.Client(CallbackAPIVersion.VERSION2, client_id="toggle")
    client.username_pw_set(address.user, address.password)
    if nodelay:
        client.on_socket_open = lambda _, __, sock: sock.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
    client.on_connect = lambda *_: client.subscribe(PRESSES, 1)
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.on_message = on_message
    client.connect(address.host, address.port)
    client.loop_forever()


def hub(house: str, protocol: str) -> None:
    """The hub as `myocan run` runs it, but with a version of MQTT that is given."""
    from myocan.hub.agent import Agent, connection
    from myocan.hub.bus import Bus
    from myocan.hub.house import House

    def of_version(*given: Any, **named: Any) -> Bus:
        return Bus(*given, **{**named, "protocol": protocol})

    vars(connection)["Bus"] = of_version
    Agent(House.load(Path(house))).run(lambda _: print("ready", flush=True))


def compile_c(folder: Path) -> Path | None:
    """Compile the C client; None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    program = folder / "toggle"
    source = Path(__file__).with_name("toggle.c")
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True)
    return program


@contextlib.contextmanager
def a_broker(folder: Path) -> Iterator[str]:
    """Run a private Mosquitto; give its URL."""
    broker = MosquittoBroker(folder / "broker", "127.0.0.1:0")
    broker.start()
    try:
        yield broker.url
    finally:
        broker.stop()


@contextlib.contextmanager
def running(name: str, url: str, folder: Path, program: Path | None, lamps: int) -> Iterator[int]:
    """Run a peer in a process of its own; give its process id when it is ready."""
    address = parse_url(url)
    command = [sys.executable, __file__, "--peer", name]
    told = url
    if name == "hub":
        command = [sys.executable, "-m", "myocan.tools.cli", "run", str(folder / "house"), "--json"]
    elif name.startswith("c-"):
        command = [str(program), address.host, str(address.port), name[-1]]
        told = f"{address.user} {address.password}"  # not an argument: everybody can read those
    if name.startswith("hub"):
        told = str(make_house(folder / "house", url, lamps))
    said = folder / "said"
    with (
        said.open("wb") as errors,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
        ) as peer,
    ):
        try:
            assert peer.stdin is not None
            assert peer.stdout is not None
            peer.stdin.write(told.encode() + b"\n")
            peer.stdin.flush()
            if not peer.stdout.readline():
                raise SystemExit(f"{name} does not start: {said.read_text()[-2000:]}")
            yield peer.pid
        finally:
            peer.kill()


def measure(
    name: str, directory: Path, program: Path | None, lamps: int, window: int, seconds: float
) -> dict[str, float]:
    """Return one row of one round. Each has a broker of its own, that retains nothing yet."""
    with (
        tempfile.TemporaryDirectory(dir=directory) as folder,
        a_broker(Path(folder)) as url,
        running(name, url, Path(folder), program, lamps) as pid,
    ):
        is_hub = name.startswith("hub")
        qos = 0 if is_hub or name == "c-qos0" else 1
        load = Load(parse_url(url), qos, BOARDS * is_hub, lamps)
        try:
            before = processor_s(pid)
            seen = load.seen
            rate = load.closed_loop(window, seconds)
            spent = (processor_s(pid) - before) / (load.seen - seen)
            took = load.paced(PACE, seconds)
            resident = resident_mb(pid)
        finally:
            load.close()
    return {
        "rate": rate,
        "cpu_us": spent * 1e6,
        "p50_ms": statistics.median(took),
        "p99_ms": took[len(took) * 99 // 100],
        "resident_mb": resident,
        "load": load.busy,
        "held": load.held,
    }


def run(
    peers: list[str], directory: Path, rounds: int, lamps: int, window: int, seconds: float
) -> dict[str, dict[str, float]]:
    """Measure all peers in turns; return name -> medians."""
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in peers}
    with tempfile.TemporaryDirectory(dir=directory) as folder:
        program = compile_c(Path(folder)) if any(name.startswith("c-") for name in peers) else None
        if program is None:
            rows = {name: [] for name in rows if not name.startswith("c-")}
        for _ in range(rounds):
            for name, found in rows.items():
                found.append(measure(name, Path(folder), program, lamps, window, seconds))
    result = {}
    for name, found in rows.items():
        result[name] = {key: statistics.median(row[key] for row in found) for key in found[0]}
        for base in ("paho", "paho-nd"):
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
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--window", type=int, default=64, help="presses under way, closed loop")
    parser.add_argument("--lamps", type=int, default=LAMPS, help="1 to 100, a module each")
    parser.add_argument("--peers", default=",".join(PEERS), help="which, with commas between")
    parser.add_argument("--directory", type=Path, help="where the log goes: a real disk")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        told = sys.stdin.readline().strip()  # not an argument: it may hold a password
        if given.peer == "hub311":
            hub(told, "3.1.1")
        else:
            paho_script(told, given.peer == "paho-nd")
        return
    if given.quick:
        given.rounds, given.seconds, given.lamps = 1, 0.2, 5
    directory = given.directory or Path(tempfile.gettempdir())
    peers = given.peers.split(",")
    result = run(peers, directory, given.rounds, given.lamps, given.window, given.seconds)
    if given.json:
        document = {
            "lamps": given.lamps,
            "window": given.window,
            "rounds": given.rounds,
            "core": "compiled" if COMPILED else "pure",
            "python": platform.python_version(),
            "processors": os.cpu_count(),
            "peers": result,
        }
        print(json.dumps(document))
        return
    print(
        f"{'peer':9}{'presses/s':>10}{'of paho':>9}{'of nd':>7}{'cpu µs':>8}{'p50 ms':>8}"
        f"{'p99 ms':>8}{'MB':>7}{'load':>6}{'held':>6}"
    )
    for name, row in result.items():
        print(
            f"{name:9}{row['rate']:10.0f}"
            f"{row.get('of_paho', 0):9.2f}{row.get('of_paho-nd', 0):7.2f}"
            f"{row['cpu_us']:8.1f}{row['p50_ms']:8.2f}{row['p99_ms']:8.2f}"
            f"{row['resident_mb']:7.1f}{row['load']:6.2f}{row['held']:6.0f}"
        )
    for name in peers:
        if name not in result:
            print(f"{name:9} not measured: there is no C compiler here")


if __name__ == "__main__":
    main()
