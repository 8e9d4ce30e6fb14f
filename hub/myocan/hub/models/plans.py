"""What a commit comes to, before it is true: what it changes, and who has a say in that.

The one idea: deciding changes nothing. A plan says what one model is to be; all plans of a commit
go their way together, and nothing of them is seen before all of them are true.
"""

from __future__ import annotations

import time
from typing import Any

from pydantic import ValidationError

from myocan.hub.models.cells import Now
from myocan.hub.models.errors import CommitRejected, StaleCheckout
from myocan.hub.models.model import StateModel, reason, to_json

__all__ = ["Change", "Commit", "Name", "Plan", "ask_devices", "plan_of"]

Name = tuple[str, str, str]
"""(topic, field, instance or "") of a value."""

Change = tuple[Name, str]
"""A value that changes: its name, and the new one as JSON text."""


class Plan:
    """One model's part of a commit.

    copy: what was committed; origin: what that is a copy of. now: what is to be true. fields: what
    differs from what is.
    """

    __slots__ = ("cell", "copy", "fields", "now", "origin")

    def __init__(self, copy: StateModel, origin: Now, now: Now, fields: list[str]) -> None:
        self.copy = copy
        self.origin = origin
        self.cell = origin.cell
        self.now = now
        self.fields = fields


class Commit:
    """Plans that were decided, on their way to become true.

    began, stored: when the commit and its writing began, as `time.perf_counter` has it. changes:
    the values that change, for who writes them. settled: whether it is true, or `error` says why
    not.
    """

    __slots__ = ("began", "changes", "error", "plans", "settled", "stored")

    def __init__(self, plans: list[Plan], began: float, stored: float) -> None:
        self.plans = plans
        self.began = began
        self.stored = stored
        self.changes: list[Change] = []
        self.settled = False
        self.error: Exception | None = None

    def state_changes(self) -> None:
        """Put down the values that change, in the order of the log."""
        self.changes = [
            ((plan.copy.topic, name, plan.cell.key), to_json(plan.now.current.__dict__[name]))
            for plan in self.plans
            for name in plan.fields
        ]


def plan_of(copy: StateModel, origin: Now, merge: bool) -> Plan | None:
    """Return what a copy changes, None for nothing; the field and the model have their say.

    Raises StaleCheckout, CommitRejected.
    """
    values, before = copy.__dict__, origin.current.__dict__
    if values == before:
        return None
    new = _validated(copy, values)
    cell = origin.cell
    newest = cell.ahead or cell.now
    if newest.version != origin.version:
        changed = _differences(new.__dict__, before)
        _refuse_overtaken(copy.topic, origin, changed, merge)
        before = newest.current.__dict__
        new = _validated(copy, before | {name: new.__dict__[name] for name in changed})
    fields = _differences(new.__dict__, before)
    if not fields:
        return None
    try:
        new.check()
    except ValueError as error:
        raise CommitRejected("model", copy.topic, reason(error)) from error
    if type(new).check is not StateModel.check:  # which may have set a field, too
        fields = _differences(new.__dict__, before)
        if not fields:
            return None
    return Plan(copy, origin, Now(cell, new, newest.version + 1), fields)


def _validated(copy: StateModel, values: dict[str, Any]) -> StateModel:
    """Return a model of these values; raises CommitRejected where a field does not take its own."""
    try:
        new: StateModel = type(copy).__pydantic_validator__.validate_python(values.copy())
    except ValidationError as error:
        raise CommitRejected("field", copy.topic, reason(error)) from error
    return new


def _differences(new: dict[str, Any], before: dict[str, Any]) -> list[str]:
    return [name for name, value in new.items() if value != before[name]]


def _refuse_overtaken(topic: str, origin: Now, changed: list[str], merge: bool) -> None:
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


def ask_devices(plan: Plan) -> None:
    """Ask the devices of a model; raises CommitRejected if one of them says no."""
    cell, loaded = plan.cell, plan.cell.loaded
    if not loaded.devices:
        return
    began = time.perf_counter()
    refusal = None
    for device in loaded.devices:
        try:
            refusal = device(cell.now.current.copy_of(), plan.now.current.copy_of())
            if refusal is not None and not isinstance(refusal, str):
                refusal = f"it answered {refusal!r}; a device returns why not, as a text, or None"
        except Exception as error:
            refusal = str(error) or type(error).__name__
        if refusal is not None:
            break
    loaded.measures.device.add(time.perf_counter() - began)
    if refusal is not None:
        loaded.measures.reject("device")
        raise CommitRejected("device", _shown(loaded.model, cell.key), refusal)


def _shown(model: type[StateModel], key: str) -> str:
    return f"{model.topic}[{key}]" if key else model.topic
