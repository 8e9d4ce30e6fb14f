"""The hub's loop: bus -> inbox -> core -> log -> bus, one batch at a time, in one thread.

The one idea: **the log is the only thing written before acting.** Whatever came while the last
batch was at work is the next batch; its inputs, all their consequences, what these changed, and
how far the boards were heard go into the log in one transaction; only then is anything published,
and only when the disk has it (`Journal.synced`) is a board told that it may forget.

After a crash: the state is the last checkpoint with the changes of the log's tail applied; nothing
is executed again. What the broker had not confirmed is published again under its original offset,
and the boards send again what was never acknowledged.

What a batch means is decided in its `Mode`. When the disk is full, the hub says so and waits:
nothing is decided, published or acknowledged, what boards send is taken in as far as memory goes,
and commands are refused, until there is room.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

from myocan.hub.agent.batch import Batch
from myocan.hub.agent.commands import Asked, Commands
from myocan.hub.agent.connection import Connection
from myocan.hub.agent.corrections import WallClock, elapsed_ms
from myocan.hub.agent.deployer import Deployer
from myocan.hub.agent.deployment import ModuleFiles
from myocan.hub.agent.instances import Instances
from myocan.hub.agent.journal import DISK_FULL_S, Journal
from myocan.hub.agent.latecomers import Latecomers
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.modes import Modes
from myocan.hub.agent.order import FilesAtStart, Order
from myocan.hub.agent.proposals import Proposals
from myocan.hub.agent.shared import HUB, Shared
from myocan.hub.agent.state_models import StateModels
from myocan.hub.agent.topic_drop import Topics
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.bus import Bus, Outgoing
from myocan.hub.control import Control, Request
from myocan.hub.core import linker
from myocan.hub.declared import load_models
from myocan.hub.errors import HubError
from myocan.hub.externals import Function, load_externals
from myocan.hub.figures import Figures
from myocan.hub.house import House
from myocan.hub.store import DiskFull, Position, Reserve, Store, StoreError, Syncer
from myocan.hub.store.files import size_of
from myocan.hub.trust import Trust

__all__ = ["Agent"]

Made = TypeVar("Made")

_log = logging.getLogger(__name__)

DISK_IS_FULL = (
    "the disk is full: nothing is acted on and nothing acknowledged until there is room; delete "
    "something on the disk of the hub's store"
)

MAX_HELD = 50_000
"""Messages of boards that are held in memory while the disk is full; more stay with the broker."""

IDLE_S = 30.0
"""How long the loop waits when it knows of nothing to come."""


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Agent:
    """The hub of one house.

    Arguments:
        house: its configuration and files.
        broker_url: a broker to use instead of what the house says, `mqtt://host:port`.
        store_path: a store to use instead of the house's.
        now_ms: the wall clock, milliseconds since 1970 UTC.
        monotonic: a clock that only rises, in seconds.
        elapsed: counts the milliseconds that pass, by which a wall clock that is set is told from
            time that passes; None: that is not told, as for a clock of one's own.
        trust: says what speaks against the wall clock; None: what the house says, and nothing if
            it is one's own.
        fdatasync: makes a descriptor's file durable.
        open_store, make_syncer, make_bus, make_control: make what has to do with disk and network,
            from the arguments of `Store.open`, `Syncer`, `Bus`, `Control`; a simulation has its
            own.
        stopping: what `stop` sets, and who waits for the disk waits for.

    `run` may be called once; `stop` ends it, from any thread or a signal's handler.
    """

    def __init__(
        self,
        house: House,
        *,
        broker_url: str | None = None,
        store_path: Path | None = None,
        now_ms: Callable[[], int] = _wall_clock_ms,
        monotonic: Callable[[], float] = time.monotonic,
        elapsed: Callable[[], int] | None = None,
        trust: Trust | None = None,
        fdatasync: Callable[[int], None] = os.fdatasync,
        open_store: Callable[[Path], Store] = Store.open,
        make_syncer: Callable[..., Syncer] = Syncer,
        make_bus: Callable[..., Bus] = Bus,
        make_control: Callable[..., Control] = Control,
        stopping: threading.Event | None = None,
    ) -> None:
        self.house = house
        self._store_path = store_path or house.store_path
        self._now_ms = now_ms
        self._monotonic = monotonic
        ours = now_ms is _wall_clock_ms  # else nothing is known of it, and nothing against it
        self._wall_clock = WallClock(now_ms, elapsed_ms if ours and elapsed is None else elapsed)
        self._trust = trust or Trust(always=not ours or house.clock.trust == "always")
        self._fdatasync = fdatasync
        self._open_store = open_store
        self._make_syncer = make_syncer
        self._stopping = stopping or threading.Event()
        self._failure: HubError | None = None
        self._latecomers: Latecomers | None = None
        self._owes_greeting = False
        self._introduced = False
        self._said_full = False
        self._unanswered: list[Asked] = []
        self._control = make_control(house, self.wake)
        self._connection = Connection(
            house,
            broker_url or house.broker.url,
            now_ms=now_ms,
            monotonic=monotonic,
            make_bus=make_bus,
        )

    @property
    def broker_url(self) -> str:
        """Where boards reach the broker, once `run` has it; of the user's own, as he gave it."""
        return self._connection.broker_url

    @property
    def broker_kind(self) -> str:
        """`mosquitto` or `amqtt` if the hub runs the broker itself, else `external`."""
        return self._connection.broker_kind

    def stop(self) -> None:
        """End `run` after the batch under way."""
        self._stopping.set()
        self.wake()

    def wake(self) -> None:
        """Let the loop look at once whether there is something to do; from any thread."""
        self._connection.wake()

    def figures(self) -> Figures:
        """Return how the hub fares; from any thread, once `run` has opened the store."""
        journal, connection = self._journal, self._connection
        statuses = self._hearing.statuses()
        return Figures(
            connection.incarnation,
            connection.online,
            {mode.name: mode.offset - 1 for mode in self._modes},
            max(0, journal.written - journal.synced),
            size_of(self._store_path),
            {board: bool(status.get("online")) for board, status in statuses.items()},
            {board: status.get("lost", 0) for board, status in statuses.items()},
        )

    def run(self, on_ready: Callable[[Agent], None] | None = None) -> None:
        """Run the house until `stop`.

        Arguments:
            on_ready: called once, on this thread, when the broker has taken us for the first time,
                and all that was missed is made up for.

        Raises:
            HubError: the house, the store or the broker cannot be used; the message says what to
                do.
        """
        self._on_ready = on_ready
        with ExitStack() as stack:
            self._open(stack)
            orderly = False
            try:
                while not self._stopping.is_set():
                    self._turn()
                orderly = self._failure is None
            finally:
                self._close(orderly)
        if self._failure is not None:
            raise self._failure

    # ------------------------------------------------------------------ start and end

    def _open(self, stack: ExitStack) -> None:
        house = self.house
        house.private_path.mkdir(mode=0o700, exist_ok=True)
        self._reserve = Reserve(self._store_path, house.store.reserve_bytes)
        store = stack.enter_context(self._with_room(lambda: self._open_store(self._store_path)))
        adapters = AdapterTopics(house.adapters())
        models = load_models(house.models_path)
        functions = load_externals(house.externals_path)  # which may import the models
        self._journal = Journal(
            store,
            self._stopping,
            wake=self.wake,
            on_error=self._on_disk_error,
            fdatasync=self._fdatasync,
            make_syncer=self._make_syncer,
            reserve=self._reserve,
            on_wait=self._tell_of_full_disk,
            monotonic=self._monotonic,
        )
        self._journal.start()
        stack.callback(self._journal.close)
        self._with_room(lambda: self._connection.begin_incarnation(store))
        self._shared = Shared(
            house,
            store,
            self._journal,
            adapters,
            functions,
            self._connection,
            self._monotonic,
            self._stopping,
            self.wake,
            self._trust,
            models,
        )
        files = ModuleFiles(house.modules(), house.agent.name, models.texts())
        start = FilesAtStart(files, adapters, store, house.agent.name)
        self._modes = Modes(self._shared, start, self._now_ms)
        self._live = self._modes.live
        self._hearing = self._modes.hearing
        self._intake = self._hearing.live
        self._take_commands(stack)
        self._hearing.on_verdict = self._proposals.take
        self._connection.start_broker(stack)
        if self._live.catch_up(self._live.now()):
            self._latecomers = Latecomers(self._intake, self._monotonic)
        self._control.start(stack)
        self._connection.control_path = self._control.path
        self._connection.start(stack, self._hearing, self._greeting, self._on_introduced)
        self._serve_metrics(stack)

    def _take_commands(self, stack: ExitStack) -> None:
        """Make those who do what users and programs ask for; what a crash left goes on."""
        shared = self._shared
        topics = Topics(self._modes.of, shared.store)
        self._deployer = Deployer(
            self.house,
            shared.models,
            self._store_path,
            self._modes.of,
            self._put_in_force,
            self.wake,
            self._monotonic,
        )
        self._proposals = Proposals(
            self.house.domain,
            shared.adapters,
            self._connection,
            self._intake_status,
            self._modes.values_of,
            now_ms=self._now_ms,
            monotonic=self._monotonic,
            wake=self.wake,
        )
        stack.callback(self._proposals.end, "the hub was stopped")
        self._state_models = StateModels(
            shared, self._live, self._proposals, self._intake_status, self._control.ask_here
        )
        self._commands = Commands(
            {
                **Instances(self._modes.of).commands,
                **self._modes.commands,
                **topics.commands,
                **self._deployer.commands,
                **self._proposals.commands,
                "board accounts": self._admit_boards,
                **self._state_models.commands_of(self._modes.of),
            }
        )
        for mode in self._modes:
            unfinished = topics.unfinished(mode)
            if unfinished is not None:
                self._unanswered.append(Asked(Request(unfinished), self._commands))

    def _serve_metrics(self, stack: ExitStack) -> None:
        """Let Prometheus look on, if the house says so."""
        address = self.house.metrics.address
        if address is not None:
            from myocan.hub.metrics import HubCollector, MetricsServer, StateCollector

            collectors = [HubCollector(self.figures), StateCollector(self._state_models.state)]
            stack.callback(MetricsServer(collectors, *address).close)

    def _intake_status(self, board: str) -> dict[str, Any]:
        return self._hearing.status_of(board)

    def _with_room(self, act: Callable[[], Made]) -> Made:
        """Do what a start cannot do without; on a full disk in the room of the reserve."""
        try:
            return act()
        except DiskFull:
            if not self._reserve.give_up():
                raise
            return act()

    def _close(self, orderly: bool) -> None:
        self._state_models.end()
        self._connection.close()
        for asked in self._unanswered:
            asked.give_up("the hub was stopped before this was surely on the disk")
        if orderly:
            try:
                self._modes.close()
            except DiskFull as error:
                _log.error("%s; the next start reads more of the log instead", error)

    # ------------------------------------------------------------------ the loop

    def _turn(self) -> None:
        """Take what has come, decide, write, publish, acknowledge."""
        if not self._journal.look_for_room():
            self._wait_for_room()
            return
        if self._said_full:
            self._go_on()
        self._connection.receive(self._wait_s())
        self._watch_clock()
        self._tell_alerts()
        self._proposals.keep()
        self._process()
        if not self._live.catching_up:  # else what they write would stand at the present time
            self._state_models.set_up()
            self._state_models.keep()
            self._modes.turn()
            for mode in self._modes:
                mode.keep()
            if not self._hearing.held:  # else what waits there would not mean the same any more
                self._deployer.keep()
            self._do_commands()
        self._connection.acknowledge(self._journal.synced, self._journal.written)
        self._connection.keep()
        for mode in self._modes:
            mode.keep_checkpoint()

    def _wait_for_room(self) -> None:
        """Do what can be done while the disk is full; say so when it has just become so."""
        if not self._said_full:
            self._said_full = True
            self._live.say(linker.ALERT, DISK_IS_FULL, HUB)
        self._tell_of_full_disk()
        if self._hearing.held < MAX_HELD:
            self._connection.receive(DISK_FULL_S)
        else:
            self._stopping.wait(DISK_FULL_S)
        self._proposals.keep()
        self._connection.acknowledge(self._journal.synced, self._journal.written)
        self._connection.keep()

    def _go_on(self) -> None:
        """Process what has come while the disk was full, and say that it is not any more."""
        self._said_full = False
        self._live.say(linker.WARN, "there is room on the disk again; all goes on", HUB)
        self._connection.tell_storage("")
        self._process()

    def _tell_of_full_disk(self) -> None:
        """Say it to whoever asks, and to the broker."""
        self._connection.tell_storage(DISK_IS_FULL)
        for asked in self._unanswered:
            if not asked.is_done:
                asked.give_up(DISK_IS_FULL)
        self._unanswered = [
            asked for asked in self._unanswered if asked.is_done and not asked.settle(self._journal)
        ]
        while not self._control.requests.empty():
            self._control.requests.get().answer(error=DISK_IS_FULL)

    def _wait_s(self) -> float:
        """Return how long the loop may wait for something to come."""
        waits = [self._connection.due_s(), self._modes.due_s()]
        waits.append(self._proposals.due_s())
        if self._latecomers is not None:
            waits[1] = self._latecomers.wait_s(self._connection.online)
        if self._connection.online:
            waits.append(self._hearing.due_s())
        return max(0.0, min((wait for wait in waits if wait is not None), default=IDLE_S))

    def _process(self) -> None:
        """Process what boards have sent, behind what came due before."""
        live, intake = self._live, self._intake
        if self._latecomers is not None:
            if self._latecomers.wait_s(self._connection.online) > 0:
                return
            self._latecomers = None
            self._process_batch(live.process_late)
        now = live.take_what_is_due()
        if now is None:
            if not live.falls_behind():
                return
            now = live.now()
        if self._owes_greeting:
            self._owes_greeting = False
            self._connection.greet()
        if self._introduced and self._on_ready is not None:
            on_ready, self._on_ready = self._on_ready, None
            on_ready(self)
        self._process_batch(lambda batch, positions: live.process(batch, now, positions))
        if intake.unwelcome and self._connection.online:
            self._connection.publish([(topic, b"", 1, True, 0) for topic in intake.unwelcome])
            intake.unwelcome.clear()
        live.core.compact()

    def _watch_clock(self) -> None:
        """See whether the wall clock was set, and whether it is believed now."""
        by_ms = self._wall_clock.correction()
        live = self._live
        if by_ms:
            for mode in self._modes:
                if mode.clock.setting is None:
                    mode.correct(by_ms)
        if live.doubt and not self._trust.doubt(self._now_ms(), live.log_ms):
            live.believe()

    def _process_batch(self, process: Callable[[Batch, list[Position]], None]) -> None:
        """Process what the intake has, and how far boards were heard with it."""
        intake = self._intake
        positions = intake.changed() if intake.active else []
        if intake.topics or positions:
            process(intake, positions)
            intake.clear()
        intake.written(self._journal.written)

    def _tell_alerts(self) -> None:
        """Let the log have what the connection has to say."""
        alerts, self._connection.alerts = self._connection.alerts, []
        for text in alerts:
            self._live.say(linker.ALERT, text, HUB)

    def _do_commands(self) -> None:
        """Do what the user asks for; answer when it is on the disk."""
        while not self._control.requests.empty():
            self._unanswered.append(Asked(self._control.requests.get(), self._commands))
        journal = self._journal
        self._unanswered = [asked for asked in self._unanswered if not asked.settle(journal)]

    def _put_in_force(
        self, mode: Mode, order: Order, adapters: AdapterTopics, functions: dict[str, Function]
    ) -> dict[str, Any] | None:
        """Carry out a deployment that is prepared; see `Deployer`."""
        if mode.is_live:
            self._shared.adapters.follow(adapters)
            self._connection.admit_boards()
        answer = mode.deploy(order)
        if answer is not None and mode.is_live:
            mode.use(functions)
        return answer

    def _admit_boards(self, content: dict[str, Any]) -> dict[str, Any]:
        """Let in the boards that have an account now; flashing asks for it."""
        self._connection.admit_boards()
        return {"broker": self.broker_kind}

    def _greeting(self) -> tuple[list[Outgoing], int]:
        """Return what the broker may have missed, and the newest offset of the live log."""
        if self._live.catching_up:
            self._owes_greeting = True  # nobody hears anything before all is made up for
            return [], 0
        return self._modes.greeting(), self._live.offset - 1

    def _on_introduced(self) -> None:
        self._introduced = True
        self.wake()

    def _on_disk_error(self, error: StoreError) -> None:
        self._failure = error
        self.stop()
