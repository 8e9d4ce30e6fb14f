"""The state of an application: check out, configure, commit.

The one idea: there are two layers. In the runtime layer is one object for each model (and key),
which nobody outside ever holds; it is replaced as a whole, so nobody sees half a change. What is
checked out is a copy: it may be changed, spoiled and thrown away, and becomes true only by a
commit, after the field, the model and the device have had their say, and when the log has it; see
`line`.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
import time
import weakref
from collections.abc import Iterable
from contextlib import suppress
from inspect import iscoroutinefunction
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from myocan.hub.models.cells import Cell, Device, Loaded
from myocan.hub.models.contexts import Context, held_here
from myocan.hub.models.errors import CommitRejected, ModelError, StaleCheckout, StateError
from myocan.hub.models.line import Line
from myocan.hub.models.measures import Measures
from myocan.hub.models.model import StateModel, from_json
from myocan.hub.models.plans import Commit, Plan, ask_devices, plan_of
from myocan.hub.models.services import Services
from myocan.hub.models.subscriptions import Changed, Subscriber, Subscription, Told

if TYPE_CHECKING:
    from myocan.hub.models.hub_state import HubState

__all__ = ["State"]

_Model = TypeVar("_Model", bound=StateModel)

SETTLE_S = 30.0
"""How long `settle` waits for slow subscribers, unless it is told."""

END_S = 5.0
"""How long the end waits for them."""

_log = logging.getLogger(__name__)


class Measured(NamedTuple):
    """What was counted and timed of a model.

    measures: of check-outs and commits. contexts: blocks that hold the model or wait for it.
    subscribers: what those of it were told, those that were closed included.
    """

    measures: Measures
    contexts: int
    subscribers: Told


_numbers = itertools.count()

_alive: weakref.WeakSet[State] = weakref.WeakSet()

_let_go: list[State] = []
"""In a forked process those of the other one: what SQLite holds is not to be closed here."""


def _after_fork() -> None:
    for state in [*_alive]:
        state.let_go_forked()
        _let_go.append(state)


os.register_at_fork(after_in_child=_after_fork)


class State:
    """The state of an application.

    Arguments:
        path: the file that keeps it, made if it is not there; None: in memory only.
        producer: who commits, as the log has it.

    Used from any thread, and from asyncio:

        state = State("brewery.sqlite")
        with state(Heater) as held:
            heater = held.checkout(Heater)
            heater.setpoint = "21.5"
            held.commit(heater)

    Raises StoreError if the file cannot be used.
    """

    def __init__(self, path: str | Path | None = None, *, producer: str = "state") -> None:
        self._producer = producer
        self._line = Line(path, producer)
        self._lock = self._line.lock
        self.number = next(_numbers)
        """Of two states the lower one is of the one that was made first."""
        self._loaded: dict[str, Loaded] = {}
        self._groups: dict[tuple[type[StateModel], ...], dict[str, Loaded]] = {}
        _alive.add(self)
        self.services = Services()
        """Objects that all parts of the application share."""

    def open(self, path: str | Path) -> None:
        """Keep the state in a file from now on; for one that was made in memory.

        Raises StateError if a model was used already; StoreError if the file cannot be used.
        """
        with self._lock:
            if self._loaded:
                known = ", ".join(sorted(self._loaded))
                raise StateError(f"open the file first: {known} is in use already")
            self._line.open(path)

    @staticmethod
    def connect(
        house: str | Path | None = None, *, producer: str = "state", mode: str = "live"
    ) -> HubState:
        """Return the state of the hub that runs a house, in another process of this user.

        Arguments:
            house: its folder; None: the nearest, from the present folder upwards.
            producer: who commits, as the log has it.
            mode: a copy of the house, in which no board is asked.

        Raises StateError if no hub runs, HouseError if there is no such house.
        """
        from myocan.hub.models.remote import connect

        return connect(house, producer, mode)

    # ------------------------------------------------------------------ models

    def load(self, *models: type[StateModel]) -> None:
        """Let models be known, with what the store has of them; done by itself at first use.

        Raises ModelError if two have one topic.
        """
        for model in models:
            self._of(model)

    def __call__(self, *models: type[StateModel]) -> Context:
        """Hold models: nobody else does, as long as the `with` block lasts; `async with` waits
        without stopping its loop."""
        return Context(self, self._group(models))

    def _group(self, models: tuple[type[StateModel], ...]) -> dict[str, Loaded]:
        try:
            group = self._groups.get(models)
        except TypeError:  # a copy, where its class is meant
            group = None
        if group is None:
            if not models:
                raise StateError("which models? Name them: with state(Heater) as held")
            by_topic = {loaded.model.topic: loaded for loaded in map(self._of, models)}
            group = self._groups[models] = {topic: by_topic[topic] for topic in sorted(by_topic)}
        return group

    def checkout(self, model: type[_Model], key: str = "") -> _Model:
        """Return a copy of a model as it is now, without holding it.

        key: of which instance, "" for the one that has none.
        """
        return self._checkout(self._of(model), model, key)

    def commit(
        self, *copies: StateModel, merge: bool = False, require_device: bool = False
    ) -> bool:
        """Hold the models of these copies and commit them together; see `Context.commit`."""
        with self(*(type(copy) for copy in copies)):
            commit = self._commit(copies, merge, require_device)
        return self._line.wait(commit)

    def update(self, model: type[StateModel], key: str = "", **values: Any) -> bool:
        """Check out, set these fields, and commit, in one go.

        Raises pydantic.ValidationError for a value that its field does not take, CommitRejected.
        """
        with Context(self, self._group((model,)), waits=False):
            loaded = self._of(model)
            commit = None
            if loaded.ahead is not None and not loaded.devices:
                with suppress(Exception):
                    commit = self._update_ahead(loaded, key, values)
            if commit is None:
                self._line.until_true((loaded,))
                copy = self._checkout(loaded, model, key)
                for name, value in values.items():
                    setattr(copy, name, value)
                commit = self._commit((copy,), False)
        return self._line.wait(commit)

    def _update_ahead(self, loaded: Loaded, key: str, values: dict[str, Any]) -> Commit | None:
        """Decide by what is accepted, and not true yet; what this raises, nobody is to hear."""
        began = time.perf_counter()
        cell = loaded.cell(key)
        now = cell.ahead or cell.now
        copy = now.current.copy_of(now)
        loaded.measures.checkout.add(time.perf_counter() - began)
        for name, value in values.items():
            setattr(copy, name, value)
        plan = self._plan(copy, False)
        return None if plan is None else self._line.put([plan], began)

    def instances(self, model: type[StateModel]) -> list[str]:
        """Return the keys of a model's instances that were ever committed, in order."""
        cells = self._of(model).cells
        return sorted(key for key, cell in list(cells.items()) if key and cell.now.version)

    # ------------------------------------------------------------------ devices, subscribers

    def attach(self, model: type[StateModel], device: Device) -> None:
        """Let a device be asked before a commit of this model becomes true.

        Raises StateError for a coroutine function, which could not be asked here.
        """
        if iscoroutinefunction(device):
            raise StateError("a device is a plain function; a commit of asyncio asks in a thread")
        with self._lock:
            loaded = self._of(model)
            loaded.devices = (*loaded.devices, device)

    def subscribe(
        self,
        model: type[StateModel],
        subscriber: Subscriber,
        *,
        field: str | None = None,
        key: str | None = None,
    ) -> Subscription:
        """Tell a function, or a coroutine function, of each commit that changes a model.

        If the model was recovered, it is told so first, once for each instance.

        Arguments:
            subscriber: takes a `Changed`.
            field: tell it of this field alone. key: tell it of this instance alone.

        Raises StateError for a field that there is not, or a coroutine function without a loop.
        """
        if field is not None and field not in model.model_fields:
            raise StateError(f"{model.__name__} has no field {field}")
        loaded = self._of(model)
        subscription = Subscription(subscriber, field, key)
        with self._lock:
            for of, cell in loaded.cells.items():
                if cell.recovered:
                    told = Changed(
                        model, of, None, cell.now.current, tuple(model.model_fields), True
                    )
                    if subscription.wants(told):
                        subscription.offer(told)
            loaded.subscriptions = (*loaded.subscriptions, subscription)
        return subscription

    def measures(self) -> dict[str, Measured]:
        """Return what was counted and timed so far, by topic."""
        with self._lock:
            return {
                topic: Measured(
                    loaded.measures, loaded.lock.contenders, Told.of(loaded.subscriptions)
                )
                for topic, loaded in self._loaded.items()
            }

    def settle(self, seconds: float = SETTLE_S) -> bool:
        """Wait until all subscribers have been told all; False if that takes longer.

        seconds: how long, at most.
        """
        deadline = time.monotonic() + seconds
        return all(
            subscription.settle(deadline)
            for loaded in list(self._loaded.values())
            for subscription in loaded.subscriptions
        )

    def close(self) -> None:
        """Stop the services, let subscribers be told what waits, and close the store."""
        with self._lock:
            if self._line.ended:
                return
            self._line.ended = "this state was closed"
        try:
            self.services.close()
        finally:
            self._line.until_true(list(self._loaded.values()))
            self.settle(END_S)
            for loaded in self._loaded.values():
                for subscription in loaded.subscriptions:
                    subscription.close()
            self._line.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.to_thread(self.close)  # subscribers of this loop are told meanwhile

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def let_go_forked(self) -> None:
        """Refuse all in a process that was forked: file and threads are those of the other one."""
        self._line.ended = (
            "this process was forked from the one that has this state; open its own file here, or "
            "begin the process anew (multiprocessing: the start method spawn)"
        )

    # ------------------------------------------------------------------ the two layers

    def _of(self, model: type[StateModel]) -> Loaded:
        try:
            loaded = self._loaded.get(model.topic)
        except AttributeError:
            loaded = None
        if loaded is not None and loaded.model is model:
            return loaded
        if not (isinstance(model, type) and issubclass(model, StateModel)):
            raise StateError(f"{model!r} is no model; name the class: state(Heater)")
        with self._lock:
            known = self._loaded.get(model.topic)
            if known is None:
                known = self._loaded[model.topic] = self._load(model)
            elif known.model is not model:
                raise ModelError(
                    f"{known.model.__qualname__} and {model.__qualname__} have one topic, "
                    f"{model.topic!r}; give one of them another: topic = ..."
                )
            return known

    def _load(self, model: type[StateModel]) -> Loaded:
        loaded = Loaded(model)
        found: dict[str, dict[str, str]] = {}
        for (topic, variable, key), text in self._line.recovered.items():
            if topic == model.topic:
                found.setdefault(key, {})[variable] = text
        for key, values in found.items():
            current, misfits = from_json(model, values)
            for name, why in misfits.items():
                if name not in model.model_fields:
                    _log.warning(
                        "%s has no %s any more; it was %s", model.topic, name, values[name]
                    )
                    continue
                _log.warning(
                    "%s.%s was %s, which is no value of it any more (%s); it starts anew",
                    model.topic,
                    name,
                    values[name],
                    why,
                )
            loaded.cells[key] = Cell(loaded, key, current, 1, True)
        loaded.cell("")
        return loaded

    def _checkout(self, loaded: Loaded, model: type[_Model], key: str) -> _Model:
        """Return a copy of what is true."""
        began = time.perf_counter()
        cell = loaded.cells.get(key) or loaded.cell(key)
        now = cell.now
        copy = now.current.copy_of(now)
        assert isinstance(copy, model)
        loaded.measures.checkout.add(time.perf_counter() - began)
        return copy

    def _commit(
        self, copies: Iterable[StateModel], merge: bool, require_device: bool = False
    ) -> Commit | None:
        """Accept copies whose models are held; return what to wait for, None if nothing differs.

        require_device: whether a board that is away is a refusal; only a hub knows boards.
        """
        if self._line.ended:
            raise StateError(self._line.ended)
        began = time.perf_counter()
        plans = self._plans(copies, merge)
        if not plans:
            return None
        self._ask_devices(plans)
        return self._line.put(plans, began)

    def _plans(self, copies: Iterable[StateModel], merge: bool) -> list[Plan]:
        """Return what copies change; those that change nothing are left out."""
        plans: list[Plan] = []
        for copy in copies:
            try:
                plan = self._plan(copy, merge)
            except StaleCheckout:
                self._of(type(copy)).measures.reject("stale")
                raise
            except CommitRejected as error:
                self._of(type(copy)).measures.reject(error.by)
                raise
            if plan is None:
                continue
            if plans and any(plan.cell is other.cell for other in plans):
                raise StateError(f"two copies of {type(copy).topic} in one commit; merge them")
            plans.append(plan)
        return plans

    def _plan(self, copy: StateModel, merge: bool) -> Plan | None:
        origin = getattr(copy, "__origin__", None)
        topic = copy.topic
        if origin is None or origin.cell.loaded is not self._loaded.get(topic):
            raise StateError(f"this {type(copy).__name__} was not checked out here")
        if not held_here(self, topic):
            raise StateError(f"{topic} is not held here: with state({type(copy).__name__})")
        return plan_of(copy, origin, merge)

    def _ask_devices(self, plans: Iterable[Plan]) -> None:
        for plan in plans:
            ask_devices(plan)
