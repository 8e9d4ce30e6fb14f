"""Which code was in force when, as the log says it.

The one idea: a deployment is a message on `$admin.deploy`, a text that is JSON by itself, and the
texts that it changed are the messages behind it. A log that was begun before there was such a
message has the texts alone; those that follow one another at one time are taken for one deployment.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from myocan.hub.core.program import ADMIN_MODULE
from myocan.hub.history.past import CODE
from myocan.hub.store import Message, Reader

__all__ = ["Deployed", "deployment_of", "deployments", "sources_as_of"]


class Deployed(NamedTuple):
    """A deployment.

    Attributes:
        offset: where it stands in the log. end: its last message that has a text.
        time_ms: when, milliseconds since 1970 UTC.
        by: `start`, `deploy` or `rollback`. who: the login name of who asked for it, "" if the log
            does not say so.
        modules: what became of each module that it changed: `new`, `changed` or `removed`.
        forced: whether scenarios that failed were overruled. failed: their names.
        back_to: the offset of the deployment whose code it put back.
    """

    offset: int
    end: int
    time_ms: int
    by: str
    who: str
    modules: dict[str, str]
    forced: bool = False
    failed: tuple[str, ...] = ()
    back_to: int | None = None

    @classmethod
    def of(cls, message: Message) -> Deployed:
        """Return what a message on `$admin.deploy` says."""
        told = json.loads(json.loads(message.value))
        return cls(
            message.offset,
            message.offset,
            message.time_ms,
            str(told.get("by", "")),
            str(told.get("who", "")),
            dict(told.get("modules", {})),
            bool(told.get("forced", False)),
            tuple(told.get("failed", ())),
            told.get("back_to"),
        )

    def plain(self) -> dict[str, Any]:
        """Return it as plain values, for JSON."""
        plain = self._asdict()
        del plain["end"]
        return plain


def deployments(reader: Reader, mode: str = "live") -> list[Deployed]:
    """Return the deployments of a mode, the oldest first."""
    acts = reader.messages(mode, module=ADMIN_MODULE, variable="deploy")
    texts = reader.messages(mode, variable=CODE)
    found: list[Deployed] = []
    known: set[str] = set()
    for message in sorted([*acts, *texts]):
        if message.variable != CODE:
            found.append(Deployed.of(message))
            continue
        if not found or not _belongs(message, found[-1]):
            found.append(_of_text(message))
        last = found[-1]
        kind = _kind(message, known)
        modules = {**last.modules, message.module: last.modules.get(message.module, kind)}
        found[-1] = last._replace(end=message.offset, modules=modules)
    return found


def deployment_of(reader: Reader, mode: str, offset: int) -> Deployed | None:
    """Return the deployment that a message which puts a text in force belongs to.

    None if the log does not say: it is of a time before it did.
    """
    message = reader.last(mode, ADMIN_MODULE, "deploy", up_to=offset)
    found = None if message is None else Deployed.of(message)
    return found if found and offset <= found.offset + len(found.modules) else None


def sources_as_of(reader: Reader, mode: str, offset: int) -> dict[str, str]:
    """Return the texts in force after a message, by module.

    Raises Trimmed if that was so long ago that nobody knows any more.
    """
    state = reader.state_as_of(mode, offset)
    return {name[0]: json.loads(text) for name, text in state.items() if name[1] == CODE}


def _of_text(message: Message) -> Deployed:
    return Deployed(message.offset, message.offset, message.time_ms, "start", "", {})


def _belongs(message: Message, last: Deployed) -> bool:
    """Tell whether a text is part of the deployment before it."""
    return message.offset == last.end + 1 and message.time_ms == last.time_ms


def _kind(message: Message, known: set[str]) -> str:
    """Return what becomes of a module; take note of it."""
    if message.value == "null":
        known.discard(message.module)
        return "removed"
    kind = "changed" if message.module in known else "new"
    known.add(message.module)
    return kind
