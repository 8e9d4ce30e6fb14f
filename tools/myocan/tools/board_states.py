"""How the boards of a house are: online or not, and where what they show is not what was wished.

The one idea to know: the broker knows it all. What a board said last of itself is retained there,
and so is the newest value of each topic; whoever subscribes gets both at once. The hub's own status
comes last, by which one knows that all is there.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from myocan.tools.errors import ToolsError
from myocan.wire import (
    WIRE_VERSION,
    Fixed,
    WireError,
    data_topic,
    decode_data,
    decode_status,
    hub_topic,
    parse_topic,
)

if TYPE_CHECKING:
    from myocan.hub.house import House
    from myocan.tools.adapters import AdapterFile, Subscription

__all__ = ["BoardState", "board_states"]

PATIENCE_S = 5.0
"""How long the broker may take to let us in, and once more to tell all."""
TAIL_S = 0.2
"""What may come behind the last, from a broker that sends in any order."""


@dataclass(frozen=True)
class BoardState:
    """A board, as the broker knows it.

    name: the board's. status: what it said last of itself, empty if nothing. config: the hash of
    what its adapter's file says now; None if that has mistakes, or there is none. apart: ports that
    show something else than was said -> (what they show, what was said); None for nothing.
    """

    name: str
    status: Mapping[str, Any] = field(default_factory=dict)
    config: str | None = None
    apart: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def online(self) -> bool:
        """Whether it is there."""
        return self.status.get("online") is True

    @property
    def understood(self) -> bool:
        """Whether the hub speaks the version of the wire format that it does."""
        return bool(self.status.get("wire", WIRE_VERSION) == WIRE_VERSION)

    @property
    def current(self) -> bool | None:
        """Whether it runs what its adapter's file says; None if that is not known."""
        there = self.status.get("config")
        return None if not self.online or None in (there, self.config) else there == self.config

    def in_words(self) -> str:
        """Return it in a sentence, without the name."""
        if not self.status:
            return "has never been heard of here"
        if not self.understood:
            return (
                f"speaks version {self.status['wire']} of the wire format, and this myocan "
                f"{WIRE_VERSION}: it is not heard; flash it"
            )
        if not self.online:
            reason = self.status.get("reason")
            return f"offline: {reason}" if reason else "offline"
        if self.current is False:
            return "online, but its adapter's file says something else by now: update it"
        if self.apart:
            ports = (
                f"{port} shows {_shown(shown)}, and {_shown(wished)} was said"
                for port, (shown, wished) in self.apart.items()
            )
            return f"online; {'; '.join(ports)}"
        return "online, as it should be"

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        return {
            "online": self.online if self.status else None,
            "wire": self.status.get("wire"),
            "understood": self.understood,
            "config": self.status.get("config"),
            "current": self.current,
            "applied": _plain(self.status.get("applied", {})),
            "apart": {port: [_plain(each) for each in two] for port, two in self.apart.items()},
            "runtime": self.status.get("runtime"),
            "free": self.status.get("free"),
            "lost": self.status.get("lost"),
            "reason": self.status.get("reason"),
        }


def board_states(
    house: House,
    url: str,
    adapters: Mapping[str, AdapterFile | None],
    hashes: Mapping[str, str],
) -> dict[str, BoardState]:
    """Return the boards of a house, and others that its broker knows, by name.

    url: where this machine reaches the broker. adapters: by board; None for one whose file has
    mistakes. hashes: of the configurations that they have by their files now, by board.

    Raises ToolsError if no broker answers, HubError if it refuses.
    """
    topics = {
        _topic(house, each)
        for adapter in adapters.values()
        if adapter is not None
        for each in adapter.subscribes
    }
    end = hub_topic(house.domain, house.agent.name)
    every = f"mc1/$board/{house.domain}/+/status"
    found = _retained(url, [every, *sorted(topics), end], end)
    statuses: dict[str, dict[str, Any]] = {}
    said: dict[str, Any] = {}
    for topic, payload in found.items():
        with suppress(WireError):
            if topic in topics:
                said[topic] = decode_data(payload)[0]
            elif topic != end and payload:
                statuses[str(parse_topic(topic)[2])] = decode_status(payload)
    states = {}
    for name in sorted(adapters.keys() | statuses.keys()):
        status = statuses.get(name, {})
        adapter = adapters.get(name)
        if adapter is None:
            states[name] = BoardState(name, status)
            continue
        wished = {
            each.port: said[topic]
            for each in adapter.subscribes
            if (topic := _topic(house, each)) in said
        }
        shown = status.get("applied", {}) if status.get("online") is True else {}
        apart = {
            port: (shown.get(port), value)
            for port, value in wished.items()
            if status.get("online") is True and shown.get(port) != value
        }
        states[name] = BoardState(name, status, hashes.get(name), apart)
    return states


def _topic(house: House, each: Subscription) -> str:
    return data_topic("live", house.domain, each.module, each.variable, each.instance or None)


def _retained(url: str, topics: Sequence[str], last: str) -> dict[str, bytes]:
    """Return what a broker keeps on topics; `last` is one that it surely has."""
    from myocan.hub.bus import CONNECTED, Bus

    bus = Bus(
        url,
        f"list-{os.urandom(4).hex()}",
        subscriptions=[(topic, 0) for topic in topics],
        protocol="3.1.1",  # is enough, and amqtt answers nothing else
    )
    found: dict[str, bytes] = {}
    connected = False
    bus.start()
    try:
        until = time.monotonic() + PATIENCE_S
        while (left := until - time.monotonic()) > 0:
            for topic, payload, _ in bus.receive(min(left, 0.2)):
                if topic == CONNECTED:
                    connected = True
                    until = time.monotonic() + PATIENCE_S
                elif topic[:1] != "\0":
                    if last not in found and topic == last:
                        until = min(until, time.monotonic() + TAIL_S)
                    found[topic] = payload
    finally:
        bus.stop()
    if not connected:
        raise ToolsError(f"no broker answers within {PATIENCE_S:.0f} s: does the hub run?")
    return found


def _plain(value: Any) -> Any:
    """Return a value of the wire format as JSON has it; decimals as text, which loses nothing."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return str(value) if isinstance(value, Fixed) else value


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
