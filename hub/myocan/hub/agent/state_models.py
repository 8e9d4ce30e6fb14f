"""The state models of a house that runs: commits become messages, and messages what models hold.

The one idea: the hub's thread has the last word. Whoever commits, from another thread or another
process, asks for a command; here it is compared with what is true at that moment, the field and the
model are asked once more, then the boards, and then it is a message like any other. What models
hold is what messages made of them, so what rules and boards say of a field counts as much.

    {"command": "state commit", "producer": "rest", "models": [
        {"topic": "heater", "key": "", "version": 412, "fields": {"setpoint": "21.5"}}]}
    {"versions": [415]}

`version` is the offset that the copy is of; `fields` are JSON texts; `counted` says that whoever
asks counts its commits itself, so that the hub's figures do not have them twice. An answer may say
instead who `refused` it, or that it is `stale`.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from decimal import Decimal
from itertools import groupby
from queue import SimpleQueue
from typing import Any

from myocan.hub.agent.batch import commit_of
from myocan.hub.agent.board_ports import plain
from myocan.hub.agent.commands import Answer, Command, CommandRefused
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.outlet import Name
from myocan.hub.agent.proposals import Proposals, Verdict
from myocan.hub.agent.shared import HUB, Shared
from myocan.hub.agent.written import Stated
from myocan.hub.core import linker
from myocan.hub.core.program import INSTANCES_VARIABLE
from myocan.hub.core.scalars import scalar_json
from myocan.hub.models.errors import CommitRejected
from myocan.hub.models.hub_state import Heard, HubState, checked
from myocan.hub.models.measures import Measures
from myocan.hub.models.process import process_state

__all__ = ["Hub", "StateModels"]

MAX_PRODUCER = 64
"""Letters of a producer's name that the log keeps."""

MOST_FIELDS = 10_000
"""Fields of one commit; bounds what one message can cost."""

_log = logging.getLogger(__name__)

Listener = Callable[[Heard | str], bool]
"""Is told what became true, or why nothing will any more; returns whether it still listens."""

Wanted = tuple[str, str, int, dict[str, str]]
"""A model's part of a commit: topic, key, version of the copy, and JSON texts of its fields."""


class Hub:
    """What `setup` of a house's `models.py` is given.

    state: its models, and services that all share. domain: the house's.
    """

    def __init__(self, state: HubState, domain: str) -> None:
        self.state = state
        self.domain = domain


class StateModels:
    """The models of a mode.

    Arguments:
        shared: the models, the boards' topics, and who stops all.
        mode: it; `setup` is for the live one alone.
        proposals: ask boards.
        status_of: the last status of a board, empty if it has said none.
        ask: gives the agent's thread a command, and waits for its answer.

    `state` is what the house's own code uses, from any thread but the agent's.
    """

    def __init__(
        self,
        shared: Shared,
        mode: Mode,
        proposals: Proposals,
        status_of: Callable[[str], Mapping[str, Any]],
        ask: Callable[[dict[str, Any]], dict[str, Any]],
    ) -> None:
        self._models = shared.models.models
        self._setup = shared.models.setup if mode.is_live else None
        self._shared = shared
        self._mode = mode
        self._proposals = proposals
        self._status_of = status_of
        self._listeners: list[Listener] = []
        self._made: dict[tuple[str, str], Heard] | None = None
        self._failed: SimpleQueue[str] = SimpleQueue()
        self._ask = ask
        topics = {topic: model.key for topic, model in self._models.items()}
        self.state = HubState(ask, "models", self._models, topics, self._values())
        self.state.load(*self._models.values())
        self.state.run_by(threading.get_ident())
        process_state.stand_for(self.state)
        mode.on_stated = self._take
        mode.on_dropped = self._let_go
        self.commands: dict[str, Command] = {
            "state commit": self._commit,
            "state read": self._read,
            "state unconfirmed": self._unconfirmed,
            "state watch": self._watch,
        }
        self._of_modes: dict[str, StateModels] = {}

    def commands_of(self, mode_of: Callable[[dict[str, Any]], Mode]) -> dict[str, Command]:
        """Return the commands, each for the mode that a request names, which `mode_of` returns."""

        def command(name: str) -> Command:
            return lambda content: self._of(mode_of(content)).commands[name](content)

        return {name: command(name) for name in self.commands}

    def _of(self, mode: Mode) -> StateModels:
        """Return the models of a mode, those of a test mode from their first use on."""
        if mode is self._mode:
            return self
        known = self._of_modes.get(mode.name)
        if known is None or known._mode is not mode:
            known = StateModels(self._shared, mode, self._proposals, self._status_of, self._ask)
            self._of_modes[mode.name] = known
        return known

    def set_up(self) -> None:
        """Let `setup` of models.py run, in a thread of its own; when all is made up for."""
        setup, self._setup = self._setup, None
        if setup is None:
            return
        hub = Hub(self.state, self._shared.house.domain)

        def run() -> None:
            try:
                setup(hub)
            except (Exception, SystemExit) as error:  # which would end the thread without a word
                if self.state.ended:
                    return  # the hub ends, which is no fault of it
                text = (
                    f"setup of models.py failed{_where(error)}: {type(error).__name__}: {error}; "
                )
                text += "the hub goes on without what it would have begun"
                _log.error("%s", text)
                self._failed.put(text)
                self._shared.wake()

        threading.Thread(target=run, name="setup", daemon=True).start()

    def keep(self) -> None:
        """Tell the log what went wrong in `setup`."""
        while not self._failed.empty():
            self._mode.say(linker.ALERT, self._failed.get(), HUB)

    def end(self) -> None:
        """Refuse what comes now, stop the services, and let subscribers hear what waits."""
        process_state.let_go(self.state)
        self.state.end("the hub was stopped")
        try:
            self.state.close()
        except ExceptionGroup as group:
            for error in group.exceptions:
                _log.error("a service did not stop: %s: %s", type(error).__name__, error)

    # ------------------------------------------------------------------ what became true

    def _values(self) -> dict[tuple[str, str], tuple[int, dict[str, str]]]:
        version = self._mode.offset - 1
        values: dict[tuple[str, str], tuple[int, dict[str, str]]] = {}
        for (topic, name, key), text in self._mode.core.snapshot(self._models.keys()).items():
            if name != INSTANCES_VARIABLE:
                values.setdefault((topic, key), (version, {}))[1][name] = text
        return values

    def _take(self, stated: list[Stated]) -> None:
        """Let models hold what messages made of them."""
        for _together, rows in groupby(stated, key=lambda one: one.together):
            changes: dict[tuple[str, str], dict[str, str | None]] = {}
            versions: dict[tuple[str, str], int] = {}
            for offset, _, (topic, name, key), value, _producer in rows:
                changes.setdefault((topic, key), {})[name] = value
                versions[topic, key] = offset
            for (topic, key), fields in changes.items():
                heard = Heard(topic, key, versions[topic, key], fields)
                if self._made is not None:
                    self._made.setdefault((topic, key), heard)
                self.state.take_in(heard)
                if self._listeners:
                    self._listeners = [one for one in self._listeners if one(heard)]

    def _let_go(self) -> None:
        """Tell who hears a mode that it was dropped, and do nothing for it any more."""
        self.state.end(f"mode {self._mode.name} was dropped")
        listeners, self._listeners = self._listeners, []
        for one in listeners:
            one(
                f"mode {self._mode.name} was dropped, and what it held is gone; "
                "`myocan mode list` shows those that run"
            )

    def _watch(self, content: dict[str, Any]) -> Answer:
        """Tell all that is true, and from then on what becomes so; to who returns True."""
        listener = content.get("listener")
        if not callable(listener):
            raise CommandRefused("this can be asked for by a program alone: State.connect(...)")
        self._listeners.append(listener)
        return {
            "topics": {topic: model.key for topic, model in self._models.items()},
            "values": [
                [topic, key, version, fields]
                for (topic, key), (version, fields) in self.state.values().items()
            ],
        }

    # ------------------------------------------------------------------ commits

    def _commit(self, content: dict[str, Any]) -> Answer:
        wanted = [self._wanted(one) for one in _list(content.get("models"))]
        if not wanted or sum(len(fields) for _, _, _, fields in wanted) > MOST_FIELDS:
            raise CommandRefused("a commit names models, each with the fields that change")
        if len({(topic, key) for topic, key, _, _ in wanted}) < len(wanted):
            raise CommandRefused("a commit names each model once")
        merge = bool(content.get("merge"))
        producer = str(content.get("producer") or "state")[:MAX_PRODUCER]
        count = self._counter(wanted, content.get("counted") is True)
        refusal = self._refusal(wanted, merge)
        if refusal is not None:
            return count(refusal)
        verdict = self._propose(wanted, bool(content.get("require_device")))
        if verdict is not None:
            verdict.add_done_callback(self._timer(wanted))

        def go_on() -> dict[str, Any] | None:
            if self._mode.dropped:
                raise CommandRefused(f"mode {self._mode.name} was dropped meanwhile")
            if verdict is not None and not verdict.done():
                return None
            if verdict is not None and not verdict.result().accepted:
                return count(self._refused_by_device(wanted, verdict.result()))
            answer = self._refusal(wanted, merge) or self._write(wanted, producer)
            return None if answer is None else count(answer)

        return go_on

    def _timer(self, wanted: list[Wanted]) -> Callable[[object], None]:
        """Return what notes how long the boards took, when called."""
        began = time.perf_counter()

        def note(_: object) -> None:
            for measures in self._measures(wanted):
                measures.device.add(time.perf_counter() - began)

        return note

    def _counter(
        self, wanted: list[Wanted], counted: bool
    ) -> Callable[[dict[str, Any]], dict[str, Any]]:
        """Return what counts a commit by its answer, unless whoever asks for it does that."""
        began = time.perf_counter()

        def count(answer: dict[str, Any]) -> dict[str, Any]:
            if "refused" in answer:
                self.state.measures_of(answer["refused"]["model"]).reject(answer["refused"]["by"])
            elif "stale" in answer:
                self.state.measures_of(answer["model"]).reject("stale")
            else:
                for measures in self._measures(wanted):
                    measures.commit.add(time.perf_counter() - began)
                    measures.tidy()
            return answer

        return (lambda answer: answer) if counted else count

    def _measures(self, wanted: list[Wanted]) -> list[Measures]:
        return [self.state.measures_of(topic) for topic in {topic for topic, *_ in wanted}]

    def _wanted(self, one: Any) -> Wanted:
        """Return topic, key, version and fields of a model's part. Raises CommandRefused."""
        try:
            topic, key = str(one["topic"]), str(one["key"])
            version, fields = int(one["version"]), dict(one["fields"])
            model = self._models[topic]
        except (KeyError, TypeError, ValueError) as error:
            raise CommandRefused(f"this is no part of a commit: {error!r}") from None
        for name, text in fields.items():
            if name not in model.model_fields or not isinstance(text, str):
                raise CommandRefused(f"{topic} has no field {name}")
        if bool(key) != bool(model.key):
            raise CommandRefused(f"{topic} has {'a' if model.key else 'no'} key")
        return topic, key, version, fields

    def _refusal(self, wanted: list[Wanted], merge: bool) -> dict[str, Any] | None:
        """Return why a commit cannot be true as things are now; None if it can."""
        for topic, key, version, fields in wanted:
            now, changed_at = self.state.as_of(topic, key)
            others = [name for name, at in changed_at.items() if at > version]
            both = [name for name in others if name in fields]
            if both or (others and not merge):
                told = f"{topic} was changed since this copy was checked out"
                told += f" ({', '.join(both or others)}); check out anew"
                return {
                    "stale": told + ("" if both else ", or commit with merge=True"),
                    "model": topic,
                }
            try:
                checked(self._models[topic], now, fields)
            except CommitRejected as error:
                return {"refused": {"by": error.by, "model": error.model, "why": error.why}}
        return None

    def _propose(self, wanted: list[Wanted], require_device: bool) -> Future[Verdict] | None:
        """Ask the boards that take one of the fields; None if there is none."""
        changes: dict[Name, Any] = {}
        for topic, key, _version, fields in wanted:
            for name, text in fields.items():
                if self._shared.adapters.ports_that_take((topic, name, key)):
                    changes[topic, name, key] = json.loads(text, parse_float=Decimal)
        if not changes:
            return None
        name = self._mode.name
        return self._proposals.propose(changes, require_device=require_device, mode=name)

    def _refused_by_device(self, wanted: list[Wanted], verdict: Verdict) -> dict[str, Any]:
        ports = {
            (answer.board, port)
            for answer in verdict.answers
            if answer.outcome != "accepted"
            for port in ([answer.port] if answer.port else answer.ports)
        }
        named = [
            f"{topic}[{key}]" if key else topic
            for topic, key, _version, fields in wanted
            for name in fields
            for port in self._shared.adapters.ports_that_take((topic, name, key))
            if (port.board, port.name) in ports
        ]
        topic = (named or [wanted[0][0]])[0]
        return {"refused": {"by": "device", "model": topic, "why": verdict.why}}

    def _write(self, wanted: list[Wanted], producer: str) -> dict[str, Any] | None:
        """Let a commit be a message; None if there is something due before."""
        now = self._mode.take_what_is_due()
        if now is None:
            return None
        stale = self._refusal(wanted, True)
        if stale is not None:
            return stale
        made: dict[tuple[str, str], Heard] = {}
        self._made = made
        said = [
            (topic, name, key, text)
            for topic, key, _version, fields in wanted
            for name, text in fields.items()
        ]
        try:
            self._mode.process_own([commit_of(said, producer)], now)
        finally:
            self._made = None
        versions = []
        for topic, key, version, fields in wanted:
            heard = made.get((topic, key))
            if heard is None and not self._holds(topic, key, fields):
                why = "the hub did not take it; `myocan tail` shows why, as $log.rejected"
                return {"refused": {"by": "field", "model": topic, "why": why}}
            versions.append(version if heard is None else heard.version)
        return {"versions": versions}

    def _holds(self, topic: str, key: str, fields: Mapping[str, str]) -> bool:
        """Tell whether a model has these values already."""
        known = self.state.texts(topic, key)
        return all(known.get(name) == text for name, text in fields.items())

    # ------------------------------------------------------------------ questions

    def _read(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return what a module holds now."""
        core, module = self._mode.core, str(content.get("module"))
        program = next((one for one in core.programs if one.module == module), None)
        if program is None:
            known = ", ".join(one.module for one in core.programs) or "none"
            raise CommandRefused(f"no module {module} runs here (there are: {known})")
        keys = core.instances(module)
        plain_ones = [one for one in program.variables if "#" not in one.name and not one.map]

        def texts(keyed: bool, key: str) -> dict[str, str]:
            found = {}
            for variable in plain_ones:
                if variable.keyed == keyed:
                    name = linker.fold(variable.name)
                    scalar = core.read(module, name, key)
                    if scalar is not None:
                        found[name] = scalar_json(*scalar, core.texts)
            return found

        return {
            "variables": texts(False, ""),
            "instances": {key: texts(True, key) for key in keys},
        }

    def _unconfirmed(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of a model whose ports do not show them."""
        topic, key = str(content.get("topic")), str(content.get("key") or "")
        if topic not in self._models:
            raise CommandRefused(f"there is no model {topic}")
        found: dict[str, str] = {}
        if not self._mode.is_live:
            return {"fields": found}  # no board listens there
        for name, text in self.state.texts(topic, key).items():
            for port in self._shared.adapters.ports_that_take((topic, name, key)):
                status = self._status_of(port.board)
                shown = status.get("applied", {}).get(port.name)
                said = json.loads(text, parse_float=Decimal)
                if not status.get("online"):
                    found[name] = f"board {port.board} is away"
                elif plain(shown) != said:
                    found[name] = f"port {port.name} of board {port.board} shows {shown}"
        return {"fields": found}


def _list(given: object) -> list[Any]:
    return given if isinstance(given, list) else []


def _where(error: BaseException) -> str:
    """Return in which line of models.py something went wrong."""
    import traceback

    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.endswith("models.py")
    ]
    return f" in line {lines[-1]}" if lines else ""
