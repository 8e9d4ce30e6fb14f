"""A deployment mode: programs, a log, a state and a clock of its own.

The one idea: a house in `live` and a copy of it in which something is tried are the same thing
under two names. They share the store's file, the broker and the hub's thread, and nothing else;
what only the live one may do (hear boards, call EXTERNAL functions) is asked for by `is_live`.

A mode is one object in four layers: `Present` (its time), `Processing` (a message), `Occasions`
(what comes due), and here how it starts, and how its programs are replaced.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from myocan.hub.agent.away import AWAY, Away
from myocan.hub.agent.batch import Batch, OwnMessage, commit_of
from myocan.hub.agent.board_ports import plain
from myocan.hub.agent.calls import Calls, functions_of
from myocan.hub.agent.checkpoints import Checkpoints
from myocan.hub.agent.clerk import CALLED, DONE, EXTERNALS, Clerk, Written
from myocan.hub.agent.clocks import Clock, Setting
from myocan.hub.agent.clockwork import Clockwork
from myocan.hub.agent.corrections import (
    CORRECTED,
    Corrections,
)
from myocan.hub.agent.deployment import FILES, load_in_force
from myocan.hub.agent.exchange import Exchange, ats_left_behind, births_first, exchange, sources_in
from myocan.hub.agent.newcomers import said_of
from myocan.hub.agent.occasions import CLOCK_SETTING, Occasions
from myocan.hub.agent.order import FilesAtStart, Order, misfit
from myocan.hub.agent.outlet import Name, Outlet
from myocan.hub.agent.processing import line_of, text_of
from myocan.hub.agent.shared import HUB, Shared
from myocan.hub.agent.shelf import StoreShelf
from myocan.hub.agent.trimming import Trimming
from myocan.hub.bus import Outgoing
from myocan.hub.core import Core, linker
from myocan.hub.core.linker import fold
from myocan.hub.core.program import ADMIN_MODULE
from myocan.hub.declared import declared_in
from myocan.hub.externals import Function
from myocan.hub.lang import file_name
from myocan.wire import decode_value

__all__ = ["Mode"]

FOREVER_MS = 1 << 53
"""How far a test mode catches up, whose clock somebody has set ahead: all the way."""

MODELS = "models"
"""The producer of what state models begin with."""

EARLY_MS = 10**12

EARLY_DAY = "2001-09-10"
"""Due times before this are not found by the store's index: they have fewer digits."""

_log = logging.getLogger(__name__)


class Mode(Occasions):
    """One mode, as of the last message of its log, with a deployment in force.

    Arguments:
        name: its name, `live` or a test mode's.
        shared: what it has in common with others.
        start: which programs to put in force; None: those that the log says.
        wall_ms: the wall clock, milliseconds since 1970 UTC.

    `offset` is that of the next message of its log, `log_ms` the time of the last one; `sources`
    are the texts in force by module. As of the start, `positions` tells how far each board was
    heard, and `administration` what `$admin` says, by variable. `caught_up` tells whether all was
    done that was due when that was last looked at, `dropped` that it is no mode any more.
    `on_stated` is called with what fields of state models took, behind each batch, `on_dropped`
    when it is dropped.
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
        self.dropped = False
        self.on_stated = lambda stated: None
        self.on_dropped: Callable[[], None] = lambda: None
        self._busy_turns = self._lag_ms = 0
        self._recover(start)

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
        self._clerk.glossary.know_models(declared_in(self.sources))
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
        for page in self._shelf.said(self._clerk.glossary.speakers()):
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
            file_of=lambda module: file_name(self.sources.get(module, ""), module),
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
            file = file_name(self.sources[module], module)
            text += f"and this one does not take them; mend {file} and deploy it"
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
            topic = self._clerk.glossary.topic_of(name)
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
        self._clerk.glossary.watch(clockwork.variables)
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
        warnings += [misfit(*one, deployment) for one in found.reset]
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
        messages += self._first_values(found.state)
        messages += [line_of(linker.WARN, text, HUB) for text in warnings]
        self._add_consequences(written, now, messages)
        offset = self.offset
        self.append(written)
        values = self._outlet.finals(found.fresh, shared.connection.incarnation)
        self._publish([*gone, *values, *written.frames])
        if found.fresh:
            self._say_the_rest()
        return order.answer(found, offset, newcomers)

    def _first_values(self, state: Mapping[Name, str]) -> list[OwnMessage]:
        """Return the message that tells what fields of models begin with, of which nobody knows;
        one for all, so that what rules make of it comes behind."""
        models = self._shared.models
        fields = [
            (topic, name, "", text)
            for topic in sorted(declared_in(self.sources))
            for name, text in models.defaults(topic).items()
            if (topic, name, "") not in state
        ]
        return [commit_of(fields, MODELS)] if fields else []

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

    def shown(self, name: Name) -> object:
        """Return the value that a topic was published with last; None: not known."""
        text = self._outlet.value(name)
        return None if text is None else plain(decode_value(text.encode()))

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

    def keep_checkpoint(self) -> None:
        """Write a slice of a checkpoint, and take out one of what is too old, if it is time."""
        self.checkpoints.keep(self.offset - 1)
        trimmed = self.trimming.keep(self.now())
        if trimmed is not None:
            self.note("retention", text_of(trimmed), HUB)


def _has_early_times(state: Mapping[Name, str], log_ms: int) -> bool:
    """Tell whether timers may be due in the last century, on a machine that lost its clock."""
    corrected = state.get(CORRECTED)
    shown: list[str] = json.loads(corrected).split() if corrected else []
    return log_ms < EARLY_MS or (len(shown) > 1 and shown[1] < EARLY_DAY)
