"""A board in a simulation: the real adapter, with a simulated link and pins, and a diary.

The diary is the finger's: it says what the board was given to tell, and what of it went with the
board's power. Nothing in it comes from the hub.
"""

from __future__ import annotations

from typing import Any

from myocan.edge.adapter import Adapter
from myocan.edge.clock import NEVER
from myocan.tools.chaos.simulation.network import Broker, Link
from myocan.tools.chaos.simulation.world import World
from myocan.wire import WIRE_VERSION

__all__ = ["SimulatedBoard"]

BUTTON, LAMP = "GP14", "GP15"
ANSWER_S = 4.0
"""How long a board waits for an answer of the broker."""
PRESS = -1
"""What a press is in the diary; everything else there is a number that was told."""


class SimulatedBoard:
    """Board `number` of the house, from 1; `plug` it in.

    events: what it was given to tell, in order: PRESS, or a number that is told only once.
    doubtful: how many of these at most went with its power, and which. lost: how many it said that
    it threw away.
    """

    def __init__(self, world: World, broker: Broker, number: int, capacity: int) -> None:
        self.name = f"board{number}"
        self.number = number
        self.events: list[int] = []
        self.doubtful: set[int] = set()
        """Places in `events`."""
        self._lost_before = 0
        self._world = world
        self._broker = broker
        self._told = 0
        self._turn = 0
        self._adapter: Adapter | None = None
        self._pins = _Pins()
        self._link: _BoardLink | None = None
        self._ticks_ms = world.chance.choice((0, (1 << 30) - 20_000))
        lamp = f"mc1/live/home/counter{number}/lamp"
        self._config: dict[str, Any] = {
            "wire": WIRE_VERSION,
            "name": self.name,
            "domain": "home",
            "outbox": capacity,
            "ports": [
                {
                    "name": "button",
                    "kind": "button",
                    "pin": BUTTON,
                    "pull": "up",
                    "debounce_ms": 0,
                    "publish": {"press": f"button{number}/press"},
                },
                {
                    "name": "lamp",
                    "kind": "relay",
                    "pin": LAMP,
                    "safe": 0,
                    "subscribe": lamp,
                    "map": [["on", 1], ["off", 0]],
                },
            ],
        }

    @property
    def lost(self) -> int:
        """How many messages it threw away, in all."""
        return self._lost_before + (self._adapter.outbox.lost if self._adapter else 0)

    @property
    def silent(self) -> bool:
        """Whether it has nothing more to tell."""
        return self._adapter is not None and not len(self._adapter.outbox)

    @property
    def lamp(self) -> int:
        """The level of its lamp's pin."""
        return self._pins.levels.get(LAMP, 0)

    def plug(self) -> None:
        """Give it power, if it has none."""
        if self._adapter is not None:
            return
        self._pins = _Pins()
        self._link = _BoardLink(self._world, self._broker, self.name, self._soon)
        self._adapter = Adapter(
            self._config,
            self._link,
            self._pins,
            lambda text: None,
            self._ticks,
            self._world.chance.randbytes,
        )
        self._soon()

    def unplug(self) -> None:
        """Cut its power, if it has any."""
        if self._adapter is None:
            return
        outbox = self._adapter.outbox
        held = outbox.events()
        self.doubtful.update(range(len(self.events) - held, len(self.events)))
        self._lost_before += outbox.lost
        assert self._link is not None
        self._link.vanish()
        self._adapter = self._link = None
        self._turn += 1

    def press(self) -> None:
        """Press and release its button."""
        if self._adapter is not None:
            self.events.append(PRESS)
            for level in (0, 1):
                self._pins.levels[BUTTON] = level
                self._step()

    def tell(self) -> None:
        """Give it a number to tell, and a reading of which the newest counts."""
        if self._adapter is not None:
            self._told += 1
            self.events.append(self._told)
            self._adapter.outbox.push(f"tally{self.number}/number", self._told)
            self._adapter.outbox.push(f"meter{self.number}/reading", self._told, "last")
            self._soon()

    def _ticks(self) -> int:
        return (self._ticks_ms + int(self._world.monotonic() * 1000)) % (1 << 30)

    def _soon(self) -> None:
        self._plan(0.0)

    def _plan(self, seconds: float) -> None:
        self._turn += 1
        turn = self._turn
        self._world.after(seconds, lambda: self._step() if turn == self._turn else None)

    def _step(self) -> None:
        if self._adapter is not None:
            self._plan(max(1, self._adapter.step()) / 1000)


class _Pins:
    """Pins that are levels in memory; every change is looked at."""

    def __init__(self) -> None:
        self.levels: dict[str, int] = {BUTTON: 1}
        self.look_ms = NEVER

    def digital_in(self, pin: str, pull: str | None) -> _Pin:
        return _Pin(self.levels, pin)

    def digital_out(self, pin: str, level: int) -> _Pin:
        self.levels[pin] = level
        return _Pin(self.levels, pin)

    def streams(self) -> list[Any]:
        return []

    def take_in(self) -> None:
        pass

    def close(self) -> None:
        pass


class _Pin:
    def __init__(self, levels: dict[str, int], name: str) -> None:
        self._levels = levels
        self._name = name

    def value(self, level: int | None = None) -> int:
        if level is not None:
            self._levels[self._name] = level
        return self._levels[self._name]


class _BoardLink:
    """`myocan.edge.interfaces.Link` over a simulated connection. wake: lets the board look soon."""

    def __init__(self, world: World, broker: Broker, name: str, wake: Any) -> None:
        self.ready = False
        self.connection = 0
        self.reason = ""
        self._world = world
        self._broker = broker
        self._name = name
        self._wake = wake
        self._link: Link | None = None
        self._arrived: list[tuple[str, bytes, bool]] = []
        self._retry_s = 0.0
        self._gone = False

    def attach(self, topics: list[str], will: Any, take: Any) -> None:
        self._topics, self._will, self._take = topics, will, take

    def step(self, now: int) -> None:
        if self._link is None and not self._gone and self._world.monotonic() >= self._retry_s:
            self._dial()
        arrived, self._arrived = self._arrived, []
        for frame in arrived:
            self._take(*frame)

    def writable(self) -> bool:
        return self.ready

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        if self._link is not None:
            self._link.publish(topic, bytes(payload), retain, None)

    def subscribe(self, topics: list[str]) -> None:
        if self._link is not None:
            self._link.subscribe(topics)

    def probe(self) -> None:
        link = self._link
        if link is not None:
            self._world.after(ANSWER_S, lambda: self._give_up(link) if link.frozen else None)

    def renew(self, reason: str) -> None:
        link, self._link = self._link, None
        self.ready = False
        self.reason = reason
        self._retry_s = self._world.monotonic() + self._world.chance.uniform(0.05, 2.0)
        self._arrived.clear()
        if link is not None:
            link.cut()

    def close(self, topic: str, payload: bytes) -> None:
        self.vanish()

    def due(self, now: int) -> int:
        if self._link is not None:
            return NEVER
        return max(1, int((self._retry_s - self._world.monotonic()) * 1000) + 1)

    def watch(self, stream: Any) -> None:
        pass

    def wait(self, ms: int) -> None:
        pass

    def vanish(self) -> None:
        """The board has no power any more."""
        self._gone = True
        link, self._link = self._link, None
        if link is not None:
            link.cut()

    def _give_up(self, link: Link) -> None:
        if self._link is link:
            self.renew("the broker does not answer")
            self._wake()

    def _dial(self) -> None:
        self.connection += 1
        if not self._broker.up:
            self.reason = "nobody there"
            self._retry_s = self._world.monotonic() + self._world.chance.uniform(0.1, 4.0)
            return
        link = Link(self._world, self._broker, self._name, self._on_frame, self._on_lost)
        self._broker.connect(link, self._will())
        self._link = link
        self._broker.subscribe(link, list(self._topics))
        self.ready = True

    def _on_frame(self, topic: str, payload: bytes, retained: bool) -> None:
        self._arrived.append((topic, payload, retained))
        self._wake()

    def _on_lost(self) -> None:
        if self._link is not None and not self._gone:
            self._link = None
            self.ready = False
            self.reason = "the link broke"
            self._arrived.clear()
            self._retry_s = self._world.monotonic() + self._world.chance.uniform(0.05, 2.0)
            self._wake()
