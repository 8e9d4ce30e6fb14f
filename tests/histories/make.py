"""Records the histories of small houses: some weeks of each, in a second or two.

The one idea: it is the hub's own code that lives through these weeks, on a clock of its own, with
what boards send drawn from a seed. So a recording is what a hub of that day wrote into its log.

    python tests/histories/make.py          record all anew, after a change that is meant
    git diff --stat tests/histories         shows whose history it has changed
"""

from __future__ import annotations

import gzip
import json
import logging
import random
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from histories.houses import HOUSES, Recorded  # noqa: E402
from myocan.hub.agent.batch import Batch, OwnMessage  # noqa: E402
from myocan.hub.agent.deployment import Reason, load_deployment  # noqa: E402
from myocan.hub.agent.mode import Mode  # noqa: E402
from myocan.hub.agent.order import Order, newcomers_of  # noqa: E402
from myocan.hub.agent.shared import LIVE, Shared  # noqa: E402
from myocan.hub.agent.topics import AdapterTopics  # noqa: E402
from myocan.hub.core import Program, Role, Type, Variable  # noqa: E402
from myocan.hub.core.linker import TopicName  # noqa: E402
from myocan.hub.core.program import INSTANCES_VARIABLE, INT64_MAX  # noqa: E402
from myocan.hub.core.scalars import decimal_text, time_text  # noqa: E402
from myocan.hub.house import House  # noqa: E402
from myocan.hub.store import Position, Reader, Store  # noqa: E402
from myocan.hub.trust import Trust  # noqa: E402

DAY_MS = 86_400_000
DAYS = 21
START_MS = int(datetime(2027, 10, 17, 5, tzinfo=UTC).timestamp() * 1000)
"""Summer time ends on October 31."""

AWAY_DAY = 13
"""The hub is away from then on for a day and a half, over the end of summer time."""


class Silence:
    """A broker that nobody listens to, and a disk that is at once done."""

    incarnation = 1

    def __init__(self, store: Store) -> None:
        self._store = store
        self.written = self.synced = 0

    def append(
        self, mode: str, rows: Any, positions: tuple[Position, ...] = (), released: Any = None
    ) -> None:
        self.written = self.synced = self._store.append(mode, rows, positions, released)

    def confirmed(self) -> None:
        return None

    def publish(self, frames: object) -> None:
        pass


class Life:
    """A hub in its house."""

    def __init__(self, recorded: Recorded, folder: Path) -> None:
        self.recorded = recorded
        self.texts = dict(recorded.modules)
        self.now = START_MS
        self._draw = random.Random(recorded.name)
        (folder / "modules").mkdir(parents=True)
        (folder / "adapters").mkdir()
        (folder / "myocan.toml").write_text(recorded.settings)
        self._house = House.load(folder)
        self.path = self._house.store_path
        self._store = Store.open(self.path, draw=lambda count: bytes(count))
        self._adapters = AdapterTopics(())
        self.start("start")

    def start(self, by: str | None) -> None:
        """Start a hub on the log, with the rules as they are now or, without `by`, those before."""
        self._store.begin_incarnation(note="recorded")
        silence: Any = Silence(self._store)
        shared = Shared(
            house=self._house,
            store=self._store,
            journal=silence,
            adapters=self._adapters,
            functions={},
            connection=silence,
            monotonic=lambda: self.now / 1000,
            stopping=threading.Event(),
            wake=lambda: None,
            trust=Trust(always=True),
        )
        order = None if by is None else self._order(by, {})
        self._mode = Mode(LIVE, shared, order, lambda: self.now)
        self.settle()

    def stop(self) -> None:
        self._mode.close()

    def deploy(self, texts: dict[str, str | None], hot: bool) -> None:
        """Put other texts in force, in the hub that runs or with its next start."""
        before = dict(self.texts)
        for module, text in texts.items():
            self.texts.pop(module, None)
            if text is not None:
                self.texts[module] = text
        if hot:
            while self._mode.deploy(self._order("deploy", before)) is None:
                pass
        else:
            self.stop()
            self.start("start")

    def _order(self, by: str, in_force: dict[str, str]) -> Order:
        deployment = load_deployment(self.texts, self._adapters, self._store, "main")
        newcomers = newcomers_of(deployment.programs, in_force)
        return Order(deployment, Reason(by, "anna", ""), newcomers)

    def send(self, count: int) -> None:
        """Let boards send some messages, which are one batch."""
        batch = Batch()
        heard = sorted(self._heard(), key=lambda one: (one[0], one[1].line))
        keyed = [program.module for program in self._mode.core.programs if program.key]
        for _ in range(count):
            topic, variable = self._draw.choice(heard)
            key = self._draw.choice(self.recorded.keys) if variable.keyed else ""
            message = OwnMessage(topic, self._value(variable), "porch", key)
            if keyed and self._draw.random() < 0.04:
                births = ("", self._draw.choice(keyed), INSTANCES_VARIABLE)
                lives = self._draw.choice(("true", "true", "null"))
                message = OwnMessage(births, lives, "anna", self._draw.choice(self.recorded.keys))
            batch.add_own(self._mode.core, message)
        batch.origins = [(name, self.now - self._draw.randrange(900)) for name, _ in batch.origins]
        self._mode.process(batch, self._mode.now())
        self.settle()

    def wait(self, until_ms: int) -> None:
        """Let time pass, and what is due come at its time."""
        while True:
            due = self._mode._clockwork.next_ms()
            self.now = until_ms if due is None else min(max(self.now, due), until_ms)
            while self._mode.take_what_is_due() is None:
                pass
            self.settle()
            if self.now == until_ms:
                return

    def settle(self) -> None:
        """Do what goes on beside messages."""
        for _ in range(3):
            self._mode.keep()
        self._mode.keep_checkpoint()
        self._mode.core.compact()

    def close(self) -> None:
        self.stop()
        self._store.close()

    def _heard(self) -> Iterator[tuple[TopicName, Variable]]:
        """Yield what modules hear and no module says."""
        programs: list[Program] = self._mode.core.programs
        said = {
            one.topic for program in programs for one in program.variables
            if one.role is Role.PUBLIC
        }  # fmt: skip
        for program in programs:
            for one in program.variables:
                if one.role is not Role.SUBSCRIBE or one.topic is None or one.topic in said:
                    continue
                if not one.topic[1].startswith("$"):
                    yield one.topic, one

    def _value(self, variable: Variable) -> str:
        """Draw a value that a board could send; now and then one that does not fit."""
        draw = self._draw
        if variable.type in (Type.EVENT, Type.ANY):
            return draw.choice(("null", "null", '"long"', "7"))
        if draw.random() < 0.03:
            return '"nonsense"'
        if variable.type is Type.ENUMERATION:
            return json.dumps(draw.choice(variable.members))
        if variable.type is Type.BOOLEAN:
            return draw.choice(("true", "false"))
        if variable.type is Type.TIME:
            return json.dumps(time_text(draw.randrange(6 * 60, 8 * 60)))
        if variable.type is Type.TEXT:
            return json.dumps(draw.choice((*self.recorded.keys, "Grüß Gott", "five o'clock")))
        lower, upper = variable.lower, variable.upper
        one = 10**variable.decimals
        if upper == INT64_MAX or upper > 200 * one:
            lower, upper = max(lower, 0), 80 * one
        return decimal_text(draw.randint(max(lower, -80 * one), upper), variable.decimals)


def live(recorded: Recorded, folder: Path, days: int = DAYS) -> Path:
    """Let a house live through its weeks; return its store."""
    life = Life(recorded, folder)
    draw = random.Random(f"days of {recorded.name}")
    later = {day: (hot, texts) for day, hot, texts in recorded.later}
    for day in range(days):
        if day in later:
            hot, texts = later[day]
            life.deploy(texts, hot)
        elif day % 5 == 4:
            life.stop()
            life.start(None)
        begin = START_MS + day * DAY_MS
        if day == AWAY_DAY:
            life.stop()
            life.now = begin + 3 * DAY_MS // 2
            life.start(None)
            continue
        for moment in sorted(draw.randrange(DAY_MS) for _ in range(recorded.per_day)):
            life.wait(max(life.now, begin + moment))
            life.send(draw.choice((1, 1, 1, 2, 3)))
    life.close()
    return life.path


def record(path: Path) -> bytes:
    """Return the log of a store as compressed JSON lines, one a message."""
    lines = []
    with Reader(path) as reader:
        for message, changes in reader.entries():
            changed = [[*name, text] for name, text in changes.items()]
            lines.append(json.dumps([*message, changed], ensure_ascii=False, separators=(",", ":")))
    return gzip.compress("\n".join(lines).encode() + b"\n", 9, mtime=0)


def main() -> None:
    logging.disable()  # what the hub has to say stands in the log
    for house in HOUSES:
        recorded = house()
        with tempfile.TemporaryDirectory() as folder:
            packed = record(live(recorded, Path(folder) / "house"))
        file = FOLDER / f"{recorded.name}.jsonl.gz"
        file.write_bytes(packed)
        count = gzip.decompress(packed).count(b"\n")
        print(f"{file.name}: {count:,} messages, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
