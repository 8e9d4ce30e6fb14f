"""Deployments into a house that runs.

The one idea: what takes long is done on a thread of its own, while the house goes on: reading the
files, checking and compiling, telling new modules what came before them. What is left for the
agent's thread is one step between two batches, `Mode.deploy`.

Who asks has checked the rules and run their scenarios already, in a process of his own. So that
nothing else is put in force than what he has seen, he says the hash of it; if a file has changed
since, he is told.

Only one deployment is prepared at a time. Who asks for one is answered at once, and asks then what
became of it; so no answer is late, however long it takes.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from myocan.hub.agent.commands import Answer, Command, CommandRefused
from myocan.hub.agent.deployment import (
    DeploymentRefused,
    ModuleFiles,
    Reason,
    chosen,
    compiled,
    fingerprint,
)
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.newcomers import Newcomer
from myocan.hub.agent.order import Order, newcomers_of
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.core import Program
from myocan.hub.declared import HouseModels, digest_of, with_models
from myocan.hub.errors import HubError
from myocan.hub.externals import Function, load_externals
from myocan.hub.house import House
from myocan.hub.store import Reader

__all__ = ["Deployer"]

OUTCOME_S = 1.0
"""How long somebody who asks what became of a deployment is kept waiting before he is told that it
is under way."""

MAX_NAMES = 100
"""Names of scenarios that the log keeps of a deployment."""

MAX_WHO = 64
"""Letters of a login name that it keeps."""

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class _Wish:
    """What somebody asks for; see `Deployer`."""

    number: int
    mode: Mode
    in_force: Mapping[str, str]
    programs: Mapping[str, Program]
    hash: str
    who: str
    modules: tuple[str, ...]
    back_to: int | None
    forced: bool
    failed: tuple[str, ...]
    history: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A deployment that only has to be put in force. functions: None if they stay."""

    wish: _Wish
    order: Order
    adapters: AdapterTopics
    functions: dict[str, Function]


class Deployer:
    """The commands that put code in force.

        {"command": "deploy", "hash": "…", "who": "anna"}
        {"deployment": 1}
        {"command": "deploy outcome", "deployment": 1}
        {"done": true, "offset": 412, "modules": {"lamp1": "changed"}, …}

    A request to deploy has `hash` (`fingerprint` of all texts that are to run) and `who`; it may
    have `mode`, `modules` (only these files; all others stay what they are), `back_to` (the offset
    of a deployment whose code is put back, instead of that of the files), `forced`, `failed` (names
    of scenarios), `history` and `since_ms` (new modules are told what came before them, since
    then).

    Arguments:
        house: whose files are read.
        models: what its `models.py` declares; that stays what it is as long as the hub runs.
        store_path: where the log is, for reading.
        mode_of: returns the mode that a request is for; may raise CommandRefused.
        put_in_force: carries out what is prepared; None if it is to be tried again.
        wake: lets the agent look soon whether something is ready; called on another thread.
        monotonic: a clock that only rises, in seconds.
    """

    def __init__(
        self,
        house: House,
        models: HouseModels,
        store_path: Path,
        mode_of: Callable[[dict[str, Any]], Mode],
        put_in_force: Callable[
            [Mode, Order, AdapterTopics, dict[str, Function]], dict[str, Any] | None
        ],
        wake: Callable[[], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._house = house
        self._models = models
        self._store_path = store_path
        self._mode_of = mode_of
        self._put_in_force = put_in_force
        self._wake = wake
        self._monotonic = monotonic
        self._numbers = itertools.count(1)
        self._under_way: _Wish | None = None
        self._ready: SimpleQueue[_Prepared | str] = SimpleQueue()
        self._waiting: _Prepared | None = None
        self._outcome: tuple[int, dict[str, Any] | str] = (0, "")
        self.commands: dict[str, Command] = {
            "deploy": self._deploy,
            "deploy outcome": self._tell_outcome,
        }

    # ------------------------------------------------------------------ the agent's thread

    def keep(self) -> None:
        """Put in force what is ready; between two batches."""
        if self._under_way is None:
            return
        if self._waiting is None:
            try:
                ready = self._ready.get_nowait()
            except Empty:
                return
            if isinstance(ready, str):
                self._end(ready)
                return
            self._waiting = ready
        one = self._waiting
        if one.wish.mode.dropped:
            self._end(f"mode {one.wish.mode.name} was dropped meanwhile")
            return
        if one.wish.mode.sources != one.wish.in_force:
            self._end("other code was put in force meanwhile; look at it, and deploy again")
            return
        answer = self._put_in_force(one.wish.mode, one.order, one.adapters, one.functions)
        if answer is not None:
            self._end(answer)

    def _end(self, outcome: dict[str, Any] | str) -> None:
        assert self._under_way is not None
        self._outcome = self._under_way.number, outcome
        self._under_way = self._waiting = None

    def _deploy(self, content: dict[str, Any]) -> Answer:
        if self._under_way is not None:
            raise CommandRefused("another deployment is under way; wait until it is done")
        wish = _read(content, next(self._numbers), self._mode_of(content))
        self._under_way = wish
        threading.Thread(target=self._prepare, args=(wish,), name="deployer", daemon=True).start()
        return {"deployment": wish.number}

    def _tell_outcome(self, content: dict[str, Any]) -> Answer:
        number = content.get("deployment")
        until = self._monotonic() + OUTCOME_S

        def look() -> dict[str, Any] | None:
            if self._under_way is not None and self._under_way.number == number:
                return {"done": False} if self._monotonic() >= until else None
            known, outcome = self._outcome
            if number != known:
                raise CommandRefused("this hub knows of no such deployment; see `deploy history`")
            if isinstance(outcome, str):
                raise CommandRefused(outcome)
            return {"done": True, **outcome}

        return look

    # ------------------------------------------------------------------ a thread of its own

    def _prepare(self, wish: _Wish) -> None:
        try:
            self._ready.put(self._prepared(wish))
        except HubError as error:
            self._ready.put(str(error))
        except Exception as error:  # whatever goes wrong here must not leave the user waiting
            self._ready.put(f"it could not be prepared: {type(error).__name__}: {error}")
        self._wake()

    def _prepared(self, wish: _Wish) -> _Prepared:
        house = self._house
        if digest_of(house.models_path) != self._models.digest:
            raise DeploymentRefused(
                "models.py has changed since the hub was started; start it again, then it counts"
            )
        files = ModuleFiles(house.modules(), house.agent.name, self._models.texts())
        sources = self._sources(wish, files)
        if fingerprint(sources) != wish.hash:
            raise DeploymentRefused(
                "the files are not what was checked: somebody has changed them since; deploy again"
            )
        adapters = AdapterTopics(house.adapters())
        same = {
            name: program
            for name, program in wish.programs.items()
            if sources.get(name) == wish.in_force.get(name)
        }
        deployment = compiled(sources, adapters, house.agent.name, same)
        functions = load_externals(house.externals_path)
        by = "deploy" if wish.back_to is None else "rollback"
        reason = Reason(by, wish.who, files.hash, wish.forced, wish.failed, wish.back_to)
        newcomers = newcomers_of(deployment.programs, wish.in_force, wish.history, wish.since_ms)
        told_to = self._tell(newcomers, wish.mode.name)
        return _Prepared(wish, Order(deployment, reason, newcomers, told_to), adapters, functions)

    def _sources(self, wish: _Wish, files: ModuleFiles) -> dict[str, str]:
        """Return the texts that are to run, by module."""
        if wish.back_to is None:
            return chosen(files.sources(), wish.in_force, wish.modules)
        from myocan.hub.history import deployments, sources_as_of

        with Reader(self._store_path) as reader:
            for one in deployments(reader, wish.mode.name):
                if one.offset == wish.back_to:
                    texts = sources_as_of(reader, wish.mode.name, one.end)
                    return with_models(texts, wish.in_force)
        raise DeploymentRefused(f"there is no deployment #{wish.back_to}; see `deploy history`")

    def _tell(self, newcomers: Mapping[str, Newcomer], mode: str) -> int:
        """Tell new modules what came before them; return the last offset that they were told."""
        last = 0
        if newcomers:
            with Reader(self._store_path) as reader:
                log = reader.entries(mode)
                for rows in log.rows():
                    last = rows[-1][0]
                    for newcomer in newcomers.values():
                        newcomer.take(rows, log.name_of, log.producer_of)
        return last


def _read(content: dict[str, Any], number: int, mode: Mode) -> _Wish:
    """Return what a request asks for. Raises CommandRefused."""

    def get(name: str, kind: type[_Kind], default: _Kind | None = None) -> _Kind:
        value = content.get(name, default)
        if not isinstance(value, kind):
            raise CommandRefused(f"a deployment needs {name!r}, {kind.__name__}")
        return value

    back_to = get("back_to", int, -1)
    return _Wish(
        number=number,
        mode=mode,
        in_force=mode.sources,
        programs={program.module: program for program in mode.core.programs},
        hash=get("hash", str),
        who=get("who", str)[:MAX_WHO],
        modules=tuple(map(str, get("modules", list, []))),
        back_to=None if back_to < 0 else back_to,
        forced=get("forced", bool, False),
        failed=tuple(map(str, get("failed", list, [])[:MAX_NAMES])),
        history=get("history", bool, False),
        since_ms=get("since_ms", int, 0),
    )
