"""What a new module would know, had it always been there.

The one idea: a module that says HISTORY is fed, alone and in order, what its subscriptions carried
before it came; what it says meanwhile is thrown away, and what it knows in the end it knows from
its first moment on. This is part of the message that puts its text in force, so nothing is fed
twice, and no replay needs the messages that it was fed with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from myocan.hub.agent.batch import OwnMessage
from myocan.hub.agent.deployment import CODE
from myocan.hub.agent.outlet import Name
from myocan.hub.core import Core, Program, Role, Type
from myocan.hub.core.linker import fold
from myocan.hub.core.program import INSTANCES_VARIABLE
from myocan.hub.core.recorded import Recorded
from myocan.hub.store import LogRow

__all__ = ["Newcomer", "said_of"]


class Newcomer:
    """A new module that is told what came before it.

    A module of this name that was there before knows nothing of it: it has had its time.

    Arguments:
        program: the module's.
        since_ms: what is older is not told, milliseconds since 1970 UTC.
    """

    def __init__(self, program: Program, since_ms: int = 0) -> None:
        self.program = program
        self.had_its_time = False
        self._since_ms = since_ms
        self._core = Core()
        self._core.link([program])
        self._names: Callable[[int], Name] = lambda _: ("", "", "")
        self._producers: Callable[[int], str] = lambda _: ""
        self._recorded = Recorded(
            self._core,
            lambda number: self._names(number),
            lambda number: self._producers(number),
            lambda _: -1,
            lambda _: -1,
        )
        self._heard = {
            (f"{domain}.{module}" if domain else module, variable)
            for domain, module, variable in _subscriptions(program)
        }
        self._hears: dict[int, bool] = {}

    def take(
        self,
        rows: Iterable[LogRow],
        names: Callable[[int], Name],
        producers: Callable[[int], str],
    ) -> None:
        """Tell it the next messages of the log.

        Arguments:
            rows: they, as the store has them.
            names, producers: say what their numbers stand for.
        """
        self._names, self._producers = names, producers
        wanted = []
        for row in rows:
            number = row[2]
            if number not in self._hears:
                name = names(number)[:2]
                self.had_its_time |= name == (self.program.module, CODE)
                self._hears[number] = name in self._heard
            if self._hears[number] and row[1] >= self._since_ms and not self.had_its_time:
                wanted.append(row)
        if wanted:
            self._recorded.feed(wanted, list(range(len(wanted))))
            self._core.compact()

    def known(self) -> dict[Name, str]:
        """Return what it knows now, as JSON texts by name, births first.

        Timers are left out: what would have run out long ago does not run now.
        """
        if self.had_its_time:
            return {}
        timers = {fold(one.name) for one in self.program.variables if one.role is Role.TIMER}
        known = {n: text for n, text in self._core.snapshot().items() if n[1] not in timers}
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
