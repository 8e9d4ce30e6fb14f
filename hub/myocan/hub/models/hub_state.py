"""The state of a running hub, typed: its models, which rules and boards change, too.

The one idea: here nothing is decided. A commit is asked of the hub, which has the last word on what
is true, in the order of its log; what became true, by whomever, is told back and taken in here.
So the runtime layer of this state follows the hub's log, and a version is an offset of it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TypeVar, overload

from myocan.hub.models.cells import Cell, Loaded, Now
from myocan.hub.models.contexts import Context
from myocan.hub.models.errors import CommitRejected, StaleCheckout, StateError
from myocan.hub.models.measures import Measures
from myocan.hub.models.model import StateModel, copied_from, from_json, heard, reason, said
from myocan.hub.models.plans import Commit, Plan
from myocan.hub.models.state import State
from myocan.hub.models.subscriptions import Changed
from myocan.hub.models.view import ModuleView

__all__ = ["Heard", "HubState"]

_Model = TypeVar("_Model", bound=StateModel)

FOLLOW_S = 10.0
"""How long a commit that the hub has taken may take to be told back."""

_log = logging.getLogger(__name__)


class Heard(NamedTuple):
    """What became true of a model.

    Attributes:
        topic, key: of which, "" for no instance.
        version: the offset of the message that did it.
        fields: JSON texts of those that changed, as messages say them; None: forgotten.
    """

    topic: str
    key: str
    version: int
    fields: Mapping[str, str | None]


class HubState(State):
    """The state of a running hub, in its own process or in another.

    Arguments:
        ask: asks the hub for a command, and returns its answer; raises StateError.
        producer: who commits, as the log has it.
        known: the classes that the hub has, by topic; None: any of a topic that it has.
        values: what is true: by (topic, key), the version and the fields as JSON texts.
    """

    def __init__(
        self,
        ask: Callable[[dict[str, Any]], dict[str, Any]],
        producer: str,
        known: Mapping[str, type[StateModel]] | None,
        topics: Mapping[str, str],
        values: Mapping[tuple[str, str], tuple[int, Mapping[str, str]]],
    ) -> None:
        super().__init__(producer=producer)
        self._ask_hub = ask
        self._known = known
        self._topics = topics
        self._values = {name: (version, dict(of)) for name, (version, of) in values.items()}
        self._taken = threading.Condition(self._lock)
        self._ended = ""
        self._own_thread: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing is committed any more."""
        return bool(self._ended)

    def open(self, path: str | Path) -> NoReturn:
        """See `State.open`; this one is kept by its hub."""
        raise StateError("this state is kept by its hub; there is no file to open")

    @overload
    def __call__(self, models: str, /) -> ModuleView: ...
    @overload
    def __call__(self, *models: type[StateModel]) -> Context: ...
    def __call__(self, *models: Any) -> Context | ModuleView:
        """Hold models, see `State`; or look at a module: `state("lamp1").light`.

        Raises StateError for a model or a module that the hub does not have.
        """
        if len(models) == 1 and isinstance(models[0], str):
            answer = self._request({"command": "state read", "module": models[0]})
            return ModuleView(models[0], answer["variables"], answer["instances"])
        return super().__call__(*models)

    def unconfirmed(self, model: type[StateModel], key: str = "") -> dict[str, str]:
        """Return the fields whose ports do not show what was committed, with the reason in words.

        A board that is away shows nothing until it is back; one that is online tells within a
        second what its ports show.
        """
        self._of(model)
        asked = {"command": "state unconfirmed", "topic": model.topic, "key": key}
        return dict(self._request(asked)["fields"])

    # ------------------------------------------------------------------ what became true

    def take_in(self, change: Heard) -> None:
        """Let something be true; for whoever hears the hub, in the order of its log."""
        topic, key, version, fields = change
        with self._taken:
            _version, values = self._values.get((topic, key), (0, {}))
            for name, text in fields.items():
                if text is None:
                    values.pop(name, None)
                else:
                    values[name] = text
            self._values[topic, key] = (version, values)
            loaded = self._loaded.get(topic)
            if loaded is not None:
                self._follow(loaded, loaded.cell(key), change)
            self._taken.notify_all()

    def _follow(self, loaded: Loaded, cell: Cell, change: Heard) -> None:
        old = cell.now.current
        new, fields = _with(old, change.fields)
        cell.now = Now(cell, new, change.version)
        # Of what a hub says that was started anew nobody knows which fields were another meanwhile.
        at = fields or tuple(loaded.model.model_fields)
        cell.changed_at.update(dict.fromkeys(at, change.version))
        if fields:
            loaded.tell(Changed(loaded.model, cell.key, old, new, fields))

    def values(self) -> dict[tuple[str, str], tuple[int, dict[str, str]]]:
        """Return what is true: by (topic, key), the version and the fields as JSON texts."""
        with self._taken:
            return {name: (version, dict(of)) for name, (version, of) in self._values.items()}

    def texts(self, topic: str, key: str) -> dict[str, str]:
        """Return the fields of a model as JSON texts; empty if nothing was ever said of it."""
        with self._taken:
            return dict(self._values.get((topic, key), (0, {}))[1])

    def as_of(self, topic: str, key: str) -> tuple[StateModel, dict[str, int]]:
        """Return what a model holds now, and which field is of which version."""
        loaded = self._loaded[topic]
        cell = loaded.cells.get(key)
        return (loaded.model(), {}) if cell is None else (cell.now.current, cell.changed_at)

    def measures_of(self, topic: str) -> Measures:
        """Return what is counted of a model; a device's refusal may name its key, too."""
        return self._loaded[topic.partition("[")[0]].measures

    def run_by(self, thread: int) -> None:
        """Know the thread that answers, by its number: it may not ask."""
        self._own_thread = thread

    def let_go_forked(self) -> None:
        """See `State.let_go_forked`; the connection is the other one's, too."""
        super().let_go_forked()
        self._ended = self._line.ended

    def end(self, reason: str) -> None:
        """Refuse all commits from now on: the hub ends."""
        with self._taken:
            self._ended = reason
            self._taken.notify_all()

    # ------------------------------------------------------------------ the two layers

    def _load(self, model: type[StateModel]) -> Loaded:
        if model.topic not in self._topics:
            known = ", ".join(sorted(self._topics)) or "none"
            raise StateError(
                f"{model.__name__} is no model of this house: its models.py has no {model.topic!r} "
                f"(it has: {known})"
            )
        if self._known is not None and self._known[model.topic] is not model:
            raise StateError(
                f"the hub has a {model.__name__} of its own: import it with `from models import "
                f"{self._known[model.topic].__name__}`"
            )
        if self._topics[model.topic] != model.key:
            raise StateError(
                f"{model.__name__} of this house has key = {self._topics[model.topic]!r}, and this "
                f"one {model.key!r}; use the same class"
            )
        loaded = Loaded(model)
        for (topic, key), (version, values) in self._values.items():
            if topic == model.topic:
                current, _fields = _with(model(), values)
                at = dict.fromkeys(values, version)  # nobody knows what came between, so all did
                loaded.cells[key] = cell = Cell(loaded, key, current, version, True)
                cell.changed_at = at
        loaded.cell("")
        return loaded

    def _checkout(self, loaded: Loaded, model: type[_Model], key: str) -> _Model:
        if bool(key) != bool(model.key):
            raise StateError(
                f"say which {model.key} of {model.__name__} is meant: checkout({model.__name__}, "
                f'"…")'
                if model.key
                else f"there is one {model.__name__} in this house; for one of each room, say, "
                f'write key = "room" into the class'
            )
        return super()._checkout(loaded, model, key)

    def _commit(
        self, copies: Iterable[StateModel], merge: bool, require_device: bool = False
    ) -> Commit | None:
        began = time.perf_counter()
        plans = self._plans(copies, merge)
        if not plans:
            return None
        self._ask_devices(plans)
        stored = time.perf_counter()
        answer = self._request(
            {
                "command": "state commit",
                "producer": self._producer,
                "merge": merge,
                "require_device": require_device,
                "counted": self._own_thread is not None,
                "models": [_asked(plan) for plan in plans],
            }
        )
        if "refused" in answer:
            refused = answer["refused"]
            self.measures_of(refused["model"]).reject(refused["by"])
            raise CommitRejected(refused["by"], refused["model"], refused["why"])
        if "stale" in answer:
            self.measures_of(answer["model"]).reject("stale")
            raise StaleCheckout(answer["stale"])
        for plan, version in zip(plans, answer["versions"], strict=True):
            self._wait_for(plan, version)
            copied_from(plan.copy, Now(plan.cell, plan.now.current, version))
        commit = Commit(plans, began, stored)
        commit.settled = True
        return commit

    def _wait_for(self, plan: Plan, version: int) -> None:
        """Wait until what was committed is known here, too."""
        ends = time.monotonic() + FOLLOW_S
        with self._taken:
            while plan.cell.now.version < version and not self._ended:
                if not self._taken.wait(ends - time.monotonic()):
                    raise StateError("the commit is true, but the hub has not told it back in time")

    def _request(self, content: dict[str, Any]) -> dict[str, Any]:
        if self._ended:
            raise StateError(self._ended)
        if threading.get_ident() == self._own_thread:
            raise StateError(
                "this is the hub's own thread, and it would wait for itself: commit from another, "
                "such as that of `setup` or a subscriber"
            )
        return self._ask_hub(content)


def _with(old: _Model, fields: Mapping[str, str | None]) -> tuple[_Model, tuple[str, ...]]:
    """Return a model with other values, and which fields are another then.

    A value that does not fit is left out: rules and boards are held to types and bounds, not to
    all that a class may ask of a text.
    """
    model = type(old)
    texts = {name: text for name, text in fields.items() if name in model.model_fields}
    given = {name: heard(model, name, text) for name, text in texts.items() if text is not None}
    fresh, misfits = from_json(model, given)
    for name, why in misfits.items():
        _log.warning(
            "%s.%s was said to be %s, which it cannot be: %s", model.topic, name, given[name], why
        )
    new = old.copy_of()
    values = dict(old.__dict__)
    values |= {name: fresh.__dict__[name] for name in texts if name not in misfits}
    new.__dict__.update(values)
    return new, tuple(name for name in values if values[name] != old.__dict__[name])


def _asked(plan: Plan) -> dict[str, Any]:
    """Return a model's part of a commit, as the hub is asked for it."""
    model = type(plan.copy)
    return {
        "topic": model.topic,
        "key": plan.cell.key,
        "version": plan.origin.version,
        "fields": {
            name: said(model, name, plan.now.current.__dict__[name]) for name in plan.fields
        },
    }


def checked(model: type[StateModel], current: StateModel, fields: Mapping[str, str]) -> StateModel:
    """Return a model as a commit would make it; for the hub, which has the last word.

    Raises CommitRejected: a field or the model says no.
    """
    try:
        new = current.copy_of()
        for name, text in fields.items():
            setattr(new, name, json.loads(heard(model, name, text), parse_float=Decimal))
    except Exception as error:  # validators and `check` may raise anything, and the hub goes on
        raise CommitRejected("field", model.topic, reason(error)) from error
    try:
        new.check()
    except Exception as error:
        raise CommitRejected("model", model.topic, reason(error)) from error
    return new
