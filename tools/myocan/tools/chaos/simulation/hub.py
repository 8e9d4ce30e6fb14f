"""The hub in a simulation: the real agent, whose disk and network are simulated, and who may die.

The one idea: a life of the hub counts the points at which it could die: each boundary of a
transaction, each sync, each look at the network, each frame that it publishes. Who wants it dead
says after how many of them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from myocan.hub.agent import Agent
from myocan.hub.bus import CONNECTED, DISCONNECTED, Frame, Outgoing
from myocan.hub.control import Control
from myocan.hub.house import House
from myocan.hub.store import Store, Syncer
from myocan.hub.store.wal import MOVE_AFTER
from myocan.tools.chaos.simulation.disk import Disk
from myocan.tools.chaos.simulation.network import Broker, Link
from myocan.tools.chaos.simulation.world import World

__all__ = ["Killed", "Life"]

BATCH = 512


class Killed(BaseException):
    """The end of a life; no code catches it, as none survives `kill -9`."""


class Life:
    """One life of the hub.

    `dead`: it is over. `dies_in` points; None: not soon. `power`: the power goes with it.
    `sync_s`: how long a sync may take, at most. `absent_s`: how long it is stopped when next it
    looks at the network.
    """

    def __init__(self, world: World, disk: Disk, broker: Broker, house: House) -> None:
        self.world = world
        self.disk = disk
        self.broker = broker
        self.dead = False
        self._gone = False
        self.dies_in: int | None = None
        self.power = False
        self.sync_s = 0.05
        self.absent_s = 0.0
        self.points = 0
        self.bus: SimulatedBus | None = None
        self.agent = Agent(
            house,
            broker_url="mqtt://simulation",
            store_path=disk.store,
            now_ms=world.now_ms,
            monotonic=world.monotonic,
            fdatasync=disk.sync_wal,
            open_store=self._open_store,
            make_syncer=self._make_syncer,
            make_bus=self._make_bus,
            make_control=_NoControl,
            stopping=_Stopping(self),
        )

    def run(self) -> bool:
        """Live until the end; return whether that was an orderly one."""
        try:
            self.agent.run()
        except BaseException:
            # Whatever goes wrong while a dead hub's files are closed is nobody's business, and one
            # that finds no room at its start is started again.
            if not self._gone:
                if self.dead or not self.disk.full:
                    raise
                self.die()
        return not self.dead

    def point(self, name: str) -> None:
        """Die here, if it is time; raises Killed. name: what happens here, for who debugs."""
        if self.dead:
            raise Killed(name)
        self.points += 1
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in <= 0:
                self.die()
                raise Killed(name)

    def die(self) -> None:
        """Be gone, as of now."""
        self.dead = True
        if self.power:
            self.disk.cut_power()
        else:
            self.disk.kill()
        if self.bus is not None:
            self.bus.vanish(self.power)
        self._gone = True

    def _open_store(self, path: Path) -> Store:
        return Store.open(
            path,
            faults=self.point,
            draw=self.world.chance.randbytes,
            connect=self.disk.connect,
        )

    def _make_syncer(self, store: Store, **options: Any) -> Syncer:
        return SimulatedSyncer(self, store, **options)

    def _make_bus(self, url: str, client_id: str, **options: Any) -> Any:
        self.bus = SimulatedBus(self, client_id, options["subscriptions"], options["will"])
        return self.bus


class _NoControl(Control):
    """Commands for a hub to which nobody talks: without the socket and its thread."""

    def start(self, stack: ExitStack) -> None:
        pass


class _Stopping(threading.Event):
    """Set when the hub is to stop; who waits for that lets the world go on."""

    def __init__(self, life: Life) -> None:
        super().__init__()
        self._life = life

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._life.world.pass_by(timeout)
        self._life.point("waiting")
        return self.is_set()


class SimulatedSyncer(Syncer):
    """The syncer without its thread: it syncs when the world says so."""

    def __init__(self, life: Life, store: Store, **options: Any) -> None:
        super().__init__(store, clock=life.world.monotonic, **options)
        self._life = life
        self._planned = False

    def start(self) -> None:
        pass

    def written(self, number: int) -> None:
        super().written(number)
        if not self._planned:
            self._planned = True
            chance = self._life.world.chance
            self._life.world.after(chance.uniform(0, self._life.sync_s), self._round)

    def urgent(self) -> None:
        pass

    def close(self) -> None:
        try:
            if not self._life.dead and self._written > self.synced:
                self._round()
        finally:
            self._wal.close()

    def _round(self) -> None:
        """What the thread does over and over."""
        life = self._life
        self._planned = False
        if life.dead or not self._wal.is_open:
            return
        life.point("sync begun")
        number = self._sync()
        life.point("synced")
        self._report(number)
        if life.world.chance.random() < 0.1:
            self._wal.moved_number = number - MOVE_AFTER
        self._wal.keep_small(number)
        life.point("moved")


class SimulatedBus:
    """What the agent uses of `Bus`; it is here that the world goes on while the hub waits."""

    def __init__(
        self,
        life: Life,
        name: str,
        subscriptions: Sequence[tuple[str, int]],
        will: tuple[str, bytes],
    ) -> None:
        self._life = life
        self._world = life.world
        self.name = name
        self._filters = [each for each, _ in subscriptions]
        self._will = will
        self._link: Link | None = None
        self._arrived: list[Frame] = []
        self._woken = False
        self._confirmed = 0
        self._stopped = False

    @property
    def online(self) -> bool:
        """Whether there is a connection."""
        return self._link is not None

    def start(self) -> None:
        self._dial(0.0)

    def stop(self, last: Sequence[Outgoing] = (), timeout: float = 2.0) -> None:
        if self._life.dead or self._stopped:
            return
        self.publish(last)
        self._stopped = True
        self._world.pass_by(min(timeout, 0.2))
        if self._link is not None:
            self._link.hang_up(orderly=True)
            self._link = None

    def receive(self, timeout: float | None) -> list[Frame]:
        life, world = self._life, self._world
        life.point("receive")
        absent_s, life.absent_s = life.absent_s, 0.0
        world.pass_by(absent_s or world.chance.choice((0.0, 0.0, 0.0005, 0.002, 0.03)))
        until_s = world.monotonic() + (3600.0 if timeout is None else timeout)
        while True:
            if self._arrived:
                frames, self._arrived = self._arrived[:BATCH], self._arrived[BATCH:]
                return frames
            if self._woken:
                self._woken = False
                return []
            if not world.step(until_s):
                return []

    def wake(self) -> None:
        self._woken = True

    def publish(self, frames: Sequence[Outgoing]) -> bool:
        if self._link is None:
            return False
        for topic, payload, qos, retain, token in frames:
            self._life.point("publish")
            if self._link is None:
                return True  # lost while these were sent; the real one notices later, too
            confirmed: Callable[[], object] | None = None
            if qos:
                confirmed = self._confirm(token)
            self._link.publish(topic, payload, retain, confirmed)
        return True

    def confirmed(self) -> int:
        return self._confirmed

    def vanish(self, power: bool) -> None:
        """The process is gone: what it gave to the kernel is sent, unless the power went, too."""
        link, self._link = self._link, None
        if link is not None:
            if power:
                link.cut()
            else:
                link.hang_up(orderly=False)

    def _confirm(self, token: int) -> Callable[[], None]:
        def confirm() -> None:
            self._confirmed = max(self._confirmed, token)

        return confirm

    def _dial(self, pause_s: float) -> None:
        self._world.after(pause_s + 0.002, self._connect)

    def _connect(self) -> None:
        if self._life.dead or self._stopped:
            return
        if not self._life.broker.up:
            self._dial(self._world.chance.uniform(0.05, 1.0))
            return
        link = Link(self._world, self._life.broker, self.name, self._take, self._on_lost)
        self._life.broker.connect(link, self._will)
        self._link = link
        self._arrived.append((CONNECTED, b"", False))
        self._life.broker.subscribe(link, self._filters)

    def _take(self, topic: str, payload: bytes, retained: bool) -> None:
        self._arrived.append((topic, payload, retained))

    def _on_lost(self) -> None:
        self._link = None
        if not self._life.dead:
            self._arrived.append((DISCONNECTED, b"the simulated link broke", False))
            with contextlib.suppress(Killed):
                self._dial(self._world.chance.uniform(0.05, 1.0))
