"""G2: a crash leaves the store before or after a transaction, never between.

A machine of random operations runs against a model. Any operation may be killed at any of its fault
points; then the files are taken as they lie there, opened, and must say exactly what the model said
before the operation, or after it if the commit was over.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from myocan.hub.store import Checkpoint, LogRow, Position, Store, checkpoint, state

VALUES = st.sampled_from(['"on"', '"off"', "21.50", "-3", "null", "true", '["due",12]', '"ü\\n"'])
NAMES = st.integers(1, 12)
CHANGES = st.none() | st.dictionaries(NAMES, st.none() | VALUES, max_size=5)
POSITIONS = st.dictionaries(
    st.tuples(st.sampled_from(["porch", "hall"]), st.integers(1, 3)), st.none() | st.integers(1, 9)
)
BATCHES = st.lists(CHANGES, max_size=4)
CRASH = st.none() | st.integers(0, 3)


def text_of(changes: dict[int, str | None]) -> str:
    """The `changes_json` of a row."""
    pairs = [f"{name},{value}" if value is not None else f"{-name},null"
             for name, value in changes.items()]  # fmt: skip
    return "[" + ",".join(pairs) + "]"


class Model:
    """What the store should say, in plain dictionaries."""

    def __init__(self) -> None:
        self.rows: list[LogRow] = []
        self.changes: list[dict[int, str | None]] = []
        self.state: dict[int, str] = {}
        self.positions: dict[tuple[str, int], tuple[int, int]] = {}
        self.released = 0
        self.checkpoint = 0
        self.incarnation = 0

    def copy(self) -> "Model":
        other = Model()
        other.__dict__.update({
            key: value.copy() if isinstance(value, (list, dict)) else value
            for key, value in self.__dict__.items()
        })  # fmt: skip
        return other

    def since(self, offset: int, until: int | None = None) -> dict[int, str | None]:
        """What changed after `offset`, up to `until`."""
        changed: dict[int, str | None] = {}
        for changes in self.changes[offset:until]:
            changed.update(changes)
        return changed

    def append(
        self,
        rows: list[LogRow],
        changes: list[dict[int, str | None]],
        positions: list[Position],
        released: int | None,
    ) -> None:
        """Do what `Store.append` should."""
        self.rows += rows
        self.changes += changes
        for name, value in (pair for each in changes for pair in each.items()):
            if value is None:
                self.state.pop(name, None)
            else:
                self.state[name] = value
        for board, boot, last, seen in positions:
            if last is None:
                self.positions.pop((board, boot), None)
            else:
                self.positions[board, boot] = last, seen
        self.released = max(self.released, released or 0)


class Crashes(RuleBasedStateMachine):
    """The operations of the hub on its store, any of which may be its last."""

    killed: type[BaseException]
    leftovers: Callable[[Path, Path], Path]
    quick: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=self.quick))
        self.lives = 0
        self.opened = 0
        self.countdown: int | None = None
        self.point = ""
        self.model = Model()
        self.unfinished: Checkpoint | None = None
        self.store = Store.open(self.folder / "0" / "store.sqlite", faults=self.fault)
        for name in range(1, 13):
            assert self.store.name_id("lamp", f"v{name}") == name
        self.store.producer_id("porch")
        self.store.append("live", [], [])

    def fault(self, point: str) -> None:
        self.point = point
        if self.countdown == 0:
            raise self.killed
        if self.countdown is not None:
            self.countdown -= 1

    def attempt(self, operation: Callable[[], object], after: Model, crash: int | None) -> bool:
        """Run one transaction, killed at its `crash`-th fault point; whether it survived."""
        self.countdown = crash
        try:
            operation()
        except self.killed:
            self.countdown = None
            if self.point.endswith(" committed"):
                self.model = after
            self.lives += 1
            path = self.folder / str(self.lives - 1) / "store.sqlite"
            copy = self.leftovers(path, self.folder / str(self.lives))
            self.store.close()
            self.reopen(copy, None)
            return False
        self.countdown = None
        self.model = after
        return True

    def reopen(self, path: Path, crash: int | None) -> None:
        self.unfinished = None
        self.opened = len(self.model.rows)
        self.countdown = crash
        try:
            self.store = Store.open(path, faults=self.fault)
        except self.killed:
            self.countdown = None
            self.store = Store.open(path, faults=self.fault)
        self.countdown = None

    @rule(batch=BATCHES, positions=POSITIONS, released=st.none() | st.integers(0, 40), crash=CRASH)
    def append(
        self,
        batch: list[dict[int, str | None] | None],
        positions: dict[tuple[str, int], int | None],
        released: int | None,
        crash: int | None,
    ) -> None:
        first = len(self.model.rows) + 1
        rows: list[LogRow] = [
            (offset, 5000 + offset, 1 + offset % 12, "21.50", 1, None, 7, None,
             None if changes is None else text_of(changes))
            for offset, changes in enumerate(batch, first)
        ]  # fmt: skip
        listed = [(*key, last, first) for key, last in positions.items()]
        after = self.model.copy()
        after.append(rows, [changes or {} for changes in batch], listed, released)
        self.attempt(lambda: self.store.append("live", rows, listed, released), after, crash)

    @rule(back=st.integers(0, 3), steps=st.integers(1, 8), forgetful=st.booleans(), crash=CRASH)
    def checkpoint(self, back: int, steps: int, forgetful: bool, crash: int | None) -> None:
        """Start one, or go on with the one begun, for a few slices; the last may be killed."""
        if self.unfinished is None:
            self.offset = max(len(self.model.rows) - back, self.model.checkpoint, self.opened)
            # All since the last checkpoint, or only what this life has changed: both will do.
            since = max(self.model.checkpoint, self.opened) if forgetful else self.model.checkpoint
            changed = self.model.since(since, self.offset)
            self.unfinished = self.store.start_checkpoint("live", self.offset, changed)
        unfinished = self.unfinished
        for left in range(steps - 1, -1, -1):
            after = self.model.copy()
            if unfinished._place + checkpoint.SLICE >= len(unfinished._items):
                after.checkpoint = self.offset
            if not self.attempt(unfinished.step, after, None if left else crash):
                return
            if unfinished.finished:
                self.unfinished = None
                return

    @rule(crash=CRASH)
    def begin_incarnation(self, crash: int | None) -> None:
        after = self.model.copy()
        after.incarnation += 1
        self.attempt(self.store.begin_incarnation, after, crash)

    @rule(crash=CRASH)
    def restart(self, crash: int | None) -> None:
        self.store.close()
        self.reopen(self.folder / str(self.lives) / "store.sqlite", crash)

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        model = self.model
        recovered = self.store.recover("live")
        assert recovered.offset == len(model.rows)
        assert recovered.state == model.state
        assert recovered.checkpoint == model.checkpoint
        assert recovered.changed == model.since(model.checkpoint)
        assert {(board, boot): (last, seen) for board, boot, last, seen in recovered.positions} == (
            model.positions
        )
        assert recovered.released == model.released
        assert list(self.store.rows("live")) == model.rows
        saved = state.load_checkpoint(self.store._live().db, 1, model.checkpoint)
        expected = model.since(0, model.checkpoint)
        assert saved == {name: value for name, value in expected.items() if value is not None}
        assert self.store.incarnation == model.incarnation

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)


def test_a_crash_at_any_boundary_leaves_the_state_before_or_after_never_between(
    killed: type[BaseException],
    leftovers: Callable[[Path, Path], Path],
    quick: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoint, "SLICE", 2)
    Crashes.killed = killed
    Crashes.leftovers = staticmethod(leftovers)
    Crashes.quick = quick
    run_state_machine_as_test(
        Crashes,
        settings=settings(
            max_examples=40,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
