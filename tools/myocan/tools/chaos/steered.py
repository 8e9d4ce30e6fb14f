"""A hub as `myocan run` runs it, but for its clock and its disk's patience, which a file steers.

    python -m myocan.tools.chaos.steered HOUSE STEERING

The file holds two numbers (see `Steering`): by how much the clock is wrong, and how long each sync
of the disk takes longer than it does. Whoever writes them need not tell the hub.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
from pathlib import Path

from myocan.tools.chaos.steering import Steering


def main() -> None:
    """Run the hub until it is told to stop; see above."""
    from myocan.hub.agent import Agent
    from myocan.hub.house import House
    from myocan.tools.cli.version import core_build

    house, steering = House.load(Path(sys.argv[1])), Steering(Path(sys.argv[2]))

    def fdatasync(descriptor: int) -> None:
        time.sleep(steering.sync_ms / 1000)
        os.fdatasync(descriptor)

    agent = Agent(
        house,
        now_ms=lambda: time.time_ns() // 1_000_000 + steering.clock_ms,
        fdatasync=fdatasync,
    )

    def ready(agent: Agent) -> None:
        told = {"broker": agent.broker_url, "broker_kind": agent.broker_kind, "core": core_build()}
        print(json.dumps(told), flush=True)

    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: agent.stop())
    agent.run(ready)


if __name__ == "__main__":
    main()
