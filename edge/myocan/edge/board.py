"""Runs an adapter on a board, for ever: what the firmware's main.py calls."""

import gc
import json
import sys
import time
from binascii import unhexlify

import machine  # type: ignore[import-not-found]

from myocan.edge.adapter import Adapter
from myocan.edge.clock import Alarm, const, ticks_ms
from myocan.edge.errors import ConfigError
from myocan.edge.inlet import NOTHING_YET
from myocan.edge.link import Link
from myocan.edge.pins.machine import MachinePins
from myocan.wire import board_topic

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.interfaces import Places, Spec
    from myocan.edge.network import Network
    from myocan.edge.offers import Offers

_SECRETS = "/secrets.json"
"""What flashing gave this board alone: its account at the broker, and `update_key`."""
_WATCHDOG_MS = const(8_000)
"""A loop that stands still for so long is ended by a reset; an RP2040 can wait 8,388."""
_CRASH_S = const(3)
"""How long a board that crashed stays at its safe values before it starts again; not in a trial."""
_SWEEP_MS = const(60_000)
"""How often memory is tidied up, and what is free of it noted."""
_STUCK_MS = const(900_000)
"""After so long without a broker the board starts again, if that loses nothing."""


def run(
    path: str = "/config.json", noted: "Spec | None" = None, slots: "Places | None" = None
) -> None:
    """Run the adapter whose configuration is at `path`.

    noted: what the firmware has noted of the board's files, for updates; without it there are none.
    slots: which files are in use, if this start is one of an update that is on trial.

    Returns only after Ctrl-C on the console. After anything else that ends it the outputs are at
    their safe values, and the board starts again.
    """
    try:
        if _run(path, noted, slots) and slots is None:
            time.sleep(_CRASH_S)
        machine.reset()
    except KeyboardInterrupt:
        _let_watchdog_go()


def _run(path: str, noted: "Spec | None", slots: "Places | None") -> bool:
    """Run the adapter until the board should start again; return whether it crashed."""
    adapter = None
    reason = "stopped at the console"
    crashed = False
    try:
        with open(path) as file:
            config = json.load(file)
        secrets = _secrets()
        _add_account(config["broker"], secrets)
        offers = _offers(config, noted, secrets)
        link = _link(config)(config["broker"], config["name"])
        make = _own_adapter() if config.get("code") else Adapter
        adapter = make(config, link, MachinePins(), hears=None if offers is None else offers.hears)
        if offers is not None:
            offers.attach(adapter, slots, ticks_ms())
        link.network = _network(config)  # after the outputs are safe: radios take a second to start
        reason = _loop(adapter, link.network, offers)
    except Exception as error:  # whatever it is: safe first, then another try
        sys.print_exception(error)  # type: ignore[attr-defined]
        reason = f"crashed: {error!r}"
        crashed = True
        if slots is not None:
            slots.crashed(reason)
    finally:
        if adapter is not None:
            adapter.make_safe()
            try:  # noqa: SIM105 (a board has no contextlib)
                adapter.close(reason)
            except Exception:
                pass  # there may be no memory to say it
    return crashed


def _own_adapter() -> "type[Adapter]":
    """Return the class of an adapter with code of its own, which flashing put beside ours."""
    try:
        made: type[Adapter] = __import__("myocan.house.adapter", None, None, ("ADAPTER",)).ADAPTER
    except ImportError as error:
        raise ConfigError(f"the code of this adapter is not complete ({error}): flash it again")  # noqa: B904
    return made


def _secrets() -> "Spec":
    """Return what flashing gave this board alone; nothing if it was flashed by hand."""
    try:
        with open(_SECRETS) as file:
            secrets: Spec = json.load(file)
        return secrets
    except OSError:
        return {}


def _add_account(broker: "Spec", secrets: "Spec") -> None:
    """Put this board's account at the broker, which is kept apart, where the link looks for it."""
    for key in ("user", "password"):
        if key in secrets:
            broker[key] = secrets[key]


def _network(config: "Spec") -> "Network | None":
    """Return the way into the network that a configuration names; None if there is one already."""
    if config.get("lan") is not None:
        from myocan.edge.lan import Lan

        return Lan(config["lan"], config["name"])
    if config.get("wifi"):
        from myocan.edge.wifi import Wifi

        return Wifi(config["wifi"], config["name"], config.get("country"))
    return None


def _link(config: "Spec") -> "type[Link]":
    """Return the kind of link that the broker wants."""
    if config["broker"].get("tls"):
        from myocan.edge.tls import TlsLink

        return TlsLink
    return Link


def _offers(config: "Spec", noted: "Spec | None", secrets: "Spec") -> "Offers | None":
    """Return what listens for updates, if this board has a key by which it knows them."""
    key = secrets.get("update_key")
    if noted is None or not key:
        return None
    from myocan.edge.offers import Offers

    return Offers(noted, board_topic(config["domain"], config["name"], "config"), unhexlify(key))


def _loop(adapter: Adapter, network: "Network | None", offers: "Offers | None") -> str:
    """Go on until the board should start again; return why.

    The watchdog is fed by what this loop gets done: once around, which no call in it may keep from
    happening for long. Whether hub and broker answer is no business of a watchdog, which could only
    take the outputs and the kept events down; that is first the link's, then the network's, and
    only when starting again loses nothing, the board's.
    """
    try:
        watchdog = machine.WDT(timeout=_WATCHDOG_MS)
    except (AttributeError, TypeError, ValueError):
        watchdog = None  # it has none, or one that looks after itself
    stuck, sweep = Alarm(), Alarm()
    now = ticks_ms()
    sweep.set(now, 0)
    while True:
        reason = "" if offers is None else offers.step(now)
        ms = adapter.step()
        if reason:
            return reason
        now = ticks_ms()
        if offers is not None:
            ms = min(ms, offers.due(now))
        if sweep.rings(now):
            sweep.set(now, _SWEEP_MS)
            gc.collect()
            adapter.free = min(gc.mem_free(), adapter.free or 1 << 29)  # type: ignore[attr-defined]
        if network is not None:
            network.tell(now, adapter.heard)
        if adapter.link.ready:
            stuck.off()
        elif stuck.rings(now) and not _holds(adapter):
            return "starts again: no broker for long"
        elif not stuck.on:
            stuck.set(now, _STUCK_MS)
        if watchdog is not None:
            watchdog.feed()
        adapter.link.wait(ms)


def _holds(adapter: Adapter) -> bool:
    """Whether something would be lost if the board started again now: an event that the hub does
    not have yet, or a value that an output keeps while the hub is away."""
    for inlet in adapter.inlets:
        if inlet.mark != NOTHING_YET and not inlet.fallen:
            return True
    return adapter.outbox.events() > 0


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
