"""A brewing controller: a kettle that a browser and a cloud share, and that neither can break.

    python examples/brewery/brewery.py [--store brewery.sqlite] [--port 8080] [--cloud URL]

What is wrong with events here: whoever changes the setpoint has to tell the screen, the cloud and
the heater, and whoever adds a fourth has to change the other three. With state there is one place
that says what is true; who changes it does not know who wants to hear of it.
"""

import argparse
import signal
import threading
from pathlib import Path

from cloud import CloudSync
from rest import RestServer

from models import Heater, Pump
from myocan.hub import State


def brewery(path: Path | None) -> State:
    """Return the state of the brewery, with what its firmware has to say.

    path: the file that keeps it; None: in memory.
    """
    state = State(path, producer="brewery")

    def heater_firmware(old: Heater, new: Heater) -> str | None:
        """The element burns dry wort where nothing moves; so the firmware does not switch it on."""
        if new.enabled and not state.checkout(Pump).speed:
            return "the heater does not start while the pump stands still"
        return None

    def pump_firmware(old: Pump, new: Pump) -> str | None:
        if not new.speed and state.checkout(Heater).enabled:
            return "the pump does not stop while the heater is on"
        return None

    state.attach(Heater, heater_firmware)
    state.attach(Pump, pump_firmware)
    return state


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", type=Path, default=Path("brewery.sqlite"))
    parser.add_argument("--port", type=int, default=8080)
    parser.add_argument("--cloud", metavar="URL")
    options = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with brewery(options.store) as state:
        rest = RestServer(state, options.port)
        state.services.add(rest)
        if options.cloud:
            state.services.add(CloudSync(state, options.cloud))
        print(f"http://127.0.0.1:{rest.port}/heater", flush=True)
        ended.wait()


if __name__ == "__main__":
    main()
