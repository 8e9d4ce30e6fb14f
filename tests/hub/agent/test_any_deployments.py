"""Any deployments, rollbacks, messages, crashes and restarts: the log computes to the letter again.

A mode without broker and syncer, on a store on disk. It can end at any moment, also in the middle
of a deployment's transaction; what comes back is as before it or after it.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from myocan.hub.agent.batch import OwnMessage
from myocan.hub.agent.deployment import ModuleFiles, Reason, chosen, compiled
from myocan.hub.agent.mode import Mode
from myocan.hub.agent.order import FilesAtStart, Order, newcomers_of
from myocan.hub.agent.shared import LIVE, Shared
from myocan.hub.agent.topics import AdapterTopics
from myocan.hub.bus import Outgoing
from myocan.hub.core.linker import fold
from myocan.hub.core.program import AT_VARIABLE, INSTANCES_VARIABLE
from myocan.hub.history import deployments, replay, sources_as_of
from myocan.hub.house import House
from myocan.hub.lang import compile_module
from myocan.hub.store import LogRow, Position, Reader, Store
from myocan.hub.trust import Trust

START_MS = 1_811_851_200_000
"""2027-06-01 12:00 UTC."""

TYPES = ("0", "0.0", "{0-3}", "{off,on}")
"""What a variable may be in one text or another; some take the other's values, some do not."""


def plain_texts() -> list[str]:
    """Return texts of the module `plain`."""
    return [
        f"""MODULE plain{" HISTORY" if kind == "0" else ""}
SUBSCRIBE button.press
SUBSCRIBE meter.value
{said} count {kind}
PRIVATE seen 0
TIMER rest {minutes} minutes
ON button.press
  THEN {"next(count)" if kind == "{off,on}" else "count++"}
  THEN start(rest)
ON rest
  THEN seen++
ON meter.value
  THEN ignore
AT {minutes} minutes after 12:00
  THEN seen = seen + 10
"""
        for kind in TYPES
        for said, minutes in (("PUBLIC", 5), ("PRIVATE", 15))
    ]


def rooms_texts() -> list[str]:
    """Return texts of the module `rooms`, which has instances in most of them."""
    keyed = """MODULE rooms[room] AUTO
SUBSCRIBE motion[room].seen
SUBSCRIBE plain.count
PUBLIC count[room] {kind}
TIMER dark[room] 10 minutes
ON motion[room].seen
  THEN {by}
  THEN start(dark[room])
ON dark[room]
  THEN ignore
"""
    return [
        *(
            keyed.replace("{kind}", kind).replace("{by}", by)
            for kind, by in (
                ("0", "count[room]++"),
                ("0.0", "count[room]++"),
                ("{0-3}", "count[room]++"),
                ("{off,on}", "next(count[room])"),
            )
        ),
        "MODULE rooms\nSUBSCRIBE plain.count\nPUBLIC count 0\nON plain.count\n  THEN count++\n",
        "MODULE rooms\nSUBSCRIBE plain.count\nPUBLIC count[where] 0\n"
        'ON plain.count\n  THEN count["hall"] = count["hall"] + 1\n',
    ]


TEXTS = {"plain": [None, *plain_texts()], "rooms": [None, *rooms_texts()]}


PLAIN = st.integers(0, len(TEXTS["plain"]) - 1)
ROOMS = st.integers(0, len(TEXTS["rooms"]) - 1)
ONLY = st.sampled_from([(), (), ("plain",), ("rooms",)])


class Killed(Exception):
    """The end of a process."""


class Disk:
    """A journal that dies when it is told to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.written = self.synced = 0

    def append(
        self,
        mode: str,
        rows: Sequence[LogRow],
        positions: Sequence[Position] = (),
        released: int | None = None,
    ) -> None:
        self.written = self.synced = self._store.append(mode, rows, positions, released)


class Nobody:
    """A connection to no broker."""

    incarnation = 1
    online = True

    def __init__(self) -> None:
        self.frames: list[Outgoing] = []

    def publish(self, frames: Sequence[Outgoing]) -> None:
        self.frames += frames

    def confirmed(self) -> int | None:
        return None


def program(name: str, text: str) -> Any:
    return compile_module(text, name).program


class House_(RuleBasedStateMachine):
    """A house whose rules change."""

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="any-deployments-"))
        (self.root / "modules").mkdir()
        (self.root / "myocan.toml").write_text("")
        self.now_ms = START_MS
        self.dies_at = ""
        self.store: Store | None = None
        self._write_files(1, 1)
        self.start()

    def start(self) -> None:
        """Start a hub, as far as it concerns deployments."""
        if self.store is not None:
            self.store.close()
        house = House.load(self.root)
        self.store = Store.open(house.store_path, faults=self._fault)
        self.store.begin_incarnation()
        self.adapters = AdapterTopics(house.adapters())
        self.nobody = Nobody()
        shared: Any = Shared(
            house,
            self.store,
            Disk(self.store),  # type: ignore[arg-type]
            self.adapters,
            {},
            self.nobody,  # type: ignore[arg-type]
            lambda: 0.0,
            threading.Event(),
            lambda: None,
            Trust(always=True),
        )
        files = ModuleFiles(house.modules(), house.agent.name)
        at_start = FilesAtStart(files, self.adapters, self.store, house.agent.name)
        self.mode = Mode(LIVE, shared, at_start, lambda: self.now_ms)
        while self.mode.take_what_is_due() is None:
            pass

    def _fault(self, point: str) -> None:
        if point == self.dies_at:
            self.dies_at = ""
            raise Killed

    def _files(self) -> ModuleFiles:
        house = House.load(self.root)
        return ModuleFiles(house.modules(), house.agent.name)

    def _put_in_force(self, sources: dict[str, str], by: str, history: bool = False) -> None:
        deployment = compiled(sources, self.adapters, "main")
        newcomers = newcomers_of(deployment.programs, self.mode.sources, history)
        order = Order(deployment, Reason(by, "anna", self._files().hash), newcomers)
        while self.mode.deploy(order) is None:
            pass
        assert self.mode.sources == sources

    # ------------------------------------------------------------------ what may happen

    def _write_files(self, plain: int, rooms: int) -> None:
        for name, number in (("plain", plain), ("rooms", rooms)):
            file = self.root / "modules" / f"{name}.scc"
            text = TEXTS[name][number]
            if text is None:
                file.unlink(missing_ok=True)
            else:
                file.write_text(text)

    @rule(plain=PLAIN, rooms=ROOMS, history=st.booleans(), only=ONLY)
    def deploy(self, plain: int, rooms: int, history: bool, only: tuple[str, ...]) -> None:
        self._write_files(plain, rooms)
        files = self._files().sources()
        known = tuple(name for name in only if name in files or name in self.mode.sources)
        self._put_in_force(chosen(files, self.mode.sources, known), "deploy", history)

    @rule(plain=PLAIN, rooms=ROOMS)
    def write_files(self, plain: int, rooms: int) -> None:
        self._write_files(plain, rooms)

    @rule(place=st.integers(0, 100))
    def roll_back(self, place: int) -> None:
        with Reader(self.store.path) as reader:  # type: ignore[union-attr,arg-type]
            found = deployments(reader)
            one = found[place % len(found)]
            sources = sources_as_of(reader, LIVE, one.end)
        self._put_in_force(sources, "rollback")

    @rule(
        what=st.sampled_from(
            [
                ("button", "press", "null", ""),
                ("meter", "value", "2", ""),
                ("motion", "seen", "null", "hall"),
                ("motion", "seen", "null", "bath"),
                ("rooms", INSTANCES_VARIABLE, "true", "attic"),
                ("rooms", INSTANCES_VARIABLE, "null", "hall"),
            ]
        ),
        times=st.integers(1, 5),
    )
    def send(self, what: tuple[str, str, str, str], times: int) -> None:
        module, variable, value, key = what
        if self.mode.core.topic(("", module, fold(variable))) < 0:
            return
        message = OwnMessage(("", module, variable), value, "porch", key)
        now = None
        while now is None:
            now = self.mode.take_what_is_due()
        self.mode.process_own([message] * times, now)
        self.mode.core.compact()

    @rule(minutes=st.integers(1, 400))
    def pass_time(self, minutes: int) -> None:
        self.now_ms += minutes * 60_000
        while self.mode.take_what_is_due() is None:
            pass

    @rule(minutes=st.integers(0, 400), orderly=st.booleans())
    def restart(self, minutes: int, orderly: bool) -> None:
        if orderly:
            self.mode.close()
        self.now_ms += minutes * 60_000
        self.start()

    @rule(point=st.sampled_from(["append begun", "append filled", "append committed"]))
    def die_in_a_deployment(self, point: str) -> None:
        before = self.mode.sources, self.mode.offset
        files = self._files().sources()
        self.dies_at = point
        try:
            self._put_in_force(files, "deploy")
        except Killed:
            with Reader(self.store.path) as reader:  # type: ignore[union-attr,arg-type]
                state = sources_as_of(reader, LIVE, reader.newest())
                newest = reader.newest()
            done = point == "append committed" and newest >= before[1]
            assert state == (files if done else before[0])
            self.start()
        self.dies_at = ""

    # ------------------------------------------------------------------ what always holds

    @invariant()
    def what_runs_is_what_the_log_says(self) -> None:
        with Reader(self.store.path) as reader:  # type: ignore[union-attr,arg-type]
            state = reader.state()
        core = self.mode.core
        known = {
            (one.module, fold(variable.name)) for one in core.programs for variable in one.variables
        } | {(one.module, INSTANCES_VARIABLE) for one in core.programs if one.key}
        assert core.snapshot() == {n: text for n, text in state.items() if n[:2] in known}
        ats = {(one.module, at.identity) for one in core.programs for at in one.ats}
        assert {(name[0], name[2]) for name in state if name[1] == AT_VARIABLE} <= ats
        modules = {name[0] for name in state if name[1] == "%%code%%"}
        assert modules == {one.module for one in core.programs}

    def teardown(self) -> None:
        if self.store is None:
            return
        with Reader(self.store.path) as reader:  # type: ignore[arg-type]
            replayed = replay(reader.entries(), program)
        self.store.close()
        shutil.rmtree(self.root)
        assert replayed.differences == []


House_.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestAnyDeployments = House_.TestCase
