"""A shelf for tests: it has what the changes of the batches said, as a hub's store has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from myocan.hub.core import Core, Tag
from myocan.hub.core.program import INSTANCES_VARIABLE
from myocan.hub.core.scalars import scalar_json

Name = tuple[str, str, str]


class Changes:
    """Keeps the instances of a core that holds few of them.

    Arguments:
        core: whose instances they are.
        most: how many it may hold.
        piece: how many a page has.
    """

    def __init__(self, core: Core, most: int, piece: int = 2) -> None:
        self.piece = piece
        self.fetched = self.given = 0
        self.state: dict[Name, str] = {}
        self.core = core
        self.follow()
        core.use_shelf(self, most)

    def follow(self) -> None:
        """Have what the core has now; for after a change of its programs."""
        self.state = {name: text for name, text in self.core.snapshot().items() if name[2]}

    def note(self) -> None:
        """Take down what the core's last run changed, and let it hold fewer instances."""
        core = self.core
        for _row, slot, tag, value, key in core.changes():
            name = (*core.name_of(slot), core.texts[key] if key >= 0 else "")
            if tag == Tag.FORGOTTEN:
                del self.state[name]
            else:
                self.state[name] = scalar_json(tag, value, core.texts)
        core.compact()

    def fetch(self, module: str, key: str) -> Mapping[str, str] | None:
        self.fetched += 1
        return self._instance(module, key)

    def _instance(self, module: str, key: str) -> Mapping[str, str] | None:
        if (module, INSTANCES_VARIABLE, key) not in self.state:
            return None
        return {name[1]: text for name, text in self.state.items() if name[::2] == (module, key)}

    def page(self, module: str, after: str) -> Sequence[tuple[str, Mapping[str, str]]]:
        keys = sorted(
            key
            for of, name, key in self.state
            if of == module and name == INSTANCES_VARIABLE and key > after
        )
        self.given += len(keys[: self.piece])
        return [(key, self._instance(module, key) or {}) for key in keys[: self.piece]]
