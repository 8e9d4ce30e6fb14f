"""A broker and the links to it, in memory: frames take their time, and some never arrive.

The model: a link keeps the order of frames in each direction; when it breaks, what is on its way is
gone, in both. A frozen link takes frames and delivers them later, or never. A broker that crashes
loses every link, and comes back with the retained values that it had, with older ones, or with
none. All that is MQTT's own (packets, windows, versions) is left out; `tests/hub/bus` has that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

from myocan.tools.chaos.simulation.world import World

__all__ = ["Broker", "Link"]

Take = Callable[[str, bytes, bool], None]
Will = tuple[str, bytes] | None

SNAPSHOT_S = 7.0
"""How often a broker that keeps retained values writes them down."""


class Link:
    """A connection of `name` to a broker, from when the broker has taken it.

    take: called with what arrives: topic, payload, whether it is a retained one. lost: called when
    it is over for the client's side.
    """

    def __init__(
        self, world: World, broker: Broker, name: str, take: Take, lost: Callable[[], None]
    ) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self.filters: tuple[str, ...] = ()
        self.will: Will = None
        self._world = world
        self._broker = broker
        self._take = take
        self._lost = lost
        self._latency = world.chance.choice((0.0002, 0.001, 0.005, 0.05))
        self._held: list[Callable[[], object]] = []

    def publish(
        self, topic: str, payload: bytes, retain: bool, confirmed: Callable[[], object] | None
    ) -> None:
        """Send a frame to the broker. confirmed: called when it has it, and said so (QoS 1)."""
        self._travel(lambda: self._arrive(topic, payload, retain, confirmed))

    def subscribe(self, filters: Iterable[str]) -> None:
        """Ask for topics; retained values follow."""
        wanted = list(filters)
        self._travel(lambda: self._broker.subscribe(self, wanted))

    def deliver(self, topic: str, payload: bytes, retained: bool) -> None:
        """Send a frame to the client."""
        self._travel(lambda: self._take(topic, payload, retained))

    def freeze(self) -> None:
        """Let nothing through until `thaw`."""
        self.frozen = True

    def thaw(self) -> None:
        """Let through what was held back, and all that follows."""
        self.frozen = False
        held, self._held = self._held, []
        for each in held:
            self._travel(each)

    def cut(self) -> None:
        """Break it: both sides notice, nothing that is on its way arrives."""
        if self.alive:
            self.alive = False
            self._broker.lose(self, orderly=False)
            self._lost()

    def hang_up(self, orderly: bool) -> None:
        """Close it from the client's side: what was sent still arrives. orderly: without a will."""
        self._lost = lambda: None
        self._take = lambda topic, payload, retained: None
        self._travel(lambda: self._end(orderly))

    def _end(self, orderly: bool) -> None:
        self.alive = False
        self._broker.lose(self, orderly=orderly)

    def _travel(self, arrive: Callable[[], object]) -> None:
        if self.frozen:
            self._held.append(arrive)
        else:
            # The same time for all keeps their order.
            self._world.after(self._latency, lambda: arrive() if self.alive else None)

    def _arrive(
        self, topic: str, payload: bytes, retain: bool, confirmed: Callable[[], object] | None
    ) -> None:
        self._broker.publish(topic, payload, retain)
        if confirmed is not None:
            self._travel(confirmed)


class Broker:
    """A broker. `up` tells whether it runs; `retained` is what it keeps; `on_publish` sees all."""

    def __init__(self, world: World) -> None:
        self.up = True
        self.retained: dict[str, bytes] = {}
        self.on_publish: Callable[[str, bytes, bool], None] = lambda topic, payload, retain: None
        self._world = world
        self._links: dict[str, Link] = {}
        self._written: dict[str, bytes] = {}
        self._write_down()

    def connect(self, link: Link, will: Will) -> None:
        """Take a client; one of the same name is sent away."""
        if (other := self._links.get(link.name)) is not None:
            other.cut()
        link.will = will
        self._links[link.name] = link

    def subscribe(self, link: Link, filters: list[str]) -> None:
        """Note what a client wants, and send it what is retained of that."""
        link.filters = tuple(dict.fromkeys((*link.filters, *filters)))
        for topic, payload in list(self.retained.items()):
            if any(matches(each, topic) for each in filters):
                link.deliver(topic, payload, True)

    def publish(self, topic: str, payload: bytes, retain: bool) -> None:
        """Hand a message to all who want it."""
        self.on_publish(topic, payload, retain)
        if retain:
            if payload:
                self.retained[topic] = payload
            else:
                self.retained.pop(topic, None)
        for link in list(self._links.values()):
            if wants(link.filters, topic):
                link.deliver(topic, payload, False)

    def lose(self, link: Link, *, orderly: bool) -> None:
        """A client is gone."""
        if self._links.get(link.name) is link:
            del self._links[link.name]
        if not orderly and link.will is not None and self.up:
            self.publish(*link.will, True)

    def link_of(self, name: str) -> Link | None:
        """Return the connection of a client, None if it has none."""
        return self._links.get(name)

    def crash(self, keeps: str, for_s: float) -> None:
        """Be away for a while. keeps: "all" retained values, "old" ones, or "none"."""
        if not self.up:
            return
        self.up = False
        for link in list(self._links.values()):
            link.will = None
            link.cut()
        if keeps != "all":
            self.retained = dict(self._written) if keeps == "old" else {}
        self._world.after(for_s, self._come_back)

    def _come_back(self) -> None:
        self.up = True

    def _write_down(self) -> None:
        self._written = dict(self.retained)
        self._world.after(SNAPSHOT_S, self._write_down)


@cache
def wants(filters: tuple[str, ...], topic: str) -> bool:
    """Return whether a topic is one of those that some filter names."""
    return any(matches(each, topic) for each in filters)


@cache
def matches(wanted: str, topic: str) -> bool:
    """Return whether a topic is one of those that a filter names."""
    levels, of = topic.split("/"), wanted.split("/")
    for place, level in enumerate(of):
        if level == "#":
            return True
        if place >= len(levels) or level not in ("+", levels[place]):
            return False
    return len(levels) == len(of)
