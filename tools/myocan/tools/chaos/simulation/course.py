"""One simulation from start to end: a house, the strikes of its plan, its books."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from myocan.hub.house import House
from myocan.hub.store import Reader
from myocan.tools.chaos.simulation.boards import SimulatedBoard
from myocan.tools.chaos.simulation.books import Witness, check
from myocan.tools.chaos.simulation.disk import Disk
from myocan.tools.chaos.simulation.house import BOARDS, make_house
from myocan.tools.chaos.simulation.hub import Life
from myocan.tools.chaos.simulation.network import Broker
from myocan.tools.chaos.simulation.world import World

__all__ = ["Course", "Result", "Strike", "draw"]

LASTS_S = (5.0, 5.0, 10.0, 45.0)
"""How long boards are pressed, in simulated seconds, one of these: much happens at once, or long
enough apart for a checkpoint."""
SETTLE_S = 240.0
"""How long the house may take to get straight afterwards."""
SETTLED_S = 12.0
"""How long it is watched once it seems to be: longer than the timer of the hall, and than a hub
waits for what boards held while it was away."""

_KINDS = (
    # what, weight
    ("kill hub", 6),
    ("cut power", 6),
    ("blackout", 2),
    ("stop hub", 2),
    ("cut link", 4),
    ("freeze link", 3),
    ("crash broker", 3),
    ("unplug board", 2),
    ("fill disk", 2),
    ("slow disk", 2),
    ("set clock", 3),
)


class Strike(NamedTuple):
    """Something that befalls the house: at which second, what, for how long (or by how much), and
    which board, or which of several ways."""

    at_s: float
    what: str
    amount: float
    which: int

    def __str__(self) -> str:
        return f"{self.at_s:7.3f} s  {self.what} {self.amount:g} ({self.which})"


def lasts_s(seed: int) -> float:
    """Return how long the boards of a seed are pressed, in seconds."""
    return random.Random(f"length of {seed}").choice(LASTS_S)


def draw(seed: int) -> list[Strike]:
    """Return the strikes of a seed, in order."""
    chance = random.Random(f"strikes of {seed}")
    length_s = lasts_s(seed)
    strikes = []
    kinds, weights = zip(*_KINDS, strict=True)
    for _ in range(chance.choice((1, 2, 3, 5, 8))):
        what = chance.choices(kinds, weights)[0]
        amount = {
            "kill hub": chance.choice((1, 2, 5, 20, 60)),
            "cut power": chance.choice((1, 2, 5, 20, 60)),
            "blackout": chance.choice((1, 2, 5, 20, 60)),
            "set clock": chance.choice((-3600, -90, -1, 1, 90, 1800, 3600, 7200, 14400)),
        }.get(what, round(chance.expovariate(0.3), 3))
        at_s = round(chance.uniform(0, length_s), 3)
        strikes.append(Strike(at_s, what, amount, chance.randrange(1 << 16)))
    return sorted(strikes)


@dataclass(slots=True)
class Result:
    """What a simulation came to.

    faults: what does not balance. lives, kills, power_cuts: of the hub. events: how many the boards
    were given to tell. messages: how many the log has. points: at which the hub could have died.
    """

    seed: int
    strikes: list[Strike]
    faults: list[str] = field(default_factory=list)
    lives: int = 0
    kills: int = 0
    power_cuts: int = 0
    events: int = 0
    messages: int = 0
    points: int = 0


class Course:
    """Runs simulations of one house, in a folder in memory; use it in a `with` block."""

    def __init__(self) -> None:
        self._folder = Path()

    def __enter__(self) -> Course:
        shared = Path("/dev/shm")
        place = shared if shared.is_dir() else None
        self._folder = Path(tempfile.mkdtemp(prefix="myocan-simulation-", dir=place))
        make_house(self._folder / "house")
        self._house = House.load(self._folder / "house")
        self._template = self._folder / "template"
        self._make_template()
        return self

    def __exit__(self, *exc: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, seed: int, strikes: list[Strike] | None = None) -> Result:
        """Simulate a seed; return what it came to. An error that nobody expects is a fault, too.

        strikes: what befalls the house, in order; None: what the seed says.
        """
        result = Result(seed, draw(seed) if strikes is None else strikes)
        with self._place(seed) as folder, _quiet():
            try:
                _Simulation(result, folder, self._house, self._template).run()
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                where = f"{Path(frame.filename).name}, line {frame.lineno}"
                result.faults.append(f"the hub ends with {error!r} ({where})")
        return result

    @contextmanager
    def _place(self, seed: int) -> Iterator[Path]:
        folder = self._folder / f"run-{seed}"
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _make_template(self) -> None:
        """Make a store in which the house's rules are in force: most simulations begin with it."""
        with self._place(0) as folder, _quiet():
            world = World(0)
            disk = Disk(folder, world.chance)
            life = Life(world, disk, Broker(world), self._house)
            world.after(1.0, life.agent.stop)
            life.run()
            shutil.copytree(disk.store.parent, self._template)


@contextmanager
def _quiet() -> Iterator[None]:
    """Let hubs say nothing: that they are cut off and out of room is the point."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


class _Simulation:
    """One run."""

    def __init__(self, result: Result, folder: Path, house: House, template: Path) -> None:
        self._result = result
        self._house = house
        self._lasts_s = lasts_s(result.seed)
        self._world = world = World(result.seed)
        chance = world.chance
        fresh = chance.random() < 0.03
        self._disk = Disk(folder, chance, None if fresh else template)
        self._broker = Broker(world)
        self._witness = Witness()
        self._broker.on_publish = self._witness.see
        self._boards = [
            SimulatedBoard(world, self._broker, n, chance.choice((1024, 16384, 65536)))
            for n in range(1, BOARDS + 1)
        ]
        self._life: Life | None = None
        self._sync_s = chance.choice((0.001, 0.05, 0.5))
        self._pressing = True
        self._settled_since: float | None = None
        self._latest_wall_ms = world.wall_ms

    def run(self) -> None:
        world, result = self._world, self._result
        for board in self._boards:
            world.after(world.chance.uniform(0, 1), board.plug)
            self._press_on(board, world.chance.choice((0.7, 1.5, 5.0)))
        for strike in result.strikes:
            world.after(strike.at_s, partial(self._begin, strike))
        world.after(self._lasts_s, self._end)
        orderly = False
        while not orderly and not result.faults:
            if world.monotonic() > self._lasts_s + SETTLE_S:
                result.faults.append("the hub dies again and again")
                break
            orderly = self._live()
        result.events = sum(len(board.events) for board in self._boards)
        if not result.faults:
            self._check()

    def _live(self) -> bool:
        """Let the hub live once; return whether it ended in good order."""
        result, world = self._result, self._world
        result.lives += 1
        life = self._life = Life(world, self._disk, self._broker, self._house)
        life.sync_s = self._sync_s
        orderly = life.run()
        result.points += life.points
        if orderly:
            return self._settled_since is not None
        if life.power:
            result.power_cuts += 1
            self._note_power_cut()
        else:
            result.kills += 1
        world.pass_by(world.chance.choice((0.05, 0.5, 3.0)))
        return False

    def _note_power_cut(self) -> None:
        """Tell the witness how far the log goes now."""
        store = self._disk.store
        with tempfile.TemporaryDirectory(dir=store.parent) as scratch:
            for file in store.parent.glob("store.sqlite*"):
                shutil.copyfile(file, Path(scratch) / file.name)
            with Reader(Path(scratch) / store.name) as reader:
                self._witness.power_is_cut(reader.newest())

    def _check(self) -> None:
        result = self._result
        store = self._disk.store
        with Reader(store) as reader:
            entries = list(reader.entries())
        faults = check(store, entries, self._boards, self._broker.retained)
        self._witness.check(entries)
        result.messages = len(entries)
        result.faults += faults + self._witness.faults[:3]

    # ------------------------------------------------------------------ the fingers

    def _press_on(self, board: SimulatedBoard, mean_s: float) -> None:
        chance = self._world.chance

        def act() -> None:
            if not self._pressing:
                return
            for _ in range(chance.choice((1, 1, 1, 2, 8))):
                if chance.random() < 0.5:
                    board.press()
                else:
                    board.tell()
            self._world.after(chance.expovariate(1 / mean_s), act)

        self._world.after(chance.expovariate(1 / mean_s), act)

    # ------------------------------------------------------------------ strikes

    def _begin(self, strike: Strike) -> None:
        life, world, amount = self._life, self._world, strike.amount
        assert life is not None
        board = self._boards[strike.which % BOARDS]
        names = [each.name for each in self._boards]
        match strike.what:
            case "kill hub" | "cut power" | "blackout":
                if life.dies_in is None and not life.dead:
                    life.power = strike.what != "kill hub"
                    life.dies_in = int(amount)
                if strike.what == "blackout":
                    for each in self._boards:
                        each.unplug()
                        world.after(world.chance.uniform(0.1, 2.0), each.plug)
                    self._broker.crash(("all", "old", "none")[strike.which % 3], 0.5)
            case "stop hub":
                life.absent_s = amount
            case "cut link":
                name = ([*names, life.bus.name] if life.bus else [*names, ""])[strike.which % 3]
                if (link := self._broker.link_of(name)) is not None:
                    link.cut()
            case "freeze link":
                self._freeze(board.name, amount, strike.which % 2 == 0)
            case "crash broker":
                self._broker.crash(("all", "old", "none")[strike.which % 3], amount)
            case "unplug board":
                board.unplug()
                world.after(amount, board.plug)
            case "fill disk":
                self._disk.full = True
                world.after(amount, self._make_room)
            case "slow disk":
                self._sync_s, life.sync_s = life.sync_s, 2.0
                world.after(amount, lambda: setattr(life, "sync_s", self._sync_s))
            case "set clock":
                world.wall_ms += int(amount * 1000)
                self._latest_wall_ms = max(self._latest_wall_ms, world.wall_ms)

    def _freeze(self, name: str, for_s: float, breaks: bool) -> None:
        link = self._broker.link_of(name)
        if link is not None:
            link.freeze()
            end = link.cut if breaks else link.thaw
            self._world.after(for_s, end)

    def _make_room(self) -> None:
        self._disk.full = False

    # ------------------------------------------------------------------ the end

    def _end(self) -> None:
        """Let all be well; look twice a second whether the house has settled."""
        self._pressing = False
        self._disk.full = False
        self._world.wall_ms = self._latest_wall_ms
        for board in self._boards:
            board.plug()
        self._world.after(0.5, self._look)

    def _look(self) -> None:
        world, life = self._world, self._life
        assert life is not None
        silent = all(board.silent for board in self._boards)
        if life.dead or life.bus is None or not life.bus.online or not silent:
            self._settled_since = None
        elif self._settled_since is None:
            self._settled_since = world.monotonic()
        elif world.monotonic() - self._settled_since > SETTLED_S:
            life.agent.stop()
        if world.monotonic() > self._lasts_s + SETTLE_S:
            self._result.faults.append("the house does not settle")
            life.agent.stop()
            return
        world.after(0.5, self._look)  # also after a stop: the hub may die of it
