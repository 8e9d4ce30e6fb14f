"""A core and the reference side by side: both are given the same, and must tell the same.

The one idea: everything that a core tells is compared: rows with their keys, producers, causes and
lines; changes; what every variable holds; who is alive. Of a record the line is compared, since the
words are the core's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from core import reference as ref
from core.assemble import assemble, deliver, held, keyed_changes_of, keyed_rows_of
from core.reference import House, Message, Module
from core.shelves import Changes
from myocan.hub.core import Core, Program
from myocan.hub.core.program import INSTANCES_VARIABLE
from myocan.hub.core.scalars import parse_scalar

RECORDS = ("rejected", "failed", "unhandled")


class Pair:
    """The same modules in a core and in the reference.

    Arguments:
        modules: trees; the core gets what `program_of` makes of them.
        core: a fresh one of either build.
        short: which of two ways to say a thing the programs choose.
        most: how many instances the core may hold between two batches, None for all.
    """

    def __init__(
        self, modules: Sequence[Module], core: Core, short: bool = True, most: int | None = None
    ) -> None:
        self.core = core
        self.short = short
        self.most = most
        self.shelf: Changes | None = None if most is None else Changes(core, most)
        self.house = House(())
        self.offset = 0
        self.link(modules)

    def link(self, modules: Sequence[Module]) -> None:
        """Run these modules from now on."""
        self.core.link([self.program_of(module) for module in modules])
        self.house.link(modules)
        if self.shelf is not None:
            self.shelf.follow()
        self.check_state()

    def program_of(self, module: Module) -> Program:
        return assemble(module, self.short)

    def take(self, messages: Sequence[Message], now_ms: int) -> None:
        """Process a batch in both, and compare.

        Raises:
            TooLong: it leads to more than anyone wants to wait for; the core has not run it.
        """
        if self.shelf is not None:
            self.core.compact()  # what was looked at since goes back
        self.house.take(messages, now_ms, self.offset)
        count = deliver(self.core, messages, now_ms, self.offset)
        expected = [
            (row.topic, row.text, row.producer, row.cause, row.line, row.key)
            for row in self.house.rows
        ]
        seen = map(without_words, keyed_rows_of(self.core), self.house.rows)
        same_list("row", list(seen), expected[:count])
        assert count == len(expected)
        same_list("change", keyed_changes_of(self.core), self.house.changes)
        self.offset += count
        if self.shelf is not None:
            self.shelf.note()
        self.check_state()

    def check_state(self) -> None:
        """Compare what is written, what everything reads as, and who is alive."""
        assert self.core.snapshot() == self.house.snapshot()
        for running in self.house.running:
            name = running.module.name
            assert self.core.instances(name) == sorted(running.alive)
            for var in running.module.variables:
                keys = sorted(running.alive) if var.keyed else [""]
                if var.map:
                    keys = [key for variable, key in running.held if variable == ref.fold(var.name)]
                for key in keys:
                    folded = ref.fold(var.name)
                    value = running.held.get((folded, key), ref.initial_of(var))
                    assert held(self.core, name, folded, key) == ref.json_text(value)

    def move(self, core: Core) -> None:
        """Go on in a fresh core, from nothing but the programs and the snapshot."""
        core.link(self.core.programs)
        snapshot = self.core.snapshot()
        for births in (True, False):
            for (module, name, key), text in sorted(snapshot.items()):
                if (name == INSTANCES_VARIABLE) == births:
                    assert core.restore(module, name, *parse_scalar(text, core.intern), key)
        self.core = core
        if self.most is not None:
            self.shelf = Changes(core, self.most)
        self.check_state()


def same_list(what: str, seen: Sequence[object], expected: Sequence[object]) -> None:
    """Compare one by one, to tell the first that differs."""
    for number, (one, other) in enumerate(zip_longest(seen, expected)):
        assert one == other, f"{what} {number} is {one} in the core, {other} in the reference"


def without_words(seen: tuple[Any, ...], row: ref.Row) -> tuple[Any, ...]:
    """Return a row as it is, but of a record the line that its words name, instead of the words."""
    topic, text, producer, cause, _line, key = seen
    if row.text is None and topic[1] == "$log" and topic[2] in RECORDS:
        place = f'"{producer}.scc:{row.line}: ' if row.line else f'"{producer}'
        if text.startswith(place) or (topic[2] == "failed" and "was not passed on" in text):
            return (topic, None, producer, cause, row.line, key)
    return seen
