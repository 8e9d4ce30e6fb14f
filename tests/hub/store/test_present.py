"""The state looked up is the state read, at any moment of checkpoints, appends and restarts."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from myocan.hub.store import Store

MODULES = ("lamp", "zone", "$log")
VARIABLES = ("$instances", "state", "last")
INSTANCES = ("", "a", "attic", "b", "ä", "\U0001f3e0", "\ufffd", "z")


class Written:
    """A store, and what it must tell."""

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.rng = random.Random(seed)
        self.state: dict[tuple[str, str, str], str] = {}
        self.changed: dict[int, str | None] = {}
        self.open()

    def open(self) -> None:
        self.store = Store.open(self.path)
        self.present = self.store.present("live")
        self.changed = {}
        self.checkpoint = None

    def append(self) -> None:
        store, rng = self.store, self.rng
        changed: dict[int, str | None] = {}
        for _ in range(rng.randint(1, 4)):
            name = rng.choice(MODULES), rng.choice(VARIABLES), rng.choice(INSTANCES)
            number = store.name_id(*name)
            if rng.random() < 0.3:
                changed[number] = None
                self.state.pop(name, None)
            else:
                changed[number] = self.state[name] = str(rng.randint(0, 99))
        said = ",".join(f"{-n},null" if v is None else f"{n},{v}" for n, v in changed.items())
        offset = store.next_offset("live")
        producer = store.producer_id("test")
        row = (offset, 0, number, "0", producer, None, None, None, f"[{said}]")
        store.append("live", [row])
        self.changed.update(changed)
        self.present.note(changed, offset)

    def go_on(self) -> None:
        """Do one of the things that happen to a store."""
        what = self.rng.random()
        if what < 0.6:
            self.append()
        elif what < 0.7 and self.checkpoint is None and self.changed:
            offset = self.store.next_offset("live") - 1
            self.checkpoint = self.store.start_checkpoint("live", offset, self.changed)
            self.changed = {}
        elif what < 0.9 and self.checkpoint is not None:
            if not self.checkpoint.step():
                self.checkpoint = None
        elif what > 0.95:
            self.store.close()
            self.open()

    def check(self) -> None:
        present, state = self.present, self.state
        names = self.store.names()
        read = {names[number]: value for number, value in self.store.recover("live").state.items()}
        assert read == state
        alone = {name: value for name, value in state.items() if not name[2]}
        assert present.without_instances() == alone
        for module in MODULES:
            mine = {name[1:]: value for name, value in state.items() if name[0] == module}
            for variable in VARIABLES:
                for instance in INSTANCES:
                    found = present.value(module, variable, instance)
                    assert found == mine.get((variable, instance))
            told, after = {}, ""
            keys = []
            while page := present.page(module, after, names=self.rng.randint(1, 5)):
                for instance, values in page:
                    keys.append(instance)
                    told |= {(variable, instance): value for variable, value in values.items()}
                    assert present.instance(module, instance) == values
                after = page[-1].instance
            assert keys == sorted({*keys})
            assert told == {name: value for name, value in mine.items() if name[1]}
            everything = {
                (variable, of.instance): value
                for of in present.of_module(module)
                for variable, value in of.values.items()
            }
            assert everything == mine


@pytest.mark.parametrize("seed", range(4))
def test_what_is_looked_up_is_what_was_written(tmp_path: Path, seed: int) -> None:
    written = Written(tmp_path / "store.sqlite", seed)
    for _ in range(60):
        written.go_on()
        written.check()
    written.store.close()
