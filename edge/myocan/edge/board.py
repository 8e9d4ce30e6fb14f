"""Runs an adapter on a board, for ever: what the firmware's main.py calls."""

import gc
import json
import sys
import time

import machine  # type: ignore[import-not-found]

from myocan.edge.adapter import Adapter
from myocan.edge.clock import Alarm, const, ticks_ms
from myocan.edge.errors import ConfigError
from myocan.edge.link import Link
from myocan.edge.pins.machine import MachinePins

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from typing import Any

_SECRETS = "/secrets.json"
"""What flashing gave this board alone: its account at the broker, and `update_key`."""
_WATCHDOG_MS = const(8_000)
"""A loop that stands still for so long is ended by a reset; an RP2040 can wait 8,388."""
_CRASH_S = const(3)
"""How long a board that crashed stays at its safe values before it starts again."""
_SWEEP_MS = const(10_000)
"""How often memory is tidied up, and what is free of it noted."""
_STUCK_MS = const(900_000)
"""After so long without a broker the board starts again, if it holds no event."""


def run(path: str = "/config.json") -> None:
    """Run the adapter whose configuration is at `path`.

    Returns only after Ctrl-C on the console. After anything else that ends it the outputs are at
    their safe values, and the board starts again.
    """
    try:
        _run(path)
        time.sleep(_CRASH_S)
        machine.reset()
    except KeyboardInterrupt:
        _let_watchdog_go()


def _run(path: str) -> None:
    adapter = None
    reason = "stopped at the console"
    try:
        with open(path) as file:
            config = json.load(file)
        _add_account(config["broker"])
        if config["broker"].get("tls"):
            raise ConfigError("no TLS yet: give the broker as mqtt:// and flash again")
        wifi = None
        if config.get("wifi"):
            from myocan.edge.wifi import Wifi

            wifi = Wifi(config["wifi"], config["name"])
        make = _own_adapter() if config.get("code") else Adapter
        adapter = make(config, Link(config["broker"], config["name"], wifi), MachinePins())
        _loop(adapter)
        reason = "starts again: no broker for long"
    except Exception as error:  # whatever it is: safe first, then another try
        sys.print_exception(error)  # type: ignore[attr-defined]
        reason = f"crashed: {error!r}"
    finally:
        if adapter is not None:
            adapter.make_safe()
            try:  # noqa: SIM105 (a board has no contextlib)
                adapter.close(reason)
            except Exception:
                pass  # there may be no memory to say it


def _own_adapter() -> "type[Adapter]":
    """Return the class of an adapter with code of its own, which flashing put beside ours."""
    try:
        made: type[Adapter] = __import__("myocan.house.adapter", None, None, ("ADAPTER",)).ADAPTER
    except ImportError as error:
        raise ConfigError(f"the code of this adapter is not complete ({error}): flash it again")  # noqa: B904
    return made


def _add_account(broker: "dict[str, Any]") -> None:
    """Put this board's account at the broker, which is kept apart, where the link looks for it."""
    try:
        with open(_SECRETS) as file:
            secrets = json.load(file)
    except OSError:
        return  # flashed for a broker that asks for none, or by hand
    for key in ("user", "password"):
        if key in secrets:
            broker[key] = secrets[key]


def _loop(adapter: Adapter) -> None:
    """Go on until the board should start again."""
    try:
        watchdog = machine.WDT(timeout=_WATCHDOG_MS)
    except (AttributeError, TypeError, ValueError):
        watchdog = None  # it has none, or one that looks after itself
    stuck, sweep = Alarm(), Alarm()
    sweep.set(ticks_ms(), 0)
    while True:
        ms = adapter.step()
        now = ticks_ms()
        if sweep.rings(now):
            sweep.set(now, _SWEEP_MS)
            gc.collect()
            adapter.free = min(gc.mem_free(), adapter.free or 1 << 29)  # type: ignore[attr-defined]
        if adapter.link.ready:
            stuck.off()
        elif stuck.rings(now) and not adapter.outbox.events():
            return
        elif not stuck.on:
            stuck.set(now, _STUCK_MS)
        if watchdog is not None:
            watchdog.feed()
        adapter.link.wait(ms)


def _let_watchdog_go() -> None:
    """Whoever sits at the console, or copies files, shall not be reset while he does.

    RP2040 Datasheet, 4.7 "Watchdog", RP2350 Datasheet, 12.9: register CTRL, bit 30 ENABLE; what is
    written 0x3000 above a register clears its bits. An ESP32 takes another time-out at any time.
    """
    if sys.platform == "rp2":
        base = 0x400D8000 if "RP2350" in sys.implementation._machine else 0x40058000  # type: ignore[attr-defined]
        machine.mem32[base + 0x3000] = 1 << 30
    elif sys.platform == "esp32":
        machine.WDT(timeout=86_400_000)
