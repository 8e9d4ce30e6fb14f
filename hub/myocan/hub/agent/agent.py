"""The hub's loop: bus -> inbox -> core -> log -> bus, one batch at a time, in one thread.

The one idea: **the log is the only thing written before acting.** Whatever came while the last
batch was at work is the next batch; its inputs, all their consequences, what these changed, and
how far the boards were heard go into the log in one transaction; only then is anything published,
and only when the disk has it (`Syncer`) is a board told that it may forget.

After a crash: the state is the last checkpoint with the changes of the log's tail applied; nothing
is executed again. What the broker had not confirmed is published again under its original offset,
and the boards send again what was never acknowledged.

What is due by now, timers and ATs (`Timetable`), is taken before what has come, one message after
the other, each with its due time as the log's time. So a hub that was away makes up for what it
missed in order, and a restart at any moment changes nothing. The log's time never goes back.

When the disk is full, the batch waits: nothing is published, nothing acknowledged, nothing new
taken, and the hub tries again until there is room.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from myocan.hub.agent.batch import Batch, OwnMessage
from myocan.hub.agent.calls import Calls, functions_of
from myocan.hub.agent.checkpoints import Checkpoints
from myocan.hub.agent.clerk import CALLED, DONE, EXTERNALS, Clerk, Written
from myocan.hub.agent.clockwork import CLOCK, Clockwork, Occasion
from myocan.hub.agent.commands import CommandRefused, Commands
from myocan.hub.agent.connection import Connection
from myocan.hub.agent.deployment import (
    CODE,
    Deployment,
    load_deployment,
    misfit,
    said_topics,
)
from myocan.hub.agent.intake import Intake
from myocan.hub.agent.newcomers import learn, said_of
from myocan.hub.agent.outlet import Name, Outlet
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.bus import Outgoing
from myocan.hub.control import Control, Request
from myocan.hub.core import Core, linker
from myocan.hub.core.linker import fold
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE
from myocan.hub.errors import HubError
from myocan.hub.externals import load_externals
from myocan.hub.house import House
from myocan.hub.store import DiskFull, Position, Store, StoreError, Syncer

__all__ = ["Agent"]

MODE = "live"

STALE_MS = 60_000
"""An event that the broker did not confirm is not published again after this."""

IDLE_S = 30.0
"""How long the loop waits when it knows of nothing to come."""

DISK_FULL_S = 1.0
"""The pause between two attempts to write while the disk is full."""

CLOCK_CHECK_S = 30.0
"""The loop looks at the clock at least this often while something is to come due."""

CLOCK_BEHIND_MS = 60_000
"""A clock that is further behind the log than this is worth a warning."""

MAX_DUE = 1000
"""Due messages that are taken before boards are acknowledged and the end may come."""

HUB = "hub"
"""The producer of what the hub says of itself."""

_log = logging.getLogger(__name__)


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
        fdatasync: makes a descriptor's file durable.

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
        fdatasync: Callable[[int], None] = os.fdatasync,
    ) -> None:
        self.house = house
        self._store_path = store_path or house.store_path
        self._now_ms = now_ms
        self._monotonic = monotonic
        self._fdatasync = fdatasync
        self._stopping = threading.Event()
        self._failure: HubError | None = None
        self._synced = 0
        self._written = 0
        self._clock_behind = False
        self._unanswered: deque[tuple[int, Request, dict[str, Any]]] = deque()
        self._control = Control(house, self.wake)
        self._connection = Connection(
            house, broker_url or house.broker.url, now_ms=now_ms, monotonic=monotonic
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

    def run(self, on_ready: Callable[[Agent], None] | None = None) -> None:
        """Run the house until `stop`.

        Arguments:
            on_ready: called once, on this thread, when the broker has taken us for the first time.

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
        self._store = stack.enter_context(Store.open(self._store_path))
        self._adapters = AdapterTopics(house.adapters())
        self._functions = load_externals(house.externals_path)
        deployment = load_deployment(house.modules(), self._adapters, self._store, house.agent.name)
        self._connection.start_broker(stack)
        self._syncer = Syncer(
            self._store,
            on_synced=self._on_synced,
            on_error=self._on_disk_error,
            fdatasync=self._fdatasync,
        )
        self._syncer.start()
        stack.callback(self._syncer.close)
        self._connection.begin_incarnation(self._store)
        self._recover(deployment)
        self._control.start(stack)
        self._connection.control_path = self._control.path
        self._connection.start(stack, self._intake, self._greeting, self._on_introduced)

    def _recover(self, deployment: Deployment) -> None:
        """Bring back what the log knows, and put the house's programs in force."""
        recovered = self._store.recover(MODE)
        names = self._store.names()
        state = {names[number]: value for number, value in recovered.state.items()}
        core = Core()
        core.link(deployment.programs.values(), self._adapters.published)
        self._core = core
        self._commands = Commands(core, lambda message: self._process_own([message], self._clock()))
        self._tells_origins = any(program.attributes for program in core.programs)
        self._outlet = Outlet(MODE, self.house.domain)
        self._outlet.know(core.programs)
        inputs = None if self.house.publish.inputs else self._adapters.subscribed
        self._clerk = Clerk(core, self._store, self._outlet, inputs)
        self._intake = Intake(
            core,
            self.house.domain,
            self._adapters,
            accept_unknown=self.house.accepts_unknown_boards,
            positions=recovered.positions,
            now_ms=self._now_ms,
        )
        self._offset = self._store.next_offset(MODE)
        self._log_ms = next((row[1] for row in self._store.rows(MODE, self._offset - 2)), 0)
        self._checkpoints = Checkpoints(self._store, MODE, recovered.checkpoint, self._monotonic)
        self._gone: list[Outgoing] = []
        self._calls = Calls(
            self._functions,
            self._store,
            MODE,
            asked=int(state.get(CALLED, 0)),
            done=int(state.get(DONE, 0)),
            timeout_s=self.house.externals.timeout_s,
            monotonic=self._monotonic,
            wake=self.wake,
        )
        self._deploy(deployment, state)
        self._say_what_does_not_run(deployment)

    def _say_what_does_not_run(self, deployment: Deployment) -> None:
        """Tell once at a start which modules and functions are missing here."""
        for module, agent in sorted(deployment.elsewhere.items()):
            text = f"{module} does not run here: it is for agent {agent}, and this is "
            text += f"{self.house.agent.name} ([agent] name in myocan.toml)"
            _log.warning("%s", text)
            self._say(linker.INFO, text, HUB)
        for program in self._core.programs:
            for name in sorted(functions_of(program)):
                if fold(name) not in self._functions:
                    text = f"{program.module} calls EXTERNAL {name}, which externals.py of this "
                    text += f"house does not have; write it there: @external def {name}(...)"
                    _log.warning("%s", text)
                    self._say(linker.ALERT, text, EXTERNALS)

    def _deploy(self, deployment: Deployment, state: dict[Name, str]) -> None:
        """Give the programs the state, and the log the texts that it does not know."""
        births_first = sorted(state.items(), key=lambda item: item[0][1] != INSTANCES_VARIABLE)
        fits = {name for name, value in births_first if self._clerk.restore(name, value)}
        sources = {name[0]: json.loads(value) for name, value in state.items() if name[1] == CODE}
        changed, removed = deployment.stale(sources)
        learnt = self._learn(deployment, changed, state)
        fits |= {name for known in learnt.values() for name in known}
        now = self._clock()
        self._clockwork = Clockwork(
            self.house,
            self._core,
            {name: state[name] for name in state if name in fits or name[1] == AT_VARIABLE},
            {*changed},
            now,
            self._log_ms,
        )
        self._clerk.watch(self._clockwork.variables)
        # What was missed comes behind the texts that it is done with; the log's time only rises.
        due = self._clockwork.next_ms()
        if due is not None:
            now = max(self._log_ms, min(now, due))
        lost = []
        for module in [*changed, *removed]:
            forgotten = [
                name for name in state if name[0] == module and name[1] != CODE and name not in fits
            ]
            source = deployment.sources.get(module)
            row = self._clerk.code_row(
                self._offset, now, module, source, forgotten, learnt.get(module, {})
            )
            self._append(row, [])
            said_on = said_topics(self._store, module, sources.get(module, ""))
            for name in forgotten:
                value = state.pop(name)
                if self._core.read(*name) is not None:
                    lost.append(misfit(name, value))
                said, of, key = said_on.get(name[1], name)
                gone = self._outlet.forget((said, of, key or name[2]))
                if gone is not None:
                    self._gone.append(gone)
        for name, value in state.items():
            topic = self._clerk.topic_of(name)
            if topic is not None:
                self._outlet.remember(topic, value, self._offset - 1, name[0])
        told = self._clockwork.begin(now)
        if told is not None:
            self._process_occasion(told)
        for module, known in learnt.items():
            self._process_own(said_of(deployment.programs[module], known), now)
        for text in lost:
            self._say(linker.WARN, text, HUB)

    def _learn(
        self, deployment: Deployment, changed: Iterable[str], state: dict[Name, str]
    ) -> dict[str, dict[Name, str]]:
        """Let new modules that want it know what came before them: into the core and the state."""
        learnt = {}
        for module in changed:
            if deployment.programs[module].history:
                known = learn(deployment.programs[module], self._store, MODE)
                if known:
                    learnt[module] = known
                    for name, value in known.items():
                        self._clerk.restore(name, value)
                    state.update(known)
        return learnt

    def _close(self, orderly: bool) -> None:
        self._connection.close()
        for _mark, request, _answer in self._unanswered:
            request.answer(error="the hub was stopped before this was surely on the disk")
        if orderly:
            done = self._calls.close()
            rows = []
            if done is not None:
                written = self._clerk.done_row(self._offset, self._clock(), done)
                rows = written.rows
                self._checkpoints.note(written.state)
                self._offset += len(rows)
            self._store.append(MODE, rows, released=self._connection.confirmed())
            self._checkpoints.finish(self._offset - 1)

    # ------------------------------------------------------------------ the loop

    def _turn(self) -> None:
        """Take what has come, decide, write, publish, acknowledge."""
        self._connection.receive(self._wait_s())
        self._process()
        self._make_calls()
        self._do_commands()
        self._connection.acknowledge(self._synced, self._written)
        self._connection.keep()
        self._checkpoints.keep(self._offset - 1)

    def _wait_s(self) -> float | None:
        """Return how long the loop may wait for something to come."""
        waits = [self._checkpoints.due_s(), self._connection.due_s(), self._calls.due_s()]
        if self._connection.online:
            waits.append(self._intake.due_s())
        due = self._clockwork.next_ms()
        if due is not None:
            waits.append(min((due - self._clock()) / 1000, CLOCK_CHECK_S))
        return max(0.0, min((wait for wait in waits if wait is not None), default=IDLE_S))

    def _process(self) -> None:
        intake = self._intake
        now = self._clock()
        if not self._take_what_is_due(now):
            return
        if intake.topics:
            written = self._run(intake, now)
            intake.clear()
        else:
            written = Written()
        positions = intake.changed() if intake.active else []
        if written.rows or positions:
            self._append(written, positions)
            self._connection.publish(written.frames)
        if intake.unwelcome and self._connection.online:
            self._connection.publish([(topic, b"", 1, True, 0) for topic in intake.unwelcome])
            intake.unwelcome.clear()
        self._core.compact()

    def _make_calls(self) -> None:
        """Let EXTERNAL functions be called, and the log know what became of it."""
        for problem in self._calls.keep(self._synced):
            self._say(linker.ALERT, problem, EXTERNALS)
        done = self._calls.to_tell()
        if done is not None:
            self._append(self._clerk.done_row(self._offset, self._clock(), done), [])

    def _do_commands(self) -> None:
        """Do what the user asks for; answer when it is on the disk."""
        while not self._control.requests.empty():
            request = self._control.requests.get()
            try:
                answer = self._commands.do(request.content)
            except CommandRefused as refusal:
                request.answer(error=str(refusal))
            else:
                self._unanswered.append((self._written, request, answer))
        while self._unanswered and self._unanswered[0][0] <= self._synced:
            _mark, request, answer = self._unanswered.popleft()
            request.answer(**answer)

    def _clock(self) -> int:
        """Return the log's time: the wall clock's, but never less than it was."""
        now = self._now_ms()
        behind = self._log_ms - now > CLOCK_BEHIND_MS
        if behind and not self._clock_behind:
            _log.warning(
                "the clock is %d s behind the log: it was set back, or was wrong before; until it "
                "has caught up, no timer runs out and no AT is due",
                (self._log_ms - now) // 1000,
            )
        self._clock_behind = behind
        return max(now, self._log_ms)

    def _take_what_is_due(self, now: int) -> bool:
        """Process what is due by `now`; return False if there is more, for the next turn."""
        for _ in range(MAX_DUE):
            due = self._clockwork.take(now)
            if due is None:
                return True
            if isinstance(due, str):
                self._say(linker.WARN, due, CLOCK)
            else:
                self._process_occasion(due)
            if self._stopping.is_set():
                return False
        return False

    def _process_occasion(self, due: Occasion) -> None:
        self._process_own(due.messages, max(due.at_ms, self._log_ms), due.taken)

    def _say(self, level: int, text: str, producer: str) -> None:
        """Write a line of the hub's own log."""
        line = OwnMessage(linker.LOG_TOPICS[level], json.dumps(text, ensure_ascii=False), producer)
        self._process_own([line], self._log_ms or self._clock())

    def _process_own(
        self,
        messages: Sequence[OwnMessage],
        now: int,
        taken: Sequence[tuple[Name, str]] = (),
    ) -> None:
        """Process messages of the hub's own; what has come in meanwhile stays where it is."""
        batch = Batch()
        for message in messages:
            batch.add_own(self._core, message)
        written = self._run(batch, now, taken)
        self._append(written, [])
        self._connection.publish(written.frames)

    def _run(self, batch: Batch, now: int, taken: Sequence[tuple[Name, str]] = ()) -> Written:
        """Let the core process a batch; return what it comes to."""
        instances = producers = stamps = None
        if batch.keys:
            instances = array("q", (-1,)) * len(batch.topics)
            for place, key in batch.keys.items():
                instances[place] = key
        if self._tells_origins:
            producers = array("q", (self._core.intern(name) for name, _ts in batch.origins))
            stamps = array("q", (ts or 0 for _name, ts in batch.origins))
        self._core.run(
            batch.topics,
            batch.tags,
            batch.values,
            now,
            instances,
            self._offset,
            producers,
            stamps,
        )
        return self._clerk.write(
            self._offset, now, batch.origins, self._connection.incarnation, taken
        )

    def _append(self, written: Written, positions: Sequence[Position]) -> None:
        """Write a batch into the log, however long the disk takes to have room for it."""
        waiting = False
        while True:
            released = self._connection.confirmed()
            try:
                self._written = self._store.append(MODE, written.rows, positions, released)
                break
            except DiskFull as error:
                if not waiting:
                    _log.error("%s; nothing is acted on until there is room", error)
                    waiting = True
                if self._stopping.wait(DISK_FULL_S):
                    raise
        if waiting:
            _log.error("there is room on the disk again; going on")
        if positions:
            self._intake.written(self._written)
        self._syncer.written(self._written)
        if written.calls:
            asking = [written.rows[offset - self._offset] for offset in written.calls]
            self._calls.ask(asking, self._written)
        self._offset += len(written.rows)
        self._checkpoints.note(written.state)
        if written.rows:
            self._log_ms = max(self._log_ms, written.rows[-1][1])
        for name, value in written.noted:
            self._clockwork.note(name, value, self._log_ms)

    def _greeting(self) -> tuple[list[Outgoing], int]:
        """Return what the broker may have missed: what was not confirmed, and all values."""
        values = self._outlet.values(self._connection.incarnation)
        again = self._clerk.unconfirmed(
            MODE,
            after=max(self._store.released(MODE), self._connection.confirmed() or 0),
            since_ms=self._now_ms() - STALE_MS,
        )
        return [*again, *self._gone, *values], self._offset - 1

    def _on_introduced(self) -> None:
        if self._on_ready is not None:
            self._on_ready(self)

    def _on_synced(self, number: int) -> None:
        self._synced = number
        self.wake()

    def _on_disk_error(self, error: StoreError) -> None:
        self._failure = error
        self.stop()
