"""The state of an application: check out, configure, commit.

The one idea: there are two layers. In the runtime layer is one object for each model (and key),
which nobody outside ever holds; it is replaced as a whole, so nobody sees half a change. What is
checked out is a copy: it may be changed, spoiled and thrown away, and becomes true only by a
commit, after the field, the model and the device have had their say, and when the log has it.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from pydantic import ValidationError

from myocan.hub.models.cells import Cell, Device, Loaded, Now
from myocan.hub.models.contexts import Context, held_here
from myocan.hub.models.errors import (
    CommitRejected,
    ModelError,
    StaleCheckout,
    StateError,
)
from myocan.hub.models.keeper import FileKeeper, Keeper, Nowhere
from myocan.hub.models.measures import Measures
from myocan.hub.models.model import StateModel, from_json, reason
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


class _Origin(NamedTuple):
    """Where a copy comes from: the cell with its key, and what was in it then."""

    loaded: Loaded
    key: str
    cell: Cell
    version: int
    values: dict[str, Any]


class _Plan(NamedTuple):
    """One model's part of a commit."""

    origin: _Origin
    copy: StateModel
    new: StateModel
    fields: list[str]


class _Written(NamedTuple):
    """A commit that is true, and what is left of it to wait for.

    mark: for `Keeper.wait`. began, stored: when the commit and its writing began, as
    `time.perf_counter` has it.
    """

    mark: int
    plans: list[_Plan]
    began: float
    stored: float


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
        self._keeper: Keeper = Nowhere() if path is None else FileKeeper(Path(path), producer)
        self._lock = threading.RLock()
        self._loaded: dict[str, Loaded] = {}
        self._groups: dict[tuple[type[StateModel], ...], dict[str, Loaded]] = {}
        self._closed = False
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
            keeper = FileKeeper(Path(path), self._producer)
            self._keeper.close()
            self._keeper = keeper

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
        group = self._groups.get(models)
        if group is None:
            if not models:
                raise StateError("which models? Name them: with state(Heater) as held")
            by_topic = {model.topic: self._of(model) for model in models}
            group = self._groups[models] = {topic: by_topic[topic] for topic in sorted(by_topic)}
        return Context(self, group)

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
            written = self._commit(copies, merge, require_device)
        return self._wait(written)

    def update(self, model: type[StateModel], key: str = "", **values: Any) -> bool:
        """Check out, set these fields, and commit, in one go.

        Raises pydantic.ValidationError for a value that its field does not take, CommitRejected.
        """
        with self(model) as held:
            copy = held.checkout(model, key)
            for name, value in values.items():
                setattr(copy, name, value)
            written = self._commit((copy,), False)
        return self._wait(written)

    def instances(self, model: type[StateModel]) -> list[str]:
        """Return the keys of a model's instances that were ever committed, in order."""
        cells = self._of(model).cells
        return sorted(key for key, cell in list(cells.items()) if key and cell.now.version)

    # ------------------------------------------------------------------ devices, subscribers

    def attach(self, model: type[StateModel], device: Device) -> None:
        """Let a device be asked before a commit of this model becomes true."""
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
        if self._closed:
            return
        self._closed = True
        try:
            self.services.close()
        finally:
            self.settle(END_S)
            for loaded in self._loaded.values():
                for subscription in loaded.subscriptions:
                    subscription.close()
            self._keeper.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # ------------------------------------------------------------------ the two layers

    def _of(self, model: type[StateModel]) -> Loaded:
        loaded = self._loaded.get(model.topic)
        if loaded is not None and loaded.model is model:
            return loaded
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
        for (topic, variable, key), text in self._keeper.recovered.items():
            if topic == model.topic:
                found.setdefault(key, {})[variable] = text
        for key, values in found.items():
            current, misfits = from_json(model, values)
            for name, why in misfits.items():
                _log.warning(
                    "%s.%s was %s, which is no value of it any more (%s); it starts anew",
                    model.topic,
                    name,
                    values[name],
                    why,
                )
            loaded.cells[key] = Cell(Now(current, 1), True)
        loaded.cells.setdefault("", Cell(Now(model(), 0)))
        return loaded

    def _checkout(self, loaded: Loaded, model: type[_Model], key: str) -> _Model:
        cell = loaded.cells.get(key)
        if cell is None:
            cell = loaded.cells.setdefault(key, Cell(Now(model(), 0)))
        began = time.perf_counter()
        current, version = cell.now
        copy = current.copy_of(_Origin(loaded, key, cell, version, current.__dict__))
        assert isinstance(copy, model)
        loaded.measures.checkout.add(time.perf_counter() - began)
        return copy

    def _wait(self, written: _Written | None) -> bool:
        """Wait until a commit is on the disk; return whether there was one."""
        if written is None:
            return False
        self._keeper.wait(written.mark)
        now = time.perf_counter()
        for plan in written.plans:
            measures = plan.origin.loaded.measures
            measures.store.add(now - written.stored)
            measures.commit.add(now - written.began)
            measures.tidy()
        return True

    def _commit(
        self, copies: Iterable[StateModel], merge: bool, require_device: bool = False
    ) -> _Written | None:
        """Commit copies whose models are held; return what to wait for, None if nothing differs.

        require_device: whether a board that is away is a refusal; only a hub knows boards.
        """
        if self._closed:
            raise StateError("this state was closed")
        began = time.perf_counter()
        plans = self._plans(copies, merge)
        if not plans:
            return None
        self._ask_devices(plans)
        stored = time.perf_counter()
        mark = self._keeper.append(
            [
                ((plan.copy.topic, name, plan.origin.key), plan.new.__dict__[name])
                for plan in plans
                for name in plan.fields
            ]
        )
        for plan in plans:
            self._apply(plan)
        return _Written(mark, plans, began, stored)

    def _plans(self, copies: Iterable[StateModel], merge: bool) -> list[_Plan]:
        """Return what copies change; those that change nothing are left out."""
        plans: list[_Plan] = []
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
            if plans and any(plan.origin.cell is other.origin.cell for other in plans):
                raise StateError(f"two copies of {type(copy).topic} in one commit; merge them")
            plans.append(plan)
        return plans

    def _ask_devices(self, plans: Iterable[_Plan]) -> None:
        for plan in plans:
            _ask_devices(plan)

    def _plan(self, copy: StateModel, merge: bool) -> _Plan | None:
        """Return what a copy changes, None for nothing; the field and the model have their say."""
        origin = getattr(copy, "__origin__", None)
        if not isinstance(origin, _Origin) or origin.loaded is not self._loaded.get(copy.topic):
            raise StateError(f"this {type(copy).__name__} was not checked out here")
        if copy.topic not in held_here.get():
            raise StateError(f"{copy.topic} is not held here: with state({type(copy).__name__})")
        if copy.__dict__ == origin.values:
            return None
        new = _validated(copy, copy.__dict__)
        current, version = origin.cell.now
        if version != origin.version:
            changed = _differences(new, origin.values)
            _refuse_overtaken(copy.topic, origin, changed, merge)
            merged = {**current.__dict__, **{name: new.__dict__[name] for name in changed}}
            new = _validated(copy, merged)
        fields = _differences(new, current.__dict__)
        if not fields:
            return None
        try:
            new.check()
        except ValueError as error:
            raise CommitRejected("model", copy.topic, reason(error)) from error
        return _Plan(origin, copy, new, fields)

    def _apply(self, plan: _Plan) -> None:
        """Let a commit be true."""
        loaded, key, cell, _version, _values = plan.origin
        old, version = cell.now
        with self._lock:  # else who subscribes now might be told of it twice, or not at all
            cell.now = Now(plan.new, version + 1)
            for name in plan.fields:
                cell.changed_at[name] = version + 1
            if loaded.subscriptions:
                self._tell(loaded, Changed(loaded.model, key, old, plan.new, tuple(plan.fields)))
        origin = _Origin(loaded, key, cell, version + 1, plan.new.__dict__)
        object.__setattr__(plan.copy, "__origin__", origin)

    @staticmethod
    def _tell(loaded: Loaded, changed: Changed) -> None:
        for subscription in loaded.subscriptions:
            if subscription.wants(changed):
                subscription.offer(changed)


def _validated(copy: StateModel, values: dict[str, Any]) -> StateModel:
    """Return a model of these values; raises CommitRejected where a field does not take its own."""
    try:
        new = type(copy).__pydantic_validator__.validate_python(values.copy())
    except ValidationError as error:
        raise CommitRejected("field", copy.topic, reason(error)) from error
    assert isinstance(new, StateModel)
    return new


def _differences(new: StateModel, before: dict[str, Any]) -> list[str]:
    return [name for name, value in new.__dict__.items() if value != before[name]]


def _refuse_overtaken(topic: str, origin: _Origin, changed: list[str], merge: bool) -> None:
    """Raise StaleCheckout, unless what somebody else has changed since is to be merged, and can."""
    changed_at = origin.cell.changed_at
    overtaken = [name for name in changed if changed_at.get(name, 0) > origin.version]
    if merge and not overtaken:
        return
    others = overtaken or [name for name, at in changed_at.items() if at > origin.version]
    raise StaleCheckout(
        f"{topic} was committed by somebody else since this copy was checked "
        f"out ({', '.join(others)}); check out anew"
        + ("" if overtaken else ", or commit with merge=True")
    )


def _ask_devices(plan: _Plan) -> None:
    """Ask the devices of a model; raises CommitRejected if one of them says no."""
    loaded, key, cell, _version, _values = plan.origin
    if not loaded.devices:
        return
    began = time.perf_counter()
    refusal = None
    for device in loaded.devices:
        try:
            refusal = device(cell.now.current.copy_of(), plan.new.copy_of())
        except Exception as error:
            refusal = str(error) or type(error).__name__
        if refusal is not None:
            break
    loaded.measures.device.add(time.perf_counter() - began)
    if refusal is not None:
        loaded.measures.reject("device")
        raise CommitRejected("device", _shown(loaded.model, key), refusal)


def _shown(model: type[StateModel], key: str) -> str:
    return f"{model.topic}[{key}]" if key else model.topic
