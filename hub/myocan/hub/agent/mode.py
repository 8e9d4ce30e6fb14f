"""A deployment mode: programs, a log, a state and a clock of its own.

The one idea: a house in `live` and a copy of it in which something is tried are the same thing
under two names. They share the store's file, the broker and the hub's thread, and nothing else;
what only the live one may do (hear boards, call EXTERNAL functions) is asked for by `is_live`.

What is due by now, timers and ATs (`Timetable`), is processed one message after the other, each
with its due time as the log's time. So a hub that was away makes up for what it missed in order,
and a restart at any moment changes nothing. The log's time never goes back.
"""

from __future__ import annotations

import json
import logging
import threading
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from myocan.hub.agent.away import AWAY, LATE_MS, Away, LeftOut
from myocan.hub.agent.batch import Batch, OwnMessage
from myocan.hub.agent.calls import Calls, functions_of
from myocan.hub.agent.checkpoints import Checkpoints
from myocan.hub.agent.clerk import CALLED, DONE, EXTERNALS, Clerk, Written
from myocan.hub.agent.clocks import Clock, Setting
from myocan.hub.agent.clockwork import CLOCK, Clockwork, Occasion
from myocan.hub.agent.connection import Connection
from myocan.hub.agent.corrections import (
    CORRECTED,
    JUMP_MS,
    STANDS,
    TRUSTED,
    Correction,
    Corrections,
)
from myocan.hub.agent.deployment import FILES, load_in_force
from myocan.hub.agent.exchange import Exchange, ats_left_behind, births_first, exchange, sources_in
from myocan.hub.agent.journal import Journal
from myocan.hub.agent.latecomers import in_order, single
from myocan.hub.agent.newcomers import said_of
from myocan.hub.agent.order import FilesAtStart, Order, misfit
from myocan.hub.agent.outlet import Name, Outlet
from myocan.hub.agent.shelf import StoreShelf
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.agent.trimming import Trimming
from myocan.hub.bus import Outgoing
from myocan.hub.core import Core, linker
from myocan.hub.core.linker import fold
from myocan.hub.core.program import ADMIN_MODULE
from myocan.hub.durations import duration_text
from myocan.hub.externals import Function
from myocan.hub.house import House
from myocan.hub.store import Position, Store
from myocan.hub.trust import Trust

__all__ = ["HUB", "LIVE", "Mode", "Shared"]

LIVE = "live"
"""The mode that boards belong to."""

FOREVER_MS = 1 << 53
"""How far a test mode catches up, whose clock somebody has set ahead: all the way."""

CLOCK_CHECK_S = 30.0
"""The loop looks at the clock at least this often while something is to come due."""

CLOCK_BEHIND_MS = 60_000
"""A clock that is further behind the log than this is worth a warning."""

MAX_BACKLOG = 256
"""Frames that wait for the broker, while which nothing is said that it may know."""

SAY_MORE_S = 0.01
"""The pause until the broker may have taken some of them."""

EARLY_MS = 10**12
EARLY_DAY = "2001-09-10"
"""Due times before this are not found by the store's index: they have fewer digits."""

MAX_DUE = 1000
"""Due messages that are taken before boards are acknowledged and the end may come."""

BUSY_TURNS = 20
"""Turns in a row of nothing but what is due, after which that has to have become less."""

MAX_TOGETHER = 20_000
"""Rows of one transaction after which messages that boards held do not wait for their time."""

CLOCK_SETTING = "clock"
"""How the clock of a mode was set, as `$admin` has it."""

HUB = "hub"
"""The producer of what the hub says of itself."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shared:
    """What the modes of a hub have in common.

    Arguments:
        house: its settings.
        store: where their logs are. journal: writes there.
        adapters: the topics of boards. functions: EXTERNAL ones, by lower-case name.
        connection: to the broker.
        monotonic: a clock that only rises, in seconds.
        stopping: set when the hub is to end.
        wake: lets the loop look soon whether there is something to do; from any thread.
        trust: says what speaks against the machine's clock.
    """

    house: House
    store: Store
    journal: Journal
    adapters: AdapterTopics
    functions: Mapping[str, Function]
    connection: Connection
    monotonic: Callable[[], float]
    stopping: threading.Event
    wake: Callable[[], None]
    trust: Trust


class Mode:
    """One mode, as of the last message of its log, with a deployment in force.

    Arguments:
        name: its name, `live` or a test mode's.
        shared: what it has in common with others.
        start: which programs to put in force; None: those that the log says.
        wall_ms: the wall clock, milliseconds since 1970 UTC.

    `offset` is that of the next message of its log, `log_ms` the time of the last one; `sources`
    are the texts in force by module. As of the start, `positions` tells how far each board was
    heard, and `administration` what `$admin` says, by variable. `caught_up` tells whether all was
    done that was due when that was last looked at.
    """

    def __init__(
        self,
        name: str,
        shared: Shared,
        start: FilesAtStart | Order | None,
        wall_ms: Callable[[], int],
    ) -> None:
        self.name = name
        self._shared = shared
        self.clock = Clock(wall_ms)
        self._clock_behind = False
        self.caught_up = False
        self._busy_turns = self._lag_ms = 0
        self._recover(start)

    @property
    def is_live(self) -> bool:
        """Whether boards belong to it."""
        return self.name == LIVE

    # ------------------------------------------------------------------ start and end

    def _recover(self, start: FilesAtStart | Order | None) -> None:
        """Bring back what the log knows, and put programs in force."""
        shared, store = self._shared, self._shared.store
        self._shelf = StoreShelf(store, self.name)
        state = self._shelf.present.without_instances()
        self.positions = store.positions(self.name)
        self.sources = sources_in(state)
        known = json.loads(state[FILES]) if FILES in state else None
        files = start if isinstance(start, FilesAtStart) else None
        order = start if isinstance(start, Order) else None
        if files is not None:
            order = files.choose(self.sources, known)
        programs = load_in_force(self.sources, store)
        self.core = core = Core()
        core.link(programs.values(), shared.adapters.published)
        self._outlet = Outlet(self.name, shared.house.domain)
        inputs = None if shared.house.publish.inputs else shared.adapters.subscribed
        self._clerk = Clerk(core, store, self._outlet, inputs)
        state |= self._shelf.beside_instances(core.programs)
        for name, value in state.items():
            self._clerk.restore(name, value)
        self._outlet.know(core.programs)
        core.use_shelf(self._shelf, shared.house.agent.instances_in_memory)
        self._unsaid: Iterator[list[tuple[Name, str]]] | None = None
        self.offset = store.next_offset(self.name)
        self.log_ms = next((row[1] for row in store.rows(self.name, self.offset - 2)), 0)
        self.administration = {
            name[1]: value for name, value in state.items() if name[0] == ADMIN_MODULE
        }
        if CLOCK_SETTING in self.administration:
            setting = Setting.from_json(self.administration[CLOCK_SETTING])
            self.clock.setting = setting
        saved = self._shelf.present.checkpoint
        self.checkpoints = Checkpoints(store, self.name, saved, shared.monotonic)
        self.trimming = Trimming(store, self.name, shared.house.retention, core, shared.monotonic)
        doubt = shared.trust.doubt(self.clock.now_ms(), self.log_ms) if self.is_live else ""
        self._corrections = Corrections(store, self._clerk, doubt)
        self._away = Away.from_json(state.get(AWAY))
        self._told = self._away.last
        self._left_out: list[str] = []
        self._together: Written | None = None
        self._gone: set[Name] = set()
        self._calls = self._make_calls_of(state) if self.is_live else None
        self._remember(state.items())
        for page in self._shelf.said(self._clerk.speakers()):
            if not self._outlet.knows_all:
                break
            self._remember(page)
        if order is None:
            self._begin(state)
        else:
            self._put_in_force(order, self._whole_state(), self.now())
        self._begin_clock(state)
        self._say_what_does_not_run(files)

    def _make_calls_of(self, state: Mapping[Name, str]) -> Calls:
        shared = self._shared
        return Calls(
            shared.functions,
            shared.store,
            self.name,
            asked=int(state.get(CALLED, 0)),
            done=int(state.get(DONE, 0)),
            timeout_s=shared.house.externals.timeout_s,
            monotonic=shared.monotonic,
            wake=shared.wake,
        )

    def _say_what_does_not_run(self, files: FilesAtStart | None) -> None:
        """Tell once at a start which modules and functions are missing here."""
        here = self._shared.house.agent.name
        for module, agent in sorted(files.elsewhere.items() if files else ()):
            text = f"{module} does not run here: it is for agent {agent}, and this is "
            text += f"{here} ([agent] name in myocan.toml)"
            _log.warning("%s", text)
            self.say(linker.INFO, text, HUB)
        if files and files.apart:
            text = "what was deployed last runs, and not what the files say: "
            text += f"{', '.join(files.apart)}; `myocan deploy diff` shows what is different, "
            text += "`myocan deploy` puts the files in force"
            _log.warning("%s", text)
            self.say(linker.WARN, text, HUB)
        running = {program.module for program in self.core.programs}
        for module in sorted(self.sources.keys() - running):
            text = f"{module} does not run: its rules were made for an earlier version of myocan, "
            text += f"and this one does not take them; mend {module}.scc and deploy it"
            _log.error("%s", text)
            self.say(linker.ALERT, text, HUB)
        if self._calls is None:
            return
        for program in self.core.programs:
            for name in sorted(functions_of(program)):
                if fold(name) not in self._shared.functions:
                    text = f"{program.module} calls EXTERNAL {name}, which externals.py of this "
                    text += f"house does not have; write it there: @external def {name}(...)"
                    _log.warning("%s", text)
                    self.say(linker.ALERT, text, EXTERNALS)

    def _begin(self, state: Mapping[Name, str]) -> None:
        """Go on with the programs in force where the log ends."""
        self._tells_origins = any(program.attributes for program in self.core.programs)
        known = {**state, **self._shelf.changed_of_instances()}
        self._clockwork, _, told_ms = self._clockwork_of(known, (), self.now())
        told = self._clockwork.begin(told_ms)
        if told is not None:
            self._process_occasion(told)

    def _remember(self, values: Iterable[tuple[Name, str]]) -> None:
        """Let the outlet know what was said in an earlier life."""
        for name, value in values:
            topic = self._clerk.topic_of(name)
            if topic is not None:
                self._outlet.remember(topic, value, self.offset - 1, name[0])

    def _whole_state(self) -> dict[Name, str]:
        """Return all that the log knows, of all instances."""
        names = self._shared.store.names()
        state = self._shared.store.recover(self.name).state
        return {names[number]: text for number, text in state.items()}

    def _clockwork_of(
        self, state: Mapping[Name, str], ats: Collection[tuple[str, str]], now: int
    ) -> tuple[Clockwork, int, int]:
        """Return what is to come due from now on, the log's time for what is new, and what day is
        told first, as a time.

        What was missed comes behind what is new; the log's time only rises. A day that began
        meanwhile does so in its place, behind what boards held from before.

        Arguments:
            state: all that the log knows.
            ats: (module, identity) of those that are new.
            now: the log's time.
        """
        house = self._shared.house
        catch_up_ms = house.agent.catch_up_ms if self.is_live else FOREVER_MS
        clockwork = Clockwork(
            house,
            self.core,
            state,
            ats,
            now,
            self.log_ms,
            catch_up_ms,
            not self.doubt,
            self._shelf.timers(self.core, few_digits=_has_early_times(state, self.log_ms)),
        )
        self._clerk.watch(clockwork.variables)
        due = clockwork.next_ms()
        if due is None:
            return clockwork, now, now
        return clockwork, max(self.log_ms, min(now, due)), max(self.log_ms, min(now, due - 1))

    def use(self, functions: Mapping[str, Function]) -> None:
        """Call these EXTERNAL functions from now on."""
        if self._calls is not None:
            self._calls.use(functions)

    def deploy(self, order: Order) -> dict[str, Any] | None:
        """Put other programs in force, in one transaction; return what came of it, for who asked.

        None if there is more due before than is done at once; ask again then. No batch may wait
        that has numbers of the core.
        """
        now = self.take_what_is_due()
        if now is None:
            return None
        return self._put_in_force(order, self._whole_state(), now)

    def _put_in_force(self, order: Order, state: Mapping[Name, str], now: int) -> dict[str, Any]:
        """Carry an order out.

        Arguments:
            order: it.
            state: all that the log knows.
            now: the log's time, by which all that was due has been taken.
        """
        shared, deployment = self._shared, order.deployment
        newcomers = order.tell_newcomers(shared.store, self.name)
        learnt = {name: text for known in newcomers.values() for name, text in known.items()}
        suspended = self.sources.keys() - {program.module for program in self.core.programs}
        learnt |= {name: text for name, text in births_first(state) if name[0] in suspended}
        warnings = ats_left_behind(shared.house, self.core, deployment, state, self.log_ms, now)
        topics = shared.adapters.published
        found = exchange(self.core, self._clerk, deployment, topics, state, learnt)
        warnings += [misfit(*one) for one in found.reset]
        deployment.keep(shared.store)
        self.sources = deployment.sources
        self._tells_origins = any(program.attributes for program in self.core.programs)
        self._clockwork, now, told_ms = self._clockwork_of(found.state, found.ats, now)
        gone = self._know_topics(found)
        told, files = order.told(found), order.reason.files
        written = self._clerk.deployment(self.offset, now, told, files, found.changes, self.sources)
        day = self._clockwork.begin(told_ms)
        messages = [] if day is None else day.messages
        for module, known in newcomers.items():
            messages += said_of(deployment.programs[module], known)
        messages += [_line(linker.WARN, text, HUB) for text in warnings]
        self._add_consequences(written, now, messages)
        offset = self.offset
        self.append(written)
        values = self._outlet.finals(found.fresh, shared.connection.incarnation)
        self._publish([*gone, *values, *written.frames])
        if found.fresh:
            self._say_the_rest()
        return order.answer(found, offset, newcomers)

    def _know_topics(self, found: Exchange) -> list[Outgoing]:
        """Follow a deployment in what is published; return what clears topics."""
        outlet = self._outlet
        outlet.know(self.core.programs)
        for topic in found.fresh:
            outlet.forget(topic)
        for topic, (value, module) in found.said.items():
            outlet.remember(topic, value, self.offset, module)
        self._gone = (self._gone | {*found.cleared}) - found.said.keys()
        return list(filter(None, map(outlet.forget, found.cleared)))

    def _add_consequences(self, written: Written, now: int, messages: Sequence[OwnMessage]) -> None:
        """Let messages be said in the same transaction as what is written already."""
        batch = Batch()
        for message in messages:
            batch.add_own(self.core, message)
        if messages:
            written.add(self._run(batch, now, (), self.offset + len(written.rows)))

    def close(self) -> None:
        """Write what is left to write, in an orderly end; nothing is published any more."""
        done = self._calls.close() if self._calls is not None else None
        rows = []
        if done is not None:
            written = self._row_of_done(done)
            rows = written.rows
            self.checkpoints.note(written.state)
            self.offset += len(rows)
        self._shared.store.append(self.name, rows, released=self._released())
        self.checkpoints.finish(self.offset - 1)

    # ------------------------------------------------------------------ the clock

    def now(self) -> int:
        """Return the log's time: the clock's, but never less than it was."""
        now = self.clock.now_ms()
        behind = self.log_ms - now > CLOCK_BEHIND_MS
        if behind and not self._clock_behind:
            _log.warning(
                "the clock is %s behind the log: it was set back, or was wrong before; until it "
                "has caught up, the log's time stands",
                duration_text(self.log_ms - now),
            )
        self._clock_behind = behind
        return max(now, self.log_ms)

    @property
    def doubt(self) -> str:
        """Why the machine's clock is not believed; "" if it is."""
        return self._corrections.doubt

    def _behind_ms(self) -> int:
        """Return how far the clock is behind the log, 0 for what a moment makes of it."""
        behind = self.log_ms - self.clock.now_ms()
        return behind if self.clock.setting is None and behind >= JUMP_MS else 0

    def _begin_clock(self, state: Mapping[Name, str]) -> None:
        """See whether the clock was set back while the hub was away, and whether it is believed."""
        if self.doubt:
            text = f"the clock of this machine is not believed: {self.doubt}. Until it is, no AT "
            text += 'comes due; if it is right, write [clock] trust = "always" in myocan.toml'
            _log.warning("%s", text)
            self.append(self._row_of_clock(TRUSTED, "false"))
            self.say(linker.ALERT, text, CLOCK)
            return
        if state.get(TRUSTED) == "false":
            self.append(self._row_of_clock(TRUSTED, "true"))
        behind = self._behind_ms()
        if behind and state.get(STANDS) != str(self.log_ms):
            self.correct(-behind)  # nobody knows how much time has passed; timers keep what is left

    def believe(self) -> None:
        """Believe the clock from now on: what was missed until now is made up for."""
        behind = self._behind_ms()
        correction = Correction(-behind, self.log_ms, self.clock.now_ms())
        moved = self._corrections.believe(correction, self._clockwork, self.offset)
        if moved is not None:
            self.append(moved)
            self.append(self._row_of_clock(STANDS, str(self.log_ms)))
        self.append(self._row_of_clock(TRUSTED, "true"))
        self.say(linker.INFO, "the clock of this machine is believed now", CLOCK)
        told = self._clockwork.trust(self.clock.now_ms())
        if told is not None:
            self._process_occasion(told)
        self.caught_up = False

    def correct(self, by_ms: int) -> None:
        """Take note that the wall clock was set; timers that run go on as they were.

        Arguments:
            by_ms: by how much, negative for back.
        """
        new_ms = self.clock.now_ms()
        correction = Correction(by_ms, max(self.log_ms, new_ms - by_ms), new_ms)
        self.append(self._corrections.set(correction, self._clockwork, self.offset))
        if by_ms < 0:
            self.append(self._row_of_clock(STANDS, str(correction.at_ms)))
        self.say(linker.WARN, correction.words, CLOCK)
        self.caught_up = False

    def _row_of_clock(self, name: Name, value: str) -> Written:
        """Return a message of the clock at the log's time, whose value is state."""
        return self._clerk.row_of(self.offset, self.log_ms or self.now(), name, value, CLOCK)

    def due_s(self) -> float | None:
        """Return in how many seconds there is something to do here; None if nobody knows."""
        waits = [self.checkpoints.due_s(), self.trimming.due_s()]
        if self._unsaid is not None:
            waits.append(SAY_MORE_S if self._shared.connection.backlog > MAX_BACKLOG else 0.0)
        if self._calls is not None:
            waits.append(self._calls.due_s())
        due = self._clockwork.next_ms()
        if not self.caught_up:
            waits.append(0.0)
        elif due is not None:
            at_once = due <= self.log_ms and not self._behind_ms()
            wait = 0.0 if at_once else self.clock.wait_s(due)
            waits.append(CLOCK_CHECK_S if wait is None else min(wait, CLOCK_CHECK_S))
        return min((wait for wait in waits if wait is not None), default=None)

    def take_what_is_due(self) -> int | None:
        """Process what is due; return the log's time then, None if there is more, for the next
        turn."""
        now = self.now()
        self.caught_up = self._take_what_is_due(now)
        return now if self.caught_up else None

    def _take_what_is_due(self, now: int) -> bool:
        self.catch_up(now)
        for _ in range(MAX_DUE):
            if not self._take_next(now, now):
                self._end_catching_up(now)
                self._busy_turns = self._lag_ms = 0
                return True
            if self._shared.stopping.is_set():
                return False
        return False

    def falls_behind(self) -> bool:
        """Tell whether more comes due than can be done, turn after turn; others need one, too."""
        due = self._clockwork.next_ms()
        lag = 0 if due is None else self.clock.now_ms() - due
        self._busy_turns += 1
        if self._busy_turns % BUSY_TURNS:
            return False
        before, self._lag_ms = self._lag_ms, lag
        if not 0 < before <= lag:
            return False
        if self._busy_turns == 2 * BUSY_TURNS:
            text = "timers and ATs come due faster than this machine can do them; what boards send "
            self.say(linker.ALERT, text + "waits in between", CLOCK)
        self._end_catching_up(self.now())
        return True

    def _take_next(self, until_ms: int, now: int) -> bool:
        """Process what is due next up to a time; return whether there was anything."""
        if self._behind_ms():  # the log's time stands: what is due is told by the clock alone
            until_ms = now = self.clock.now_ms()
        due = self._clockwork.take(until_ms, now)
        if isinstance(due, str):
            self.say(linker.WARN, due, CLOCK)
        elif due is not None:
            self._process_occasion(due)
        return due is not None

    def _process_occasion(self, due: Occasion) -> None:
        self.process_own(due.messages, max(due.at_ms, self.log_ms), due.taken)

    # ------------------------------------------------------------------ time that was missed

    @property
    def catching_up(self) -> bool:
        """Whether it makes up for time that it missed, and publishes nothing until that is done."""
        return self._away.goes_on

    def catch_up(self, now: int) -> bool:
        """Begin to make up for what was missed, if anything was; return `catching_up`.

        Arguments:
            now: the log's time, milliseconds since 1970 UTC.
        """
        due = self._clockwork.next_ms()
        present = self.clock.now_ms() if self._behind_ms() else now
        missed = due is not None and due < present - LATE_MS
        if self.is_live and missed and not self.catching_up:
            self._set_away(Away(self.offset), self.log_ms or now)
        return self.catching_up

    def _end_catching_up(self, now: int) -> None:
        """Publish what is true now, and the events that are not too old."""
        if not self.catching_up:
            return
        first, incarnation = self._away.first, self._shared.connection.incarnation
        frames, left_out, finals = self._unconfirmed(first - 1)
        frames += self._outlet.finals(finals, incarnation)
        self._say_the_rest()
        untold = self.offset - 1
        self._tell_left_out(left_out.texts(self._shared.house.agent.stale_events_ms), now)
        frames += self._unconfirmed(untold)[0]
        self._set_away(Away(first, self.offset), now)
        self._publish(sorted(frames, key=lambda frame: frame[4]))

    def _set_away(self, away: Away, at_ms: int) -> None:
        """Write down where in the log was made up for what was missed."""
        self._away = away
        self.append(self._clerk.row_of(self.offset, at_ms, AWAY, away.to_json(), CLOCK))

    def _unconfirmed(self, after: int) -> tuple[list[Outgoing], LeftOut, list[Name]]:
        since_ms = self.clock.now_ms() - self._shared.house.agent.stale_events_ms
        return self._clerk.unconfirmed(self.name, after, since_ms, self._away, self._told)

    def _tell_left_out(self, texts: list[str], now: int) -> None:
        """Tell the log which events were not published, being too old."""
        topic = linker.LOG_TOPICS[linker.STALE]
        for text in texts:
            line = OwnMessage(topic, json.dumps(text, ensure_ascii=False), HUB)
            self.process_own([line], now)
        self._told = self.offset - 1

    def process_late(self, batch: Batch, positions: Sequence[Position]) -> None:
        """Process what boards held while the hub was away, in its place among what was due then.

        It is one transaction from the first of these messages on, for a board is heard up to a
        message or not at all.

        Arguments: see `process`; the log's time is that of each message.
        """
        now = self.now()
        order = in_order(batch, self.log_ms, now)
        while order and self._take_next(order[0][0], now):
            pass
        self._together = Written()
        messages = single(batch, (place for _at_ms, place in order))
        for (at_ms, _place), message in zip(order, messages, strict=True):
            while len(self._together.rows) < MAX_TOGETHER and self._take_next(at_ms, now):
                pass
            self.process(message, max(at_ms, self.log_ms))
        together, self._together = self._together, None
        self._write(together, positions)

    def set_clock(self, setting: Setting | None, producer: str) -> None:
        """Let the clock show something else from now on.

        Arguments:
            setting: what, not before `log_ms`; None: the wall clock.
            producer: who sets it.
        """
        self.note(CLOCK_SETTING, "null" if setting is None else setting.to_json(), producer)
        self.clock.setting = setting
        self.caught_up = False

    # ------------------------------------------------------------------ messages

    def say(self, level: int, text: str, producer: str) -> None:
        """Write a line of the hub's own log.

        Arguments:
            level: `linker.INFO`, `WARN` or `ALERT`.
            text: the line.
            producer: what part of the hub says it.
        """
        self.process_own([_line(level, text, producer)], self.log_ms or self.now())

    def process_own(
        self,
        messages: Sequence[OwnMessage],
        now: int,
        taken: Sequence[tuple[Name, str]] = (),
    ) -> None:
        """Process messages of the hub's own; what boards have sent meanwhile stays where it is.

        Arguments:
            messages: in order.
            now: the log's time for them, milliseconds since 1970 UTC.
            taken: what the first of them changes besides variables, names and JSON texts.
        """
        batch = Batch()
        for message in messages:
            batch.add_own(self.core, message)
        self.process(batch, now, taken=taken)

    def process(
        self,
        batch: Batch,
        now: int,
        positions: Sequence[Position] = (),
        taken: Sequence[tuple[Name, str]] = (),
    ) -> None:
        """Process a batch: decide, write, publish.

        Arguments:
            batch: the inputs; with none, only positions are written.
            now: the log's time for them, milliseconds since 1970 UTC.
            positions: how far boards were heard with it.
            taken: what the first of them changes besides variables, names and JSON texts.
        """
        written = self._run(batch, now, taken) if batch.topics else Written()
        self.append(written, positions)
        self._publish(written.frames)

    def append(self, written: Written, positions: Sequence[Position] = ()) -> None:
        """Write a batch into the log; while several are to be one transaction, with the others."""
        if self._together is None:
            self._write(written, positions)
        else:
            self._together.rows += written.rows
            self._together.state |= written.state
            self._together.calls += written.calls
        self.offset += len(written.rows)
        self._shelf.present.note(written.state, self.offset - 1)
        if self._together is None:
            self.core.let_go()
        if written.rows:
            self.log_ms = max(self.log_ms, written.rows[-1][1])
        for name, value in written.noted:
            self._clockwork.note(name, value, self.log_ms)

    def _write(self, written: Written, positions: Sequence[Position]) -> None:
        """Write rows into the log, in one transaction."""
        journal, rows = self._shared.journal, written.rows
        journal.append(self.name, rows, positions, self._released())
        if written.calls and self._calls is not None:
            asking = [rows[offset - rows[0][0]] for offset in written.calls]
            self._calls.ask(asking, journal.written)
        self.checkpoints.note(written.state)

    def keep(self) -> None:
        """Go on with what goes on beside messages: calls of EXTERNAL functions."""
        if self._left_out:
            texts, self._left_out = self._left_out, []
            self._tell_left_out(texts, self.now())
        self._say_more()
        if self._calls is None:
            return
        for problem in self._calls.keep(self._shared.journal.synced):
            self.say(linker.ALERT, problem, EXTERNALS)
        done = self._calls.to_tell()
        if done is not None:
            self.append(self._row_of_done(done))

    def _row_of_done(self, call: int) -> Written:
        """Return the message that EXTERNAL functions were called up to a call."""
        return self._clerk.row_of(self.offset, self.now(), DONE, str(call), EXTERNALS, call)

    def note(self, variable: str, value: str, producer: str, forgotten: Iterable[int] = ()) -> None:
        """Write down an act of administration: a message of `$admin`, whose value is state.

        Arguments:
            variable: what kind of act.
            value: its JSON text; null: what was so is forgotten.
            producer: who did it.
            forgotten: numbers of names whose values are forgotten with it.
        """
        name = (ADMIN_MODULE, variable, "")
        now = self.now()
        self.append(
            self._clerk.row_of(self.offset, now, name, value, producer, forgotten=forgotten)
        )

    def keep_checkpoint(self) -> None:
        """Write a slice of a checkpoint, and take out one of what is too old, if it is time."""
        self.checkpoints.keep(self.offset - 1)
        trimmed = self.trimming.keep(self.now())
        if trimmed is not None:
            self.note("retention", json.dumps(json.dumps(trimmed)), HUB)

    def take_back(self, name: Name) -> None:
        """Take the value of a topic from the broker, also from one that is away now."""
        frame = self._outlet.forget(name)
        if frame is not None:
            self._gone.add(name)
            self._publish([frame])

    def greeting(self) -> list[Outgoing]:
        """Return what the broker may have missed: what was not confirmed, and all values."""
        connection = self._shared.connection
        again: list[Outgoing] = []
        if self.is_live:
            confirmed = max(self._shared.store.released(self.name), connection.confirmed() or 0)
            again, left_out, _finals = self._unconfirmed(confirmed)
            self._left_out += left_out.texts(self._shared.house.agent.stale_events_ms)
            self._told = self.offset - 1
        self._say_the_rest()
        gone = filter(None, map(self._outlet.clear, sorted(self._gone)))
        return [*again, *gone, *self._outlet.values(connection.incarnation)]

    def _say_the_rest(self) -> None:
        """Begin to say what there was no room to remember, page by page in the turns to come."""
        self._unsaid = None
        if not self._outlet.knows_all:
            self._unsaid = self._shelf.said(self._clerk.speakers())

    def _say_more(self) -> None:
        """Say a page of what there was no room to remember, when the broker has taken the last."""
        connection = self._shared.connection
        if self._unsaid is None or connection.backlog > MAX_BACKLOG:
            return
        page = next(self._unsaid, None) if connection.online else None
        if page is None:
            self._unsaid = None
            return
        said = ((self._clerk.topic_of(name), name[0], value) for name, value in page)
        frames = [
            self._outlet.say(topic, value, self.offset - 1, module, connection.incarnation)
            for topic, module, value in said
            if topic is not None
        ]
        connection.publish(list(filter(None, frames)))

    def farewell(self) -> list[Outgoing]:
        """Return what takes the mode's values from the broker."""
        gone = self._outlet.farewell()
        if not self._outlet.knows_all:
            pages = self._shelf.said(self._clerk.speakers())
            topics = (self._clerk.topic_of(name) for page in pages for name, _value in page)
            gone += filter(None, (self._outlet.clear(topic) for topic in topics if topic))
        return gone

    def _run(
        self,
        batch: Batch,
        now: int,
        taken: Sequence[tuple[Name, str]],
        offset: int | None = None,
    ) -> Written:
        """Let the core process a batch; return what it comes to, from an offset or the next on."""
        offset = self.offset if offset is None else offset
        instances = producers = stamps = None
        if batch.keys:
            instances = array("q", (-1,)) * len(batch.topics)
            for place, key in batch.keys.items():
                instances[place] = key
        if self._tells_origins:
            producers = array("q", (self.core.intern(name) for name, _ts in batch.origins))
            stamps = array("q", (ts or 0 for _name, ts in batch.origins))
        self.core.run(
            batch.topics,
            batch.tags,
            batch.values,
            now,
            instances,
            offset,
            producers,
            stamps,
        )
        incarnation = self._shared.connection.incarnation
        written = self._clerk.write(offset, now, batch.origins, incarnation, taken)
        following, behind = offset + len(written.rows), self._behind_ms()
        if behind or self.doubt:
            self._corrections.follow(
                written, self._clockwork, self.clock.now_ms(), behind, following
            )
        return written

    def _publish(self, frames: list[Outgoing]) -> None:
        """Publish; what the broker confirms is told apart by the offsets of the live log alone."""
        if self.catching_up:
            return  # the log has them, for the end of that
        if not self.is_live:
            frames = [(*frame[:4], 0) for frame in frames]
        self._shared.connection.publish(frames)

    def _released(self) -> int | None:
        return self._shared.connection.confirmed() if self.is_live else None


def _line(level: int, text: str, producer: str) -> OwnMessage:
    """Return a line of the hub's own log."""
    value = json.dumps(text, ensure_ascii=False)
    return OwnMessage(linker.LOG_TOPICS[level], value, producer)


def _has_early_times(state: Mapping[Name, str], log_ms: int) -> bool:
    """Tell whether timers may be due in the last century, on a machine that lost its clock."""
    corrected = state.get(CORRECTED)
    shown: list[str] = json.loads(corrected).split() if corrected else []
    return log_ms < EARLY_MS or (len(shown) > 1 and shown[1] < EARLY_DAY)
