"""The instances of a mode where they are not in memory: in the store.

The one idea: a start reads what has no key, and nothing else. An instance comes when somebody
speaks to it, a timer of one when its time is near, and what instances say goes to a new broker page
by page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from myocan.hub.agent.outlet import Name
from myocan.hub.core import Core, Program, Role
from myocan.hub.core.linker import fold
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE
from myocan.hub.keyed_timers import KeyedTimers, Soon
from myocan.hub.store import Present, Store

__all__ = ["StoreShelf"]

PAGE = 400
"""Names of a page of what instances say: what is read is said before anything else happens."""


class StoreShelf:
    """What a mode knows, looked up: the shelf of its core (`myocan.hub.core.Shelf`).

    Arguments:
        store: where it is.
        mode: the mode's name.

    `present` is its state.
    """

    def __init__(self, store: Store, mode: str) -> None:
        self._store = store
        self.present: Present = store.present(mode)

    def fetch(self, module: str, key: str) -> Mapping[str, str] | None:
        """Return what an instance holds, None if there is none of this key."""
        values = self.present.instance(module, key)
        return values if INSTANCES_VARIABLE in values else None

    def page(self, module: str, after: str) -> Sequence[tuple[str, Mapping[str, str]]]:
        """Return the next instances of a module, in the order of their keys."""
        while page := self.present.page(module, after):
            alive = [of for of in page if INSTANCES_VARIABLE in of.values]
            if alive:
                return alive
            after = page[-1].instance
        return []

    def beside_instances(self, programs: Iterable[Program]) -> dict[Name, str]:
        """Return what these programs know that belongs to no instance of theirs, though it has a
        key: the values of maps, and which occurrence of an AT was taken last."""
        found: dict[Name, str] = {}
        for program in programs:
            if any(variable.map for variable in program.variables):
                for key, values in self.present.of_module(program.module):
                    found |= {(program.module, name, key): text for name, text in values.items()}
            for at in program.ats:
                text = self.present.value(program.module, AT_VARIABLE, at.identity)
                if text is not None:
                    found[program.module, AT_VARIABLE, at.identity] = text
        return found

    def changed_of_instances(self) -> dict[Name, str]:
        """Return what of instances has changed since the last checkpoint before the start."""
        names = self._store.names()
        tail = self.present.tail.items()
        named = ((names[number], text) for number, text in tail if text is not None)
        return {name: text for name, text in named if name[2]}

    def timers(self, core: Core, *, few_digits: bool) -> KeyedTimers:
        """Return the timers of instances that run.

        Arguments:
            core: which modules run, and what their instances know.
            few_digits: whether there may be due times that the store's index does not have; then
                all instances are looked at.
        """

        def due_ms(name: Name) -> int:
            found = core.read(*name)
            return found[1] if found is not None and found[0] == 0 else 0

        if not few_digits:
            return KeyedTimers(_Names(self._store), due_ms, lambda at: Soon(*self.present.due(at)))
        timers = KeyedTimers(_Names(self._store), due_ms)
        for program in core.programs:
            of = {fold(v.name) for v in program.variables if v.keyed and v.role is Role.TIMER}
            for page in self.said([program.module] if of else ()):
                for name, text in page:
                    if name[1] in of and text.isdigit():
                        timers.note(name, int(text))
        return timers

    def said(self, modules: Iterable[str]) -> Iterator[list[tuple[Name, str]]]:
        """Return all that has a key, of these modules, by pages: names and JSON texts.

        A page is as things are when it is asked for.
        """
        for module in modules:
            after = ""
            while page := self.present.page(module, after, PAGE):
                yield [((module, name, of[0]), text) for of in page for name, text in of[1].items()]
                after = page[-1].instance


class _Names:
    """The store's names, for timers."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._names = store.names()

    def number(self, name: Name, /) -> int:
        return self._store.name_id(*name)

    def __getitem__(self, number: int, /) -> Name:
        return self._names[number]
