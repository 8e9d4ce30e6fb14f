"""A chaos run from start to end: a house at work, the strikes of the plan, the books."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from myocan.tools.chaos.boards import ChaosBoard, find_runtime, make_library
from myocan.tools.chaos.books import Books, Ledger, balance, logged_presses
from myocan.tools.chaos.cut import Cut
from myocan.tools.chaos.house import SAID, make_house
from myocan.tools.chaos.hub import ChaosHub
from myocan.tools.chaos.plan import Strike
from myocan.tools.errors import ToolsError
from myocan.wire import board_topic

__all__ = ["Outcome", "run_chaos"]

BOARDS = 3
PRESSES_S = 12.0
"""How often a finger presses each board's button, presses a second."""
KILLED_PRESSES_S = 4.0
"""As often where the hub is killed as soon as it works: what it takes in such short lives, so that
no board's memory fills up and every press counts."""
OUTBOX = 1 << 20
SMALL_OUTBOX = 2048
"""Bytes of the last board's outbox: about fifteen presses, so that it loses some, and says so."""
SETTLE_S = 180.0
"""How long a house may take to get everything straight when all is well again: boards wait up to
half a minute between two attempts."""

BROKER_S = 5.0
"""How long the broker may take to say what it has."""

Tell = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What a run came to; its fields are the keys of its JSON object, in this order.

    seed: of the plan. seconds: how long it all took. strikes: how often each thing was done.
    starts: of the hub. runtime: what ran the boards. broker: which one. core: "compiled" or "pure".
    presses: at the pins. logged, lost, died, messages, replayed: see `Books`. faults: what does not
    balance; empty if all is well. plan: what was done. folder: where it all is, None if not kept.
    """

    seed: int
    seconds: float = 0.0
    strikes: dict[str, int] = field(default_factory=dict)
    starts: int = 0
    boards: int = BOARDS
    runtime: str = ""
    broker: str = ""
    core: str = ""
    presses: int = 0
    logged: int = 0
    lost: int = 0
    died: int = 0
    messages: int = 0
    replayed: int = 0
    faults: list[str] = field(default_factory=list)
    plan: list[str] = field(default_factory=list)
    folder: str | None = None

    def plain(self) -> dict[str, object]:
        """Return the fields as plain values, for JSON."""
        return asdict(self)


def run_chaos(
    seed: int, plan: list[Strike], folder: Path, *, counted: bool, tell: Tell, runtime: str = "auto"
) -> Outcome:
    """Run a house, do to it what the plan says, and see whether its books balance.

    Arguments:
        seed: of the plan, and of the pauses between presses.
        plan: see `draw_plan`, `draw_kills`.
        folder: an empty one, for the house and all that belongs to it.
        counted: the plan is one of `draw_kills`, and the hub is `myocan run` as it is.
        tell: called with a line of what goes on.
        runtime: of the boards: "micropython", "cpython", or "auto", the first that there is.

    Raises ToolsError if the house cannot be set up.
    """
    began = time.monotonic()
    outcome = Outcome(seed, plan=[str(strike) for strike in plan])
    with ExitStack() as stack:
        house = _House(stack, seed, folder, counted, tell, runtime)
        outcome.runtime = house.runtime
        outcome.broker, outcome.core = house.hub.told["broker_kind"], house.hub.told["core"]
        house.begin_pressing()
        try:
            if counted:
                house.kill_as_planned(plan)
            else:
                house.strike_as_planned(plan)
            faults = house.settle()
        finally:
            house.end_pressing()
        retained = house.close_books()
        outcome.strikes = dict(sorted(house.done.items()))
        outcome.starts = house.hub.starts
        ended = [f"the hub ended by itself: {text}" for text in house.hub.ended_by_itself]
        try:
            house.hub.stop()
        except ToolsError as error:
            faults.append(str(error))
            house.hub.kill()
        books = balance(house.store, house.ledgers, retained)
    _enter(outcome, books, house.ledgers)
    outcome.faults = [*ended, *faults, *books.faults]
    outcome.seconds = round(time.monotonic() - began, 1)
    return outcome


def _enter(outcome: Outcome, books: Books, ledgers: list[Ledger]) -> None:
    outcome.presses = sum(ledger.pressed for ledger in ledgers)
    outcome.logged, outcome.lost, outcome.died = books.logged, books.lost, books.died
    outcome.messages, outcome.replayed = books.messages, books.replayed


class _House:
    """The house at work: hub, links, boards, and a finger for each of them."""

    def __init__(
        self, stack: ExitStack, seed: int, folder: Path, counted: bool, tell: Tell, runtime: str
    ) -> None:
        from myocan.hub.house import House
        from myocan.tools.adapters import load_adapter
        from myocan.tools.flash import board_secrets

        self._tell = tell
        self._seed = seed
        self._presses_s = KILLED_PRESSES_S if counted else PRESSES_S
        self._pressing = threading.Event()
        self._fingers: list[threading.Thread] = []
        self._clock_ms = 0
        self._sync_ms = 0
        self.done: dict[str, int] = {}
        root = folder / "house"
        make_house(root, BOARDS)
        house = House.load(root)
        self.store = house.store_path
        self.domain = house.domain
        secrets = {file.stem: board_secrets(house, file.stem) for file in house.adapters()}
        self.hub = ChaosHub(root, None if counted else folder / "steering")
        stack.callback(self.hub.kill)
        tell("starting the hub")
        self.hub.start()
        self.hub.await_ready()
        target = urlsplit(self.hub.told["broker"])
        assert target.hostname is not None
        assert target.port is not None
        self._house = house
        micropython, reason = (None, "asked for") if runtime == "cpython" else find_runtime()
        if micropython is None and runtime == "micropython":
            raise ToolsError(reason)
        self.runtime = "MicroPython" if micropython else "CPython"
        if reason and runtime == "auto":
            tell(f"no MicroPython on this machine ({reason}), so the boards run on CPython")
        self.links: list[Cut] = []
        self.boards: list[ChaosBoard] = []
        self.ledgers: list[Ledger] = []
        library = None
        for number, file in enumerate(sorted(house.adapters()), 1):
            link = stack.enter_context(Cut((target.hostname, target.port)))
            account = {"user": file.stem, "password": secrets[file.stem].password}
            broker = {"host": "127.0.0.1", "port": link.port, **account}
            config = load_adapter(file, domain=house.domain).config(broker)
            config["outbox"] = SMALL_OUTBOX if number == BOARDS and not counted else OUTBOX
            if micropython and library is None:
                library = make_library(config, folder / "staged")
            board = ChaosBoard(config, folder / board_name(number), micropython, library)
            stack.callback(board.unplug)
            board.plug()
            self.links.append(link)
            self.boards.append(board)
            self.ledgers.append(Ledger(board.name, number))

    # ------------------------------------------------------------------ the fingers

    def begin_pressing(self) -> None:
        """Let a finger press each button, at random times."""
        for number, board in enumerate(self.boards):
            finger = threading.Thread(target=self._press, args=(board, number), daemon=True)
            self._fingers.append(finger)
            finger.start()

    def end_pressing(self) -> None:
        """Let go of the buttons."""
        self._pressing.set()
        for finger in self._fingers:
            finger.join()

    def _press(self, board: ChaosBoard, number: int) -> None:
        chance = random.Random(self._seed * BOARDS + number)
        while not self._pressing.wait(chance.expovariate(self._presses_s)):
            board.press()

    # ------------------------------------------------------------------ strikes

    def strike_as_planned(self, plan: list[Strike]) -> None:
        """Do what is planned when it is time, and undo it when that time is over."""
        began = time.monotonic()
        todo: list[tuple[float, int, Callable[[], None]]] = []
        for place, strike in enumerate(plan):
            todo.append((strike.at_s, 2 * place, partial(self._begin, strike)))
            ends_s = strike.at_s + strike.for_s if strike.what != "set" else strike.at_s
            todo.append((ends_s, 2 * place + 1, partial(self._end, strike)))
        for at_s, _place, act in sorted(todo, key=lambda each: each[:2]):
            while (left := began + at_s - time.monotonic()) > 0:
                time.sleep(min(left, 0.1))
                self._watch()
            act()
        self._tell(f"{len(plan)} strikes done")

    def kill_as_planned(self, plan: list[Strike]) -> None:
        """Kill the hub, and start it again, as often as is planned."""
        for number, strike in enumerate(plan, 1):
            if strike.at_s >= 0:
                if number > 1:
                    self._await_ready()
                time.sleep(strike.at_s)
            else:
                time.sleep(-strike.at_s)
            self._watch()
            self.hub.kill()
            self.hub.start()
            self._note("kill hub")
            if number % 50 == 0:
                self._tell(f"{number} kills")

    def _await_ready(self) -> None:
        try:
            self.hub.await_ready()
        except ToolsError:
            if not self._watch():
                raise

    def _watch(self) -> bool:
        """Start the hub again if it has ended by itself, as whoever keeps services does."""
        if not self.hub.watch():
            return False
        if len(self.hub.ended_by_itself) >= 5:
            raise ToolsError(f"the hub ends again and again: {self.hub.ended_by_itself[-1]}")
        time.sleep(0.5)
        self.hub.start()
        return True

    def _note(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    def _begin(self, strike: Strike) -> None:
        self._note(f"{strike.what} {strike.whom}")
        match strike.what, strike.whom:
            case "kill", "hub":
                self.hub.kill()
            case "kill", "broker":
                self.hub.signal_broker(signal.SIGKILL)
            case "stop", "hub":
                self.hub.signal(signal.SIGSTOP)
            case "stop", "broker":
                self.hub.signal_broker(signal.SIGSTOP)
            case "cut", "board":
                self.links[strike.board].cut()
            case "freeze", "board":
                self.links[strike.board].freeze()
            case "unplug", "board":
                self._unplug(strike.board)
            case "fill", "disk":
                self.hub.fill_disk(True)
            case "slow", "disk":
                self._sync_ms = 400
            case "set", "clock":
                self._clock_ms += int(strike.for_s * 1000)
        self._steer()

    def _end(self, strike: Strike) -> None:
        match strike.what, strike.whom:
            case "kill", "hub":
                if not self.hub.runs:
                    self.hub.start()
            case "stop", "hub":
                self.hub.signal(signal.SIGCONT)
            case "stop", "broker":
                self.hub.signal_broker(signal.SIGCONT)
            case (("cut" | "freeze"), "board"):
                self.links[strike.board].mend()
            case "unplug", "board":
                self.boards[strike.board].unplug()
                self.boards[strike.board].plug()
            case "fill", "disk":
                self.hub.fill_disk(False)
            case "slow", "disk":
                self._sync_ms = 0
        self._steer()

    def _steer(self) -> None:
        if self.hub.steering is not None:
            self.hub.steering.steer(self._clock_ms, self._sync_ms)

    def _unplug(self, place: int) -> None:
        board, ledger = self.boards[place], self.ledgers[place]
        board.unplug()
        # What it had sent and the log has not yet may still be on its way.
        held = board.presses - ledger.died - logged_presses(self.store, ledger)
        ledger.died += max(0, held)

    # ------------------------------------------------------------------ the end

    def settle(self) -> list[str]:
        """Let everything be well, let the boards say all that they hold; return what was not."""
        for link in self.links:
            link.mend()
        self.hub.signal(signal.SIGCONT)
        self.hub.signal_broker(signal.SIGCONT)
        self.hub.fill_disk(False)
        self._sync_ms = 0
        self._steer()
        if not self.hub.runs:
            self.hub.start()
        self._tell("all is well again; the boards say what they hold")
        time.sleep(0.5)
        self.end_pressing()
        for board in self.boards:
            board.open_door()
        waiting = list(range(len(self.boards)))
        deadline = time.monotonic() + SETTLE_S
        while waiting and time.monotonic() < deadline:
            time.sleep(0.2)
            self._watch()
            waiting = [place for place in waiting if not self._has_settled(place)]
        return [
            f"{self.boards[place].name} has not settled within {SETTLE_S:.0f} s; it said: "
            f"{self.boards[place].said()}"
            for place in waiting
        ]

    def _has_settled(self, place: int) -> bool:
        """Whether the log has a board's last word, and its lamp shows what the log says."""
        from myocan.hub.store import Reader

        number = place + 1
        with Reader(self.store) as reader:
            door = reader.last("live", f"door{number}", "state")
            lamp = reader.value("live", f"counter{number}", "lamp")
        lit = 1 if lamp == '"on"' else 0
        return door is not None and door.value == '"open"' and self.boards[place].lamp == lit

    def close_books(self) -> dict[str, str]:
        """Write down what the fingers and the boards know at the end.

        Returns what the broker has of the house, "module.variable" -> JSON text.
        """
        from myocan.hub.bus import CONNECTED, Bus
        from myocan.hub.running_hub import RunningHub

        hub = RunningHub.read(self._house)
        assert hub is not None, "the hub was started again, and is ready"
        for ledger, board in zip(self.ledgers, self.boards, strict=True):
            ledger.pressed, ledger.lamp = board.presses, board.lamp
        statuses = {
            board_topic(self.domain, ledger.name, "status"): ledger for ledger in self.ledgers
        }
        said = f"mc1/live/{self.domain}/"
        wanted = {f"{said}{m}/{v}" for m in self._modules() for v in SAID} | statuses.keys()
        found: dict[str, bytes] = {}
        bus = Bus(
            hub.url,
            "chaos-books",
            subscriptions=[(f"{said}#", 0), *((topic, 0) for topic in statuses)],
        )
        bus.start()
        try:
            deadline = time.monotonic() + BROKER_S
            while time.monotonic() < deadline and not wanted <= found.keys():
                for topic, payload, _retained in bus.receive(0.2):
                    if topic != CONNECTED and payload:
                        found[topic] = payload
        finally:
            bus.stop()
        for topic, ledger in statuses.items():
            ledger.lost = int(json.loads(found.get(topic, b"{}")).get("lost", 0))
        return {
            topic[len(said) :].replace("/", "."): json.dumps(json.loads(payload)[0])
            for topic, payload in found.items()
            if topic.startswith(said)
        }

    def _modules(self) -> list[str]:
        return ["all", *(f"counter{ledger.number}" for ledger in self.ledgers)]


def board_name(number: int) -> str:
    """Return the name of a board by its number, from 1."""
    return f"board{number}"
