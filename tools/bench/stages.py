"""Where the hub's processor time goes while presses come as fast as it takes them.

The decision it informs: what to make faster next, and whether that is ours or paho's. The load is
the closed loop of `lamp.py`; the hub runs in a process of its own that looks, at every two
milliseconds of processor time, which function its loop is in (`ITIMER_PROF`, no tool needed).

The table shows µs of processor time a press, by stage, for each version of MQTT; `threads` is what
was spent while the loop waited (the syncer's). Compare columns of one run, and stages of one
column; the sampling itself costs a few per cent.

    python tools/bench/stages.py [--rounds 3] [--seconds 4] [--json] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

from lamp import BOARDS, a_broker, hub, make_house
from load import LAMPS, Load, processor_s

from myocan.hub.bus import parse_url
from myocan.hub.core import COMPILED

VERSIONS = ("5", "3.1.1")
EVERY_S = 0.002
STAGES = (
    ("checkpoint", ("Checkpoints.keep",)),
    ("frames", ("Outlet.frame",)),
    ("rows", ("Clerk.write",)),
    ("log (SQLite)", ("Store.append",)),
    ("bookkeeping", ("Agent._append", "Agent._wait_s", "Intake.changed")),
    ("acknowledgements", ("Connection.acknowledge",)),
    ("socket, paho in", ("Client.loop_read",)),
    ("paho out, socket", ("Link.send",)),
    ("decode", ("Scalars.decode_up",)),
    ("inbox", ("Inbox.on_message",)),
    ("intake", ("Intake.take",)),
    ("core, compaction", ("Agent._process",)),
    ("threads", ("Bus._await",)),
)
"""Stage -> functions; the first stage that has a function on the stack gets the sample."""


def stage_of(frame: FrameType | None) -> str:
    """Return the stage that a stack belongs to."""
    names = set()
    while frame is not None:
        names.add(frame.f_code.co_qualname)
        frame = frame.f_back
    return next((stage for stage, known in STAGES if not names.isdisjoint(known)), "loop")


def sampled_hub(house: str, version: str) -> None:
    """Run the hub; print the samples by stage when it is told to end."""
    counts: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        counts[stage_of(frame)] += 1

    def begin(*_: object) -> None:
        counts.clear()

    def end(*_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(counts), flush=True)
        os._exit(0)

    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR1, begin)
    signal.signal(signal.SIGTERM, end)
    signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)
    hub(house, version)


def measure(version: str, seconds: float, lamps: int) -> dict[str, float]:
    """Return µs a press by stage, and `all`."""
    with tempfile.TemporaryDirectory() as name, a_broker(Path(name)) as url:
        house = make_house(Path(name) / "house", url, lamps)
        command = [sys.executable, __file__, "--hub", version]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as peer:
            try:
                assert peer.stdin is not None
                assert peer.stdout is not None
                peer.stdin.write(str(house).encode() + b"\n")
                peer.stdin.flush()
                if not peer.stdout.readline():
                    raise SystemExit("the hub does not start")
                load = Load(parse_url(url), 0, BOARDS, lamps)
                try:
                    load.closed_loop(64, seconds / 4)
                    peer.send_signal(signal.SIGUSR1)
                    before, seen = processor_s(peer.pid), load.seen
                    load.closed_loop(64, seconds)
                    spent = (processor_s(peer.pid) - before) / (load.seen - seen) * 1e6
                finally:
                    load.close()
                peer.terminate()
                counts = json.loads(peer.stdout.readline())
            finally:
                peer.kill()
    total = sum(counts.values()) or 1
    return {"all": spent, **{stage: spent * count / total for stage, count in counts.items()}}


def run(rounds: int, seconds: float, lamps: int) -> dict[str, dict[str, float]]:
    """Measure the versions in turns; return version -> stage -> median µs a press."""
    rows: dict[str, list[dict[str, float]]] = {version: [] for version in VERSIONS}
    for _ in range(rounds):
        for version, found in rows.items():
            found.append(measure(version, seconds, lamps))
    stages = ["all", *[stage for stage, _ in STAGES], "loop"]
    return {
        version: {
            stage: statistics.median(row.get(stage, 0.0) for row in found) for stage in stages
        }
        for version, found in rows.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--lamps", type=int, default=LAMPS, help="1 to 100, a module each")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    parser.add_argument("--quick", action="store_true", help="does it run at all; no good numbers")
    parser.add_argument("--hub", choices=VERSIONS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.hub:
        sampled_hub(sys.stdin.readline().strip(), given.hub)
        return
    if given.quick:
        given.rounds, given.seconds, given.lamps = 1, 0.4, 5
    result = run(given.rounds, given.seconds, given.lamps)
    core = "compiled" if COMPILED else "pure"
    if given.json:
        document: dict[str, Any] = {"unit": "us", "core": core, "versions": result}
        print(json.dumps(document))
        return
    print(f"{'µs a press':20}" + "".join(f"{'MQTT ' + version:>12}{'':>7}" for version in VERSIONS))
    for stage in result[VERSIONS[0]]:
        cells = [
            f"{result[version][stage]:12.1f}{result[version][stage] / result[version]['all']:7.0%}"
            for version in VERSIONS
        ]
        print(f"{stage:20}" + "".join(cells))


if __name__ == "__main__":
    main()
