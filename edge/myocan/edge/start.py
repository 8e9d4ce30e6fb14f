"""What a board does once, when it starts: from its files to an adapter whose ports are open.

The one idea to know: this is loaded for that alone and forgotten then (`myocan.edge.forget`), and
so is the configuration; on a board that runs they would only take memory.
"""

import json
from binascii import unhexlify

import machine  # type: ignore[import-not-found]

from myocan.edge.adapter import Adapter
from myocan.edge.clock import const, ticks_ms
from myocan.edge.errors import ConfigError
from myocan.edge.link import Link
from myocan.edge.pins.machine import MachinePins
from myocan.wire import board_topic

TYPE_CHECKING = const(False)
if TYPE_CHECKING:
    from collections.abc import Callable

    from myocan.edge.interfaces import Places, Spec
    from myocan.edge.network import Network
    from myocan.edge.offers import Offers

_HUNG = (
    "a port, or code of its own, kept the board busy for 8 seconds, and its watchdog has reset it; "
    "nothing in it may wait"
)
_RUNS = const(0x6D796F63)
"""Noted while something runs that its watchdog may end."""
_SECRETS = "/secrets.json"
"""What flashing gave this board alone: its account at the broker, and `update_key`."""


def begin(
    path: str, noted: "Spec | None", slots: "Places | None", note: "Callable[[int], int]"
) -> "tuple[Adapter, Network | None, Offers | None]":
    """Return the adapter whose configuration is at `path`, its outputs at their safe values, its
    way into the network, and what listens for updates.

    noted, slots: see `board.run`. note: see `board.note`. Raises whatever is wrong; the outputs are
    safe then, too.
    """
    with open(path) as file:
        config = json.load(file)
    secrets = _secrets()
    _add_account(config["broker"], secrets)
    offers = _offers(config, noted, secrets)
    link = _link(config)(config["broker"], config["name"])
    make = _own_adapter() if config.get("code") else Adapter
    adapter = make(config, link, MachinePins(), hears=None if offers is None else offers.hears)
    try:
        if _hung(note):
            adapter.remark(_HUNG)
        if offers is not None:
            offers.attach(adapter, slots, ticks_ms())
        network = _network(config)  # after the outputs are safe: radios take a second to start
    except Exception:
        adapter.make_safe()
        raise
    link.network = network
    return adapter, network, offers


def _hung(note: "Callable[[int], int]") -> bool:
    """Whether the watchdog has ended what ran before; note that something runs again."""
    before = note(_RUNS)
    try:
        return bool(before == _RUNS and machine.reset_cause() == machine.WDT_RESET)
    except AttributeError:
        return False


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
