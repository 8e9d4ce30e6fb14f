"""Runs an adapter on a board, for ever: what the firmware's main.py calls."""

import gc
import sys
import time

import machine  # type: ignore[import-not-found]

from myocan.edge import forget
from myocan.edge.clock import Alarm, const, ticks_ms
from myocan.edge.inlet import NOTHING_YET

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from myocan.edge.adapter import Adapter
    from myocan.edge.interfaces import Places, Spec
    from myocan.edge.network import Network
    from myocan.edge.offers import Offers

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
        note(0)
        machine.reset()
    except KeyboardInterrupt:
        _let_watchdog_go()


def _run(path: str, noted: "Spec | None", slots: "Places | None") -> bool:
    """Run the adapter until the board should start again; return whether it crashed."""
    adapter = None
    reason = "stopped at the console"
    crashed = False
    try:
        adapter, network, offers = _begin(path, noted, slots)
        reason = _loop(adapter, network, offers)
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


def _begin(
    path: str, noted: "Spec | None", slots: "Places | None"
) -> "tuple[Adapter, Network | None, Offers | None]":
    """Do what is in `start.py`, and forget it."""
    from myocan.edge.start import begin

    try:
        return begin(path, noted, slots, note)
    finally:
        forget("start")


def _loop(adapter: "Adapter", network: "Network | None", offers: "Offers | None") -> str:
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


def _holds(adapter: "Adapter") -> bool:
    """Whether something would be lost if the board started again now: an event that the hub does
    not have yet, or a value that an output keeps while the hub is away."""
    for inlet in adapter.inlets:
        if inlet.mark != NOTHING_YET and not inlet.fallen:
            return True
    return adapter.outbox.events() > 0


def note(number: int) -> int:
    """Note a number that only power takes away, on boards which their watchdog resets whenever they
    reset themselves; return what was noted. RP2040 Datasheet, 4.7, register SCRATCH0."""
    before = number
    if sys.platform == "rp2":
        place = _registers() + 0x0C
        before = machine.mem32[place]
        machine.mem32[place] = number
    return before


def _registers() -> int:
    """Return where the registers of the watchdog are."""
    return 0x400D8000 if "RP2350" in sys.implementation._machine else 0x40058000


def _let_watchdog_go() -> None:
    """Whoever sits at the console, or copies files, shall not be reset while he does.

    RP2040 Datasheet, 4.7 "Watchdog", RP2350 Datasheet, 12.9: register CTRL, bit 30 ENABLE; what is
    written 0x3000 above a register clears its bits. An ESP32 takes another time-out at any time.
    """
    note(0)
    if sys.platform == "rp2":
        machine.mem32[_registers() + 0x3000] = 1 << 30
    elif sys.platform == "esp32":
        machine.WDT(timeout=86_400_000)
