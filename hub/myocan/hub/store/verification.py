"""Says whether a store is sound, and if not, what of it can still be had.

The one idea: a store says everything twice. The log says what changed, the state says what that
came to; so the log is added up once more and compared with each checkpoint. What cannot be found
wrong so, a letter that is another one in a message that nothing follows from, only a replay finds.

`Verified.modes` tells for each mode from where on it is *exact*: behind that offset no message is
missing and the state is known. An exact part is all that a hub needs to go on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from myocan.hub.store.contents import Contents
from myocan.hub.store.schema import BLOCK
from myocan.hub.store.walk import Gap, Line, Walk

__all__ = ["ModeVerified", "Verified", "verify", "verify_contents"]

Progress: TypeAlias = Callable[[int], None]
"""Called now and then with the number of messages that were looked at."""

EVERY = 10_000
MANY = 100_000
"""With more variables only the newest checkpoint is compared; each takes seconds."""
MOST_MISSING = 10**9
"""More than so many are never taken out at one place."""
SHOWN = 5
"""Variables that are named of those that differ."""


@dataclass(slots=True)
class ModeVerified:
    """What was found of one mode.

    name, number: the mode. messages: how many are sound. first, last: their offsets, 0 without any.
    trimmed: up to there messages were taken out on purpose. gaps: what is missing besides, up to
    `last`. exact_after: behind this offset nothing is missing, and the
    state there is known (0: empty); None if there is no such offset. state: after the last message,
    by number of the name; complete only if `exact_after` is known. positions: how far each board
    was heard. released: what the broker has confirmed.
    """

    name: str
    number: int
    messages: int = 0
    first: int = 0
    last: int = 0
    trimmed: int = 0
    gaps: list[Gap] = field(default_factory=list)
    exact_after: int | None = 0
    state: dict[int, str] = field(default_factory=dict)
    positions: dict[tuple[str, int], tuple[int | None, int]] = field(default_factory=dict)
    released: int = 0


@dataclass(slots=True)
class Verified:
    """What was found of a store: its modes, and what is wrong in words; none: it is sound.

    `more` counts further problems.
    """

    modes: list[ModeVerified]
    problems: list[str]
    more: int = 0

    @property
    def sound(self) -> bool:
        return not self.problems


def verify(path: Path, progress: Progress | None = None) -> Verified:
    """Look at all that the store at `path` has; works while a hub writes to it.

    Raises StoreError if there is none or it must not be read, StoreTooNew or StoreTooOld for
    another version's, StoreDamaged if nothing of it can be read.
    """
    with Contents(path) as contents:
        for text in contents.integrity():
            contents.problems.note(f"the file: {text}")
        return verify_contents(contents, progress)


def verify_contents(contents: Contents, progress: Progress | None = None) -> Verified:
    """The same of a file that is open, without what SQLite says of it."""
    problems = contents.problems
    if not contents.identity:
        problems.note("meta: the store's identity is lost")
    modes = []
    seen = 0
    for number, name in contents.modes:
        mode = ModeVerified(name, number)
        seen = _Verifier(contents, mode, progress, seen).run()
        modes.append(mode)
    for _ in contents.programs():
        pass
    contents.starts()
    return Verified(modes, list(problems.texts), problems.more)


class _Verifier:
    """Goes through one mode."""

    def __init__(
        self, contents: Contents, mode: ModeVerified, progress: Progress | None, seen: int
    ) -> None:
        self._contents = contents
        self._mode = mode
        self._progress = progress
        self._seen = seen
        self._checkpoints = contents.checkpoints(mode.number)
        self._newest = max(self._checkpoints, default=0)
        self._waiting = list(self._checkpoints)
        self._gone = contents.gone(mode.number)

    def run(self) -> int:
        """Fill in what is found; returns how many messages were seen until now."""
        contents, mode = self._contents, self._mode
        mode.released = contents.released(mode.number)
        mode.trimmed = contents.trimmed(mode.number)
        if mode.trimmed:
            mode.exact_after = None  # not before a checkpoint that is behind
        at = {}
        for board, boot, last, seen_ms, offset in contents.positions(mode.number):
            mode.positions[board, boot] = last, seen_ms
            at[board, boot] = offset
        walk = Walk(contents, mode.number, mode.name)
        before = 0
        for line in walk:
            if line.offset != before + 1:
                self._miss(before + 1, line.offset - 1)
            self._reach(line.offset - 1)
            before = line.offset
            for name, value in line.changes.items():
                if value is None:
                    mode.state.pop(name, None)
                else:
                    mode.state[name] = value
            if line.offset > self._newest:
                self._hear(line, at)
            self._seen += 1
            if self._progress is not None and self._seen % EVERY == 0:
                self._progress(self._seen)
        if before < self._newest:
            self._miss(before + 1, self._newest)
        self._reach(max(before, self._newest))
        mode.messages, mode.first, mode.last = walk.count, walk.first, max(before, self._newest)
        for gap in mode.gaps:
            contents.problems.note(f"{mode.name}: {gap} missing")
        return self._seen

    def _miss(self, first: int, last: int) -> None:
        """Messages are missing; as many of a block as were taken out on purpose are no loss."""
        mode, gone = self._mode, self._gone
        lost = int(last - first > MOST_MISSING)
        for block in () if lost else range((first - 1) // BLOCK, (last - 1) // BLOCK + 1):
            missing = min(last, (block + 1) * BLOCK) - max(first, block * BLOCK + 1) + 1
            explained = min(missing, gone.get(block, 0))
            lost += missing - explained
            if explained:
                gone[block] -= explained
        if lost:
            mode.gaps.append(Gap(first, last))
            # A checkpoint in the gap says more than what was before, but not all up to its end.
            mode.exact_after = None
            self._reach(last - 1)
            mode.exact_after = None

    def _hear(self, line: Line, at: dict[tuple[str, int], int]) -> None:
        mode = self._mode
        if line.released is not None:
            mode.released = max(mode.released, line.released)
        for board, boot, last, seen_ms in line.positions:
            if at.get((board, boot), -1) < line.offset:
                mode.positions[board, boot] = last, seen_ms

    def _reach(self, offset: int) -> None:
        """The next message comes behind `offset`."""
        while self._waiting and self._waiting[0] <= offset:
            checkpoint = self._waiting.pop(0)
            if checkpoint == self._newest or len(self._mode.state) <= MANY or self._is_lost():
                self._compare(checkpoint)

    def _is_lost(self) -> bool:
        """Whether the state is not surely known, so that the next checkpoint is needed for it."""
        return self._mode.exact_after is None

    def _compare(self, checkpoint: int) -> None:
        """Compare the state at a checkpoint with what the log came to, or start from it."""
        contents, mode = self._contents, self._mode
        before = len(contents.problems.texts) + contents.problems.more
        where = f"{mode.name}: the checkpoint at {checkpoint}"
        stored = contents.state(mode.number, checkpoint, where)
        readable = before == len(contents.problems.texts) + contents.problems.more
        if mode.exact_after is None:
            if readable and checkpoint >= mode.trimmed:
                mode.exact_after = checkpoint
            mode.state = {**mode.state, **stored} if not readable else stored
            return
        differing = sorted(
            name for name in mode.state.keys() | stored.keys()
            if mode.state.get(name) != stored.get(name)
        )  # fmt: skip
        if differing:
            named = [self._named(name) for name in differing[:SHOWN]]
            more = f" and {len(differing) - SHOWN:,} more" if len(differing) > SHOWN else ""
            contents.problems.note(
                f"{where} is not what the log comes to there: {', '.join(named)}{more}"
            )

    def _named(self, name: int) -> str:
        module, variable, instance = self._contents.names.get(name) or ("?", str(name), "")
        return f"{module}[{instance}].{variable}" if instance else f"{module}.{variable}"
