"""What a new module would know, had it always been there.

The one idea: a module that says HISTORY is fed, alone and in order, what its subscriptions carried
before it came; what it says meanwhile is thrown away, and what it knows in the end it knows from
its first moment on. This is part of the message that puts its text in force, so nothing is fed
twice, and no replay needs the messages that it was fed with.
"""

from __future__ import annotations

from collections.abc import Mapping

from myocan.hub.agent.batch import OwnMessage
from myocan.hub.agent.deployment import CODE
from myocan.hub.agent.outlet import Name
from myocan.hub.core import Core, Program, Role, Type
from myocan.hub.core.linker import fold
from myocan.hub.core.program import INSTANCES_VARIABLE
from myocan.hub.core.recorded import Recorded
from myocan.hub.store import Store

__all__ = ["learn", "said_of"]

PIECE = 4096
"""Messages that a new module is fed with at once."""


def learn(program: Program, store: Store, mode: str) -> dict[Name, str]:
    """Return what a new module knows of the messages before it, as JSON texts by name.

    Timers are left out: what would have run out long ago does not run now. A module of this name
    that was there before knows nothing of it: it has had its time.

    Arguments:
        program: the module's.
        store: whose log it is fed from.
        mode: of the log.
    """
    core = Core()
    core.link([program])
    names = store.names()
    heard = {
        (f"{domain}.{module}" if domain else module, variable)
        for domain, module, variable in _subscriptions(program)
    }
    recorded = Recorded(core, names.__getitem__, store.producer, lambda _: -1, lambda _: -1)
    feeds: dict[int, bool] = {}
    rows = []
    for row in store.rows(mode, 0):
        name = row[2]
        if name not in feeds:
            if names[name][:2] == (program.module, CODE):
                return {}
            feeds[name] = names[name][:2] in heard
        if feeds[name]:
            rows.append(row)
            if len(rows) == PIECE:
                recorded.feed(rows, list(range(PIECE)))
                core.compact()
                rows = []
    recorded.feed(rows, list(range(len(rows))))
    timers = {fold(one.name) for one in program.variables if one.role is Role.TIMER}
    known = {name: text for name, text in core.snapshot().items() if name[1] not in timers}
    return dict(sorted(known.items(), key=lambda item: item[0][1] != INSTANCES_VARIABLE))


def said_of(program: Program, known: Mapping[Name, str]) -> list[OwnMessage]:
    """Return the messages that tell others what a new module says, given what it knows."""
    messages = []
    for variable in program.variables:
        if variable.role is not Role.PUBLIC or variable.type is Type.EVENT:
            continue
        assert variable.topic is not None
        for (_module, name, key), text in known.items():
            if name == fold(variable.name):
                instance = variable.instance or key
                messages.append(OwnMessage(variable.topic, text, program.module, instance))
    return messages


def _subscriptions(program: Program) -> set[tuple[str, str, str]]:
    return {
        variable.topic
        for variable in program.variables
        if variable.role is Role.SUBSCRIBE and variable.topic is not None
    }
